"""Uploads to the directory store through the byte door: 8 MiB parts, verified and synced.

Beside it stands a bare loop, without network, server or database, that writes the same bytes in
the same parts to the same disk, hashes them with SHA-256 and syncs each part; and other programs
that take uploads, made to give the same guarantee (``upload_peers``).
"""

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from benchmarks.docking import Dock, Footage
from benchmarks.figures import Figure
from benchmarks.machine import calm_disk, cpu_seconds, forget_peak, peak_mib
from benchmarks.places import emptied
from benchmarks.upload_peers import measured
from benchmarks.world import World, objects_dir
from bodycam.wire.digests import BLOCK_SIZE_BYTES

_BLOCKS: Final = 256  # 2 GiB in all, whatever the number of streams
_GIB: Final = _BLOCKS * BLOCK_SIZE_BYTES / (1 << 30)
_STREAMS: Final = (1, 4, 64)
LANES: Final = 2  # parts of one recording that a dock has under way; bodycam.field.taking
_ROUNDS: Final = 4
_MB: Final = 1e6
SEED: Final = os.urandom(BLOCK_SIZE_BYTES)


@dataclass(frozen=True)
class _Run:
    """So much stored."""

    seconds: float
    cpu_seconds: float = 0.0
    peak_mib: float = 0.0

    @property
    def mb_per_s(self) -> float:
        """Acknowledged megabytes (10^6 bytes) a second."""
        return _BLOCKS * BLOCK_SIZE_BYTES / _MB / self.seconds


def measure(world: World) -> list[Figure]:
    """Store 2 GiB by 1, 4 and 64 streams, in turns with the bare loop; then let peers do so."""
    dock = Dock.of(world)
    ours: dict[int, list[_Run]] = {streams: [] for streams in _STREAMS}
    bare: dict[int, list[_Run]] = {streams: [] for streams in _STREAMS[:2]}
    docked: list[_Run] = []
    rest_mib = peak_mib(world.door_pid)
    for _ in range(_ROUNDS):
        for streams in _STREAMS:
            if streams in bare:
                bare[streams].append(_bare(world.folder / "bare", streams))
            ours[streams].append(_through_door(dock, streams))
        docked.append(_through_door(dock, 1, lanes=LANES))
    figures = list(_figures(ours, bare, rest_mib))
    kinds = {"against": ours[1], "docked_against": docked}
    best = {kind: min(runs, key=lambda run: run.seconds) for kind, runs in kinds.items()}
    return [*figures, *_beside_peers(best)]


def _beside_peers(best: dict[str, _Run]) -> Iterator[Figure]:
    """Yield one stream beside each peer, and one recording with two parts under way."""
    for name, run in measured(_BLOCKS).items():
        for kind, own in best.items():
            yield Figure(
                name=f"upload.{kind}_{name.strip('@').replace('/', '_').replace(' ', '_')}",
                value=own.mb_per_s,
                unit="MB/s",
                peer=f"{name}, then read, hashed and synced",
                peer_value=None if isinstance(run, str) else _Run(run.seconds).mb_per_s,
                target="faster than the peer",
                note=run if isinstance(run, str) else f"its {run.cpu_seconds / _GIB:.2f} CPU-s/GiB",
            )
        if isinstance(run, str):
            print(f"{name} {run}")


def _figures(
    ours: dict[int, list[_Run]], bare: dict[int, list[_Run]], rest_mib: float
) -> Iterator[Figure]:
    best = {streams: min(runs, key=lambda run: run.seconds) for streams, runs in ours.items()}
    beside = {streams: min(runs, key=lambda run: run.seconds) for streams, runs in bare.items()}
    target = {1: ">= 0.9 of the loop", 64: "no slower than 4 streams"}
    for streams, run in best.items():
        loop = beside.get(streams)
        four = best[4].mb_per_s if streams > 4 else None  # noqa: PLR2004 - streams
        yield Figure(
            name=f"upload.streams_{streams}",
            value=run.mb_per_s,
            unit="MB/s",
            peer=f"bare write, SHA-256, fdatasync, {streams} threads" if loop else "4 streams",
            peer_value=loop.mb_per_s if loop else four,
            target=target.get(streams, ""),
            note=f"2 GiB in 8 MiB parts; the best of {_ROUNDS} rounds, for the peer too",
        )
    for streams, run in best.items():
        yield Figure(
            name=f"upload.server_cpu_{streams}",
            value=run.cpu_seconds / _GIB,
            unit="CPU-s/GiB",
            note="of the door's process; SHA-256 alone is 1.3",
        )
        yield Figure(
            name=f"upload.peak_memory_{streams}",
            value=max(one.peak_mib for one in ours[streams]) * (1 << 20) / _MB,
            unit="MB",
            target="< 150 MB" if streams == _STREAMS[-1] else "",
            note=f"resident in the door; its peak before was {rest_mib:.0f} MiB",
        )


def _through_door(dock: Dock, streams: int, *, lanes: int = 1) -> _Run:
    """Send 2 GiB as ``streams`` recordings, each over so many connections at once."""
    count = _BLOCKS // streams
    footage = [Footage(SEED) for _ in range(streams * lanes)]  # made before the clock runs
    digests = [footage[number].digests(number, count) for number in range(streams)]
    size = count * BLOCK_SIZE_BYTES
    known = [dock.announce(one, size_bytes=size, seconds=60) for one in digests]
    pid = dock.world.door_pid
    calm_disk()
    forget_peak(pid)

    def send(lane: int) -> None:
        stream, first = divmod(lane, lanes)
        with dock.stream() as line:
            for number in range(first, count, lanes):
                block = footage[lane].block(stream, number)
                line.put(known[stream], number, block, digests[stream][number])

    before = cpu_seconds(pid)
    seconds = _timed(send, streams * lanes)
    run = _Run(seconds, cpu_seconds(pid) - before, peak_mib(pid))
    for file in (objects_dir(dock.world) / "incoming").iterdir():
        file.unlink()  # never completed: only its room is wanted back
    return run


def sent(
    dock: Dock,
    recording_id: UUID,
    *,
    recording: int,
    lanes: list[Footage],
    digests: tuple[bytes, ...],
) -> None:
    """Send every part of one recording, over as many connections at once as there are lanes."""

    def send(lane: int) -> None:
        with dock.stream() as line:
            for number in range(lane, len(digests), len(lanes)):
                block = lanes[lane].block(recording, number)
                line.put(recording_id, number, block, digests[number])

    _timed(send, len(lanes))


def _bare(folder: Path, streams: int) -> _Run:
    emptied(folder)
    count = _BLOCKS // streams
    for stream in range(streams):
        with (folder / str(stream)).open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, count * BLOCK_SIZE_BYTES)
            os.fsync(file.fileno())
    calm_disk()

    footage = [Footage(SEED) for _ in range(streams)]

    def write(stream: int) -> None:
        handle = os.open(folder / str(stream), os.O_RDWR)
        for number in range(count):
            block = footage[stream].block(stream, number)
            os.pwrite(handle, block, number * BLOCK_SIZE_BYTES)
            hashlib.sha256(block).digest()
            os.fdatasync(handle)
        os.close(handle)

    seconds = _timed(write, streams)
    shutil.rmtree(folder)
    return _Run(seconds)


def _timed(act: Callable[[int], None], streams: int) -> float:
    with ThreadPoolExecutor(streams) as pool:
        began = time.perf_counter()
        list(pool.map(act, range(streams)))
        return time.perf_counter() - began
