"""Showing a leaf to somebody who may read it; the look is on the log itself."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import NotSignedIn, Principal
from app.audit import repository
from app.audit.errors import LeafNotFound
from app.audit.rules.note import Checkpoint, parse_checkpoint, split_note
from app.audit.rules.reading import may_read
from app.audit.service.proofs import leaf_of, published_note
from app.audit.service.trail import AuditTrail


@dataclass(frozen=True, kw_only=True)
class ShownLeaf:
    """A leaf that the caller may read."""

    index: int
    leaf: bytes = field(repr=False)
    content: Mapping[str, object] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class PublishedCheckpoint:
    """The checkpoint that outsiders are given, and who signed it: names of keys."""

    note: str
    checkpoint: Checkpoint
    signers: tuple[str, ...]


async def leaf_indexes(session: AsyncSession, event_ids: Iterable[UUID]) -> dict[UUID, int]:
    """Return where those of the events stand that have their leaf."""
    return await repository.indexes_of(session, event_ids)


async def read_leaf(
    session: AsyncSession, *, trail: AuditTrail, caller: Principal, index: int, now: datetime
) -> ShownLeaf:
    """Return a leaf; reading an act that is not one's own is recorded.

    Raises:
        LeafNotFound: there is none, or it is not the caller's to read: the two answer alike.
    """
    if caller.role is None:
        raise NotSignedIn("reading the log needs a person")
    leaf = await leaf_of(session, index=index)
    content = json.loads(leaf)
    if not may_read(
        content,
        role=caller.role.value,
        person_id=caller.person,
        department_id=caller.department_id,
    ):
        raise LeafNotFound(f"no leaf {index}")
    if content.get("person") != str(caller.person):
        await trail.record(
            session, event="audit.leaf_read", at=now, who=caller, fields={"leaf_index": index}
        )
    return ShownLeaf(index=index, leaf=leaf, content=content)


async def published_checkpoint(session: AsyncSession) -> PublishedCheckpoint:
    """Return the checkpoint that outsiders are given.

    Raises:
        LogEmpty: there is none yet.
    """
    note = await published_note(session)
    text, signatures = split_note(note)
    names = [line.split(" ")[1] for line in signatures]
    return PublishedCheckpoint(note=note, checkpoint=parse_checkpoint(text), signers=tuple(names))
