"""What the clocks of access bring about: alarms, breach reports, suspensions. Never an approval."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from app.audit.service import AuditTrail
from app.db import Sessions, transaction
from app.exchange.repository import access_requests as repository
from app.exchange.rules.access import ALARM_AFTER, DECISION_WITHIN
from app.exchange.service.access.deciding import note_overdue
from app.exchange.service.access.transfers import note_transfers

_AT_ONCE_MAX: Final = 500  # of each kind in one run; the next minute brings the rest

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class ClocksRead:
    """How many of each kind one run has found."""

    alarms: int
    overdue: int
    transferred: int
    suspended: int


async def read_clocks(sessions: Sessions, *, trail: AuditTrail, now: datetime) -> ClocksRead:
    """Raise alarms at 20 hours, report breaches at 24, note transfers and suspensions.

    Rights do not wait for this: a standing is decided by time. It is safe to repeat.
    """
    async with transaction(sessions) as session:
        alarms = await repository.requests_since(
            session, received_before=now - ALARM_AFTER, alarmed=False, limit=_AT_ONCE_MAX
        )
        for row in alarms:
            row.alarmed_at = now
            await trail.record(
                session,
                event="exchange.access_decision_alarm",
                at=now,
                who=None,
                fields={"request": str(row.id)},
            )
        overdue = await repository.requests_since(
            session, received_before=now - DECISION_WITHIN, overdue=False, limit=_AT_ONCE_MAX
        )
        for row in overdue:
            await note_overdue(session, trail, row, now=now)
        transferred = await note_transfers(session, trail=trail, now=now, learned_now=False)
        suspended = await repository.grants_past_deadline(session, now=now, limit=_AT_ONCE_MAX)
        for grant in suspended:
            grant.suspended_at = now
            await trail.record(
                session,
                event="exchange.access_suspended",
                at=now,
                who=None,
                fields={"of_person": str(grant.person_id)},
            )
    for row in overdue:
        log.warning("exchange.access_decision_overdue", request=str(row.id))
    return ClocksRead(
        alarms=len(alarms),
        overdue=len(overdue),
        transferred=transferred,
        suspended=len(suspended),
    )
