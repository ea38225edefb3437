"""Statements over blocks of people."""

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.identity.models import (
    BlockRow,
    Person,
)


async def put_block(session: AsyncSession, block: BlockRow) -> None:
    """Store a block."""
    session.add(block)
    await session.flush()


async def block_for_update(session: AsyncSession, *, person_id: UUID) -> BlockRow | None:
    """Return the block of a person that stands, locked."""
    found: BlockRow | None = await session.scalar(
        sa.select(BlockRow)
        .where(BlockRow.person_id == person_id, BlockRow.lifted_at.is_(None))
        .with_for_update()
    )
    return found


async def blocks_of(session: AsyncSession, *, person_id: UUID, limit: int) -> list[BlockRow]:
    """Return a person's blocks, the newest first."""
    rows = await session.scalars(
        sa.select(BlockRow)
        .where(BlockRow.person_id == person_id)
        .order_by(BlockRow.blocked_at.desc())
        .limit(limit)
    )
    return list(rows)


async def is_blocked(session: AsyncSession, *, person_id: UUID) -> bool:
    """Return whether a block of the person stands."""
    return bool(
        await session.scalar(
            sa.select(
                sa.exists().where(BlockRow.person_id == person_id, BlockRow.lifted_at.is_(None))
            )
        )
    )


async def lock_person(session: AsyncSession, person_id: UUID) -> bool:
    """Lock a person for what is decided about him; false if there is no such person."""
    found = await session.scalar(
        sa.select(Person.id).where(Person.id == person_id).with_for_update()
    )
    return found is not None
