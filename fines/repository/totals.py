"""Statements about what terminals counted themselves."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncSession

from fines import models
from fines.rules.payment import OPEN_ORDERS
from fines.rules.reconciliation_words import CaseKind, CaseStatus
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


async def last_of_each(
    session: AsyncSession, device_ids: Collection[UUID]
) -> dict[UUID, models.TerminalTotals]:
    """Return the batch that each of these terminals closed last."""
    totals = models.TerminalTotals
    found = await session.scalars(
        sa.select(totals)
        .where(totals.device_id.in_(device_ids))
        .ext(distinct_on(totals.device_id))
        .order_by(totals.device_id, totals.closed_at.desc())
    )
    return {one.device_id: one for one in found}


async def ordered_since(
    session: AsyncSession, device_ids: Collection[UUID], *, now: datetime
) -> dict[UUID, datetime]:
    """Return when each of these terminals was ordered to close its day, where it still is."""
    order = models.TerminalOrder
    found = await session.scalars(
        sa.select(order).where(
            order.device_id.in_(device_ids),
            order.kind == OrderKind.RECONCILE,
            order.status.in_(OPEN_ORDERS),
            order.expires_at > now,
        )
    )
    return {one.device_id: one.created_at for one in found}


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


async def told_since(session: AsyncSession, *, since: datetime) -> set[UUID]:
    """Return the terminals whose totals have come since an instant."""
    totals = models.TerminalTotals
    found = await session.scalars(
        sa.select(totals.device_id).where(totals.reported_at >= since).distinct()
    )
    return set(found)


_UNCLOSED = sa.text(
    """
    SELECT d.id FROM unnest(CAST(:ids AS uuid[])) AS d(id)
    LEFT JOIN LATERAL (
        SELECT closed_at, reported_at, receipt_to FROM terminal_totals t
        WHERE t.device_id = d.id ORDER BY t.closed_at DESC LIMIT 1
    ) AS t ON true
    WHERE EXISTS (
        SELECT 1 FROM payments p
        WHERE p.terminal_device_id = d.id AND p.confirmed_at IS NOT NULL
            AND p.approved_at < :before
            AND (t.closed_at IS NULL OR (
                p.approved_at > least(t.closed_at, t.reported_at)
                AND (p.approved_at > t.reported_at OR (p.approved_at > t.closed_at
                    AND (t.receipt_to IS NULL OR p.terminal_receipt_number > t.receipt_to)))))
    )
    """
)


async def with_unclosed_sales(
    session: AsyncSession, *, device_ids: Sequence[UUID], before: datetime
) -> set[UUID]:
    """Return which terminals kept a sale before an instant that no closed batch of theirs holds.

    What a batch holds: see ``repository.hand_in``.
    """
    found = await session.scalars(_UNCLOSED, {"ids": list(device_ids), "before": before})
    return set(found)


async def put_missing_case(
    session: AsyncSession,
    *,
    device_id: UUID,
    department_id: UUID,
    day: date,
    because: str,
    at: datetime,
) -> UUID | None:
    """Open a case of totals that did not come; ``None`` where that day has one."""
    return await session.scalar(
        insert(models.ReconciliationCase)
        .values(
            id=uuid4(),
            kind=CaseKind.TOTALS_MISSING,
            device_id=device_id,
            department_id=department_id,
            day=day,
            status=CaseStatus.OPEN,
            opened_at=at,
            opened_because=because,
            explanation="",
            conclusion="",
        )
        .on_conflict_do_nothing()
        .returning(models.ReconciliationCase.id)
    )
