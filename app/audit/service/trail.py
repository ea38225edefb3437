"""Writing an event, and waiting until it has its place in the log."""

import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Final
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.audit import repository
from app.audit.errors import AuditSilent
from app.audit.rules.leaf import SALT_BYTES, Actor, commitment, leaf_bytes, subject_index
from app.audit.service.anchoring import AnchorWatch
from app.audit.service.waiting import Waiters
from app.db import Connection, Direct, Sessions

_NO_FIELDS: Final[Mapping[str, object]] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class AuditTrail:
    """Writes events.

    Attributes:
        subject_key: keys the commitments to personal numbers; see ``app.keys``.
        anchors: stops releases when time-stamps have failed for too long; ``None`` where no
            time-stamping authority is configured.
        direct: asks for leaves at a fifteenth of a session's cost; a server has it.
        waiters: who waits for a leaf in this process; a ``LeafWatch`` tells them.
    """

    subject_key: bytes = field(repr=False)
    anchors: AnchorWatch | None = None
    direct: Direct | None = None
    waiters: Waiters = field(default_factory=Waiters, init=False, repr=False, compare=False)

    async def record(
        self,
        session: AsyncSession,
        *,
        event: str,
        at: datetime,
        who: Principal | None,
        subject_iin: str | None = None,
        fields: Mapping[str, object] = _NO_FIELDS,
    ) -> UUID:
        """Write an event in the caller's transaction and return its id.

        It takes its place in the log after the commit, and vanishes with a rollback: record a
        refusal in a transaction of its own.

        Args:
            session: the transaction of the change that the event tells of.
            event: stable and dotted, ``slice.fact``; listed in ``docs/audit-events.md``.
            at: when it happened.
            who: the caller, or nobody.
            subject_iin: whose data it touched; only a salted commitment reaches the log.
            fields: JSON values: ids, codes, numbers, hashes. No personal data in clear.

        Raises:
            EventNotWritable: the event is not of this form; nothing was written.
        """
        written = self.prepared(event=event, at=at, who=who, subject_iin=subject_iin, fields=fields)
        await repository.put_event(session, written)
        return written.event_id

    async def record_direct(
        self,
        connection: Connection,
        *,
        event: str,
        at: datetime,
        who: Principal | None,
        subject_iin: str | None = None,
        fields: Mapping[str, object] = _NO_FIELDS,
    ) -> UUID:
        """Do what ``record`` does in the transaction of a connection of ``app.db.Direct``.

        For the paths on which every check stands; see there.

        Raises:
            EventNotWritable: the event is not of this form; nothing was written.
        """
        written = self.prepared(event=event, at=at, who=who, subject_iin=subject_iin, fields=fields)
        await repository.put_event_direct(connection, written)
        return written.event_id

    async def record_prepared(self, connection: Connection, written: repository.Written) -> None:
        """Write an event that was prepared, in the transaction of a driver's own connection."""
        await repository.put_event_direct(connection, written)

    def prepared(
        self,
        *,
        event: str,
        at: datetime,
        who: Principal | None,
        subject_iin: str | None = None,
        fields: Mapping[str, object] = _NO_FIELDS,
    ) -> repository.Written:
        """Return an event that is ready to be written beside another statement.

        See ``event_beside``: the hottest statements carry their event with them.

        Raises:
            EventNotWritable: the event is not of this form.
        """
        event_id = _ordered_id()
        salt = subject = index = None
        if subject_iin is not None:
            salt = secrets.token_bytes(SALT_BYTES)
            subject = commitment(subject_key=self.subject_key, salt=salt, iin=subject_iin)
            index = subject_index(subject_key=self.subject_key, iin=subject_iin)
        leaf = leaf_bytes(
            event_id=event_id,
            event=event,
            at=at,
            actor=_actor(who),
            subject=subject,
            never=subject_iin,
            fields=fields,
        )
        return repository.Written(
            event_id=event_id, event=event, at=at, leaf=leaf, subject_index=index, salt=salt
        )

    async def sequenced(self, sessions: Sessions, *, event_id: UUID, timeout_seconds: float) -> int:
        """Wait until a committed event has its leaf under a signed checkpoint; return its index.

        Raises:
            AuditSilent: it has none by then, or the database does not answer, or the log has
                been without a time-stamp for too long (``AnchorOverdue``). What was to be
                released on this event's account must not be.
        """
        if self.anchors is not None:
            await self._refuse_if_overdue(self.anchors, sessions, timeout_seconds)
        return await self.waiters.wait(sessions, event_id, timeout_seconds, direct=self.direct)

    @staticmethod
    async def _refuse_if_overdue(
        anchors: AnchorWatch, sessions: Sessions, wait_seconds: float
    ) -> None:
        try:
            await anchors.refuse_if_overdue(sessions, wait_seconds=wait_seconds)
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            raise AuditSilent("the log's anchors could not be looked up") from error


async def forget_subjects(session: AsyncSession, *, event_ids: Iterable[UUID]) -> int:
    """Destroy what tells whom these events were about; return how many told it.

    Their leaves stay whole: a commitment without its salt opens to nobody any more.
    """
    return await repository.forget_subjects(session, list(event_ids))


def _ordered_id() -> UUID:
    """Return a UUID of version 7 (RFC 9562 section 5.7): its first 48 bits are milliseconds.

    Ids in the order of time keep the log's unique index growing at its right edge, so that an
    event costs the same at ten million leaves as at the first.
    """
    milliseconds = time.time_ns() // 1_000_000
    number = milliseconds << 80 | secrets.randbits(80)
    number = number & ~(0xF << 76) | 0x7 << 76  # version 7
    return UUID(int=number & ~(0x3 << 62) | 0x2 << 62)  # variant of RFC 9562


def _actor(who: Principal | None) -> Actor:
    if who is None:
        return Actor()
    return Actor(
        department_id=who.department_id,
        person_id=who.person_id,
        post_id=who.post_id,
        role=None if who.role is None else who.role.value,
        device_id=who.device_id,
    )
