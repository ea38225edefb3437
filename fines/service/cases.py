"""Cases of reconciliation: opened by a difference, explained by one person, closed by another."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.db import transaction
from fines import models
from fines.errors.money import CaseNotFound, CaseStepRefused
from fines.repository import reconciliation
from fines.rules.reconciliation import next_case_status_allowed
from fines.rules.reconciliation_words import CaseStatus
from fines.service.desk import Desk


async def explain_case(
    desk: Desk, *, caller: Principal, case_id: UUID, text: str, now: datetime
) -> dict[str, object]:
    """Say why a difference is there; somebody else closes the case.

    Raises:
        CaseNotFound: there is none of the caller's unit.
        CaseStepRefused: it is explained or closed already.
    """
    fields: dict[str, object] = {"case_id": str(case_id)}
    async with (
        desk.refusals_audited(event="fines.case_refused", who=caller, at=now, fields=fields),
        transaction(desk.sessions) as session,
    ):
        case = await _case(session, caller, case_id)
        _move(case, CaseStatus.EXPLAINED)
        case.explained_by_person_id, case.explained_at = caller.person, now
        case.explanation = text
        await desk.trail.record(
            session, event="fines.case_explained", at=now, who=caller, fields=fields
        )
        return _view(case)


async def close_case(
    desk: Desk, *, caller: Principal, case_id: UUID, accept: bool, text: str, now: datetime
) -> dict[str, object]:
    """Close an explained case, or send it back; never by the person who explained it.

    Raises:
        CaseNotFound: there is none of the caller's unit.
        CaseStepRefused: it is not explained, or the caller explained it.
    """
    fields: dict[str, object] = {"case_id": str(case_id), "accepted": accept}
    async with (
        desk.refusals_audited(event="fines.case_refused", who=caller, at=now, fields=fields),
        transaction(desk.sessions) as session,
    ):
        case = await _case(session, caller, case_id)
        if case.explained_by_person_id == caller.person:
            raise CaseStepRefused("a case is closed by another person than explained it")
        _move(case, CaseStatus.CLOSED if accept else CaseStatus.OPEN)
        if accept:
            case.closed_by_person_id, case.closed_at = caller.person, now
        else:
            case.explained_at, case.explained_by_person_id = None, None
        case.conclusion = text
        await desk.trail.record(
            session, event="fines.case_closed", at=now, who=caller, fields=fields
        )
        return _view(case)


async def _case(
    session: AsyncSession, caller: Principal, case_id: UUID
) -> models.ReconciliationCase:
    case = await reconciliation.locked_case(
        session, case_id=case_id, department_id=caller.department_id
    )
    if case is None:
        raise CaseNotFound(f"no case {case_id}")
    return case


def _move(case: models.ReconciliationCase, target: CaseStatus) -> None:
    if not next_case_status_allowed(current=case.status, target=target):
        raise CaseStepRefused(f"case: {case.status.value} -> {target.value}")
    case.status = target


def _view(case: models.ReconciliationCase) -> dict[str, object]:
    return {"case_id": case.id, "status": case.status.value, "opened_at": case.opened_at}
