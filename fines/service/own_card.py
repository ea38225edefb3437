"""A card shown before its sale: our books may refuse it, the issuer has the last word."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.db import transaction
from fines import models
from fines.repository import cards as repository
from fines.rules.own_card import EarlierCard, judge_card
from fines.rules.payment import OrderStatus, PaymentStatus
from fines.service.debts import debt_of, payer_of
from fines.service.desk import Desk
from fines.service.people import index_of
from fines.service.reports import answered_before, keep_answer, locked_order, refuse_card_numbers
from fines.wire.protocol import CardAnswer, CardShown, OrderKind, Reason


async def take_card(
    desk: Desk, *, caller: Principal, order_id: UUID, shown: CardShown, now: datetime
) -> CardAnswer:
    """Look at a card read before its sale; the same again is answered the same.

    Raises:
        OrderNotFound: there is none for this terminal.
        ReportDiffers: another card was shown for this order.
        CardNumberRefused: a field holds a card number.
    """
    fields = {"order_id": str(order_id)}
    body = shown.model_dump_json().encode()
    async with desk.refusals_audited(
        event="fines.card_not_taken", who=caller, at=now, fields=fields
    ):
        refuse_card_numbers(shown)
        async with transaction(desk.sessions) as session:
            order, payment = await locked_order(session, caller=caller, order_id=order_id)
            known = await answered_before(
                session, order=order, name="card", body=body, kind=CardAnswer
            )
            if known is not None:
                return known
            reason = await _reason_against(desk, session, order, payment, shown)
            if payment.status is PaymentStatus.SENT:
                payment.card_brand, payment.card_masked = shown.card_brand, shown.card_masked
                payment.card_ref, payment.card_ref_kind = shown.card_ref, shown.card_ref_kind
                payment.reason = reason
            answer = CardAnswer(reason=reason)
            keep_answer(session, order=order, name="card", body=body, answer=answer, now=now)
            await desk.trail.record(
                session,
                event="fines.card_shown",
                at=now,
                who=caller,
                fields={
                    **fields,
                    "payment_id": str(payment.id),
                    "reason": reason.value,
                    "name_verdict": shown.name_verdict,
                },
            )
            return answer


async def _reason_against(
    desk: Desk,
    session: AsyncSession,
    order: models.TerminalOrder,
    payment: models.Payment,
    shown: CardShown,
) -> Reason:
    if (
        order.kind is not OrderKind.SALE
        or order.status is not OrderStatus.STARTED
        or payment.status is not PaymentStatus.SENT
    ):
        return Reason.SERVER_REFUSED
    if not shown.card_ref:
        return Reason.NONE  # nothing to know it by: the issuer decides alone
    payer = payer_of(desk, await debt_of(session, payment))
    rows = await repository.earlier_with_card(
        session,
        card_ref=shown.card_ref,
        card_ref_kind=shown.card_ref_kind,
        payer_index=index_of(desk, payer.iin),
        but=payment.id,
    )
    return judge_card(
        EarlierCard(same_payer=same, verdict=verdict, method=method)
        for same, verdict, method in rows
        if verdict is not None
    )
