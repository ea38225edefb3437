"""Listening, watching the clock over every line, and ending in order."""

import asyncio
import contextlib
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Final

import uvloop
from starlette.types import ASGIApp

from app.runtime.bodies.connection import Connection, Door, Limits

_LOOK_SECONDS: Final = 1.0
_END_SECONDS: Final = 10.0
_BACKLOG: Final = 1024

Opening = Callable[[], AbstractAsyncContextManager[ASGIApp]]


def run(opening: Opening, *, host: str, port: int, limits: Limits) -> None:
    """Serve what ``opening`` yields until told to stop; requests under way are let finish."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(opening, host=host, port=port, limits=limits))


async def _serve(opening: Opening, *, host: str, port: int, limits: Limits) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with opening() as app, listening(app, host=host, port=port, limits=limits):
        await stop.wait()


@contextlib.asynccontextmanager
async def listening(
    app: ASGIApp, *, host: str, port: int, limits: Limits
) -> AsyncIterator[asyncio.Server]:
    """Serve ``app`` while the block runs."""
    door = Door(app=app, limits=limits)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Connection(door), host, port, backlog=_BACKLOG, start_serving=False
    )
    for one in server.sockets:  # before the first connection, which has it from here
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, limits.waiting_bytes)
    await server.start_serving()
    watch = loop.create_task(_watch(door))
    try:
        yield server
    finally:
        server.close()
        await _end(door)
        watch.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watch


async def _watch(door: Door) -> None:
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        now = time.monotonic()
        for one in list(door.connections):
            one.look(now)


async def _end(door: Door) -> None:
    door.closing = True
    for one in list(door.connections):
        one.close_idle()
    if door.tasks:
        _, late = await asyncio.wait(list(door.tasks), timeout=_END_SECONDS)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)
    for one in list(door.connections):
        one.hang_up()
