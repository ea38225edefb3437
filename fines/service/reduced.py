"""Reduced proceedings: the four acts, the person's agreement, the receipt (articles 810, 811)."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.calendar.service import working_calendar
from app.clock import law_date
from app.db import transaction
from fines import models, repository
from fines.errors import NotEligibleForReduced, ReceiptNotIssued, ReducedNotAgreed, ReducedTermEnded
from fines.rules.catalogue import ReducedReason
from fines.rules.offence_record import (
    Act,
    OffenceStatus,
    discount_end,
    next_offence_status,
    receipt_number,
    refuse_acts_missing,
)
from fines.rules.proceedings import OrdinaryGround, ordinary_ground
from fines.rules.terms import end_of_term
from fines.service.desk import Desk, own_record
from fines.service.people import offender_of
from fines.service.proceedings import begin_case


async def record_act(
    desk: Desk, *, caller: Principal, offence_record_id: UUID, act: Act, now: datetime
) -> None:
    """Record one of the four acts with its instant; a second time changes nothing.

    Raises:
        OffenceRecordNotFound: there is no such record of the caller's.
        ReceiptNotIssued: a receipt that is not there cannot have been handed over.
    """
    fields = {"offence_record_id": str(offence_record_id), "act": act.value}
    async with (
        desk.refusals_audited(event="fines.act_refused", who=caller, at=now, fields=fields),
        transaction(desk.sessions) as session,
    ):
        record = await own_record(
            session, caller=caller, offence_record_id=offence_record_id, lock=True
        )
        if act in await _acts_done(session, record):
            return
        if act is Act.RECEIPT_HANDED and record.receipt_number is None:
            raise ReceiptNotIssued(f"record {record.id} has no receipt")
        session.add(
            models.OffenceAct(
                id=uuid4(),
                offence_record_id=record.id,
                act=act,
                at=now,
                post_id=caller.post_id,
                device_id=caller.device_id,
            )
        )
        await desk.trail.record(session, event="fines.act_done", at=now, who=caller, fields=fields)


async def agree_reduced(
    desk: Desk,
    *,
    caller: Principal,
    offence_record_id: UUID,
    admits: bool,
    agrees: bool,
    contests: bool,
    now: datetime,
) -> dict[str, object]:
    """Record the agreement and issue the numbered receipt; a second time returns the first.

    Raises:
        OffenceRecordNotFound: there is no such record of the caller's.
        NotEligibleForReduced, ReducedNotAgreed: article 810.
        ReducedTermEnded: the term to agree is over.
        ActsNotReported: what comes before the agreement was not reported.
        TransitionRefused: the record has gone another way.
        CalendarNotCovered: the end of the seven days is not known.
    """
    fields: dict[str, object] = {"offence_record_id": str(offence_record_id)}
    async with (
        desk.refusals_audited(event="fines.reduced_refused", who=caller, at=now, fields=fields),
        transaction(desk.sessions) as session,
    ):
        record = await own_record(
            session, caller=caller, offence_record_id=offence_record_id, lock=True
        )
        if record.receipt_number is not None:
            return _receipt(record)
        if record.reduced_reason is not ReducedReason.ELIGIBLE:
            raise NotEligibleForReduced(
                f"record {record.id} is not eligible", reason=record.reduced_reason.value
            )
        await _refuse_late(desk, session, record, now)
        if not admits or not agrees or contests:
            raise ReducedNotAgreed(
                f"record {record.id}: no agreement",
                admits=admits,
                agrees=agrees,
                contests=contests,
            )
        await _issue_receipt(desk, session, caller, record, now)
        return _receipt(record)


async def _refuse_late(
    desk: Desk, session: AsyncSession, record: models.OffenceRecord, now: datetime
) -> None:
    ended_at = end_of_term(desk.reduced_terms, since=record.drawn_up_at)
    late = record.status is OffenceStatus.DRAWN_UP and now >= ended_at
    if record.status is OffenceStatus.ORDINARY:  # time was here first, or the officer himself
        case = await repository.ordinary_case(session, record.id)
        late = case is not None and case.ground is OrdinaryGround.TERM_ENDED
    if late:
        raise ReducedTermEnded(
            f"record {record.id}: the term to agree is over", ended_at=ended_at.isoformat()
        )


async def _issue_receipt(
    desk: Desk,
    session: AsyncSession,
    caller: Principal,
    record: models.OffenceRecord,
    now: datetime,
) -> None:
    record.status = next_offence_status(current=record.status, target=OffenceStatus.REDUCED_AGREED)
    refuse_acts_missing(await _acts_done(session, record))
    await session.flush()
    discount = discount_end(issued_at=now, days=await working_calendar(session))
    serial = await repository.next_serial(session, models.receipt_numbers)
    record.receipt_number = receipt_number(year=law_date(now).year, serial=serial)
    record.receipt_issued_at = now
    record.discount_last_day = discount.last_day
    record.discount_until = discount.until
    record.status = next_offence_status(current=record.status, target=OffenceStatus.RECEIPT_ISSUED)
    await desk.trail.record(
        session,
        event="fines.receipt_issued",
        at=now,
        who=caller,
        subject_iin=offender_of(desk, record).iin,
        fields={
            "offence_record_id": str(record.id),
            "receipt_number": record.receipt_number,
            "amount_tiyn": record.fine_half_tiyn,
            "discount_until": discount.until.isoformat(),
        },
    )


async def send_to_ordinary(
    desk: Desk, *, caller: Principal, offence_record_id: UUID, now: datetime
) -> None:
    """Send a record drawn up by ordinary proceedings: not eligible, or not agreed.

    Raises:
        OffenceRecordNotFound: there is no such record of the caller's.
        TransitionRefused: the record has gone another way.
    """
    fields = {"offence_record_id": str(offence_record_id)}
    async with (
        desk.refusals_audited(event="fines.ordinary_refused", who=caller, at=now, fields=fields),
        transaction(desk.sessions) as session,
    ):
        record = await own_record(
            session, caller=caller, offence_record_id=offence_record_id, lock=True
        )
        record.status = next_offence_status(current=record.status, target=OffenceStatus.ORDINARY)
        ground = ordinary_ground(record.reduced_reason)
        await begin_case(session, record, ground=ground, now=now)
        await desk.trail.record(
            session,
            event="fines.sent_to_ordinary",
            at=now,
            who=caller,
            subject_iin=offender_of(desk, record).iin,
            fields=fields,
        )


async def _acts_done(session: AsyncSession, record: models.OffenceRecord) -> set[Act]:
    return {one.act for one in await repository.acts(session, record.id)}


def _receipt(record: models.OffenceRecord) -> dict[str, object]:
    return {
        "offence_record_id": record.id,
        "number": record.number,
        "status": record.status.value,
        "receipt_number": record.receipt_number,
        "receipt_issued_at": record.receipt_issued_at,
        "amount_tiyn": record.fine_half_tiyn,
        "discount_until": record.discount_until,
        "discount_last_day": record.discount_last_day,
    }
