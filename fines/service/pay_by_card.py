"""Paying a fine by card: the officer asks, the server computes, the terminal is ordered."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.clock import law_date
from app.db import transaction
from fines import models, repository
from fines.errors import (
    AlreadyPaid,
    IdempotencyKeyReused,
    PaymentInFlight,
    TerminalBusy,
)
from fines.errors.proceedings import FineNotKnown
from fines.rules import amounts
from fines.rules.payable import Sum
from fines.rules.payment import ORDER_LIFE, OrderStatus, PaymentStatus, refuse_tiyn
from fines.rules.texts import REASON_TEXTS
from fines.service.debts import Debt, payer_of, sum_owed
from fines.service.desk import Desk, own_payment, own_record
from fines.service.facts import AssignedTerminal, assigned_terminal
from fines.service.old_fines import record_of_checked, taken_over_fine
from fines.wire.protocol import OrderKind, Reason
from fines.wire.slip import SlipKind


@dataclass(frozen=True, kw_only=True)
class Target:
    """What is to be paid: a record of ours, or a fine that a check of the person names.

    A record of another officer is paid on the strength of the caller's own check of the same
    person; a fine of the register always is.
    """

    offence_record_id: UUID | None = None
    check_id: UUID | None = None
    decision_number: str = ""

    @property
    def fields(self) -> dict[str, object]:
        """What audit events name it by."""
        named = {
            "offence_record_id": self.offence_record_id and str(self.offence_record_id),
            "check_id": self.check_id and str(self.check_id),
            "decision_number": self.decision_number,
        }
        return {name: value for name, value in named.items() if value}

    @property
    def sha256(self) -> bytes:
        """The hash of the request, for its idempotency key."""
        words = [str(self.offence_record_id or "")]
        if self.check_id is not None:
            words += [str(self.check_id), self.decision_number]
        return hashlib.sha256("\n".join(["pay_by_card", *words]).encode()).digest()


async def pay_by_card(
    desk: Desk, *, caller: Principal, target: Target, idempotency_key: str, now: datetime
) -> dict[str, object]:
    """Begin a payment of what is owed now and order the sale; return the first answer.

    The same key with the same target answers the same again, also while both are under way.

    Raises:
        IdempotencyKeyReused: the key began another payment, or another officer's.
        OffenceRecordNotFound, FineNotKnown, CheckTooOld: there is nothing to pay.
        ReceiptNotIssued, DiscountEnded, FineNotPayable: it cannot be paid now.
        AlreadyPaid, PaymentInFlight: one payment per fine.
        TerminalNotAssigned, TerminalBusy: no terminal is free.
        TerminalTakesNoTiyn: the sum has tiyn, and the caller's terminal takes whole tenge only.
        app.errors.DomainError: the check is not the caller's.
    """
    async with desk.refusals_audited(
        event="fines.payment_refused", who=caller, at=now, fields=target.fields
    ):
        try:
            async with transaction(desk.sessions) as session:
                return await _begin(desk, session, caller, target, idempotency_key, now)
        except IntegrityError:
            # Another request took the key, the fine or the terminal between our look and our
            # write. What it wrote is seen now, so the second look answers or says what is taken.
            try:
                async with transaction(desk.sessions) as session:
                    return await _begin(desk, session, caller, target, idempotency_key, now)
            except IntegrityError:
                raise TerminalBusy("the terminal was taken meanwhile") from None


async def _begin(
    desk: Desk,
    session: AsyncSession,
    caller: Principal,
    target: Target,
    idempotency_key: str,
    now: datetime,
) -> dict[str, object]:
    known = await _replayed(session, caller, target, idempotency_key)
    if known is not None:
        return known
    # The debt's lock puts every attempt on it in a row: look again behind it.
    debt = await _found(desk, session, caller, target, now)
    known = await _replayed(session, caller, target, idempotency_key)
    if known is not None:
        return known
    await _refuse_second_payment(session, debt)
    owed = await sum_owed(session, debt, now=now)
    terminal = await assigned_terminal(session, caller=caller)
    busy = await repository.unsettled_payment_on(session, terminal.device_id)
    if busy is not None:
        raise TerminalBusy(f"terminal {terminal.device_id} is not settled", payment_id=str(busy.id))
    driver = await repository.driver_of_terminal(session, terminal.device_id)
    refuse_tiyn(amount_tiyn=owed.amount_tiyn, driver=driver)
    # What has no discount is not rounded: the rule of the day is stored all the same.
    rounding = (
        debt.record.rounding
        if debt.record is not None
        else amounts.rounding_rule(desk.rounding, day=law_date(now)).code
    )
    payment = _new_payment(caller, debt, owed, rounding, terminal, target, idempotency_key, now)
    session.add(payment)
    await session.flush()
    session.add(_sale_order(payment, now))
    await desk.trail.record(
        session,
        event="fines.payment_created",
        at=now,
        who=caller,
        subject_iin=payer_of(desk, debt).iin,
        fields={
            "payment_id": str(payment.id),
            **debt.ids,
            "amount_tiyn": payment.amount_tiyn,
            "discount_tiyn": payment.discount_tiyn,
            "rounding": payment.rounding.value,
            "terminal_device_id": str(terminal.device_id),
        },
    )
    await session.flush()
    return _first_answer(payment)


async def _found(
    desk: Desk, session: AsyncSession, caller: Principal, target: Target, now: datetime
) -> Debt:
    if target.check_id is None:
        if target.offence_record_id is None:
            raise FineNotKnown("nothing is named to be paid")
        return Debt(
            record=await own_record(
                session, caller=caller, offence_record_id=target.offence_record_id, lock=True
            )
        )
    if target.offence_record_id is None:
        fine = await taken_over_fine(
            desk,
            session,
            caller=caller,
            check_id=target.check_id,
            decision_number=target.decision_number,
            now=now,
        )
        return Debt(fine=fine)
    record = await record_of_checked(
        desk,
        session,
        caller=caller,
        check_id=target.check_id,
        offence_record_id=target.offence_record_id,
        now=now,
    )
    return Debt(record=record)


async def _refuse_second_payment(session: AsyncSession, debt: Debt) -> None:
    live = (
        await repository.live_payment_of(session, debt.record.id)
        if debt.record is not None
        else await repository.live_payment_of_fine(session, debt.row.id)
    )
    if live is None:
        return
    if live.confirmed_at is not None:
        raise AlreadyPaid(f"payment {live.id} has paid it", payment_id=str(live.id))
    raise PaymentInFlight(f"payment {live.id} is under way", payment_id=str(live.id))


async def _replayed(
    session: AsyncSession, caller: Principal, target: Target, idempotency_key: str
) -> dict[str, object] | None:
    known = await repository.payment_of_key(session, idempotency_key)
    if known is None:
        return None
    if known.post_id != caller.post_id or known.request_sha256 != target.sha256:
        raise IdempotencyKeyReused("the key began another payment")
    return _first_answer(known)


def _first_answer(payment: models.Payment) -> dict[str, object]:
    return {
        "payment_id": payment.id,
        "status": PaymentStatus.CREATED.value,
        "amount_tiyn": payment.amount_tiyn,
    }


def _new_payment(
    caller: Principal,
    debt: Debt,
    owed: Sum,
    rounding: amounts.RoundingCode,
    terminal: AssignedTerminal,
    target: Target,
    idempotency_key: str,
    now: datetime,
) -> models.Payment:
    return models.Payment(
        id=uuid4(),
        **debt.columns,
        status=PaymentStatus.CREATED,
        reason=Reason.NONE,
        department_id=caller.department_id,
        post_id=caller.post_id,
        terminal_device_id=terminal.device_id,
        shift_id=terminal.shift_id,
        terminal_number_expected=terminal.terminal_number,
        amount_tiyn=owed.amount_tiyn,
        full_tiyn=owed.full_tiyn,
        discount_tiyn=owed.discount_tiyn,
        rounding=rounding,
        idempotency_key=idempotency_key,
        request_sha256=target.sha256,
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
            "register_fine_id": payment.register_fine_id,
            "status": payment.status.value,
            "reason": payment.reason.value,
            "reason_kk": texts[0],
            "reason_ru": texts[1],
            "paid": payment.confirmed_at is not None,
            "owner_verdict": payment.owner_verdict.value if payment.owner_verdict else None,
            "amount_tiyn": payment.amount_tiyn,
            "full_tiyn": payment.full_tiyn,
            "discount_tiyn": payment.discount_tiyn,
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
                    "doubted_at": one.doubted_at,
                    "pdf_url": f"/api/payments/{payment.id}/slips/{one.id}.pdf",
                    "png_url": f"/api/payments/{payment.id}/slips/{one.id}.png",
                }
                for one in slips
                if one.kind in shown
            ],
        }
