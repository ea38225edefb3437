"""Waiting for leaves: told by the sequencer as it gives them, asked for where that is not heard."""

import asyncio
import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import structlog

from app.audit import repository
from app.audit.errors import AuditSilent
from app.audit.rules.words import understood
from app.db import (
    DATABASE_ERRORS,
    Connection,
    DatabaseAway,
    Direct,
    Sessions,
    SilentDatabase,
    own_connection,
    transaction,
)

# One query for all who wait. A batch commits in 3 to 8 ms: where few wait each asks soon, where
# many do the next batch serves them all.
_POLL_SECONDS: Final = 0.004
_POLL_BUSY_SECONDS: Final = 0.012
_FEW: Final = 4
_ASK_ANYWAY_SECONDS: Final = 0.25  # should a word of the sequencer have been lost
_WAKE_AGAIN_SECONDS: Final = 0.25  # should the sequencer have changed while we waited
_AWAKE_SECONDS: Final = 0.03  # a sequencer that gave a leaf just now looks again by itself
_REMEMBERED: Final = 5_000  # leaves given before anybody waited for them: two to four batches
_SIGN_OF_LIFE_SECONDS: Final = 5.0
_RETRY_SECONDS: Final = 0.5
_CONNECT_SECONDS: Final = 1.0

log = structlog.get_logger(__name__)


class Waiters:
    """Everybody in this process who waits for a leaf."""

    def __init__(self) -> None:
        self.told = False  # whether the sequencer's words are heard
        self._waiting: dict[UUID, list[asyncio.Future[int]]] = {}
        self._given: dict[UUID, int] = {}
        self._given_before: dict[UUID, int] = {}
        self._task: asyncio.Task[None] | None = None
        self._news = False
        self._given_at = float("-inf")

    async def wait(
        self,
        sessions: Sessions,
        event_id: UUID,
        timeout_seconds: float,
        *,
        direct: Direct | None,
    ) -> int:
        """Return the index of the event's leaf.

        Raises:
            AuditSilent: it has none by then.
        """
        given = self._given.get(event_id, self._given_before.get(event_id))
        if given is not None:
            return given
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(event_id, []).append(future)
        self._news = True
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._ask(sessions, direct), name="audit-waiters")
        try:
            async with asyncio.timeout(timeout_seconds):
                return await future
        except TimeoutError as error:
            raise AuditSilent(f"event {event_id} has no leaf yet") from error
        finally:
            self._forget(event_id, future)

    def hear(self, first: int, event_ids: Sequence[UUID]) -> None:
        """Take the sequencer's word: these events have the leaves from ``first`` on."""
        self._given_at = asyncio.get_running_loop().time()
        if len(self._given) > _REMEMBERED:
            self._given_before, self._given = self._given, {}
        for index, event_id in enumerate(event_ids, first):
            self._given[event_id] = index
            self._give(event_id, index)

    def _give(self, event_id: UUID, index: int) -> None:
        for future in self._waiting.get(event_id, ()):
            if not future.done():
                future.set_result(index)

    def _forget(self, event_id: UUID, future: asyncio.Future[int]) -> None:
        others = self._waiting.get(event_id, [])
        with contextlib.suppress(ValueError):
            others.remove(future)
        if not others:
            self._waiting.pop(event_id, None)

    async def _ask(self, sessions: Sessions, direct: Direct | None) -> None:
        loop = asyncio.get_running_loop()
        woken_at = asked_at = loop.time() if self.told else float("-inf")
        while self._waiting:
            try:
                now = loop.time()
                asleep = self._news and now - self._given_at > _AWAKE_SECONDS
                if asleep or now - woken_at > _WAKE_AGAIN_SECONDS:
                    self._news, woken_at = False, now
                    await _wake(sessions, direct)
                if not self.told or now - asked_at > _ASK_ANYWAY_SECONDS:
                    asked_at = now
                    await self._look(sessions, direct)
            except (DatabaseAway, *DATABASE_ERRORS, OSError, TimeoutError) as error:
                self._fail(error)
                return
            few = len(self._waiting) <= _FEW
            await asyncio.sleep(_POLL_SECONDS if few else _POLL_BUSY_SECONDS)

    async def _look(self, sessions: Sessions, direct: Direct | None) -> None:
        found = await _indexes(sessions, direct, self._waiting)
        if found:
            self._given_at = asyncio.get_running_loop().time()
        for event_id, index in found.items():
            self._give(event_id, index)

    def _fail(self, error: Exception) -> None:
        for event_id, futures in self._waiting.items():
            for future in futures:
                if not future.done():
                    silent = AuditSilent(f"event {event_id} could not be looked up")
                    silent.__cause__ = error
                    future.set_exception(silent)


async def _wake(sessions: Sessions, direct: Direct | None) -> None:
    if direct is not None:
        await repository.wake_direct(direct)
        return
    async with transaction(sessions) as session:
        await repository.wake_sequencer(session)


async def _indexes(
    sessions: Sessions, direct: Direct | None, event_ids: Iterable[UUID]
) -> dict[UUID, int]:
    if direct is not None:
        return await repository.indexes_direct(direct, event_ids)
    async with transaction(sessions) as session:
        return await repository.indexes_of(session, event_ids)


@dataclass(frozen=True, kw_only=True)
class LeafWatch:
    """Hears what the sequencer says of the leaves it has given, for those who wait here.

    Its words come after the commit that gave them, and are believed by their tags. A lost one
    costs a quarter of a second, for whoever waits asks the tables then.
    """

    sessions: Sessions
    waiters: Waiters
    words_key: bytes = field(repr=False)

    async def run(self) -> None:
        """Listen until cancelled; while the database is silent, those who wait ask themselves."""
        while True:
            try:
                async with own_connection(
                    self.sessions,
                    name="saqshy-leaf-watch",
                    command_seconds=_SIGN_OF_LIFE_SECONDS,
                    connect_seconds=_CONNECT_SECONDS,
                ) as connection:
                    await self._listen(connection)
            except SilentDatabase as error:
                log.warning("audit.leaf_watch_deaf", error=type(error).__name__)
            await asyncio.sleep(_RETRY_SECONDS)

    def _hear(self, word: str) -> None:
        told = understood(self.words_key, word)
        if told is None:
            log.warning("audit.word_not_believed")
            return
        first, event_ids = told
        self.waiters.hear(first, event_ids)

    async def _listen(self, connection: Connection) -> None:
        await repository.listen_for_leaves(connection, self._hear)
        self.waiters.told = True
        try:
            while True:
                await asyncio.sleep(_SIGN_OF_LIFE_SECONDS)
                await repository.sign_of_life(connection)
        finally:
            self.waiters.told = False
