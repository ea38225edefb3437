"""The bare server that ours is measured against: no gates, no log, no checks.

    python -m benchmarks.peer SCRIPT FILE

Prints its address. ``POST /sql`` runs the statements of SCRIPT through the raw driver,
``POST /bare`` only answers, ``GET /file`` sends ranges of FILE.
"""

import asyncio
import contextlib
import itertools
import pickle
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
_PLANNED_ONCE: Final = {"plan_cache_mode": "force_generic_plan", "jit": "off"}  # as the server's
_ADDRESS: Final = "peer: "
LAST_NUMBER: Final = " AS last_number"  # what reads it, and facts with it
_REQUEST: Final = "INSERT INTO register_requests "


@dataclass(frozen=True)
class Script:
    """What to run for one request: the statements of one of the checks, as ``script.Check``.

    Every request makes new ids for those that were fresh, and is given its own running number.
    """

    database_url: str
    checks: tuple[Any, ...]
    answer: bytes


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
        self._turn = itertools.cycle(script.checks)
        self._free: asyncio.LifoQueue[Any] = asyncio.LifoQueue()

    async def open(self) -> None:
        for _ in range(_CONNECTIONS):
            connection = await asyncpg.connect(
                self._script.database_url, server_settings=_PLANNED_ONCE
            )
            self._free.put_nowait(connection)

    async def run(self) -> None:
        check = next(self._turn)
        renamed = {one: uuid4() for one in check.fresh}
        number, reading = check.number, ()
        for transaction in check.transactions:
            connection = await self._free.get()
            try:
                for statement, values in transaction:
                    if not values:  # BEGIN and COMMIT among them, as the server says them
                        await connection.execute(statement)
                        continue
                    given = _given(values, renamed)
                    if LAST_NUMBER in statement:
                        reading = (statement, *given)
                    if _REQUEST in statement:
                        await _numbered(connection, reading, statement, given, check.number, number)
                        continue
                    rows = await connection.fetch(statement, *given)
                    if LAST_NUMBER in statement:
                        number = rows[0]["last_number"] + 1
            finally:
                self._free.put_nowait(connection)


async def _numbered(
    connection: Any,
    reading: tuple[Any, ...],
    statement: str,
    given: list[Any],
    stood: int,
    number: int,
) -> None:
    """Write the request; where another of its officer came between, read anew and write again."""
    while not await connection.fetch(
        statement, *(number if _is(one, stood) else one for one in given)
    ):
        number = (await connection.fetch(*reading))[0]["last_number"] + 1


def _is(value: object, number: int) -> bool:
    return value == number and not isinstance(value, bool)


def _given(values: tuple[Any, ...], renamed: dict[UUID, UUID]) -> list[Any]:
    return [
        [renamed.get(each, each) for each in one]
        if isinstance(one, list) and one and isinstance(one[0], UUID)
        else renamed.get(one, one)
        if isinstance(one, UUID)
        else one
        for one in values
    ]


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
