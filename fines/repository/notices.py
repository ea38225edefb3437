"""Statements about what the register is to be told."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from fines import models
from fines.rules.notices import NoticeStatus


async def claim_notice(session: AsyncSession, *, now: datetime) -> models.RegisterNotice | None:
    """Return a notice that is due, locked, and that nobody else works at."""
    notice = models.RegisterNotice
    return await session.scalar(
        sa.select(notice)
        .where(notice.status == NoticeStatus.WAITING, notice.next_at <= now)
        .order_by(notice.next_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )


async def locked_notice(session: AsyncSession, notice_id: UUID) -> models.RegisterNotice | None:
    """Return a notice, locked."""
    return await session.get(models.RegisterNotice, notice_id, with_for_update=True)


async def payment_of_number(session: AsyncSession, number: int) -> models.Payment:
    """Return a payment by its running number."""
    found = await session.scalars(sa.select(models.Payment).where(models.Payment.number == number))
    return found.one()


async def has_case(session: AsyncSession, notice_id: UUID) -> bool:
    """Return whether a notice has a case."""
    case = models.ReconciliationCase
    found = await session.scalar(sa.select(case.id).where(case.notice_id == notice_id))
    return found is not None


async def untold(
    session: AsyncSession, *, department_id: UUID
) -> Sequence[tuple[NoticeStatus, int, datetime]]:
    """Return how many notices of a unit are not told, by status, and since when."""
    notice = models.RegisterNotice
    found = await session.execute(
        sa.select(notice.status, sa.func.count(), sa.func.min(notice.created_at))
        .where(notice.department_id == department_id, notice.status != NoticeStatus.TOLD)
        .group_by(notice.status)
        .order_by(notice.status)
    )
    return [(status, count, since) for status, count, since in found]
