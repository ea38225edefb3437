"""What time does to cases: terms are reckoned, decisions go to enforcement, lateness is noted.

Nobody is asked. A term that runs into a year whose holidays are not entered waits, unknown, and is
reckoned here once they are (article 739).
"""

from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from app.clock import law_date
from app.db import transaction
from fines import repository
from fines.rules.offence_record import OffenceStatus, next_offence_status
from fines.rules.proceedings import CourseStage, EntryKind, next_stage
from fines.service.desk import Desk
from fines.service.proceedings import Step, term_of

_BATCH_MAX: Final = 200


async def end_terms(desk: Desk, now: datetime) -> int:
    """Send decisions unpaid in their thirty days to enforcement, and note what is overdue.

    Terms that could not be reckoned when they began are reckoned first, where the calendar now
    covers them. Returns how many steps were taken. A payment under way holds its case back. Safe
    to repeat and to run in several processes.
    """
    reckoned = await _reckon_terms(desk, now)
    async with transaction(desk.sessions) as session:
        unpaid = await repository.unpaid_decisions(session, now=now, limit=_BATCH_MAX)
    ended = sum([await _to_enforce(desk, record_id, now) for record_id in unpaid])
    async with transaction(desk.sessions) as session:
        overdue = await repository.overdue_cases(
            session,
            now=now,
            stages=(CourseStage.TO_HAND_ON, CourseStage.TO_ENFORCE),
            limit=_BATCH_MAX,
        )
        for case in overdue:
            case.overdue_noted_at = now
            await desk.trail.record(
                session,
                event="fines.case_overdue",
                at=now,
                who=None,
                fields={
                    "offence_record_id": str(case.offence_record_id),
                    "stage": case.stage.value,
                },
            )
        return reckoned + ended + len(overdue)


async def _to_enforce(desk: Desk, offence_record_id: UUID, now: datetime) -> bool:
    # The record is locked before its case, as by everybody else, and looked at again behind it.
    async with transaction(desk.sessions) as session:
        record = await repository.offence_record(session, offence_record_id, lock=True)
        case = await repository.ordinary_case(session, offence_record_id, lock=True)
        live = await repository.live_payment_of(session, offence_record_id)
        if (
            record is None
            or case is None
            or case.due_at is None
            or live is not None
            or case.suspended
            or case.stage is not CourseStage.DECIDED
            or now < case.due_at
        ):
            return False
        step = Step(desk, session, None, (case, record), now)
        last_day = _last_day(case.due_at)
        case.stage = next_stage(current=case.stage, target=CourseStage.TO_ENFORCE)
        case.due_at = await term_of(session, CourseStage.TO_ENFORCE, last_day)
        case.overdue_noted_at = None
        record.status = next_offence_status(current=record.status, target=OffenceStatus.ENFORCEMENT)
        step.enter(EntryKind.TO_ENFORCEMENT, {})
        await step.audit("fines.term_to_pay_ended", {})
        return True


def _last_day(due_at: datetime) -> date:
    return law_date(due_at - timedelta(seconds=1))


async def _reckon_terms(desk: Desk, now: datetime) -> int:
    """Give the terms their end that had none for want of a calendar; return how many."""
    waiting: list[UUID] = []
    async with transaction(desk.sessions) as session:
        # Each stage by itself: what waits for next year's holidays never hides what is due before.
        for stage in (CourseStage.DECIDED, CourseStage.TO_ENFORCE):
            waiting += await repository.unreckoned_terms(session, stage=stage, limit=_BATCH_MAX)
    return sum([await _reckon(desk, record_id, now) for record_id in waiting])


async def _reckon(desk: Desk, offence_record_id: UUID, now: datetime) -> bool:
    async with transaction(desk.sessions) as session:
        record = await repository.offence_record(session, offence_record_id, lock=True)
        case = await repository.ordinary_case(session, offence_record_id, lock=True)
        if record is None or case is None or case.due_at is not None or case.suspended:
            return False
        if case.in_force_on is None or not case.fine_tiyn:
            return False
        due = await term_of(session, CourseStage.DECIDED, case.in_force_on)
        if due is not None and case.stage is CourseStage.TO_ENFORCE:
            due = await term_of(session, CourseStage.TO_ENFORCE, _last_day(due))
        elif case.stage is not CourseStage.DECIDED:
            return False
        if due is None:
            return False
        case.due_at = due
        step = Step(desk, session, None, (case, record), now)
        await step.audit(
            "fines.term_reckoned", {"stage": case.stage.value, "due_at": due.isoformat()}
        )
        return True
