"""Statements about the ledger and the items that wait for the acquirer. Nothing is decided here."""

from collections.abc import Iterable
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from fines import models
from fines.rules.ledger import Account, Posting, PostingKind
from fines.rules.reconciliation_words import Detail, Source, Verdict


async def post(
    session: AsyncSession,
    postings: Iterable[Posting],
    *,
    at: datetime,
    payment_number: int | None = None,
    refund_id: UUID | None = None,
    treasury_line_id: int | None = None,
) -> None:
    """Write postings down; a second one of a kind on the same thing is refused by the database."""
    await session.execute(
        sa.insert(models.LedgerPosting),
        [
            {
                "kind": one.kind,
                "debit": one.debit,
                "credit": one.credit,
                "amount_tiyn": one.amount_tiyn,
                "payment_number": payment_number,
                "refund_id": refund_id,
                "treasury_line_id": treasury_line_id,
                "at": at,
            }
            for one in postings
        ],
    )


async def is_posted(session: AsyncSession, *, payment_number: int, kind: PostingKind) -> bool:
    """Return whether the payment has a posting of the kind."""
    found = await session.scalar(
        sa.select(models.LedgerPosting.id).where(
            models.LedgerPosting.payment_number == payment_number,
            models.LedgerPosting.refund_id.is_(None),
            models.LedgerPosting.kind == kind,
        )
    )
    return found is not None


async def balances(session: AsyncSession) -> dict[Account, int]:
    """Return the balance of every account that was ever touched."""
    posting = models.LedgerPosting
    sides = sa.union_all(
        sa.select(posting.debit.label("account"), posting.amount_tiyn.label("tiyn")),
        sa.select(posting.credit.label("account"), (-posting.amount_tiyn).label("tiyn")),
    ).subquery()
    found = await session.execute(
        sa.select(sides.c.account, sa.func.sum(sides.c.tiyn)).group_by(sides.c.account)
    )
    return {Account(account): int(tiyn) for account, tiyn in found}


async def add_waiting(session: AsyncSession, payment: models.Payment, *, day: date) -> None:
    """Put the payment among what the acquirer still has to answer for."""
    await session.execute(
        sa.insert(models.ReconciliationItem).values(
            day=day,
            source=Source.ACQUIRER,
            verdict=Verdict.WAITING,
            detail=Detail.NONE,
            payment_number=payment.number,
            department_id=payment.department_id,
            post_id=payment.post_id,
            device_id=payment.terminal_device_id,
            shift_id=payment.shift_id,
            terminal_number=payment.terminal_number_expected,
            ours_tiyn=payment.amount_tiyn,
            found_at=payment.approved_at,
        )
    )


async def withdraw_waiting(session: AsyncSession, payment: models.Payment, *, at: datetime) -> None:
    """Say that nothing is expected of the acquirer for this payment any more."""
    item = models.ReconciliationItem
    await session.execute(
        sa.update(item)
        .where(
            item.payment_number == payment.number,
            item.refund_id.is_(None),
            item.verdict.in_((Verdict.WAITING, Verdict.ONLY_OURS)),
        )
        .values(verdict=Verdict.WITHDRAWN, detail=Detail.TAKEN_BACK, found_at=at)
    )
