"""Statements about a terminal's own totals beside our rows of the same batch."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from fines import models
from fines.rules.reconciliation_words import CaseKind, CaseStatus, Source, Verdict


def _after(totals: models.TerminalTotals | None) -> sa.ColumnElement[bool]:
    """Payments that a closed batch does not hold: later, by its own receipts too.

    The report of a batch may reach us after the next sale has; the receipt's number tells.
    """
    payment = models.Payment
    if totals is None:
        return sa.true()
    later = payment.approved_at > totals.reported_at
    if totals.receipt_to is None:
        return sa.or_(later, payment.approved_at > totals.closed_at)
    return sa.or_(
        later,
        sa.and_(
            payment.approved_at > totals.closed_at,
            payment.terminal_receipt_number > totals.receipt_to,
        ),
    )


def _kept_on(device_id: UUID) -> sa.ColumnElement[bool]:
    payment = models.Payment
    return sa.and_(payment.terminal_device_id == device_id, payment.confirmed_at.is_not(None))


async def last_totals(
    session: AsyncSession, *, device_id: UUID, before: datetime | None = None
) -> models.TerminalTotals | None:
    """Return the batch a terminal closed last, or last before an instant."""
    totals = models.TerminalTotals
    query = sa.select(totals).where(totals.device_id == device_id)
    if before is not None:
        query = query.where(totals.closed_at < before)
    return await session.scalar(query.order_by(totals.closed_at.desc()).limit(1))


async def batch_of(
    session: AsyncSession,
    *,
    totals: models.TerminalTotals,
    previous: models.TerminalTotals | None,
) -> tuple[int, int]:
    """Return how many sales of ours belong to a closed batch, and their sum."""
    payment = models.Payment
    found = await session.execute(
        sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(payment.amount_tiyn), 0)).where(
            _kept_on(totals.device_id), _after(previous), sa.not_(_after(totals))
        )
    )
    count, total = found.one()
    return int(count), int(total)


async def is_kept_after(
    session: AsyncSession, *, device_id: UUID, totals: models.TerminalTotals | None
) -> bool:
    """Return whether the terminal has kept a sale since its last closed batch."""
    found = await session.scalar(
        sa.select(models.Payment.number).where(_kept_on(device_id), _after(totals)).limit(1)
    )
    return found is not None


async def add_batch_item(session: AsyncSession, item: models.ReconciliationItem) -> None:
    """Keep what came of a batch."""
    session.add(item)
    await session.flush()


async def open_difference(session: AsyncSession, *, device_id: UUID) -> int | None:
    """Return a batch of the terminal that differs and whose case nobody has closed."""
    item, case = models.ReconciliationItem, models.ReconciliationCase
    closed = (
        sa.select(case.id).where(case.item_id == item.id, case.status == CaseStatus.CLOSED).exists()
    )
    return await session.scalar(
        sa.select(item.id)
        .where(
            item.source == Source.TERMINAL,
            item.device_id == device_id,
            item.verdict == Verdict.AMOUNT_DIFFERS,
            sa.not_(closed),
        )
        .limit(1)
    )


async def overridden_since(session: AsyncSession, *, device_id: UUID, since: datetime) -> bool:
    """Return whether a superior let the terminal be handed in all the same."""
    case = models.ReconciliationCase
    found = await session.scalar(
        sa.select(case.id)
        .where(
            case.device_id == device_id,
            case.kind == CaseKind.HAND_IN,
            case.opened_at >= since,
        )
        .limit(1)
    )
    return found is not None
