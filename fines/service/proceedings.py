"""Ordinary proceedings: a case is handed on, decided, paid or sent to enforcement, by its clock.

Offence code articles 808, 811(3), 834, 893, 896. The people over the officers do it, for their
own unit. What time does stands in ``terms``.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.calendar.errors import CalendarNotCovered
from app.calendar.rules import end_of_day
from app.calendar.service import working_calendar
from app.clock import law_date
from app.db import transaction
from fines import models, repository
from fines.errors import OffenceRecordNotFound
from fines.errors.proceedings import StepOfCaseRefused
from fines.rules.proceedings import (
    HAND_ON_DAYS,
    CourseStage,
    EntryKind,
    Imposed,
    OrdinaryGround,
    hand_on_since,
    next_stage,
    stage_in_force,
    stage_of_decision,
    term_end,
)
from fines.service.desk import Desk
from fines.service.entries import new_entry
from fines.service.people import offender_of

_CASES_MAX: Final = 500
_ONE_DAY: Final = timedelta(days=1)
OPEN_STAGES: Final = (
    CourseStage.TO_HAND_ON,
    CourseStage.WITH_BODY,
    CourseStage.DECIDED,
    CourseStage.TO_ENFORCE,
)


async def begin_case(
    session: AsyncSession, record: models.OffenceRecord, *, ground: OrdinaryGround, now: datetime
) -> None:
    """Begin the ordinary proceedings of a record that has just gone there."""
    since = hand_on_since(
        ground=ground,
        drawn_up_at=record.drawn_up_at,
        discount_last_day=record.discount_last_day,
    )
    due = await term_of(session, CourseStage.TO_HAND_ON, since)
    if due is None:  # next year's holidays are not entered: the stricter clock
        due = end_of_day(since + HAND_ON_DAYS * _ONE_DAY)
    session.add(
        models.OrdinaryCase(
            offence_record_id=record.id,
            department_id=record.department_id,
            ground=ground,
            stage=CourseStage.TO_HAND_ON,
            began_at=now,
            due_at=due,
            suspended=False,
            cancelled=False,
        )
    )


async def term_of(session: AsyncSession, stage: CourseStage, since: date) -> datetime | None:
    """Return the end of a term; ``None`` while the holidays of its last year are not entered."""
    try:
        return term_end(stage=stage, since=since, days=await working_calendar(session))
    except CalendarNotCovered:
        return None


async def list_cases(desk: Desk, *, caller: Principal, now: datetime) -> list[dict[str, object]]:
    """Return the open cases of the caller's unit, the first due in front. It names nobody."""
    async with transaction(desk.sessions) as session:
        rows = await repository.cases_of_department(
            session, department_id=_unit(caller), stages=OPEN_STAGES, limit=_CASES_MAX
        )
        return [_line(case, record, now) for case, record in rows]


def _unit(caller: Principal) -> UUID:
    if caller.department_id is None:
        raise OffenceRecordNotFound("the caller holds no post")
    return caller.department_id


def _line(
    case: models.OrdinaryCase, record: models.OffenceRecord, now: datetime
) -> dict[str, object]:
    return {
        "offence_record_id": record.id,
        "number": record.number,
        "citation": f"{record.article}({record.part})" if record.part else record.article,
        "ground": case.ground.value,
        "stage": case.stage.value,
        "began_at": case.began_at,
        "due_at": case.due_at,
        "overdue": case.due_at is not None and case.due_at <= now,
        "suspended": case.suspended,
        "decision_number": case.decision_number,
        "penalty": None if case.penalty is None else case.penalty.value,
        "fine_tiyn": case.fine_tiyn,
        "term_ends_on": case.term_ends_on,
        "in_force_on": case.in_force_on,
    }


async def hand_on(
    desk: Desk,
    *,
    caller: Principal,
    offence_record_id: UUID,
    outgoing_number: str,
    addressee: str,
    now: datetime,
) -> None:
    """Enter that the case went to the court or body that decides it (article 808).

    Raises:
        OffenceRecordNotFound: the unit has no such case.
        StepOfCaseRefused: it was handed on before.
    """
    async with _step(desk, caller, offence_record_id, now, "hand_on") as step:
        step.case.stage = next_stage(current=step.case.stage, target=CourseStage.WITH_BODY)
        late = step.case.due_at is not None and step.case.due_at <= now
        step.case.handed_on_at, step.case.due_at = now, None
        step.enter(
            EntryKind.HANDED_ON, {"outgoing_number": outgoing_number, "addressee": addressee}
        )
        await step.audit("fines.case_handed_on", {"late": late})


async def enter_decision(
    desk: Desk,
    *,
    caller: Principal,
    offence_record_id: UUID,
    decision_number: str,
    decision: Imposed,
    now: datetime,
) -> None:
    """Enter what was decided: a fine in force is payable whole, any penalty is remembered.

    Raises:
        OffenceRecordNotFound: the unit has no such case.
        StepOfCaseRefused: it is not at the deciding body, or days, fine and penalty contradict
            each other.
    """
    async with _step(desk, caller, offence_record_id, now, "decision") as step:
        case = step.case
        target = stage_of_decision(decision, today=law_date(now))
        case.stage = next_stage(current=case.stage, target=target)
        case.decision_number, case.decided_on = decision_number, decision.decided_on
        case.fine_tiyn, case.in_force_on = decision.fine_tiyn, decision.in_force_on
        case.penalty, case.term_ends_on = decision.penalty, decision.term_ends_on
        if target is CourseStage.DECIDED and decision.in_force_on is not None:
            case.due_at = await term_of(step.session, CourseStage.DECIDED, decision.in_force_on)
        imposed: dict[str, object] = {"penalty": decision.penalty.value}
        if decision.term_ends_on is not None:
            imposed["term_ends_on"] = decision.term_ends_on.isoformat()
        step.enter(EntryKind.DECIDED, {"decision_number": decision_number} | imposed)
        await step.audit("fines.case_decided", {"fine_tiyn": decision.fine_tiyn} | imposed)


async def enter_in_force(
    desk: Desk, *, caller: Principal, offence_record_id: UUID, in_force_on: date, now: datetime
) -> None:
    """Enter from which day a decision is in force, where that was not known when it was entered.

    Raises:
        OffenceRecordNotFound: the unit has no such case.
        StepOfCaseRefused: nothing is decided, an appeal is pending, the day is known already, or
            it is before the decision, or to come where there is no fine.
    """
    async with _step(desk, caller, offence_record_id, now, "in_force") as step:
        case = step.case
        if case.stage is not CourseStage.DECIDED or case.suspended or case.decided_on is None:
            raise StepOfCaseRefused("no decision waits for its day", reason=case.stage.value)
        if case.in_force_on is not None:
            raise StepOfCaseRefused("its day is known already", reason="days")
        await _put_in_force(step, in_force_on, now)
        fields: dict[str, object] = {"in_force_on": in_force_on.isoformat()}
        step.enter(EntryKind.DECIDED, fields | {"decision_number": case.decision_number})
        await step.audit("fines.decision_in_force", fields)


async def _put_in_force(step: "Step", in_force_on: date, now: datetime) -> None:
    case = step.case
    target = stage_in_force(
        fine_tiyn=case.fine_tiyn or 0,
        decided_on=case.decided_on or in_force_on,
        in_force_on=in_force_on,
        today=law_date(now),
    )
    case.in_force_on = in_force_on
    if target is CourseStage.CLOSED:
        case.stage = next_stage(current=case.stage, target=target)
    else:
        case.due_at = await term_of(step.session, CourseStage.DECIDED, in_force_on)


async def enter_appeal(
    desk: Desk, *, caller: Principal, offence_record_id: UUID, now: datetime
) -> None:
    """Enter that the decision was appealed: its execution is suspended (article 834).

    Raises:
        OffenceRecordNotFound: the unit has no such case.
        StepOfCaseRefused: nothing is decided, or an appeal is pending.
    """
    async with _step(desk, caller, offence_record_id, now, "appeal") as step:
        if step.case.stage is not CourseStage.DECIDED or step.case.suspended:
            raise StepOfCaseRefused("there is nothing to appeal", reason=step.case.stage.value)
        step.case.suspended, step.case.due_at = True, None
        step.enter(EntryKind.APPEALED, {})
        await step.audit("fines.case_appealed", {})


async def end_appeal(
    desk: Desk,
    *,
    caller: Principal,
    offence_record_id: UUID,
    upheld: bool,
    in_force_on: date,
    now: datetime,
) -> None:
    """Enter how an appeal ended (article 839): the decision stands from a day, or the case ends.

    Raises:
        OffenceRecordNotFound: the unit has no such case.
        StepOfCaseRefused: no appeal is pending, or the day cannot be.
    """
    async with _step(desk, caller, offence_record_id, now, "appeal_end") as step:
        case = step.case
        if not case.suspended:
            raise StepOfCaseRefused("no appeal is pending", reason=case.stage.value)
        case.suspended = False
        if upheld:
            await _put_in_force(step, in_force_on, now)
        else:
            case.cancelled = True
            case.stage = next_stage(current=case.stage, target=CourseStage.CLOSED)
        step.enter(EntryKind.APPEAL_ENDED, {"upheld": upheld})
        await step.audit("fines.case_appeal_ended", {"upheld": upheld})


async def hand_over(
    desk: Desk,
    *,
    caller: Principal,
    offence_record_id: UUID,
    outgoing_number: str,
    now: datetime,
) -> None:
    """Enter that an unpaid decision went to enforcement (article 896).

    Raises:
        OffenceRecordNotFound: the unit has no such case.
        StepOfCaseRefused: its term to pay is not over, or a payment is under way.
    """
    async with _step(desk, caller, offence_record_id, now, "hand_over") as step:
        live = await repository.live_payment_of(step.session, step.record.id)
        if live is not None:
            raise StepOfCaseRefused("a payment is under way", reason="payment")
        step.case.stage = next_stage(current=step.case.stage, target=CourseStage.WITH_ENFORCEMENT)
        late = step.case.due_at is not None and step.case.due_at <= now
        step.case.due_at = None
        step.enter(EntryKind.HANDED_OVER, {"outgoing_number": outgoing_number})
        await step.audit("fines.case_handed_over", {"late": late})


class Step:
    """One step of one case: the rows it changes, the entry and the audit event it leaves."""

    def __init__(
        self,
        desk: Desk,
        session: AsyncSession,
        caller: Principal | None,
        rows: tuple[models.OrdinaryCase, models.OffenceRecord],
        now: datetime,
    ) -> None:
        self.session = session
        self.case, self.record = rows
        self._desk, self._caller, self._now = desk, caller, now

    def enter(self, kind: EntryKind, body: dict[str, object]) -> None:
        """Write the entry that follows the record."""
        self.session.add(
            new_entry(
                self._desk, self.record, kind=kind, body=body, who=self._caller, now=self._now
            )
        )

    async def audit(self, event: str, fields: dict[str, object]) -> None:
        """Record the step in its own transaction."""
        await self._desk.trail.record(
            self.session,
            event=event,
            at=self._now,
            who=self._caller,
            subject_iin=offender_of(self._desk, self.record).iin,
            fields={"offence_record_id": str(self.record.id), **fields},
        )


@asynccontextmanager
async def _step(
    desk: Desk, caller: Principal, offence_record_id: UUID, now: datetime, name: str
) -> AsyncIterator[Step]:
    fields = {"offence_record_id": str(offence_record_id), "step": name}
    async with (
        desk.refusals_audited(event="fines.case_step_refused", who=caller, at=now, fields=fields),
        transaction(desk.sessions) as session,
    ):
        record = await repository.offence_record(session, offence_record_id, lock=True)
        case = await repository.ordinary_case(session, offence_record_id, lock=True)
        if record is None or case is None or case.department_id != _unit(caller):
            raise OffenceRecordNotFound(f"no case of record {offence_record_id}")
        yield Step(desk, session, caller, (case, record), now)
