"""Old fines of a person at the roadside: ours by any officer, and those the register names."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.clock import law_date
from app.db import transaction
from app.errors import DomainError
from app.exchange.rules.requests import FineFacts
from fines import models, repository, storage
from fines.errors import AlreadyPaid, OffenceRecordNotFound, ReceiptNotIssued
from fines.errors.proceedings import CheckTooOld, FineNotKnown
from fines.rules.payable import Sum, register_fine_sum
from fines.service.debts import Debt, sum_owed
from fines.service.desk import Desk
from fines.service.facts import CheckedPerson, checked_person
from fines.service.people import Offender, index_of, sealed_columns

CHECK_GOOD_FOR: Final = timedelta(hours=12)  # a shift: later the fine may be paid elsewhere
_RECORDS_MAX: Final = 200
_NO_SUM: Final = Sum(full_tiyn=0, discount_tiyn=0)


async def old_fines(
    desk: Desk, *, caller: Principal, check_id: UUID, now: datetime
) -> dict[str, object]:
    """Return the unpaid fines of the person checked, each with its sum or why it is not payable.

    A fine that the register names under the number of a record or decision of ours stands once.

    Raises:
        CheckLacksPerson, CheckTooOld: nobody is established, or it was too long ago.
        app.errors.DomainError: the check is not the caller's.
    """
    fields: dict[str, object] = {"check_id": str(check_id)}
    async with (
        desk.refusals_audited(event="fines.old_fines_refused", who=caller, at=now, fields=fields),
        transaction(desk.sessions) as session,
    ):
        person = await _fresh(desk, session, caller=caller, check_id=check_id, now=now)
        rows = await repository.records_of_person(
            session, offender_index=index_of(desk, person.iin), limit=_RECORDS_MAX
        )
        ours = [await _of_record(session, record, now) for record, _, _ in rows]
        known = {record.number for record, _, _ in rows} | {
            case.decision_number for _, case, _ in rows if case is not None
        }
        theirs = [
            await _of_register(desk, session, person, one)
            for one in person.fines or ()
            if one.decision_number not in known
        ]
        # What is paid, and what nothing was ever owed on, is no old fine.
        hidden = {AlreadyPaid.code, ReceiptNotIssued.code}
        found = [one for one in (*ours, *theirs) if one["reason"] not in hidden]
        await desk.trail.record(
            session,
            event="fines.old_fines_read",
            at=now,
            who=caller,
            subject_iin=person.iin,
            fields=fields | {"count": len(found)},
        )
        return {"fines": found, "register_silent": person.fines is None}


async def _of_record(
    session: AsyncSession, record: models.OffenceRecord, now: datetime
) -> dict[str, object]:
    reason, owed = "", _NO_SUM
    try:
        owed = await sum_owed(session, Debt(record=record), now=now)
        live = await repository.live_payment_of(session, record.id)
        if live is not None:
            reason = "fines.payment_in_flight"
    except DomainError as refusal:
        reason = refusal.code
    return {
        "source": "record",
        "offence_record_id": record.id,
        "decision_number": record.number,
        "citation": f"{record.article}({record.part})" if record.part else record.article,
        "decided_on": law_date(record.drawn_up_at),
        **_told(owed, reason),
    }


async def _of_register(
    desk: Desk, session: AsyncSession, person: CheckedPerson, fine: FineFacts
) -> dict[str, object]:
    reason, owed = "", _NO_SUM
    try:
        owed = register_fine_sum(amount_tiyn=fine.amount_tiyn)
        taken = await repository.register_fine(
            session,
            offender_index=index_of(desk, person.iin),
            decision_number=fine.decision_number,
        )
        live = taken and await repository.live_payment_of_fine(session, taken.id)
        if live:
            paid = live.confirmed_at is not None
            reason = AlreadyPaid.code if paid else "fines.payment_in_flight"
    except DomainError as refusal:
        reason = refusal.code
    return {
        "source": "register",
        "offence_record_id": None,
        "decision_number": fine.decision_number,
        "citation": fine.article,
        "decided_on": fine.decided_on,
        **_told(owed, reason),
    }


def _told(owed: Sum, reason: str) -> dict[str, object]:
    return {
        "payable": not reason,
        "reason": reason,
        "amount_tiyn": owed.amount_tiyn,
        "full_tiyn": owed.full_tiyn,
        "discount_tiyn": owed.discount_tiyn,
    }


async def record_of_checked(
    desk: Desk,
    session: AsyncSession,
    *,
    caller: Principal,
    check_id: UUID,
    offence_record_id: UUID,
    now: datetime,
) -> models.OffenceRecord:
    """Return a record of the person checked, whoever drew it up, locked.

    Raises:
        OffenceRecordNotFound: there is none, or it is about another person.
        CheckTooOld: the check is older than a shift.
        app.errors.DomainError: the check is not the caller's, or found nobody.
    """
    person = await _fresh(desk, session, caller=caller, check_id=check_id, now=now)
    record = await repository.offence_record(session, offence_record_id, lock=True)
    if record is None or record.offender_index != index_of(desk, person.iin):
        raise OffenceRecordNotFound(f"no offence record {offence_record_id}")
    return record


async def taken_over_fine(
    desk: Desk,
    session: AsyncSession,
    *,
    caller: Principal,
    check_id: UUID,
    decision_number: str,
    now: datetime,
) -> models.RegisterFine:
    """Return a fine of the register that the check names, taken over the first time.

    Raises:
        FineNotKnown: the check names no such fine, or another sum than when it was taken over.
        CheckTooOld: the check is older than a shift.
        app.errors.DomainError: the check is not the caller's, or found nobody.
    """
    person = await _fresh(desk, session, caller=caller, check_id=check_id, now=now)
    fine = next((one for one in person.fines or () if one.decision_number == decision_number), None)
    if fine is None:
        raise FineNotKnown(f"check {check_id} names no such fine")
    index = index_of(desk, person.iin)
    known = await repository.register_fine(
        session, offender_index=index, decision_number=decision_number
    )
    if known is not None:
        if known.amount_tiyn != fine.amount_tiyn:
            raise FineNotKnown(f"fine {known.id} has another sum now than when it was taken over")
        return known
    register_fine_sum(amount_tiyn=fine.amount_tiyn)  # refuses what names no sum
    fine_id = uuid4()
    taken = models.RegisterFine(
        id=fine_id,
        check_id=check_id,
        department_id=caller.department_id,
        post_id=caller.post_id,
        decision_number=fine.decision_number,
        citation=fine.article,
        decided_on=fine.decided_on,
        amount_tiyn=fine.amount_tiyn,
        added_at=now,
        **sealed_columns(
            desk,
            owner=fine_id,
            offender=Offender(iin=person.iin, papers=person.papers),
            content=storage.Content.REGISTER_FINE,
        ),
    )
    session.add(taken)
    await session.flush()
    return taken


async def _fresh(
    desk: Desk, session: AsyncSession, *, caller: Principal, check_id: UUID, now: datetime
) -> CheckedPerson:
    person = await checked_person(desk, session, check_id=check_id, caller=caller, now=now)
    if now - person.checked_at > CHECK_GOOD_FOR:
        raise CheckTooOld(f"check {check_id} is older than a shift")
    return person
