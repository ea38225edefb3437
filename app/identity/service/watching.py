"""Learning at once which sessions have ended, for ``app.cutting``.

A notification makes the watcher look; where it is lost, the next look comes by the clock. The
look itself asks the tables, so nothing depends on who ended a session, or how.
"""

import asyncio
import contextlib
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import structlog

from app.clock import law_date, utc_now
from app.cutting import FRESH_SECONDS, Answers
from app.db import Connection, Sessions, SilentDatabase, own_connection, transaction
from app.identity import repository

_LOOK_EVERY_SECONDS: Final = FRESH_SECONDS / 2  # two looks before a sign of life grows old
_BLIND_EVERY_SECONDS: Final = 0.1
_RETRY_SECONDS: Final = 0.1

log = structlog.get_logger(__name__)


async def living_sessions(sessions: Sessions, asked: Collection[UUID]) -> set[UUID]:
    """Return which of these sessions live now: not ended, in term, in post, not blocked."""
    now = utc_now()
    async with transaction(sessions) as session:
        return await repository.living_sessions(session, asked, now=now, today=law_date(now))


@dataclass(frozen=True, kw_only=True)
class SessionWatch:
    """Looks after the sessions that this process is answering."""

    sessions: Sessions
    answers: Answers

    async def run(self) -> None:
        """Watch until cancelled; while the database is silent, what is being sent is cut."""
        blind = asyncio.create_task(self._cut_when_blind(), name="session-watch-blind")
        try:
            while True:
                try:
                    async with own_connection(
                        self.sessions,
                        name="saqshy-session-watch",
                        command_seconds=self.answers.look_seconds,
                        connect_seconds=1.0,
                    ) as connection:
                        await self._watch(connection)
                except SilentDatabase as error:
                    log.warning("identity.session_watch_blind", error=type(error).__name__)
                    await asyncio.sleep(_RETRY_SECONDS)
        finally:
            blind.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await blind

    async def _watch(self, connection: Connection) -> None:
        wanted = self.answers.look_wanted
        await repository.listen_for_ended(connection, wanted.set)
        self.answers.watched = True
        try:
            while True:
                wanted.clear()
                await self._look(connection)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_EVERY_SECONDS):
                        await wanted.wait()
        finally:
            self.answers.watched = False

    async def _look(self, connection: Connection) -> None:
        asked = self.answers.session_ids()
        at, now = asyncio.get_running_loop().time(), utc_now()
        alive = await repository.living_sessions_by(connection, asked, now=now, today=law_date(now))
        self.answers.seen(asked=asked, alive=alive, at=at)

    async def _cut_when_blind(self) -> None:
        while True:
            await asyncio.sleep(_BLIND_EVERY_SECONDS)
            self.answers.end_unseen()
