"""Statements of the exchange, built once."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.exchange.models import RegisterRequestRow
from app.exchange.rules.requests import RequestStatus

_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(hours=24)

_COUNTS = sa.select(
    sa.func.count().filter(RegisterRequestRow.received_at > sa.bindparam("hour_ago")),
    sa.func.count(),
).where(
    RegisterRequestRow.person_id == sa.bindparam("person_id"),
    RegisterRequestRow.received_at > sa.bindparam("day_ago"),
    # A refused request asked nobody: a slip of the finger does not use up the limit.
    RegisterRequestRow.status != RequestStatus.REFUSED,
)
_LOCKED = (
    sa.select(RegisterRequestRow)
    .where(RegisterRequestRow.id == sa.bindparam("request_id"))
    .with_for_update()
)
_OF_PERSON = sa.select(RegisterRequestRow).where(
    RegisterRequestRow.id == sa.bindparam("request_id"),
    RegisterRequestRow.person_id == sa.bindparam("person_id"),
)


async def counts_before(
    session: AsyncSession, *, person_id: UUID, now: datetime
) -> tuple[int, int]:
    """Return how many requests the person made in the last 60 minutes and in 24 hours."""
    row = await session.execute(
        _COUNTS, {"person_id": person_id, "hour_ago": now - _HOUR, "day_ago": now - _DAY}
    )
    hour, day = row.one()
    return hour, day


async def insert(session: AsyncSession, values: Mapping[str, object]) -> None:
    """Insert one request."""
    session.add(RegisterRequestRow(**values))
    await session.flush()


async def locked(session: AsyncSession, request_id: UUID) -> RegisterRequestRow:
    """Return our own request, locked for this transaction."""
    return (await session.execute(_LOCKED, {"request_id": request_id})).scalar_one()


async def of_person(
    session: AsyncSession, *, request_id: UUID, person_id: UUID
) -> RegisterRequestRow | None:
    """Return the person's own request, or ``None``."""
    return (
        await session.execute(_OF_PERSON, {"request_id": request_id, "person_id": person_id})
    ).scalar_one_or_none()
