"""When a month is closed in the log, its reports are opened: one for each official."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Role
from app.audit import service as audit
from app.audit.service import AuditTrail, ClosedStream
from app.db import Sessions, transaction
from app.exchange.models import ControlReportRow
from app.exchange.repository import control as repository
from app.exchange.rules.control import (
    Interval,
    Line,
    MonthNotValid,
    Office,
    Span,
    due_on,
    interval_of,
    midnight,
    spans_of,
)
from app.identity import service as identity

_DAY = timedelta(days=1)


async def open_reports(sessions: Sessions, *, trail: AuditTrail, now: datetime) -> list[str]:
    """Open the reports of every closed month that has none, and return these months.

    Who reviews whom is taken down as it stood in the month, and stays so. Safe to repeat.
    """
    async with transaction(sessions) as session:
        done = await repository.opened_months(session)
        months = [one for one in await audit.closed_months(session) if one not in done]
    opened = []
    for month in months:
        async with transaction(sessions) as session:
            if await _open_month(session, month=month, trail=trail, now=now):
                opened.append(month)
    return opened


async def _open_month(
    session: AsyncSession, *, month: str, trail: AuditTrail, now: datetime
) -> bool:
    await repository.hold_opening(session, month=month)
    if month in await repository.opened_months(session):
        return False
    closing = await audit.closing_of_month(session, month=month)
    if closing is None:
        return False  # its record has no leaf yet; the next run finds it
    try:
        due = due_on(month)
    except MonthNotValid:
        return False  # older than any rules of control
    streams = {one.stream: one for one in closing.streams}
    spans, names = await _spans(session, month=month, asked=streams)
    for official_id in sorted({span.official_id for span in spans}, key=str):
        own = [span for span in spans if span.official_id == official_id]
        row = ControlReportRow(
            id=uuid4(), month=month, official_id=official_id, due_on=due, opened_at=now
        )
        row.event_id = await trail.record(
            session,
            event="exchange.control_opened",
            at=now,
            who=None,
            fields={
                "report_id": str(row.id),
                "month": month,
                "official": None if official_id is None else str(official_id),
                "officers": len({span.person_id for span in own}),
                "due_on": due.isoformat(),
            },
        )
        await repository.put_report(session, row)
        await _put_people(session, row.id, own, names=names, streams=streams)
    return True


async def _spans(
    session: AsyncSession, *, month: str, asked: Iterable[UUID]
) -> tuple[list[Span], dict[UUID, str]]:
    """Return who reviews whom in the month: all who asked, and all who had an official."""
    lines, offices = await reporting(session, within=interval_of(month))
    asked = set(asked)
    names = await identity.names_of(session, asked | {line.person_id for line in lines})
    spans = spans_of(names, lines=lines, offices=offices, within=interval_of(month))
    return [one for one in spans if one.official_id or one.person_id in asked], names


async def reporting(session: AsyncSession, *, within: Interval) -> tuple[list[Line], list[Office]]:
    """Return who reported to whom, and who were responsible officials, in a time."""
    # The days are those of the law; one more at either edge does no harm: the rules cut.
    days = {"first": within.begin.date() - _DAY, "last": within.end.date() + _DAY}

    def during(one: identity.ReportingLine | identity.RoleHeld) -> Interval:
        begin = max(midnight(one.valid_from), within.begin)
        end = within.end
        if one.valid_to is not None:
            end = min(midnight(one.valid_to + _DAY), within.end)
        return Interval(begin=begin, end=max(begin, end))

    held = await identity.holders_of(session, role=Role.RESPONSIBLE_OFFICIAL, **days)
    lines = [
        Line(person_id=one.person_id, superior_id=one.superior_id, during=during(one))
        for one in await identity.reporting_lines(session, **days)
    ]
    return lines, [Office(person_id=one.person_id, during=during(one)) for one in held]


async def _put_people(
    session: AsyncSession,
    report_id: UUID,
    spans: list[Span],
    *,
    names: Iterable[UUID],
    streams: dict[UUID, ClosedStream],
) -> None:
    here = {span.person_id for span in spans}
    people = [one for one in names if one in here]  # ``names`` are in the order of names
    officers: list[dict[str, object]] = []
    for place, person_id in enumerate(people):
        closed = streams.get(person_id)
        officers.append(
            {
                "report_id": report_id,
                "person_id": person_id,
                "place": place,
                "last_number": 0 if closed is None else closed.last_number,
                "closing_leaf_index": None if closed is None else closed.leaf_index,
            }
        )
    await repository.put_officers(session, officers)
    rows = [
        {
            "id": uuid4(),
            "report_id": report_id,
            "person_id": span.person_id,
            "begin_at": span.during.begin,
            "end_at": span.during.end,
        }
        for span in spans
    ]
    await repository.put_spans(session, rows)
