"""BCD, BMP fields and TLV objects of ZVT (PA00P015 rev. 13.08, chapters 6 and 9).

Card data stops here: a card number is masked to its first six and last four digits while it is
read, whatever the terminal sent, and tracks, card numbers in EMV objects and the cardholder's
name are skipped unread (PCI DSS 3.3.1, 3.5.1).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from fines.wire.zvt_errors import (
    BcdNotDigits,
    CardDataRefused,
    FieldTruncated,
    FieldUnknown,
    TooManyFields,
)

FIELDS_MAX: Final = 64
OBJECTS_MAX: Final = 128
DEPTH_MAX: Final = 4
LLVAR_MAX: Final = 99
LLLVAR_MAX: Final = 999
PAN_DIGITS: Final = range(8, 20)

AMOUNT: Final = 0x04
TLV: Final = 0x06
TRACE: Final = 0x0B
TIME: Final = 0x0C
DATE: Final = 0x0D
EXPIRY: Final = 0x0E
PAYMENT_TYPE: Final = 0x19
PAN: Final = 0x22
RESULT: Final = 0x27
TERMINAL_ID: Final = 0x29
MERCHANT: Final = 0x2A
AUTHORISATION: Final = 0x3B
CURRENCY: Final = 0x49
RECEIPT: Final = 0x87
TOTALS: Final = 0x60
TURNOVER: Final = 0x88
CARD_TYPE: Final = 0x8A
CARD_NAME: Final = 0x8B
HOST_RESULT: Final = 0xA0
MAX_STATUS_INFOS: Final = 0x02
TIMEOUT: Final = 0x01
SERVICE: Final = 0x03

_LL: Final = -2
_LLL: Final = -3
_TLV_FORM: Final = 0
_TRACKS: Final = frozenset({0x23, 0x24, 0x2D})
BMP_FORMS: Final[Mapping[int, int]] = {  # bytes of a fixed field, or the kind of its length
    0x01: 1, 0x02: 1, 0x03: 1, 0x04: 6, 0x05: 1, 0x06: _TLV_FORM, 0x0B: 3, 0x0C: 3, 0x0D: 2,
    0x0E: 2, 0x17: 2, 0x19: 1, 0x22: _LL, 0x23: _LL, 0x24: _LLL, 0x27: 1, 0x29: 4, 0x2A: 15,
    0x2D: _LL, 0x37: 3, 0x3B: 8, 0x3C: _LLL, 0x49: 2, 0x60: _LLL, 0x87: 2, 0x88: 3, 0x8A: 1,
    0x8B: _LL, 0x8C: 1, 0xA0: 1, 0xAA: 3, 0xBA: 5,
}  # fmt: skip

TAG_HOLDER_NAME: Final = 0x5F20  # see zvt_card, the only place that reads it

# Track images, card numbers, cardholder names and print data that may hold them.
_CARD_TAGS: Final = frozenset({
    0x1F08, 0x1F09, 0x1F0A, 0x46, 0x47, 0x56, 0x57, 0x5A, 0x5F20, 0x66, 0x67, 0x9F0B, 0x9F1F,
    0x9F20, 0x9F6B,
})  # fmt: skip

_NINE: Final = 9
_DIGIT_ZERO: Final = 0xF0  # how a length writes its digits
_ONE_BYTE_MAX: Final = 0xFF
_LONG_TAG: Final = 0x1F
_CONSTRUCTED: Final = 0x20
_MORE: Final = 0x80
_TAG_BYTES_MAX: Final = 3


def bcd(digits: str, size: int) -> bytes:
    """Return ``digits`` right-aligned in ``size`` bytes of BCD.

    Raises:
        BcdNotDigits: other characters than digits, or too many.
    """
    if not digits.isascii() or not digits.isdecimal() or len(digits) > 2 * size:
        raise BcdNotDigits(f"digits that fit {size} bytes are due")
    return bytes.fromhex(digits.rjust(2 * size, "0"))


def digits(packed: bytes) -> str:
    """Return the digits of a BCD field, leading zeros kept.

    Raises:
        BcdNotDigits: a nibble above nine.
    """
    text = packed.hex()
    if not text.isdecimal():
        raise BcdNotDigits("a BCD field holds digits only")
    return text


def masked(number: str) -> str:
    """Return a card number with everything but the first six and last four digits starred."""
    keep = 6 if len(number) >= PAN_DIGITS.start + 4 else 0
    return number[:keep] + "*" * (len(number) - keep - 4) + number[-4:]


def pack_masked(number: str) -> bytes:
    """Return BMP 22 for a masked number: ``*`` travels as nibble E, F pads to a whole byte.

    Raises:
        CardDataRefused: the number is not masked.
    """
    if len(number) not in PAN_DIGITS or number != masked(number):
        raise CardDataRefused("a card number travels masked or not at all")
    nibbles = number.replace("*", "e")
    return bytes.fromhex(nibbles + "f" * (len(nibbles) % 2))


def _unpack_masked(packed: bytes) -> bytes:
    text = packed.hex().rstrip("f")
    if len(text) not in PAN_DIGITS or any(c in "abcdf" for c in text):
        raise BcdNotDigits("a card number is 8 to 19 digits, E where masked")
    return masked(text.replace("e", "*")).encode()


@dataclass(frozen=True)
class Tlv:
    """One TLV object. A constructed one has ``children`` and no ``value``."""

    tag: int
    value: bytes = field(default=b"", repr=False)
    children: tuple["Tlv", ...] = ()


@dataclass(frozen=True)
class Fields:
    """The fields of one message. Values are raw bytes, except the masked card number (ASCII)."""

    bmps: Mapping[int, bytes] = field(default_factory=dict, repr=False)
    tlvs: tuple[Tlv, ...] = ()

    def number(self, bmp: int) -> int | None:
        """Return a BCD field as a number, ``None`` where absent."""
        packed = self.bmps.get(bmp)
        return None if packed is None else int(digits(packed))

    def tlv(self, *path: int) -> bytes | None:
        """Return the value of the object at ``path``, ``None`` where absent."""
        level = self.tlvs
        found: Tlv | None = None
        for tag in path:
            found = next((one for one in level if one.tag == tag), None)
            if found is None:
                return None
            level = found.children
        return None if found is None else found.value


def _take(data: bytes, at: int, size: int) -> tuple[bytes, int]:
    if at + size > len(data):
        raise FieldTruncated("a field runs past the end of its message")
    return data[at : at + size], at + size


def _read_count(data: bytes, at: int, places: int) -> tuple[int, int]:
    """Read LLVAR's ``Fx Fy`` or LLLVAR's ``Fx Fy Fz``."""
    raw, at = _take(data, at, places)
    if not all(_DIGIT_ZERO <= byte <= _DIGIT_ZERO + _NINE for byte in raw):
        raise BcdNotDigits("a variable length is written as F0 to F9")
    return int("".join(str(byte & 0xF) for byte in raw)), at


def _read_length(data: bytes, at: int) -> tuple[int, int]:
    """Read a BER length: one byte, or 81/82 and big-endian bytes."""
    first, at = _take(data, at, 1)
    if first[0] < _MORE:
        return first[0], at
    if first[0] not in (0x81, 0x82):
        raise FieldTruncated("a TLV length has at most two bytes")
    raw, at = _take(data, at, first[0] - _MORE)
    return int.from_bytes(raw, "big"), at


def _read_tag(data: bytes, at: int) -> tuple[int, bool, int]:
    first, at = _take(data, at, 1)
    tag = first[0]
    constructed = bool(tag & _CONSTRUCTED)
    if tag & _LONG_TAG == _LONG_TAG:
        for _ in range(_TAG_BYTES_MAX - 1):
            following, at = _take(data, at, 1)
            tag = tag << 8 | following[0]
            if following[0] < _MORE:
                break
        else:
            raise FieldTruncated("a TLV tag has at most three bytes")
    return tag, constructed, at


def parse_tlv(
    data: bytes, *, depth: int = 0, keep: frozenset[int] = frozenset()
) -> tuple[Tlv, ...]:
    """Return the objects of a TLV container; those with card data are left out.

    ``keep`` names one that its only reader may see.

    Raises:
        FieldTruncated, TooManyFields: not a container of the specification.
    """
    if depth > DEPTH_MAX:
        raise TooManyFields("TLV objects are nested too deeply")
    objects: list[Tlv] = []
    at = 0
    while at < len(data):
        tag, constructed, at = _read_tag(data, at)
        length, at = _read_length(data, at)
        value, at = _take(data, at, length)
        if tag in _CARD_TAGS - keep:
            continue
        if constructed:
            objects.append(Tlv(tag, children=parse_tlv(value, depth=depth + 1, keep=keep)))
        else:
            objects.append(Tlv(tag, value))
        if len(objects) > OBJECTS_MAX:
            raise TooManyFields("a TLV container has too many objects")
    return tuple(objects)


def parse_fields(data: bytes, *, keep: frozenset[int] = frozenset()) -> Fields:
    """Return the BMP fields of a message body.

    Raises:
        FieldUnknown, FieldTruncated, BcdNotDigits, TooManyFields: the body cannot be read to its
            end; nothing of it may be used.
    """
    bmps: dict[int, bytes] = {}
    tlvs: tuple[Tlv, ...] = ()
    at = 0
    for _ in range(FIELDS_MAX):
        if at >= len(data):
            return Fields(bmps, tlvs)
        bmp = data[at]
        form = BMP_FORMS.get(bmp)
        if form is None:
            raise FieldUnknown(f"no field {bmp:02X} in the table")
        if form == _TLV_FORM:
            size, at = _read_length(data, at + 1)
        elif form < 0:
            size, at = _read_count(data, at + 1, -form)
        else:
            size, at = form, at + 1
        value, at = _take(data, at, size)
        if form == _TLV_FORM:
            tlvs = parse_tlv(value, keep=keep)
        elif bmp == PAN:
            bmps[bmp] = _unpack_masked(value)
        elif bmp not in _TRACKS:
            bmps[bmp] = value
    raise TooManyFields("a message has too many fields")


def _pack_length(size: int) -> bytes:
    if size < _MORE:
        return bytes([size])
    return b"\x81" + bytes([size]) if size <= _ONE_BYTE_MAX else b"\x82" + size.to_bytes(2, "big")


def pack_tlv(objects: Iterable[Tlv]) -> bytes:
    """Return the bytes of TLV objects, without the container's own tag and length."""
    packed = b""
    for one in objects:
        value = pack_tlv(one.children) if one.children else one.value
        tag = one.tag.to_bytes((one.tag.bit_length() + 7) // 8 or 1, "big")
        packed += tag + _pack_length(len(value)) + value
    return packed


def pack_fields(fields: Fields) -> bytes:
    """Return the bytes of the fields in the order given, the TLV container last.

    Raises:
        FieldUnknown: no such field. FieldTruncated: a value of the wrong size.
        CardDataRefused: a track, or a card number that is not masked.
    """
    packed = b""
    for bmp, value in fields.bmps.items():
        form = BMP_FORMS.get(bmp)
        if form is None or form == _TLV_FORM:
            raise FieldUnknown(f"no plain field {bmp:02X} in the table")
        if bmp in _TRACKS:
            raise CardDataRefused("tracks are never sent")
        body = pack_masked(value.decode()) if bmp == PAN else value
        if form > 0 and len(body) != form:
            raise FieldTruncated(f"field {bmp:02X} has {form} bytes")
        if form < 0:
            if len(body) >= 10**-form:
                raise FieldTruncated(f"field {bmp:02X} is too long")
            body = bytes(0xF0 | int(d) for d in f"{len(body):0{-form}d}") + body
        packed += bytes([bmp]) + body
    if fields.tlvs:
        container = pack_tlv(fields.tlvs)
        packed += bytes([TLV]) + _pack_length(len(container)) + container
    return packed
