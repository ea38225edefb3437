"""Statements of the draw's seeds."""

from collections.abc import Sequence
from datetime import date

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.exchange.models import SamplingSeedRow

_SEED_LOCK = 0x5A0A0E01  # with the day: who makes that day's seed
_OPENED_AT_ONCE = 31


async def seed_of(session: AsyncSession, *, day: date) -> SamplingSeedRow | None:
    """Return the seed of a day."""
    return await session.get(SamplingSeedRow, day)


async def one_at_a_time(session: AsyncSession, *, day: date) -> None:
    """Let nobody else make a seed of that day before the transaction ends."""
    lock = sa.func.pg_advisory_xact_lock(_SEED_LOCK, day.toordinal())
    await session.execute(sa.select(lock))


async def unopened_before(session: AsyncSession, *, day: date) -> Sequence[SamplingSeedRow]:
    """Return the seeds of days before ``day`` that are not opened yet, locked."""
    rows = await session.scalars(
        sa.select(SamplingSeedRow)
        .where(SamplingSeedRow.day < day, SamplingSeedRow.opened_at.is_(None))
        .order_by(SamplingSeedRow.day)
        .limit(_OPENED_AT_ONCE)
        .with_for_update()
    )
    return rows.all()
