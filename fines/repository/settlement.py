"""Statements about settlement files: kept as they came, read back in the order of RRNs.

Set-based throughout: a file of ten thousand rows is a dozen statements.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import date, datetime
from itertools import islice
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from fines import models
from fines.rules.reconciliation import Ours, Theirs
from fines.rules.reconciliation_words import UNPAIRED, Source
from fines.wire.settlement import RowKind, SettlementRow

_BATCH = 2000
_LOCK = 0x53415153  # of whoever reconciles: one at a time
_ROW_COLUMNS = (
    "file_id", "line_number", "kind", "rrn", "approval_code", "terminal_number", "merchant_number",
    "stan", "amount_tiyn", "fee_tiyn", "transacted_at", "settlement_date", "card_masked",
)  # fmt: skip


async def lock_reconciliation(session: AsyncSession) -> None:
    """Wait until nobody else reconciles; the lock ends with the transaction."""
    await session.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))


async def known_file(session: AsyncSession, sha256: bytes) -> models.AcquirerFile | None:
    """Return the file that was imported with this hash."""
    return await session.scalar(
        sa.select(models.AcquirerFile).where(models.AcquirerFile.sha256 == sha256)
    )


async def copy_rows(session: AsyncSession, *, file_id: UUID, rows: Iterable[SettlementRow]) -> None:
    """Store the rows of a file as they are read."""
    connection = await session.connection()
    raw = (await connection.get_raw_connection()).driver_connection
    if raw is None:
        raise RuntimeError("a connection in use has its driver")
    numbered = enumerate(rows, start=2)  # the heading is line 1
    while batch := list(islice(numbered, _BATCH)):
        await raw.copy_records_to_table(
            "acquirer_rows",
            columns=_ROW_COLUMNS,
            records=[
                (
                    file_id,
                    line_number,
                    row.kind.value,
                    row.rrn,
                    row.approval_code,
                    row.terminal_number,
                    row.merchant_number,
                    row.stan,
                    row.amount_tiyn,
                    row.fee_tiyn,
                    row.transacted_at,
                    row.settlement_date,
                    row.card_masked,
                )
                for line_number, row in batch
            ],
        )


# A refund names the RRN of its sale. Ours come first within an RRN; the sort is by bytes.
_UNPAIRED_SQL = ", ".join(f"'{one.value}'" for one in UNPAIRED)
_BY_RRN = sa.text(
    f"""
    SELECT * FROM (
    SELECT true AS ours, i.id AS item_id, p.number AS number, i.refund_id, p.rrn,
        p.approval_code, p.terminal_number_expected AS terminal_number, p.merchant_number,
        coalesce(f.amount_tiyn, p.amount_tiyn) AS amount_tiyn, i.day,
        CASE WHEN i.refund_id IS NULL THEN 'sale' ELSE 'refund' END AS kind,
        p.confirmed_at IS NOT NULL AS confirmed, NULL::date AS settlement_date
    FROM reconciliation_items i
        JOIN payments p ON p.number = i.payment_number
        LEFT JOIN refunds f ON f.id = i.refund_id
    WHERE i.verdict IN ({_UNPAIRED_SQL}) AND i.source = 'acquirer' AND i.day >= :oldest
    UNION ALL
    SELECT false, NULL, r.id, NULL, r.rrn, r.approval_code, r.terminal_number, r.merchant_number,
        r.amount_tiyn, (r.transacted_at AT TIME ZONE 'Asia/Almaty')::date, r.kind, NULL,
        r.settlement_date
    FROM acquirer_rows r WHERE r.file_id = :file_id
    UNION ALL
    SELECT false, i.id, r.id, NULL, r.rrn, r.approval_code, r.terminal_number, r.merchant_number,
        r.amount_tiyn, i.day, r.kind, NULL, r.settlement_date
    FROM reconciliation_items i JOIN acquirer_rows r ON r.id = i.acquirer_row_id
    WHERE i.verdict IN ({_UNPAIRED_SQL}) AND i.payment_number IS NULL
        AND i.source = 'acquirer' AND i.day >= :oldest AND r.file_id <> :file_id
    ) AS both_sides
    ORDER BY rrn COLLATE "C", ours DESC, number
    """  # noqa: S608 - only fixed words are put in
)


async def groups_by_rrn(
    session: AsyncSession, *, file_id: UUID, oldest: date
) -> AsyncIterator[tuple[list[Ours], list[Theirs]]]:
    """Yield, RRN by RRN, what of ours waits and what the file and earlier ones tell.

    What stands open since before ``oldest`` is left to its case: differences of years are not
    read again with every file.
    """
    found = await session.stream(
        _BY_RRN, {"file_id": file_id, "oldest": oldest}, execution_options={"yield_per": 2000}
    )
    rrn: str | None = None
    ours: list[Ours] = []
    theirs: list[Theirs] = []
    async for row in found:
        if row.rrn != rrn:
            if ours or theirs:
                yield ours, theirs
            rrn, ours, theirs = row.rrn, [], []
        if row.ours:
            ours.append(_ours(row))
        else:
            theirs.append(_theirs(row))
    if ours or theirs:
        yield ours, theirs


def _ours(row: sa.Row[tuple[object, ...]]) -> Ours:
    return Ours(
        item_id=row.item_id,
        payment_number=row.number,
        rrn=row.rrn,
        approval_code=row.approval_code or "",
        terminal_number=row.terminal_number,
        merchant_number=row.merchant_number or "",
        amount_tiyn=row.amount_tiyn,
        day=row.day,
        kind=RowKind(row.kind),
        refund_id=row.refund_id,
        confirmed=row.confirmed,
    )


def _theirs(row: sa.Row[tuple[object, ...]]) -> Theirs:
    return Theirs(
        row_id=row.number,
        item_id=row.item_id,
        kind=RowKind(row.kind),
        rrn=row.rrn,
        approval_code=row.approval_code,
        terminal_number=row.terminal_number,
        merchant_number=row.merchant_number,
        amount_tiyn=row.amount_tiyn,
        day=row.day,
        settlement_date=row.settlement_date,
    )


async def keys_paired_before(
    session: AsyncSession, rrns: Sequence[str]
) -> set[tuple[str, str, str, str]]:
    """Return RRN, approval code, terminal and merchant of sales that have their pair already."""
    row, item = models.AcquirerRow, models.ReconciliationItem
    found = await session.execute(
        sa.select(row.rrn, row.approval_code, row.terminal_number, row.merchant_number)
        .join(item, item.acquirer_row_id == row.id)
        .where(
            row.rrn == sa.any_(sa.cast(list(rrns), sa.ARRAY(sa.String))),
            row.kind == RowKind.SALE,
            item.payment_number.is_not(None),
        )
    )
    return {(a, b, c, d) for a, b, c, d in found}


async def first_settlement_date(session: AsyncSession, *, file_id: UUID) -> date | None:
    """Return the earliest settlement date that a file tells of."""
    row = models.AcquirerRow
    # A fence: else the least date is looked for along the index of all dates, from the beginning
    # of all files on.
    of_file = (
        sa.select(row.settlement_date)
        .where(row.file_id == file_id)
        .cte()
        .prefix_with("MATERIALIZED")
    )
    first: date | None = await session.scalar(sa.select(sa.func.min(of_file.c.settlement_date)))
    return first


async def batch_sums(session: AsyncSession, *, file_id: UUID) -> Sequence[tuple[date, str, int]]:
    """Return the sums a file tells for each settlement date and merchant."""
    row = models.AcquirerRow
    signed = sa.case((row.kind == RowKind.SALE, row.amount_tiyn), else_=-row.amount_tiyn)
    found = await session.execute(
        sa.select(row.settlement_date, row.merchant_number, sa.func.sum(signed))
        .where(row.file_id == file_id)
        .group_by(row.settlement_date, row.merchant_number)
    )
    return [(day, merchant, int(total)) for day, merchant, total in found]


async def put_paired(session: AsyncSession, rows: Sequence[dict[str, object]]) -> None:
    """Write what was found of rows of ours: verdict, detail, their row, their sum."""
    await _unnested(
        session,
        """
        UPDATE reconciliation_items i
        SET verdict = v.verdict, detail = v.detail, acquirer_row_id = v.row_id,
            theirs_tiyn = v.theirs, found_at = :at
        FROM unnest(CAST(:item_id AS bigint[]), CAST(:verdict AS text[]), CAST(:detail AS text[]),
            CAST(:row_id AS bigint[]), CAST(:theirs AS bigint[]))
            AS v(item_id, verdict, detail, row_id, theirs)
        WHERE i.id = v.item_id
        """,
        ("item_id", "verdict", "detail", "row_id", "theirs"),
        rows,
    )


async def put_theirs(session: AsyncSession, rows: Sequence[dict[str, object]]) -> None:
    """Add items for rows of theirs that have no pair."""
    await _unnested(
        session,
        """
        INSERT INTO reconciliation_items (day, source, verdict, detail, acquirer_row_id,
            terminal_number, theirs_tiyn, found_at)
        SELECT v.day, 'acquirer', v.verdict, v.detail, v.row_id, v.terminal_number, v.theirs, :at
        FROM unnest(CAST(:day AS date[]), CAST(:verdict AS text[]), CAST(:detail AS text[]),
            CAST(:row_id AS bigint[]), CAST(:terminal_number AS text[]),
            CAST(:theirs AS bigint[]))
            AS v(day, verdict, detail, row_id, terminal_number, theirs)
        """,
        ("day", "verdict", "detail", "row_id", "terminal_number", "theirs"),
        rows,
    )


async def put_settled(session: AsyncSession, numbers: Sequence[int], *, at: datetime) -> None:
    """Post the settlement of these payments, and move those whose paper is filed to settled."""
    await session.execute(
        sa.text(
            "INSERT INTO ledger_postings (kind, debit, credit, amount_tiyn, payment_number, at) "
            "SELECT 'settlement', 'treasury_due', 'acquirer_clearing', amount_tiyn, number, :at "
            "FROM payments WHERE number = ANY(CAST(:numbers AS bigint[])) ORDER BY number"
        ),
        {"numbers": list(numbers), "at": at},
    )
    settle = sa.text(
        "UPDATE payments SET status = 'settled' "
        "WHERE number = ANY(CAST(:numbers AS bigint[])) AND status = 'filed'"
    )
    await session.execute(settle, {"numbers": list(numbers)})
    # Whose paper is being filed at this moment holds the lock: waited for, it is settled here;
    # who files later waits for us and finds the posting (service.bookkeeping.settle_if_booked).
    rest = await session.scalars(
        sa.text(
            "SELECT number FROM payments WHERE number = ANY(CAST(:numbers AS bigint[])) "
            "AND status <> 'settled' ORDER BY number FOR UPDATE"
        ),
        {"numbers": list(numbers)},
    )
    unsettled = list(rest)
    if unsettled:
        await session.execute(settle, {"numbers": unsettled})


async def _unnested(
    session: AsyncSession,
    statement: str,
    columns: Sequence[str],
    rows: Sequence[dict[str, object]],
) -> None:
    arrays = {name: [row[name] for row in rows] for name in columns}
    await session.execute(sa.text(statement), {**arrays, "at": rows[0]["at"]})


async def put_batch(
    session: AsyncSession, *, settled: date, merchant: str, total: int, file_id: UUID, at: datetime
) -> None:
    """Let the treasury owe an answer for what a file tells of one settlement date and merchant."""
    item = models.ReconciliationItem
    subject = f"{settled.isoformat()}|{merchant}"
    known = await session.scalar(
        sa.select(item).where(item.source == Source.TREASURY, item.subject == subject)
    )
    if known is not None and known.verdict in UNPAIRED:
        known.ours_tiyn = (known.ours_tiyn or 0) + total
        return
    await session.execute(
        sa.text(
            "INSERT INTO reconciliation_items (day, source, verdict, detail, subject, "
            "terminal_number, ours_tiyn, found_at) VALUES (:day, 'treasury', 'waiting', 'none', "
            ":subject, '', :total, :at)"
        ),
        {
            "day": settled,
            # A second file after the treasury has answered for the first: an answer of its own.
            "subject": subject if known is None else f"{subject}|{file_id.hex[:12]}",
            "total": total,
            "at": at,
        },
    )
