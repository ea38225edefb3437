"""The life of a refund: one person asks, another decides, the acquirer pays.

Neither of the two is the officer who took the payment, nor are they the same person.
"""

import enum
from typing import Final
from uuid import UUID

from fines.errors.money import RefundNotByYou, RefundStepRefused, RefundTooLarge


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
