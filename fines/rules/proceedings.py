"""Ordinary proceedings after a record: the stages, their terms, and who may write after it.

Offence code articles 808 (three сутки to hand on), 893 (thirty to pay), 896 (ten to send to
enforcement), 834 (an appeal suspends). Terms counted in сутки skip non-working days (739(3)).
"""

import enum
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from app.calendar.rules import WorkingCalendar, end_of_day, nth_working_day_after
from app.clock import law_date
from fines.errors.proceedings import StepOfCaseRefused
from fines.rules.catalogue import ReducedReason

HAND_ON_DAYS: Final = 3
PAY_DAYS: Final = 30
ENFORCE_DAYS: Final = 10


class OrdinaryGround(enum.Enum):
    """Why a case goes by ordinary proceedings."""

    NOT_ADMITTED = "not_admitted"  # article 810(1): does not admit, agree, or contests
    NOT_ELIGIBLE = "not_eligible"  # article 810(2)
    TERM_ENDED = "term_ended"  # neither agreed nor refused in the term for it
    LAPSED = "lapsed"  # article 811(3): not paid in the seven days


class EntryKind(enum.Enum):
    """What may be written after a record."""

    COPY_HANDED = "copy_handed"
    CORRECTION = "correction"
    HANDED_ON = "handed_on"
    DECIDED = "decided"
    APPEALED = "appealed"
    APPEAL_ENDED = "appeal_ended"
    TO_ENFORCEMENT = "to_enforcement"
    HANDED_OVER = "handed_over"
    SIGNATURE = "signature"  # of the person, or its refusal (article 803(4), (6), (7))


class CourseStage(enum.Enum):
    """Where a case of ordinary proceedings stands."""

    TO_HAND_ON = "to_hand_on"
    WITH_BODY = "with_body"  # at the court or the deciding body
    DECIDED = "decided"  # the term to pay runs from the day in force
    TO_ENFORCE = "to_enforce"  # the term to pay is over: ten days to hand it over
    WITH_ENFORCEMENT = "with_enforcement"
    CLOSED = "closed"  # paid, or decided without a fine


COURSE_STEPS: Final[dict[CourseStage, frozenset[CourseStage]]] = {
    CourseStage.TO_HAND_ON: frozenset({CourseStage.WITH_BODY}),
    CourseStage.WITH_BODY: frozenset({CourseStage.DECIDED, CourseStage.CLOSED}),
    CourseStage.DECIDED: frozenset({CourseStage.TO_ENFORCE, CourseStage.CLOSED}),
    CourseStage.TO_ENFORCE: frozenset({CourseStage.WITH_ENFORCEMENT, CourseStage.CLOSED}),
    CourseStage.WITH_ENFORCEMENT: frozenset(),
    CourseStage.CLOSED: frozenset(),
}
CLOCKED: Final = frozenset({CourseStage.TO_HAND_ON, CourseStage.DECIDED, CourseStage.TO_ENFORCE})


class DecidedPenalty(enum.Enum):
    """What a decision imposed. Of two that have a term, the one that ends last is named."""

    NONE = "none"  # the case ended without a penalty
    WARNING = "warning"
    FINE = "fine"
    ARREST = "arrest"
    LICENCE_LOSS = "licence_loss"  # beside a fine too
    PUBLIC_WORKS = "public_works"


HAS_TERM: Final = frozenset(
    {DecidedPenalty.ARREST, DecidedPenalty.LICENCE_LOSS, DecidedPenalty.PUBLIC_WORKS}
)


class CopyWay(enum.Enum):
    """How the copy reached the offender (article 803(8))."""

    PAPER = "paper"
    EMAIL = "email"
    PORTAL = "portal"  # told that it is placed on the portal
    REFUSED = "refused"  # refused to take it: an entry is made (article 803(6))


@dataclass(frozen=True, kw_only=True)
class Imposed:
    """A decision as it is entered.

    Attributes:
        penalty: what was imposed.
        fine_tiyn: the fine; nought where there is none.
        decided_on: the day it was imposed.
        in_force_on: the first day in force, ``None`` while it is not known.
        term_ends_on: the last day of a penalty that has a term.
    """

    penalty: DecidedPenalty
    fine_tiyn: int
    decided_on: date
    in_force_on: date | None = None
    term_ends_on: date | None = None


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What of a case its next step depends on."""

    stage: CourseStage
    in_force_on: date | None = None
    suspended: bool = False


def next_stage(*, current: CourseStage, target: CourseStage) -> CourseStage:
    """Return ``target`` if a case may move there.

    Raises:
        StepOfCaseRefused: the table lists no such step.
    """
    if target not in COURSE_STEPS[current]:
        raise StepOfCaseRefused(f"case: {current.value} -> {target.value}", reason=current.value)
    return target


def stage_of_decision(decision: Imposed, *, today: date) -> CourseStage:
    """Return where a case stands once this was decided.

    A fine is to be paid. What has no fine waits for its day in force, for it may be appealed until
    then, and ends with it; a case without a penalty ends at once.

    Raises:
        StepOfCaseRefused: days, fine and penalty contradict each other; ``reason`` says which.
    """
    penalty, ends = decision.penalty, decision.term_ends_on
    if penalty is not DecidedPenalty.LICENCE_LOSS:
        fined = penalty is DecidedPenalty.FINE
        if fined != (decision.fine_tiyn > 0):
            raise StepOfCaseRefused("the fine is not of that penalty", reason="penalty")
    if (ends is not None) != (penalty in HAS_TERM):
        raise StepOfCaseRefused("that penalty has another term", reason="term")
    if decision.decided_on > today or (ends is not None and ends < decision.decided_on):
        raise StepOfCaseRefused("the days contradict each other", reason="days")
    if penalty is DecidedPenalty.NONE:
        return CourseStage.CLOSED
    if decision.in_force_on is None:
        return CourseStage.DECIDED
    return stage_in_force(
        fine_tiyn=decision.fine_tiyn,
        decided_on=decision.decided_on,
        in_force_on=decision.in_force_on,
        today=today,
    )


def stage_in_force(
    *, fine_tiyn: int, decided_on: date, in_force_on: date, today: date
) -> CourseStage:
    """Return where a case stands once the day is known from which its decision is in force.

    Raises:
        StepOfCaseRefused: the day is before the decision; or it is yet to come and there is no
            fine: what then may still be appealed is not closed.
    """
    if in_force_on < decided_on or (not fine_tiyn and in_force_on > today):
        raise StepOfCaseRefused("the days contradict each other", reason="days")
    return CourseStage.DECIDED if fine_tiyn else CourseStage.CLOSED


def term_end(*, stage: CourseStage, since: date, days: WorkingCalendar) -> datetime:
    """Return the first instant behind the term of ``stage`` that begins with the day ``since``.

    Raises:
        CalendarNotCovered: the term runs into a year whose holidays are not entered.
    """
    counts = {
        CourseStage.TO_HAND_ON: HAND_ON_DAYS,
        CourseStage.DECIDED: PAY_DAYS,
        CourseStage.TO_ENFORCE: ENFORCE_DAYS,
    }
    return end_of_day(nth_working_day_after(day=since, n=counts[stage], days=days))


def ordinary_ground(reason: ReducedReason, *, term_ended: bool = False) -> OrdinaryGround:
    """Return why a record goes by ordinary proceedings that no agreement was made on."""
    if reason is ReducedReason.ELIGIBLE and term_ended:
        return OrdinaryGround.TERM_ENDED
    if reason in {ReducedReason.ELIGIBLE, ReducedReason.WARNING_NOT_ADMITTED}:
        return OrdinaryGround.NOT_ADMITTED
    return OrdinaryGround.NOT_ELIGIBLE


def hand_on_since(
    *, ground: OrdinaryGround, drawn_up_at: datetime, discount_last_day: date | None
) -> date:
    """Return the day with which the three days begin (article 808).

    The seven days' last one for a lapsed receipt, the day of the record otherwise.
    """
    if ground is OrdinaryGround.LAPSED and discount_last_day is not None:
        return discount_last_day
    return law_date(drawn_up_at)


def may_enforce(standing: Standing) -> bool:
    """Return whether an unpaid decision may go to enforcement once its term is over."""
    return (
        standing.stage is CourseStage.DECIDED
        and standing.in_force_on is not None
        and not standing.suspended
    )
