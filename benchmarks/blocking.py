"""From a block to the first refused call, and to the last byte of a download, under load."""

import asyncio
import contextlib
import random
import secrets
import time
from collections.abc import AsyncIterator
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import asyncpg

from app.identity.service.sessions import token_hash
from benchmarks.docking import Dock
from benchmarks.figures import Figure, percentile
from benchmarks.load import Caller, Failed, request
from benchmarks.world import World
from bodycam.wire.digests import BLOCK_SIZE_BYTES
from sim.camera import block_digests, make_footage
from sim.district import CLERK, OPERATOR, REVIEWER

_CALLS: Final = 1_000  # so that the worst of a thousand is the 99.9th percentile
_DOWNLOADS: Final = 100
_LOADERS: Final = 6  # clients that ask all the while; with them both cores are busy
_WARM_SECONDS: Final = 0.03  # a block comes at a random point of the victim's calls
_SECONDS: Final = 2 * 3600  # of footage: long enough for a block to come in the middle
_READ_BYTES: Final = 1 << 20
_ME: Final = "/api/me"
_REASON: Final = {"reason": "violation", "text": "measured"}

_ANOTHER_SESSION = """
    INSERT INTO sessions (id, token_sha256, person_id, post_id, signature_id, created_at,
                          last_seen_at, expires_at)
    SELECT $1, $2, person_id, post_id, signature_id, now(), now(), now() + interval '1 hour'
    FROM sessions WHERE person_id = $3 LIMIT 1
"""


def measure(world: World) -> list[Figure]:
    """Block a reviewer over and over while he calls and downloads and others work."""
    recording_id = _docked(world)
    reviewer, operator = world.staff_client(REVIEWER), world.staff_client(OPERATOR)
    clerk = world.staff_client(CLERK)
    rounds = _Rounds(
        world=world,
        person_id=UUID(reviewer.get(_ME)["person_id"]),
        operator=_bearer(operator.token),
        loader=_bearer(clerk.token),
    )
    return asyncio.run(rounds.run(f"/api/recordings/{recording_id}/content"))


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _docked(world: World) -> UUID:
    recorded = make_footage(folder=world.folder / "footage", seconds=_SECONDS)
    dock, digests = Dock.of(world), block_digests(recorded)
    recording_id = dock.announce(digests, size_bytes=recorded.stat().st_size, seconds=_SECONDS)
    with dock.stream() as line, recorded.open("rb") as file:
        for number, digest in enumerate(digests):
            line.put(recording_id, number, file.read(BLOCK_SIZE_BYTES), digest)
    dock.complete(recording_id)
    return recording_id


class _Rounds:
    """Blocks one person again and again."""

    def __init__(
        self,
        *,
        world: World,
        person_id: UUID,
        operator: dict[str, str],
        loader: dict[str, str],
    ) -> None:
        self._url, self._database_url = world.base_url, world.database_url
        self._person_id = person_id
        self._loader = request("GET", _ME, headers=loader)
        path = f"/api/access/people/{person_id}/block"
        self._block = request("POST", path, headers=operator, body=_REASON)
        self._loaded = 0
        self._answered_at = 0.0
        self._after: list[float] = []  # how long after a block was told to hold it did not
        self._connection: Any = None

    async def run(self, content: str) -> list[Figure]:
        """Return the figures."""
        self._connection = await asyncpg.connect(self._database_url)
        async with self._load():
            began = time.perf_counter()
            calls = [await self._until_refused() for _ in range(_CALLS)]
            downloads: list[float] = []
            while len(downloads) < _DOWNLOADS:
                cut = await self._until_cut(content)
                downloads += [] if cut is None else [cut]  # one that came whole says nothing
            rate = self._loaded / (time.perf_counter() - began)
        await self._connection.close()
        under = f"beside {_LOADERS} clients that ask {rate:.0f} times a second"
        figures = [
            Figure(
                name=f"blocking.first_refused_{name}",
                value=percentile(calls, percent),
                unit="ms",
                target="<= 1000 ms" if name == "p99_9" else "",
                note=f"{_CALLS} blocks, from sending the block to the refused call, {under}",
            )
            for name, percent in (("p50", 50), ("p99", 99), ("p99_9", 99.9))
        ]
        figures.append(
            Figure(
                name="blocking.answered_after_p99_9",
                value=percentile(self._after, 99.9),
                unit="ms",
                target="<= 1000 ms",
                note="from the answer to the block to the last good answer to the blocked person",
            )
        )
        note = f"{_DOWNLOADS} downloads, from sending the block to the last byte, {under}"
        return [
            *figures,
            Figure(
                name="blocking.download_cut_max",
                value=max(downloads),
                unit="ms",
                target="<= 1000 ms",
                note=note,
            ),
        ]

    @contextlib.asynccontextmanager
    async def _load(self) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self._ask_on()) for _ in range(_LOADERS)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _ask_on(self) -> None:
        caller = await Caller.at(self._url)
        while True:
            await caller.ask(self._loader)
            self._loaded += 1

    async def _session(self) -> dict[str, str]:
        token = secrets.token_urlsafe(32)
        async with self._connection.transaction():
            await self._connection.execute("DELETE FROM access_blocks")
            await self._connection.execute(
                _ANOTHER_SESSION, uuid4(), token_hash(token), self._person_id
            )
        return _bearer(token)

    async def _until_refused(self) -> float:
        call = request("GET", _ME, headers=await self._session())
        caller, operator = await Caller.at(self._url), await Caller.at(self._url)
        refused_at = asyncio.get_running_loop().create_future()

        async def call_on() -> None:
            while True:
                try:
                    await caller.ask(call)
                except Failed:
                    refused_at.set_result(time.perf_counter())
                    return
                self._answered_at = time.perf_counter()

        calling = asyncio.create_task(call_on())
        await asyncio.sleep(random.random() * _WARM_SECONDS)  # noqa: S311 - when, not what
        sent_at = self._answered_at = time.perf_counter()
        await operator.ask(self._block)
        held_at = time.perf_counter()
        await calling
        self._after.append(max(0.0, self._answered_at - held_at) * 1000)
        with contextlib.suppress(Failed):  # and it stays so
            await caller.ask(call)
            raise RuntimeError("a blocked person was answered again")
        await caller.close()
        await operator.close()
        return float((refused_at.result() - sent_at) * 1000)

    async def _until_cut(self, path: str) -> float | None:
        parts = urlsplit(self._url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        operator = await Caller.at(self._url)
        writer.write(request("GET", path, headers=await self._session()))
        head = await reader.readuntil(b"\r\n\r\n")
        missing = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        blocking = asyncio.create_task(operator.ask(self._block))
        sent_at = last_at = time.perf_counter()
        # As fast as it comes: what waits in the kernel's buffers left the server before the cut.
        while piece := await reader.read(_READ_BYTES):
            last_at, missing = time.perf_counter(), missing - len(piece)
        await blocking
        await operator.close()
        writer.close()
        return (last_at - sent_at) * 1000 if missing else None
