"""The statements of a check, taken down as the server makes it, for the peer to run again."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final
from uuid import UUID

import httpx
import structlog

from app.db import Direct
from app.main import create_app
from app.parts import Parts, open_parts
from app.settings import Settings
from benchmarks.peer import LAST_NUMBER
from benchmarks.world import Caller, World

# Asking whether a leaf is there, and waking who gives it: all who wait share these, and how many
# there are is chance. The peer is spared them, which is to its advantage.
_WAITING: Final = ("SELECT event_id, index FROM audit_leaves", "SELECT pg_notify(")
_METHODS: Final = ("fetch", "fetchrow", "fetchval", "execute")

Statement = tuple[str, tuple[Any, ...]]
Transaction = tuple[Statement, ...]


@dataclass(frozen=True)
class Check:
    """One check: its transactions, the ids it made anew, its running number and its answer."""

    transactions: tuple[Transaction, ...]
    fresh: frozenset[UUID]
    number: int
    answer: bytes


@dataclass
class _Notebook:
    """What was run, by transaction; a statement by itself is one of its own."""

    done: list[Transaction] = field(default_factory=list)
    number: int = -1


class _Noted:
    """A connection whose statements are noted."""

    def __init__(self, connection: Any, notebook: _Notebook) -> None:
        self._connection, self._notebook = connection, notebook
        self._open: list[Statement] | None = None

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._connection, name)
        if name not in _METHODS:
            return found

        async def noted(statement: str, *values: Any) -> Any:
            if statement.startswith("BEGIN"):
                self._open = []
            if self._open is None:
                self._notebook.done.append(((statement, values),))
            else:
                self._open.append((statement, values))
            if statement == "COMMIT" and self._open is not None:
                self._notebook.done.append(tuple(self._open))
                self._open = None
            answer = await found(statement, *values)
            if LAST_NUMBER in statement:
                self._notebook.number = answer["last_number"] + 1
            return answer

        return noted


class _Pool:
    def __init__(self, pool: Any, notebook: _Notebook) -> None:
        self._pool, self._notebook = pool, notebook
        self._lent: dict[int, Any] = {}

    async def acquire(self, *, timeout: float) -> _Noted:  # noqa: ASYNC109 - asyncpg's own word
        connection = await self._pool.acquire(timeout=timeout)
        noted = _Noted(connection, self._notebook)
        self._lent[id(noted)] = connection
        return noted

    def release(self, noted: _Noted, *, interrupted: bool) -> None:
        self._pool.release(self._lent.pop(id(noted)), interrupted=interrupted)


async def taken_down(
    world: World,
    callers: list[Caller],
    *,
    registers_url: str,
    path: str,
    bodies: Iterator[dict[str, Any]],
) -> list[Check]:
    """Make a check of each caller by the application in this process, and note its statements.

    Each makes two: the first fills caches, and what only the second names is what a check makes
    anew.
    """
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    settings = Settings(
        database_url=world.database_url,
        var_dir=world.folder / "server",
        registers_url=registers_url,
        audit_wait_seconds=20,
        metrics_port=0,
    )
    async with open_parts(settings) as parts:
        notebook = _Notebook()
        transport = httpx.ASGITransport(app=create_app(_noting(parts, notebook)))
        checks = []
        async with httpx.AsyncClient(transport=transport, base_url=world.base_url) as client:
            for caller in callers:
                before: frozenset[UUID] = frozenset()
                for _ in range(2):
                    notebook.done.clear()
                    answer = await client.post(path, json=next(bodies), headers=caller.headers)
                    answer.raise_for_status()
                    named = frozenset(_named(notebook.done))
                    fresh, before = named - before, named
                transactions = tuple(
                    one for one in notebook.done if not one[0][0].startswith(_WAITING)
                )
                checks.append(Check(transactions, fresh, notebook.number, answer.content))
    return checks


def _noting(parts: Parts, notebook: _Notebook) -> Parts:
    direct = Direct(_Pool(parts.direct._pool, notebook))  # noqa: SLF001 - to stand in front of it
    return replace(parts, direct=direct, trail=replace(parts.trail, direct=direct))


def _named(transactions: list[Transaction]) -> Iterator[UUID]:
    for transaction in transactions:
        for _, values in transaction:
            for one in values:
                several = one if isinstance(one, list) else [one]
                yield from (each for each in several if isinstance(each, UUID))
