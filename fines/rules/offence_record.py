"""The life cycle of an offence record, its four acts, its numbers and the discount's end.

Offence code articles 739, 741, 803, 807, 810, 811.
"""

import enum
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from app.calendar.rules import WorkingCalendar, end_of_day, nth_working_day_after
from app.clock import law_date
from fines.errors import ActsNotReported, OffenceInFuture, TransitionRefused

DISCOUNT_WORKING_DAYS: Final = 7  # article 811(1), counted by article 739
LIABILITY_DAYS: Final = 62  # article 62(1): two months from the offence, at their longest
_CLOCK_SKEW: Final = timedelta(minutes=2)  # a tablet's clock may run ahead of ours this much


class OffenceStatus(enum.Enum):
    """Where a record stands."""

    DRAFT = "draft"
    DRAWN_UP = "drawn_up"
    REDUCED_AGREED = "reduced_agreed"
    RECEIPT_ISSUED = "receipt_issued"
    PAID_HALF = "paid_half"
    PAID_FULL = "paid_full"  # decided in ordinary proceedings, then paid whole
    LAPSED = "lapsed"
    ORDINARY = "ordinary"
    ENFORCEMENT = "enforcement"
    WARNED = "warned"


# A warning is given without a record being drawn up (article 807). A person who does not admit
# goes by ordinary proceedings straight from the record drawn up (articles 808, 810).
OFFENCE_STEPS: Final[dict[OffenceStatus, frozenset[OffenceStatus]]] = {
    OffenceStatus.DRAFT: frozenset({OffenceStatus.DRAWN_UP, OffenceStatus.WARNED}),
    OffenceStatus.DRAWN_UP: frozenset({OffenceStatus.REDUCED_AGREED, OffenceStatus.ORDINARY}),
    OffenceStatus.REDUCED_AGREED: frozenset({OffenceStatus.RECEIPT_ISSUED}),
    OffenceStatus.RECEIPT_ISSUED: frozenset({OffenceStatus.PAID_HALF, OffenceStatus.LAPSED}),
    OffenceStatus.PAID_HALF: frozenset(),
    OffenceStatus.PAID_FULL: frozenset(),
    OffenceStatus.LAPSED: frozenset({OffenceStatus.ORDINARY}),
    OffenceStatus.ORDINARY: frozenset({OffenceStatus.ENFORCEMENT, OffenceStatus.PAID_FULL}),
    OffenceStatus.ENFORCEMENT: frozenset({OffenceStatus.PAID_FULL}),
    OffenceStatus.WARNED: frozenset(),
}


class Act(enum.Enum):
    """The four acts that together equal the decision (note to article 811(2))."""

    ANNOUNCED = "announced"  # the offence and the penalty
    ENTERED = "entered"  # the data, in the information system
    EXPLAINED = "explained"  # the grounds, and the right to pay half
    RECEIPT_HANDED = "receipt_handed"


BEFORE_AGREEMENT: Final = (Act.ANNOUNCED, Act.EXPLAINED)


class Language(enum.Enum):
    """The language of the proceedings (article 738)."""

    KK = "kk"
    RU = "ru"


class PenaltyChosen(enum.Enum):
    """What the officer imposes."""

    FINE = "fine"
    WARNING = "warning"


@dataclass(frozen=True, kw_only=True)
class Discount:
    """The end of the right to pay half. ``until`` is the first instant no longer within it."""

    last_day: date
    until: datetime


def next_offence_status(*, current: OffenceStatus, target: OffenceStatus) -> OffenceStatus:
    """Return ``target`` if a record may move there from ``current``.

    Raises:
        TransitionRefused: the table lists no such step.
    """
    if target not in OFFENCE_STEPS[current]:
        raise TransitionRefused(f"offence record: {current.value} -> {target.value}")
    return target


def refuse_acts_missing(done: Collection[Act]) -> None:
    """Pass if what comes before the agreement was done and reported (note to article 811(2)).

    Raises:
        ActsNotReported: one or both were not.
    """
    missing = [act.value for act in BEFORE_AGREEMENT if act not in done]
    if missing:
        raise ActsNotReported(f"not reported: {', '.join(missing)}", missing=missing)


def discount_end(*, issued_at: datetime, days: WorkingCalendar) -> Discount:
    """Return when the right to pay half ends, for a receipt issued at ``issued_at``.

    The end (24:00 Asia/Almaty) of the seventh working day after the day of issue.

    Raises:
        CalendarNotCovered: the term runs into a year whose holidays are not entered.
    """
    last_day = nth_working_day_after(day=law_date(issued_at), n=DISCOUNT_WORKING_DAYS, days=days)
    return Discount(last_day=last_day, until=end_of_day(last_day))


def refuse_impossible_time(*, occurred_at: datetime, now: datetime) -> None:
    """Pass if an offence of ``occurred_at`` can be recorded at ``now``.

    Raises:
        OffenceInFuture: it lies ahead, or liability for it has ended.
    """
    if occurred_at > now + _CLOCK_SKEW:
        raise OffenceInFuture("the offence lies in the future")
    if law_date(now) - law_date(occurred_at) > timedelta(days=LIABILITY_DAYS):
        raise OffenceInFuture("liability for the offence has ended")


def offence_record_number(*, year: int, serial: int) -> str:
    """Return the number of a record: the year and a serial of the database."""
    return f"{year}-{serial:09d}"


def receipt_number(*, year: int, serial: int) -> str:
    """Return the number of a receipt (квитанция)."""
    return f"R-{year}-{serial:09d}"
