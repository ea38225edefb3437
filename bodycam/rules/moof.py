"""The inside of ``moov`` and ``moof`` (ISO/IEC 14496-12), as far as an index needs it."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_U32: Final = struct.Struct(">I")
_U64: Final = struct.Struct(">Q")
_HEAD: Final = struct.Struct(">I4s")
_FULL_HEAD_BYTES: Final = 12  # size, type, version and flags
_NON_SYNC: Final = 0x0001_0000  # sample_is_non_sync_sample, section 8.8.3.1
_TFHD_BASE_OFFSET, _TFHD_DESCRIPTION = 0x01, 0x02
_TFHD_DURATION, _TFHD_SIZE, _TFHD_FLAGS = 0x08, 0x10, 0x20
_TRUN_DATA_OFFSET, _TRUN_FIRST_FLAGS = 0x001, 0x004
_TRUN_FIELDS: Final = (0x100, 0x200, 0x400, 0x800)  # duration, size, flags, composition offset
_SAMPLES_MAX: Final = 1_000_000  # a run that says more is broken


class BoxesBroken(ValueError):
    """The boxes do not fit into each other."""


@dataclass(frozen=True)
class Track:
    """The track that carries the time line: the video, or the first there is."""

    number: int
    timescale: int  # ticks per second
    default_duration: int
    default_flags: int


@dataclass(frozen=True)
class Run:
    """What one ``moof`` says of the track: ticks, and whether it opens with a key frame."""

    start: int
    duration: int
    key: bool


def children(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield type, start of the body and end of each box between ``start`` and ``end``.

    Raises:
        BoxesBroken: a box reaches over the end of its parent.
    """
    while start + _HEAD.size <= end:
        size, kind = _HEAD.unpack_from(data, start)
        body = start + _HEAD.size
        if size == 1 and body + _U64.size <= end:
            (size,) = _U64.unpack_from(data, body)
            body += _U64.size
        if size < body - start or start + size > end:
            raise BoxesBroken(f"box at {start} does not fit its parent")
        yield kind, body, start + size
        start += size


def read_moov(data: bytes) -> Track | None:
    """Return the track of the time line of a whole ``moov`` box, or ``None`` without tracks.

    Raises:
        BoxesBroken: the boxes do not fit.
    """
    tracks: list[tuple[bool, int, int]] = []
    defaults: dict[int, tuple[int, int]] = {}
    try:
        for kind, body, end in children(data, _HEAD.size, len(data)):
            if kind == b"trak":
                tracks.append(_read_trak(data, body, end))
            elif kind == b"mvex":
                defaults |= _read_mvex(data, body, end)
    except struct.error as error:
        raise BoxesBroken("moov is cut short") from error
    if not tracks:
        return None
    _, number, timescale = max(tracks, key=lambda track: track[0])  # the first video, or first
    if timescale == 0:
        raise BoxesBroken("a timescale of zero")
    duration, flags = defaults.get(number, (0, 0))
    return Track(number, timescale, duration, flags)


def _read_trak(data: bytes, start: int, end: int) -> tuple[bool, int, int]:
    number = timescale = 0
    video = False
    for kind, body, stop in children(data, start, end):
        if kind == b"tkhd":
            wide = data[body] == 1
            number = _U32.unpack_from(data, body + (20 if wide else 12))[0]
        elif kind == b"mdia":
            for inner, at, _ in children(data, body, stop):
                if inner == b"mdhd":
                    wide = data[at] == 1
                    timescale = _U32.unpack_from(data, at + (20 if wide else 12))[0]
                elif inner == b"hdlr":
                    video = data[at + 8 : at + 12] == b"vide"
    return video, number, timescale


def _read_mvex(data: bytes, start: int, end: int) -> dict[int, tuple[int, int]]:
    found = {}
    for kind, body, _ in children(data, start, end):
        if kind == b"trex":
            number, _, duration, _, flags = struct.unpack_from(">5I", data, body + 4)
            found[number] = (duration, flags)
    return found


def read_moof(data: bytes, track: Track) -> Run | None:
    """Return what a whole ``moof`` box says of ``track``, or ``None`` if it is not in it.

    Raises:
        BoxesBroken: the boxes do not fit, or the fragment has no decode time.
    """
    try:
        for kind, body, end in children(data, _HEAD.size, len(data)):
            if kind == b"traf":
                run = _read_traf(data, body, end, track)
                if run is not None:
                    return run
    except struct.error as error:
        raise BoxesBroken("moof is cut short") from error
    return None


def _read_traf(data: bytes, start: int, end: int, track: Track) -> Run | None:
    decode_time: int | None = None
    duration, flags = track.default_duration, track.default_flags
    total, key, first = 0, False, True
    for kind, body, _ in children(data, start, end):
        if kind == b"tfhd":
            number, duration, flags = _read_tfhd(data, body, track)
            if number != track.number:
                return None
        elif kind == b"tfdt":  # 64 bits in version 1: 32 bits at 90 kHz end after 13 hours
            wide = data[body] == 1
            decode_time = (_U64 if wide else _U32).unpack_from(data, body + 4)[0]
        elif kind == b"trun":
            ticks, opens = _read_trun(data, body, duration, flags)
            total += ticks
            key, first = (opens if first else key), False
    if decode_time is None:
        raise BoxesBroken("a fragment without decode time")
    return Run(decode_time, total, key)


def _read_tfhd(data: bytes, body: int, track: Track) -> tuple[int, int, int]:
    given = _U32.unpack_from(data, body)[0] & 0xFFFFFF
    number = _U32.unpack_from(data, body + 4)[0]
    at = body + 8
    at += 8 if given & _TFHD_BASE_OFFSET else 0
    at += 4 if given & _TFHD_DESCRIPTION else 0
    duration, flags = track.default_duration, track.default_flags
    if given & _TFHD_DURATION:
        duration = _U32.unpack_from(data, at)[0]
        at += 4
    at += 4 if given & _TFHD_SIZE else 0
    if given & _TFHD_FLAGS:
        flags = _U32.unpack_from(data, at)[0]
    return number, duration, flags


def _read_trun(data: bytes, body: int, duration: int, flags: int) -> tuple[int, bool]:
    """Return the ticks of the run and whether its first sample is a key frame."""
    given = _U32.unpack_from(data, body)[0] & 0xFFFFFF
    count = _U32.unpack_from(data, body + 4)[0]
    if count > _SAMPLES_MAX:
        raise BoxesBroken("a run of too many samples")
    at = body + 8 + (4 if given & _TRUN_DATA_OFFSET else 0)
    first_flags: int | None = None
    if given & _TRUN_FIRST_FLAGS:
        first_flags = _U32.unpack_from(data, at)[0]
        at += 4
    fields = [bit for bit in _TRUN_FIELDS if given & bit]
    values = struct.unpack_from(f">{count * len(fields)}I", data, at)
    step = len(fields)
    ticks = sum(values[0::step]) if given & _TRUN_FIELDS[0] else count * duration
    if first_flags is None and given & _TRUN_FIELDS[2] and count:
        first_flags = values[fields.index(_TRUN_FIELDS[2])]
    opening = flags if first_flags is None else first_flags
    return ticks, count > 0 and not opening & _NON_SYNC
