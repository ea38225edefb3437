"""Statements about slips and filed documents."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from fines import models


async def slips_of(session: AsyncSession, payment_id: UUID) -> Sequence[models.SlipRow]:
    """Return the slips of a payment in the order of their copies."""
    found = await session.scalars(
        sa.select(models.SlipRow)
        .where(models.SlipRow.payment_id == payment_id)
        .order_by(models.SlipRow.kind, models.SlipRow.copy_number, models.SlipRow.duplicate)
    )
    return found.all()


async def slip(
    session: AsyncSession, *, payment_id: UUID, slip_id: UUID, lock: bool = False
) -> models.SlipRow | None:
    """Return one slip of a payment."""
    query = sa.select(models.SlipRow).where(
        models.SlipRow.id == slip_id, models.SlipRow.payment_id == payment_id
    )
    return await session.scalar(query.with_for_update() if lock else query)


async def receipt_paper(session: AsyncSession, offence_record_id: UUID) -> models.Paper | None:
    """Return the filed receipt of a record."""
    return await paper_of_record(session, offence_record_id, kind="receipt")


async def paper_of_record(
    session: AsyncSession, offence_record_id: UUID, *, kind: str
) -> models.Paper | None:
    """Return the filed paper of that kind of a record."""
    return await session.scalar(
        sa.select(models.Paper).where(
            models.Paper.offence_record_id == offence_record_id, models.Paper.kind == kind
        )
    )
