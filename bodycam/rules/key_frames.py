"""Which bytes a storyboard and a loudness strip need: key frames and the sound beside them."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bodycam.rules.box_index import BoxIndex
from bodycam.rules.frames import CODECS, ReadAt, units_of
from bodycam.rules.moof import BoxesBroken
from bodycam.rules.plain import moov_of
from bodycam.rules.runs import Sample, read_samples
from bodycam.rules.signed_video.nal import Codec
from bodycam.rules.storyboard import SoundSetUp, read_sound_set_up
from bodycam.rules.tracks import SampleTable, Track, read_table, read_tracks

_FRAMES_A_POINT: Final = 8  # of sound: half a second at 16 kHz
_PROBE_BYTES: Final = 4096  # holds the whole moof of 2 s of video and audio
_SOUND_BYTES_MAX: Final = 8191  # of a frame, as ADTS can say
_SPAN_BYTES_MAX: Final = 128 << 10  # read at once: a request takes longer than its bytes
_MOOF_BYTES_MAX: Final = 16 << 20
_PICTURE_BYTES_MAX: Final = 4 << 20


@dataclass(frozen=True)
class Chosen:
    """Key frames as units, and the stream's parameter sets."""

    codec: Codec
    set_up: tuple[bytes, ...]
    frames: tuple[tuple[bytes, ...], ...]


@dataclass(frozen=True)
class Looked:
    """Key frames as units, ``None`` where one is not whole, and the stream's parameter sets."""

    codec: Codec
    set_up: tuple[bytes, ...]
    frames: tuple[tuple[bytes, ...] | None, ...]


@dataclass(frozen=True)
class Heard:
    """Frames of sound of each point, ``None`` where they cannot be read.

    No set-up: the recording has no sound that is read here.
    """

    set_up: SoundSetUp | None
    groups: tuple[tuple[bytes, ...] | None, ...]


def choose_pictures(
    *, read_at: ReadAt, size_bytes: int, index: BoxIndex, plain: bool, instants_ms: Sequence[int]
) -> Chosen:
    """Return the key frames nearest before each instant; the last again for none.

    Raises:
        BoxesBroken: the recording has no H.264 or H.265, or no key frame where one should be.
    """
    track, table = _video(read_at, size_bytes, plain=plain)
    frames: list[tuple[bytes, ...]] = []
    for at_ms in instants_ms:
        units, _ = _key_units(read_at, index, track, table, at_ms)
        if units or frames:
            frames.append(units or frames[-1])
    if not frames:
        raise BoxesBroken("no key frame can be read")
    return Chosen(CODECS[track.config[4:8]], tuple(parameter_sets(track)), tuple(frames))


def choose_looks(
    *, read_at: ReadAt, size_bytes: int, index: BoxIndex, plain: bool, instants_ms: Sequence[int]
) -> Looked:
    """Return the key frames nearest before each instant; none stands in for another.

    Raises:
        BoxesBroken: the recording has no H.264 or H.265.
    """
    track, table = _video(read_at, size_bytes, plain=plain)
    found = [_key_units(read_at, index, track, table, at_ms) for at_ms in instants_ms]
    frames = tuple(units if whole else None for units, whole in found)
    return Looked(CODECS[track.config[4:8]], tuple(parameter_sets(track)), frames)


def _video(read_at: ReadAt, size_bytes: int, *, plain: bool) -> tuple[Track, SampleTable | None]:
    moov = moov_of(read_at=read_at, size_bytes=size_bytes)
    track = next((one for one in read_tracks(moov) if one.is_video and one.config), None)
    if track is None:
        raise BoxesBroken("no track of H.264 or H.265")
    return track, read_table(moov, track) if plain else None


def _key_units(
    read_at: ReadAt, index: BoxIndex, track: Track, table: SampleTable | None, at_ms: int
) -> tuple[tuple[bytes, ...], bool]:
    """Return what can be read of a key frame as units, and whether that is all of it."""
    try:
        sample = _key_at(read_at, index, track, table, at_ms)
    except BoxesBroken:
        return (), False
    if sample is None or sample.size > _PICTURE_BYTES_MAX:
        return (), False
    content = read_at(sample.offset, sample.size)
    units = units_of(content, track.unit_length_bytes)
    read = sum(map(len, units)) + track.unit_length_bytes * len(units)
    return units, bool(units) and read == sample.size


def _key_at(
    read_at: ReadAt, index: BoxIndex, track: Track, table: SampleTable | None, at_ms: int
) -> Sample | None:
    number = _fragment_at(index, at_ms)
    if table is not None:
        origin = index.starts[0]
        ticks = origin + at_ms * index.timescale // 1000
        at = max(0, bisect_right(table.times, ticks) - 1)
        while at and table.keys is not None and at not in table.keys:
            at -= 1
        return Sample(track.number, table.offsets[at], table.sizes[at], table.times[at], 0, True)
    while number >= 0 and not index.keys[number]:
        number -= 1
    if number < 0:
        return None
    samples = samples_of(read_at, index, number, {track.number: track})
    return next((one for one in samples if one.key), None)


def _fragment_at(index: BoxIndex, at_ms: int) -> int:
    ticks = index.starts[0] + at_ms * index.timescale // 1000
    return max(0, bisect_right(index.starts, ticks) - 1)


def samples_of(
    read_at: ReadAt, index: BoxIndex, number: int, tracks: dict[int, Track]
) -> Iterator[Sample]:
    """Yield the samples of one fragment.

    Raises:
        BoxesBroken: there is no fragment where the index names one.
    """
    at = index.offsets[number]
    head = read_at(at, _PROBE_BYTES)
    size = int.from_bytes(head[:4], "big")
    if not 8 <= size <= _MOOF_BYTES_MAX:  # noqa: PLR2004 - a box's head
        raise BoxesBroken("no moof where the index names one")
    moof = head[:size] if size <= len(head) else read_at(at, size)
    yield from read_samples(moof, at=at, tracks=tracks)


def parameter_sets(track: Track) -> Iterator[bytes]:
    """Yield the parameter sets of ``avcC`` or ``hvcC`` (part 15, sections 5.3.3 and 8.3.3)."""
    data = track.config
    if data[4:8] == b"avcC":
        at = 13
        for mask in (0x1F, 0xFF):
            count = data[at] & mask if at < len(data) else 0
            at += 1
            for _ in range(count):
                size = int.from_bytes(data[at : at + 2], "big")
                yield data[at + 2 : at + 2 + size]
                at += 2 + size
        return
    at = 31
    for _ in range(data[30] if len(data) > 30 else 0):  # noqa: PLR2004 - numOfArrays
        count = int.from_bytes(data[at + 1 : at + 3], "big")
        at += 3
        for _ in range(min(count, 64)):
            size = int.from_bytes(data[at : at + 2], "big")
            yield data[at + 2 : at + 2 + size]
            at += 2 + size


def choose_sound(
    *, read_at: ReadAt, size_bytes: int, index: BoxIndex, plain: bool, instants_ms: Sequence[int]
) -> Heard:
    """Return some frames of sound at each instant.

    Two reads for each: 24 hours in steps of 15 s are 11,520.

    Raises:
        BoxesBroken: the boxes do not fit.
    """
    moov = moov_of(read_at=read_at, size_bytes=size_bytes)
    track = next((one for one in read_tracks(moov) if one.handler == b"soun"), None)
    set_up = read_sound_set_up(track.entry) if track is not None else None
    if track is None or set_up is None:
        return Heard(None, ())
    table = read_table(moov, track) if plain else None
    groups = (_sound_at(read_at, index, track, table, at_ms) for at_ms in instants_ms)
    return Heard(set_up, tuple(groups))


def _sound_at(
    read_at: ReadAt, index: BoxIndex, track: Track, table: SampleTable | None, at_ms: int
) -> tuple[bytes, ...] | None:
    if table is not None:
        places = _table_places(table, track, index, at_ms)
    else:
        number = _fragment_at(index, at_ms)
        try:
            samples = list(samples_of(read_at, index, number, {track.number: track}))
        except BoxesBroken:
            return None
        places = [(one.offset, one.size) for one in samples[:_FRAMES_A_POINT]]
    if any(size > _SOUND_BYTES_MAX for _, size in places):
        return None
    if not places:
        return ()
    first = min(offset for offset, _ in places)
    span = max(offset + size for offset, size in places) - first
    if span > _SPAN_BYTES_MAX:  # a plain file may interleave picture and sound finely
        return tuple(read_at(*place) for place in places)
    content = read_at(first, span)
    return tuple(content[offset - first :][:size] for offset, size in places)


def _table_places(
    table: SampleTable, track: Track, index: BoxIndex, at_ms: int
) -> list[tuple[int, int]]:
    ticks = index.starts[0] * track.timescale // index.timescale + at_ms * track.timescale // 1000
    at = max(0, bisect_right(table.times, ticks) - 1)
    end = at + _FRAMES_A_POINT
    return list(zip(table.offsets[at:end], table.sizes[at:end], strict=True))
