"""Is the card that paid the violator's own? The issuer's answer is the truth; silence is a no.

The name on the chip counts only where the issuer has no check at all, the server allows it, and
the card that was read is the card that paid.
"""

from fines.field.driver import CardSeen
from fines.field.names import CHECKER, NameVerdict
from fines.wire.protocol import Approval, OwnerMethod, OwnerVerdict, Reason

_AGAINST = {
    OwnerVerdict.NO_MATCH: Reason.THIRD_PARTY_CARD,
    OwnerVerdict.NO_ANSWER: Reason.OWNERSHIP_NO_ANSWER,
    OwnerVerdict.UNKNOWN: Reason.OWNERSHIP_UNPROVEN,
}


def proven(approval: Approval, before: CardSeen | None) -> tuple[Approval | None, Reason | None]:
    """Return the approval with how its owner is proven, or ``None`` and what speaks against it."""
    if before is not None and _another_card(approval, before):
        return None, Reason.CARD_CHANGED
    verdict = approval.owner_verdict
    if verdict is OwnerVerdict.MATCH:
        return approval, None
    if verdict is not OwnerVerdict.NOT_SUPPORTED:
        return None, _AGAINST[verdict]
    name = before.name_verdict if before is not None else None
    if name is NameVerdict.MATCH and approval.card_ref:
        by_name = {"owner_method": OwnerMethod.NAME, "owner_checker": CHECKER}
        return approval.model_copy(update=by_name), None
    if name is NameVerdict.NO_MATCH:
        return None, Reason.THIRD_PARTY_CARD
    return None, Reason.OWNERSHIP_UNPROVEN


def _another_card(approval: Approval, before: CardSeen) -> bool:
    paid = (approval.card_ref_kind, approval.card_ref)
    if before.card_ref and approval.card_ref:
        return paid != (before.card_ref_kind, before.card_ref)
    return approval.card_masked != before.card_masked
