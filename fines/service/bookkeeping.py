"""What the ledger is told of a payment, in the transaction that moves the payment."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.clock import law_date
from fines import models
from fines.repository import ledger
from fines.rules.ledger import Posting, PostingKind, confirmation
from fines.rules.payment import PaymentStatus, next_payment_status


async def book_approval(session: AsyncSession, payment: models.Payment, *, now: datetime) -> None:
    """Book a sale that the issuer has approved and the server has accepted."""
    await session.flush()
    await ledger.post(
        session,
        [Posting(kind=PostingKind.APPROVAL, amount_tiyn=payment.amount_tiyn)],
        payment_number=payment.number,
        at=now,
    )
    await ledger.add_waiting(session, payment, day=law_date(now))


async def book_reversal(session: AsyncSession, payment: models.Payment, *, now: datetime) -> None:
    """Take the approval of a reversed payment out of the books again, if it was ever in."""
    if payment.rrn is None:
        return
    await session.flush()
    await ledger.post(
        session,
        [Posting(kind=PostingKind.REVERSAL, amount_tiyn=payment.amount_tiyn)],
        payment_number=payment.number,
        at=now,
    )
    await ledger.withdraw_waiting(session, payment, at=now)


async def book_confirmation(
    session: AsyncSession, payment: models.Payment, *, now: datetime
) -> None:
    """Book a sale that the terminal has kept: the fine is charged, and paid or forgiven whole."""
    await session.flush()
    await ledger.post(
        session,
        confirmation(full_tiyn=payment.full_tiyn, paid_tiyn=payment.amount_tiyn),
        payment_number=payment.number,
        at=now,
    )


async def settle_if_booked(session: AsyncSession, payment: models.Payment) -> None:
    """Move a payment whose paper is filed to settled, where the acquirer has settled it before."""
    if payment.status is PaymentStatus.FILED and await ledger.is_posted(
        session, payment_number=payment.number, kind=PostingKind.SETTLEMENT
    ):
        await session.flush()  # filed first: the database knows no shorter way
        payment.status = next_payment_status(current=payment.status, target=PaymentStatus.SETTLED)
