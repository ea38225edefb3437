"""One byte range of an HTTP request (RFC 9110 section 14)."""

import re
from dataclasses import dataclass

from bodycam.errors import RangeNotSatisfiable

_RANGE = re.compile(r"bytes=[ \t]*([0-9]{0,18})-([0-9]{0,18})[ \t]*", re.IGNORECASE)


@dataclass(frozen=True)
class ByteRange:
    """``length`` bytes from ``start``; never empty."""

    start: int
    length: int

    @property
    def last(self) -> int:
        """The position of the last byte."""
        return self.start + self.length - 1


def read_range(header: str, *, size_bytes: int) -> ByteRange | None:
    """Return the range that ``header`` asks of an object of ``size_bytes``, or ``None`` for all.

    A header that is malformed, of another unit, or that names several ranges is passed over, as
    sections 14.2 and 14.1.1 let a server do: the answer is then the whole object.

    Raises:
        RangeNotSatisfiable: one well-formed range that lies outside the object (status 416).
    """
    found = _RANGE.fullmatch(header.strip())
    if found is None or found.group(1) == found.group(2) == "":
        return None
    first, last = found.groups()
    if first == "":
        length = min(int(last), size_bytes)
        if length == 0:
            raise RangeNotSatisfiable("a suffix of no bytes", size_bytes=size_bytes)
        return ByteRange(size_bytes - length, length)
    start = int(first)
    end = min(int(last), size_bytes - 1) if last else size_bytes - 1
    if last and int(last) < start:
        return None
    if start >= size_bytes:
        raise RangeNotSatisfiable("the range begins after the end", size_bytes=size_bytes)
    return ByteRange(start, end - start + 1)
