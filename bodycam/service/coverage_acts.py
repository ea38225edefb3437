"""What people do about coverage: permit a pause, explain a gap, believe the explanation or not."""

import enum
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.audit.service import AuditTrail
from app.clock import in_law_zone, law_date
from bodycam.errors.custody import (
    AnotherPersonNeeded,
    CaseNotFound,
    PauseNotFound,
    PauseNotValid,
    PauseOver,
)
from bodycam.models import CameraPauseRow, CoverageCaseRow
from bodycam.repository import coverage as repository
from bodycam.rules.coverage import coverage_terms_on
from bodycam.rules.coverage_cases import CaseStatus, next_case_status
from bodycam.service.coverage import case_fields, make_ledger
from devices import service as devices


class PauseReason(enum.Enum):
    """For what an officer may pause (Order No. 971, item 25)."""

    REST = "rest"
    MEAL = "meal"


async def permit_pause(
    session: AsyncSession,
    *,
    trail: AuditTrail,
    caller: Principal,
    assignment_id: UUID,
    reason: PauseReason,
    until: datetime,
    now: datetime,
) -> UUID:
    """Permit a pause of a camera that is out, from now on; return its id.

    Raises:
        AssignmentNotFound: absent, another unit's, or no camera's.
        NotIssued: the camera is not in the officer's hands.
        PauseNotValid: it ends before now, is too long, or another one is not over.
    """
    terms = coverage_terms_on(law_date(now))
    if not now < until <= now + terms.pause_max:
        raise PauseNotValid(
            f"a pause of {assignment_id} ends after now and within {terms.pause_max}"
        )
    span = await devices.note_pause(
        session,
        caller=caller,
        assignment_id=assignment_id,
        note=f"{reason.value} until {in_law_zone(until):%d.%m.%Y %H:%M}",
        now=now,
    )
    before = await repository.pauses_of(session, assignment_id=assignment_id)
    if any(one.ends_at > now for one in before) or caller.post_id is None:
        raise PauseNotValid(f"a pause of {assignment_id} is not over")
    row = CameraPauseRow(
        id=uuid4(),
        assignment_id=assignment_id,
        department_id=span.department_id,
        reason=reason.value,
        starts_at=now,
        ends_at=until,
        permitted_by_post_id=caller.post_id,
    )
    session.add(row)
    await session.flush()
    await trail.record(
        session, event="bodycam.pause_permitted", at=now, who=caller, fields=_pause_fields(row)
    )
    await make_ledger(session, trail=trail, assignment_id=assignment_id, now=now)
    return row.id


async def end_pause(
    session: AsyncSession, *, trail: AuditTrail, caller: Principal, pause_id: UUID, now: datetime
) -> None:
    """End a pause now.

    Raises:
        PauseNotFound: absent, or another unit's.
        PauseOver: it has ended by itself, or was ended before.
    """
    row = await repository.pause(session, pause_id=pause_id, department_id=caller.department_id)
    if row is None:
        raise PauseNotFound(f"no pause {pause_id}")
    if row.ends_at <= now:
        raise PauseOver(f"pause {pause_id} is over")
    row.ends_at, row.ended_by_post_id = max(now, row.starts_at), caller.post_id
    await trail.record(
        session, event="bodycam.pause_ended", at=now, who=caller, fields=_pause_fields(row)
    )
    await session.flush()
    await make_ledger(session, trail=trail, assignment_id=row.assignment_id, now=now)


def _pause_fields(row: CameraPauseRow) -> dict[str, object]:
    return {
        "pause_id": str(row.id),
        "assignment_id": str(row.assignment_id),
        "reason": row.reason,
        "starts_at": row.starts_at.isoformat(),
        "ends_at": row.ends_at.isoformat(),
    }


async def explain_case(
    session: AsyncSession,
    *,
    trail: AuditTrail,
    caller: Principal,
    case_id: UUID,
    explanation: str,
    now: datetime,
) -> UUID:
    """Explain a gap; return whose assignment it is. What is said goes into no log.

    Raises:
        CaseNotFound: absent, or another unit's.
        TransitionRefused: it is explained, closed or resolved already.
    """
    row = await _own(session, caller, case_id)
    row.status = next_case_status(row.status, CaseStatus.EXPLAINED)
    row.explanation, row.explained_by, row.explained_at = explanation, caller.person, now
    row.conclusion = row.closed_by = None
    await _note(session, trail, row, caller, now)
    return row.assignment_id


async def close_case(
    session: AsyncSession,
    *,
    trail: AuditTrail,
    caller: Principal,
    case_id: UUID,
    believed: bool,
    conclusion: str,
    now: datetime,
) -> UUID:
    """Close an explained case where the explanation is ``believed``, else send it back.

    Raises:
        CaseNotFound: absent, or another unit's.
        AnotherPersonNeeded: the caller has explained it himself.
        TransitionRefused: it is not explained.
    """
    row = await _own(session, caller, case_id)
    target = next_case_status(row.status, CaseStatus.CLOSED if believed else CaseStatus.OPENED)
    if row.explained_by == caller.person:
        raise AnotherPersonNeeded(f"case {case_id} is closed by another than explained it")
    row.status, row.conclusion = target, conclusion
    if believed:
        row.closed_by, row.closed_at = caller.person, now
    await _note(session, trail, row, caller, now)
    return row.assignment_id


async def _own(session: AsyncSession, caller: Principal, case_id: UUID) -> CoverageCaseRow:
    row = await repository.case(session, case_id=case_id, department_id=caller.department_id)
    if row is None:
        raise CaseNotFound(f"no case {case_id}")
    return row


async def _note(
    session: AsyncSession, trail: AuditTrail, row: CoverageCaseRow, caller: Principal, now: datetime
) -> None:
    await trail.record(
        session, event="bodycam.coverage_case_step", at=now, who=caller, fields=case_fields(row)
    )
    await session.flush()
