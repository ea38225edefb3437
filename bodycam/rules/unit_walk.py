"""Finding the pictures of an MP4 whose description (``moov``) is lost, by their units.

Units stand behind their lengths, picture after picture, with sound between them that says nothing
of its own length. A run of units is followed by its lengths; behind sound the next picture is
looked for by what its units must be like, and by its number, which follows the one before.
"""

import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from bodycam.rules.frames import ReadAt
from bodycam.rules.likeness import Likeness
from bodycam.rules.parameter_sets import NotASet, Sequence, SequenceH265
from bodycam.rules.picture_order import OrderCounts
from bodycam.rules.signed_video.nal import Codec
from bodycam.rules.slice_headers import Slice, read_h264, read_h265

_WINDOW_BYTES: Final = 4 << 20
_SEARCHED_BYTES: Final = 64 << 10  # at least, before more is read
_LENGTH_BYTES: Final = 4
_HEADER_BYTES: Final = 24  # holds what is read of a slice header
_SET_UP_BYTES_MAX: Final = 64 << 10
_UNITS_MAX: Final = 512  # of one picture
_PICTURE_BYTES_MAX: Final = 32 << 20
_DOUBT_BYTES: Final = 1 << 20  # how far another picture may lie that confirms one
_WORK_TIMES: Final = 8  # the file's bytes may be looked at before the rest is let be
_WORK_LEAST: Final = 4096  # bytes that a place counts for which only looks like a unit
_WORK_OF_UNIT: Final = 64  # bytes that a unit counts for at least
# What may stand before the first slice of a picture: SEI, parameter sets, a delimiter, filler.
_BESIDE_H264: Final = frozenset({6, 7, 8, 9, 12})
_SETS_H264: Final = frozenset({7, 8})
_SLICES_H264: Final = frozenset({1, 5})
_BESIDE_H265: Final = frozenset({32, 33, 34, 35, 38, 39, 40})
_SLICES_H265: Final = frozenset(range(10)) | frozenset(range(16, 22))
_STARTS: Final = {
    Codec.H264: rb"(?:[\x01\x21\x41\x61\x25\x45\x65][\x80-\xff]"
    rb"|[\x06\x27\x47\x67]|\x09[\x10-\xf0])",
    Codec.H265: rb"(?:[\x00-\x2a][\x01-\x07][\x80-\xff]|[\x40\x42\x44\x46\x4e][\x01-\x07])",
}


@dataclass
class Pictures:
    """Where each picture lies in the file, and which need none before them.

    The lower of two ``orders`` is shown first; of two that are equal, the one that comes first. At
    most ``held_back`` of them wait for one that comes later.
    """

    offsets: "array[int]" = field(default_factory=lambda: array("q"))
    sizes: "array[int]" = field(default_factory=lambda: array("q"))
    orders: "array[int]" = field(default_factory=lambda: array("q"))
    keys: "array[int]" = field(default_factory=lambda: array("q"))
    held_back: int = 0
    unseen_from: int | None = None  # the first byte that was not looked at any more

    def __len__(self) -> int:
        return len(self.offsets)

    @property
    def total_bytes(self) -> int:
        """How many bytes of the file they are."""
        return sum(self.sizes)


def pictures_in(
    *, read_at: ReadAt, first_byte: int, size_bytes: int, likeness: Likeness, limit: int
) -> Pictures:
    """Return the pictures between ``first_byte`` and the end, from the first key picture on.

    At most ``limit`` of them; nor is there an end of looking at bytes that only seem to be units.
    What lies behind was not seen.
    """
    found = Pictures(held_back=likeness.sequence.held_back if likeness.sequence else 0)
    walk = _Walk(read_at, size_bytes, likeness)
    counts = OrderCounts(likeness.sequence)
    for one in walk.pictures(first_byte):
        if not one.begun.key and not len(found):
            continue
        if one.begun.key:
            found.keys.append(len(found))
        found.orders.append(counts.of(one.begun))
        found.offsets.append(one.offset)
        found.sizes.append(one.end - one.offset)
        if len(found) >= limit:
            found.unseen_from = one.end
            return found
    found.unseen_from = walk.tired_at
    return found


@dataclass(frozen=True, slots=True)
class _Unit:
    end: int
    slice: Slice | None = None


@dataclass(frozen=True, slots=True)
class _Picture:
    offset: int
    end: int
    begun: Slice


class _Walk:
    def __init__(self, read_at: ReadAt, size_bytes: int, likeness: Likeness) -> None:
        self._read_at, self._size = read_at, size_bytes
        self._window, self._from = b"", 0
        self._work = _WORK_TIMES * (size_bytes + _WINDOW_BYTES)
        self.tired_at: int | None = None
        self._codec, self._sequence = likeness.codec, likeness.sequence
        self._key_max, self._other_max = likeness.key_bytes_max, likeness.other_bytes_max
        largest = max(self._key_max, self._other_max, _SET_UP_BYTES_MAX)
        lengths = b"(?=\x00[\x00-" + re.escape(bytes([largest >> 16])) + b"].."
        self._start = re.compile(lengths + _STARTS[self._codec] + b")", re.DOTALL)

    def pictures(self, at: int) -> Iterator[_Picture]:
        last: _Picture | None = None
        while at < self._size:
            found = self._picture(at) or self._next(at + 1, last)
            if found is None or self._work <= 0:
                self.tired_at = at if self._work <= 0 else None
                return
            yield found
            at, last = found.end, found

    def _next(self, at: int, last: _Picture | None) -> _Picture | None:
        """Return the next picture behind bytes that are none.

        Its number follows the last one's, or what stands behind it confirms it: else bytes of
        sound that look like a unit would swallow the pictures they seem to reach over.
        """
        doubtful: list[_Picture] = []
        for candidate in self._candidates(at):
            if doubtful and candidate.offset - doubtful[0].offset > _DOUBT_BYTES:
                return doubtful[0]
            if candidate.begun.key or last is None or self._follows(candidate, last):
                return candidate
            if self._picture(candidate.end) is not None:
                return candidate
            for one in doubtful:
                if candidate.offset >= one.end and self._follows(candidate, one):
                    return one
            doubtful.append(candidate)
        return doubtful[0] if doubtful else None

    def _follows(self, one: _Picture, before: _Picture) -> bool:
        number, last = one.begun.number, before.begun.number
        if number is None or last is None or not isinstance(self._sequence, Sequence):
            return True
        return (number - last) % (1 << self._sequence.frame_number_bits) <= 1

    def _candidates(self, at: int) -> Iterator[_Picture]:
        while at + _LENGTH_BYTES < self._size and self._work > 0:
            self._bytes(at, _SEARCHED_BYTES)
            window, base = self._window, self._from
            match = self._start.search(window, at - base)
            if match is None:
                at = max(at + 1, base + len(window) - _HEADER_BYTES)
                continue
            at = base + match.start()
            self._work -= _WORK_LEAST
            found = self._picture(at)
            at += 1
            if found is not None:
                yield found

    def _picture(self, at: int) -> _Picture | None:
        begun: Slice | None = None
        place = at
        for _ in range(_UNITS_MAX):
            unit = self._unit(place)
            if unit is None or (begun and (unit.slice is None or unit.slice.first)):
                break
            if begun is None and unit.slice:
                if not unit.slice.first:
                    return None
                begun = unit.slice
            if unit.end - at > _PICTURE_BYTES_MAX:
                return None
            place = unit.end
        return None if begun is None else _Picture(at, place, begun)

    def _unit(self, at: int) -> _Unit | None:
        head = self._bytes(at, _LENGTH_BYTES + _HEADER_BYTES)
        size, end = int.from_bytes(head[:_LENGTH_BYTES], "big"), at + _LENGTH_BYTES
        if size < 2 or end + size > self._size or len(head) < _LENGTH_BYTES + 2:  # noqa: PLR2004 - a header and a byte
            return None
        end += size
        read = self._h264 if self._codec is Codec.H264 else self._h265
        unit = read(head[_LENGTH_BYTES:], size, end)
        if unit is None:
            return None
        self._work -= max(size, _WORK_OF_UNIT)
        body = self._bytes(end - size, size)
        # Section 7.4.1: no unit ends with a zero byte or holds what begins one in a stream.
        if len(body) < size or not body[-1] or b"\0\0\0" in body or b"\0\0\1" in body:
            return None
        return unit

    def _h264(self, head: bytes, size: int, end: int) -> _Unit | None:
        kind, referenced = head[0] & 0x1F, bool(head[0] & 0x60)
        if head[0] & 0x80 or not isinstance(self._sequence, Sequence):
            return None
        if kind in _BESIDE_H264:
            whole = referenced == (kind in _SETS_H264) and size <= _SET_UP_BYTES_MAX
            return _Unit(end) if whole else None
        if kind not in _SLICES_H264:
            return None
        try:
            found = read_h264(head, self._sequence)
        except NotASet:
            return None
        return _Unit(end, found) if size <= self._most(found) else None

    def _h265(self, head: bytes, size: int, end: int) -> _Unit | None:
        kind, layer, temporal = head[0] >> 1, (head[0] & 1) << 5 | head[1] >> 3, head[1] & 7
        if layer or not temporal or kind > max(_BESIDE_H265) or len(head) < 3:  # noqa: PLR2004 - header and a byte
            return None
        if kind in _BESIDE_H265:
            return _Unit(end) if size <= _SET_UP_BYTES_MAX else None
        if kind not in _SLICES_H265:
            return None
        told = self._sequence if isinstance(self._sequence, SequenceH265) else None
        found = read_h265(head, told)
        return _Unit(end, found) if size <= self._most(found) else None

    def _most(self, one: Slice) -> int:
        return self._key_max if one.intra else self._other_max

    def _bytes(self, at: int, count: int) -> bytes:
        start = at - self._from
        ends = self._from + len(self._window)
        if start < 0 or (at + count > ends and ends < self._size) or at >= ends:
            self._window = self._read_at(at, max(count, _WINDOW_BYTES))
            self._work -= len(self._window)
            self._from, start = at, 0
        return self._window[start : start + count]
