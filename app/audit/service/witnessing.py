"""Having each checkpoint cosigned by a body that is not ours (C2SP tlog-witness).

The witness remembers the last size it has seen and cosigns only what continues it. A log that
shows one history to one reader and another to the next would need the witness's help.
"""

import asyncio
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from app.audit import repository
from app.audit.models import CheckpointRow
from app.audit.register import PeerSilent, WitnessAnswer, WitnessPort
from app.audit.rules.cosignature import cosigned_at
from app.audit.rules.note import NoteNotValid, VerifierKey
from app.audit.service.pacing import repeat_alone
from app.audit.service.proofs import growth_to
from app.db import Sessions, transaction

SUBMIT_SECONDS: Final = 0.5  # a checkpoint is cosigned within about a second
_OK, _CONFLICT, _UNPROVEN = 200, 409, 422
_SIZE: Final = re.compile(r"(0|[1-9][0-9]{0,18})\n")

log = structlog.get_logger(__name__)


class ForkSuspected(Exception):
    """The witness has seen another history of this log than the one that we hold."""


@dataclass(frozen=True, kw_only=True)
class Witnessing:
    """Submits checkpoints to one witness.

    Attributes:
        sessions: whose database holds the log.
        witness: where it is asked.
        key: the witness's verifier key.
    """

    sessions: Sessions
    witness: WitnessPort
    key: VerifierKey

    async def run(self, stop: asyncio.Event) -> None:
        """Submit each newest checkpoint until ``stop`` is set; one process of all does."""
        await repeat_alone(
            self.sessions,
            stop,
            lock=repository.WITNESS_LOCK,
            every_seconds=SUBMIT_SECONDS,
            act=self._submit_and_tell,
        )

    async def submit_once(self) -> int | None:
        """Have the newest checkpoint cosigned; return its size, or nothing if it is already.

        Raises:
            PeerSilent: the witness does not answer, or says what a witness does not say.
            ForkSuspected: it refuses our proof, or has seen a larger tree than we hold.
        """
        async with transaction(self.sessions) as session:
            newest = await repository.newest_checkpoint(session)
            known = await repository.newest_cosigned(session, witness=self.key.name)
        earlier = 0 if known is None else known.size
        if newest is None or newest.size == earlier:
            return None
        answer = await self._submit(newest, earlier=earlier)
        if answer.status == _CONFLICT:
            # It knows another size than we remember: its answer was lost, or we start anew.
            earlier = _size_of(answer)
            if earlier > newest.size:
                raise ForkSuspected(f"the witness has seen {earlier} leaves, we {newest.size}")
            answer = await self._submit(newest, earlier=earlier)
        if answer.status == _UNPROVEN:
            raise ForkSuspected(f"no proof leads from {earlier} to {newest.size} leaves")
        if answer.status != _OK:
            raise PeerSilent(f"http_{answer.status}")
        await self._store(newest, answer)
        return newest.size

    async def _submit(self, newest: CheckpointRow, *, earlier: int) -> WitnessAnswer:
        async with transaction(self.sessions) as session:
            body = await growth_to(session, earlier=earlier, checkpoint=newest)
        return await self.witness.add_checkpoint(body=body)

    async def _store(self, newest: CheckpointRow, answer: WitnessAnswer) -> None:
        line, at = self._line(newest, answer)
        async with transaction(self.sessions) as session:
            await repository.put_cosignature(
                session, size=newest.size, witness=self.key.name, line=line, at=at
            )

    def _line(self, newest: CheckpointRow, answer: WitnessAnswer) -> tuple[str, datetime]:
        # Lines of keys that we do not know are passed over, as tlog-witness demands.
        for line in answer.text.splitlines(keepends=True):
            try:
                return line, cosigned_at(newest.note + line, witness=self.key)
            except NoteNotValid:
                continue
        raise PeerSilent("no cosignature of the configured witness")

    async def _submit_and_tell(self) -> None:
        try:
            await self.submit_once()
        except ForkSuspected as error:
            log.exception("audit.fork_suspected", witness=self.key.name, reason=str(error))
        except PeerSilent as error:
            log.warning("audit.witness_silent", witness=self.key.name, reason=str(error))


def _size_of(answer: WitnessAnswer) -> int:
    found = _SIZE.fullmatch(answer.text)
    if found is None:
        raise PeerSilent("a conflict without a size")
    return int(found.group(1))
