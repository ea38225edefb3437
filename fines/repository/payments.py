"""Statements about payments."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from fines import models
from fines.rules.payment import LIVE, OrderStatus
from fines.wire.protocol import OrderKind


async def payment(
    session: AsyncSession, payment_id: UUID, *, lock: bool = False
) -> models.Payment | None:
    """Return a payment, locked against other transactions where asked."""
    query = sa.select(models.Payment).where(models.Payment.id == payment_id)
    return await session.scalar(query.with_for_update() if lock else query)


async def payment_of_key(session: AsyncSession, idempotency_key: str) -> models.Payment | None:
    """Return the payment an idempotency key began."""
    return await session.scalar(
        sa.select(models.Payment).where(models.Payment.idempotency_key == idempotency_key)
    )


async def live_payment_of(session: AsyncSession, offence_record_id: UUID) -> models.Payment | None:
    """Return the one payment of a record that has not failed."""
    return await session.scalar(
        sa.select(models.Payment).where(
            models.Payment.offence_record_id == offence_record_id,
            models.Payment.status.in_(LIVE),
        )
    )


async def payments_of(session: AsyncSession, offence_record_id: UUID) -> Sequence[models.Payment]:
    """Return every attempt on a record, newest first."""
    found = await session.scalars(
        sa.select(models.Payment)
        .where(models.Payment.offence_record_id == offence_record_id)
        .order_by(models.Payment.created_at.desc())
    )
    return found.all()


async def unsettled_payment_on(session: AsyncSession, device_id: UUID) -> models.Payment | None:
    """Return a sale on this terminal whose end is not proven yet."""
    return await session.scalar(
        sa.select(models.Payment)
        .where(models.Payment.terminal_device_id == device_id, models.Payment.unended)
        .limit(1)
    )


async def unfiled_payments(
    session: AsyncSession, *, department_id: UUID, limit: int
) -> Sequence[models.Payment]:
    """Return a unit's kept payments whose signed slip is not filed, the oldest first."""
    found = await session.scalars(
        sa.select(models.Payment)
        .where(
            models.Payment.department_id == department_id,
            models.Payment.confirmed_at.is_not(None),
            models.Payment.filed_at.is_(None),
        )
        .order_by(models.Payment.confirmed_at, models.Payment.number)
        .limit(limit)
    )
    return found.all()


async def overdue_payments(
    session: AsyncSession, *, now: datetime, started_before: datetime, limit: int
) -> Sequence[UUID]:
    """Return payments with a sale order nobody took in time, or one that never ended."""
    overdue = sa.or_(
        sa.and_(
            models.TerminalOrder.status.in_((OrderStatus.WAITING, OrderStatus.TAKEN)),
            models.TerminalOrder.expires_at <= now,
        ),
        sa.and_(
            models.TerminalOrder.status == OrderStatus.STARTED,
            models.TerminalOrder.started_at <= started_before,
        ),
    )
    found = await session.scalars(
        sa.select(models.TerminalOrder.payment_id)
        .where(models.TerminalOrder.kind == OrderKind.SALE, overdue)
        .limit(limit)
    )
    return [one for one in found if one is not None]
