"""What a head is good for: an index to go by until the bulk is here, and what it lied about."""

from array import array
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final

from bodycam.rules.box_index import BoxIndex
from bodycam.wire.digests import BLOCK_SIZE_BYTES
from bodycam.wire.head import Head

_NAMED_MAX: Final = 20
_SECONDS_MAX: Final = 26 * 3600


def index_of_head(head: Head) -> BoxIndex:
    """Return the index that the head tells of."""
    table = head.table
    return BoxIndex(
        timescale=table.timescale,
        init_size=table.init_size,
        offsets=array("q", table.offsets),
        sizes=array("q", table.sizes),
        starts=array("q", table.starts),
        durations=array("q", table.durations),
        keys=array("B", [int(bool(key)) for key in table.keys]),
    )


def is_plausible(index: BoxIndex) -> bool:
    """Return whether the index can be of a recording: its time goes on, and not for ever."""
    starts = index.starts
    rising = all(starts[at] <= starts[at + 1] for at in range(len(starts) - 1))
    return rising and 0 < index.duration_ms <= _SECONDS_MAX * 1000


def showable(index: BoxIndex, head: Head) -> BoxIndex:
    """Return the index with only those key frames that lie in the head."""
    held = {start for start, _ in head.table.ranges}
    keys = array(
        "B", [int(key and at in held) for key, at in zip(index.keys, index.offsets, strict=True)]
    )
    return BoxIndex(
        timescale=index.timescale, init_size=index.init_size, offsets=index.offsets,
        sizes=index.sizes, starts=index.starts, durations=index.durations, keys=keys,
    )  # fmt: skip


def lies_of(
    head: Head,
    *,
    index: BoxIndex,
    damage: Sequence[tuple[int, int]],
    read_at: Callable[[int, int], bytes],
) -> tuple[str, ...]:
    """Return in what the head is not what was stored; empty for a true head.

    ``index`` is that of the stored bytes, ``read_at`` reads them. ``damage`` are places (first
    byte, end) known to be other than the camera signed: what touches them proves nothing.
    """
    told = index_of_head(head)
    found = [
        name for name in ("timescale", "init_size") if getattr(told, name) != getattr(index, name)
    ]
    other = {
        row[0]
        for row in set(_rows(told)) ^ set(_rows(index))
        if not _touches(damage, row[0], row[1])
    }
    found += [f"fragment at {at}" for at in sorted(other)[:_NAMED_MAX]]
    for start, piece in head.pieces():
        if len(found) >= _NAMED_MAX:
            break
        if not _touches(damage, start, len(piece)) and read_at(start, len(piece)) != piece:
            found.append(f"bytes {start}-{start + len(piece) - 1}")
    return tuple(found[:_NAMED_MAX])


def _rows(index: BoxIndex) -> Iterable[tuple[int, ...]]:
    return zip(index.offsets, index.sizes, index.starts, index.durations, index.keys, strict=True)


def _touches(damage: Sequence[tuple[int, int]], start: int, length: int) -> bool:
    return any(start < end and first < start + length for first, end in damage)


def blocks_between(
    index: BoxIndex,
    *,
    started_at: datetime,
    times: Iterable[tuple[datetime, datetime]],
    size_bytes: int,
) -> tuple[int, ...]:
    """Return the blocks that hold these times of the recording, in the order of need.

    The description of the tracks goes with them: without it a player shows nothing.
    """
    wanted: dict[int, None] = {}
    for begin, end in times:
        first = (begin - started_at).total_seconds()
        last = (end - started_at).total_seconds()
        for number in _fragments(index, first, last):
            offset = index.offsets[number]
            _add(wanted, offset, index.sizes[number])
    if not wanted:
        return ()
    needed: dict[int, None] = {}
    _add(needed, 0, index.init_size)
    return tuple(one for one in {**needed, **wanted} if one * BLOCK_SIZE_BYTES < size_bytes)


def _fragments(index: BoxIndex, first: float, last: float) -> Sequence[int]:
    origin, scale = index.starts[0], index.timescale
    return [
        number
        for number in range(len(index))
        if (index.starts[number] + index.durations[number] - origin) / scale > first
        and (index.starts[number] - origin) / scale <= last
    ]


def _add(blocks: dict[int, None], offset: int, size: int) -> None:
    for number in range(offset // BLOCK_SIZE_BYTES, (offset + size - 1) // BLOCK_SIZE_BYTES + 1):
        blocks[number] = None
