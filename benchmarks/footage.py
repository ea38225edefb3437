"""From a stored recording to a picture: index, playlist, the first bytes."""

import gzip
import shutil
import struct
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import ffmpeg
import httpx
import imageio_ffmpeg

from benchmarks import peer
from benchmarks.docking import Dock
from benchmarks.figures import Figure, percentile
from benchmarks.machine import drop_from_cache
from benchmarks.places import FOLDER
from benchmarks.world import World
from bodycam.rules.box_index import BoxIndex
from bodycam.rules.boxes import index_by_reading
from bodycam.rules.playlist import media_playlist
from bodycam.wire.digests import BLOCK_SIZE_BYTES
from sim.camera import block_digests, make_footage
from sim.dockside import Reviewer

_HOURS: Final = 8
_LONG_HOURS: Final = 24
_LONG_BYTES: Final = 21 << 30
_GROUP_SECONDS: Final = 2
_ROUNDS: Final = 3
_TIMES: Final = 25
_HOUR_SIX: Final = 6 * 3600
_PLAYLIST: Final = "/api/recordings/{}/playlist.m3u8"
_CONTENT: Final = "/api/recordings/{}/content"


def measure(world: World) -> list[Figure]:
    """Index an 8-hour recording and a 24-hour one; upload, open and seek the first over HTTP."""
    seconds = _HOURS * 3600
    recorded = make_footage(folder=world.folder / "footage", seconds=seconds)
    figures = list(_indexing(recorded))
    long_one = FOLDER / "24h.mp4"
    _make_sparse(recorded, long_one)
    figures += _long(long_one)
    long_one.unlink()
    return [*figures, *_over_http(world, recorded, seconds)]


def _indexed(path: Path) -> BoxIndex:
    with path.open("rb", buffering=0) as file:
        size = file.seek(0, 2)

        def read_at(start: int, length: int) -> bytes:
            file.seek(start)
            return file.read(length)

        return index_by_reading(read_at=read_at, size_bytes=size)


def _ms(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return (time.perf_counter() - began) * 1000


def _best(act: Callable[[], object]) -> float:
    return min(_ms(act) for _ in range(_ROUNDS))


def _indexing(recorded: Path) -> Iterator[Figure]:
    size_mb = recorded.stat().st_size / 1e6
    fragments = len(_indexed(recorded))

    def demux() -> None:
        source = ffmpeg.input(str(recorded)).output("-", c="copy", f="null")
        source = source.global_args("-nostdin", "-loglevel", "error")
        source.run(cmd=imageio_ffmpeg.get_ffmpeg_exe(), capture_stdout=True)

    yield Figure(
        name="footage.index_8h_warm",
        value=_best(lambda: _indexed(recorded)),
        unit="ms",
        peer="ffmpeg walks its packets (-c copy -f null)",
        peer_value=_best(demux),
        note=f"{size_mb:.0f} MB, {fragments} fragments, in the page cache, both",
    )

    def cold() -> float:
        drop_from_cache(recorded)
        return _ms(lambda: _indexed(recorded))

    yield Figure(
        name="footage.index_8h_cold",
        value=min(cold() for _ in range(_ROUNDS)),
        unit="ms",
        note="after the file was dropped from the page cache",
    )


def _long(path: Path) -> Iterator[Figure]:
    index = _indexed(path)
    note = f"{path.stat().st_size / 1e9:.1f} GB sparse, {len(index)} fragments, in the page cache"
    yield Figure(
        name="footage.index_24h",
        value=_best(lambda: _indexed(path)),
        unit="ms",
        target="< 1000 ms",
        note=note,
    )
    packed = index.to_bytes()

    def playlist() -> bytes:
        stored = BoxIndex.from_bytes(packed)
        text = media_playlist(index=stored, started_at=datetime.now(UTC), url="content")
        return gzip.compress(text.encode(), 5)

    note = "from the stored index to the gzipped playlist, in process"
    yield Figure(
        name="footage.playlist_24h", value=_best(playlist), unit="ms", target="< 100 ms", note=note
    )
    yield Figure(
        name="footage.playlist_24h_gzip",
        value=len(playlist()) / 1000,
        unit="kB",
        target="< 300 kB",
    )


def _make_sparse(recorded: Path, target: Path) -> None:
    """Write 24 hours at 2 Mbit/s: the boxes of a real recording, its media left as holes."""
    index = _indexed(recorded)
    with recorded.open("rb") as file:
        head = file.read(index.init_size)
        file.seek(index.offsets[0])
        moof = file.read(int.from_bytes(file.read(4), "big") - 4)
        moof = struct.pack(">I", len(moof) + 4) + moof
    marks = [at for at in range(len(moof)) if moof.startswith(b"tfdt", at)]
    count = _LONG_HOURS * 3600 // _GROUP_SECONDS
    step = _LONG_BYTES // count
    with target.open("wb") as file:
        file.write(head)
        for number in range(count):
            file.seek(len(head) + number * step)
            boxes = bytearray(moof)
            for mark in marks:
                wide = boxes[mark + 4] == 1
                ticks = index.durations[0] * number
                struct.pack_into(">Q" if wide else ">I", boxes, mark + 8, ticks)
            file.write(boxes + struct.pack(">I4s", step - len(moof), b"mdat"))
        file.truncate(len(head) + count * step)


def _over_http(world: World, recorded: Path, seconds: int) -> Iterator[Figure]:
    dock = Dock.of(world)
    digests = block_digests(recorded)
    size = recorded.stat().st_size
    recording_id = dock.announce(digests, size_bytes=size, seconds=seconds)
    with dock.stream() as line, recorded.open("rb") as file:
        for number, digest in enumerate(digests):
            line.put(recording_id, number, file.read(BLOCK_SIZE_BYTES), digest)
    note = "verified, sealed, indexed, receipt signed: playable from here on"
    yield Figure(
        name="footage.complete_8h",
        value=_ms(lambda: dock.complete(recording_id)),
        unit="ms",
        note=note,
    )
    http = Reviewer(world).api.http
    path = _PLAYLIST.format(recording_id)
    zipped: Any = _wire_bytes(http, path, "gzip")
    plain = _wire_bytes(http, path, "identity")
    note = f"{len(plain) / 1000:.1f} kB before gzip"
    yield Figure(name="footage.playlist_8h_gzip", value=len(zipped) / 1000, unit="kB", note=note)
    spent = [_ms(lambda: http.get(path)) for _ in range(_TIMES)]
    note = "over HTTP with gzip; each opening is on the audit log"
    yield Figure(name="footage.playlist_8h", value=percentile(spent, 50), unit="ms", note=note)
    yield from _ranges(world, http, recorded, recording_id=str(recording_id), playlist=plain)
    shutil.rmtree(world.folder / "server" / "objects" / "sealed")


def _wire_bytes(http: httpx.Client, path: str, encoding: str) -> bytes:
    with http.stream("GET", path, headers={"Accept-Encoding": encoding}) as answer:
        answer.raise_for_status()
        return b"".join(answer.iter_raw())


def _ranges(
    world: World, http: httpx.Client, recorded: Path, *, recording_id: str, playlist: bytes
) -> Iterator[Figure]:
    lines = playlist.decode().splitlines()
    ranges = [line.partition(":")[2] for line in lines if line.startswith("#EXT-X-BYTERANGE:")]
    length, start = map(int, ranges[_HOUR_SIX * len(ranges) // (_HOURS * 3600)].split("@"))
    headers = {"Range": f"bytes={start}-{start + length - 1}", "Accept-Encoding": "identity"}

    def take(client: httpx.Client, url: str) -> None:
        answer = client.get(url, headers=headers)
        if len(answer.content) != length:
            raise RuntimeError(f"{answer.status_code}: not the range that was asked for")

    content = _CONTENT.format(recording_id)
    with peer.running(world.folder, file=recorded) as url, httpx.Client() as bare:
        take(bare, f"{url}/file")
        for name, percent in (("range", 50), ("range_p95", 95)):
            ours = [_ms(lambda: take(http, content)) for _ in range(4 * _TIMES)]
            beside = [_ms(lambda: take(bare, f"{url}/file")) for _ in range(4 * _TIMES)]
            yield Figure(
                name=f"footage.{name}",
                value=percentile(ours, percent),
                unit="ms",
                peer="Starlette's FileResponse, no caller checked",
                peer_value=percentile(beside, percent),
                note=f"one 6 s segment at hour 6, {length / 1000:.0f} kB, to the last byte",
            )
