"""What the server spends on footage that goes straight to an S3 store by presigned parts.

The store is Ceph's gateway, as in the tests; where its packages are absent, so are the figures.
"""

import http.client
import importlib
import tempfile
import time
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from benchmarks.docking import Dock, Footage
from benchmarks.figures import Figure
from benchmarks.machine import cpu_seconds
from benchmarks.upload import SEED
from benchmarks.world import World
from bodycam.wire.digests import BLOCK_SIZE_BYTES
from bodycam.wire.protocol import PartTarget

_BLOCKS: Final = 256  # 2 GiB
_STORE_BYTES: Final = 6 << 30  # sparse
_GIB: Final = _BLOCKS * BLOCK_SIZE_BYTES / (1 << 30)
_TARGET: Final = "< 0.1 s"
_REST_SECONDS: Final = 10.0
_AT_REST: Final = "of these, what the server spends in as many seconds without any dock"
_NO_REGISTERS: Final = "http://127.0.0.1:9"  # nobody is checked here


def measure(world: World) -> list[Figure]:
    """Send 2 GiB by presigned parts; what the server spends until the last, and after it."""
    ceph: Any = importlib.import_module("tests.factories_ceph")
    if ceph.missing():
        print(f"no presigned path: {ceph.missing()}")
        return []
    with (
        tempfile.TemporaryDirectory(prefix="saqshy-ceph-") as folder,
        ceph.Ceph(Path(folder) / "c", disk_bytes=_STORE_BYTES) as store,
    ):
        return _measured(world, store)


def _measured(world: World, store: Any) -> list[Figure]:
    bucket = "footage"
    _made_bucket(store, bucket)
    settings = {
        "SAQSHY_OBJECT_STORE": "s3",
        "SAQSHY_S3_ENDPOINT": store.endpoint,
        "SAQSHY_S3_BUCKET": bucket,
        "SAQSHY_S3_ACCESS_KEY": store.access_key,
        "SAQSHY_S3_SECRET_KEY": store.secret_key,
    }
    dock = Dock.of(world)
    with world.serving(registers_url=_NO_REGISTERS, processes=1, settings=settings) as (url, pid):
        dock.server_url = url
        rested = cpu_seconds(pid)
        time.sleep(_REST_SECONDS)
        before, began = cpu_seconds(pid), time.perf_counter()
        rest = (before - rested) / _REST_SECONDS
        plan = dock.planned(
            Footage(SEED).digests(0, _BLOCKS),
            size_bytes=_BLOCKS * BLOCK_SIZE_BYTES,
            seconds=60,
        )
        _send(plan.parts)
        sent, seconds = cpu_seconds(pid) - before, time.perf_counter() - began
        dock.complete(plan.recording_id)
        whole = cpu_seconds(pid) - before
    rate = _BLOCKS * BLOCK_SIZE_BYTES / 1e6 / seconds
    note = "of the server, with what it spends at rest; no byte passes through it"
    after = "with the receipt: the store refuses wrong bytes, the worker reads them afterwards"
    return [
        _figure("presigned_cpu", sent / _GIB, "CPU-s/GiB", target=_TARGET, note=note),
        _figure("presigned_cpu_receipted", whole / _GIB, "CPU-s/GiB", target=_TARGET, note=after),
        _figure("presigned_rest", rest * seconds / _GIB, "CPU-s/GiB", note=_AT_REST),
        _figure("presigned_rate", rate, "MB/s", note="one stream; Ceph on the same disk"),
    ]


def _made_bucket(store: Any, name: str) -> None:
    keys = {"access_key": store.access_key, "secret_key": store.secret_key}
    importlib.import_module("tests.factories_store").s3_store(store.endpoint, name, **keys)


def _figure(name: str, value: float, unit: str, *, note: str, target: str = "") -> Figure:
    return Figure(name=f"upload.{name}", value=value, unit=unit, target=target, note=note)


def _send(parts: tuple[PartTarget, ...]) -> None:
    footage, line = Footage(SEED), None
    for part in parts:
        address = urlsplit(part.url)
        line = line or http.client.HTTPConnection(str(address.hostname), address.port, timeout=120)
        path = f"{address.path}?{address.query}"
        line.request("PUT", path, body=footage.block(0, part.number), headers=part.headers)
        answer = line.getresponse()
        answer.read()
        if answer.status != http.client.OK:
            raise RuntimeError(f"the store answered {answer.status}")
