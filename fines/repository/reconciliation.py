"""Statements about items and cases of reconciliation. Nothing is decided here."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from fines import models
from fines.rules.reconciliation_words import DIFFERENCES, UNPAIRED, CaseKind, CaseStatus, Verdict


async def say_only_ours(session: AsyncSession, *, last_day: date, at: datetime) -> int:
    """Hold for missing on the other side what waits since ``last_day`` or before."""
    item = models.ReconciliationItem
    done = await session.execute(
        sa.update(item)
        .where(
            item.verdict.in_(UNPAIRED),
            item.verdict == Verdict.WAITING,
            item.day <= last_day,
        )
        .values(verdict=Verdict.ONLY_OURS, found_at=at)
    )
    return _count(done)


async def open_cases(
    session: AsyncSession, *, last_day: date, because: str, at: datetime, limit: int
) -> Sequence[UUID]:
    """Open a case for each difference of ``last_day`` or before that has none; return their ids."""
    item = models.ReconciliationItem
    found = await session.execute(
        sa.select(item.id, item.department_id)
        .where(item.verdict.in_(DIFFERENCES), sa.not_(item.has_case), item.day <= last_day)
        .order_by(item.id)
        .limit(limit)
    )
    rows = [
        {
            "id": uuid4(),
            "kind": CaseKind.DIFFERENCE,
            "item_id": item_id,
            "department_id": department_id,
            "status": CaseStatus.OPEN,
            "opened_at": at,
            "opened_because": because,
            "explanation": "",
            "conclusion": "",
        }
        for item_id, department_id in found
    ]
    if not rows:
        return ()
    await session.execute(sa.insert(models.ReconciliationCase), rows)
    await session.execute(
        sa.update(item).where(item.id.in_([row["item_id"] for row in rows])).values(has_case=True)
    )
    return [UUID(str(row["id"])) for row in rows]


async def locked_case(
    session: AsyncSession, *, case_id: UUID, department_id: UUID
) -> models.ReconciliationCase | None:
    """Return a case of a unit, locked; what belongs to no unit is everybody's."""
    case = models.ReconciliationCase
    return await session.scalar(
        sa.select(case)
        .where(
            case.id == case_id,
            sa.or_(case.department_id.is_(None), case.department_id == department_id),
        )
        .with_for_update()
    )


async def locked_payment(session: AsyncSession, *, number: int) -> models.Payment | None:
    """Return a payment by its running number, locked."""
    return await session.scalar(
        sa.select(models.Payment).where(models.Payment.number == number).with_for_update()
    )


def _count(done: sa.Result[tuple[object, ...]]) -> int:
    return int(getattr(done, "rowcount", 0))
