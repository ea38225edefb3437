"""The frames of a file in the order they are decoded, without decoding: fragmented, plain, or raw.

A file is read through ``ReadAt`` in pieces; memory stays flat, but for the tables of a plain MP4.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from bodycam.rules.box_index import BoxIndex
from bodycam.rules.boxes import NotMp4, index_by_reading
from bodycam.rules.moof import BoxesBroken
from bodycam.rules.plain import moov_of
from bodycam.rules.runs import read_samples
from bodycam.rules.signed_video.nal import Codec, Kind, kind_of
from bodycam.rules.tracks import Track, read_table, read_tracks

ReadAt = Callable[[int, int], bytes]

_FRAME_BYTES_MAX: Final = 32 << 20
_UNITS_MAX: Final = 4096
_RAW_BYTES_MAX: Final = 256 << 20
_RAW_FRAME_MS: Final = 40  # a raw stream tells no time
CODECS: Final = {b"avcC": Codec.H264, b"hvcC": Codec.H265}
_START_CODE: Final = b"\x00\x00\x01"
_PICTURES: Final = frozenset({Kind.SLICE, Kind.GROUP_START, Kind.UNCOVERED})


class NoVideo(ValueError):
    """The file has no video of a codec that is read here; the message says why."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame: its units without their lengths, and when it is decoded and ends."""

    units: tuple[bytes, ...]
    starts_ms: int
    ends_ms: int
    whole: bool = True  # the bytes are units from end to end


@dataclass(frozen=True)
class Video:
    """The codec of a file's video and its frames."""

    codec: Codec
    frames: Iterator[Frame]


def open_video(*, read_at: ReadAt, size_bytes: int) -> Video:
    """Return the video of a file; frames are read as they are asked for.

    Raises:
        NoVideo: there is none.
    """
    head = read_at(0, 16)
    if head.startswith((b"\x00\x00\x00\x01", _START_CODE)) and head[4:8] != b"ftyp":
        return _open_raw(read_at, size_bytes)
    try:
        moov = moov_of(read_at=read_at, size_bytes=size_bytes)
        track = next(one for one in read_tracks(moov) if one.is_video and one.config)
        table = read_table(moov, track)
        codec = CODECS[track.config[4:8]]
        length_bytes = track.unit_length_bytes
        if len(table):
            places = zip(table.offsets, table.sizes, table.times, table.durations, strict=True)
            return Video(codec, _frames(read_at, track, length_bytes, places))
        index = index_by_reading(read_at=read_at, size_bytes=size_bytes)
        return Video(codec, _fragmented(read_at, index, track))
    except (BoxesBroken, NotMp4) as error:
        raise NoVideo(str(error)) from error
    except StopIteration as error:
        raise NoVideo("no track of H.264 or H.265") from error


def _fragmented(read_at: ReadAt, index: BoxIndex, track: Track) -> Iterator[Frame]:
    tracks = {track.number: track}
    for offset, size in zip(index.offsets, index.sizes, strict=True):
        content = read_at(offset, size)
        moof = content[: int.from_bytes(content[:4], "big")]

        def inside(start: int, length: int, content: bytes = content, base: int = offset) -> bytes:
            if start < base or start + length > base + len(content):
                return read_at(start, length)
            return content[start - base : start - base + length]

        try:
            places = [
                (one.offset, one.size, one.time, one.duration)
                for one in read_samples(moof, at=offset, tracks=tracks)
            ]
        except BoxesBroken:
            continue
        yield from _frames(inside, track, track.unit_length_bytes, places)


def _frames(
    read_at: ReadAt, track: Track, length_bytes: int, places: Iterable[tuple[int, int, int, int]]
) -> Iterator[Frame]:
    for offset, size, time, duration in places:
        content = read_at(offset, size) if 0 < size <= _FRAME_BYTES_MAX else b""
        units = units_of(content, length_bytes)
        yield Frame(
            units,
            time * 1000 // track.timescale,
            (time + duration) * 1000 // track.timescale,
            whole=bool(units) and sum(map(len, units)) + length_bytes * len(units) == len(content),
        )


def units_of(content: bytes, length_bytes: int) -> tuple[bytes, ...]:
    """Cut a sample at its lengths; what does not fit is left out, and so does not verify."""
    units: list[bytes] = []
    at = 0
    while at + length_bytes < len(content) and len(units) < _UNITS_MAX:
        size = int.from_bytes(content[at : at + length_bytes], "big")
        at += length_bytes
        if size == 0 or at + size > len(content):
            break
        units.append(content[at : at + size])
        at += size
    return tuple(units)


def _open_raw(read_at: ReadAt, size_bytes: int) -> Video:
    if size_bytes > _RAW_BYTES_MAX:
        raise NoVideo("a raw stream of this size is not read: wrap it into MP4 first")
    content = read_at(0, size_bytes)
    units = [unit for unit in content.split(_START_CODE) if unit.strip(b"\x00")]
    kinds = {unit[0] & 0x1F for unit in units[:64]}
    codec = Codec.H264 if {7, 8} <= kinds else Codec.H265
    return Video(codec, _raw_frames(units, codec))


def _raw_frames(units: list[bytes], codec: Codec) -> Iterator[Frame]:
    held: list[bytes] = []
    number, pictured = 0, False
    for unit in units:
        kind = kind_of(unit, codec)
        first_slice = kind in _PICTURES and bool(unit[codec.head_bytes] & 0x80)
        if pictured and (first_slice or kind in {Kind.SEI, Kind.OTHER}):
            yield Frame(tuple(held), number * _RAW_FRAME_MS, (number + 1) * _RAW_FRAME_MS)
            held, pictured, number = [], False, number + 1
        held.append(unit)
        pictured = pictured or kind in _PICTURES
    if held:
        yield Frame(tuple(held), number * _RAW_FRAME_MS, (number + 1) * _RAW_FRAME_MS)
