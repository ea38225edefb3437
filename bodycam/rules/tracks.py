"""The tracks of an MP4 as ``moov`` describes them: codec, and where a plain file's samples lie."""

import struct
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from bodycam.rules.moof import BoxesBroken, children

_HEAD_BYTES: Final = 8
_SAMPLES_MAX: Final = 20_000_000  # 26 hours of 60 frames a second and of sound, threefold
_TRACKS_MAX: Final = 16
_TICKS_MAX: Final = 1 << 50  # a week of a timescale far over any there is
_VISUAL_BYTES: Final = 78  # of a VisualSampleEntry before its boxes, section 12.1.3
_CONFIGS: Final = frozenset({b"avcC", b"hvcC"})


@dataclass(frozen=True)
class Defaults:
    """What ``trex`` says of a sample that says nothing itself."""

    duration: int = 0
    size: int = 0
    flags: int = 0


@dataclass
class SampleTable:
    """Where each sample lies and when it is decoded. Empty in a fragmented file."""

    offsets: "array[int]" = field(default_factory=lambda: array("q"))
    sizes: "array[int]" = field(default_factory=lambda: array("q"))
    times: "array[int]" = field(default_factory=lambda: array("q"))
    durations: "array[int]" = field(default_factory=lambda: array("q"))
    shifts: "array[int]" = field(default_factory=lambda: array("q"))  # composition less decoding
    keys: frozenset[int] | None = None  # numbers of the key samples; None: all are

    def __len__(self) -> int:
        return len(self.sizes)


@dataclass(frozen=True)
class Track:
    """One track. ``entry`` is its sample entry box whole; ``config`` the decoder's set-up in it."""

    number: int
    timescale: int
    handler: bytes
    codec: bytes
    entry: bytes
    config: bytes
    defaults: Defaults
    table: tuple[int, int]  # where ``stbl`` lies in moov

    @property
    def is_video(self) -> bool:
        """Whether it carries pictures."""
        return self.handler == b"vide"

    @property
    def unit_length_bytes(self) -> int:
        """How many bytes stand before each unit of H.264 or H.265 (section 5.3.3 of part 15).

        Raises:
            BoxesBroken: the track has no such units.
        """
        at = {b"avcC": 4, b"hvcC": 21}.get(self.config[4:8])
        if at is None or len(self.config) <= _HEAD_BYTES + at:
            raise BoxesBroken("no set-up of H.264 or H.265")
        return (self.config[_HEAD_BYTES + at] & 3) + 1


def read_tracks(moov: bytes) -> list[Track]:
    """Return the tracks of a whole ``moov`` box.

    Raises:
        BoxesBroken: the boxes do not fit.
    """
    parts: list[tuple[int, int]] = []
    defaults: dict[int, Defaults] = {}
    try:
        for kind, body, end in children(moov, _HEAD_BYTES, len(moov)):
            if kind == b"trak" and len(parts) < _TRACKS_MAX:
                parts.append((body, end))
            elif kind == b"mvex":
                for inner, at, _ in children(moov, body, end):
                    if inner == b"trex":
                        number, _, *rest = struct.unpack_from(">5I", moov, at + 4)
                        defaults[number] = Defaults(*rest)
        found = [_read_track(moov, body, end, defaults) for body, end in parts]
    except (struct.error, IndexError) as error:
        raise BoxesBroken("moov is cut short") from error
    return [track for track in found if track is not None]


def _read_track(moov: bytes, start: int, stop: int, defaults: dict[int, Defaults]) -> Track | None:
    number = timescale = 0
    handler = b""
    table: tuple[int, int] | None = None
    for kind, body, end in _descend(moov, start, stop):
        if kind == b"tkhd":
            number = struct.unpack_from(">I", moov, body + (20 if moov[body] == 1 else 12))[0]
        elif kind == b"mdhd":
            timescale = struct.unpack_from(">I", moov, body + (20 if moov[body] == 1 else 12))[0]
        elif kind == b"hdlr" and not handler:  # QuickTime has another one within minf
            handler = moov[body + 8 : body + 12]
        elif kind == b"stbl":
            table = (body, end)
    if table is None or not number or not timescale:
        return None
    entry = next((moov[a:b] for k, a, b in _entries(moov, *table)), b"")
    return Track(
        number=number,
        timescale=timescale,
        handler=handler,
        codec=entry[4:8],
        entry=entry,
        config=_config(entry) if handler == b"vide" else b"",
        defaults=defaults.get(number, Defaults()),
        table=table,
    )


def _descend(moov: bytes, start: int, stop: int) -> Iterator[tuple[bytes, int, int]]:
    for kind, body, end in children(moov, start, stop):
        if kind in {b"mdia", b"minf"}:
            yield from _descend(moov, body, end)
        else:
            yield kind, body, end


def _entries(moov: bytes, start: int, stop: int) -> Iterator[tuple[bytes, int, int]]:
    for kind, body, end in children(moov, start, stop):
        if kind == b"stsd":
            at = body + 8
            for inner, inner_body, inner_end in children(moov, at, end):
                yield inner, inner_body - _HEAD_BYTES, inner_end


def _config(entry: bytes) -> bytes:
    if len(entry) < _HEAD_BYTES + _VISUAL_BYTES:
        return b""
    for kind, body, end in children(entry, _HEAD_BYTES + _VISUAL_BYTES, len(entry)):
        if kind in _CONFIGS:
            return entry[body - _HEAD_BYTES : end]
    return b""


def read_table(moov: bytes, track: Track) -> SampleTable:
    """Return the samples of a track of a plain MP4 (section 8.6 and 8.7).

    Raises:
        BoxesBroken: the tables do not fit each other, or name more samples than there can be.
    """
    boxes = {kind: (body, end) for kind, body, end in children(moov, *track.table)}
    table = SampleTable()
    try:
        _read_sizes(moov, boxes, table)
        if not len(table):
            return table
        _read_offsets(moov, boxes, table)
        _read_times(moov, boxes, table)
        if b"stss" in boxes:
            at = boxes[b"stss"][0]
            count = _count(moov, at + 4)
            table.keys = frozenset(
                one - 1 for one in struct.unpack_from(f">{count}I", moov, at + 8)
            )
    except (struct.error, IndexError, OverflowError) as error:
        raise BoxesBroken("a table of samples is cut short") from error
    if len({len(table.offsets), len(table.sizes), len(table.times)}) != 1:
        raise BoxesBroken("the tables of samples do not fit each other")
    return table


def _count(moov: bytes, at: int) -> int:
    (count,) = struct.unpack_from(">I", moov, at)
    if count > _SAMPLES_MAX:
        raise BoxesBroken("more samples than a recording can have")
    return int(count)


def _read_sizes(moov: bytes, boxes: dict[bytes, tuple[int, int]], table: SampleTable) -> None:
    if b"stsz" not in boxes:
        raise BoxesBroken("no table of sizes")
    at = boxes[b"stsz"][0]
    (fixed,) = struct.unpack_from(">I", moov, at + 4)
    count = _count(moov, at + 8)
    if fixed:
        table.sizes = array("q", [fixed]) * count
    else:
        table.sizes.extend(struct.unpack_from(f">{count}I", moov, at + 12))


def _read_offsets(moov: bytes, boxes: dict[bytes, tuple[int, int]], table: SampleTable) -> None:
    wide = b"co64" in boxes
    if b"stsc" not in boxes or not (wide or b"stco" in boxes):
        raise BoxesBroken("no table of places")
    at = boxes[b"co64" if wide else b"stco"][0]
    chunks = struct.unpack_from(f">{_count(moov, at + 4)}{'Q' if wide else 'I'}", moov, at + 8)
    at = boxes[b"stsc"][0]
    count = _count(moov, at + 4)
    runs = list(struct.iter_unpack(">III", moov[at + 8 : at + 8 + 12 * count]))
    if len(runs) != count:
        raise BoxesBroken("the table of chunks is cut short")
    sample, total = 0, len(table.sizes)
    for number, (first, each, _) in enumerate(runs):
        last = runs[number + 1][0] if number + 1 < len(runs) else len(chunks) + 1
        for chunk in range(first, last):
            if sample >= total:
                return
            place = chunks[chunk - 1]
            for size in table.sizes[sample : sample + each]:
                table.offsets.append(place)
                place += size
            sample += each


def _read_times(moov: bytes, boxes: dict[bytes, tuple[int, int]], table: SampleTable) -> None:
    if b"stts" not in boxes:
        raise BoxesBroken("no table of times")
    total, now = len(table.sizes), 0
    for count, step in _pairs(moov, boxes[b"stts"][0], ">II"):
        for _ in range(min(count, total - len(table.times))):
            table.times.append(now)
            table.durations.append(step)
            now += step
        if now > _TICKS_MAX:
            raise BoxesBroken("times that no recording has")
    if b"ctts" in boxes:
        for count, shift in _pairs(moov, boxes[b"ctts"][0], ">Ii"):
            table.shifts.extend([shift] * min(count, total - len(table.shifts)))
    table.shifts.extend([0] * (total - len(table.shifts)))


def _pairs(moov: bytes, at: int, form: str) -> Iterator[tuple[int, int]]:
    count = _count(moov, at + 4)
    for pair in struct.iter_unpack(form, moov[at + 8 : at + 8 + 8 * count]):
        yield pair[0], pair[1]
