"""What an officer writes after his record: copies handed over, signatures. Never edits."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.db import transaction
from fines import models, repository, storage
from fines.errors import RecordNotShown, SignaturesExhausted
from fines.rules.proceedings import CopyWay, EntryKind
from fines.rules.record_fields import SIGNATURE_ENTRIES_MAX, PersonSigned
from fines.service.desk import Desk, own_record
from fines.service.people import key_of, offender_of

RECORD_PAPER: Final = "record"


@dataclass(frozen=True, kw_only=True)
class SignatureEntry:
    """What was entered about the person's signature, and when."""

    at: datetime
    body: dict[str, object] = field(repr=False)


def new_entry(
    desk: Desk,
    record: models.OffenceRecord,
    *,
    kind: EntryKind,
    body: dict[str, object],
    who: Principal | None,
    now: datetime,
) -> models.RecordEntry:
    """Return an entry, its body sealed under the record's key; the caller adds it."""
    entry_id = uuid4()
    return models.RecordEntry(
        id=entry_id,
        offence_record_id=record.id,
        kind=kind,
        at=now,
        post_id=who.post_id if who else None,
        device_id=who.device_id if who else None,
        sealed=key_of(desk, record).seal(storage.Content.ENTRY, body, of=entry_id),
    )


async def entries_view(
    desk: Desk, session: AsyncSession, record: models.OffenceRecord
) -> list[dict[str, object]]:
    """Return what was written after a record, oldest first."""
    key = key_of(desk, record)
    return [
        {
            "kind": one.kind.value,
            "at": one.at,
            "post_id": one.post_id,
            "body": key.unseal(storage.Content.ENTRY, one.sealed, of=one.id),
        }
        for one in await repository.entries_of(session, record.id)
    ]


async def hand_copy(
    desk: Desk,
    *,
    caller: Principal,
    offence_record_id: UUID,
    way: CopyWay,
    address: str,
    now: datetime,
) -> None:
    """Enter how the offender got the copy (article 803(8)); the same way again changes nothing.

    Raises:
        OffenceRecordNotFound: there is no such record of the caller's.
    """
    fields: dict[str, object] = {"offence_record_id": str(offence_record_id), "way": way.value}
    async with (
        desk.refusals_audited(event="fines.copy_refused", who=caller, at=now, fields=fields),
        transaction(desk.sessions) as session,
    ):
        record = await own_record(
            session, caller=caller, offence_record_id=offence_record_id, lock=True
        )
        body: dict[str, object] = {"way": way.value, "address": address}
        key = key_of(desk, record)
        for one in await repository.entries_of(session, record.id, kind=EntryKind.COPY_HANDED):
            if key.unseal(storage.Content.ENTRY, one.sealed, of=one.id) == body:
                return
        session.add(
            new_entry(desk, record, kind=EntryKind.COPY_HANDED, body=body, who=caller, now=now)
        )
        await desk.trail.record(
            session,
            event="fines.copy_handed",
            at=now,
            who=caller,
            subject_iin=offender_of(desk, record).iin,
            fields=fields,
        )


async def enter_signature(
    desk: Desk, *, caller: Principal, offence_record_id: UUID, signed: PersonSigned, now: datetime
) -> None:
    """Enter whether the person signed the record that he was shown (article 803(4), (6), (7)).

    The same as the last entry changes nothing; another stands beside it and holds from then on.

    Raises:
        OffenceRecordNotFound: there is no such record of the caller's.
        RecordNotShown: its paper was not drawn yet.
        SignaturesExhausted: there are as many such entries as may be.
    """
    fields: dict[str, object] = {
        "offence_record_id": str(offence_record_id),
        "signature": signed.signature.value,
    }
    async with (
        desk.refusals_audited(
            event="fines.signature_not_entered", who=caller, at=now, fields=fields
        ),
        transaction(desk.sessions) as session,
    ):
        record = await own_record(
            session, caller=caller, offence_record_id=offence_record_id, lock=True
        )
        if await repository.paper_of_record(session, record.id, kind=RECORD_PAPER) is None:
            raise RecordNotShown(f"record {record.id} has no paper yet")
        entered = await signatures(desk, session, record)
        if entered and entered[-1].body == signed.body():
            return
        if len(entered) >= SIGNATURE_ENTRIES_MAX:
            raise SignaturesExhausted(f"record {record.id} has {len(entered)} such entries")
        session.add(
            new_entry(
                desk, record, kind=EntryKind.SIGNATURE, body=signed.body(), who=caller, now=now
            )
        )
        await desk.trail.record(
            session,
            event="fines.signature_entered",
            at=now,
            who=caller,
            subject_iin=offender_of(desk, record).iin,
            fields=fields,
        )


async def signatures(
    desk: Desk, session: AsyncSession, record: models.OffenceRecord
) -> list[SignatureEntry]:
    """Return what was entered about the person's signature, oldest first."""
    key = key_of(desk, record)
    return [
        SignatureEntry(at=one.at, body=key.unseal(storage.Content.ENTRY, one.sealed, of=one.id))
        for one in await repository.entries_of(session, record.id, kind=EntryKind.SIGNATURE)
    ]
