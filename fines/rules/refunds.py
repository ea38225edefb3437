"""The life of a refund: one person asks, another decides, the acquirer pays.

Neither of the two is the officer who took the payment, nor are they the same person. What one
clerk and one unit approve in a day is limited: by how much stands in no published text, so the
limits are dated configuration, marked as not verified.
"""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from fines.errors.money import (
    RefundLimitOfClerk,
    RefundLimitOfUnit,
    RefundNotByYou,
    RefundStepRefused,
    RefundTooLarge,
)


class RefundStatus(enum.Enum):
    """Where a refund stands."""

    REQUESTED = "requested"
    REFUSED = "refused"
    APPROVED = "approved"
    SENT = "sent"  # in an instruction to the acquirer
    PAID = "paid"  # the acquirer's settlement file says so


class RefundReason(enum.Enum):
    """Why money goes back."""

    PAID_TWICE = "paid_twice"
    DECISION_CANCELLED = "decision_cancelled"
    AMOUNT_WRONG = "amount_wrong"
    NOT_THE_OFFENDER = "not_the_offender"


class RefundExtent(enum.Enum):
    """How much of a payment was given back."""

    NONE = "none"
    PARTIAL = "partial"
    FULL = "full"


REFUND_STEPS: Final[dict[RefundStatus, frozenset[RefundStatus]]] = {
    RefundStatus.REQUESTED: frozenset({RefundStatus.APPROVED, RefundStatus.REFUSED}),
    RefundStatus.REFUSED: frozenset(),
    RefundStatus.APPROVED: frozenset({RefundStatus.SENT}),
    RefundStatus.SENT: frozenset({RefundStatus.PAID}),
    RefundStatus.PAID: frozenset(),
}


def next_refund_status(*, current: RefundStatus, target: RefundStatus) -> RefundStatus:
    """Return ``target`` if a refund may move there from ``current``.

    Raises:
        RefundStepRefused: the table lists no such step.
    """
    if target not in REFUND_STEPS[current]:
        raise RefundStepRefused(f"refund: {current.value} -> {target.value}")
    return target


def refund_extent(*, paid_tiyn: int, refunded_tiyn: int) -> RefundExtent:
    """Return how much of a payment the refunds that were paid out come to."""
    if not refunded_tiyn:
        return RefundExtent.NONE
    return RefundExtent.FULL if refunded_tiyn >= paid_tiyn else RefundExtent.PARTIAL


def refuse_own_hands(*, person_id: UUID, officer_person_id: UUID, asked_by: UUID | None) -> None:
    """Raise unless ``person_id`` may act on the refund of this officer's payment.

    Args:
        person_id: who acts now.
        officer_person_id: who took the payment.
        asked_by: who asked for the refund; ``None`` while it is being asked for.

    Raises:
        RefundNotByYou: the same person would stand on two sides.
    """
    if person_id in {officer_person_id, asked_by}:
        raise RefundNotByYou("a refund takes two people other than the officer")


def refuse_over_paid(*, paid_tiyn: int, refunded_tiyn: int, amount_tiyn: int) -> None:
    """Raise if this refund with the earlier ones is more than was paid.

    Raises:
        RefundTooLarge: it is.
    """
    if not 0 < amount_tiyn <= paid_tiyn - refunded_tiyn:
        raise RefundTooLarge(
            "a refund is above nought and never more than what is left of the payment",
            left_tiyn=paid_tiyn - refunded_tiyn,
        )


@dataclass(frozen=True, kw_only=True)
class DailyLimits:
    """How much may be approved in one day of the law's clock."""

    clerk_tiyn: int
    unit_tiyn: int


DatedLimits = tuple[tuple[date, DailyLimits], ...]


def parse_refund_limits(text: str) -> DatedLimits:
    """Return the limits of ``date=clerk/unit,…`` in tiyn, each in force from its day on.

    Raises:
        ValueError: another form, days that do not ascend, or a unit that may less than a clerk.
    """
    found: DatedLimits = ()
    for one in text.split(","):
        day, _, sums = one.partition("=")
        clerk, _, unit = sums.partition("/")
        limits = DailyLimits(clerk_tiyn=int(clerk), unit_tiyn=int(unit))
        since = date.fromisoformat(day)
        if found and since <= found[-1][0]:
            raise ValueError("the days of the limits ascend")
        if not 0 < limits.clerk_tiyn <= limits.unit_tiyn:
            raise ValueError("a clerk may approve something, and never more than his unit")
        found += ((since, limits),)
    return found


def limits_on(limits: Sequence[tuple[date, DailyLimits]], day: date) -> DailyLimits:
    """Return the limits in force on a day; before the first, the first."""
    in_force = [one for since, one in limits if since <= day] or [limits[0][1]]
    return in_force[-1]


def refuse_over_limits(
    limits: DailyLimits, *, amount_tiyn: int, of_clerk_tiyn: int, of_unit_tiyn: int
) -> None:
    """Raise if a refund, with what was approved before it that day, is over a limit.

    Args:
        limits: those of the day.
        amount_tiyn: of the refund to be approved now.
        of_clerk_tiyn: what the same clerk has approved that day.
        of_unit_tiyn: what the unit's clerks together have approved that day.

    Raises:
        RefundLimitOfUnit: the unit may approve no more of it that day.
        RefundLimitOfClerk: another clerk still may.
    """
    if of_unit_tiyn + amount_tiyn > limits.unit_tiyn:
        raise RefundLimitOfUnit(
            "more than the unit may approve in a day",
            limit_tiyn=limits.unit_tiyn,
            approved_tiyn=of_unit_tiyn,
        )
    if of_clerk_tiyn + amount_tiyn > limits.clerk_tiyn:
        raise RefundLimitOfClerk(
            "more than one clerk may approve in a day",
            limit_tiyn=limits.clerk_tiyn,
            approved_tiyn=of_clerk_tiyn,
        )
