"""How a sale ended at the terminal, and which papers came out."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.db import transaction
from fines import models, repository
from fines.rules.notices import NoticeKind
from fines.rules.payment import (
    LAST_RESULT_RETRY,
    MUST_NOT_STAND,
    PRINT_RETRY,
    OrderStatus,
    PaymentStatus,
    next_payment_status,
    status_after_outcome,
)
from fines.service.bookkeeping import book_approval, book_confirmation, book_reversal
from fines.service.debts import debt_of, payer_of, settle_debt
from fines.service.desk import Desk
from fines.service.duplicates import replace_doubtful
from fines.service.notices import want_notice
from fines.service.reports import answered_before, keep_answer, locked_order, refuse_card_numbers
from fines.service.slips import make_sale_slips, make_unpaid_slip, unprinted
from fines.service.terminal_orders import audit_judged, judge, standing_order, store_approval
from fines.wire.protocol import (
    OrderKind,
    Outcome,
    OutcomeAnswer,
    OwnerVerdict,
    Printed,
    Reason,
    Result,
)
from fines.wire.slip import Slip, SlipKind

_NOW: Final = timedelta()
_UNPAID: Final = {
    PaymentStatus.DECLINED: SlipKind.DECLINED,
    PaymentStatus.REVERSED: SlipKind.REVERSED,
}


async def take_outcome(
    desk: Desk, *, caller: Principal, order_id: UUID, outcome: Outcome, now: datetime
) -> OutcomeAnswer:
    """Take how an order ended and return the papers to print; the same again is the same.

    Completed: the record is paid. Declined or reversed: a paper says that nothing is. Unknown:
    the terminal is asked for its last result, and nobody may sell again.

    Raises:
        OrderNotFound: there is none for this terminal.
        ReportDiffers: another end was reported for this order.
        OutcomeContradicts: it cannot be true together with what is proven.
        CardNumberRefused: a field holds a card number.
    """
    fields = {"order_id": str(order_id), "result": outcome.result.value}
    # What the terminal's memory adds when a report is repeated is no other report.
    body = outcome.model_dump_json(exclude={"approval"}).encode()
    async with desk.refusals_audited(
        event="fines.outcome_not_taken", who=caller, at=now, fields=fields
    ):
        refuse_card_numbers(outcome)
        async with transaction(desk.sessions) as session:
            order, payment = await locked_order(session, caller=caller, order_id=order_id)
            known = await answered_before(
                session, order=order, name="outcome", body=body, kind=OutcomeAnswer
            )
            if known is not None:
                return known
            slips = await _settle(desk, session, caller, payment, outcome, now)
            order.status = OrderStatus.DONE
            order.ended_at = now
            if payment.status is PaymentStatus.UNKNOWN:
                kept = order.kind is OrderKind.LAST_RESULT and outcome.result is Result.COMPLETED
                if kept and payment.reason in MUST_NOT_STAND:
                    await _want_reversal(desk, session, payment, now)
                else:
                    await _want_last_result(session, payment, order, now)
            elif slips and order.kind is OrderKind.LAST_RESULT:
                # Long after the sale: papers come by an order of their own.
                await want_print(session, payment, now, after=_NOW)
                slips = ()
            answer = OutcomeAnswer(slips=slips)
            keep_answer(session, order=order, name="outcome", body=body, answer=answer, now=now)
        return answer


async def _settle(
    desk: Desk,
    session: AsyncSession,
    caller: Principal,
    payment: models.Payment,
    outcome: Outcome,
    now: datetime,
) -> tuple[Slip, ...]:
    before = payment.status
    if outcome.result is Result.COMPLETED and payment.rrn is None:
        await _take_late_approval(desk, session, caller, payment, outcome, now)
    after = status_after_outcome(
        current=payment.status,
        confirmed=payment.confirmed_at is not None,
        result=outcome.result,
        approval_stored=payment.rrn is not None,
    )
    if after is not payment.status:
        payment.status = next_payment_status(current=payment.status, target=after)
    payment.host_code, payment.terminal_code = outcome.host_code, outcome.terminal_code
    await desk.trail.record(
        session,
        event="fines.outcome_taken",
        at=now,
        who=caller,
        fields={
            "payment_id": str(payment.id),
            "result": outcome.result.value,
            "reason": outcome.reason.value,
            "host_code": outcome.host_code,
            "terminal_code": outcome.terminal_code,
            "from": before.value,
            "to": after.value,
        },
    )
    if after is PaymentStatus.APPROVED and payment.confirmed_at is None:
        await confirm(desk, session, caller, payment, now)
    if after in _UNPAID:
        return await _end_unpaid(desk, session, payment, before, outcome, now)
    if payment.confirmed_at is not None:
        return tuple(await unprinted(desk, session, payment, SlipKind.SALE))
    return ()


async def _take_late_approval(
    desk: Desk,
    session: AsyncSession,
    caller: Principal,
    payment: models.Payment,
    outcome: Outcome,
    now: datetime,
) -> None:
    # The terminal kept a sale whose approval never reached us: its memory is the only proof.
    if outcome.approval is None or payment.status not in {
        PaymentStatus.SENT,
        PaymentStatus.UNKNOWN,
    }:
        return
    reason = judge(desk, payment, outcome.approval)
    await audit_judged(desk, session, payment, outcome.approval, reason, caller, now)
    if reason is not Reason.NONE:
        payment.reason = reason  # stays unknown: money moved that must not have
        return
    store_approval(payment, outcome.approval, now)
    await book_approval(session, payment, now=now)
    await make_sale_slips(desk, session, payment, now)
    await session.flush()


async def confirm(
    desk: Desk,
    session: AsyncSession,
    caller: Principal | None,
    payment: models.Payment,
    now: datetime,
) -> None:
    """Hold a sale for kept: the record is paid, and the books say so."""
    payment.confirmed_at = now
    payment.reason = Reason.NONE
    await close_orders(session, payment, OrderKind.LAST_RESULT, now)
    debt = await debt_of(session, payment, lock=True)
    await settle_debt(session, debt)
    await book_confirmation(session, payment, now=now)
    want_notice(
        session,
        kind=NoticeKind.PAID,
        payment_number=payment.number,
        department_id=payment.department_id,
        now=now,
    )
    await desk.trail.record(
        session,
        event="fines.payment_confirmed",
        at=now,
        who=caller,
        subject_iin=payer_of(desk, debt).iin,
        fields={
            "payment_id": str(payment.id),
            **debt.ids,
            "amount_tiyn": payment.amount_tiyn,
            "rrn": payment.rrn,
        },
    )


async def _end_unpaid(
    desk: Desk,
    session: AsyncSession,
    payment: models.Payment,
    before: PaymentStatus,
    outcome: Outcome,
    now: datetime,
) -> tuple[Slip, ...]:
    kind = _UNPAID[payment.status]
    if before is payment.status:
        return tuple(await unprinted(desk, session, payment, kind))
    payment.ended_at = now
    if payment.status is PaymentStatus.REVERSED:
        await book_reversal(session, payment, now=now)
    # Why the server took it back says more than that the terminal was told to.
    if payment.reason is Reason.NONE or outcome.reason is not Reason.SERVER_REFUSED:
        payment.reason = outcome.reason
    if outcome.owner_verdict is not OwnerVerdict.UNKNOWN:
        payment.owner_verdict = outcome.owner_verdict
    await close_orders(session, payment, OrderKind.LAST_RESULT, now)
    return (await make_unpaid_slip(desk, session, payment, kind=kind, now=now),)


async def close_orders(
    session: AsyncSession, payment: models.Payment, kind: OrderKind, now: datetime
) -> None:
    """Close the open orders of a kind: what they wanted is known."""
    for order in await repository.open_orders_of(session, payment.id):
        if order.kind is kind:
            order.status = OrderStatus.DONE
            order.ended_at = now


async def _want_last_result(
    session: AsyncSession, payment: models.Payment, order: models.TerminalOrder, now: datetime
) -> None:
    # The first time at once; then with a pause, for the line to come back.
    again = order.kind is not OrderKind.SALE
    waiting = await repository.open_orders_of(session, payment.id)
    if any(one.kind is OrderKind.LAST_RESULT and one.id != order.id for one in waiting):
        return
    after = LAST_RESULT_RETRY if again else _NOW
    session.add(standing_order(payment, OrderKind.LAST_RESULT, now=now, after=after))


async def _want_reversal(
    desk: Desk, session: AsyncSession, payment: models.Payment, now: datetime
) -> None:
    # The terminal keeps a sale that must not stand and that nobody committed: it takes it back.
    waiting = await repository.open_orders_of(session, payment.id)
    if any(one.kind is OrderKind.REVERSAL for one in waiting):
        return
    order = standing_order(payment, OrderKind.REVERSAL, now=now, after=_NOW)
    session.add(order)
    await desk.trail.record(
        session,
        event="fines.reversal_ordered",
        at=now,
        who=None,
        fields={
            "payment_id": str(payment.id),
            "order_id": str(order.id),
            "reason": payment.reason.value,
        },
    )


async def take_printed(
    desk: Desk, *, caller: Principal, order_id: UUID, printed: Printed, now: datetime
) -> None:
    """Take which papers came out whole; order the rest again. May be repeated.

    What may have come out comes again as a numbered duplicate only.

    Raises:
        OrderNotFound: there is none for this terminal.
    """
    async with transaction(desk.sessions) as session:
        order, payment = await locked_order(session, caller=caller, order_id=order_id)
        for row in await repository.slips_of(session, payment.id):
            if row.id in printed.slip_ids and row.printed_at is None:
                row.printed_at = now
                await desk.trail.record(
                    session,
                    event="fines.slip_printed",
                    at=now,
                    who=caller,
                    fields={
                        "payment_id": str(payment.id),
                        "slip_id": str(row.id),
                        "kind": row.kind.value,
                        "copy_number": row.copy_number,
                        "duplicate": row.duplicate,
                    },
                )
        await session.flush()
        await replace_doubtful(
            desk, session, payment, printed.doubtful_slip_ids, caller=caller, now=now
        )
        if order.kind is OrderKind.PRINT:
            order.status = OrderStatus.DONE
            order.ended_at = now
            await session.flush()
        missing = await unprinted(
            desk, session, payment, _UNPAID.get(payment.status, SlipKind.SALE)
        )
        if missing:
            await want_print(session, payment, now, after=PRINT_RETRY, device_id=order.device_id)
        elif payment.status is PaymentStatus.APPROVED and payment.confirmed_at is not None:
            payment.status = next_payment_status(
                current=payment.status, target=PaymentStatus.SLIPS_PRINTED
            )


async def want_print(
    session: AsyncSession,
    payment: models.Payment,
    now: datetime,
    *,
    after: timedelta,
    device_id: UUID | None = None,
) -> None:
    """Order the papers that are not out yet, unless that stands already."""
    waiting = await repository.open_orders_of(session, payment.id)
    if any(one.kind is OrderKind.PRINT for one in waiting):
        return
    order = standing_order(payment, OrderKind.PRINT, now=now, after=after)
    # A duplicate comes out where it was ordered, which may be another terminal by then.
    order.device_id = device_id or order.device_id
    session.add(order)
