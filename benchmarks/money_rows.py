"""Days of paid fines put straight into the tables, with their postings, for measuring and tests.

    async with direct.connection() as connection:
        await put_day(connection, day=date(2026, 11, 20), count=10_000)
        content = settlement.write(await rows_of(connection, day=date(2026, 11, 20), ...))

Foreign keys and triggers sleep while the rows are put in (the role must be a superuser): a day of
payments belongs to no offence record here. They are awake when anything is measured.
"""

from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from fines.wire.settlement import RowKind, SettlementRow

TERMINALS: Final = 200
_PAYMENTS: Final = """
INSERT INTO payments (id, offence_record_id, status, reason, department_id, post_id,
    terminal_device_id, terminal_number_expected, amount_tiyn, full_tiyn, discount_tiyn, rounding,
    idempotency_key, request_sha256, created_at, sent_at, approved_at, confirmed_at, signed_at,
    filed_at, owner_verdict, merchant_number, terminal_receipt_number, trace_number, rrn,
    approval_code, card_brand, card_masked, signed_paper_id)
SELECT gen_random_uuid(), gen_random_uuid(), 'filed', 'none', $4, $5,
    md5('terminal' || n % 200)::uuid, '525' || lpad((n % 200)::text, 5, '0'),
    owed / 2, owed, owed / 2, 'exact_tiyn_payers_favour',
    gen_random_uuid()::text, '\\x00', t, t, t, t, t, t,
    'match', '000000000000777', n % 10000, n % 1000000,
    right(to_char($1::date, 'YYYY'), 1) || to_char($1::date, 'DDD') || lpad(n::text, 8, '0'),
    upper(left(md5(n::text || $1::text), 6)), 'VISA',
    '400000******' || lpad((n % 10000)::text, 4, '0'), gen_random_uuid()
FROM (SELECT n, (n * 7919 % 40 + 1) * 216250 AS owed,
        ($1::date::timestamp AT TIME ZONE 'Asia/Almaty')
        + n * (interval '23 hours' / $3) AS t
    FROM generate_series($2::bigint, $2::bigint + $3 - 1) AS n) AS numbered
ORDER BY n
"""
_POSTINGS: Final = """
INSERT INTO ledger_postings (kind, debit, credit, amount_tiyn, payment_number, at)
SELECT k.kind, k.debit, k.credit, p.amount_tiyn * k.times, p.number, p.approved_at
FROM payments p, (VALUES ('approval', 'acquirer_clearing', 'unconfirmed', 1),
    ('charge', 'receivable', 'fines', 2), ('payment', 'unconfirmed', 'receivable', 1),
    ('discount', 'discount', 'receivable', 1)) AS k(kind, debit, credit, times)
WHERE p.number >= $1 ORDER BY p.number
"""
_ITEMS: Final = """
INSERT INTO reconciliation_items (day, source, verdict, detail, payment_number, department_id,
    post_id, device_id, terminal_number, ours_tiyn, found_at)
SELECT $2, 'acquirer', 'waiting', 'none', number, department_id, post_id, terminal_device_id,
    terminal_number_expected, amount_tiyn, approved_at
FROM payments WHERE number >= $1 ORDER BY number
"""
_ROWS: Final = """
SELECT rrn, approval_code, terminal_number_expected, merchant_number, trace_number, amount_tiyn,
    approved_at, card_masked
FROM payments WHERE number >= $1 AND number < $2 ORDER BY number
"""


async def put_day(
    connection: Any, *, day: date, count: int, department_id: UUID, post_id: UUID
) -> range:
    """Put ``count`` filed payments of ``day`` with their postings; return their numbers."""
    async with connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute("SET LOCAL statement_timeout = 0")
        first = await connection.fetchval("SELECT coalesce(max(number), 0) + 1 FROM payments")
        await connection.execute(_PAYMENTS, day, 0, count, department_id, post_id)
        first = await connection.fetchval(
            "SELECT min(number) FROM payments WHERE number >= $1", first
        )
        await connection.execute(_POSTINGS, first)
        await connection.execute(_ITEMS, first, day)
    return range(first, first + count)


async def rows_of(connection: Any, *, numbers: range, settlement_date: date) -> list[SettlementRow]:
    """Return the rows that an honest acquirer tells of these payments."""
    return [
        SettlementRow(
            kind=RowKind.SALE,
            rrn=row[0],
            approval_code=row[1],
            terminal_number=row[2],
            merchant_number=row[3],
            stan=row[4],
            amount_tiyn=row[5],
            fee_tiyn=row[5] // 100,
            transacted_at=row[6],
            settlement_date=settlement_date,
            card_masked=row[7],
        )
        for row in await connection.fetch(_ROWS, numbers.start, numbers.stop)
    ]


def working_days(first: date, count: int) -> list[date]:
    """Return ``count`` days from Monday to Thursday, each with an ordinary day after it."""
    days: list[date] = []
    while len(days) < count:
        if first.weekday() < 4:  # noqa: PLR2004 - Friday
            days.append(first)
        first += timedelta(days=1)
    return days


_SETTLED_ROWS: Final = """
INSERT INTO acquirer_rows (file_id, line_number, kind, rrn, approval_code, terminal_number,
    merchant_number, stan, amount_tiyn, fee_tiyn, transacted_at, settlement_date, card_masked)
SELECT $3, 1 + number - $1, 'sale', rrn, approval_code, terminal_number_expected,
    merchant_number, trace_number, amount_tiyn, 0, approved_at, $4, card_masked
FROM payments WHERE number >= $1 AND number < $2 ORDER BY number
"""
_SETTLED_ITEMS: Final = """
UPDATE reconciliation_items i SET verdict = 'matched', theirs_tiyn = ours_tiyn,
    acquirer_row_id = $3 + i.payment_number - $1
WHERE i.payment_number >= $1 AND i.payment_number < $2
"""
_SETTLED_POSTINGS: Final = """
INSERT INTO ledger_postings (kind, debit, credit, amount_tiyn, payment_number, at)
SELECT 'settlement', 'treasury_due', 'acquirer_clearing', amount_tiyn, number, approved_at
FROM payments WHERE number >= $1 AND number < $2 ORDER BY number
"""


async def settle_day(connection: Any, *, numbers: range, settlement_date: date) -> None:
    """Write into the tables what an honest file for these payments leaves behind."""
    file_id = uuid4()
    bounds = (numbers.start, numbers.stop)
    async with connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute("SET LOCAL statement_timeout = 0")
        await connection.execute(
            "INSERT INTO acquirer_files (id, sha256, count, sum_tiyn, imported_at) "
            "VALUES ($1, $2, $3, 0, now())",
            file_id,
            file_id.bytes,
            len(numbers),
        )
        await connection.execute(_SETTLED_ROWS, *bounds, file_id, settlement_date)
        first = await connection.fetchval(
            "SELECT min(id) FROM acquirer_rows WHERE file_id = $1", file_id
        )
        await connection.execute(_SETTLED_ITEMS, *bounds, first)
        await connection.execute(_SETTLED_POSTINGS, *bounds)
        await connection.execute(
            "UPDATE payments SET status = 'settled' WHERE number >= $1 AND number < $2", *bounds
        )


_CREATED: Final = """
INSERT INTO payments (id, offence_record_id, status, reason, department_id, post_id,
    terminal_device_id, terminal_number_expected, amount_tiyn, full_tiyn, discount_tiyn, rounding,
    idempotency_key, request_sha256, created_at, sent_at)
SELECT gen_random_uuid(), gen_random_uuid(), 'sent', 'none', $2, $3,
    gen_random_uuid(), '52500042', 108125, 216250, 108125, 'exact_tiyn_payers_favour',
    gen_random_uuid()::text, '\\x00', now(), now() FROM generate_series(1, $1)
RETURNING number
"""


async def put_sent(connection: Any, *, count: int, department_id: UUID, post_id: UUID) -> list[int]:
    """Put payments whose sale is at the terminal; return their numbers."""
    async with connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        rows = await connection.fetch(_CREATED, count, department_id, post_id)
    return [row[0] for row in rows]
