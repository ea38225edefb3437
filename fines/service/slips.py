"""Making slips of a payment's rows, keeping their lines, and giving them back as they were."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from fines import models, repository
from fines.errors import PaperAltered
from fines.rules.slips import CardFacts, sale_slips, unpaid_slip
from fines.service.debts import case_facts, debt_of
from fines.service.desk import Desk
from fines.wire.protocol import Approval
from fines.wire.slip import Slip, SlipKind


async def make_sale_slips(
    desk: Desk, session: AsyncSession, payment: models.Payment, approval: Approval, now: datetime
) -> tuple[Slip, ...]:
    """Make and keep the two copies of an approved sale."""
    debt = await debt_of(session, payment)
    slips = sale_slips(
        slip_ids=(uuid4(), uuid4()),
        payment_id=payment.id,
        case=await case_facts(desk, session, debt, payment),
        card=CardFacts(
            terminal_number=approval.terminal_number,
            merchant_number=approval.merchant_number,
            receipt_number=approval.receipt_number,
            trace_number=approval.trace_number,
            rrn=approval.rrn,
            approval_code=approval.approval_code,
            card_brand=approval.card_brand,
            card_masked=approval.card_masked,
            entry_mode=approval.entry_mode,
            cardholder_check=approval.cardholder_check,
            aid=approval.aid,
            terminal_at=approval.terminal_at,
        ),
        verification_url=_payment_url(desk, payment),
    )
    keep_slips(session, slips, now)
    return slips


async def make_unpaid_slip(
    desk: Desk,
    session: AsyncSession,
    payment: models.Payment,
    *,
    kind: SlipKind,
    now: datetime,
) -> Slip:
    """Make and keep the paper that says nothing was paid."""
    debt = await debt_of(session, payment)
    slip = unpaid_slip(
        slip_id=uuid4(),
        payment_id=payment.id,
        kind=kind,
        case=await case_facts(desk, session, debt, payment),
        reason=payment.reason,
        at=now,
        verification_url=_payment_url(desk, payment),
    )
    keep_slips(session, (slip,), now)
    return slip


def _payment_url(desk: Desk, payment: models.Payment) -> str:
    return desk.paper_url(paper="payment", object_id=payment.id, amount_tiyn=payment.amount_tiyn)


def keep_slips(
    session: AsyncSession,
    slips: Iterable[Slip],
    now: datetime,
    *,
    ordered_by: UUID | None = None,
) -> list[models.SlipRow]:
    """Keep slips as they are to be printed; a duplicate names the post that ordered it."""
    rows = [
        models.SlipRow(
            id=slip.slip_id,
            payment_id=slip.payment_id,
            kind=slip.kind,
            copy_number=slip.copy_number,
            duplicate=slip.duplicate,
            content=slip.model_dump(mode="json"),
            content_sha256=slip_hash(slip),
            created_at=now,
            ordered_post_id=ordered_by,
        )
        for slip in slips
    ]
    session.add_all(rows)
    return rows


def whole_slip(row: models.SlipRow) -> Slip:
    """Return a kept slip.

    Raises:
        PaperAltered: its lines no longer have their hash.
    """
    slip = Slip.model_validate(row.content)
    if slip_hash(slip) != row.content_sha256:
        raise PaperAltered(f"slip {row.id} has changed")
    return slip


def slip_hash(slip: Slip) -> bytes:
    """Return the SHA-256 of a slip's lines in their one JSON form."""
    return hashlib.sha256(slip.model_dump_json().encode()).digest()


async def unprinted(
    session: AsyncSession, payment: models.Payment, kind: SlipKind
) -> Sequence[Slip]:
    """Return the slips of one kind that are still wanted on paper."""
    return tuple(
        Slip.model_validate(row.content)
        for row in await repository.slips_of(session, payment.id)
        if row.kind is kind and row.printed_at is None
    )
