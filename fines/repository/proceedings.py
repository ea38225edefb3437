"""Statements about old fines and ordinary proceedings."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from fines import models
from fines.rules.offence_record import OffenceStatus
from fines.rules.payment import LIVE
from fines.rules.proceedings import CourseStage, EntryKind


async def ordinary_case(
    session: AsyncSession, offence_record_id: UUID, *, lock: bool = False
) -> models.OrdinaryCase | None:
    """Return the ordinary proceedings of a record, if it went there."""
    query = sa.select(models.OrdinaryCase).where(
        models.OrdinaryCase.offence_record_id == offence_record_id
    )
    return await session.scalar(query.with_for_update() if lock else query)


async def cases_of_department(
    session: AsyncSession, *, department_id: UUID, stages: Sequence[CourseStage], limit: int
) -> Sequence[tuple[models.OrdinaryCase, models.OffenceRecord]]:
    """Return a unit's cases at these stages, the one that is due first in front."""
    found = await session.execute(
        sa.select(models.OrdinaryCase, models.OffenceRecord)
        .join(models.OffenceRecord)
        .where(
            models.OrdinaryCase.department_id == department_id,
            models.OrdinaryCase.stage.in_(stages),
        )
        .order_by(models.OrdinaryCase.due_at.nulls_last(), models.OrdinaryCase.offence_record_id)
        .limit(limit)
    )
    return [(case, record) for case, record in found]


async def overdue_cases(
    session: AsyncSession, *, now: datetime, stages: Sequence[CourseStage], limit: int
) -> Sequence[models.OrdinaryCase]:
    """Return cases whose term ended unnoted, and that nobody else works at."""
    found = await session.scalars(
        sa.select(models.OrdinaryCase)
        .where(
            models.OrdinaryCase.stage.in_(stages),
            models.OrdinaryCase.due_at <= now,
            models.OrdinaryCase.overdue_noted_at.is_(None),
        )
        .order_by(models.OrdinaryCase.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return found.all()


async def unpaid_decisions(session: AsyncSession, *, now: datetime, limit: int) -> Sequence[UUID]:
    """Return the records of decisions whose term to pay is over, the longest over in front.

    Without those that a payment under way may still settle.
    """
    live = sa.exists().where(
        models.Payment.offence_record_id == models.OrdinaryCase.offence_record_id,
        models.Payment.status.in_(LIVE),
    )
    found = await session.scalars(
        sa.select(models.OrdinaryCase.offence_record_id)
        .where(
            models.OrdinaryCase.stage == CourseStage.DECIDED,
            models.OrdinaryCase.due_at <= now,
            models.OrdinaryCase.suspended.is_(False),
            ~live,
        )
        .order_by(models.OrdinaryCase.due_at)
        .limit(limit)
    )
    return found.all()


async def unreckoned_terms(
    session: AsyncSession, *, stage: CourseStage, limit: int
) -> Sequence[UUID]:
    """Return the records of decided fines in force whose term has no end yet, the oldest in front.

    The calendar covers years from the past on: what it covers stands before what it does not.
    """
    found = await session.scalars(
        sa.select(models.OrdinaryCase.offence_record_id)
        .where(
            models.OrdinaryCase.stage == stage,
            models.OrdinaryCase.due_at.is_(None),
            models.OrdinaryCase.suspended.is_(False),
            models.OrdinaryCase.in_force_on.is_not(None),
            models.OrdinaryCase.fine_tiyn > 0,
        )
        .order_by(models.OrdinaryCase.in_force_on, models.OrdinaryCase.offence_record_id)
        .limit(limit)
    )
    return found.all()


async def entries_of(
    session: AsyncSession, offence_record_id: UUID, *, kind: EntryKind | None = None
) -> Sequence[models.RecordEntry]:
    """Return what was written after a record, oldest first."""
    query = sa.select(models.RecordEntry).where(
        models.RecordEntry.offence_record_id == offence_record_id
    )
    if kind is not None:
        query = query.where(models.RecordEntry.kind == kind)
    found = await session.scalars(query.order_by(models.RecordEntry.at, models.RecordEntry.id))
    return found.all()


async def records_of_person(
    session: AsyncSession, *, offender_index: bytes, limit: int
) -> Sequence[tuple[models.OffenceRecord, models.OrdinaryCase | None, datetime | None]]:
    """Return a person's records, newest first, with their cases and when they were paid."""
    paid_at = (
        sa.select(sa.func.max(models.Payment.confirmed_at))
        .where(models.Payment.offence_record_id == models.OffenceRecord.id)
        .correlate(models.OffenceRecord)
        .scalar_subquery()
    )
    found = await session.execute(
        sa.select(models.OffenceRecord, models.OrdinaryCase, paid_at)
        .outerjoin(models.OrdinaryCase)
        .where(
            models.OffenceRecord.offender_index == offender_index,
            models.OffenceRecord.status != OffenceStatus.DRAFT,
        )
        .order_by(models.OffenceRecord.drawn_up_at.desc())
        .limit(limit)
    )
    return [(record, case, paid) for record, case, paid in found]


async def register_fine(
    session: AsyncSession, *, offender_index: bytes, decision_number: str
) -> models.RegisterFine | None:
    """Return a fine of the register that was taken over before."""
    return await session.scalar(
        sa.select(models.RegisterFine).where(
            models.RegisterFine.offender_index == offender_index,
            models.RegisterFine.decision_number == decision_number,
        )
    )


async def live_payment_of_fine(
    session: AsyncSession, register_fine_id: UUID
) -> models.Payment | None:
    """Return the one payment of a fine of the register that has not failed."""
    return await session.scalar(
        sa.select(models.Payment).where(
            models.Payment.register_fine_id == register_fine_id, models.Payment.status.in_(LIVE)
        )
    )
