"""Print commands of a terminal that prints through us: 06 D1, a line, and 06 D3, a text block."""

from dataclasses import dataclass
from typing import Final

from fines.wire.zvt import TAG_CHARSET, UTF_8, Apdu, Command, body_of, sequence_tlv
from fines.wire.zvt_errors import FieldTruncated, TooManyFields
from fines.wire.zvt_fields import Fields, Tlv, pack_fields

TAG_KIND: Final = 0x1F07
TAG_INFO: Final = 0x1F37
TAG_LINES: Final = 0x25
TAG_LINE: Final = 0x07
TAG_ATTRIBUTE: Final = 0x09
KIND_MERCHANT, KIND_CUSTOMER, KIND_ADMIN = 0x01, 0x02, 0x03
MUST_PRINT: Final = 0x80  # of 1F37
LINES_MAX: Final = 200
TEXT_MAX: Final = 200

_FEED: Final = 0xFF  # attribute: the text's one byte says how many lines
_LAST: Final = 0x80
_CENTRED: Final = 0x40
_WIDE_OR_HIGH: Final = 0x30
_SPECIAL: Final = frozenset({0x80, _FEED})
_DEFAULT_CHARSET: Final = "cp437"


@dataclass(frozen=True)
class PrintedLine:
    """One line as the terminal wants it. Its text goes to paper and nowhere else."""

    text: str
    centred: bool = False
    large: bool = False
    last: bool = False  # the slip ends here


def parse_line(apdu: Apdu, *, charset: int | None) -> tuple[PrintedLine, ...]:
    """Return what one 06 D1 prints: usually one line, for a feed as many empty ones.

    Raises:
        ZvtMalformed: it has no attribute.
    """
    if not apdu.data:
        raise FieldTruncated("a print line begins with its attribute")
    return _lines(apdu.data[0], apdu.data[1:], charset)


def parse_text(apdu: Apdu, *, charset: int | None) -> tuple[int, tuple[PrintedLine, ...]]:
    """Return the kind of slip and the lines of one 06 D3.

    Raises:
        ZvtMalformed: it cannot be read to its end, or is longer than any slip.
    """
    fields = body_of(apdu)
    own = fields.tlv(TAG_CHARSET)
    kind = fields.tlv(TAG_KIND)
    lines: list[PrintedLine] = []
    for block in (one for one in fields.tlvs if one.tag == TAG_LINES):
        attribute = 0
        for item in block.children:
            if item.tag == TAG_ATTRIBUTE:
                attribute = item.value[0] if item.value else 0
            elif item.tag == TAG_LINE:
                lines += _lines(attribute, item.value, own[0] if own else charset)
                attribute = 0
            if len(lines) > LINES_MAX:
                raise TooManyFields("a text block is longer than any slip")
    return (kind[0] if kind else 0), tuple(lines)


def _lines(attribute: int, raw: bytes, charset: int | None) -> tuple[PrintedLine, ...]:
    if attribute == _FEED:
        return (PrintedLine(""),) * min(raw[0] if raw else 1, LINES_MAX)
    codec = "utf-8" if charset == UTF_8 else _DEFAULT_CHARSET
    text = raw.decode(codec, errors="replace")[:TEXT_MAX]
    plain = "".join(letter if letter.isprintable() else " " for letter in text)
    if attribute in _SPECIAL or attribute & _LAST:
        return (PrintedLine(plain, last=attribute != _LAST),)
    return (
        PrintedLine(
            " " * (attribute & 0x0F) + plain if not attribute & _CENTRED else plain,
            centred=bool(attribute & _CENTRED),
            large=attribute & _WIDE_OR_HIGH == _WIDE_OR_HIGH,
        ),
    )


def print_line(text: str, *, attribute: int = 0, charset: int | None = UTF_8) -> Apdu:
    """Return 06 D1. It carries no number: nothing may stand behind its text."""
    codec = "utf-8" if charset == UTF_8 else _DEFAULT_CHARSET
    return Apdu(Command.PRINT_LINE, bytes([attribute]) + text.encode(codec, errors="replace"))


def print_text(
    lines: tuple[str, ...], *, kind: int, info: int = 0, sequence: int | None = None
) -> Apdu:
    """Return 06 D3 with plain lines in UTF-8."""
    block = Tlv(TAG_LINES, children=tuple(Tlv(TAG_LINE, line.encode()) for line in lines))
    objects = (
        Tlv(TAG_KIND, bytes([kind])),
        block,
        Tlv(TAG_CHARSET, bytes([UTF_8])),
        Tlv(TAG_INFO, bytes([info])),
    )
    return Apdu(Command.PRINT_TEXT, pack_fields(Fields(tlvs=(*objects, *sequence_tlv(sequence)))))
