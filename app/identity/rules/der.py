"""Strict DER (X.690 section 10): one value, definite and shortest lengths, nothing after it.

The parser used above this one also reads BER, in which one signature has many encodings and
bytes can hide; what is evidence must have one form only.
"""

from typing import Final

_DEPTH_MAX: Final = 32
_LONG_TAG: Final = 0x1F
_CONSTRUCTED: Final = 0x20
_LONG_LENGTH: Final = 0x80
_LENGTH_BYTES_MAX: Final = 4


class DerNotValid(ValueError):
    """The bytes are not one DER value."""


def check_der(content: bytes) -> None:
    """Check that ``content`` is exactly one value in DER.

    Raises:
        DerNotValid: it is not.
    """
    if _end_of_value(content, 0, len(content), 0) != len(content):
        raise DerNotValid("bytes after the value")


def children(value: bytes) -> list[bytes]:
    """Return the encodings inside a constructed DER value, in order."""
    start, end = _header(value, 0, len(value))
    found = []
    while start < end:
        _, after = _header(value, start, end)
        found.append(value[start:after])
        start = after
    return found


def content_of(value: bytes, *, tag: int) -> bytes:
    """Return what is inside a DER value of this tag.

    Raises:
        DerNotValid: another tag, or not one whole value.
    """
    start, end = _header(value, 0, len(value))
    if value[0] != tag or end != len(value):
        raise DerNotValid("another value")
    return value[start:end]


def _end_of_value(content: bytes, start: int, limit: int, depth: int) -> int:
    if depth > _DEPTH_MAX:
        raise DerNotValid("nested too deep")
    inner, end = _header(content, start, limit)
    if content[start] & _CONSTRUCTED:
        while inner < end:
            inner = _end_of_value(content, inner, end, depth + 1)
    return end


def _header(content: bytes, start: int, limit: int) -> tuple[int, int]:
    # Returns where the value's content begins and ends.
    if limit - start < 2:  # noqa: PLR2004 - a tag and a length
        raise DerNotValid("cut off")
    if content[start] & _LONG_TAG == _LONG_TAG:
        raise DerNotValid("no tag of this form has a place in CMS")
    length, inner = content[start + 1], start + 2
    if length & _LONG_LENGTH:
        count = length & ~_LONG_LENGTH
        if not 1 <= count <= _LENGTH_BYTES_MAX or inner + count > limit:
            raise DerNotValid("an indefinite or endless length")
        length = int.from_bytes(content[inner : inner + count], "big")
        inner += count
        if length < _LONG_LENGTH or length >> (8 * (count - 1)) == 0:
            raise DerNotValid("a length that is not the shortest")
    if inner + length > limit:
        raise DerNotValid("cut off")
    return inner, inner + length
