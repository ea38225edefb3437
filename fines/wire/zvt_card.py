"""What a card says of itself before a sale, and what the terminal asks about one in a sale.

The cardholder's name (5F20) is read here and nowhere else, for one comparison: the caller keeps
the verdict and lets the name go (PCI DSS 3.2; the name is personal data of the bank's client).
"""

from dataclasses import dataclass
from typing import Final

from fines.wire.zvt import Apdu, Command, body_of, sequence_tlv
from fines.wire.zvt_fields import PAN, TAG_HOLDER_NAME, Fields, Tlv, pack_fields, parse_fields

NAME_BYTES_MAX: Final = 64  # EMV: 2 to 26; some terminals give an extended one


def holder_name(apdu: Apdu) -> str:
    """Return the name on the chip, empty where the terminal does not tell it.

    Raises:
        ZvtMalformed: the message cannot be read to its end.
    """
    if apdu.command != Command.STATUS_INFORMATION:
        return ""
    raw = parse_fields(apdu.data, keep=frozenset({TAG_HOLDER_NAME})).tlv(TAG_HOLDER_NAME)
    if raw is None or len(raw) > NAME_BYTES_MAX:
        return ""
    # EMV says ISO 8859-1; what it cannot be is no name.
    return raw.decode("latin-1").strip()


def with_name(apdu: Apdu, name: bytes, *, sequence: int | None) -> Apdu:
    """Return a status information with the name on the chip and a number added to it."""
    fields = parse_fields(apdu.data)
    name_tlv = (Tlv(TAG_HOLDER_NAME, name),) if name else ()
    tlvs = (*fields.tlvs, *name_tlv, *sequence_tlv(sequence))
    return Apdu(apdu.command, pack_fields(Fields(fields.bmps, tlvs)))


@dataclass(frozen=True)
class BlockedQuery:
    """06 E4: may this card be used? Only its masked number is known at this point."""

    card_masked: str


def parse_blocked_query(apdu: Apdu) -> BlockedQuery:
    """Return what the terminal asks.

    Raises:
        ZvtMalformed: it cannot be read to its end: refuse the card.
    """
    return BlockedQuery(body_of(apdu).bmps.get(PAN, b"").decode("ascii"))
