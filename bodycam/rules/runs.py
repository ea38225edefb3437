"""The samples that one ``moof`` describes, sample by sample."""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from bodycam.rules.moof import BoxesBroken, children
from bodycam.rules.tracks import Track

_HEAD_BYTES: Final = 8
_NON_SYNC: Final = 0x0001_0000
_SAMPLES_MAX: Final = 1_000_000
_BASE_OFFSET, _DESCRIPTION, _DURATION, _SIZE, _FLAGS = 0x01, 0x02, 0x08, 0x10, 0x20
_DATA_OFFSET, _FIRST_FLAGS = 0x001, 0x004
_FIELDS: Final = (0x100, 0x200, 0x400, 0x800)  # duration, size, flags, composition offset


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample: where it lies in the file and when it is decoded, in ticks of its track."""

    track: int
    offset: int
    size: int
    time: int
    duration: int
    key: bool


@dataclass
class _Part:
    """What ``tfhd`` says of the runs behind it."""

    track: Track
    base: int
    duration: int
    size: int
    flags: int
    time: int = 0


def read_samples(moof: bytes, *, at: int, tracks: Mapping[int, Track]) -> Iterator[Sample]:
    """Yield the samples of a whole ``moof`` box that lies ``at`` in the file, track by track.

    Raises:
        BoxesBroken: the boxes do not fit; what was yielded before stands.
    """
    try:
        for kind, body, end in children(moof, _HEAD_BYTES, len(moof)):
            if kind == b"traf":
                yield from _read_part(moof, body, end, at, tracks)
    except (struct.error, IndexError) as error:
        raise BoxesBroken("moof is cut short") from error


def _read_part(
    moof: bytes, start: int, stop: int, at: int, tracks: Mapping[int, Track]
) -> Iterator[Sample]:
    part: _Part | None = None
    place = at
    for kind, body, end in children(moof, start, stop):
        if kind == b"tfhd":
            part = _read_head(moof, body, at, tracks)
            if part is None:
                return
            place = part.base
        elif kind == b"tfdt" and part is not None:
            wide = moof[body] == 1
            part.time = struct.unpack_from(">Q" if wide else ">I", moof, body + 4)[0]
        elif kind == b"trun" and part is not None:
            for sample in _read_run(moof, body, end, part, place):
                place = sample.offset + sample.size
                yield sample


def _read_head(moof: bytes, body: int, at: int, tracks: Mapping[int, Track]) -> _Part | None:
    given, number = struct.unpack_from(">II", moof, body)
    given &= 0xFFFFFF
    track = tracks.get(number)
    if track is None:
        return None
    defaults = track.defaults
    part = _Part(track, at, defaults.duration, defaults.size, defaults.flags)
    body += 8
    if given & _BASE_OFFSET:
        (part.base,) = struct.unpack_from(">Q", moof, body)
        body += 8
    body += 4 if given & _DESCRIPTION else 0
    for bit, name in ((_DURATION, "duration"), (_SIZE, "size"), (_FLAGS, "flags")):
        if given & bit:
            setattr(part, name, struct.unpack_from(">I", moof, body)[0])
            body += 4
    return part


def _read_run(moof: bytes, body: int, end: int, part: _Part, place: int) -> Iterator[Sample]:
    given, count = struct.unpack_from(">II", moof, body)
    given &= 0xFFFFFF
    if count > _SAMPLES_MAX:
        raise BoxesBroken("a run of too many samples")
    body += 8
    if given & _DATA_OFFSET:
        place = part.base + struct.unpack_from(">i", moof, body)[0]
        body += 4
    first_flags = None
    if given & _FIRST_FLAGS:
        (first_flags,) = struct.unpack_from(">I", moof, body)
        body += 4
    fields = [bit for bit in _FIELDS if given & bit]
    if body + 4 * count * len(fields) > end:
        raise BoxesBroken("a run is cut short")
    for number in range(count):
        values = dict(zip(fields, struct.unpack_from(f">{len(fields)}I", moof, body), strict=True))
        body += 4 * len(fields)
        flags = part.flags if number or first_flags is None else first_flags
        flags = values.get(_FIELDS[2], flags)
        size = values.get(_FIELDS[1], part.size)
        duration = values.get(_FIELDS[0], part.duration)
        yield Sample(part.track.number, place, size, part.time, duration, not flags & _NON_SYNC)
        place += size
        part.time += duration
