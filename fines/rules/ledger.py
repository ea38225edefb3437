"""The ledger: which accounts there are, and which sum an event moves from where to where.

A posting moves one sum from one account to another. It is both sides of a double entry at once,
so the books balance at every moment: a debit without its credit cannot be written down at all.
Amounts are in whole tiyn and above nought; nothing is ever changed or taken out.
"""

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final


class Account(enum.Enum):
    """Where money, or a claim to it, stands. A positive balance is a debit balance."""

    RECEIVABLE = "receivable"  # what the offender of a case owes
    FINES = "fines"  # the budget's income from fines, before discounts and refunds
    DISCOUNT = "discount"  # half a fine forgiven by article 811
    UNCONFIRMED = "unconfirmed"  # approved by the issuer, not yet kept by the terminal
    ACQUIRER_CLEARING = "acquirer_clearing"  # booked by the acquirer, not yet in a settlement
    TREASURY_DUE = "treasury_due"  # settled by the acquirer, on its way to the budget
    TREASURY = "treasury"  # reached the budget's account
    REFUNDED = "refunded"  # fines given back
    REFUNDS_PAYABLE = "refunds_payable"  # decided, not yet paid out by the acquirer


class PostingKind(enum.Enum):
    """The event a posting writes down."""

    APPROVAL = "approval"
    REVERSAL = "reversal"
    CHARGE = "charge"
    PAYMENT = "payment"
    DISCOUNT = "discount"
    SETTLEMENT = "settlement"
    TREASURY_RECEIPT = "treasury_receipt"
    TREASURY_RETURN = "treasury_return"
    REFUND_DECIDED = "refund_decided"
    REFUND_PAID = "refund_paid"


# The one pair of accounts (debit, credit) of each kind; the database holds the same table.
ACCOUNTS_OF: Final[Mapping[PostingKind, tuple[Account, Account]]] = {
    PostingKind.APPROVAL: (Account.ACQUIRER_CLEARING, Account.UNCONFIRMED),
    PostingKind.REVERSAL: (Account.UNCONFIRMED, Account.ACQUIRER_CLEARING),
    PostingKind.CHARGE: (Account.RECEIVABLE, Account.FINES),
    PostingKind.PAYMENT: (Account.UNCONFIRMED, Account.RECEIVABLE),
    PostingKind.DISCOUNT: (Account.DISCOUNT, Account.RECEIVABLE),
    PostingKind.SETTLEMENT: (Account.TREASURY_DUE, Account.ACQUIRER_CLEARING),
    PostingKind.TREASURY_RECEIPT: (Account.TREASURY, Account.TREASURY_DUE),
    PostingKind.TREASURY_RETURN: (Account.TREASURY_DUE, Account.TREASURY),
    PostingKind.REFUND_DECIDED: (Account.REFUNDED, Account.REFUNDS_PAYABLE),
    # The acquirer keeps what it pays back from the next sum it sends to the budget.
    PostingKind.REFUND_PAID: (Account.REFUNDS_PAYABLE, Account.TREASURY_DUE),
}


@dataclass(frozen=True, kw_only=True)
class Posting:
    """A sum moved from ``credit`` to ``debit``."""

    kind: PostingKind
    amount_tiyn: int

    def __post_init__(self) -> None:
        if self.amount_tiyn < 1:
            raise ValueError("a posting moves a sum above nought")

    @property
    def debit(self) -> Account:
        """The account that gains."""
        return ACCOUNTS_OF[self.kind][0]

    @property
    def credit(self) -> Account:
        """The account that gives."""
        return ACCOUNTS_OF[self.kind][1]


def confirmation(*, full_tiyn: int, paid_tiyn: int) -> tuple[Posting, ...]:
    """Return what a kept sale moves: the whole fine is charged, paid in part, forgiven in part.

    Raises:
        ValueError: more was paid than the fine is.
    """
    if not 0 < paid_tiyn <= full_tiyn:
        raise ValueError("a payment is above nought and never more than the fine")
    postings = (
        Posting(kind=PostingKind.CHARGE, amount_tiyn=full_tiyn),
        Posting(kind=PostingKind.PAYMENT, amount_tiyn=paid_tiyn),
    )
    if paid_tiyn == full_tiyn:
        return postings
    return (*postings, Posting(kind=PostingKind.DISCOUNT, amount_tiyn=full_tiyn - paid_tiyn))


def balances(postings: Iterable[Posting]) -> dict[Account, int]:
    """Return the balance of every account; they always add up to nought."""
    totals = dict.fromkeys(Account, 0)
    for one in postings:
        totals[one.debit] += one.amount_tiyn
        totals[one.credit] -= one.amount_tiyn
    return totals
