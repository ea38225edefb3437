"""What the acquirer's word settles: sales that the terminal left in the dark, refunds paid out."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from fines import models
from fines.repository import ledger, reconciliation
from fines.rules.ledger import Posting, PostingKind
from fines.rules.notices import NoticeKind
from fines.rules.payment import PaymentStatus, next_payment_status
from fines.rules.reconciliation import Finding
from fines.rules.reconciliation_words import Detail
from fines.rules.refunds import RefundStatus, next_refund_status
from fines.service.bookkeeping import book_reversal, settle_if_booked
from fines.service.desk import Desk
from fines.service.notices import want_notice
from fines.service.outcomes import close_orders, confirm, want_print
from fines.service.slips import make_refund_slip, make_unpaid_slip
from fines.wire.protocol import OrderKind, Reason
from fines.wire.slip import SlipKind


async def end_by_acquirer(
    desk: Desk, session: AsyncSession, finding: Finding, *, now: datetime
) -> None:
    """End a sale whose terminal never told how it ended, as the acquirer's file says.

    The terminal is lost, or its tablet (crash points 11 and 12): booked and not taken back is
    paid, taken back is reversed. No person can do either.
    """
    if finding.ours is None:
        return
    payment = await reconciliation.locked_payment(session, number=finding.ours.payment_number)
    if payment is None or payment.confirmed_at is not None:
        return
    if finding.detail is Detail.TAKEN_BACK_THERE:
        await _reverse(desk, session, payment, now)
        return
    if payment.status is not PaymentStatus.APPROVED:
        payment.status = next_payment_status(current=payment.status, target=PaymentStatus.APPROVED)
    await confirm(desk, session, None, payment, now)
    await ledger.post(
        session,
        [Posting(kind=PostingKind.SETTLEMENT, amount_tiyn=payment.amount_tiyn)],
        payment_number=payment.number,
        at=now,
    )
    await settle_if_booked(session, payment)
    await want_print(session, payment, now, after=timedelta())


async def _reverse(
    desk: Desk, session: AsyncSession, payment: models.Payment, now: datetime
) -> None:
    payment.status = next_payment_status(current=payment.status, target=PaymentStatus.REVERSED)
    payment.ended_at = now
    if payment.reason is Reason.NONE:
        payment.reason = Reason.LINE_SILENT
    await book_reversal(session, payment, now=now)
    await close_orders(session, payment, OrderKind.LAST_RESULT, now)
    await make_unpaid_slip(desk, session, payment, kind=SlipKind.REVERSED, now=now)
    await want_print(session, payment, now, after=timedelta())
    await desk.trail.record(
        session,
        event="fines.payment_reversed_there",
        at=now,
        who=None,
        fields={"payment_id": str(payment.id)},
    )


async def mark_refunds_paid(
    desk: Desk, session: AsyncSession, refund_ids: Sequence[UUID], *, now: datetime
) -> None:
    """Say that the acquirer has paid these refunds out, book it, and make the papers of it."""
    for refund_id in refund_ids:
        refund = await session.get_one(models.Refund, refund_id, with_for_update=True)
        refund.status = next_refund_status(current=refund.status, target=RefundStatus.PAID)
        refund.paid_at = now
        await session.flush()
        await ledger.post(
            session,
            [Posting(kind=PostingKind.REFUND_PAID, amount_tiyn=refund.amount_tiyn)],
            payment_number=refund.payment_number,
            refund_id=refund.id,
            at=now,
        )
        want_notice(
            session,
            kind=NoticeKind.REFUNDED,
            payment_number=refund.payment_number,
            refund_id=refund.id,
            department_id=refund.department_id,
            now=now,
        )
        await make_refund_slip(desk, session, refund, now=now)
