"""What the finance clerk sees: days, what does not match, cases, refunds; and the same as CSV."""

import csv
import io
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.clock import law_date
from app.db import transaction
from app.identity.service import posts_by_id
from fines import models
from fines.repository import finance as statements
from fines.repository import notices
from fines.rules.notices import NoticeStatus
from fines.rules.reconciliation_words import Source, Verdict
from fines.service.desk import Desk

SHOWN: Final = timedelta(days=31)
COLUMNS: Final = (
    "day", "source", "verdict", "detail", "terminal_number", "post_id", "shift_id", "subject",
    "payment_number", "acquirer_row_id", "ours_tiyn", "theirs_tiyn", "found_at",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class DayView:
    """A day of one source: how many items of each verdict, and the sums."""

    day: date
    source: Source
    counts: dict[Verdict, int] = field(default_factory=dict)
    ours_tiyn: int = 0
    theirs_tiyn: int = 0


@dataclass(frozen=True, kw_only=True)
class SplitView:
    """One terminal in the hands of one officer on one shift."""

    terminal_number: str
    officer: str
    shift_id: UUID | None
    count: int
    differences: int
    ours_tiyn: int


@dataclass(frozen=True, kw_only=True)
class FinanceView:
    """All that the page shows."""

    days: list[DayView]
    split_day: date
    split: list[SplitView]
    differences: list[tuple[models.ReconciliationItem, models.ReconciliationCase | None]]
    others: list[tuple[models.ReconciliationCase, models.RegisterNotice | None]]
    untold: list[tuple[NoticeStatus, int, datetime]]


async def read_finance(
    desk: Desk, *, caller: Principal, day: date | None, now: datetime
) -> FinanceView:
    """Return what the clerk's unit has to look at; looking is recorded."""
    since = law_date(now) - SHOWN
    chosen = day or law_date(now)
    async with transaction(desk.sessions) as session:
        rows = await statements.days(session, department_id=caller.department_id, since=since)
        view = FinanceView(
            days=_days(rows),
            split_day=chosen,
            split=await _split(session, caller, chosen),
            differences=list(
                await statements.differences(
                    session, department_id=caller.department_id, since=since
                )
            ),
            others=list(await statements.other_cases(session, department_id=caller.department_id)),
            untold=list(await notices.untold(session, department_id=caller.department_id)),
        )
        await desk.trail.record(
            session,
            event="fines.finance_seen",
            at=now,
            who=caller,
            fields={"day": chosen.isoformat()},
        )
    return view


async def days_of_all(
    desk: Desk, *, now: datetime
) -> Sequence[tuple[date, Source, Verdict, int, int | None, int | None]]:
    """Return the last month of every unit; the administrator's command shows it."""
    async with transaction(desk.sessions) as session:
        return await statements.days(session, department_id=None, since=law_date(now) - SHOWN)


def _days(
    rows: Sequence[tuple[date, Source, Verdict, int, int | None, int | None]],
) -> list[DayView]:
    by_day: dict[tuple[date, Source], DayView] = {}
    for day, source, verdict, count, ours, theirs in rows:
        known = by_day.get((day, source)) or DayView(day=day, source=source)
        counted = verdict is not Verdict.WITHDRAWN
        by_day[day, source] = DayView(
            day=day,
            source=source,
            counts=known.counts | {verdict: count},
            ours_tiyn=known.ours_tiyn + (int(ours or 0) if counted else 0),
            theirs_tiyn=known.theirs_tiyn + (int(theirs or 0) if counted else 0),
        )
    return list(by_day.values())


async def _split(session: AsyncSession, caller: Principal, day: date) -> list[SplitView]:
    rows = await statements.split_of_day(session, department_id=caller.department_id, day=day)
    posts = {post_id for _, post_id, *_ in rows if post_id is not None}
    cards = await posts_by_id(session, sorted(posts)) if posts else {}
    return [
        SplitView(
            terminal_number=number,
            officer=cards[post_id].badge if post_id in cards else "",
            shift_id=shift_id,
            count=count,
            differences=wrong,
            ours_tiyn=int(ours),
        )
        for number, post_id, shift_id, count, wrong, ours in rows
    ]


async def items_as_csv(
    desk: Desk, *, caller: Principal | None, first: date, last: date, now: datetime
) -> AsyncIterator[bytes]:
    """Yield the items of some days as CSV; ``caller`` is ``None`` for the administrator."""
    async with transaction(desk.sessions) as session:
        await desk.trail.record(
            session,
            event="fines.reconciliation_exported",
            at=now,
            who=caller,
            fields={"first": first.isoformat(), "last": last.isoformat()},
        )
        yield _line(COLUMNS)
        async for one in statements.items_of_days(
            session,
            department_id=None if caller is None else caller.department_id,
            first=first,
            last=last,
        ):
            yield _line(_cells(one))


def _cells(one: models.ReconciliationItem) -> tuple[str, ...]:
    values = (
        one.day,
        one.source.value,
        one.verdict.value,
        one.detail.value,
        one.terminal_number,
        one.post_id,
        one.shift_id,
        one.subject,
        one.payment_number,
        one.acquirer_row_id,
        one.ours_tiyn,
        one.theirs_tiyn,
        one.found_at.isoformat(),
    )
    return tuple("" if value is None else str(value) for value in values)


def _line(cells: tuple[str, ...]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue().encode()
