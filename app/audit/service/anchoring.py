"""Having checkpoints time-stamped by a third party, and stopping releases where it fails to.

Each minute the newest checkpoint is stamped (RFC 3161). An outage may last as long as the dated
setting says; after that nothing is released, because nobody could prove any more when the log
was written.
"""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import structlog

from app.audit import repository
from app.audit.errors import AnchorOverdue, StampNotValid
from app.audit.register import PeerSilent, StampPort
from app.audit.rules.outage import Terms, is_overdue, outage_allowed
from app.audit.rules.timestamp import NONCE_BITS, StampTrust, check_stamp, stamp_query
from app.audit.service.pacing import repeat_alone
from app.clock import utc_now
from app.db import Sessions, transaction

ANCHOR_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 5.0  # how long an answer about the outage is believed
_LOOK_AGAIN_SECONDS: Final = 0.2  # while everybody waits for a stamp

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Anchoring:
    """Asks one authority for time-stamps.

    Attributes:
        sessions: whose database holds the log.
        authority: where it is asked.
        trust: the pinned certificates under which it is believed.
        clock: ours, to compare the authority's with.
    """

    sessions: Sessions
    authority: StampPort
    trust: StampTrust
    clock: Callable[[], datetime] = utc_now

    async def run(self, stop: asyncio.Event) -> None:
        """Anchor the newest checkpoint each minute until ``stop``; one process of all does."""
        await repeat_alone(
            self.sessions,
            stop,
            lock=repository.ANCHOR_LOCK,
            every_seconds=ANCHOR_SECONDS,
            act=self._anchor_and_tell,
        )

    async def anchor_once(self) -> int | None:
        """Have the newest checkpoint stamped; return its size, or nothing if it is already.

        Raises:
            PeerSilent: the authority does not answer.
            StampNotValid: what it answers proves nothing; nothing is stored.
        """
        async with transaction(self.sessions) as session:
            newest = await repository.newest_checkpoint(session)
            last = await repository.newest_anchor(session)
        if newest is None or (last is not None and last.size == newest.size):
            return None
        content, nonce = newest.note.encode(), secrets.randbits(NONCE_BITS)
        response = await self.authority.stamp(query=stamp_query(content, nonce=nonce))
        stamped_at = check_stamp(
            response, content=content, nonce=nonce, trust=self.trust, now=self.clock()
        )
        async with transaction(self.sessions) as session:
            await repository.put_anchor(session, size=newest.size, response=response, at=stamped_at)
        return newest.size

    async def _anchor_and_tell(self) -> None:
        try:
            await self.anchor_once()
        except (PeerSilent, StampNotValid) as error:
            log.warning("audit.anchor_failed", reason=str(error))


@dataclass(kw_only=True)
class AnchorWatch:
    """Refuses releases after too long an outage; only where an authority is configured.

    Attributes:
        terms: how long an outage may last, each term from its day on.
        clock: says what time it is.
    """

    terms: Terms
    clock: Callable[[], datetime] = utc_now
    _looked: float = field(default=float("-inf"), init=False)
    _since: datetime | None = field(default=None, init=False)

    async def refuse_if_overdue(self, sessions: Sessions, *, wait_seconds: float) -> None:
        """Pass while anchors come, or have not failed for too long.

        A stamp that is late may be on its way: a server that was down for long asks for one as
        it starts. It is waited for as long as the caller would wait for its leaf.

        Raises:
            AnchorOverdue: a checkpoint has waited for its anchor longer than allowed.
        """
        loop = asyncio.get_running_loop()
        if loop.time() - self._looked > _LOOK_SECONDS:
            await self._look(sessions)
        deadline = loop.time() + wait_seconds
        while self._is_overdue():
            if loop.time() > deadline:
                raise AnchorOverdue("no time-stamp for longer than an outage may last")
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
            await self._look(sessions)

    def _is_overdue(self) -> bool:
        now = self.clock()
        allowed = outage_allowed(self.terms, at=now)
        return is_overdue(waiting_since=self._since, allowed=allowed, now=now)

    async def _look(self, sessions: Sessions) -> None:
        async with transaction(sessions) as session:
            self._since = await repository.unanchored_since(session)
        self._looked = asyncio.get_running_loop().time()
