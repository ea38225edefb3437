"""The life cycle of a payment, and how what a terminal reports is judged.

Only a person's own card, only the server's sum, only after the server's commit; silence is
``UNKNOWN`` and is settled by the terminal's last result.
"""

import enum
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from fines.errors import FilingNotByYou, OutcomeContradicts, TerminalTakesNoTiyn, TransitionRefused
from fines.rules.amounts import TIYN_PER_TENGE
from fines.wire.protocol import OwnerMethod, OwnerVerdict, Reason, Result

CURRENCY: Final = "398"  # ISO 4217, tenge
PRINT_RETRY: Final = timedelta(seconds=10)  # the time to put paper in
LAST_RESULT_RETRY: Final = timedelta(seconds=5)
ORDER_LIFE: Final = timedelta(seconds=90)  # a sale no agent took by then is withdrawn
RECONCILE_LIFE: Final = timedelta(hours=12)  # a terminal's day is closed within the shift
STANDING_ORDER_LIFE: Final = timedelta(days=30)  # settle and print: wanted until done
# Kaspi Smart POS is told its amount in whole tenge; the driver's name is its agent's own.
WHOLE_TENGE_DRIVERS: Final = frozenset({"kaspi"})
# Why a sale that a terminal keeps against our word is taken back by the terminal.
MUST_NOT_STAND: Final = frozenset(
    {
        Reason.THIRD_PARTY_CARD,
        Reason.OWNERSHIP_UNPROVEN,
        Reason.OWNERSHIP_NO_ANSWER,
        Reason.CARD_CHANGED,
        Reason.SERVER_REFUSED,
    }
)


class PaymentStatus(enum.Enum):
    """Where a payment stands. Only ``APPROVED`` *and confirmed*, and later, counts as paid."""

    CREATED = "created"
    SENT = "sent"
    APPROVED = "approved"
    SLIPS_PRINTED = "slips_printed"
    SIGNED = "signed"
    FILED = "filed"
    SETTLED = "settled"
    DECLINED = "declined"
    REVERSED = "reversed"
    UNKNOWN = "unknown"


PAYMENT_STEPS: Final[dict[PaymentStatus, frozenset[PaymentStatus]]] = {
    PaymentStatus.CREATED: frozenset({PaymentStatus.SENT, PaymentStatus.DECLINED}),
    PaymentStatus.SENT: frozenset(
        {
            PaymentStatus.APPROVED,
            PaymentStatus.DECLINED,
            PaymentStatus.REVERSED,
            PaymentStatus.UNKNOWN,
        }
    ),
    PaymentStatus.APPROVED: frozenset(
        {PaymentStatus.SLIPS_PRINTED, PaymentStatus.REVERSED, PaymentStatus.UNKNOWN}
    ),
    PaymentStatus.SLIPS_PRINTED: frozenset({PaymentStatus.SIGNED}),
    PaymentStatus.SIGNED: frozenset({PaymentStatus.FILED}),
    PaymentStatus.FILED: frozenset({PaymentStatus.SETTLED}),
    PaymentStatus.SETTLED: frozenset(),
    PaymentStatus.DECLINED: frozenset(),
    PaymentStatus.REVERSED: frozenset(),
    PaymentStatus.UNKNOWN: frozenset({PaymentStatus.APPROVED, PaymentStatus.REVERSED}),
}
# While one of these, no other payment for the same record may exist.
LIVE: Final = frozenset(PaymentStatus) - {PaymentStatus.DECLINED, PaymentStatus.REVERSED}


class OrderStatus(enum.Enum):
    """Where an order for a terminal agent stands."""

    WAITING = "waiting"
    TAKEN = "taken"  # given out; given out again until it is started
    STARTED = "started"
    DONE = "done"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


OPEN_ORDERS: Final = frozenset({OrderStatus.WAITING, OrderStatus.TAKEN, OrderStatus.STARTED})


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What the server ordered, to hold an approval against."""

    amount_tiyn: int
    terminal_number: str
    names_prove: bool = False  # where the issuer has no check, the name on the chip may do
    card_ref: str = ""  # of the card read before the sale, where one was


@dataclass(frozen=True, kw_only=True)
class Reported:
    """What decides of an approval."""

    amount_tiyn: int
    currency: str
    terminal_number: str
    owner_verdict: OwnerVerdict
    rrn: str
    approval_code: str
    owner_method: OwnerMethod = OwnerMethod.ISSUER
    card_ref: str = ""


def next_payment_status(*, current: PaymentStatus, target: PaymentStatus) -> PaymentStatus:
    """Return ``target`` if a payment may move there from ``current``.

    Raises:
        TransitionRefused: the table lists no such step. Silence on the line leads to
            ``UNKNOWN``; it never becomes ``DECLINED`` by default.
    """
    if target not in PAYMENT_STEPS[current]:
        raise TransitionRefused(f"payment: {current.value} -> {target.value}")
    return target


def refuse_tiyn(*, amount_tiyn: int, driver: str | None) -> None:
    """Raise if a terminal cannot be told this sum; of a driver not told yet nothing is known.

    Raises:
        TerminalTakesNoTiyn: the sum has tiyn and the terminal takes whole tenge only.
    """
    if driver in WHOLE_TENGE_DRIVERS and amount_tiyn % TIYN_PER_TENGE:
        raise TerminalTakesNoTiyn("the sum has tiyn", amount_tiyn=amount_tiyn, driver=driver)


def refuse_own_filing(*, person_id: UUID, officer_person_id: UUID) -> None:
    """Raise unless ``person_id`` may confirm that this officer's signed slip is filed.

    Raises:
        FilingNotByYou: the officer would confirm what he himself filed.
    """
    if person_id == officer_person_id:
        raise FilingNotByYou("a filing is confirmed by a second person")


def judge_approval(*, expected: Expected, reported: Reported) -> Reason:
    """Return ``NONE`` if the sale may stand, or the reason why the terminal takes it back."""
    match reported.owner_verdict:
        case OwnerVerdict.MATCH:
            pass
        case OwnerVerdict.NO_MATCH:
            return Reason.THIRD_PARTY_CARD
        case OwnerVerdict.NO_ANSWER:
            return Reason.OWNERSHIP_NO_ANSWER
        case OwnerVerdict.UNKNOWN:
            return Reason.OWNERSHIP_UNPROVEN
        case OwnerVerdict.NOT_SUPPORTED:
            if not expected.names_prove or reported.owner_method is not OwnerMethod.NAME:
                return Reason.OWNERSHIP_UNPROVEN
    if expected.card_ref and reported.card_ref != expected.card_ref:
        return Reason.CARD_CHANGED
    same = (
        reported.amount_tiyn == expected.amount_tiyn
        and reported.currency == CURRENCY
        and reported.terminal_number == expected.terminal_number
        and bool(reported.rrn.strip())
        and bool(reported.approval_code.strip())
    )
    return Reason.NONE if same else Reason.SERVER_REFUSED


def status_after_outcome(
    *, current: PaymentStatus, confirmed: bool, result: Result, approval_stored: bool
) -> PaymentStatus:
    """Return where an outcome leads; the same status where it says nothing new.

    Args:
        current: where the payment stands.
        confirmed: the terminal has said before that it keeps the sale.
        result: what the terminal says now.
        approval_stored: the server has committed an approval for this payment.

    Raises:
        OutcomeContradicts: it cannot be true together with what is proven.
    """
    if result is Result.COMPLETED:
        if approval_stored and current in {PaymentStatus.APPROVED, PaymentStatus.UNKNOWN}:
            return PaymentStatus.APPROVED
        if approval_stored and confirmed:
            return current
        # The terminal keeps a sale that the server never accepted: only its last result and
        # reconciliation can tell.
        if current in {PaymentStatus.SENT, PaymentStatus.UNKNOWN}:
            return PaymentStatus.UNKNOWN
        raise OutcomeContradicts("completed without an accepted approval")
    if confirmed:
        raise OutcomeContradicts("the terminal has confirmed this sale before")
    if result is Result.UNKNOWN:
        if current in {PaymentStatus.SENT, PaymentStatus.APPROVED, PaymentStatus.UNKNOWN}:
            return PaymentStatus.UNKNOWN
        raise OutcomeContradicts("unknown after the payment has ended")
    return _status_without_money(current=current, result=result)


def _status_without_money(*, current: PaymentStatus, result: Result) -> PaymentStatus:
    if current in {PaymentStatus.DECLINED, PaymentStatus.REVERSED}:
        return current
    if result is Result.DECLINED and current in {PaymentStatus.CREATED, PaymentStatus.SENT}:
        return PaymentStatus.DECLINED
    if current in {PaymentStatus.SENT, PaymentStatus.APPROVED, PaymentStatus.UNKNOWN}:
        return PaymentStatus.REVERSED
    raise OutcomeContradicts("no money moved, says a terminal whose sale is done")
