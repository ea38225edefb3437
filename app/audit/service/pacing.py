"""Work that one process of all does, again and again, until it is told to stop."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from app.audit import repository
from app.db import Sessions, SilentDatabase

log = structlog.get_logger(__name__)

_STANDBY_SECONDS: Final = 5.0
_RETRY_SECONDS: Final = 0.5  # a database that starts again is back in a moment


async def repeat_alone(
    sessions: Sessions,
    stop: asyncio.Event,
    *,
    lock: int,
    every_seconds: float,
    act: Callable[[], Awaitable[object]],
) -> None:
    """Do ``act`` each ``every_seconds`` in whichever process holds the lock.

    Survives the loss of the database; the lock lives on a connection of its own and goes with it.
    """
    while not stop.is_set():
        try:
            async with repository.connected(sessions) as connection:
                while not stop.is_set() and not await repository.lead(connection, lock=lock):
                    await pause(stop, _STANDBY_SECONDS)
                while not stop.is_set() and not connection.is_closed():
                    await act()
                    await pause(stop, every_seconds)
        except (*SilentDatabase, SQLAlchemyError) as error:
            log.warning("audit.vouching_interrupted", error=type(error).__name__)
            await pause(stop, _RETRY_SECONDS)


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Wait so long, or until told to stop."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
