"""Paying half the fine by card: the officer asks, the server computes, the terminal is ordered."""

import hashlib
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.db import transaction
from fines import models, repository
from fines.errors import (
    AlreadyPaid,
    DiscountEnded,
    IdempotencyKeyReused,
    PaymentInFlight,
    ReceiptNotIssued,
    TerminalBusy,
)
from fines.rules.offence_record import OffenceStatus
from fines.rules.payment import ORDER_LIFE, OrderStatus, PaymentStatus
from fines.rules.texts import REASON_TEXTS
from fines.service.desk import Desk, own_payment, own_record
from fines.service.facts import AssignedTerminal, assigned_terminal
from fines.wire.protocol import OrderKind, Reason
from fines.wire.slip import SlipKind


async def pay_by_card(
    desk: Desk,
    *,
    caller: Principal,
    offence_record_id: UUID,
    idempotency_key: str,
    now: datetime,
) -> dict[str, object]:
    """Begin a payment of half the fine and order the sale; return the first answer.

    The same key with the same record answers the same again, also while both are under way.

    Raises:
        IdempotencyKeyReused: the key began another payment, or another officer's.
        OffenceRecordNotFound, ReceiptNotIssued: there is nothing to pay.
        DiscountEnded: the seven days are over.
        AlreadyPaid, PaymentInFlight: one payment per record.
        TerminalNotAssigned, TerminalBusy: no terminal is free.
    """
    fields = {"offence_record_id": str(offence_record_id)}
    async with desk.refusals_audited(
        event="fines.payment_refused", who=caller, at=now, fields=fields
    ):
        try:
            async with transaction(desk.sessions) as session:
                return await _begin(desk, session, caller, offence_record_id, idempotency_key, now)
        except IntegrityError:
            # Another request took the key or the terminal between our look and our write.
            async with transaction(desk.sessions) as session:
                known = await _replayed(session, caller, offence_record_id, idempotency_key)
            if known is None:
                raise TerminalBusy("the terminal was taken meanwhile") from None
            return known


async def _begin(
    desk: Desk,
    session: AsyncSession,
    caller: Principal,
    offence_record_id: UUID,
    idempotency_key: str,
    now: datetime,
) -> dict[str, object]:
    known = await _replayed(session, caller, offence_record_id, idempotency_key)
    if known is not None:
        return known
    # The record's lock puts every attempt on this record in a row: look again behind it.
    record = await own_record(
        session, caller=caller, offence_record_id=offence_record_id, lock=True
    )
    known = await _replayed(session, caller, offence_record_id, idempotency_key)
    if known is not None:
        return known
    await _refuse_unpayable(session, record, now)
    terminal = await assigned_terminal(session, caller=caller)
    busy = await repository.unsettled_payment_on(session, terminal.device_id)
    if busy is not None:
        raise TerminalBusy(f"terminal {terminal.device_id} is not settled", payment_id=str(busy.id))
    payment = _new_payment(caller, record, terminal, idempotency_key, now)
    session.add(payment)
    await session.flush()
    session.add(_sale_order(payment, now))
    await desk.trail.record(
        session,
        event="fines.payment_created",
        at=now,
        who=caller,
        subject_iin=record.offender_iin,
        fields={
            "payment_id": str(payment.id),
            "offence_record_id": str(record.id),
            "amount_tiyn": payment.amount_tiyn,
            "rounding": payment.rounding.value,
            "terminal_device_id": str(terminal.device_id),
        },
    )
    await session.flush()
    return _first_answer(payment)


async def _refuse_unpayable(
    session: AsyncSession, record: models.OffenceRecord, now: datetime
) -> None:
    live = await repository.live_payment_of(session, record.id)
    if live is not None:
        if live.confirmed_at is not None:
            raise AlreadyPaid(f"record {record.id} is paid", payment_id=str(live.id))
        raise PaymentInFlight(f"payment {live.id} is under way", payment_id=str(live.id))
    if record.status is OffenceStatus.PAID_HALF:
        raise AlreadyPaid(f"record {record.id} is paid")
    if record.discount_until is None:
        raise ReceiptNotIssued(f"record {record.id} has no receipt")
    if record.status is not OffenceStatus.RECEIPT_ISSUED or now >= record.discount_until:
        raise DiscountEnded(
            f"record {record.id}: the seven days are over",
            discount_until=record.discount_until.isoformat(),
        )


async def _replayed(
    session: AsyncSession, caller: Principal, offence_record_id: UUID, idempotency_key: str
) -> dict[str, object] | None:
    known = await repository.payment_of_key(session, idempotency_key)
    if known is None:
        return None
    if known.post_id != caller.post_id or known.request_sha256 != _request_hash(offence_record_id):
        raise IdempotencyKeyReused("the key began another payment")
    return _first_answer(known)


def _request_hash(offence_record_id: UUID) -> bytes:
    return hashlib.sha256(f"pay_by_card\n{offence_record_id}".encode()).digest()


def _first_answer(payment: models.Payment) -> dict[str, object]:
    return {
        "payment_id": payment.id,
        "status": PaymentStatus.CREATED.value,
        "amount_tiyn": payment.amount_tiyn,
    }


def _new_payment(
    caller: Principal,
    record: models.OffenceRecord,
    terminal: AssignedTerminal,
    idempotency_key: str,
    now: datetime,
) -> models.Payment:
    return models.Payment(
        id=uuid4(),
        offence_record_id=record.id,
        status=PaymentStatus.CREATED,
        reason=Reason.NONE,
        department_id=caller.department_id,
        post_id=caller.post_id,
        terminal_device_id=terminal.device_id,
        terminal_number_expected=terminal.terminal_number,
        amount_tiyn=record.fine_half_tiyn,
        rounding=record.rounding,
        idempotency_key=idempotency_key,
        request_sha256=_request_hash(record.id),
        created_at=now,
    )


def _sale_order(payment: models.Payment, now: datetime) -> models.TerminalOrder:
    return models.TerminalOrder(
        id=uuid4(),
        payment_id=payment.id,
        device_id=payment.terminal_device_id,
        kind=OrderKind.SALE,
        status=OrderStatus.WAITING,
        created_at=now,
        not_before=now,
        expires_at=now + ORDER_LIFE,
    )


_PAPERS_OF = {
    PaymentStatus.DECLINED: {SlipKind.DECLINED},
    PaymentStatus.REVERSED: {SlipKind.REVERSED},
}


async def read_payment(desk: Desk, *, caller: Principal, payment_id: UUID) -> dict[str, object]:
    """Return the officer's own payment as the tablet shows it.

    It holds no data of the person, so looking at it again and again leaves no event.

    Raises:
        PaymentNotFound: there is none, or it is another's.
    """
    async with transaction(desk.sessions) as session:
        payment = await own_payment(session, caller=caller, payment_id=payment_id)
        slips = await repository.slips_of(session, payment.id)
        texts = ("", "") if payment.reason is Reason.NONE else REASON_TEXTS[payment.reason]
        shown = _PAPERS_OF.get(payment.status, {SlipKind.SALE})
        return {
            "payment_id": payment.id,
            "offence_record_id": payment.offence_record_id,
            "status": payment.status.value,
            "reason": payment.reason.value,
            "reason_kk": texts[0],
            "reason_ru": texts[1],
            "paid": payment.confirmed_at is not None,
            "owner_verdict": payment.owner_verdict.value if payment.owner_verdict else None,
            "amount_tiyn": payment.amount_tiyn,
            "rounding": payment.rounding.value,
            "rrn": payment.rrn,
            "approval_code": payment.approval_code,
            "card_masked": payment.card_masked,
            "card_brand": payment.card_brand,
            "created_at": payment.created_at,
            "approved_at": payment.approved_at,
            "confirmed_at": payment.confirmed_at,
            "ended_at": payment.ended_at,
            "signed_at": payment.signed_at,
            "filed_at": payment.filed_at,
            "slips": [
                {
                    "slip_id": one.id,
                    "kind": one.kind.value,
                    "copy_number": one.copy_number,
                    "duplicate": one.duplicate,
                    "printed_at": one.printed_at,
                    "pdf_url": f"/api/payments/{payment.id}/slips/{one.id}.pdf",
                    "png_url": f"/api/payments/{payment.id}/slips/{one.id}.png",
                }
                for one in slips
                if one.kind in shown
            ],
        }
