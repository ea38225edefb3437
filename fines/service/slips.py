"""Making slips of a payment's rows, keeping their lines, and giving them back as they were."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from devices.service import serial_number_of
from fines import models, repository, storage
from fines.errors import PaymentNotFound
from fines.repository.reconciliation import locked_payment
from fines.rules.slips import AttemptFacts, CardFacts, refund_slip, sale_slips, unpaid_slip
from fines.service.debts import case_facts, debt_of
from fines.service.desk import Desk
from fines.service.filing import sealed_slip, slip_hash, slip_key, whole_slip
from fines.service.people import key_of
from fines.wire.slip import Slip, SlipKind


async def make_sale_slips(
    desk: Desk, session: AsyncSession, payment: models.Payment, now: datetime
) -> tuple[Slip, ...]:
    """Make and keep the two copies of a sale whose approval is stored."""
    debt = await debt_of(session, payment)
    slips = sale_slips(
        slip_ids=(uuid4(), uuid4()),
        payment_id=payment.id,
        case=await case_facts(desk, session, debt, payment),
        card=await card_facts(session, payment),
        verification_url=_payment_url(desk, payment),
    )
    keep_slips(session, slips, now, key=key_of(desk, debt.row))
    return slips


async def card_facts(session: AsyncSession, payment: models.Payment) -> CardFacts:
    """Return what slips state of the card and terminal of a stored approval."""
    if payment.terminal_at is None:
        raise ValueError(f"payment {payment.id} has no approval")
    return replace(
        _card_of(payment, terminal_at=payment.terminal_at),
        terminal_serial=await _terminal_serial(session, payment),
        batch_number=payment.batch_number,
        application_label=payment.application_label or "",
        tvr=payment.tvr or "",
        tsi=payment.tsi or "",
        cryptogram=payment.cryptogram or "",
    )


def _card_of(payment: models.Payment, *, terminal_at: datetime) -> CardFacts:
    # A sale that was approved has them all: the database refuses it otherwise, or they are told
    # of together with what it wants.
    return CardFacts(
        terminal_number=payment.terminal_number_expected,
        merchant_number=payment.merchant_number or "",
        receipt_number=payment.terminal_receipt_number or 0,
        trace_number=payment.trace_number or 0,
        rrn=payment.rrn or "",
        approval_code=payment.approval_code or "",
        card_brand=payment.card_brand or "",
        card_masked=payment.card_masked or "",
        entry_mode=payment.entry_mode or "",
        cardholder_check=payment.cardholder_check or "",
        aid=payment.aid or "",
        terminal_at=terminal_at,
    )


async def _terminal_serial(session: AsyncSession, payment: models.Payment) -> str:
    """Return what the terminal calls itself, or what the inventory calls it."""
    if payment.terminal_serial:
        return payment.terminal_serial
    known = await serial_number_of(session, device_id=payment.terminal_device_id)
    # Whatever somebody typed there: a letter no printer can draw would keep the slip inside.
    return known if known.isascii() and known.isprintable() else ""


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
        case=await case_facts(desk, session, debt, payment),
        attempt=AttemptFacts(
            kind=kind,
            reason=payment.reason,
            at=now,
            terminal_number=payment.terminal_number_expected,
            terminal_serial=await _terminal_serial(session, payment),
            response_code=payment.host_code or payment.terminal_code or "",
            card=await card_facts(session, payment) if payment.terminal_at else None,
        ),
        verification_url=_payment_url(desk, payment),
    )
    keep_slips(session, (slip,), now, key=key_of(desk, debt.row))
    return slip


async def make_refund_slip(
    desk: Desk, session: AsyncSession, refund: models.Refund, *, now: datetime
) -> Slip:
    """Make and keep the paper of a refund that the acquirer has paid out; nothing prints it."""
    payment = await locked_payment(session, number=refund.payment_number)
    if payment is None:
        raise PaymentNotFound(f"refund {refund.id} is of no payment")
    debt = await debt_of(session, payment)
    slip = refund_slip(
        slip_id=uuid4(),
        payment_id=payment.id,
        case=await case_facts(desk, session, debt, payment),
        card=_card_of(payment, terminal_at=payment.terminal_at or payment.created_at),
        refunded_tiyn=refund.amount_tiyn,
        at=now,
        verification_url=_payment_url(desk, payment),
    )
    keep_slips(session, (slip,), now, key=key_of(desk, debt.row), refund_id=refund.id)
    await session.flush()
    return slip


def _payment_url(desk: Desk, payment: models.Payment) -> str:
    return desk.paper_url(paper="payment", object_id=payment.id, amount_tiyn=payment.amount_tiyn)


def keep_slips(
    session: AsyncSession,
    slips: Iterable[Slip],
    now: datetime,
    *,
    key: storage.RecordKey,
    ordered_by: UUID | None = None,
    replaces: UUID | None = None,
    refund_id: UUID | None = None,
) -> list[models.SlipRow]:
    """Keep slips as they are to be printed.

    A duplicate names the post that ordered it, or the paper it stands in for.
    """
    rows = [
        models.SlipRow(
            id=slip.slip_id,
            payment_id=slip.payment_id,
            kind=slip.kind,
            copy_number=slip.copy_number,
            duplicate=slip.duplicate,
            content=sealed_slip(key, slip),
            content_sha256=slip_hash(slip),
            created_at=now,
            ordered_post_id=ordered_by,
            replaces_slip_id=replaces,
            refund_id=refund_id,
        )
        for slip in slips
    ]
    session.add_all(rows)
    return rows


async def unprinted(
    desk: Desk, session: AsyncSession, payment: models.Payment, kind: SlipKind
) -> Sequence[Slip]:
    """Return the slips of one kind that are still wanted on paper."""
    key = await slip_key(desk, session, payment)
    return tuple(
        whole_slip(key, row)
        for row in await repository.slips_of(session, payment.id)
        if row.kind is kind and row.printed_at is None and row.doubted_at is None
    )
