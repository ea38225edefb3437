"""Statements of court sanctions."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import Connection, Hoisted
from app.exchange.models import CourtSanctionRow, SanctionStepRow
from app.exchange.rules.sanctions import Sanction, SanctionStatus

_STANDING = Hoisted(
    sa.select(
        CourtSanctionRow.status,
        CourtSanctionRow.subject_index,
        CourtSanctionRow.services,
        CourtSanctionRow.case_register,
        CourtSanctionRow.case_number,
        CourtSanctionRow.decided_at,
        CourtSanctionRow.valid_until,
    ).where(
        CourtSanctionRow.id == sa.bindparam("sanction_id", type_=sa.Uuid()),
        CourtSanctionRow.person_id == sa.bindparam("person_id", type_=sa.Uuid()),
    )
)


async def standing(
    connection: Connection, *, sanction_id: UUID, person_id: UUID
) -> Sanction | None:
    """Return what a request may lean on of the person's own sanction, or ``None``."""
    row = await _STANDING.row(connection, {"sanction_id": sanction_id, "person_id": person_id})
    if row is None:
        return None
    return Sanction(
        status=SanctionStatus(row["status"]),
        subject=row["subject_index"],
        services=frozenset(row["services"]),
        case_register=row["case_register"],
        case_number=row["case_number"],
        granted_from=row["decided_at"],
        valid_until=row["valid_until"],
    )


async def of_person(
    session: AsyncSession, *, sanction_id: UUID, person_id: UUID, lock: bool = False
) -> CourtSanctionRow | None:
    """Return the person's own sanction, or ``None``."""
    query = sa.select(CourtSanctionRow).where(
        CourtSanctionRow.id == sanction_id, CourtSanctionRow.person_id == person_id
    )
    if lock:
        query = query.with_for_update()
    found: CourtSanctionRow | None = await session.scalar(query)
    return found


async def by_id(session: AsyncSession, sanction_id: UUID) -> CourtSanctionRow | None:
    """Return a sanction, whosever it is, locked."""
    return await session.get(CourtSanctionRow, sanction_id, with_for_update=True)


async def list_of_person(
    session: AsyncSession, *, person_id: UUID, limit: int
) -> Sequence[CourtSanctionRow]:
    """Return the person's sanctions, the newest first."""
    rows = await session.scalars(
        sa.select(CourtSanctionRow)
        .where(CourtSanctionRow.person_id == person_id)
        .order_by(CourtSanctionRow.created_at.desc(), CourtSanctionRow.id)
        .limit(limit)
    )
    return rows.all()


async def steps_of(session: AsyncSession, *, sanction_id: UUID) -> Sequence[SanctionStepRow]:
    """Return the steps of a sanction in their order."""
    rows = await session.scalars(
        sa.select(SanctionStepRow)
        .where(SanctionStepRow.sanction_id == sanction_id)
        .order_by(SanctionStepRow.at, SanctionStepRow.id)
    )
    return rows.all()


async def sent(
    session: AsyncSession, *, court: str, after: UUID | None, limit: int
) -> Sequence[CourtSanctionRow]:
    """Return sanctions that were sent to a court and not received by it yet."""
    query = sa.select(CourtSanctionRow).where(
        CourtSanctionRow.court == court, CourtSanctionRow.status == SanctionStatus.SENT
    )
    if after is not None:
        query = query.where(CourtSanctionRow.id > after)
    return (await session.scalars(query.order_by(CourtSanctionRow.id).limit(limit))).all()


async def over(session: AsyncSession, *, now: datetime, limit: int) -> Sequence[CourtSanctionRow]:
    """Return granted sanctions whose term is over, locked."""
    rows = await session.scalars(
        sa.select(CourtSanctionRow)
        .where(
            CourtSanctionRow.status == SanctionStatus.GRANTED,
            CourtSanctionRow.valid_until <= now,
        )
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return rows.all()
