"""Statements about offence records."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from fines import models
from fines.rules.offence_record import OffenceStatus
from fines.rules.payment import LIVE
from fines.rules.proceedings import EntryKind
from fines.rules.terms import DatedTerms, Span, spans


async def next_serial(session: AsyncSession, sequence: sa.Sequence) -> int:
    """Return the next number of a sequence; a gap is left where a transaction fails."""
    return int(await session.scalar(sequence) or 0)


async def offence_record(
    session: AsyncSession, offence_record_id: UUID, *, lock: bool = False
) -> models.OffenceRecord | None:
    """Return a record, locked against other transactions where asked."""
    query = sa.select(models.OffenceRecord).where(models.OffenceRecord.id == offence_record_id)
    return await session.scalar(query.with_for_update() if lock else query)


async def same_offence_record(
    session: AsyncSession, *, check_id: UUID, article: str, part: str, occurred_at: datetime
) -> models.OffenceRecord | None:
    """Return the record of this very offence, if it is there."""
    return await session.scalar(
        sa.select(models.OffenceRecord).where(
            models.OffenceRecord.check_id == check_id,
            models.OffenceRecord.article == article,
            models.OffenceRecord.part == part,
            models.OffenceRecord.occurred_at == occurred_at,
        )
    )


async def records_of_department(
    session: AsyncSession, *, department_id: UUID | None, number: str, limit: int
) -> Sequence[tuple[models.OffenceRecord, int]]:
    """Return a unit's records, newest first, and how many corrections stand beside each.

    With a ``number``, only the record of that number.
    """
    corrections = (
        sa.select(sa.func.count())
        .where(
            models.RecordEntry.offence_record_id == models.OffenceRecord.id,
            models.RecordEntry.kind == EntryKind.CORRECTION,
        )
        .correlate(models.OffenceRecord)
        .scalar_subquery()
    )
    query = sa.select(models.OffenceRecord, corrections).where(
        models.OffenceRecord.department_id == department_id
    )
    if number:
        query = query.where(models.OffenceRecord.number == number)
    found = await session.execute(
        query.order_by(models.OffenceRecord.drawn_up_at.desc()).limit(limit)
    )
    return [(record, count) for record, count in found]


async def acts(session: AsyncSession, offence_record_id: UUID) -> Sequence[models.OffenceAct]:
    """Return the acts done so far, oldest first."""
    found = await session.scalars(
        sa.select(models.OffenceAct)
        .where(models.OffenceAct.offence_record_id == offence_record_id)
        .order_by(models.OffenceAct.at, models.OffenceAct.act)
    )
    return found.all()


async def undecided_records(
    session: AsyncSession, *, now: datetime, terms: DatedTerms, limit: int
) -> Sequence[models.OffenceRecord]:
    """Return records whose term to agree is over and that nobody else works at, oldest first."""
    found = await session.scalars(
        sa.select(models.OffenceRecord)
        .where(
            models.OffenceRecord.status == OffenceStatus.DRAWN_UP,
            sa.or_(*(_over(one, now) for one in spans(terms))),
        )
        .order_by(models.OffenceRecord.drawn_up_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return found.all()


def _over(span: Span, now: datetime) -> sa.ColumnElement[bool]:
    drawn_up_at = models.OffenceRecord.drawn_up_at
    within = [] if span.since is None else [drawn_up_at >= span.since]
    if span.until is not None:
        within.append(drawn_up_at < span.until)
    return sa.and_(drawn_up_at <= now - span.term, *within)


async def lapsed_receipts(
    session: AsyncSession, *, now: datetime, limit: int
) -> Sequence[models.OffenceRecord]:
    """Return receipts whose discount has ended and that no payment can still settle."""
    live = sa.exists().where(
        models.Payment.offence_record_id == models.OffenceRecord.id,
        models.Payment.status.in_(LIVE),
    )
    found = await session.scalars(
        sa.select(models.OffenceRecord)
        .where(
            models.OffenceRecord.status == OffenceStatus.RECEIPT_ISSUED,
            models.OffenceRecord.discount_until <= now,
            ~live,
        )
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return found.all()
