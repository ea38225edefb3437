"""Orders for a terminal agent, and its first two reports: started, and the approval.

The commit of an approval comes before the answer: only then may the terminal keep the sale.
"""

import asyncio
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.clock import utc_now
from app.db import transaction
from app.errors import DomainError
from fines import models, repository
from fines.rules.payment import (
    OPEN_ORDERS,
    STANDING_ORDER_LIFE,
    Expected,
    OrderStatus,
    PaymentStatus,
    Reported,
    judge_approval,
    next_payment_status,
)
from fines.service.bookkeeping import book_approval
from fines.service.debts import debt_of, payer_of, sum_owed
from fines.service.desk import Desk
from fines.service.people import Offender
from fines.service.reports import answered_before, keep_answer, locked_order, refuse_card_numbers
from fines.service.slips import make_sale_slips, unprinted
from fines.wire.protocol import (
    Approval,
    ApprovalAnswer,
    CardProof,
    Hello,
    Order,
    OrderKind,
    OwnerVerdict,
    PayerName,
    Reason,
    StartedAnswer,
)
from fines.wire.slip import SlipKind

_POLL_SECONDS: Final = 0.25  # one indexed statement; an officer does not feel the wait
_SLIPS_FOR: Final = {
    PaymentStatus.DECLINED: SlipKind.DECLINED,
    PaymentStatus.REVERSED: SlipKind.REVERSED,
}


async def take_hello(desk: Desk, *, caller: Principal, hello: Hello, now: datetime) -> None:
    """Keep what an agent says of itself.

    Raises:
        CardNumberRefused: a field holds a card number.
    """
    refuse_card_numbers(hello)
    async with transaction(desk.sessions) as session:
        await repository.put_hello(
            session,
            models.TerminalHello(
                device_id=caller.device,
                agent_version=hello.agent_version,
                terminal_number=hello.terminal_number,
                driver=hello.driver,
                at=now,
            ),
        )


async def wait_for_order(desk: Desk, *, caller: Principal, wait_seconds: float) -> Order | None:
    """Return the next order, waiting for one; no connection is held while waiting."""
    deadline = asyncio.get_running_loop().time() + wait_seconds
    while True:
        order = await next_order(desk, caller=caller, now=utc_now())
        left = deadline - asyncio.get_running_loop().time()
        if order is not None or left <= 0:
            return order
        await asyncio.sleep(min(_POLL_SECONDS, left))


async def next_order(desk: Desk, *, caller: Principal, now: datetime) -> Order | None:
    """Return what this terminal is to do next, or ``None``.

    An order is given out again until it is started or done: an answer may get lost.
    """
    async with transaction(desk.sessions) as session:
        due = await repository.order_due(session, device_id=caller.device, now=now)
        if due is None:
            return None
        if due.kind is OrderKind.RECONCILE:
            due.status = OrderStatus.TAKEN
            due.taken_at = due.taken_at or now
            return Order(order_id=due.id, kind=due.kind, expires_at=due.expires_at)
        order, payment = await locked_order(session, caller=caller, order_id=due.id)
        if order.status not in {OrderStatus.WAITING, OrderStatus.TAKEN}:
            return None
        order.status = OrderStatus.TAKEN
        order.taken_at = order.taken_at or now
        return await _on_the_wire(desk, session, order, payment)


async def _on_the_wire(
    desk: Desk, session: AsyncSession, order: models.TerminalOrder, payment: models.Payment
) -> Order:
    payer = payer_of(desk, await debt_of(session, payment))
    original = await repository.sale_order_of(session, payment.id)
    settling = order.kind in {OrderKind.LAST_RESULT, OrderKind.REVERSAL}
    selling = order.kind is OrderKind.SALE
    slips = (
        await unprinted(desk, session, payment, _SLIPS_FOR.get(payment.status, SlipKind.SALE))
        if order.kind is OrderKind.PRINT
        else ()
    )
    return Order(
        order_id=order.id,
        kind=order.kind,
        payment_id=payment.id,
        amount_tiyn=payment.amount_tiyn,
        payer_iin=payer.iin,
        read_card=selling and desk.read_card,
        payer_name=_payer_name(payer) if selling and desk.names_prove else None,
        original_receipt_number=payment.terminal_receipt_number if settling else None,
        original_order_id=original.id if settling and original else None,
        slips=tuple(slips),
        expires_at=order.expires_at,
    )


def _payer_name(payer: Offender) -> PayerName:
    return PayerName(
        **{one: payer.papers.get(one, "") for one in ("surname", "given_name", "patronymic")}
    )


async def take_started(
    desk: Desk, *, caller: Principal, order_id: UUID, now: datetime
) -> StartedAnswer:
    """Let a sale go out, or not; the same again is answered the same.

    Not: it was withdrawn or has expired, or the record can no longer be paid.

    Raises:
        OrderNotFound: there is none for this terminal.
    """
    async with transaction(desk.sessions) as session:
        order, payment = await locked_order(session, caller=caller, order_id=order_id)
        if order.kind is not OrderKind.SALE:
            return StartedAnswer(may_start=order.status in OPEN_ORDERS)
        if order.status is OrderStatus.STARTED:
            return StartedAnswer(may_start=True)
        if order.status not in OPEN_ORDERS or payment.status is not PaymentStatus.CREATED:
            return StartedAnswer(may_start=False)
        if now >= order.expires_at or not await _still_owed(session, payment, now):
            await withdraw(desk, session, order, payment, who=caller, now=now)
            return StartedAnswer(may_start=False)
        order.status = OrderStatus.STARTED
        order.started_at = now
        payment.status = next_payment_status(current=payment.status, target=PaymentStatus.SENT)
        payment.sent_at = now
        await desk.trail.record(
            session,
            event="fines.payment_sent",
            at=now,
            who=caller,
            fields={"payment_id": str(payment.id), "order_id": str(order.id)},
        )
        return StartedAnswer(may_start=True)


async def _still_owed(session: AsyncSession, payment: models.Payment, now: datetime) -> bool:
    debt = await debt_of(session, payment)
    try:
        return (await sum_owed(session, debt, now=now)).amount_tiyn == payment.amount_tiyn
    except DomainError:
        return False  # the rule's own refusals: paid, ended, suspended …


async def withdraw(
    desk: Desk,
    session: AsyncSession,
    order: models.TerminalOrder,
    payment: models.Payment,
    *,
    who: Principal | None,
    now: datetime,
) -> None:
    """End a sale that never began: nothing was charged, and the officer may try anew."""
    order.status = OrderStatus.EXPIRED if now >= order.expires_at else OrderStatus.WITHDRAWN
    order.ended_at = now
    payment.status = next_payment_status(current=payment.status, target=PaymentStatus.DECLINED)
    payment.reason = Reason.ABORTED
    payment.ended_at = now
    await desk.trail.record(
        session,
        event="fines.payment_withdrawn",
        at=now,
        who=who,
        fields={"payment_id": str(payment.id), "order_status": order.status.value},
    )


async def take_approval(
    desk: Desk, *, caller: Principal, order_id: UUID, approval: Approval, now: datetime
) -> ApprovalAnswer:
    """Judge an approval; when this returns ``accepted`` it is committed.

    Whatever is not proven is refused, and the terminal takes the sale back.

    Raises:
        OrderNotFound: there is none for this terminal.
        ReportDiffers: another approval was reported for this order.
        CardNumberRefused: a field holds a card number.
    """
    fields = {"order_id": str(order_id)}
    # What an older agent cannot tell is no part of what it told: its repeat is the same report.
    body = approval.model_dump_json(exclude_none=True).encode()
    async with desk.refusals_audited(
        event="fines.approval_not_taken", who=caller, at=now, fields=fields
    ):
        refuse_card_numbers(approval)
        async with transaction(desk.sessions) as session:
            order, payment = await locked_order(session, caller=caller, order_id=order_id)
            known = await answered_before(
                session, order=order, name="approval", body=body, kind=ApprovalAnswer
            )
            if known is not None:
                return known
            reason = _reason_against(desk, order, payment, approval)
            if reason is Reason.NONE:
                store_approval(payment, approval, now)
                await book_approval(session, payment, now=now)
                slips = await make_sale_slips(desk, session, payment, now)
                answer = ApprovalAnswer(accepted=True, slips=slips)
            else:
                payment.reason = reason
                payment.owner_verdict = approval.owner_verdict
                answer = ApprovalAnswer(accepted=False, reason=reason)
            await audit_judged(desk, session, payment, approval, reason, caller, now)
            keep_answer(session, order=order, name="approval", body=body, answer=answer, now=now)
        return answer


def _reason_against(
    desk: Desk, order: models.TerminalOrder, payment: models.Payment, approval: Approval
) -> Reason:
    # A sale that was withdrawn, given up as unknown or done is never approved late.
    if (
        order.kind is not OrderKind.SALE
        or order.status is not OrderStatus.STARTED
        or payment.status is not PaymentStatus.SENT
    ):
        return Reason.SERVER_REFUSED
    return judge(desk, payment, approval)


def judge(desk: Desk, payment: models.Payment, approval: Approval) -> Reason:
    """Return what speaks against an approval of this payment."""
    return judge_approval(
        expected=Expected(
            amount_tiyn=payment.amount_tiyn,
            terminal_number=payment.terminal_number_expected,
            names_prove=desk.names_prove,
            card_ref=payment.card_ref or "",
        ),
        reported=Reported(
            amount_tiyn=approval.amount_tiyn,
            currency=approval.currency,
            terminal_number=approval.terminal_number,
            owner_verdict=approval.owner_verdict,
            rrn=approval.rrn,
            approval_code=approval.approval_code,
            owner_method=approval.owner_method,
            card_ref=approval.card_ref,
        ),
    )


def store_approval(payment: models.Payment, approval: Approval, now: datetime) -> None:
    """Write down what proves a sale; the card's number is not among it."""
    payment.status = next_payment_status(current=payment.status, target=PaymentStatus.APPROVED)
    payment.reason = Reason.NONE
    payment.approved_at = now
    # What was judged to be proven is a match; by what, stands beside it.
    payment.owner_verdict = OwnerVerdict.MATCH
    payment.owner_method = approval.owner_method
    payment.owner_checker = approval.owner_checker or None
    payment.merchant_number = approval.merchant_number
    payment.terminal_receipt_number = approval.receipt_number
    payment.trace_number = approval.trace_number
    payment.rrn = approval.rrn
    payment.approval_code = approval.approval_code
    payment.card_brand = approval.card_brand
    payment.card_masked = approval.card_masked
    payment.card_ref = approval.card_ref
    payment.card_ref_kind = approval.card_ref_kind
    payment.entry_mode = approval.entry_mode
    payment.cardholder_check = approval.cardholder_check
    payment.aid = approval.aid
    proof = approval.proof or CardProof()
    payment.terminal_serial = proof.terminal_serial or None
    payment.batch_number = proof.batch_number
    payment.application_label = proof.application_label or None
    payment.tvr, payment.tsi = proof.tvr or None, proof.tsi or None
    payment.cryptogram = proof.cryptogram or None
    payment.terminal_at = approval.terminal_at


async def audit_judged(
    desk: Desk,
    session: AsyncSession,
    payment: models.Payment,
    approval: Approval,
    reason: Reason,
    caller: Principal,
    now: datetime,
) -> None:
    """Record that an approval was accepted, or why it was not."""
    accepted = reason is Reason.NONE
    await desk.trail.record(
        session,
        event="fines.payment_approved" if accepted else "fines.approval_refused",
        at=now,
        who=caller,
        fields={
            "payment_id": str(payment.id),
            "reason": reason.value,
            "owner_verdict": approval.owner_verdict.value,
            "owner_method": approval.owner_method.value,
            "amount_tiyn": approval.amount_tiyn,
            "rrn": approval.rrn,
        },
    )


def standing_order(
    payment: models.Payment, kind: OrderKind, *, now: datetime, after: timedelta
) -> models.TerminalOrder:
    """Return an order that is wanted until it is done: settle a sale, or print its papers."""
    return models.TerminalOrder(
        id=uuid4(),
        payment_id=payment.id,
        device_id=payment.terminal_device_id,
        kind=kind,
        status=OrderStatus.WAITING,
        created_at=now,
        not_before=now + after,
        expires_at=now + STANDING_ORDER_LIFE,
    )
