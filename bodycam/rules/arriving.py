"""What of a recording can be played before its own index is made: whole fragments alone."""

from array import array
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta

from bodycam.rules.box_index import BoxIndex
from bodycam.rules.playlist import Clip
from bodycam.wire.digests import BLOCK_SIZE_BYTES


def are_there(blocks: AbstractSet[int], *, start: int, length: int) -> bool:
    """Return whether every byte of a range lies in one of the acknowledged blocks."""
    first, last = start // BLOCK_SIZE_BYTES, (start + length - 1) // BLOCK_SIZE_BYTES
    if first == last:  # most fragments are small
        return first in blocks
    return all(number in blocks for number in range(first, last + 1))


def length_there(blocks: AbstractSet[int], *, start: int, length: int) -> int:
    """Return how many bytes from ``start`` on lie in acknowledged blocks, ``length`` at most."""
    end = start
    while end < start + length and end // BLOCK_SIZE_BYTES in blocks:
        end = (end // BLOCK_SIZE_BYTES + 1) * BLOCK_SIZE_BYTES
    return min(end - start, length)


def clips_there(
    index: BoxIndex,
    *,
    blocks: AbstractSet[int],
    size_bytes: int,
    started_at: datetime,
    url: str,
) -> list[Clip]:
    """Return a clip for each run of fragments that are there; each begins with a key frame.

    Without the description of the tracks nothing plays, and the list is empty. A fragment that
    ends behind ``size_bytes`` was not found whole on the camera.
    """
    if not are_there(blocks, start=0, length=max(index.init_size, 1)):
        return []
    runs: list[list[int]] = []
    open_run = False
    for number in range(len(index)):
        start, length = index.offsets[number], max(index.sizes[number], 1)
        there = start + length <= size_bytes and are_there(blocks, start=start, length=length)
        if there and open_run:
            runs[-1].append(number)
        elif there and index.keys[number]:
            runs.append([number])
            open_run = True
        else:
            open_run = False
    origin = index.starts[0] if len(index) else 0
    return [
        Clip(
            index=_cut(index, run[0], run[-1] + 1),
            started_at=started_at
            + timedelta(seconds=(index.starts[run[0]] - origin) / index.timescale),
            url=url,
        )
        for run in runs
    ]


def gaps_between(clips: list[Clip], *, started_at: datetime) -> tuple[tuple[float, float], ...]:
    """Return from which second to which nothing is there yet, before the last clip."""
    gaps, end = [], started_at
    for clip in clips:
        if clip.started_at > end:
            since = (end - started_at).total_seconds()
            gaps.append((round(since, 3), round((clip.started_at - started_at).total_seconds(), 3)))
        end = clip.ended_at
    return tuple(gaps)


def _cut(index: BoxIndex, first: int, end: int) -> BoxIndex:
    def column(whole: "array[int]") -> "array[int]":
        return whole[first:end]

    return BoxIndex(
        timescale=index.timescale,
        init_size=index.init_size,
        offsets=column(index.offsets),
        sizes=column(index.sizes),
        starts=column(index.starts),
        durations=column(index.durations),
        keys=column(index.keys),
    )
