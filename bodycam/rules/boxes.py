"""The index of a fragmented MP4: where each fragment lies and when it plays, without decoding.

``walk`` asks for the bytes it needs and never reads by itself, so the same code indexes a local
file by header reads (``index_by_reading``) and a stream as it passes (``StreamIndexer``).
A broken file is not refused: what is whole is indexed, what is not is named.
"""

import struct
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Final

from bodycam.rules.box_index import BoxIndex, Damage, DamageKind
from bodycam.rules.magic import EMPTY, HEAD_BYTES, NO_FRAGMENT, NO_MOOV, what_it_is
from bodycam.rules.moof import BoxesBroken, Run, Track, read_moof, read_moov

Need = tuple[int, int]  # offset and length; what is past the end of the file is left out

_PROBE_BYTES: Final = 4096  # holds a whole moof of 2 s of video and audio, and the head of mdat
_MOOV_BYTES_MAX: Final = 64 << 20
_MOOF_BYTES_MAX: Final = 16 << 20
_SCAN_BYTES: Final = 1 << 20
_HEAD_BYTES: Final = 8
_WIDE_HEAD_BYTES: Final = 16
_MOOF_MARK: Final = b"\x00\x00\x00\x10mfhd"  # the first box of every moof, section 8.8.5
_FRAGMENTS_MAX: Final = 2_000_000
_SECONDS_MAX: Final = 7 * 24 * 3600
# A camera that lost power before it wrote moov leaves ftyp and mdat.
_FIRST: Final = frozenset({b"ftyp", b"styp", b"moov", b"mdat", b"free", b"wide", b"skip"})
_PASSED_OVER: Final = frozenset(
    {b"ftyp", b"styp", b"sidx", b"ssix", b"free", b"skip", b"wide", b"mfra", b"emsg", b"prft"}
    | {b"uuid", b"udta", b"meta", b"pdin", b"mdat"}
)


class NotMp4(ValueError):
    """The bytes are no fragmented MP4 that could be played; the message says why."""


@dataclass(frozen=True)
class _Box:
    kind: bytes
    size: int
    head_bytes: int


@dataclass
class _Walk:
    size: int
    index: BoxIndex = field(default_factory=BoxIndex)
    track: Track | None = None
    after_break: bool = False


def walk(size_bytes: int) -> Generator[Need, bytes, BoxIndex]:
    """Index a file of ``size_bytes``: yields what it needs, is sent the bytes, returns the index.

    Raises:
        NotMp4: nothing in the file can be played.
    """
    state = _Walk(size_bytes)
    at = 0
    while at < size_bytes:
        head = yield at, _PROBE_BYTES
        box = _read_head(head, left=size_bytes - at)
        if at == 0 and (box is None or box.kind not in _FIRST):
            raise NotMp4(what_it_is(head[:HEAD_BYTES]))
        step = 0
        if box is not None and at + box.size <= size_bytes:
            step = yield from _take(state, at, box, head)
        if step == 0:
            step = yield from _resync(state, at)
        at += step
    if state.track is None:
        raise NotMp4(NO_MOOV if size_bytes else EMPTY)
    if not len(state.index):
        raise NotMp4(NO_FRAGMENT)
    return state.index


def _read_head(head: bytes, *, left: int) -> _Box | None:
    if len(head) < _HEAD_BYTES:
        return None
    size, kind = struct.unpack_from(">I4s", head)
    if size == 0:  # section 4.2: to the end of the file
        return _Box(kind, left, _HEAD_BYTES)
    if size == 1:
        if len(head) < _WIDE_HEAD_BYTES:
            return None
        size = struct.unpack_from(">Q", head, _HEAD_BYTES)[0]
        return _Box(kind, size, _WIDE_HEAD_BYTES) if size >= _WIDE_HEAD_BYTES else None
    return _Box(kind, size, _HEAD_BYTES) if size >= _HEAD_BYTES else None


def _take(state: _Walk, at: int, box: _Box, head: bytes) -> Generator[Need, bytes, int]:
    """Take one box; return how far it reaches, or 0 where the bytes make no sense."""
    if box.kind in _PASSED_OVER:
        return box.size
    if box.kind == b"moov" and box.size <= _MOOV_BYTES_MAX:
        whole = yield at, box.size
        try:
            state.track = read_moov(whole)
        except (BoxesBroken, IndexError):
            return 0
        if state.track is not None:
            state.index.timescale = state.track.timescale
            state.index.init_size = at + box.size
        return box.size
    if box.kind == b"moof" and box.size <= _MOOF_BYTES_MAX and state.track is not None:
        return (yield from _take_fragment(state, at, box, head))
    return 0


def _take_fragment(state: _Walk, at: int, box: _Box, head: bytes) -> Generator[Need, bytes, int]:
    window = head
    if len(window) < box.size + _WIDE_HEAD_BYTES:
        window = yield at, box.size + _WIDE_HEAD_BYTES
    body = _read_head(window[box.size :], left=state.size - at - box.size)
    if body is None or body.kind != b"mdat" or at + box.size + body.size > state.size:
        return 0
    try:
        run = read_moof(window[: box.size], state.track)  # type: ignore[arg-type]  # checked
    except (BoxesBroken, IndexError):
        return 0
    length = box.size + body.size
    if run is not None and not _in_time(state, run):
        return 0
    if run is not None:
        if len(state.index) >= _FRAGMENTS_MAX:
            raise NotMp4("more fragments than a recording can have")
        state.index.append(
            offset=at,
            size=length,
            start=run.start,
            duration=run.duration,
            key=run.key,
            after_break=state.after_break,
        )
        state.after_break = False
    return length


def _in_time(state: _Walk, run: Run) -> bool:
    """Return whether the fragment can be of this recording: none lasts a week."""
    timescale = state.index.timescale
    first = state.index.starts[0] if len(state.index) else run.start
    return abs(run.start + run.duration - first) < _SECONDS_MAX * timescale and run.start < 1 << 62


def _resync(state: _Walk, at: int) -> Generator[Need, bytes, int]:
    """Find the next fragment after broken bytes; name what lies between, or the cut end."""
    scan = at + 1
    while state.track is not None and scan < state.size:
        window = yield scan, _SCAN_BYTES
        found = window.find(_MOOF_MARK, _HEAD_BYTES)
        while found > 0 and window[found - 4 : found] != b"moof":
            found = window.find(_MOOF_MARK, found + 1)
        if found > 0:
            end = scan + found - _HEAD_BYTES
            state.index.damage.append(Damage(DamageKind.GAP, at, end))
            state.after_break = True
            return end - at
        if len(window) < _SCAN_BYTES:
            break
        scan += _SCAN_BYTES - _WIDE_HEAD_BYTES
    state.index.damage.append(Damage(DamageKind.TRUNCATED, at, state.size))
    return state.size - at


def index_by_reading(*, read_at: Callable[[int, int], bytes], size_bytes: int) -> BoxIndex:
    """Index a file by short reads at its headers; blocks as ``read_at`` does.

    Raises:
        NotMp4: nothing in the file can be played.
    """
    walking = walk(size_bytes)
    try:
        need = next(walking)
        while True:
            need = walking.send(read_at(*need))
    except StopIteration as done:
        index: BoxIndex = done.value
        return index


class StreamIndexer:
    """Indexes bytes as they pass. Holds at most what one box header or ``moov`` needs."""

    def __init__(self, *, size_bytes: int) -> None:
        self._walking = walk(size_bytes)
        self._size = size_bytes
        self._held = bytearray()
        self._held_from = 0
        self._index: BoxIndex | None = None
        self._why_not: NotMp4 | None = None
        self._need: Need | None = None
        self._advance(None)

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the file, in order."""
        arrived = self._held_from + len(self._held)
        skip = 0
        if self._need is None or self._need[0] > arrived:
            wanted = self._need[0] if self._need is not None else self._size
            skip = min(len(chunk), wanted - arrived)
            self._held.clear()
            self._held_from = arrived + skip
        self._held += memoryview(chunk)[skip:]
        self._serve()

    def finish(self) -> BoxIndex:
        """Return the index after the last byte.

        Raises:
            NotMp4: nothing in the file can be played.
        """
        if self._why_not is not None:
            raise self._why_not
        if self._index is None:
            raise NotMp4("the stream ended before the file did")
        return self._index

    def _serve(self) -> None:
        while self._need is not None:
            offset, length = self._need
            if offset > self._held_from:
                drop = min(offset - self._held_from, len(self._held))
                del self._held[:drop]
                self._held_from += drop
            end = min(offset + length, self._size)
            if offset > self._held_from or self._held_from + len(self._held) < end:
                return
            self._advance(bytes(self._held[: end - offset]))

    def _advance(self, data: bytes | None) -> None:
        try:
            self._need = next(self._walking) if data is None else self._walking.send(data)
        except StopIteration as done:
            self._index, self._need = done.value, None
        except NotMp4 as error:
            self._why_not, self._need = error, None
