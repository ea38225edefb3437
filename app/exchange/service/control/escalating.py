"""A report that nobody reviewed in time goes up: to the official's superior and the controllers."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.service import AuditTrail
from app.clock import law_date
from app.db import Sessions, transaction
from app.exchange.models import ControlReportRow
from app.exchange.repository import control as repository
from app.exchange.rules.control import (
    EscalationReason,
    Interval,
    Line,
    Office,
    midnight,
    reason_to_escalate,
    spans_of,
)
from app.exchange.service.control.opening import reporting

_DAY = timedelta(days=1)


async def escalate_reports(sessions: Sessions, *, trail: AuditTrail, now: datetime) -> int:
    """Pass up every unsigned report that is overdue or has lost its official; return how many.

    Nothing is ever approved by lapse of time. Safe to repeat.
    """
    async with transaction(sessions) as session:
        waiting = await repository.unsigned_reports(session)
        if not waiting:
            return 0
        begin = midnight(law_date(now))
        today = Interval(begin=begin, end=begin + _DAY)
        lines, offices = await reporting(session, within=today)
    in_post = {office.person_id for office in offices if office.during.begin <= now}
    count = 0
    for row in waiting:
        known = row.official_id is None or row.official_id in in_post
        reason = reason_to_escalate(due=row.due_on, now=now, official_in_post=known)
        if reason is None:
            continue
        above = _above(row.official_id, lines, offices, now=now)
        async with transaction(sessions) as session:
            count += await _pass_up(session, row, reason, above, trail=trail, now=now)
    return count


def _above(
    official_id: UUID | None, lines: list[Line], offices: list[Office], *, now: datetime
) -> UUID | None:
    if official_id is None:
        return None
    moment = Interval(begin=now, end=now + timedelta(seconds=1))
    (found, *_) = spans_of([official_id], lines=lines, offices=offices, within=moment)
    return found.official_id


async def _pass_up(
    session: AsyncSession,
    row: ControlReportRow,
    reason: EscalationReason,
    above: UUID | None,
    *,
    trail: AuditTrail,
    now: datetime,
) -> bool:
    await repository.report(session, row.id, lock=True)
    reviewed = await repository.reviews(session, [row.id])
    if reviewed or await repository.escalations(session, [row.id]):
        return False
    event_id = await trail.record(
        session,
        event="exchange.review_overdue",
        at=now,
        who=None,
        fields={
            "report_id": str(row.id),
            "month": row.month,
            "official": None if row.official_id is None else str(row.official_id),
            "to": None if above is None else str(above),
            "due_on": row.due_on.isoformat(),
            "reason": reason.value,
        },
    )
    for to_person_id in {above, None}:
        await repository.put_escalation(
            session,
            {
                "id": uuid4(),
                "report_id": row.id,
                "to_person_id": to_person_id,
                "reason": reason,
                "at": now,
                "event_id": event_id,
            },
        )
    return True
