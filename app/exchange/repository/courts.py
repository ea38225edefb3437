"""Statements of the courts' channel."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.exchange.models.courts import CourtsMessageRow, CourtsSystemRow

_ADMITTED = sa.select(
    CourtsSystemRow.id, CourtsSystemRow.department_id, CourtsSystemRow.credential_sha256
).where(
    CourtsSystemRow.id == sa.bindparam("system_id"),
    CourtsSystemRow.withdrawn_at.is_(None),
)
_OF_UNIT = (
    sa.select(CourtsSystemRow)
    .where(CourtsSystemRow.department_id == sa.bindparam("department_id"))
    .order_by(CourtsSystemRow.issued_at, CourtsSystemRow.id)
)
_STILL_ADMITTED = sa.select(CourtsSystemRow.id).where(
    CourtsSystemRow.id == sa.bindparam("system_id"),
    CourtsSystemRow.withdrawn_at.is_(None),
)


async def admitted(session: AsyncSession, system_id: UUID) -> sa.Row[UUID, UUID, bytes] | None:
    """Return id, unit and credential of a system that was not withdrawn."""
    return (await session.execute(_ADMITTED, {"system_id": system_id})).one_or_none()


async def is_admitted(session: AsyncSession, system_id: UUID) -> bool:
    """Return whether the system is still let in, locked so that it stays so until the commit."""
    found = _STILL_ADMITTED.with_for_update(read=True)
    return (await session.execute(found, {"system_id": system_id})).one_or_none() is not None


async def systems_of(session: AsyncSession, *, department_id: UUID) -> list[CourtsSystemRow]:
    """Return the systems that a unit answers for, the oldest first."""
    return list(await session.scalars(_OF_UNIT, {"department_id": department_id}))


async def system_for_update(
    session: AsyncSession, *, system_id: UUID, department_id: UUID
) -> CourtsSystemRow | None:
    """Return a system that the unit answers for, locked for this transaction."""
    of_unit = sa.select(CourtsSystemRow).where(
        CourtsSystemRow.id == system_id, CourtsSystemRow.department_id == department_id
    )
    return (await session.scalars(of_unit.with_for_update())).one_or_none()


async def take(session: AsyncSession, values: dict[str, UUID | bytes | datetime | object]) -> bool:
    """Take a message; ``False`` where one of its id was taken before.

    Two at once meet at the primary key: the second waits for the first's commit and loses.
    """
    taking = insert(CourtsMessageRow).values(**values).on_conflict_do_nothing()
    taken = await session.execute(taking.returning(CourtsMessageRow.message_id))
    return taken.one_or_none() is not None
