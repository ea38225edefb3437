"""The bare server that ours is measured against: no gates, no log, no checks.

    python -m benchmarks.peer SCRIPT FILE

Prints its address. ``POST /sql`` runs the statements of SCRIPT through the raw driver,
``POST /bare`` only answers, ``GET /file`` sends ranges of FILE.
"""

import asyncio
import contextlib
import pickle
import secrets
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

_CONNECTIONS: Final = 8  # as many as the server's own pool
_ADDRESS: Final = "peer: "
_COUNTER: Final = "audit_stream_months"
_REQUEST: Final = "INSERT INTO register_requests"
_STREAMS: Final = 40  # as many as there are officers


@dataclass(frozen=True)
class Script:
    """What to run for one request: statements with their parameters, by transaction.

    ``fresh`` are the ids that every request makes anew; ``answer`` is what it says. ``number`` is
    the running number of the request that was taken down: each has one of its own.
    """

    database_url: str
    transactions: tuple[tuple[tuple[str, tuple[Any, ...]], ...], ...]
    fresh: frozenset[UUID]
    answer: bytes
    number: int = -1


@contextlib.contextmanager
def running(
    folder: Path, *, script: Script | None = None, file: Path | None = None
) -> Iterator[str]:
    """Yield the address of a peer in a process of its own."""
    path = folder / "script.pickle"
    path.touch(mode=0o600)  # it holds the database's address
    path.write_bytes(pickle.dumps(script))
    command = [sys.executable, "-m", "benchmarks.peer", str(path), str(file or path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - ours
        try:
            line = process.stdout.readline() if process.stdout is not None else ""
            if not line.startswith(_ADDRESS):
                raise RuntimeError("the peer did not start")
            yield line.removeprefix(_ADDRESS).strip()
        finally:
            process.terminate()
            path.unlink()


class _Replay:
    def __init__(self, script: Script) -> None:
        self._script = script
        self._free: asyncio.LifoQueue[Any] = asyncio.LifoQueue()
        self._streams = [uuid4() for _ in range(_STREAMS)]

    async def open(self) -> None:
        for _ in range(_CONNECTIONS):
            self._free.put_nowait(await asyncpg.connect(self._script.database_url))

    async def run(self) -> None:
        renamed = {one: uuid4() for one in self._script.fresh}
        for transaction in self._script.transactions:
            connection = await self._free.get()
            try:
                async with connection.transaction():
                    for statement, values in transaction:
                        await connection.fetch(statement, *self._given(statement, values, renamed))
            finally:
                self._free.put_nowait(connection)

    def _given(
        self, statement: str, values: tuple[Any, ...], renamed: dict[UUID, UUID]
    ) -> list[Any]:
        given = [renamed.get(one, one) if isinstance(one, UUID) else one for one in values]
        if _COUNTER in statement:  # many people count at once: one counter would be a queue
            stream = secrets.choice(self._streams)
            given = [stream if isinstance(one, UUID) else one for one in given]
        if statement.startswith(_REQUEST):
            fresh = secrets.randbits(62)
            given = [fresh if one == self._script.number else one for one in given]
        return given


def _application(script: Script | None, file: Path) -> Starlette:
    replay = None if script is None else _Replay(script)
    answer = b"{}" if script is None else script.answer

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        if replay is not None:
            await replay.open()
        yield

    async def run(request: Request) -> Response:
        await request.body()
        if replay is not None:
            await replay.run()
        return Response(answer, media_type="application/json")

    async def bare(request: Request) -> Response:
        await request.body()
        return Response(answer, media_type="application/json")

    async def send(_request: Request) -> Response:
        return FileResponse(file)

    return Starlette(
        routes=[
            Route("/sql", run, methods=["POST"]),
            Route("/bare", bare, methods=["POST"]),
            Route("/file", send, methods=["GET"]),
        ],
        lifespan=lifespan,
    )


def main() -> None:
    """Serve until terminated."""
    script = pickle.loads(Path(sys.argv[1]).read_bytes())  # noqa: S301 - our own file
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"{_ADDRESS}http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    config = uvicorn.Config(
        _application(script, Path(sys.argv[2])),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="critical",
    )
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
