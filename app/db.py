"""The declarative base, the engine, and the only place that commits."""

import enum
import functools
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar, Final

import asyncpg
import sqlalchemy as sa
from fastapi import Depends, Request
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import DeclarativeBase

from app.errors import DomainError, Kind
from app.lending import Connections, Lending

Sessions = async_sessionmaker[AsyncSession]
Connection = Any  # asyncpg.Connection; the package carries no types

_DIALECT: Final = PGDialect_asyncpg()  # type: ignore[no-untyped-call]  # so it came
_POOL_SECONDS: Final = 10  # to wait for a connection of a pool
_NO_SETTINGS: Final[Mapping[str, str]] = {}


class Base(DeclarativeBase):
    """Declarative base of every model: names, instants with a zone, enums stored by value."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar = {
        datetime: sa.DateTime(timezone=True),
        enum.Enum: sa.Enum(
            enum.Enum,
            values_callable=lambda kind: [member.value for member in kind],
            native_enum=False,
            create_constraint=True,
            length=32,
        ),
    }


def make_engine(
    database_url: str, *, pool_size: int = 8, statement_timeout_seconds: float = 20
) -> AsyncEngine:
    """Return an engine on asyncpg.

    Args:
        database_url: ``postgresql://…``; the driver's name is put in here.
        pool_size: connections per process, all processes together under 3 × PostgreSQL's cores.
        statement_timeout_seconds: PostgreSQL ends any statement that takes longer.
    """
    url = sa.make_url(database_url).set(drivername="postgresql+asyncpg")
    engine = create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=_POOL_SECONDS,
        hide_parameters=True,  # an error's text would repeat personal numbers
        connect_args={"server_settings": _server_settings(statement_timeout_seconds)},
    )
    sa.event.listen(engine.sync_engine, "checkout", _refuse_closed)
    return engine


def _refuse_closed(connection: Any, _record: Any, _proxy: Any) -> None:
    """Have the pool make a new connection for one that PostgreSQL has closed.

    The driver has heard of that already; asking PostgreSQL, as ``pool_pre_ping`` does, would cost
    every transaction a round trip.
    """
    if connection.driver_connection.is_closed():
        raise sa.exc.DisconnectionError("closed meanwhile")


def _server_settings(statement_timeout_seconds: float) -> dict[str, str]:
    return {
        "timezone": "UTC",
        "statement_timeout": str(int(statement_timeout_seconds * 1000)),
        "idle_in_transaction_session_timeout": "60000",
    }


def make_sessions(engine: AsyncEngine) -> Sessions:
    """Return the session factory that services and routes are given."""
    return async_sessionmaker(engine, expire_on_commit=False)


@dataclass(frozen=True)
class Direct:
    """Statements on asyncpg itself, for the few that every request or every check runs.

    One statement costs 0.05 ms of processor here and 0.8 ms through a session with its
    transaction; everything else goes through ``transaction``.
    """

    _pool: Lending

    async def row(self, statement: str, *arguments: object) -> Any:
        """Return the first row of one statement, which is a transaction of its own, or ``None``.

        Raises:
            DatabaseAway: no connection could be had; nothing was done.
        """
        async with self.connection() as connection:
            return await connection.fetchrow(statement, *arguments)

    async def rows(self, statement: str, *arguments: object) -> list[Any]:
        """Return every row of one statement, which is a transaction of its own.

        Raises:
            DatabaseAway: no connection could be had; nothing was done.
        """
        async with self.connection() as connection:
            found: list[Any] = await connection.fetch(statement, *arguments)
            return found

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        """Lend one connection in a transaction that commits unless something is raised.

        Raises:
            DatabaseAway: no connection could be had; nothing was begun.
        """
        async with self.connection() as connection:
            await connection.execute("BEGIN")
            try:
                yield connection
            except BaseException:
                with suppress(*_AWAY):  # then the transaction is gone with it
                    await connection.execute("ROLLBACK")
                raise
            await connection.execute("COMMIT")

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        """Lend one connection, in no transaction.

        Raises:
            DatabaseAway: no connection could be had; nothing was begun.
        """
        try:
            connection = await self._pool.acquire(timeout=_POOL_SECONDS)
        except OSError as error:  # a timeout is one too
            raise DatabaseAway("the database is out of reach; nothing was begun") from error
        interrupted = True
        try:
            yield connection
            interrupted = False
        except (asyncpg.PostgresError, DomainError):  # a statement's own end, or ours between two
            interrupted = False
            raise
        finally:
            self._pool.release(connection, interrupted=interrupted)


@asynccontextmanager
async def open_direct(
    database_url: str, *, pool_size: int = 8, statement_timeout_seconds: float = 20
) -> AsyncIterator[Direct]:
    """Yield ``Direct`` over a pool of its own; connections are made when they are first needed."""
    url = sa.make_url(database_url).set(drivername="postgresql+asyncpg")
    _, address = url.get_dialect()().create_connect_args(url)  # as the engine reads the address
    pool = Connections(
        functools.partial(
            asyncpg.connect,
            **address,
            server_settings=_server_settings(statement_timeout_seconds) | _PLANNED_ONCE,
        ),
        size=pool_size,
    )
    try:
        yield Direct(pool)
    finally:
        await pool.close()


# Few statements, each for one row by its key: planning them anew at each call would cost more
# than running them, and what is compiled for a plan is never earned back.
_PLANNED_ONCE: Final = {"plan_cache_mode": "force_generic_plan", "jit": "off"}


# What a driver or the network raises; most of them mean that the database is away.
DATABASE_ERRORS: Final = (
    sa.exc.SQLAlchemyError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection that died between two of our words
    ConnectionError,
)
_AWAY: Final = (
    sa.exc.InterfaceError,
    sa.exc.OperationalError,
    sa.exc.TimeoutError,  # no connection of the pool became free
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # shutting down, crashed, or not yet taking connections
    ConnectionError,
)


class DatabaseAway(DomainError):
    """The database cannot be reached."""

    kind = Kind.UNAVAILABLE
    code = "app.database_away"
    cure = "Repeat it in a moment: what was done already is answered as the first time."


def database_is_away(error: BaseException) -> bool:
    """Return whether ``error`` tells of a database out of reach and not of a wrong statement."""
    lost = isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated
    return lost or isinstance(error, _AWAY)


@asynccontextmanager
async def transaction(sessions: Sessions) -> AsyncIterator[AsyncSession]:
    """Yield a session that commits on success and rolls back on any exception.

    Raises:
        DatabaseAway: no connection could be made; nothing was begun.
    """
    async with sessions() as session, session.begin():
        try:
            await session.connection()
        except OSError as error:  # the socket itself, before the driver has a word
            raise DatabaseAway("the database is out of reach; nothing was begun") from error
        yield session


class Hoisted:
    """A statement of SQLAlchemy, made into the driver's words once, at import.

    It runs on asyncpg itself: on a connection of ``Direct``, or on that of a session
    (``driver_of``). So one statement serves the paths on which every check stands and all others.
    """

    def __init__(self, statement: sa.sql.ClauseElement, **options: Any) -> None:
        compiled: Any = statement.compile(dialect=_DIALECT, **options)
        self._text: str = compiled.string
        self._names: tuple[str, ...] = tuple(compiled.positiontup or ())
        kinds = {name: compiled.binds[name].type for name in self._names}
        found = {name: kind.dialect_impl(_DIALECT) for name, kind in kinds.items()}
        self._forms = {
            name: form
            for name, kind in found.items()
            if (form := kind.bind_processor(_DIALECT)) is not None
        }
        # What the statement itself compares with; the rest comes with each call.
        self._fixed: dict[str, Any] = {
            name: value for name, value in compiled.params.items() if value is not None
        }

    async def row(self, connection: Connection, values: Mapping[str, Any]) -> Any:
        """Return the first row, or ``None``; enums in it are their stored values."""
        return await connection.fetchrow(self._text, *self._given(values))

    async def run(self, connection: Connection, values: Mapping[str, Any]) -> None:
        """Run it for what it does."""
        await connection.execute(self._text, *self._given(values))

    def _given(self, values: Mapping[str, Any]) -> list[Any]:
        known, forms = self._fixed | dict(values), self._forms
        return [forms[name](known[name]) if name in forms else known[name] for name in self._names]


async def driver_of(session: AsyncSession) -> Connection:
    """Return the driver's own connection of a session, in the session's transaction.

    What the session has not written yet is written first, as before any statement of its own.
    """
    await session.flush()
    held = await (await session.connection()).get_raw_connection()
    connection: Connection = held.driver_connection
    if not connection.is_in_transaction():  # SQLAlchemy begins with its first statement
        await session.execute(sa.text("SELECT 1"))
    return connection


# What a connection of its own raises when the database does not answer.
SilentDatabase: Final = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the connection died between two of our words
)


@asynccontextmanager
async def own_connection(
    sessions: Sessions,
    *,
    name: str,
    command_seconds: float,
    connect_seconds: float,
    settings: Mapping[str, str] = _NO_SETTINGS,
) -> AsyncIterator[Connection]:
    """Yield a connection outside the pool, closed afterwards: its locks and ears go with it.

    ``settings`` are PostgreSQL's own, for this connection alone.
    """
    engine = sessions.kw["bind"]
    arguments, options = engine.dialect.create_connect_args(engine.url)
    connection = await asyncpg.connect(
        *arguments,
        **options,
        timeout=connect_seconds,
        command_timeout=command_seconds,
        server_settings={"timezone": "UTC", "application_name": name, **settings},
    )
    try:
        yield connection
    finally:
        await _close(connection, connect_seconds)


async def _close(connection: Connection, seconds: float) -> None:
    try:
        await connection.close(timeout=seconds)
    except SilentDatabase:
        connection.terminate()


async def _sessions(request: Request) -> Sessions:
    sessions: Sessions = request.app.state.sessions
    return sessions


SessionsOfApp = Annotated[Sessions, Depends(_sessions)]
