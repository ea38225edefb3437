"""A superior looks at his subordinates' records and corrects them by an entry beside. Never edits.

Offence code article 803. Each look is on the log, for it shows a person's data.
"""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.db import transaction
from app.identity.service import PostCard, is_subordinate, posts_by_id, subordinates_in
from fines import models, repository
from fines.errors import OffenceRecordNotFound
from fines.errors.proceedings import SelfCorrection
from fines.rules.notices import NoticeKind
from fines.rules.proceedings import EntryKind
from fines.service.desk import Desk
from fines.service.draw_up import record_view
from fines.service.entries import new_entry
from fines.service.notices import want_notice
from fines.service.people import offender_of

_LISTED_MAX: Final = 200
_AN_INSTANT: Final = timedelta(microseconds=1)


async def list_subordinate_records(
    desk: Desk, *, caller: Principal, number: str, now: datetime
) -> list[dict[str, object]]:
    """Return the newest records of the caller's subordinates in his unit. It names no offender.

    Of the newest two hundred of the unit; with a ``number``, of all its records.
    """
    async with transaction(desk.sessions) as session:
        under = {
            one.person_id
            for one in await subordinates_in(
                session, superior_id=caller.person, begin=now, end=now + _AN_INSTANT
            )
        }
        rows = await repository.records_of_department(
            session, department_id=caller.department_id, number=number, limit=_LISTED_MAX
        )
        authors = await posts_by_id(session, {record.post_id for record, _ in rows})
        return [
            {
                "offence_record_id": record.id,
                "number": record.number,
                "citation": f"{record.article}({record.part})" if record.part else record.article,
                "drawn_up_at": record.drawn_up_at,
                "officer": authors[record.post_id].badge,
                "status": record.status.value,
                "corrections": corrections,
            }
            for record, corrections in rows
            if authors[record.post_id].person_id in under
        ]


async def read_subordinate_record(
    desk: Desk, *, caller: Principal, offence_record_id: UUID, now: datetime
) -> dict[str, object]:
    """Return a subordinate's record with its author and who wrote after it; the look is audited.

    Raises:
        SelfCorrection: the caller drew it up.
        OffenceRecordNotFound: there is none, or its author is not under the caller.
    """
    fields = {"offence_record_id": str(offence_record_id)}
    async with (
        desk.refusals_audited(
            event="fines.offence_record_not_read", who=caller, at=now, fields=fields
        ),
        transaction(desk.sessions) as session,
    ):
        record, author = await _of_subordinate(session, caller, offence_record_id, now)
        offender = offender_of(desk, record)
        await desk.trail.record(
            session,
            event="fines.offence_record_read",
            at=now,
            who=caller,
            subject_iin=offender.iin,
            fields=fields,
        )
        entries = await repository.entries_of(session, record.id)
        writers = await posts_by_id(session, {one.post_id for one in entries if one.post_id})
        return await record_view(desk, session, record) | {
            "offender_name": offender.full_name,
            "author": author,
            "writers": writers,
        }


async def correct_record(
    desk: Desk, *, caller: Principal, offence_record_id: UUID, text: str, now: datetime
) -> None:
    """Enter a correction beside a record of a subordinate; the record itself stays as it was.

    Raises:
        SelfCorrection: the caller drew it up.
        OffenceRecordNotFound: there is none, or its author is not under the caller.
    """
    fields: dict[str, object] = {"offence_record_id": str(offence_record_id)}
    async with (
        desk.refusals_audited(event="fines.correction_refused", who=caller, at=now, fields=fields),
        transaction(desk.sessions) as session,
    ):
        record, _ = await _of_subordinate(session, caller, offence_record_id, now, lock=True)
        entry = new_entry(
            desk, record, kind=EntryKind.CORRECTION, body={"text": text}, who=caller, now=now
        )
        session.add(entry)
        await session.flush()
        want_notice(
            session,
            kind=NoticeKind.CORRECTED,
            entry_id=entry.id,
            department_id=record.department_id,
            now=now,
        )
        await desk.trail.record(
            session,
            event="fines.record_corrected",
            at=now,
            who=caller,
            subject_iin=offender_of(desk, record).iin,
            fields=fields | {"entry_id": str(entry.id)},
        )


async def _of_subordinate(
    session: AsyncSession,
    caller: Principal,
    offence_record_id: UUID,
    now: datetime,
    *,
    lock: bool = False,
) -> tuple[models.OffenceRecord, PostCard]:
    record = await repository.offence_record(session, offence_record_id, lock=lock)
    if record is None or record.department_id != caller.department_id:
        raise OffenceRecordNotFound(f"no offence record {offence_record_id}")
    author = (await posts_by_id(session, [record.post_id]))[record.post_id]
    if author.person_id == caller.person:
        raise SelfCorrection(f"record {record.id} is the caller's own")
    if not await is_subordinate(
        session, person_id=author.person_id, superior_id=caller.person, at=now
    ):
        raise OffenceRecordNotFound(f"no offence record {offence_record_id} of a subordinate")
    return record, author
