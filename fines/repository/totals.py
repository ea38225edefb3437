"""Statements about what terminals counted themselves."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from fines import models
from fines.rules.payment import OPEN_ORDERS
from fines.wire.protocol import OrderKind


async def open_reconcile_of(
    session: AsyncSession, *, device_id: UUID
) -> models.TerminalOrder | None:
    """Return the order for totals that a terminal has not answered yet."""
    return await session.scalar(
        sa.select(models.TerminalOrder).where(
            models.TerminalOrder.device_id == device_id,
            models.TerminalOrder.kind == OrderKind.RECONCILE,
            models.TerminalOrder.status.in_(OPEN_ORDERS),
        )
    )


async def locked_reconcile(
    session: AsyncSession, *, order_id: UUID, device_id: UUID
) -> models.TerminalOrder | None:
    """Return a terminal's order for its totals, locked."""
    return await session.scalar(
        sa.select(models.TerminalOrder)
        .where(
            models.TerminalOrder.id == order_id,
            models.TerminalOrder.device_id == device_id,
            models.TerminalOrder.kind == OrderKind.RECONCILE,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )


async def totals_of(
    session: AsyncSession, *, device_id: UUID, limit: int
) -> Sequence[models.TerminalTotals]:
    """Return a terminal's closed batches, newest first."""
    found = await session.scalars(
        sa.select(models.TerminalTotals)
        .where(models.TerminalTotals.device_id == device_id)
        .order_by(models.TerminalTotals.closed_at.desc())
        .limit(limit)
    )
    return found.all()
