"""What an envelope costs: writing, one range, and the small reads of an index.

The peer is the same code over a file without an envelope, which is how an earlier release stored.
"""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from app import keys as app_keys
from app.keys import ObjectKeys
from benchmarks.figures import Figure, percentile
from benchmarks.places import FOLDER, emptied
from bodycam.storage.envelope import Envelope, file_size, new_head, open_head
from bodycam.storage.files import ObjectFile, PartBytes, PartOfFile
from bodycam.wire.digests import BLOCK_SIZE_BYTES

_BLOCKS: Final = 64  # half a gibibyte
_PER_GIB: Final = (1 << 30) / (_BLOCKS * BLOCK_SIZE_BYTES)
_BATCH: Final = [os.urandom(64 << 10)] * 4  # as parts come from the network
_ROUNDS: Final = 3
_RANGE_BYTES: Final = 1 << 20
_RANGES: Final = 200
_FRAGMENTS: Final = 43_200  # of a day, two seconds each
_FRAGMENT_BYTES: Final = 497_000  # 21 GB over the day; each lies in a chunk of its own
_HEAD_BYTES: Final = 4096
_KEY: Final = "recordings/measured"


def measure() -> list[Figure]:
    """Write half a gibibyte with and without an envelope by turns, then read both."""
    folder = emptied(FOLDER / "sealing")
    app_keys.make_missing(folder / "keys")
    keys = app_keys.load(folder / "keys").objects
    sealed, plain = folder / "sealed", folder / "plain"
    spent = {path: [_write(path, _envelope(path, keys)) for _ in range(_ROUNDS)]
             for path in (sealed, plain)}  # fmt: skip
    figures = [*_writing(spent[sealed], spent[plain]), *_reading(sealed, plain, keys)]
    shutil.rmtree(folder)
    return figures


def _envelope(path: Path, keys: ObjectKeys) -> Envelope | None:
    if path.name != "sealed":
        return None
    return open_head(new_head(key=_KEY, keys=keys), key=_KEY, keys=keys)


def _write(path: Path, envelope: Envelope | None) -> tuple[float, float]:
    """Return the seconds, and the seconds of processor."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    size = _BLOCKS * BLOCK_SIZE_BYTES
    os.posix_fallocate(handle, 0, file_size(size) if envelope else size)
    os.fsync(handle)
    began, used = time.perf_counter(), time.process_time()
    for number in range(_BLOCKS):
        part = PartBytes(PartOfFile(handle, number, BLOCK_SIZE_BYTES, envelope))
        for _ in range(BLOCK_SIZE_BYTES // sum(map(len, _BATCH))):
            part.write(_BATCH)
        part.sync()
    spent = time.perf_counter() - began, time.process_time() - used
    os.close(handle)
    return spent


def _writing(
    sealed: list[tuple[float, float]], plain: list[tuple[float, float]]
) -> Iterator[Figure]:
    note = f"{_BLOCKS} blocks of 8 MiB, hashed, written, synced each; the best of {_ROUNDS}"
    megabytes = _BLOCKS * BLOCK_SIZE_BYTES / 1e6
    yield Figure(
        name="sealing.write",
        value=megabytes / min(one[0] for one in sealed),
        unit="MB/s",
        peer="without an envelope",
        peer_value=megabytes / min(one[0] for one in plain),
        note=note,
    )
    yield Figure(
        name="sealing.cpu",
        value=min(one[1] for one in sealed) * _PER_GIB,
        unit="CPU-s/GiB",
        peer="without an envelope",
        peer_value=min(one[1] for one in plain) * _PER_GIB,
        note="of which SHA-256 is the largest",
    )


def _reading(sealed: Path, plain: Path, keys: ObjectKeys) -> Iterator[Figure]:
    # The file written last has a data key that is gone: one more, whose envelope is kept.
    envelope = _envelope(sealed, keys)
    _write(sealed, envelope)
    with (
        ObjectFile(os.open(sealed, os.O_RDONLY), envelope) as ours,
        ObjectFile(os.open(plain, os.O_RDONLY), None) as beside,
    ):
        yield Figure(
            name="sealing.range_1mib",
            value=percentile(_ranges(ours), 50),
            unit="ms",
            peer="without an envelope",
            peer_value=percentile(_ranges(beside), 50),
            note="1 MiB at a multiple of 64 KiB, in the page cache",
        )
        yield Figure(
            name="sealing.index_24h",
            value=min(_ms(lambda: _walk(ours)) for _ in range(_ROUNDS)),
            unit="ms",
            peer="without an envelope",
            peer_value=min(_ms(lambda: _walk(beside)) for _ in range(_ROUNDS)),
            note=f"{_FRAGMENTS} reads of 4 KiB, 497 kB apart, in the page cache",
        )


def _ranges(file: ObjectFile) -> list[float]:
    places = (file.size_bytes - _RANGE_BYTES) // (64 << 10)
    starts = [number * 7919 % places * (64 << 10) for number in range(_RANGES)]
    return [_ms(lambda start=start: file.read_at(start, _RANGE_BYTES)) for start in starts]  # type: ignore[misc]  # mypy knows no type of a default


def _walk(file: ObjectFile) -> None:
    for number in range(_FRAGMENTS):
        file.read_at(number * _FRAGMENT_BYTES % (file.size_bytes - _HEAD_BYTES), _HEAD_BYTES)


def _ms(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return (time.perf_counter() - began) * 1000
