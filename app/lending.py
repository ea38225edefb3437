"""Connections of the driver, lent one by one.

asyncpg's own pool makes a task, a shield and a timer each time a connection is given back: a tenth
of what a check cost the server. Here no statement changes a connection, so none is reset.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

import asyncpg

_CLOSE_SECONDS: Final = 5  # to say goodbye on one

Connection = Any  # asyncpg.Connection; the package carries no types


class Lending(Protocol):
    """Lends connections; a measurement stands in front of the real one and takes notes."""

    async def acquire(self, *, timeout: float) -> Connection:  # noqa: ASYNC109 - it is for waiting
        """Lend a connection; see ``Connections``."""
        ...

    def release(self, connection: Connection, *, interrupted: bool) -> None:
        """Take it back; see ``Connections``."""
        ...


class Connections:
    """At most ``size`` connections, made when they are needed; the next wait in their order."""

    def __init__(self, connect: Callable[[], Awaitable[Connection]], *, size: int) -> None:
        self._connect, self._size = connect, size
        self._idle: list[Connection] = []  # who came back last goes out first: it is warm
        self._lent: set[Connection] = set()
        # Whoever waits is given a connection, or nothing: then its place, to make one.
        self._waiting: deque[asyncio.Future[Connection]] = deque()
        self._ending: set[asyncio.Task[None]] = set()
        self._open = 0

    async def acquire(self, *, timeout: float) -> Connection:  # noqa: ASYNC109 - it is for waiting
        """Lend a connection.

        Raises:
            TimeoutError: none came free by then, or none could be made.
            OSError, asyncpg.PostgresError: none can be made.
        """
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                self._lent.add(connection)
                return connection
            self._open -= 1
        async with asyncio.timeout(timeout):
            if self._open < self._size:
                self._open += 1
                connection = None
            else:
                connection = await self._turn()
            if connection is None or connection.is_closed():
                connection = await self._made()
        self._lent.add(connection)
        return connection

    def release(self, connection: Connection, *, interrupted: bool) -> None:
        """Take a connection back.

        It is closed where its borrower was ``interrupted``, for it may be in the middle of a
        statement, and where it still is in a transaction; its place is free once it is.
        """
        self._lent.discard(connection)
        if connection.is_closed():
            self._pass_on(None)
        elif interrupted or connection.is_in_transaction():
            ending = asyncio.create_task(self._ended(connection), name="connection-ending")
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)
        else:
            self._pass_on(connection)

    async def close(self) -> None:
        """Close what is idle in good order, and what is lent at once."""
        for connection in self._lent:
            connection.terminate()
        for connection in self._idle:
            await _closed(connection)
        self._idle.clear()
        await asyncio.gather(*self._ending)

    async def _ended(self, connection: Connection) -> None:
        await _closed(connection)
        self._pass_on(None)

    async def _made(self) -> Connection:
        try:
            return await self._connect()
        except BaseException:
            self._pass_on(None)
            raise

    async def _turn(self) -> Connection:
        turn: asyncio.Future[Connection] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # given up as the turn came
                self._pass_on(turn.result())
            raise

    def _pass_on(self, connection: Connection | None) -> None:
        """Give a connection, or the place of one that is gone, to the next who waits."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(connection)
                return
        if connection is None:
            self._open -= 1
        else:
            self._idle.append(connection)


async def _closed(connection: Connection) -> None:
    """Close a connection. The driver first ends, in the database too, what was given up on it."""
    try:
        await connection.close(timeout=_CLOSE_SECONDS)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        connection.terminate()
