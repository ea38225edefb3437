"""Whose card is it, as far as our own books know; the issuer has the last word in the sale.

Books only ever refuse: that a card was somebody's yesterday proves nothing about today.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from fines.wire.protocol import OwnerMethod, OwnerVerdict, Reason


@dataclass(frozen=True, kw_only=True)
class EarlierCard:
    """One earlier payment with the same card reference: whose fine, and the issuer's word."""

    same_payer: bool
    verdict: OwnerVerdict
    method: OwnerMethod | None


def judge_card(earlier: Iterable[EarlierCard]) -> Reason:
    """Return what our books hold against a card before it is charged.

    Refused is a card that the issuer has called another's for this payer, and one that it has
    proven to be another payer's and never this one's.
    """
    by_issuer = [one for one in earlier if one.method is not OwnerMethod.NAME]
    own = any(one.same_payer and one.verdict is OwnerVerdict.MATCH for one in by_issuer)
    denied = any(one.same_payer and one.verdict is OwnerVerdict.NO_MATCH for one in by_issuer)
    others = any(not one.same_payer and one.verdict is OwnerVerdict.MATCH for one in by_issuer)
    if not own and (denied or others):
        return Reason.THIRD_PARTY_CARD
    return Reason.NONE
