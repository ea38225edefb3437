"""Keeping a person out at once: his sessions end with the block, and none opens while it stands.

Who may block whom is the exchange's question; it asks and records the reasons on the log.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from app.identity import errors, repository
from app.identity.models import BlockRow
from app.identity.rules.blocking import BlockReason
from app.identity.rules.session import SessionEnd

BLOCKS_SHOWN_MAX = 100


@dataclass(frozen=True, kw_only=True)
class Block:
    """A block of a person, lifted or not."""

    block_id: UUID
    reason: BlockReason
    text: str
    blocked_at: datetime
    blocked_by: UUID
    lifted_at: datetime | None
    lifted_by: UUID | None
    lifted_text: str | None


async def block_person(
    session: AsyncSession,
    *,
    person_id: UUID,
    reason: BlockReason,
    text: str,
    by: UUID,
    now: datetime,
) -> tuple[UUID, int]:
    """Block a person and end his sessions; return the block's id and how many sessions lived.

    Raises:
        PersonNotFound: there is no such person.
        AlreadyBlocked: a block stands.
    """
    if not await repository.lock_person(session, person_id):
        raise errors.PersonNotFound("no such person")
    if await repository.is_blocked(session, person_id=person_id):
        raise errors.AlreadyBlocked("a block of the person stands")
    block = BlockRow(
        id=uuid4(), person_id=person_id, reason=reason, text=text, blocked_at=now, blocked_by=by
    )
    await repository.put_block(session, block)
    ended = await repository.end_sessions_of(
        session, person_id=person_id, now=now, because=SessionEnd.ENDED_BY_OTHERS
    )
    return block.id, ended


async def standing_block(session: AsyncSession, *, person_id: UUID) -> Block | None:
    """Return the block of a person that stands, locked for this transaction."""
    row = await repository.block_for_update(session, person_id=person_id)
    return None if row is None else _block(row)


async def lift_block(
    session: AsyncSession,
    *,
    person_id: UUID,
    text: str,
    by: UUID,
    signature_id: UUID,
    now: datetime,
) -> UUID:
    """Lift the block of a person; return its id.

    Raises:
        NotBlocked: none stands.
    """
    row = await repository.block_for_update(session, person_id=person_id)
    if row is None:
        raise errors.NotBlocked("no block of the person stands")
    row.lifted_at, row.lifted_by = now, by
    row.lifted_text, row.lifted_signature_id = text, signature_id
    await session.flush()
    return row.id


async def blocks_of(session: AsyncSession, *, person_id: UUID) -> list[Block]:
    """Return a person's blocks, the newest first."""
    rows = await repository.blocks_of(session, person_id=person_id, limit=BLOCKS_SHOWN_MAX)
    return [_block(row) for row in rows]


def _block(row: BlockRow) -> Block:
    return Block(
        block_id=row.id,
        reason=row.reason,
        text=row.text,
        blocked_at=row.blocked_at,
        blocked_by=row.blocked_by,
        lifted_at=row.lifted_at,
        lifted_by=row.lifted_by,
        lifted_text=row.lifted_text,
    )
