"""Uploads by tus: 64 clients at once beside 4, each with a recording of its own; verified, synced.

Each sends requests of 32 MiB, as tus clients are told to where bodies are bounded, and sends one
again that was put off. The clients share the cores with the server.
"""

import base64
import contextlib
import http.client
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from benchmarks.docking import Dock, Footage
from benchmarks.figures import Figure
from benchmarks.load import Failed
from benchmarks.machine import calm_disk, cpu_seconds, forget_peak, peak_mib
from benchmarks.upload import SEED
from benchmarks.world import World, objects_dir
from bodycam.wire import protocol
from bodycam.wire.digests import BLOCK_SIZE_BYTES

_BLOCKS: Final = 256  # 2 GiB in all, whatever the number of clients
_IN_REQUEST: Final = 4  # blocks
_STREAMS: Final = (4, 64)
_ROUNDS: Final = 2
_AGAIN: Final = frozenset({423, 503})
_AGAIN_SECONDS: Final = 0.2  # sooner than the server asks for
_MB: Final = 1e6


@dataclass(frozen=True)
class _Run:
    seconds: float
    cpu_seconds: float
    peak_mb: float
    put_off: int

    @property
    def mb_per_s(self) -> float:
        return _BLOCKS * BLOCK_SIZE_BYTES / _MB / self.seconds


def measure(world: World) -> list[Figure]:
    """Send 2 GiB by 4 and by 64 clients, by turns."""
    dock = Dock.of(world)
    runs: dict[int, list[_Run]] = {streams: [] for streams in _STREAMS}
    for _ in range(_ROUNDS):
        for streams in _STREAMS:
            runs[streams].append(_through_tus(dock, streams))
    best = {streams: min(of, key=lambda run: run.seconds) for streams, of in runs.items()}
    rate = {streams: run.mb_per_s for streams, run in best.items()}
    few, many = _STREAMS
    gib = _BLOCKS * BLOCK_SIZE_BYTES / (1 << 30)
    return [
        Figure(name=f"upload.tus_{few}", value=rate[few], unit="MB/s"),
        Figure(
            name=f"upload.tus_{many}",
            value=rate[many],
            unit="MB/s",
            peer=f"{few} clients",
            peer_value=rate[few],
            target=f"no slower than {few}",
            note=f"{best[many].put_off} requests were put off and sent again",
        ),
        Figure(
            name="upload.tus_cpu",
            value=best[many].cpu_seconds / gib,
            unit="CPU-s/GiB",
            note="of the API server",
        ),
        Figure(
            name=f"upload.tus_memory_{many}",
            value=max(run.peak_mb for run in runs[many]),
            unit="MB",
            note="resident in the API server, which answers every other request too",
        ),
    ]


def _through_tus(dock: Dock, streams: int) -> _Run:
    count = _BLOCKS // streams
    footage = [Footage(SEED) for _ in range(streams)]
    # One block more than will come: what is whole is completed at once, which is not asked here.
    digests = [one.digests(number, count + 1) for number, one in enumerate(footage)]
    size = (count + 1) * BLOCK_SIZE_BYTES
    places = [
        _created(dock, dock.announce(one, size_bytes=size, seconds=60), size) for one in digests
    ]
    pid = dock.world.server_pid
    calm_disk()
    forget_peak(pid)
    before, began = cpu_seconds(pid), time.perf_counter()
    with ThreadPoolExecutor(streams) as pool:
        put_off = list(
            pool.map(
                lambda stream: _send(dock, places[stream], footage[stream], stream, count),
                range(streams),
            )
        )
    run = _Run(
        seconds=time.perf_counter() - began,
        cpu_seconds=cpu_seconds(pid) - before,
        peak_mb=peak_mib(pid) * (1 << 20) / _MB,
        put_off=sum(put_off),
    )
    for file in (objects_dir(dock.world) / "incoming").iterdir():
        file.unlink()  # never completed: only its room is wanted back
    return run


def _created(dock: Dock, recording_id: UUID, size_bytes: int) -> str:
    named = base64.b64encode(str(recording_id).encode()).decode()
    headers = {"Upload-Length": str(size_bytes), "Upload-Metadata": f"recording_id {named}"}
    line = _line(dock)
    line.request("POST", "/tus", headers=_headers(dock) | headers)
    answer = line.getresponse()
    text = answer.read()
    line.close()
    if answer.status != http.client.CREATED:
        raise Failed(repr(text[:300]))
    return str(answer.headers["Location"])


def _line(dock: Dock) -> http.client.HTTPConnection:
    address = urlsplit(dock.world.base_url)
    return http.client.HTTPConnection(str(address.hostname), address.port, timeout=120)


def _headers(dock: Dock) -> dict[str, str]:
    return {"Tus-Resumable": "1.0.0", protocol.CREDENTIAL_HEADER: dock.device.credential}


def _send(dock: Dock, place: str, footage: Footage, stream: int, count: int) -> int:
    """Send the first ``count`` blocks; return how many requests were put off."""
    line, put_off, first = _line(dock), 0, 0
    while first < count:
        blocks = range(first, min(first + _IN_REQUEST, count))
        headers = _headers(dock) | {
            "Content-Type": "application/offset+octet-stream",
            "Upload-Offset": str(first * BLOCK_SIZE_BYTES),
            "Content-Length": str(len(blocks) * BLOCK_SIZE_BYTES),
        }
        # Refused before the whole body was read: the answer says why.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            line.request("PATCH", place, body=_bytes(footage, stream, blocks), headers=headers)
        answer = line.getresponse()
        text = answer.read()
        if answer.status == http.client.NO_CONTENT:
            first = blocks.stop
            continue
        line.close()
        if answer.status not in _AGAIN:
            raise Failed(f"{answer.status} {text[:300]!r}")
        put_off += 1
        time.sleep(_AGAIN_SECONDS)
        line = _line(dock)
    line.close()
    return put_off


def _bytes(footage: Footage, stream: int, blocks: range) -> Iterator[bytearray]:
    for number in blocks:
        yield footage.block(stream, number)
