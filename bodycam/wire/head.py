"""The head of a recording: its index and some key frames, small enough to go before the bulk.

One line of canonical JSON (``HeadTable``), a line feed, then the bytes of the ranges that the table
names, one after another. The manifest holds the digest of the whole, so that the camera's
signature covers it. What it says of the recording is a promise until the bulk has arrived: index
and ranges are then compared with the stored bytes.
"""

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal, Self
from uuid import UUID

from pydantic import Field, ValidationError, model_validator

from bodycam.wire.canonical import canonical_json
from bodycam.wire.manifest import Message

FRAGMENTS_MAX: Final = 100_000  # 26 hours of one a second
RANGES_MAX: Final = 1_000
_TABLE_BYTES_MAX: Final = 8 << 20
_NUMBER_MAX: Final = 2**53 - 1


class HeadNotValid(ValueError):
    """The bytes are no head; the message says why and holds none of them."""


Column = tuple[int, ...]


class HeadTable(Message):
    """Where each fragment of the file lies and when it plays, and which bytes follow.

    Attributes:
        timescale: ticks a second of ``starts`` and ``durations``, of the video track.
        init_size: bytes from the start of the file that describe the tracks.
        offsets: where the ``moof`` of each fragment begins; ``sizes`` of it and its ``mdat``.
        starts: decode time of each fragment's first video sample; ``durations`` of all of them.
        keys: 1 where a fragment begins with a key frame, else 0.
        ranges: offset and length of each piece of the file that follows the table, ascending.
    """

    version: Literal[1] = 1
    recording_id: UUID
    size_bytes: int = Field(ge=1, le=_NUMBER_MAX)
    timescale: int = Field(ge=1, le=2**32 - 1)
    init_size: int = Field(ge=1, le=_NUMBER_MAX)
    offsets: Column = Field(min_length=1, max_length=FRAGMENTS_MAX, repr=False)
    sizes: Column = Field(max_length=FRAGMENTS_MAX, repr=False)
    starts: Column = Field(max_length=FRAGMENTS_MAX, repr=False)
    durations: Column = Field(max_length=FRAGMENTS_MAX, repr=False)
    keys: Column = Field(max_length=FRAGMENTS_MAX, repr=False)
    ranges: tuple[tuple[int, int], ...] = Field(min_length=1, max_length=RANGES_MAX, repr=False)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        columns = (self.sizes, self.starts, self.durations, self.keys)
        if any(len(column) != len(self.offsets) for column in columns):
            raise ValueError("the columns have not one length")
        if any(
            not 0 <= number <= _NUMBER_MAX
            for column in (self.offsets, *columns)
            for number in column
        ):
            raise ValueError("a number is out of its bounds")
        self._check_places(tuple(zip(self.offsets, self.sizes, strict=True)), "fragments")
        self._check_places(self.ranges, "ranges")
        return self

    def _check_places(self, places: tuple[tuple[int, int], ...], what: str) -> None:
        if any(start < 0 or length < 1 for start, length in places):
            raise ValueError(f"the {what} are no places in a file")
        if any(start + length > later for (start, length), (later, _) in pairwise(places)):
            raise ValueError(f"the {what} do not follow each other")
        if sum(places[-1]) > self.size_bytes:
            raise ValueError(f"the {what} reach past the end of the file")


@dataclass(frozen=True)
class Head:
    """A head that was read: its table and the bytes behind it."""

    table: HeadTable
    body: bytes

    def read_at(self, start: int, length: int) -> bytes:
        """Return bytes of the recording as far as one range holds them, or none.

        Stands in for the file where only the head is there.
        """
        number = bisect_right(self.table.ranges, start, key=lambda one: one[0]) - 1
        if number < 0:
            return b""
        begins, size = self.table.ranges[number]
        before = sum(one[1] for one in self.table.ranges[:number])
        at = before + start - begins
        return self.body[at : min(at + length, before + size)] if start < begins + size else b""

    def pieces(self) -> tuple[tuple[int, bytes], ...]:
        """Return each range as its offset in the file and its bytes."""
        found, at = [], 0
        for start, length in self.table.ranges:
            found.append((start, self.body[at : at + length]))
            at += length
        return tuple(found)


def write_head(head: Head) -> bytes:
    """Return the head as it lies on a camera."""
    return canonical_json(head.table.model_dump(mode="json")) + b"\n" + head.body


def read_head(content: bytes) -> Head:
    """Return the head that the bytes are; a day takes some 0.2 s: call in a thread.

    Raises:
        HeadNotValid: they are none.
    """
    end = content.find(b"\n", 0, _TABLE_BYTES_MAX)
    if end < 0:
        raise HeadNotValid("the head has no table")
    try:
        table = HeadTable.model_validate_json(content[:end])
    except ValidationError as error:
        raise HeadNotValid("the table of the head is not well formed") from error
    if len(content) - end - 1 != sum(length for _, length in table.ranges):
        raise HeadNotValid("the head has not the bytes that its table names")
    return Head(table, content[end + 1 :])
