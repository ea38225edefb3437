"""What a ZVT codec refuses. A leaf: these are plain ``ValueError`` classes with a stable code."""

from typing import ClassVar


class ZvtMalformed(ValueError):
    """Bytes that no reading of PA00P015/PA00P016 allows. The message never repeats the bytes."""

    code: ClassVar[str] = "zvt.malformed"
    cure: ClassVar[str] = "Check the line, then the terminal's protocol version."


class BcdNotDigits(ZvtMalformed):
    """A nibble above nine where digits are due, or digits that do not fit the field."""

    code = "zvt.bcd_not_digits"


class FieldUnknown(ZvtMalformed):
    """A BMP number outside the table: its length is unknown, so the rest cannot be read."""

    code = "zvt.field_unknown"


class FieldTruncated(ZvtMalformed):
    """A field or TLV object that runs past the end of its container."""

    code = "zvt.field_truncated"


class LengthMismatch(ZvtMalformed):
    """The APDU's length field and the bytes that came differ."""

    code = "zvt.length_mismatch"


class TooManyFields(ZvtMalformed):
    """More fields, objects or nesting than any message of the specification has."""

    code = "zvt.too_many_fields"


class CardDataRefused(ZvtMalformed):
    """Somebody tried to put a whole card number or a track on the wire."""

    code = "zvt.card_data_refused"
    cure = "Mask the number: at most the first six and the last four digits."
