"""What the pictures of a camera are like: learnt from a recording of it that is whole.

A file without its description (``moov``) says nowhere how its pictures are coded. Another recording
of the same camera does; some cameras also repeat it before each key picture.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from statistics import median_low
from typing import Final

from bodycam.rules.box_index import BoxIndex
from bodycam.rules.frames import CODECS, ReadAt
from bodycam.rules.key_frames import parameter_sets, samples_of
from bodycam.rules.made_boxes import box
from bodycam.rules.moof import BoxesBroken
from bodycam.rules.parameter_sets import (
    NotASet,
    Sequence,
    SequenceH265,
    read_sequence,
    read_sequence_h265,
)
from bodycam.rules.plain import moov_of
from bodycam.rules.signed_video.nal import Codec
from bodycam.rules.tracks import Track, read_table, read_tracks

MODELS_MAX: Final = 3  # of the camera's recordings, the nearest in time, that are learnt from
_LENGTH_BYTES: Final = 4
_FRAGMENTS_MAX: Final = 64  # looked at, spread over the recording
_SAMPLES_MAX: Final = 20_000
_TIMES_LARGER: Final = 4  # a picture may be than any that was seen
_BYTES_MIN, _BYTES_MAX = 64 << 10, 8 << 20
_TICKS: Final = 90_000  # a second, where nothing tells otherwise
_EDGES_AT: Final = 32  # width and height in a VisualSampleEntry, section 12.1.3
_SETS_MAX, _TRIED_MAX = 16, 256
_SET_BYTES_MAX: Final = 4096
_SPS, _PPS = 7, 8  # table 7-1
_SET: Final = re.compile(
    rb"(?=\x00\x00[\x00-\x0f].[\x27\x47\x67][\x2c\x42\x4d\x53\x56\x58\x64\x6e\x7a\xf4])", re.DOTALL
)


class NotLearnt(ValueError):
    """The recording does not tell what its camera's pictures are like."""


@dataclass(frozen=True, kw_only=True)
class Likeness:
    """How one camera codes its pictures.

    Attributes:
        entry: the sample entry box, with the decoder's set-up.
        timescale: ticks a second.
        step: ticks of a picture; 0 where only the recording's own length can tell.
        key_bytes_max, other_bytes_max: over these a unit is taken for something else.
        sequence: how slice headers are read; those of H.265 can be without.
        told: the sequence parameter set itself; of H.264.
    """

    codec: Codec
    entry: bytes = field(repr=False)
    timescale: int
    step: int
    key_bytes_max: int
    other_bytes_max: int
    sequence: Sequence | SequenceH265 | None
    told: bytes = field(default=b"", repr=False)

    @property
    def edges(self) -> tuple[int, int]:
        """Width and height in pixels, as the entry says."""
        width, height = struct.unpack_from(">HH", self.entry, _EDGES_AT)
        return width, height


def learnt_from(*, read_at: ReadAt, size_bytes: int, index: BoxIndex, by_pieces: bool) -> Likeness:
    """Learn from a recording that plays; ``by_pieces`` says that its tables name the samples.

    Raises:
        NotLearnt: it has no H.264 or H.265 in units with lengths of four bytes.
    """
    try:
        moov = moov_of(read_at=read_at, size_bytes=size_bytes)
        track = next((one for one in read_tracks(moov) if one.is_video and one.config), None)
        if track is None or track.unit_length_bytes != _LENGTH_BYTES:
            raise NotLearnt("no H.264 or H.265 in units with lengths of four bytes")
        if by_pieces:
            found = list(_of_tables(moov, track))
        else:
            found = list(_of_fragments(read_at, index, track))
        sequence, told = _sequence_of(track)
        if int.from_bytes(track.entry[:4], "big") != len(track.entry):
            raise NotLearnt("a sample entry of another form")
    except (BoxesBroken, NotASet, ValueError) as error:
        raise NotLearnt(str(error)) from error
    if not found:
        raise NotLearnt("no picture to learn from")
    return Likeness(
        codec=CODECS[track.config[4:8]],
        entry=track.entry,
        timescale=track.timescale,
        step=median_low(step for step, _, _ in found),
        key_bytes_max=_bound(size for _, size, key in found if key),
        other_bytes_max=_bound(size for _, size, key in found if not key),
        sequence=sequence,
        told=told,
    )


def _bound(sizes: Iterator[int]) -> int:
    return min(max(_TIMES_LARGER * max(sizes, default=0), _BYTES_MIN), _BYTES_MAX)


def _sequence_of(track: Track) -> tuple[Sequence | SequenceH265 | None, bytes]:
    if CODECS[track.config[4:8]] is not Codec.H264:
        try:
            return read_sequence_h265(parameter_sets(track)), b""
        except NotASet:  # its pictures can be found all the same
            return None, b""
    for unit in parameter_sets(track):
        if unit and unit[0] & 0x1F == _SPS:
            return read_sequence(unit), unit
    raise NotASet("no sequence parameter set")


def _of_tables(moov: bytes, track: Track) -> Iterator[tuple[int, int, bool]]:
    table = read_table(moov, track)
    for number in range(0, len(table), max(1, len(table) // _SAMPLES_MAX)):
        key = table.keys is None or number in table.keys
        yield table.durations[number], table.sizes[number], key


def _of_fragments(
    read_at: ReadAt, index: BoxIndex, track: Track
) -> Iterator[tuple[int, int, bool]]:
    for number in range(0, len(index), max(1, len(index) // _FRAGMENTS_MAX)):
        for one in samples_of(read_at, index, number, {track.number: track}):
            yield one.duration, one.size, one.key


def told_in_stream(head: bytes) -> Likeness:
    """Learn from the beginning of the media themselves, where the camera repeats its set-up.

    Raises:
        NotLearnt: no parameter sets of H.264 stand in it.
    """
    for match in islice(_SET.finditer(head), _TRIED_MAX):
        sets = _sets_at(head, match.start())
        try:
            sequence = read_sequence(sets[_SPS])
            entry = _entry(sets[_SPS], sets[_PPS], sequence)
        except (KeyError, NotASet):
            continue
        return Likeness(
            codec=Codec.H264,
            entry=entry,
            timescale=_TICKS,
            step=0,
            key_bytes_max=_BYTES_MAX,
            other_bytes_max=_BYTES_MAX,
            sequence=sequence,
            told=sets[_SPS],
        )
    raise NotLearnt("the camera does not repeat its set-up in the stream")


def _sets_at(head: bytes, at: int) -> dict[int, bytes]:
    sets: dict[int, bytes] = {}
    for _ in range(_SETS_MAX):
        size = int.from_bytes(head[at : at + _LENGTH_BYTES], "big")
        unit = head[at + _LENGTH_BYTES : at + _LENGTH_BYTES + min(size, _SET_BYTES_MAX)]
        if not 0 < size <= _SET_BYTES_MAX or len(unit) < size or unit[0] & 0x1F not in {_SPS, _PPS}:
            break
        sets.setdefault(unit[0] & 0x1F, unit)
        at += _LENGTH_BYTES + size
    return sets


def _entry(sps: bytes, pps: bytes, sequence: Sequence) -> bytes:
    """Return the sample entry of H.264 with its set-up (part 15, section 5.3.3)."""
    sets = b"".join(
        bytes([count]) + struct.pack(">H", len(one)) + one for count, one in ((0xE1, sps), (1, pps))
    )
    visual = (
        bytes(6) + b"\0\1" + bytes(16)
        + struct.pack(">HHIIIH", sequence.width, sequence.height, 0x480000, 0x480000, 0, 1)
        + bytes(32) + b"\0\x18\xff\xff"
    )  # fmt: skip
    return box(b"avc1", visual, box(b"avcC", b"\1" + sps[1:4] + b"\xff", sets))
