"""Who may read a leaf's content. Proofs are for everybody; contents name persons by id."""

from collections.abc import Mapping
from uuid import UUID

_CLOSING = ("audit.stream_closed", "audit.month_closed")  # they hold his reports together
_CONTROLLED = ("audit.", "exchange.", "identity.")  # what the exchange's controller answers for


def may_read(
    content: Mapping[str, object], *, role: str, person_id: UUID, department_id: UUID
) -> bool:
    """Tell whether somebody may read this leaf.

    An auditor reads every one; everybody his own acts; a responsible official those of his unit;
    and the closing records; the exchange controller those of the exchange.
    """
    if role == "auditor" or content.get("person") == str(person_id):
        return True
    if role == "exchange_controller":
        return str(content.get("event")).startswith(_CONTROLLED)
    if role == "responsible_official" and content.get("event") in _CLOSING:
        return True
    own_unit = content.get("department") == str(department_id)
    return role == "responsible_official" and own_unit
