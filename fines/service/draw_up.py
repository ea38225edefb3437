"""Drawing up an offence record from a roadside check, and reading it.

Offence code articles 43, 44, 802, 803, 806, 807. Once entered nobody edits or cancels it.
"""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.clock import law_date
from app.db import transaction
from fines import models, repository, storage
from fines.rules import amounts, catalogue
from fines.rules.offence_record import (
    Act,
    OffenceStatus,
    next_offence_status,
    offence_record_number,
    refuse_impossible_time,
)
from fines.rules.record_fields import refuse_unlawful_fields
from fines.service.choosing import Chosen, choose
from fines.service.desk import Desk, own_record
from fines.service.entries import entries_view
from fines.service.facts import CheckedPerson, checked_person
from fines.service.offence import NewOffence
from fines.service.people import Offender, offender_of, sealed_columns


async def draw_up(
    desk: Desk, *, caller: Principal, offence: NewOffence, now: datetime
) -> dict[str, object]:
    """Draw up a record, or give a warning, and return its view; the same again is the same.

    Raises:
        ArticleNotInForce, MrpNotKnown, AmountNotSingle, SubjectNotInSanction: no sum follows.
        OffenceInFuture: the time is not possible.
        RepeatFound, RepeatNotFound: the part is not the one that applies.
        RightsNotExplained, DeviceNotVerified: article 803.
        WarningRequired, WarningNotAllowed, AdmissionNotStated: articles 43(2), 807.
        CheckLacksPerson: the offender is not established.
        app.errors.DomainError: the check is not the caller's.
    """
    fields: dict[str, object] = {
        "check_id": str(offence.check_id),
        "article": offence.article,
        "part": offence.part,
    }
    async with desk.refusals_audited(
        event="fines.offence_record_refused", who=caller, at=now, fields=fields
    ):
        refuse_impossible_time(occurred_at=offence.occurred_at, now=now)
        refuse_unlawful_fields(
            rights_explained=offence.rights_explained,
            device=offence.technical_device,
            occurred_on=law_date(offence.occurred_at),
        )
        async with transaction(desk.sessions) as session:
            person = await checked_person(
                desk, session, check_id=offence.check_id, caller=caller, now=now
            )
            known = await repository.same_offence_record(
                session,
                check_id=offence.check_id,
                article=offence.article,
                part=offence.part,
                occurred_at=offence.occurred_at,
            )
            if known is not None:
                return await record_view(desk, session, known)
            chosen = await choose(desk, session, offence=offence, person=person)
            record = await _new_record(desk, session, caller, offence, person, chosen, now)
            await _audit_drawn_up(desk, session, caller, record, chosen, now)
            return await record_view(desk, session, record)


async def _new_record(
    desk: Desk,
    session: AsyncSession,
    caller: Principal,
    offence: NewOffence,
    person: CheckedPerson,
    chosen: Chosen,
    now: datetime,
) -> models.OffenceRecord:
    row = chosen.row
    day = law_date(now)
    rounding = amounts.rounding_rule(desk.rounding, day=day)
    count = chosen.mrp_count
    mrp = catalogue.mrp_in_force(await repository.mrp_values(session, until=day), day=day)
    full = 0 if count is None else amounts.fine_full_tiyn(mrp_count=count, mrp_tenge=mrp.tenge)
    serial = await repository.next_serial(session, models.offence_record_numbers)
    record_id = uuid4()
    record = models.OffenceRecord(
        id=record_id,
        **sealed_columns(
            desk,
            owner=record_id,
            offender=Offender(
                iin=person.iin,
                papers=person.papers,
                vehicle=person.vehicle,
                essence=offence.essence,
                details=offence.details() | _rests_on(chosen),
            ),
            content=storage.Content.RECORD,
        ),
        number=offence_record_number(year=day.year, serial=serial),
        status=OffenceStatus.DRAFT,
        check_id=offence.check_id,
        department_id=caller.department_id,
        post_id=caller.post_id,
        device_id=caller.device_id,
        drawn_up_at=now,
        article=row.article,
        part=row.part,
        article_id=chosen.article_id,
        occurred_at=offence.occurred_at,
        place=offence.place,
        latitude=offence.latitude,
        longitude=offence.longitude,
        language=offence.language,
        mrp_tenge=None if count is None else mrp.tenge,
        mrp_count=count,
        fine_full_tiyn=full,
        fine_half_tiyn=amounts.fine_half_tiyn(full_tiyn=full, rule=rounding),
        rounding=rounding.code,
        reduced_reason=chosen.reduced,
    )
    session.add(record)
    await session.flush()
    await _enter(session, caller, record, warned=chosen.warned, now=now)
    return record


async def _enter(
    session: AsyncSession,
    caller: Principal,
    record: models.OffenceRecord,
    *,
    warned: bool,
    now: datetime,
) -> None:
    """Record the act of entering, and move the record from its draft."""
    session.add(
        models.OffenceAct(
            id=uuid4(),
            offence_record_id=record.id,
            act=Act.ENTERED,
            at=now,
            post_id=caller.post_id,
            device_id=caller.device_id,
        )
    )
    record.status = next_offence_status(
        current=record.status, target=OffenceStatus.WARNED if warned else OffenceStatus.DRAWN_UP
    )
    await session.flush()


def _rests_on(chosen: Chosen) -> dict[str, object]:
    """Return the earlier penalties that the record rests on, as the record keeps them."""
    found = {"repeat": chosen.repeat, "recurrence": chosen.aggravating}
    return {
        name: None
        if prior is None
        else {
            "number": prior.number,
            "citation": f"{prior.article}({prior.part})" if prior.part else prior.article,
            "imposed_on": prior.imposed_on.isoformat(),
            "source": prior.source.value,
        }
        for name, prior in found.items()
    }


async def _audit_drawn_up(
    desk: Desk,
    session: AsyncSession,
    caller: Principal,
    record: models.OffenceRecord,
    chosen: Chosen,
    now: datetime,
) -> None:
    warned = record.status is OffenceStatus.WARNED
    await desk.trail.record(
        session,
        event="fines.warning_given" if warned else "fines.offence_record_drawn_up",
        at=now,
        who=caller,
        subject_iin=offender_of(desk, record).iin,
        fields={
            "offence_record_id": str(record.id),
            "number": record.number,
            "check_id": str(record.check_id),
            "article": record.article,
            "part": record.part,
            "fine_full_tiyn": record.fine_full_tiyn,
            "mrp_tenge": record.mrp_tenge,
            "reduced_reason": record.reduced_reason.value,
            "repeat": None if chosen.repeat is None else chosen.repeat.source.value,
        },
    )


async def read_offence_record(
    desk: Desk, *, caller: Principal, offence_record_id: UUID, now: datetime
) -> dict[str, object]:
    """Return the officer's own record; the reading is audited, for it shows a person's data.

    Raises:
        OffenceRecordNotFound: there is none, or it is another's.
    """
    fields = {"offence_record_id": str(offence_record_id)}
    async with (
        desk.refusals_audited(
            event="fines.offence_record_not_read", who=caller, at=now, fields=fields
        ),
        transaction(desk.sessions) as session,
    ):
        record = await own_record(session, caller=caller, offence_record_id=offence_record_id)
        await desk.trail.record(
            session,
            event="fines.offence_record_read",
            at=now,
            who=caller,
            subject_iin=offender_of(desk, record).iin,
            fields=fields,
        )
        return await record_view(desk, session, record)


async def record_view(
    desk: Desk, session: AsyncSession, record: models.OffenceRecord
) -> dict[str, object]:
    """Return a record as it is shown; whoever calls this audits the look."""
    offender = offender_of(desk, record)
    row = await repository.article_by_id(session, record.article_id)
    reason = record.reduced_reason
    return {
        "offence_record_id": record.id,
        "number": record.number,
        "status": record.status.value,
        "article": record.article,
        "part": record.part,
        "title_kk": row.title_kk,
        "title_ru": row.title_ru,
        "drawn_up_at": record.drawn_up_at,
        "occurred_at": record.occurred_at,
        "place": record.place,
        "essence": offender.essence,
        "details": offender.details,
        "entries": await entries_view(desk, session, record),
        "language": record.language.value,
        "offender": {"iin": offender.iin, **offender.papers},
        "vehicle": offender.vehicle,
        "mrp_count": record.mrp_count,
        "mrp_tenge": record.mrp_tenge,
        "fine_full_tiyn": record.fine_full_tiyn,
        "fine_half_tiyn": record.fine_half_tiyn,
        "rounding": record.rounding.value,
        "reduced_eligible": reason is catalogue.ReducedReason.ELIGIBLE
        and record.status is not OffenceStatus.WARNED,
        "reason": reason.value,
        "receipt_number": record.receipt_number,
        "receipt_issued_at": record.receipt_issued_at,
        "discount_last_day": record.discount_last_day,
        "discount_until": record.discount_until,
        "acts": [
            {"act": one.act.value, "at": one.at, "post_id": one.post_id}
            for one in await repository.acts(session, record.id)
        ],
        "payments": [
            {"payment_id": one.id, "status": one.status.value, "reason": one.reason.value}
            for one in await repository.payments_of(session, record.id)
        ],
    }
