"""What is made of a recording, and how soon a viewer sees it: signatures, sheets, Chromium."""

import asyncio
import random
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from app.settings import SandboxKind
from benchmarks.docking import Dock
from benchmarks.figures import Figure, percentile
from benchmarks.world import World
from bodycam.media import make_sandbox, picture_sheet
from bodycam.rules.boxes import index_by_reading
from bodycam.rules.footage_check import check_video
from bodycam.rules.key_frames import choose_pictures
from bodycam.rules.signed_video.findings import Findings
from bodycam.rules.storyboard import planned
from bodycam.wire.digests import BLOCK_SIZE_BYTES
from sim.camera import block_digests, make_footage
from sim.district import REVIEWER
from sim.player import open_player
from sim.signed_video import Frames, Signing, encode, sign, write_mp4

_SECONDS: Final = 100
_FRAME_BYTES: Final = 20_000  # 30 a second are 5 Mbit/s
_ROUNDS: Final = 3
_HOURS: Final = 24
_SEEKS_HOURS: Final = (17, 3, 23, 9, 13.25)


def measure(world: World) -> list[Figure]:
    """Check signed video; make the first sheet of a day; play and seek the day in Chromium."""
    day = make_footage(folder=world.folder / "footage", seconds=_HOURS * 3600)
    return [*_signatures(world.folder), *_sheet(day), *_chromium(world, day)]


def _checked(path: Path) -> Findings:
    with path.open("rb") as file:

        def read_at(start: int, length: int) -> bytes:
            file.seek(start)
            return file.read(length)

        return check_video(read_at=read_at, size_bytes=path.stat().st_size)


def _signatures(folder: Path) -> Iterator[Figure]:
    for codec in ("h264", "h265"):
        frames = sign(_heavy(encode(codec=codec, seconds=_SECONDS)), _signing(codec))
        path = write_mp4(frames, folder / f"signed-{codec}.mp4", codec=codec)
        best = min(_seconds(path) for _ in range(_ROUNDS))
        megabytes = path.stat().st_size / 1e6
        yield Figure(
            name=f"footage.signed_video_{codec}",
            value=megabytes / best,
            unit="MB/s",
            note=f"{len(frames)} frames of {_FRAME_BYTES // 1000} kB, all checked, on one core",
        )
        path.unlink()


def _signing(codec: str) -> Signing:
    key = ec.generate_private_key(ec.SECP256R1())
    return Signing(scheme="axis", codec=codec, key=key)


def _heavy(frames: Frames) -> Frames:
    """Give each picture the bytes of a real one: nobody decodes them here."""
    chance = random.Random(1)  # noqa: S311 - filling
    filling = bytes(chance.randrange(1, 256) for _ in range(_FRAME_BYTES))
    return [[*units[:-1], units[-1] + filling] for units in frames]


def _seconds(path: Path) -> float:
    began = time.perf_counter()
    found = _checked(path)
    if found.tampered or found.scheme is None:
        raise RuntimeError("the signed footage did not verify")
    return time.perf_counter() - began


def _sheet(day: Path) -> Iterator[Figure]:
    sandbox = make_sandbox(SandboxKind.BUBBLEWRAP)
    if not sandbox.before:
        return
    with day.open("rb") as file:
        size = day.stat().st_size

        def read_at(start: int, length: int) -> bytes:
            file.seek(start)
            return file.read(length)

        index = index_by_reading(read_at=read_at, size_bytes=size)
        began = time.perf_counter()
        chosen = choose_pictures(
            read_at=read_at,
            size_bytes=size,
            index=index,
            plain=False,
            instants_ms=planned(index.duration_ms)[0].instants_ms,
        )
        asyncio.run(
            picture_sheet(
                sandbox=sandbox, codec=chosen.codec, set_up=chosen.set_up, frames=chosen.frames
            )
        )
        spent = time.perf_counter() - began
    yield Figure(
        name="footage.first_sheet_24h",
        value=spent * 1000,
        unit="ms",
        note=f"{len(chosen.frames)} key frames over the day, in the sandbox",
    )


def _chromium(world: World, day: Path) -> Iterator[Figure]:
    dock, digests = Dock.of(world), block_digests(day)
    size, seconds = day.stat().st_size, _HOURS * 3600
    headed = [
        dock.announce(digests, size_bytes=size, seconds=seconds, footage=day)
        for _ in range(_ROUNDS)
    ]
    recordings = [*headed, dock.announce(digests, size_bytes=size, seconds=seconds)]
    with dock.stream() as line, day.open("rb") as file:
        for number, digest in enumerate(digests):
            block = file.read(BLOCK_SIZE_BYTES)
            for recording_id in recordings:
                line.put(recording_id, number, block, digest)
    docked: list[tuple[float, float]] = []
    firsts, seeks = [], []
    with open_player(world.base_url, sign=str) as player:
        if player.name != "chromium":
            return
        player.sign_in(REVIEWER.iin)
        for recording_id in recordings:
            # Docking ends with this call: the viewer waits for its answer, then asks for the page.
            began = time.perf_counter()
            dock.complete(recording_id)
            completing_ms = (time.perf_counter() - began) * 1000
            for hours in _SEEKS_HOURS:
                seen = player.watch(
                    f"/console/recordings/{recording_id}",
                    seek_to_seconds=hours * 3600,
                    picture=world.folder / "seen.png",
                )
                firsts.append(seen.first_frame_ms)
                seeks.append(seen.seek_ms)
                if hours == _SEEKS_HOURS[0]:
                    docked.append((completing_ms, seen.first_frame_ms))
    yield _docked("", docked[: len(headed)])
    yield _docked("_without_head", docked[len(headed) :])
    note = "page of a stored recording asked for → first frame shown, headless Chromium, 24 h"
    yield Figure(
        name="footage.first_frame_24h",
        value=percentile(firsts, 50),
        unit="ms",
        target="< 1000 ms",
        note=note,
    )
    yield Figure(
        name="footage.seek_24h",
        value=max(seeks),
        unit="ms",
        target="< 500 ms",
        note=f"the slowest of seeks to the hours {', '.join(map(str, _SEEKS_HOURS))}",
    )
    shutil.rmtree(world.folder / "server" / "objects" / "sealed")


def _docked(name: str, rounds: list[tuple[float, float]]) -> Figure:
    sent = "as docks send them, the head first" if not name else "from a camera that makes no head"
    each = ", ".join(f"{completing:.0f} + {first:.0f}" for completing, first in rounds)
    return Figure(
        name=f"footage.docked_to_first_frame_24h{name}",
        value=percentile([sum(one) for one in rounds], 50),
        unit="ms",
        target="" if name else "< 1000 ms",
        note=f"dock sends complete → answered, then page asked for → first frame, Chromium, 24 h;"
        f" {sent}; each recording in turn: {each} ms",
    )
