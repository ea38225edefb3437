"""Which bytes a storyboard and a loudness strip need: key frames and the sound beside them."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bodycam.rules.box_index import BoxIndex
from bodycam.rules.frames import ReadAt, units_of
from bodycam.rules.moof import BoxesBroken
from bodycam.rules.plain import moov_of
from bodycam.rules.runs import Sample, read_samples
from bodycam.rules.signed_video.nal import Codec
from bodycam.rules.storyboard import SoundSetUp, read_sound_set_up
from bodycam.rules.tracks import SampleTable, Track, read_table, read_tracks

LOUDNESS_POINTS: Final = 600
_FRAMES_A_POINT: Final = 8  # of sound: half a second at 16 kHz
_MOOF_BYTES_MAX: Final = 16 << 20
_PICTURE_BYTES_MAX: Final = 4 << 20
_CODECS: Final = {b"avcC": Codec.H264, b"hvcC": Codec.H265}


@dataclass(frozen=True)
class Chosen:
    """Key frames as units, and the stream's parameter sets."""

    codec: Codec
    set_up: tuple[bytes, ...]
    frames: tuple[tuple[bytes, ...], ...]


@dataclass(frozen=True)
class Heard:
    """Frames of sound of each point; no set-up: the recording has no sound that is read here."""

    set_up: SoundSetUp | None
    groups: tuple[tuple[bytes, ...], ...]


def choose_pictures(
    *, read_at: ReadAt, size_bytes: int, index: BoxIndex, plain: bool, instants_ms: Sequence[int]
) -> Chosen:
    """Return the key frames nearest before each instant; the last again for none.

    Raises:
        BoxesBroken: the recording has no H.264 or H.265, or no key frame where one should be.
    """
    moov = moov_of(read_at=read_at, size_bytes=size_bytes)
    track = next((one for one in read_tracks(moov) if one.is_video and one.config), None)
    if track is None:
        raise BoxesBroken("no track of H.264 or H.265")
    table = read_table(moov, track) if plain else None
    frames: list[tuple[bytes, ...]] = []
    for at_ms in instants_ms:
        sample = _key_at(read_at, index, track, table, at_ms)
        if sample is not None and sample.size <= _PICTURE_BYTES_MAX:
            content = read_at(sample.offset, sample.size)
            units = units_of(content, track.unit_length_bytes)
            frames.append(units or (frames[-1] if frames else ()))
        elif frames:
            frames.append(frames[-1])
    if not any(frames):
        raise BoxesBroken("no key frame can be read")
    return Chosen(_CODECS[track.config[4:8]], tuple(_set_up(track)), tuple(frames))


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
    samples = _samples(read_at, index, number, {track.number: track})
    return next((one for one in samples if one.key), None)


def _fragment_at(index: BoxIndex, at_ms: int) -> int:
    ticks = index.starts[0] + at_ms * index.timescale // 1000
    return max(0, bisect_right(index.starts, ticks) - 1)


def _samples(
    read_at: ReadAt, index: BoxIndex, number: int, tracks: dict[int, Track]
) -> Iterator[Sample]:
    at = index.offsets[number]
    size = int.from_bytes(read_at(at, 4), "big")
    if not 8 <= size <= _MOOF_BYTES_MAX:  # noqa: PLR2004 - a box's head
        return
    yield from read_samples(read_at(at, size), at=at, tracks=tracks)


def _set_up(track: Track) -> Iterator[bytes]:
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


def choose_sound(*, read_at: ReadAt, size_bytes: int, index: BoxIndex, plain: bool) -> Heard:
    """Return some frames of sound at each of ``LOUDNESS_POINTS`` along the recording.

    Raises:
        BoxesBroken: the boxes do not fit.
    """
    moov = moov_of(read_at=read_at, size_bytes=size_bytes)
    track = next((one for one in read_tracks(moov) if one.handler == b"soun"), None)
    set_up = read_sound_set_up(track.entry) if track is not None else None
    if track is None or set_up is None:
        return Heard(None, ())
    table = read_table(moov, track) if plain else None
    groups = []
    points = max(1, min(LOUDNESS_POINTS, index.duration_ms // 1000))
    for point in range(points):
        at_ms = index.duration_ms * point // points
        places = (
            _table_places(table, track, index, at_ms)
            if table is not None
            else [
                (one.offset, one.size)
                for one in _samples(
                    read_at, index, _fragment_at(index, at_ms), {track.number: track}
                )
            ]
        )
        groups.append(tuple(read_at(*place) for place in places[:_FRAMES_A_POINT]))
    return Heard(set_up, tuple(groups))


def _table_places(
    table: SampleTable, track: Track, index: BoxIndex, at_ms: int
) -> list[tuple[int, int]]:
    ticks = index.starts[0] * track.timescale // index.timescale + at_ms * track.timescale // 1000
    at = max(0, bisect_right(table.times, ticks) - 1)
    end = at + _FRAMES_A_POINT
    return list(zip(table.offsets[at:end], table.sizes[at:end], strict=True))
