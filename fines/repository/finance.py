"""What the finance page shows: counts and sums by day, terminal, officer and shift."""

from collections.abc import AsyncIterator, Sequence
from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from fines import models
from fines.rules.reconciliation_words import DIFFERENCES, CaseKind, Source, Verdict

_SHOWN_MAX = 200


def _of_unit(department_id: UUID) -> sa.ColumnElement[bool]:
    item = models.ReconciliationItem
    # What the acquirer or the treasury alone tells belongs to no unit: everybody's to explain.
    return sa.or_(item.department_id == department_id, item.department_id.is_(None))


async def days(
    session: AsyncSession, *, department_id: UUID | None, since: date
) -> Sequence[tuple[date, Source, Verdict, int, int | None, int | None]]:
    """Return, by day, source and verdict: how many items, our sum, their sum."""
    item = models.ReconciliationItem
    found = await session.execute(
        sa.select(
            item.day,
            item.source,
            item.verdict,
            sa.func.count(),
            sa.func.sum(item.ours_tiyn),
            sa.func.sum(item.theirs_tiyn),
        )
        .where(
            item.day >= since,
            sa.true() if department_id is None else _of_unit(department_id),
        )
        .group_by(item.day, item.source, item.verdict)
        .order_by(item.day.desc(), item.source, item.verdict)
    )
    return [tuple(row) for row in found]  # type: ignore[misc]  # the columns above, in order


async def split_of_day(
    session: AsyncSession, *, department_id: UUID, day: date
) -> Sequence[tuple[str, UUID | None, UUID | None, int, int, int]]:
    """Return, by terminal, officer and shift of a day: items, differences, our sum."""
    item = models.ReconciliationItem
    wrong = sa.func.count().filter(item.verdict.in_(DIFFERENCES))
    found = await session.execute(
        sa.select(
            item.terminal_number,
            item.post_id,
            item.shift_id,
            sa.func.count(),
            wrong,
            sa.func.coalesce(sa.func.sum(item.ours_tiyn), 0),
        )
        .where(item.day == day, item.source == Source.ACQUIRER, _of_unit(department_id))
        .group_by(item.terminal_number, item.post_id, item.shift_id)
        .order_by(wrong.desc(), item.terminal_number)
        .limit(_SHOWN_MAX)
    )
    return [tuple(row) for row in found]  # type: ignore[misc]  # the columns above, in order


async def differences(
    session: AsyncSession, *, department_id: UUID, since: date
) -> Sequence[tuple[models.ReconciliationItem, models.ReconciliationCase | None]]:
    """Return what does not match, newest first, with its case."""
    item, case = models.ReconciliationItem, models.ReconciliationCase
    found = await session.execute(
        sa.select(item, case)
        .outerjoin(case, case.item_id == item.id)
        .where(
            item.day >= since,
            item.verdict.in_((*DIFFERENCES, Verdict.LATE)),
            _of_unit(department_id),
        )
        .order_by(item.day.desc(), item.id.desc())
        .limit(_SHOWN_MAX)
    )
    return [(one, opened) for one, opened in found]


async def other_cases(
    session: AsyncSession, *, department_id: UUID
) -> Sequence[tuple[models.ReconciliationCase, models.RegisterNotice | None]]:
    """Return a unit's cases that are no differences, newest first, with the notice of each."""
    case, notice = models.ReconciliationCase, models.RegisterNotice
    found = await session.execute(
        sa.select(case, notice)
        .outerjoin(notice, notice.id == case.notice_id)
        .where(case.kind != CaseKind.DIFFERENCE, case.department_id == department_id)
        .order_by(case.opened_at.desc())
        .limit(_SHOWN_MAX)
    )
    return [(one, about) for one, about in found]


async def items_of_days(
    session: AsyncSession, *, department_id: UUID | None, first: date, last: date
) -> AsyncIterator[models.ReconciliationItem]:
    """Yield the items of some days, of a unit or (``None``) of all, in their order."""
    item = models.ReconciliationItem
    query = sa.select(item).where(item.day >= first, item.day <= last).order_by(item.day, item.id)
    if department_id is not None:
        query = query.where(_of_unit(department_id))
    found = await session.stream_scalars(query, execution_options={"yield_per": 2000})
    async for one in found:
        yield one
