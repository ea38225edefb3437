"""Statements of the fines slice. Nothing is decided here."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Final
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from fines import models
from fines.rules.catalogue import Article, Jurisdiction, Mrp, Penalty
from fines.rules.offence_record import OffenceStatus
from fines.rules.payment import LIVE, OPEN_ORDERS, OrderStatus, PaymentStatus
from fines.wire.protocol import OrderKind

_CATALOGUE_COLUMNS: Final = (
    "valid_to",
    "penalties",
    "mrp_count",
    "jurisdiction",
    "title_kk",
    "title_ru",
    "source",
    "verified",
)


# --- catalogue --------------------------------------------------------------------------------


async def put_articles(session: AsyncSession, rows: Iterable[Article]) -> None:
    """Insert or update catalogue rows by article, part and first day."""
    values = [
        {
            "id": uuid4(),
            "article": one.article,
            "part": one.part,
            "valid_from": one.valid_from,
            "valid_to": one.valid_to,
            "penalties": sorted(penalty.value for penalty in one.penalties),
            "mrp_count": one.mrp_count,
            "jurisdiction": one.jurisdiction,
            "title_kk": one.title_kk,
            "title_ru": one.title_ru,
            "source": one.source,
            "verified": one.verified,
        }
        for one in rows
    ]
    statement = insert(models.OffenceArticle)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["article", "part", "valid_from"],
            set_={name: statement.excluded[name] for name in _CATALOGUE_COLUMNS},
        ),
        values,
    )


async def put_mrp(session: AsyncSession, rows: Iterable[Mrp]) -> None:
    """Insert or update index values by their first day."""
    statement = insert(models.MrpValue)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["valid_from"],
            set_={name: statement.excluded[name] for name in ("tenge", "source", "verified")},
        ),
        [
            {
                "valid_from": one.valid_from,
                "tenge": one.tenge,
                "source": one.source,
                "verified": one.verified,
            }
            for one in rows
        ],
    )


async def articles(
    session: AsyncSession, *, article: str | None = None, part: str | None = None
) -> list[tuple[UUID, Article]]:
    """Return catalogue rows with their ids: all, or those of one article and part."""
    query = sa.select(models.OffenceArticle).order_by(
        models.OffenceArticle.article, models.OffenceArticle.part, models.OffenceArticle.valid_from
    )
    if article is not None:
        query = query.where(
            models.OffenceArticle.article == article, models.OffenceArticle.part == part
        )
    return [(row.id, _article(row)) for row in await session.scalars(query)]


def _article(row: models.OffenceArticle) -> Article:
    return Article(
        article=row.article,
        part=row.part,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        penalties=frozenset(Penalty(one) for one in row.penalties),
        mrp_count=row.mrp_count,
        jurisdiction=Jurisdiction(row.jurisdiction),
        title_kk=row.title_kk,
        title_ru=row.title_ru,
        source=row.source,
        verified=row.verified,
    )


async def article_by_id(session: AsyncSession, article_id: UUID) -> Article:
    """Return the row a record was drawn up by."""
    return _article(await session.get_one(models.OffenceArticle, article_id))


async def mrp_values(session: AsyncSession, *, until: date) -> list[Mrp]:
    """Return the index values that begin on or before ``until``."""
    query = sa.select(models.MrpValue).where(models.MrpValue.valid_from <= until)
    return [
        Mrp(valid_from=row.valid_from, tenge=row.tenge, source=row.source, verified=row.verified)
        for row in await session.scalars(query)
    ]


# --- offence records --------------------------------------------------------------------------


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


async def acts(session: AsyncSession, offence_record_id: UUID) -> Sequence[models.OffenceAct]:
    """Return the acts done so far, oldest first."""
    found = await session.scalars(
        sa.select(models.OffenceAct)
        .where(models.OffenceAct.offence_record_id == offence_record_id)
        .order_by(models.OffenceAct.at, models.OffenceAct.act)
    )
    return found.all()


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


# --- payments ---------------------------------------------------------------------------------


async def payment(
    session: AsyncSession, payment_id: UUID, *, lock: bool = False
) -> models.Payment | None:
    """Return a payment, locked against other transactions where asked."""
    query = sa.select(models.Payment).where(models.Payment.id == payment_id)
    return await session.scalar(query.with_for_update() if lock else query)


async def payment_of_key(session: AsyncSession, idempotency_key: str) -> models.Payment | None:
    """Return the payment an idempotency key began."""
    return await session.scalar(
        sa.select(models.Payment).where(models.Payment.idempotency_key == idempotency_key)
    )


async def live_payment_of(session: AsyncSession, offence_record_id: UUID) -> models.Payment | None:
    """Return the one payment of a record that has not failed."""
    return await session.scalar(
        sa.select(models.Payment).where(
            models.Payment.offence_record_id == offence_record_id,
            models.Payment.status.in_(LIVE),
        )
    )


async def payments_of(session: AsyncSession, offence_record_id: UUID) -> Sequence[models.Payment]:
    """Return every attempt on a record, newest first."""
    found = await session.scalars(
        sa.select(models.Payment)
        .where(models.Payment.offence_record_id == offence_record_id)
        .order_by(models.Payment.created_at.desc())
    )
    return found.all()


async def unsettled_payment_on(session: AsyncSession, device_id: UUID) -> models.Payment | None:
    """Return a sale on this terminal whose end is not proven yet."""
    unfinished = (PaymentStatus.CREATED, PaymentStatus.SENT, PaymentStatus.UNKNOWN)
    return await session.scalar(
        sa.select(models.Payment)
        .where(
            models.Payment.terminal_device_id == device_id,
            sa.or_(
                models.Payment.status.in_(unfinished),
                sa.and_(
                    models.Payment.status == PaymentStatus.APPROVED,
                    models.Payment.confirmed_at.is_(None),
                ),
            ),
        )
        .limit(1)
    )


# --- orders, reports, papers ------------------------------------------------------------------


async def order(session: AsyncSession, order_id: UUID) -> models.TerminalOrder | None:
    """Return an order. Lock its payment first: every change goes through that lock."""
    return await session.get(models.TerminalOrder, order_id)


async def order_due(
    session: AsyncSession, *, device_id: UUID, now: datetime
) -> models.TerminalOrder | None:
    """Return the order an agent is to do next: settle first, then sell, then print."""
    urgency = sa.case(
        (models.TerminalOrder.kind == OrderKind.LAST_RESULT, 0),
        (models.TerminalOrder.kind == OrderKind.SALE, 1),
        else_=2,
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


async def overdue_payments(
    session: AsyncSession, *, now: datetime, started_before: datetime, limit: int
) -> Sequence[UUID]:
    """Return payments with a sale order nobody took in time, or one that never ended."""
    overdue = sa.or_(
        sa.and_(
            models.TerminalOrder.status.in_((OrderStatus.WAITING, OrderStatus.TAKEN)),
            models.TerminalOrder.expires_at <= now,
        ),
        sa.and_(
            models.TerminalOrder.status == OrderStatus.STARTED,
            models.TerminalOrder.started_at <= started_before,
        ),
    )
    found = await session.scalars(
        sa.select(models.TerminalOrder.payment_id)
        .where(models.TerminalOrder.kind == OrderKind.SALE, overdue)
        .limit(limit)
    )
    return found.all()


async def report(
    session: AsyncSession, *, order_id: UUID, name: str
) -> models.TerminalReport | None:
    """Return a report already taken."""
    return await session.get(models.TerminalReport, (order_id, name))


async def put_hello(session: AsyncSession, hello: models.TerminalHello) -> None:
    """Keep what an agent last said of itself."""
    await session.merge(hello)


async def slips_of(session: AsyncSession, payment_id: UUID) -> Sequence[models.SlipRow]:
    """Return the slips of a payment in the order of their copies."""
    found = await session.scalars(
        sa.select(models.SlipRow)
        .where(models.SlipRow.payment_id == payment_id)
        .order_by(models.SlipRow.kind, models.SlipRow.copy_number, models.SlipRow.duplicate)
    )
    return found.all()


async def slip(
    session: AsyncSession, *, payment_id: UUID, slip_id: UUID, lock: bool = False
) -> models.SlipRow | None:
    """Return one slip of a payment."""
    query = sa.select(models.SlipRow).where(
        models.SlipRow.id == slip_id, models.SlipRow.payment_id == payment_id
    )
    return await session.scalar(query.with_for_update() if lock else query)


async def receipt_paper(session: AsyncSession, offence_record_id: UUID) -> models.Paper | None:
    """Return the filed receipt of a record."""
    return await session.scalar(
        sa.select(models.Paper).where(
            models.Paper.offence_record_id == offence_record_id, models.Paper.kind == "receipt"
        )
    )
