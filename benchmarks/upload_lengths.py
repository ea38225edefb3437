"""What the length of a recording costs: a short and a long one, from announcement to receipt.

Cost is to be flat: each GiB of a shift of a day costs what each GiB of an hour does, in the
seconds of the dock, in the server's processor and in its memory.
"""

import time
from dataclasses import dataclass
from itertools import chain
from typing import Final

from benchmarks.docking import Dock, Footage
from benchmarks.figures import Figure
from benchmarks.machine import calm_disk, cpu_seconds, forget_peak, peak_mib
from benchmarks.upload import LANES, SEED, sent
from benchmarks.world import World, objects_dir
from bodycam.wire.digests import BLOCK_SIZE_BYTES

_SHORT: Final = 64  # blocks: half a GiB
_LONG: Final = 1024  # eight GiB
_ROUNDS: Final = 3  # of the short one; it stands before, between and after
_MB: Final = 1e6


@dataclass(frozen=True)
class _Cost:
    """Of one recording; processor and memory of the server and its byte door together."""

    seconds: float  # for each GiB, as the others
    cpu_seconds: float
    announced_ms: float
    receipt_seconds: float
    peak_mb: float


def measure(world: World) -> list[Figure]:
    """Store half a GiB and eight GiB by turns, each to its receipt."""
    dock = Dock.of(world)
    short, long = [_cost(dock, _SHORT, number=0)], []
    for number in range(1, _ROUNDS):
        long.append(_cost(dock, _LONG, number=2 * number))
        short.append(_cost(dock, _SHORT, number=2 * number + 1))
    wanted = (
        ("seconds", "s/GiB", "announcement to receipt, two parts under way"),
        ("cpu_seconds", "CPU-s/GiB", "server and byte door"),
        ("receipt_seconds", "s/GiB", "of these, from the last part to the receipt"),
        ("announced_ms", "ms/GiB", "of these, the announcement"),
        ("peak_mb", "MB", "resident, server and byte door"),
    )
    return [
        Figure(
            name=f"upload.length_{name}",
            value=min(getattr(one, name) for one in long),
            unit=unit,
            peer="the same of 0.5 GiB",
            peer_value=min(getattr(one, name) for one in short),
            target="<= 1.2 of it" if name in {"seconds", "cpu_seconds", "peak_mb"} else "",
            note=f"8 GiB: {note}; the best of its rounds",
        )
        for name, unit, note in wanted
    ]


def _cost(dock: Dock, blocks: int, *, number: int) -> _Cost:
    pids = (dock.world.server_pid, dock.world.door_pid)
    gib = blocks * BLOCK_SIZE_BYTES / (1 << 30)
    lanes = [Footage(SEED) for _ in range(LANES)]
    digests = lanes[0].digests(number, blocks)
    calm_disk()
    for pid in pids:
        forget_peak(pid)
    spent = sum(cpu_seconds(pid) for pid in pids)
    began = time.perf_counter()
    known = dock.announce(digests, size_bytes=blocks * BLOCK_SIZE_BYTES, seconds=3600)
    announced = time.perf_counter()
    sent(dock, known, recording=number, lanes=lanes, digests=digests)
    whole = time.perf_counter()
    dock.complete(known)
    ended = time.perf_counter()
    cost = _Cost(
        seconds=(ended - began) / gib,
        cpu_seconds=(sum(cpu_seconds(pid) for pid in pids) - spent) / gib,
        announced_ms=1000 * (announced - began) / gib,
        receipt_seconds=(ended - whole) / gib,
        peak_mb=sum(peak_mib(pid) for pid in pids) * (1 << 20) / _MB,
    )
    _make_room(dock.world)
    return cost


def _make_room(world: World) -> None:
    """Take what was stored off the disk; nobody asks for it again."""
    root = objects_dir(world)
    for file in chain((root / "incoming").iterdir(), root.rglob("*")):
        if file.is_file() and file.stat().st_size > BLOCK_SIZE_BYTES:
            file.unlink()
