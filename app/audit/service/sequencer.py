"""Giving events their place: one leader among all processes, whole batches or nothing.

The leader's lock and its batches live on the same database connection: when the one is lost, so
is the other, and two leaders can never both commit. Taking a row out of the outbox and writing
its leaf, the tree's new nodes and the signed checkpoint is one transaction, so a process killed
at any instant leaves either all of a batch or none of it.
"""

import asyncio
import contextlib
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.audit import repository
from app.audit.rules import merkle
from app.audit.rules.note import Checkpoint, VerifierKey, checkpoint_text, signed_note
from app.audit.rules.words import key_of_words, words
from app.clock import utc_now
from app.db import Connection, Sessions, SilentDatabase

BATCH_LEAVES_MAX: Final = 2000  # bounds one transaction: about 50 ms and 2 MB
_IDLE_SECONDS: Final = 0.1  # events that nobody waits for get their leaf within this
# After a batch the next is let grow: a batch of one leaf costs as much as one of twenty. Whoever
# waits for a leaf (``trail``) counts on it that who has just been busy looks again by itself.
_GROW_SECONDS: Final = 0.012
_STANDBY_SECONDS: Final = 1.0  # how soon another process takes over
_RETRY_SECONDS: Final = 0.5

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Sequencer:
    """The log's only writer.

    Attributes:
        sessions: whose database holds the log.
        checkpoint_key: signs each checkpoint.
        origin: the log's name in its checkpoints: an address without scheme, space or plus.
        clock: says when a checkpoint was signed.
    """

    sessions: Sessions
    checkpoint_key: Ed25519PrivateKey
    origin: str
    clock: Callable[[], datetime] = utc_now

    @functools.cached_property
    def _words_key(self) -> bytes:
        return key_of_words(self.checkpoint_key.private_bytes_raw())

    async def run(self, stop: asyncio.Event) -> None:
        """Lead, or stand by until the leader is gone, until ``stop`` is set.

        Survives the loss of the database: what is in the outbox waits there.
        """
        while not stop.is_set():
            try:
                async with repository.connected(self.sessions) as connection:
                    await self._stand_by(connection, stop)
                    await self._lead(connection, stop)
            except SilentDatabase as error:
                log.warning("audit.sequencer_interrupted", error=type(error).__name__)
                await _pause(stop, _RETRY_SECONDS)

    async def drain_once(self) -> int:
        """Sequence at most one batch and return its size; 0 too while another process leads."""
        async with repository.connected(self.sessions) as connection, connection.transaction():
            if not await repository.lead_this_transaction(connection):
                return 0
            return await self._batch(connection)

    async def _stand_by(self, connection: Connection, stop: asyncio.Event) -> None:
        while not stop.is_set() and not await repository.lead(connection):
            await _pause(stop, _STANDBY_SECONDS)

    async def _lead(self, connection: Connection, stop: asyncio.Event) -> None:
        woken = asyncio.Event()
        await repository.listen(connection, woken.set)
        while True:
            woken.clear()
            async with connection.transaction():
                count = await self._batch(connection)
            if count == BATCH_LEAVES_MAX:
                continue
            if stop.is_set():
                return
            if count:
                await asyncio.sleep(_GROW_SECONDS)
            else:
                await _first_of(woken, stop, _IDLE_SECONDS)

    async def _batch(self, connection: Connection) -> int:
        rows = await repository.take_batch(connection, limit=BATCH_LEAVES_MAX)
        if not rows:
            return 0
        size = await repository.tree_size(connection)
        frontier = await repository.hashes_of(connection, merkle.frontier_of(size))
        hashes = [merkle.leaf_hash(row["leaf"]) for row in rows]
        growth = merkle.grow(size=size, frontier=frontier, leaf_hashes=hashes)
        await repository.write_batch(
            connection,
            leaves=[
                _leaf(size + place, row, hash_)
                for place, (row, hash_) in enumerate(zip(rows, hashes, strict=True))
            ],
            nodes=[(level, index, hash_) for (level, index), hash_ in growth.nodes],
            checkpoint=(growth.size, growth.root, self._note(growth), self.clock()),
        )
        given = [row["event_id"] for row in rows]
        await repository.tell_given(connection, words(self._words_key, first=size, event_ids=given))
        return len(rows)

    def _note(self, growth: merkle.Growth) -> str:
        checkpoint = Checkpoint(origin=self.origin, size=growth.size, root=growth.root)
        public_key = self.checkpoint_key.public_key().public_bytes_raw()
        return signed_note(
            text=checkpoint_text(checkpoint),
            key=VerifierKey(name=self.origin, public_key=public_key),
            sign=self.checkpoint_key.sign,
        )


def _leaf(index: int, row: Mapping[str, Any], hash_: bytes) -> tuple[object, ...]:
    return (index, row["event_id"], row["event"], row["at"], row["leaf"], hash_)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()


async def _first_of(woken: asyncio.Event, stop: asyncio.Event, seconds: float) -> None:
    waits = {asyncio.ensure_future(woken.wait()), asyncio.ensure_future(stop.wait())}
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
