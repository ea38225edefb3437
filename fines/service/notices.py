"""The outbox of the register: wanted in the transaction of the money, told by the worker.

Record, call, record: an attempt is written down before the notice leaves and its end after; a
crash between the two sends the same notice again, and the register counts it once by its id.
"""

from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.db import transaction
from app.exchange.rules.notices import Notice, NoticeOf, NoticeOutcome, NoticeReply, Tell
from app.identity.service import posts_by_id
from fines import models
from fines.errors.money import NoticeNotFound
from fines.repository import notices as repository
from fines.rules.notices import (
    NoticeKind,
    NoticeStatus,
    is_given_up,
    next_notice_status,
    pause_after,
)
from fines.rules.reconciliation_words import CaseKind, CaseStatus
from fines.rules.terms import DatedTerms, end_of_term
from fines.service.debts import Debt, debt_of, number_of, payer_of
from fines.service.desk import Desk

BECAUSE_UNTOLD: Final = "the register was not told"
_BATCH_MAX: Final = 500  # in one run of the job; the rest in the next, ten seconds later


def want_notice(
    session: AsyncSession,
    *,
    kind: NoticeKind,
    department_id: UUID,
    now: datetime,
    payment_number: int | None = None,
    refund_id: UUID | None = None,
    entry_id: UUID | None = None,
) -> None:
    """Let the register be told, if the caller's transaction commits."""
    session.add(
        models.RegisterNotice(
            id=uuid4(),
            kind=kind,
            status=NoticeStatus.WAITING,
            payment_number=payment_number,
            refund_id=refund_id,
            entry_id=entry_id,
            department_id=department_id,
            attempts=0,
            fault="",
            created_at=now,
            next_at=now,
            tried_since=now,
        )
    )


async def tell_register(desk: Desk, *, tell: Tell, terms: DatedTerms, now: datetime) -> int:
    """Tell the register what is due; return how many notices it has acknowledged.

    Silence ends the run: who does not answer one does not answer the next. Safe to repeat, to
    run in several processes, and to be killed at any point.
    """
    told = 0
    for _ in range(_BATCH_MAX):
        async with transaction(desk.sessions) as session:
            row = await repository.claim_notice(session, now=now)
            if row is None:
                break
            notice = await _begin(desk, session, row, now)
        reply = await tell(notice)
        async with transaction(desk.sessions) as session:
            await _end(desk, session, notice.notice_id, reply, terms, now)
        told += reply.outcome is NoticeOutcome.TOLD
        if reply.outcome is NoticeOutcome.SILENT:
            break
    return told


async def _begin(
    desk: Desk, session: AsyncSession, row: models.RegisterNotice, now: datetime
) -> Notice:
    row.attempts += 1
    row.next_at = now + pause_after(row.attempts)
    notice = await _notice(desk, session, row)
    await desk.trail.record(
        session,
        event="fines.register_notice_sent",
        at=now,
        who=None,
        subject_iin=notice.iin,
        fields={"notice_id": str(row.id), "kind": row.kind.value, "attempt": row.attempts},
    )
    return notice


async def _notice(desk: Desk, session: AsyncSession, row: models.RegisterNotice) -> Notice:
    payment = None
    if row.payment_number is not None:
        payment = await repository.payment_of_number(session, row.payment_number)
        debt = await debt_of(session, payment)
    else:
        entry = await session.get_one(models.RecordEntry, row.entry_id)
        record = await session.get_one(models.OffenceRecord, entry.offence_record_id)
        debt = Debt(record=record)
    post_id = debt.row.post_id if payment is None else payment.post_id
    card = (await posts_by_id(session, [post_id]))[post_id]
    amount, happened_at = None, row.created_at
    if row.refund_id is not None:
        amount = (await session.get_one(models.Refund, row.refund_id)).amount_tiyn
    elif payment is not None:
        amount, happened_at = payment.amount_tiyn, payment.confirmed_at or row.created_at
    return Notice(
        notice_id=row.id,
        kind=NoticeOf(row.kind.value),
        department_bin=card.department_bin,
        decision_number=await number_of(session, debt),
        iin=payer_of(desk, debt).iin,
        happened_at=happened_at,
        amount_tiyn=amount,
        full_tiyn=None if payment is None else payment.full_tiyn,
        rrn="" if payment is None else payment.rrn or "",
    )


async def _end(
    desk: Desk,
    session: AsyncSession,
    notice_id: UUID,
    reply: NoticeReply,
    terms: DatedTerms,
    now: datetime,
) -> None:
    row = await repository.locked_notice(session, notice_id)
    if row is None or row.status is not NoticeStatus.WAITING:
        return  # another process has ended it
    row.fault = reply.fault[:64]
    fields: dict[str, object] = {"notice_id": str(row.id), "kind": row.kind.value}
    if reply.outcome is NoticeOutcome.TOLD:
        row.status = next_notice_status(current=row.status, target=NoticeStatus.TOLD)
        row.told_at = now
        await desk.trail.record(
            session, event="fines.register_told", at=now, who=None, fields=fields
        )
        return
    until = end_of_term(terms, since=row.tried_since)
    if reply.outcome is NoticeOutcome.SILENT and not is_given_up(
        attempts=row.attempts, give_up_at=until, now=now
    ):
        return
    row.status = next_notice_status(current=row.status, target=NoticeStatus.DEAD)
    await desk.trail.record(
        session,
        event="fines.register_notice_dead",
        at=now,
        who=None,
        fields=fields | {"fault": row.fault, "attempts": row.attempts},
    )
    await _open_case(desk, session, row, now)


async def _open_case(
    desk: Desk, session: AsyncSession, row: models.RegisterNotice, now: datetime
) -> None:
    if await repository.has_case(session, row.id):
        return  # sent again and given up again: one case for a notice
    case = models.ReconciliationCase(
        id=uuid4(),
        kind=CaseKind.REGISTER_NOTICE,
        notice_id=row.id,
        department_id=row.department_id,
        status=CaseStatus.OPEN,
        opened_at=now,
        opened_because=BECAUSE_UNTOLD,
        explanation="",
        conclusion="",
    )
    session.add(case)
    await desk.trail.record(
        session,
        event="fines.case_opened",
        at=now,
        who=None,
        fields={"case_id": str(case.id), "because": BECAUSE_UNTOLD},
    )


async def send_again(desk: Desk, *, caller: Principal, notice_id: UUID, now: datetime) -> None:
    """Let a notice that was given up be told anew; its case stays for people to close.

    Raises:
        NoticeNotFound: the unit has no such notice.
        NoticeStepRefused: it was told, or is still being told.
    """
    fields: dict[str, object] = {"notice_id": str(notice_id)}
    async with (
        desk.refusals_audited(
            event="fines.register_notice_not_sent", who=caller, at=now, fields=fields
        ),
        transaction(desk.sessions) as session,
    ):
        row = await repository.locked_notice(session, notice_id)
        if row is None or row.department_id != caller.department_id:
            raise NoticeNotFound(f"no notice {notice_id}")
        row.status = next_notice_status(current=row.status, target=NoticeStatus.WAITING)
        row.attempts, row.next_at, row.tried_since = 0, now, now
        await desk.trail.record(
            session, event="fines.register_notice_wanted", at=now, who=caller, fields=fields
        )
