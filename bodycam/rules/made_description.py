"""The description (``moov``) of a file that lost its own, made from where its pictures lie.

``made_front`` returns the boxes that, put before the stored bytes as they are, make a whole file:
``ftyp``, ``moov`` and the head of one ``mdat`` around everything that was stored.
"""

import struct
import sys
from array import array
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

from bodycam.rules.frames import ReadAt
from bodycam.rules.likeness import Likeness
from bodycam.rules.made_boxes import box, full_box
from bodycam.rules.picture_order import places
from bodycam.rules.unit_walk import Pictures

_MATRIX: Final = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_BRANDS: Final = b"isom\0\0\2\0isomiso2mp41"
_UNKNOWN_LANGUAGE: Final = 0x55C4  # "und", section 8.4.2
_ON: Final = 3  # a track that is enabled and shown
_WIDE_HEAD_BYTES: Final = 16
_TICKS_MAX: Final = (1 << 32) - 1


def made_front(pictures: Pictures, *, likeness: Likeness, step: int, size_bytes: int) -> bytes:
    """Return what makes a whole file of ``size_bytes`` stored bytes, put before them.

    Pictures are shown one each ``step`` ticks.

    Raises:
        ValueError: there are none, or more or later ones than a table holds.
    """
    if not len(pictures) or not 0 < step <= _TICKS_MAX:
        raise ValueError("no pictures, or none that lasts")
    media = struct.pack(">I4sQ", 1, b"mdat", _WIDE_HEAD_BYTES + size_bytes)
    ftyp = box(b"ftyp", _BRANDS)
    shown = _Shown.of(pictures, step)
    length = len(ftyp) + len(_moov(pictures, likeness, shown, 0)) + len(media)
    return ftyp + _moov(pictures, likeness, shown, length) + media


def fronted(front: bytes, read_at: ReadAt) -> ReadAt:
    """Return a function that reads the stored bytes as they lie behind ``front``."""

    def read(start: int, length: int) -> bytes:
        if start >= len(front):
            return read_at(start - len(front), length)
        made = front[start : start + length]
        return made + read_at(0, length - len(made)) if len(made) < length else made

    return read


@dataclass(frozen=True, kw_only=True)
class _Shown:
    """When pictures are shown.

    ``shifts`` says how many pictures later than it is decoded each is shown, ``delay`` how many
    later the first is; empty and 0 where they are shown as they were coded.
    """

    step: int
    delay: int = 0
    shifts: "array[int]" = field(default_factory=lambda: array("q"))

    @classmethod
    def of(cls, pictures: Pictures, step: int) -> "_Shown":
        at = places(pictures.orders, held_back=pictures.held_back)
        if at is None:
            return cls(step=step)
        delay = max(number - place for number, place in enumerate(at))
        later = array("q", (place - number + delay for number, place in enumerate(at)))
        if max(later) * step > _TICKS_MAX:
            raise ValueError("pictures that are shown later than a table holds")
        return cls(step=step, delay=delay, shifts=later)

    def edit(self, duration: int) -> bytes:
        """Return the edit that lets the first picture be shown at once (section 8.6.6)."""
        if not self.delay:
            return b""
        told = struct.pack(">IQqI", 1, duration, self.delay * self.step, 0x10000)
        return box(b"edts", full_box(b"elst", told, version=1))

    def offsets(self) -> bytes:
        """Return the composition offsets (section 8.6.1.3)."""
        if not self.delay:
            return b""
        runs = array("I")
        for later, run in groupby(self.shifts):
            runs.extend((sum(1 for _ in run), later * self.step))
        return full_box(b"ctts", struct.pack(">I", len(runs) // 2), _big(runs))


def _moov(pictures: Pictures, likeness: Likeness, shown: _Shown, base: int) -> bytes:
    duration = shown.step * len(pictures)
    width, height = likeness.edges
    timed = struct.pack(">QQIQ", 0, 0, likeness.timescale, duration)
    movie = timed + struct.pack(">IH10x", 0x10000, 0x100) + _MATRIX + bytes(24)
    track = (
        struct.pack(">QQIIQ16x", 0, 0, 1, 0, duration)
        + _MATRIX
        + struct.pack(">II", width << 16, height << 16)
    )
    handler = struct.pack(">I4s12x", 0, b"vide") + b"\0"
    information = box(
        b"minf",
        full_box(b"vmhd", bytes(8), flags=1),
        box(b"dinf", full_box(b"dref", struct.pack(">I", 1), full_box(b"url ", flags=1))),
        _table(pictures, likeness, shown, base),
    )
    media = box(
        b"mdia",
        full_box(b"mdhd", timed, struct.pack(">HH", _UNKNOWN_LANGUAGE, 0), version=1),
        full_box(b"hdlr", handler),
        information,
    )
    return box(
        b"moov",
        full_box(b"mvhd", movie, struct.pack(">I", 2), version=1),
        box(
            b"trak",
            full_box(b"tkhd", track, version=1, flags=_ON),
            shown.edit(duration),
            media,
        ),
    )


def _table(pictures: Pictures, likeness: Likeness, shown: _Shown, base: int) -> bytes:
    count = len(pictures)
    starts, counts = _chunks(pictures, base)
    runs = array("I")
    for number, each in enumerate(counts, 1):
        if not runs or runs[-2] != each:
            runs.extend((number, each, 1))
    keys = array("I", (number + 1 for number in pictures.keys))
    return box(
        b"stbl",
        full_box(b"stsd", struct.pack(">I", 1), likeness.entry),
        full_box(b"stts", struct.pack(">3I", 1, count, shown.step)),
        shown.offsets(),
        full_box(b"stss", struct.pack(">I", len(keys)), _big(keys)),
        full_box(b"stsc", struct.pack(">I", len(runs) // 3), _big(runs)),
        full_box(b"stsz", struct.pack(">2I", 0, count), _big(array("I", pictures.sizes))),
        full_box(b"co64", struct.pack(">I", len(starts)), _big(starts)),
    )


def _chunks(pictures: Pictures, base: int) -> tuple["array[int]", "array[int]"]:
    """Return where pictures begin that lie one behind the other, and how many each time."""
    starts, counts, end = array("Q"), array("I"), -1
    for offset, size in zip(pictures.offsets, pictures.sizes, strict=True):
        if offset != end:
            starts.append(base + offset)
            counts.append(0)
        counts[-1] += 1
        end = offset + size
    return starts, counts


def _big(column: "array[int]") -> bytes:
    """Return the numbers as a box has them; millions of them, without an object for each."""
    if sys.byteorder == "little":
        column = array(column.typecode, column)
        column.byteswap()
    return column.tobytes()
