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


class CopyWay(enum.Enum):
    """How the copy reached the offender (article 803(8))."""

    PAPER = "paper"
    EMAIL = "email"
    PORTAL = "portal"  # told that it is placed on the portal
    REFUSED = "refused"  # refused to take it: an entry is made (article 803(6))


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
