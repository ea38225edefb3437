"""Statements about what terminals are ordered and report."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from fines import models
from fines.rules.payment import OPEN_ORDERS, OrderStatus
from fines.wire.protocol import OrderKind


async def order(session: AsyncSession, order_id: UUID) -> models.TerminalOrder | None:
    """Return an order. Lock its payment first: every change goes through that lock."""
    return await session.get(models.TerminalOrder, order_id)


async def order_due(
    session: AsyncSession, *, device_id: UUID, now: datetime
) -> models.TerminalOrder | None:
    """Return the order an agent is to do next: settle, take back, sell, print, close the day."""
    urgency = sa.case(
        (models.TerminalOrder.kind == OrderKind.LAST_RESULT, 0),
        (models.TerminalOrder.kind == OrderKind.REVERSAL, 1),
        (models.TerminalOrder.kind == OrderKind.SALE, 2),
        (models.TerminalOrder.kind == OrderKind.RECONCILE, 4),
        else_=3,
    )
    return await session.scalar(
        sa.select(models.TerminalOrder)
        .where(
            models.TerminalOrder.device_id == device_id,
            models.TerminalOrder.status.in_((OrderStatus.WAITING, OrderStatus.TAKEN)),
            models.TerminalOrder.not_before <= now,
            models.TerminalOrder.expires_at > now,
        )
        .order_by(urgency, models.TerminalOrder.created_at)
        .limit(1)
    )


async def open_orders_of(session: AsyncSession, payment_id: UUID) -> Sequence[models.TerminalOrder]:
    """Return the orders of a payment that are not done."""
    found = await session.scalars(
        sa.select(models.TerminalOrder).where(
            models.TerminalOrder.payment_id == payment_id,
            models.TerminalOrder.status.in_(OPEN_ORDERS),
        )
    )
    return found.all()


async def sale_order_of(session: AsyncSession, payment_id: UUID) -> models.TerminalOrder | None:
    """Return the sale order of a payment."""
    return await session.scalar(
        sa.select(models.TerminalOrder).where(
            models.TerminalOrder.payment_id == payment_id,
            models.TerminalOrder.kind == OrderKind.SALE,
        )
    )


async def report(
    session: AsyncSession, *, order_id: UUID, name: str
) -> models.TerminalReport | None:
    """Return a report already taken."""
    return await session.get(models.TerminalReport, (order_id, name))


async def driver_of_terminal(session: AsyncSession, device_id: UUID) -> str | None:
    """Return the driver that a terminal's agent last said it speaks by, if it said hello."""
    return await session.scalar(
        sa.select(models.TerminalHello.driver).where(models.TerminalHello.device_id == device_id)
    )


async def put_hello(session: AsyncSession, hello: models.TerminalHello) -> None:
    """Keep what an agent last said of itself."""
    await session.merge(hello)
