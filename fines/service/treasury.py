"""Taking the treasury's statements: did what the acquirer settled reach the budget?"""

import hashlib
from collections import Counter
from datetime import date, datetime
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.calendar.rules import nth_working_day_after
from app.calendar.service import working_calendar
from app.db import transaction
from fines import models
from fines.errors.money import SettlementFileNotValid
from fines.repository import ledger, settlement
from fines.repository import treasury as statements
from fines.rules.ledger import Posting, PostingKind
from fines.rules.reconciliation_words import UNPAIRED, Detail, Source, Verdict
from fines.service.desk import Desk
from fines.service.reconciling import Imported, age
from fines.wire.treasury import LineKind, SheetNotValid, TreasuryLine, read

_ON_THE_WAY_WORKING_DAYS = 2  # money reaches the treasury within two (the portal's own term)
_POSTINGS = {
    LineKind.RECEIPT: PostingKind.TREASURY_RECEIPT,
    LineKind.RETURN: PostingKind.TREASURY_RETURN,
}


async def import_treasury(
    desk: Desk, *, content: bytes, caller: Principal | None, now: datetime
) -> Imported:
    """Take a statement, book what arrived, and hold it against what the acquirer settled.

    All or nothing; the same statement again changes nothing. A line is booked whatever its
    verdict: the money is there.

    Raises:
        SettlementFileNotValid: the statement is not whole; nothing of it was kept.
    """
    digest = hashlib.sha256(content).digest()
    fields = {"sha256": digest.hex()}
    async with (
        desk.refusals_audited(event="fines.treasury_refused", who=caller, at=now, fields=fields),
        transaction(desk.sessions) as session,
    ):
        await settlement.lock_reconciliation(session)
        known = await statements.known_statement(session, digest)
        if known is not None:
            return Imported(file_id=known.id, rows=known.count, sum_tiyn=known.sum_tiyn, again=True)
        try:
            lines = read(content)
        except SheetNotValid as error:
            raise SettlementFileNotValid(str(error), line_number=error.line_number) from error
        statement = models.TreasuryStatement(
            id=uuid4(),
            sha256=digest,
            count=len(lines),
            sum_tiyn=sum(one.signed_tiyn for one in lines),
            imported_by_post_id=None if caller is None else caller.post_id,
            imported_at=now,
        )
        session.add(statement)
        await session.flush()
        verdicts = await _hold_against(session, statement, lines, now)
        await age(desk, session, now=now)
        told = {one.value: verdicts[one] for one in sorted(verdicts, key=str)}
        await desk.trail.record(
            session,
            event="fines.treasury_imported",
            at=now,
            who=caller,
            fields=fields
            | {
                "statement_id": str(statement.id),
                "lines": len(lines),
                "sum_tiyn": statement.sum_tiyn,
                "verdicts": told,
            },
        )
        return Imported(
            file_id=statement.id,
            rows=len(lines),
            sum_tiyn=statement.sum_tiyn,
            verdicts=dict(verdicts),
        )


async def _hold_against(
    session: AsyncSession,
    statement: models.TreasuryStatement,
    lines: tuple[TreasuryLine, ...],
    now: datetime,
) -> Counter[Verdict]:
    days = await working_calendar(session)
    counted: Counter[Verdict] = Counter()
    ids = await statements.put_lines(session, statement_id=statement.id, lines=lines)
    for line_id, line in zip(ids, lines, strict=True):
        await ledger.post(
            session,
            [Posting(kind=_POSTINGS[line.kind], amount_tiyn=line.amount_tiyn)],
            treasury_line_id=line_id,
            at=now,
        )
        last_day = nth_working_day_after(
            day=line.settlement_date, n=_ON_THE_WAY_WORKING_DAYS, days=days
        )
        verdict = await _judge_line(session, line_id, line, last_day=last_day, now=now)
        counted[verdict] += 1
    return counted


async def _judge_line(
    session: AsyncSession, line_id: int, line: TreasuryLine, *, last_day: date, now: datetime
) -> Verdict:
    subject = f"{line.settlement_date.isoformat()}|{line.merchant_number}"
    batch = await statements.batch_item(session, subject)
    if batch is None or batch.verdict not in UNPAIRED:
        verdict = Verdict.ONLY_THEIRS if batch is None else Verdict.DUPLICATE
        session.add(
            models.ReconciliationItem(
                day=line.settlement_date,
                source=Source.TREASURY,
                verdict=verdict,
                detail=Detail.NONE,
                subject=f"{subject}|line {line_id}",
                terminal_number="",
                theirs_tiyn=line.signed_tiyn,
                found_at=now,
            )
        )
        await session.flush()
        return verdict
    if batch.ours_tiyn != line.signed_tiyn:
        batch.verdict = Verdict.AMOUNT_DIFFERS
    else:
        batch.verdict = Verdict.LATE if line.received_on > last_day else Verdict.MATCHED
    batch.theirs_tiyn, batch.found_at = line.signed_tiyn, now
    await session.flush()
    return batch.verdict
