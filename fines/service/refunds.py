"""Refunds: a clerk asks, another clerk decides, the acquirer pays. The officer has no part."""

import hashlib
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.calendar.rules import end_of_day, start_of_day
from app.clock import law_date
from app.db import transaction
from app.identity.service import posts_by_id
from fines import models, repository
from fines.errors import IdempotencyKeyReused, PaymentNotFound
from fines.errors.money import NotRefundable, RefundNotFound, RefundStepRefused
from fines.repository import ledger
from fines.repository import refunds as statements
from fines.rules.ledger import Posting, PostingKind
from fines.rules.refunds import (
    RefundReason,
    RefundStatus,
    limits_on,
    next_refund_status,
    refuse_over_limits,
    refuse_over_paid,
    refuse_own_hands,
)
from fines.service.desk import Desk
from fines.wire import instruction


async def ask_refund(
    desk: Desk,
    *,
    caller: Principal,
    payment_id: UUID,
    amount_tiyn: int,
    reason: RefundReason,
    note: str,
    idempotency_key: str,
    now: datetime,
) -> dict[str, object]:
    """Ask for money of a payment to be given back; nothing moves before somebody else decides.

    Raises:
        PaymentNotFound: there is no such payment of the caller's unit.
        NotRefundable, RefundTooLarge: there is not that much to give back.
        RefundNotByYou: the caller took the payment.
        IdempotencyKeyReused: the key began another refund.
    """
    body = f"{payment_id}\n{amount_tiyn}\n{reason.value}\n{note}\n{caller.person}".encode()
    digest = hashlib.sha256(body).digest()
    fields: dict[str, object] = {
        "payment_id": str(payment_id),
        "amount_tiyn": amount_tiyn,
        "reason": reason.value,
    }
    async with desk.refusals_audited(
        event="fines.refund_not_taken", who=caller, at=now, fields=fields
    ):
        try:
            async with transaction(desk.sessions) as session:
                known = await _replayed(session, idempotency_key, digest)
                if known is not None:
                    return known
                payment = await _payment_of_unit(session, caller, payment_id)
                refund = await _new_refund(session, caller, payment, amount_tiyn, now)
                refund.reason, refund.note = reason, note
                refund.idempotency_key, refund.request_sha256 = idempotency_key, digest
                session.add(refund)
                await session.flush()
                await desk.trail.record(
                    session,
                    event="fines.refund_requested",
                    at=now,
                    who=caller,
                    fields=fields | {"refund_id": str(refund.id)},
                )
                return _view(refund, payment.id)
        except IntegrityError:
            # The same key came twice at once: the other request was first.
            async with transaction(desk.sessions) as session:
                known = await _replayed(session, idempotency_key, digest)
            if known is None:
                raise
            return known


async def _replayed(
    session: AsyncSession, idempotency_key: str, digest: bytes
) -> dict[str, object] | None:
    known = await statements.refund_of_key(session, idempotency_key)
    if known is None:
        return None
    if known.request_sha256 != digest:
        raise IdempotencyKeyReused("the key began another refund")
    return {"refund_id": known.id, "status": RefundStatus.REQUESTED.value}


async def _payment_of_unit(
    session: AsyncSession, caller: Principal, payment_id: UUID
) -> models.Payment:
    payment = await repository.payment(session, payment_id, lock=True)
    if payment is None or payment.department_id != caller.department_id:
        raise PaymentNotFound(f"no payment {payment_id}")
    if payment.confirmed_at is None:
        raise NotRefundable(f"payment {payment_id} was never completed")
    return payment


async def _new_refund(
    session: AsyncSession,
    caller: Principal,
    payment: models.Payment,
    amount_tiyn: int,
    now: datetime,
) -> models.Refund:
    officer = (await posts_by_id(session, [payment.post_id]))[payment.post_id]
    refuse_own_hands(person_id=caller.person, officer_person_id=officer.person_id, asked_by=None)
    refuse_over_paid(
        paid_tiyn=payment.amount_tiyn,
        refunded_tiyn=await statements.refunded_tiyn(session, payment_number=payment.number),
        amount_tiyn=amount_tiyn,
    )
    return models.Refund(
        id=uuid4(),
        payment_number=payment.number,
        department_id=payment.department_id,
        officer_person_id=officer.person_id,
        amount_tiyn=amount_tiyn,
        status=RefundStatus.REQUESTED,
        requested_by_post_id=caller.post_id,
        requested_by_person_id=caller.person,
        requested_at=now,
        decision_note="",
    )


async def decide_refund(
    desk: Desk, *, caller: Principal, refund_id: UUID, approve: bool, note: str, now: datetime
) -> dict[str, object]:
    """Approve or refuse a refund; an approved one is owed from now on.

    The same decision by the same person again is answered as the first time.

    Raises:
        RefundNotFound: there is none of the caller's unit.
        RefundNotByYou: the caller asked for it, or took the payment.
        RefundStepRefused: it was decided otherwise before.
        RefundLimitOfClerk, RefundLimitOfUnit: it is more than may be approved in a day.
    """
    target = RefundStatus.APPROVED if approve else RefundStatus.REFUSED
    fields: dict[str, object] = {"refund_id": str(refund_id), "decision": target.value}
    async with (
        desk.refusals_audited(event="fines.refund_not_decided", who=caller, at=now, fields=fields),
        transaction(desk.sessions) as session,
    ):
        refund = await statements.refund(
            session, refund_id, department_id=caller.department_id, lock=True
        )
        if refund is None:
            raise RefundNotFound(f"no refund {refund_id}")
        if refund.status is target and refund.decided_by_person_id == caller.person:
            return {"refund_id": refund.id, "status": refund.status.value}
        refuse_own_hands(
            person_id=caller.person,
            officer_person_id=refund.officer_person_id,
            asked_by=refund.requested_by_person_id,
        )
        status = next_refund_status(current=refund.status, target=target)
        if approve:
            await _hold_to_limits(desk, session, refund, caller, now)
        refund.status = status
        refund.decided_by_person_id, refund.decided_by_post_id = caller.person, caller.post_id
        refund.decided_at, refund.decision_note = now, note
        await session.flush()
        if approve:
            await ledger.post(
                session,
                [Posting(kind=PostingKind.REFUND_DECIDED, amount_tiyn=refund.amount_tiyn)],
                payment_number=refund.payment_number,
                refund_id=refund.id,
                at=now,
            )
        await desk.trail.record(
            session, event="fines.refund_decided", at=now, who=caller, fields=fields
        )
        return {"refund_id": refund.id, "status": refund.status.value}


async def _hold_to_limits(
    desk: Desk, session: AsyncSession, refund: models.Refund, caller: Principal, now: datetime
) -> None:
    day = law_date(now)
    of_clerk, of_unit = await statements.approved_of_day(
        session,
        department_id=refund.department_id,
        person_id=caller.person,
        first=start_of_day(day),
        last=end_of_day(day),
    )
    refuse_over_limits(
        limits_on(desk.refund_limits, day),
        amount_tiyn=refund.amount_tiyn,
        of_clerk_tiyn=of_clerk,
        of_unit_tiyn=of_unit,
    )


async def instruct_acquirer(
    desk: Desk, *, caller: Principal, now: datetime
) -> models.RefundInstruction | None:
    """Write the unit's approved refunds into an instruction, each into one only.

    ``None`` where nothing waits. The acquirer is told the file as it is kept.
    """
    async with transaction(desk.sessions) as session:
        decided = await statements.approved_refunds(session, department_id=caller.department_id)
        if not decided or caller.post_id is None:
            return None
        content = instruction.write(_order(refund, payment) for refund, payment in decided)
        row = models.RefundInstruction(
            id=uuid4(),
            content=content,
            sha256=hashlib.sha256(content).digest(),
            count=len(decided),
            made_by_post_id=caller.post_id,
            made_at=now,
        )
        session.add(row)
        await session.flush()
        for refund, payment in decided:
            refund.status = next_refund_status(current=refund.status, target=RefundStatus.SENT)
            refund.instruction_id = row.id
            await session.flush()
            await statements.add_waiting_refund(session, refund, payment, day=law_date(now))
        await desk.trail.record(
            session,
            event="fines.refunds_instructed",
            at=now,
            who=caller,
            fields={
                "instruction_id": str(row.id),
                "sha256": row.sha256.hex(),
                "refund_ids": [str(refund.id) for refund, _ in decided],
            },
        )
        return row


def _order(refund: models.Refund, payment: models.Payment) -> instruction.RefundOrder:
    return instruction.RefundOrder(
        refund_id=refund.id,
        rrn=payment.rrn or "",
        approval_code=payment.approval_code or "",
        terminal_number=payment.terminal_number_expected,
        merchant_number=payment.merchant_number or "",
        amount_tiyn=refund.amount_tiyn,
    )


async def instruction_document(desk: Desk, *, caller: Principal, refund_id: UUID) -> bytes:
    """Return the instruction that a refund stands in, as it was written.

    Raises:
        RefundNotFound: there is no such refund of the caller's unit.
        RefundStepRefused: it stands in none yet.
    """
    async with transaction(desk.sessions) as session:
        refund = await statements.refund(session, refund_id, department_id=caller.department_id)
        if refund is None:
            raise RefundNotFound(f"no refund {refund_id}")
        if refund.instruction_id is None:
            raise RefundStepRefused(f"refund {refund_id} was not sent yet")
        row = await session.get_one(models.RefundInstruction, refund.instruction_id)
        return row.content


async def list_refunds(desk: Desk, *, caller: Principal) -> list[dict[str, object]]:
    """Return the latest refunds of the caller's unit; they name no person."""
    async with transaction(desk.sessions) as session:
        rows = await statements.refunds_of_unit(session, department_id=caller.department_id)
        return [
            _view(refund, payment_id)
            | {
                "decidable": caller.person
                not in {refund.requested_by_person_id, refund.officer_person_id}
            }
            for refund, payment_id in rows
        ]


async def find_payments(
    desk: Desk, *, caller: Principal, rrn: str, now: datetime
) -> list[dict[str, object]]:
    """Return the kept payments of the caller's unit with an RRN, and what is left of each.

    They name no person. That somebody looked is recorded.
    """
    async with transaction(desk.sessions) as session:
        found = await statements.payments_of_rrn(
            session, rrn=rrn, department_id=caller.department_id
        )
        cards = await posts_by_id(session, [one.post_id for one in found]) if found else {}
        views: list[dict[str, object]] = [
            {
                "payment_id": one.id,
                "amount_tiyn": one.amount_tiyn,
                "confirmed_at": one.confirmed_at,
                "terminal_number": one.terminal_number_expected,
                "officer": cards[one.post_id].badge,
                "left_tiyn": one.amount_tiyn
                - await statements.refunded_tiyn(session, payment_number=one.number),
            }
            for one in found
        ]
        await desk.trail.record(
            session,
            event="fines.payments_looked_up",
            at=now,
            who=caller,
            fields={"payment_ids": [str(one.id) for one in found]},
        )
        return views


def _view(refund: models.Refund, payment_id: UUID) -> dict[str, object]:
    return {
        "refund_id": refund.id,
        "payment_id": payment_id,
        "status": refund.status.value,
        "amount_tiyn": refund.amount_tiyn,
        "reason": refund.reason.value,
        "note": refund.note,
        "requested_at": refund.requested_at,
        "decided_at": refund.decided_at,
        "decision_note": refund.decision_note,
        "instruction_id": refund.instruction_id,
        "paid_at": refund.paid_at,
    }
