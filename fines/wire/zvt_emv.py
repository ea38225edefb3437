"""What a terminal tells of the chip's part in a sale: TVR, TSI and cryptogram, for the slip.

PA00P015 gives them as text for the receipts (46 the customer's, 47 the merchant's), worded by its
maker; some terminals send EMV's own objects (95, 9B, 9F26) instead. Of the text only what stands
behind a known label or the application's number is taken; the rest may hold a card number and is
let go unread.
"""

import re
from dataclasses import dataclass
from typing import Final

from fines.wire.card_numbers import holds_card_number
from fines.wire.zvt_fields import Fields, Tlv, parse_fields

TEXT_BYTES_MAX: Final = 1024  # of one receipt's text; a roll shows less
TAG_TEXTS: Final = frozenset({0x46, 0x47})
TAG_TVR: Final = 0x95
TAG_TSI: Final = 0x9B
TAG_CRYPTOGRAM: Final = 0x9F26
_OBJECTS: Final = ((TAG_TVR, 5), (TAG_TSI, 2), (TAG_CRYPTOGRAM, 8))
_LABELS: Final = (
    re.compile(r"\bTVR[ :=]{1,3}([0-9A-F]{10})\b", re.IGNORECASE),
    re.compile(r"\bTSI[ :=]{1,3}([0-9A-F]{4})\b", re.IGNORECASE),
    # Either behind a label, or behind the application's number: "A0000000031010 9C2F5A0B7D1E4366".
    re.compile(
        r"\b(?:AC|TC|ARQC|AAC|CRYPTO|A0[0-9A-F]{8,30})[ :=]{1,3}([0-9A-F]{16})\b", re.IGNORECASE
    ),
)


@dataclass(frozen=True, kw_only=True)
class ChipProof:
    """Upper-case hexadecimal digits, empty where the terminal does not tell."""

    tvr: str = ""
    tsi: str = ""
    cryptogram: str = ""


def read_chip_proof(fields: Fields, body: bytes) -> ChipProof:
    """Return what a message tells of the chip, by objects first and else by its receipts' text.

    ``fields`` are those of ``body``, the bytes that hold the texts. A cryptogram whose digits
    could be a card number's (one in some thousands) is left out: it would stop the sale.

    Raises:
        ZvtMalformed: the body cannot be read to its end.
    """
    objects = _by_tag(fields.tlvs)
    found = [
        raw.hex().upper() if len(raw := objects.get(tag, b"")) == size else ""
        for tag, size in _OBJECTS
    ]
    if not all(found):
        texts = _by_tag(parse_fields(body, keep=TAG_TEXTS).tlvs)
        text = " ".join(
            texts[tag].decode("latin-1") for tag in sorted(TAG_TEXTS & texts.keys())
            if len(texts[tag]) <= TEXT_BYTES_MAX
        )  # fmt: skip
        found = [
            known or ((seen := label.search(text)) and seen[1].upper()) or ""
            for known, label in zip(found, _LABELS, strict=True)
        ]
    tvr, tsi, cryptogram = ("" if holds_card_number(one) else one for one in found)
    return ChipProof(tvr=tvr, tsi=tsi, cryptogram=cryptogram)


def _by_tag(objects: tuple[Tlv, ...]) -> dict[int, bytes]:
    """Return the values of objects by tag, those in containers too; the first of a tag counts."""
    found: dict[int, bytes] = {}
    for one in objects:
        inner = _by_tag(one.children) if one.children else {one.tag: one.value}
        found = inner | found
    return found
