"""What may be paid at a terminal now, and how much: one rule for fresh and for old fines.

Half while the seven days of article 811(1) run; the whole of what was decided once they are over
and the decision stands (articles 893, 896); nothing in between, while the case is undecided.
"""

from dataclasses import dataclass
from datetime import date, datetime

from app.clock import law_date
from fines.errors import AlreadyPaid, DiscountEnded, ReceiptNotIssued
from fines.errors.proceedings import FineNotPayable
from fines.rules.offence_record import OffenceStatus

_PAID = frozenset({OffenceStatus.PAID_HALF, OffenceStatus.PAID_FULL})
_DECIDED_IN = frozenset({OffenceStatus.ORDINARY, OffenceStatus.ENFORCEMENT})


@dataclass(frozen=True, kw_only=True)
class Sum:
    """What is to be paid: ``full`` less ``discount``."""

    full_tiyn: int
    discount_tiyn: int

    @property
    def amount_tiyn(self) -> int:
        """What the card is charged."""
        return self.full_tiyn - self.discount_tiyn


@dataclass(frozen=True, kw_only=True)
class Decision:
    """A decision of ordinary proceedings, as far as paying depends on it.

    Attributes:
        fine_tiyn: what was imposed; nought for a warning or a case that was closed.
        in_force_on: the first day in force, ``None`` while it is not.
        suspended: an appeal is pending: its filing suspends the execution (article 834).
        handed_over: the decision lies with the body of enforcement, which takes the money.
    """

    fine_tiyn: int
    in_force_on: date | None
    suspended: bool = False
    handed_over: bool = False


@dataclass(frozen=True, kw_only=True)
class Owed:
    """What payment depends on in a record of ours."""

    status: OffenceStatus
    full_tiyn: int
    half_tiyn: int
    discount_until: datetime | None
    decision: Decision | None = None


def payable_now(owed: Owed, *, now: datetime) -> Sum:
    """Return what may be paid at ``now``.

    An appeal moves the seven days neither way: the right to pay half is the offender's own act,
    and a decision of reduced proceedings does not exist before he pays (article 811(2)).

    Raises:
        AlreadyPaid: nothing is owed any more.
        ReceiptNotIssued: no receipt was issued and nothing is decided.
        DiscountEnded: the seven days are over and nothing is decided yet.
        FineNotPayable: decided, but not to be paid here and now; ``reason`` says why.
    """
    if owed.status in _PAID:
        raise AlreadyPaid("the fine is paid")
    if owed.status in _DECIDED_IN and owed.decision is not None:
        return _decided(owed.decision, now=now)
    if owed.discount_until is None:
        raise ReceiptNotIssued("there is no receipt, and nothing is decided")
    if owed.status is not OffenceStatus.RECEIPT_ISSUED or now >= owed.discount_until:
        raise DiscountEnded(
            "the seven days are over", discount_until=owed.discount_until.isoformat()
        )
    return Sum(full_tiyn=owed.full_tiyn, discount_tiyn=owed.full_tiyn - owed.half_tiyn)


def _decided(decision: Decision, *, now: datetime) -> Sum:
    if decision.fine_tiyn == 0:
        raise FineNotPayable("no fine was imposed", reason="no_fine")
    if decision.handed_over:
        raise FineNotPayable("it lies with the body of enforcement", reason="with_enforcement")
    if decision.suspended:
        raise FineNotPayable("an appeal suspends the execution", reason="suspended")
    if decision.in_force_on is None or law_date(now) < decision.in_force_on:
        raise FineNotPayable("the decision is not in force", reason="not_in_force")
    return Sum(full_tiyn=decision.fine_tiyn, discount_tiyn=0)


def register_fine_sum(*, amount_tiyn: int) -> Sum:
    """Return what a fine known from the register comes to: the whole of what it says is owed.

    Raises:
        FineNotPayable: the register names no sum.
    """
    if amount_tiyn <= 0:
        raise FineNotPayable("the register names no sum", reason="no_fine")
    return Sum(full_tiyn=amount_tiyn, discount_tiyn=0)
