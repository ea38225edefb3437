"""What time does: sales are withdrawn or become unknown, receipts and unfinished records lapse."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import transaction
from fines import models, repository
from fines.errors.proceedings import RecordDamaged
from fines.rules.offence_record import OffenceStatus, next_offence_status
from fines.rules.payment import OrderStatus, PaymentStatus, next_payment_status
from fines.rules.proceedings import OrdinaryGround, ordinary_ground
from fines.rules.terms import end_of_term
from fines.service.desk import Desk
from fines.service.people import offender_of
from fines.service.proceedings import begin_case
from fines.service.terminal_orders import standing_order, withdraw
from fines.wire.protocol import OrderKind

_BATCH_MAX: Final = 200

log = structlog.get_logger(__name__)


async def expire_orders(desk: Desk, now: datetime) -> int:
    """Withdraw sales that no agent took in time, mark silent ones unknown; return how many.

    A sale that was started is never withdrawn: the card may have been charged, and the terminal
    is asked for its last result instead. Safe to repeat and to run in several processes.
    """
    async with transaction(desk.sessions) as session:
        overdue = await repository.overdue_payments(
            session, now=now, started_before=now - desk.sale_timeout, limit=_BATCH_MAX
        )
    return sum([await _expire(desk, payment_id, now) for payment_id in overdue])


async def _expire(desk: Desk, payment_id: UUID, now: datetime) -> bool:
    async with transaction(desk.sessions) as session:
        payment = await repository.payment(session, payment_id, lock=True)
        order = await repository.sale_order_of(session, payment_id)
        if payment is None or order is None:
            return False
        await session.refresh(order)
        if order.status in {OrderStatus.WAITING, OrderStatus.TAKEN} and now >= order.expires_at:
            await withdraw(desk, session, order, payment, who=None, now=now)
            return True
        if not _silent(desk, order, payment, now):
            return False
        order.status = OrderStatus.DONE
        order.ended_at = now
        payment.status = next_payment_status(current=payment.status, target=PaymentStatus.UNKNOWN)
        session.add(standing_order(payment, OrderKind.LAST_RESULT, now=now, after=timedelta()))
        await desk.trail.record(
            session,
            event="fines.payment_unknown",
            at=now,
            who=None,
            fields={"payment_id": str(payment.id)},
        )
        return True


def _silent(
    desk: Desk, order: models.TerminalOrder, payment: models.Payment, now: datetime
) -> bool:
    return (
        order.status is OrderStatus.STARTED
        and order.started_at is not None
        and order.started_at + desk.sale_timeout <= now
        and payment.confirmed_at is None
        and payment.status in {PaymentStatus.SENT, PaymentStatus.APPROVED}
    )


async def lapse_receipts(desk: Desk, now: datetime) -> int:
    """Send records whose seven days have ended unpaid by ordinary proceedings; return how many.

    Article 811(3). A payment begun within the term holds its record back until it has ended.
    """
    async with transaction(desk.sessions) as session:

        async def lapse(record: models.OffenceRecord) -> None:
            subject_iin = offender_of(desk, record).iin
            for target in (OffenceStatus.LAPSED, OffenceStatus.ORDINARY):
                record.status = next_offence_status(current=record.status, target=target)
                await session.flush()
            await begin_case(session, record, ground=OrdinaryGround.LAPSED, now=now)
            await desk.trail.record(
                session,
                event="fines.receipt_lapsed",
                at=now,
                who=None,
                subject_iin=subject_iin,
                fields={"offence_record_id": str(record.id)},
            )

        records = await repository.lapsed_receipts(session, now=now, limit=_BATCH_MAX)
        return await _of_each(session, records, lapse)


async def end_reduced_terms(desk: Desk, now: datetime) -> int:
    """Send records neither agreed nor sent on in their term by ordinary proceedings.

    Returns how many. Nobody cancels a record by leaving it. An officer who is just agreeing
    holds his record back until the next run. Safe to repeat and to run in several processes.
    """
    async with transaction(desk.sessions) as session:

        async def end(record: models.OffenceRecord) -> None:
            subject_iin = offender_of(desk, record).iin
            record.status = next_offence_status(
                current=record.status, target=OffenceStatus.ORDINARY
            )
            ground = ordinary_ground(record.reduced_reason, term_ended=True)
            await begin_case(session, record, ground=ground, now=now)
            ended_at = end_of_term(desk.reduced_terms, since=record.drawn_up_at)
            await desk.trail.record(
                session,
                event="fines.reduced_term_ended",
                at=now,
                who=None,
                subject_iin=subject_iin,
                fields={"offence_record_id": str(record.id), "ended_at": ended_at.isoformat()},
            )

        records = await repository.undecided_records(
            session, now=now, terms=desk.reduced_terms, limit=_BATCH_MAX
        )
        return await _of_each(session, records, end)


async def _of_each(
    session: AsyncSession,
    records: Sequence[models.OffenceRecord],
    act: Callable[[models.OffenceRecord], Awaitable[None]],
) -> int:
    """Do the act for each record; a damaged one stays as it is and holds no other back."""
    done = 0
    for record in records:
        record_id = record.id
        try:
            async with session.begin_nested():
                await act(record)
        except RecordDamaged:
            log.exception("fines.record_damaged", offence_record_id=str(record_id))
        else:
            done += 1
    return done
