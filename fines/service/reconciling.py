"""Taking the acquirer's settlement files, and what time makes of rows that found no pair."""

import hashlib
import io
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.calendar.rules import WorkingCalendar, nth_working_day_after
from app.calendar.service import working_calendar
from app.clock import law_date
from app.db import transaction
from fines import models
from fines.errors.money import SettlementFileNotValid
from fines.repository import reconciliation, settlement
from fines.rules.reconciliation import Finding, Ours, classify
from fines.rules.reconciliation_words import Detail, Verdict
from fines.service.desk import Desk
from fines.service.settling import end_by_acquirer, mark_refunds_paid
from fines.wire.sealed import trailer_of
from fines.wire.settlement import RowKind, SheetNotValid, rows

FLUSH_AT: Final = 2000
_CASES_MAX: Final = 5000  # opened in one transaction; the rest the next time
_LATE_WORKING_DAYS: Final = 1  # T+1
_CASE_WORKING_DAYS: Final = 2  # T+2
_CARRIED: Final = timedelta(days=60)  # before the file: how long a row may look for its pair
_PAIRED: Final = frozenset({Verdict.MATCHED, Verdict.LATE})


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What came of a file: how many rows, and how many of each verdict."""

    file_id: UUID
    rows: int
    sum_tiyn: int
    again: bool = False
    verdicts: dict[Verdict, int] = field(default_factory=dict)


async def import_settlement(
    desk: Desk, *, content: bytes, caller: Principal | None, now: datetime
) -> Imported:
    """Take a settlement file, pair its rows with ours, and book what is settled.

    All or nothing, in one transaction; the same file again changes nothing. ``caller`` is ``None``
    where the administrator's command brings it.

    Raises:
        SettlementFileNotValid: the file is not whole; nothing of it was kept.
    """
    digest = hashlib.sha256(content).digest()
    fields = {"sha256": digest.hex()}
    async with _refusals(desk, caller, now, fields), transaction(desk.sessions) as session:
        await settlement.lock_reconciliation(session)
        known = await settlement.known_file(session, digest)
        if known is not None:
            return Imported(file_id=known.id, rows=known.count, sum_tiyn=known.sum_tiyn, again=True)
        file_id = uuid4()
        count, total = await _store(session, file_id, content, digest, caller, now)
        verdicts = await _pair_up(desk, session, file_id=file_id, now=now)
        for settled, merchant, owed in await settlement.batch_sums(session, file_id=file_id):
            await settlement.put_batch(
                session, settled=settled, merchant=merchant, total=owed, file_id=file_id, at=now
            )
        await age(desk, session, now=now)
        await desk.trail.record(
            session,
            event="fines.settlement_imported",
            at=now,
            who=caller,
            fields=fields
            | {
                "file_id": str(file_id),
                "rows": count,
                "sum_tiyn": total,
                "verdicts": {one.value: verdicts[one] for one in sorted(verdicts, key=str)},
            },
        )
        return Imported(file_id=file_id, rows=count, sum_tiyn=total, verdicts=dict(verdicts))


def _refusals(
    desk: Desk, caller: Principal | None, now: datetime, fields: dict[str, str]
) -> AbstractAsyncContextManager[None]:
    return desk.refusals_audited(
        event="fines.settlement_refused", who=caller, at=now, fields=fields
    )


async def _store(
    session: AsyncSession,
    file_id: UUID,
    content: bytes,
    digest: bytes,
    caller: Principal | None,
    now: datetime,
) -> tuple[int, int]:
    # The file's row stands under its rows, so its count comes from the trailer; what the rows
    # say is checked against it as they are read, and anything wrong takes all of it back.
    try:
        count, total = trailer_of(content)
        await _put_file(session, file_id, (digest, count, total), caller, now)
        await settlement.copy_rows(session, file_id=file_id, rows=rows(io.BytesIO(content)))
    except SheetNotValid as error:
        raise SettlementFileNotValid(str(error), line_number=error.line_number) from error
    return count, total


async def _put_file(
    session: AsyncSession,
    file_id: UUID,
    told: tuple[bytes, int, int],
    caller: Principal | None,
    now: datetime,
) -> None:
    digest, count, total = told
    session.add(
        models.AcquirerFile(
            id=file_id,
            sha256=digest,
            count=count,
            sum_tiyn=total,
            imported_by_post_id=None if caller is None else caller.post_id,
            imported_at=now,
        )
    )
    await session.flush()


@dataclass
class _Pending:
    """Findings that are not written yet; written a few thousand at a time."""

    paired: list[dict[str, object]] = field(default_factory=list)
    theirs: list[dict[str, object]] = field(default_factory=list)
    settled: list[int] = field(default_factory=list)
    refunds: list[UUID] = field(default_factory=list)
    unconfirmed: list[Finding] = field(default_factory=list)
    counted: Counter[Verdict] = field(default_factory=Counter)


async def _pair_up(
    desk: Desk, session: AsyncSession, *, file_id: UUID, now: datetime
) -> Counter[Verdict]:
    late_after = _working_days_after(await working_calendar(session), _LATE_WORKING_DAYS)
    pending = _Pending()
    doubtful: list[Finding] = []
    first = await settlement.first_settlement_date(session, file_id=file_id)
    oldest = min(first or law_date(now), law_date(now)) - _CARRIED
    async for ours, theirs in settlement.groups_by_rrn(session, file_id=file_id, oldest=oldest):
        for finding in classify(ours=ours, theirs=theirs, late_after=late_after):
            pending.counted[finding.verdict] += 1
            if finding.verdict is Verdict.ONLY_THEIRS:
                doubtful.append(finding)
            else:
                _note(pending, finding, now)
        if len(pending.paired) + len(pending.theirs) >= FLUSH_AT:
            await _flush(desk, session, pending, now)
    await _note_doubtful(session, pending, doubtful, now)
    await _flush(desk, session, pending, now)
    for finding in pending.unconfirmed:
        await end_by_acquirer(desk, session, finding, now=now)
    return pending.counted


async def _note_doubtful(
    session: AsyncSession, pending: _Pending, doubtful: list[Finding], now: datetime
) -> None:
    """Tell a row that repeats one of an earlier file from one we know nothing of."""
    rrns = sorted({one.theirs.rrn for one in doubtful if one.theirs is not None})
    before = await settlement.keys_paired_before(session, rrns) if rrns else set()
    for one in doubtful:
        row = one.theirs
        if row is None:
            continue
        key = (row.rrn, row.approval_code, row.terminal_number, row.merchant_number)
        if row.kind is RowKind.SALE and key in before:
            pending.counted[Verdict.ONLY_THEIRS] -= 1
            pending.counted[Verdict.DUPLICATE] += 1
            _note(pending, Finding(verdict=Verdict.DUPLICATE, theirs=row), now)
        else:
            _note(pending, one, now)


def _note(pending: _Pending, one: Finding, now: datetime) -> None:
    ours, row = one.ours, one.theirs
    if ours is not None and not ours.confirmed and ours.refund_id is None:
        # The terminal has never said how this sale ended; the acquirer's word decides.
        if row is not None and one.verdict in _PAIRED:
            pending.unconfirmed.append(one)
        elif one.detail is Detail.TAKEN_BACK_THERE:
            pending.unconfirmed.append(one)
            return
    if ours is not None:
        _note_ours(pending, one, ours, now)
    elif row is not None and row.item_id is not None:
        pending.paired.append(_told(row.item_id, one, now) | {"row_id": row.row_id})
    elif row is not None:
        pending.theirs.append(
            {
                "day": row.day,
                "verdict": one.verdict.value,
                "detail": one.detail.value,
                "row_id": row.row_id,
                "terminal_number": row.terminal_number,
                "theirs": row.signed_tiyn,
                "at": now,
            }
        )


def _note_ours(pending: _Pending, one: Finding, ours: Ours, now: datetime) -> None:
    row = one.theirs
    if row is None and one.verdict is Verdict.WAITING and one.detail is Detail.NONE:
        return  # nothing new is known of it
    if row is not None and row.item_id is not None:  # stood open alone since an earlier file
        gone = Finding(verdict=Verdict.WITHDRAWN, detail=Detail.PAIRED, theirs=row)
        pending.paired.append(_told(row.item_id, gone, now) | {"row_id": row.row_id})
    pending.paired.append(_told(ours.item_id, one, now))
    if one.verdict in _PAIRED:
        if isinstance(ours.refund_id, UUID):
            pending.refunds.append(ours.refund_id)
        elif ours.confirmed:
            pending.settled.append(ours.payment_number)


def _told(item_id: int, one: Finding, now: datetime) -> dict[str, object]:
    row = one.theirs
    return {
        "item_id": item_id,
        "verdict": one.verdict.value,
        "detail": one.detail.value,
        "row_id": None if row is None else row.row_id,
        "theirs": None if row is None else row.signed_tiyn,
        "at": now,
    }


async def _flush(desk: Desk, session: AsyncSession, pending: _Pending, now: datetime) -> None:
    if pending.paired:
        await settlement.put_paired(session, pending.paired)
    if pending.theirs:
        await settlement.put_theirs(session, pending.theirs)
    if pending.settled:
        await settlement.put_settled(session, pending.settled, at=now)
    if pending.refunds:
        await mark_refunds_paid(desk, session, pending.refunds, now=now)
    pending.paired, pending.theirs = [], []
    pending.settled, pending.refunds = [], []


async def age(desk: Desk, session: AsyncSession, *, now: datetime) -> int:
    """Say what has waited past T+1, and open a case for what is unexplained by T+2.

    Returns how many cases were opened.
    """
    today = law_date(now)
    days = await working_calendar(session)
    await reconciliation.say_only_ours(
        session, last_day=_last_day_past(days, today, _LATE_WORKING_DAYS), at=now
    )
    opened = await reconciliation.open_cases(
        session,
        last_day=_last_day_past(days, today, _CASE_WORKING_DAYS),
        because="unmatched by T+2",
        at=now,
        limit=_CASES_MAX,
    )
    for case_id in opened:
        await desk.trail.record(
            session,
            event="fines.case_opened",
            at=now,
            who=None,
            fields={"case_id": str(case_id), "because": "unmatched by T+2"},
        )
    return len(opened)


async def age_all(desk: Desk, now: datetime) -> int:
    """Do what ``age`` does, in a transaction of its own; the worker's job."""
    async with transaction(desk.sessions) as session:
        await settlement.lock_reconciliation(session)
        return await age(desk, session, now=now)


def _working_days_after(days: WorkingCalendar, n: int) -> Callable[[date], date]:
    known: dict[date, date] = {}

    def last_in_time(day: date) -> date:
        if day not in known:
            known[day] = nth_working_day_after(day=day, n=n, days=days)
        return known[day]

    return last_in_time


def _last_day_past(days: WorkingCalendar, today: date, n: int) -> date:
    """Return the latest day whose ``n``-th working day after it is over before ``today``."""
    day = today - timedelta(days=n + 1)
    while nth_working_day_after(day=day, n=n, days=days) >= today:
        day -= timedelta(days=1)
    return day
