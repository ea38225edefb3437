"""A plain MP4 played as if it were fragmented: headers are made, the media stays where it is.

``pieces`` cuts the file at key frames, ``head`` is the description of the tracks without samples,
``piece_head`` the header of one piece; what follows it are ranges of the original.
"""

import struct
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bodycam.rules.box_index import BoxIndex
from bodycam.rules.made_boxes import box
from bodycam.rules.moof import BoxesBroken, children
from bodycam.rules.playlist import SEGMENT_SECONDS
from bodycam.rules.tracks import SampleTable, Track, read_table, read_tracks

_PIECE_BYTES_MAX: Final = 64 << 20
_KEY_FLAGS: Final = 0x0200_0000  # sample_depends_on 2: on nothing
_OTHER_FLAGS: Final = 0x0101_0000  # depends on others, is no sync sample
_TRUN_FLAGS: Final = 0x000F01  # data offset; duration, size, flags and composition of each
_EMPTY_TABLES: Final = (b"stts", b"stsc", b"stco")
_HEAD_BYTES: Final = 8


@dataclass(frozen=True)
class Plain:
    """A plain file: its tracks that are played, video first, and their samples."""

    moov: bytes
    tracks: tuple[Track, ...]
    tables: tuple[SampleTable, ...]
    cuts: tuple["array[int]", ...]  # of each track: the first sample of each piece, and the end

    @property
    def count(self) -> int:
        """How many pieces there are."""
        return len(self.cuts[0]) - 1


def read_plain(moov: bytes, *, size_bytes: int) -> Plain | None:
    """Return the plain file that ``moov`` describes, or ``None`` where it has no samples.

    Raises:
        BoxesBroken: its tables do not fit, or name bytes that are not in the file.
    """
    tracks = read_tracks(moov)
    chosen = [next((one for one in tracks if one.is_video), None)]
    chosen.append(next((one for one in tracks if one.handler == b"soun"), None))
    played = tuple(one for one in chosen if one is not None)
    tables = tuple(read_table(moov, one) for one in played)
    if not tables or not len(tables[0]):
        return None
    for table in tables:
        ends = (at + size for at, size in zip(table.offsets, table.sizes, strict=True))
        if any(end > size_bytes for end in ends):
            raise BoxesBroken("samples lie behind the end of the file")
    cuts = _cuts(played, tables)
    return Plain(moov, played, tables, cuts)


def _cuts(tracks: Sequence[Track], tables: Sequence[SampleTable]) -> tuple["array[int]", ...]:
    lead, table = tracks[0], tables[0]
    first = array("q", [0])
    step = SEGMENT_SECONDS * lead.timescale
    keys = range(len(table)) if table.keys is None else sorted(table.keys)
    for number in keys:
        if 0 < number < len(table) and table.times[number] - table.times[first[-1]] >= step * 0.99:
            first.append(number)
    found = [first]
    for track, other in zip(tracks[1:], tables[1:], strict=True):
        times = (table.times[at] * track.timescale // lead.timescale for at in first)
        found.append(array("q", (bisect_left(other.times, at) for at in times)))
        found[-1][0] = 0
    for cuts, one in zip(found, tables, strict=True):
        cuts.append(len(one))
    return tuple(found)


def box_index(plain: Plain) -> BoxIndex:
    """Return the index of the pieces: ``offsets`` and ``sizes`` tell only about their media."""
    index = BoxIndex(timescale=plain.tracks[0].timescale, init_size=0)
    table, cuts = plain.tables[0], plain.cuts[0]
    for number in range(plain.count):
        first, end = cuts[number], cuts[number + 1]
        start = table.times[first]
        stop = table.times[end - 1] + table.durations[end - 1]
        size = sum(
            sum(one.sizes[cut[number] : cut[number + 1]])
            for one, cut in zip(plain.tables, plain.cuts, strict=True)
        )
        index.append(
            offset=table.offsets[first],
            size=size,
            start=start,
            duration=stop - start,
            key=True,
            after_break=False,
        )
    return index


def head(plain: Plain) -> bytes:
    """Return ``ftyp`` and a ``moov`` without samples, as a player of fragments wants it."""
    parts: list[bytes] = []
    wanted = {track.number for track in plain.tracks}
    for kind, body, end in children(plain.moov, _HEAD_BYTES, len(plain.moov)):
        whole = plain.moov[body - _HEAD_BYTES : end]
        if kind == b"mvhd":
            parts.append(_without_duration(whole, at=16, wide_at=24))
        elif kind == b"trak":
            trak = _bare(plain.moov, body, end)
            if _number_of(trak) in wanted:
                parts.append(box(b"trak", trak))
    defaults = [struct.pack(">6I", 0, track.number, 1, 0, 0, 0) for track in plain.tracks]
    parts.append(box(b"mvex", *(box(b"trex", one) for one in defaults)))
    return box(b"ftyp", b"iso5\0\0\2\0iso5iso6mp41") + box(b"moov", *parts)


def _bare(data: bytes, start: int, stop: int) -> bytes:
    """Copy the boxes of a track, its tables emptied and its durations unsaid."""
    parts: list[bytes] = []
    for kind, body, end in children(data, start, stop):
        whole = data[body - _HEAD_BYTES : end]
        if kind == b"tkhd":
            parts.append(_without_duration(whole, at=20, wide_at=28))
        elif kind == b"mdhd":
            parts.append(_without_duration(whole, at=16, wide_at=24))
        elif kind == b"stbl":
            entries = [
                data[b - _HEAD_BYTES : e] for k, b, e in children(data, body, end) if k == b"stsd"
            ]
            tables = [box(one, bytes(8)) for one in _EMPTY_TABLES]
            parts.append(box(b"stbl", *entries, *tables, box(b"stsz", bytes(12))))
        elif kind in {b"mdia", b"minf"}:
            parts.append(box(kind, _bare(data, body, end)))
        elif kind != b"edts":  # its lengths speak of the samples that are not here
            parts.append(whole)
    return b"".join(parts)


def _without_duration(whole: bytes, *, at: int, wide_at: int) -> bytes:
    wide = whole[_HEAD_BYTES] == 1
    place, size = (wide_at + _HEAD_BYTES, 8) if wide else (at + _HEAD_BYTES, 4)
    return whole[:place] + bytes(size) + whole[place + size :]


def _number_of(trak: bytes) -> int:
    for kind, body, _ in children(trak, 0, len(trak)):
        if kind == b"tkhd":
            return int(struct.unpack_from(">I", trak, body + (20 if trak[body] == 1 else 12))[0])
    return 0


@dataclass(frozen=True)
class Piece:
    """One piece: its header, and the ranges of the original that follow it."""

    head: bytes
    ranges: tuple[tuple[int, int], ...]

    @property
    def size(self) -> int:
        """Bytes of header and media."""
        return len(self.head) + sum(length for _, length in self.ranges)


def piece(plain: Plain, number: int) -> Piece:
    """Return piece ``number`` (from 0).

    Raises:
        BoxesBroken: it is larger than a piece may be.
        IndexError: there is no such piece.
    """
    if not 0 <= number < plain.count:
        raise IndexError(number)
    ranges: list[tuple[int, int]] = []
    spans: list[tuple[int, int]] = []
    for table, cuts in zip(plain.tables, plain.cuts, strict=True):
        first, end = cuts[number], cuts[number + 1]
        spans.append((first, end))
        for at in range(first, end):
            _join(ranges, table.offsets[at], table.sizes[at])
    total = sum(length for _, length in ranges)
    if total > _PIECE_BYTES_MAX:
        raise BoxesBroken("a piece of the file is too large")
    size = len(_moof(plain, number, spans, 0))
    moof = _moof(plain, number, spans, size + _HEAD_BYTES)
    return Piece(moof + struct.pack(">I4s", total + _HEAD_BYTES, b"mdat"), tuple(ranges))


def _join(ranges: list[tuple[int, int]], offset: int, size: int) -> None:
    if ranges and sum(ranges[-1]) == offset:
        ranges[-1] = (ranges[-1][0], ranges[-1][1] + size)
    elif size:
        ranges.append((offset, size))


def _moof(plain: Plain, number: int, spans: Sequence[tuple[int, int]], data_at: int) -> bytes:
    parts = [box(b"mfhd", struct.pack(">II", 0, number + 1))]
    for track, table, (first, end) in zip(plain.tracks, plain.tables, spans, strict=True):
        if first == end:
            continue
        tfhd = box(b"tfhd", struct.pack(">II", 0x020000, track.number))
        tfdt = box(b"tfdt", struct.pack(">IQ", 0x01000000, table.times[first]))
        run = bytearray(struct.pack(">IIi", 0x01000000 | _TRUN_FLAGS, end - first, data_at))
        for at in range(first, end):
            key = table.keys is None or at in table.keys
            flags = _KEY_FLAGS if key else _OTHER_FLAGS
            run += struct.pack(
                ">IIIi", table.durations[at], table.sizes[at], flags, table.shifts[at]
            )
        parts.append(box(b"traf", tfhd, tfdt, box(b"trun", bytes(run))))
        data_at += sum(table.sizes[first:end])
    return box(b"moof", *parts)
