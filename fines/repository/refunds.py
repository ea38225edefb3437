"""Statements about refunds."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from fines import models
from fines.rules.reconciliation_words import Detail, Source, Verdict
from fines.rules.refunds import RefundStatus
from fines.wire.slip import SlipKind

_SHOWN_MAX = 200
_FOUND_MAX = 10
_APPROVED = (RefundStatus.APPROVED, RefundStatus.SENT, RefundStatus.PAID)
_ONE_BY_ONE = sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")


async def refund(
    session: AsyncSession, refund_id: UUID, *, department_id: UUID, lock: bool = False
) -> models.Refund | None:
    """Return a refund of a unit, locked where asked."""
    query = sa.select(models.Refund).where(
        models.Refund.id == refund_id, models.Refund.department_id == department_id
    )
    return await session.scalar(query.with_for_update() if lock else query)


async def refund_of_key(session: AsyncSession, idempotency_key: str) -> models.Refund | None:
    """Return the refund an idempotency key began."""
    return await session.scalar(
        sa.select(models.Refund).where(models.Refund.idempotency_key == idempotency_key)
    )


async def refunded_tiyn(session: AsyncSession, *, payment_number: int) -> int:
    """Return what was asked back of a payment and not refused."""
    total = await session.scalar(
        sa.select(sa.func.coalesce(sa.func.sum(models.Refund.amount_tiyn), 0)).where(
            models.Refund.payment_number == payment_number,
            models.Refund.status != RefundStatus.REFUSED,
        )
    )
    return int(total or 0)


async def paid_out(
    session: AsyncSession,
    *,
    payment_id: UUID | None = None,
    offence_record_id: UUID | None = None,
) -> tuple[int, datetime | None]:
    """Return what the acquirer gave back of a payment, or of a record's payments, and when last."""
    of = (
        models.Payment.id == payment_id
        if payment_id is not None
        else models.Payment.offence_record_id == offence_record_id
    )
    found = await session.execute(
        sa.select(
            sa.func.coalesce(sa.func.sum(models.Refund.amount_tiyn), 0),
            sa.func.max(models.Refund.paid_at),
        )
        .join(models.Payment, models.Payment.number == models.Refund.payment_number)
        .where(of, models.Refund.status == RefundStatus.PAID)
    )
    total, last = found.one()
    return int(total), last


async def approved_of_day(
    session: AsyncSession, *, department_id: UUID, person_id: UUID, first: datetime, last: datetime
) -> tuple[int, int]:
    """Return in tiyn what a clerk, and what all clerks of a unit, approved before ``last``.

    Both are held for this transaction: who approves at the same moment waits, and counts it too.
    """
    # Always in one order, so that two clerks of two units never wait for each other.
    for name in sorted((f"unit {department_id}", f"clerk {person_id}"), reverse=True):
        await session.execute(_ONE_BY_ONE, {"name": f"fines.refund_limit {name}"})
    refund_row = models.Refund
    total = sa.func.coalesce(sa.func.sum(refund_row.amount_tiyn), 0)
    of_day = (
        refund_row.decided_at >= first,
        refund_row.decided_at < last,
        refund_row.status.in_(_APPROVED),
    )
    of_clerk = await session.scalar(
        sa.select(total).where(refund_row.decided_by_person_id == person_id, *of_day)
    )
    of_unit = await session.scalar(
        sa.select(total).where(refund_row.department_id == department_id, *of_day)
    )
    return int(of_clerk or 0), int(of_unit or 0)


async def approved_refunds(
    session: AsyncSession, *, department_id: UUID
) -> Sequence[tuple[models.Refund, models.Payment]]:
    """Return a unit's refunds that are decided and told to nobody yet, locked."""
    found = await session.execute(
        sa.select(models.Refund, models.Payment)
        .join(models.Payment, models.Payment.number == models.Refund.payment_number)
        .where(
            models.Refund.status == RefundStatus.APPROVED,
            models.Refund.department_id == department_id,
        )
        .order_by(models.Refund.requested_at, models.Refund.id)
        .with_for_update(of=models.Refund)
    )
    return [(one, payment) for one, payment in found]


async def refunds_of_unit(
    session: AsyncSession, *, department_id: UUID
) -> Sequence[tuple[models.Refund, UUID]]:
    """Return a unit's latest refunds with the payment of each, newest first."""
    found = await session.execute(
        sa.select(models.Refund, models.Payment.id)
        .join(models.Payment, models.Payment.number == models.Refund.payment_number)
        .where(models.Refund.department_id == department_id)
        .order_by(models.Refund.requested_at.desc(), models.Refund.id)
        .limit(_SHOWN_MAX)
    )
    return [(one, payment_id) for one, payment_id in found]


async def add_waiting_refund(
    session: AsyncSession, refund_row: models.Refund, payment: models.Payment, *, day: date
) -> None:
    """Put a refund among what the acquirer has to answer for."""
    await session.execute(
        sa.insert(models.ReconciliationItem).values(
            day=day,
            source=Source.ACQUIRER,
            verdict=Verdict.WAITING,
            detail=Detail.NONE,
            payment_number=payment.number,
            refund_id=refund_row.id,
            department_id=payment.department_id,
            post_id=payment.post_id,
            device_id=payment.terminal_device_id,
            shift_id=payment.shift_id,
            terminal_number=payment.terminal_number_expected,
            ours_tiyn=-refund_row.amount_tiyn,
            found_at=sa.func.now(),
        )
    )


async def payments_of_rrn(
    session: AsyncSession, *, rrn: str, department_id: UUID
) -> Sequence[models.Payment]:
    """Return a unit's kept payments with an RRN, newest first: acquirers use one again."""
    found = await session.scalars(
        sa.select(models.Payment)
        .where(
            models.Payment.rrn == rrn,
            models.Payment.department_id == department_id,
            models.Payment.confirmed_at.is_not(None),
        )
        .order_by(models.Payment.number.desc())
        .limit(_FOUND_MAX)
    )
    return found.all()


async def slip_of_refund(session: AsyncSession, refund_id: UUID) -> UUID | None:
    """Return the slip of a refund that was paid out."""
    return await session.scalar(
        sa.select(models.SlipRow.id).where(
            models.SlipRow.refund_id == refund_id, models.SlipRow.duplicate == 0
        )
    )


async def unfiled_refund_slips(
    session: AsyncSession, *, limit: int
) -> Sequence[tuple[UUID, models.Payment]]:
    """Return slips of refunds that are not filed yet, the oldest first, with their payments."""
    slip = models.SlipRow
    found = await session.execute(
        sa.select(slip.id, models.Payment)
        .join(models.Payment, models.Payment.id == slip.payment_id)
        .where(slip.kind == SlipKind.REFUND, slip.paper_id.is_(None))
        .order_by(slip.created_at)
        .limit(limit)
    )
    return [(slip_id, payment) for slip_id, payment in found]
