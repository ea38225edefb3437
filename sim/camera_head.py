"""The head that a camera writes beside its recording: the index, and some key frames.

    from sim.camera_head import make_head
    content = make_head(footage, recording_id=recording_id)  # None: no fragments to tell of

It reads the boxes of its own file (ISO/IEC 14496-12) in the plainest way, on purpose not by the
server's code: that the two agree is what a test of a head is about.
"""

import os
import struct
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, Final

from bodycam.wire.head import Head, HeadTable, write_head
from bodycam.wire.manifest import HEAD_BYTES_MAX

PICTURES: Final = 48  # spread over the recording
_DURATION, _SIZE, _FLAGS, _COMPOSITION = 0x100, 0x200, 0x400, 0x800  # of a run's samples
_NON_SYNC: Final = 0x0001_0000
_BODY_BYTES_MAX: Final = HEAD_BYTES_MAX - (8 << 20)

Box = tuple[bytes, int, int]  # type, where its body begins, where it ends


@dataclass
class _Fragments:
    timescale: int = 0
    init_size: int = 0
    track: int = 0
    offsets: list[int] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    durations: list[int] = field(default_factory=list)
    keys: list[int] = field(default_factory=list)
    firsts: list[tuple[int, int]] = field(default_factory=list)  # end of moof; end of key frame


def make_head(footage: Path, *, recording_id: uuid.UUID) -> bytes | None:
    """Return the head of a fragmented recording, or ``None`` for a file of another form."""
    facts = footage.stat()
    found = _read(footage, facts.st_size, facts.st_mtime_ns)
    if found is None:
        return None
    ranges = _ranges(found)
    with footage.open("rb") as file:
        body = b"".join(os.pread(file.fileno(), length, start) for start, length in ranges)
    table = HeadTable(
        recording_id=recording_id,
        size_bytes=facts.st_size,
        timescale=found.timescale,
        init_size=found.init_size,
        offsets=tuple(found.offsets),
        sizes=tuple(found.sizes),
        starts=tuple(found.starts),
        durations=tuple(found.durations),
        keys=tuple(found.keys),
        ranges=ranges,
    )
    return write_head(Head(table, body))


def _ranges(found: _Fragments) -> tuple[tuple[int, int], ...]:
    """Return the description of the tracks, and key frames as evenly as they lie."""
    numbers = [number for number, key in enumerate(found.keys) if key]
    step = max(1, -(-len(numbers) // PICTURES))
    ranges = [(0, found.init_size)]
    room = _BODY_BYTES_MAX - found.init_size
    for number in numbers[::step]:
        start = found.offsets[number]
        length = found.firsts[number][1] - start
        if length > room:
            break
        room -= length
        ranges.append((start, length))
    return tuple(ranges)


@lru_cache(maxsize=8)
def _read(footage: Path, size: int, _changed_ns: int) -> _Fragments | None:
    found = _Fragments()
    with footage.open("rb") as file:
        at = 0
        while at + 8 <= size:
            kind, body, end = _box(file, at)
            if end <= body or end > size:
                break
            if kind == b"moov":
                _describe(_bytes(file, at, end), found)
                found.init_size = end
            elif kind == b"moof" and found.timescale:
                stop = _box(file, end)[2] if end + 8 <= size else size + 1
                if stop > size:
                    break
                _fragment(_bytes(file, at, end), at, stop, found)
            at = end
    return found if found.offsets else None


def _box(file: BinaryIO, at: int) -> Box:
    head = os.pread(file.fileno(), 16, at)
    size, kind = struct.unpack_from(">I4s", head)
    if size == 1:
        return kind, at + 16, at + struct.unpack_from(">Q", head, 8)[0]
    return kind, at + 8, at + size


def _bytes(file: BinaryIO, start: int, end: int) -> bytes:
    return os.pread(file.fileno(), end - start, start)


def _boxes(data: bytes, start: int, end: int) -> Iterator[Box]:
    while start + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, start)
        if size < 8:  # noqa: PLR2004 - a box's own head
            return
        yield kind, start + 8, start + size
        start += size


def _inside(data: bytes, box: Box, *names: bytes) -> Box | None:
    for name in names:
        inner = next((one for one in _boxes(data, box[1], box[2]) if one[0] == name), None)
        if inner is None:
            return None
        box = inner
    return box


def _word(data: bytes, at: int) -> int:
    return int(struct.unpack_from(">I", data, at)[0])


def _describe(moov: bytes, found: _Fragments) -> None:
    for trak in _boxes(moov, 8, len(moov)):
        handler = _inside(moov, trak, b"mdia", b"hdlr") if trak[0] == b"trak" else None
        if handler is None or moov[handler[1] + 8 : handler[1] + 12] != b"vide":
            continue
        tkhd, mdhd = _inside(moov, trak, b"tkhd"), _inside(moov, trak, b"mdia", b"mdhd")
        if tkhd is None or mdhd is None:
            continue
        found.track = _word(moov, tkhd[1] + (20 if moov[tkhd[1]] else 12))
        found.timescale = _word(moov, mdhd[1] + (20 if moov[mdhd[1]] else 12))
        return


def _fragment(moof: bytes, at: int, end: int, found: _Fragments) -> None:
    for traf in _boxes(moof, 8, len(moof)):
        tfhd = _inside(moof, traf, b"tfhd") if traf[0] == b"traf" else None
        tfdt, trun = _inside(moof, traf, b"tfdt"), _inside(moof, traf, b"trun")
        if tfhd is None or tfdt is None or trun is None:
            continue
        if _word(moof, tfhd[1] + 4) != found.track:
            continue
        wide = moof[tfdt[1]] == 1
        start = struct.unpack_from(">Q" if wide else ">I", moof, tfdt[1] + 4)[0]
        ticks, first, key, data_at = _run(moof, tfhd, trun)
        found.offsets.append(at)
        found.sizes.append(end - at)
        found.starts.append(start)
        found.durations.append(ticks)
        found.keys.append(int(key))
        found.firsts.append((at + len(moof), at + data_at + first))
        return


def _run(moof: bytes, tfhd: Box, trun: Box) -> tuple[int, int, bool, int]:
    """Return the ticks, the first sample's size, whether it is a key frame, where it lies."""
    given = _word(moof, tfhd[1]) & 0xFFFFFF
    at = tfhd[1] + 8 + (8 if given & 0x01 else 0) + (4 if given & 0x02 else 0)
    duration = size = flags = 0
    if given & 0x08:
        duration, at = _word(moof, at), at + 4
    if given & 0x10:
        size, at = _word(moof, at), at + 4
    if given & 0x20:
        flags = _word(moof, at)
    given, count, at = _word(moof, trun[1]) & 0xFFFFFF, _word(moof, trun[1] + 4), trun[1] + 8
    data_at = 0
    if given & 0x01:
        data_at, at = _word(moof, at), at + 4
    if given & 0x04:
        flags, at = _word(moof, at), at + 4
    names = [bit for bit in (_DURATION, _SIZE, _FLAGS, _COMPOSITION) if given & bit]
    rows = struct.unpack_from(f">{count * len(names)}I", moof, at)
    if _SIZE in names:
        size = rows[names.index(_SIZE)]
    if _FLAGS in names and not given & 0x04:
        flags = rows[names.index(_FLAGS)]
    ticks = (
        sum(rows[names.index(_DURATION) :: len(names)]) if _DURATION in names else duration * count
    )
    return ticks, size, not flags & _NON_SYNC, data_at
