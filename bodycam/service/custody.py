"""What people decide on a recording's custody: hold, release, keep, permit the deletion."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.audit.service import AuditTrail
from app.clock import law_date
from bodycam.errors import RecordingNotFound, TransitionRefused
from bodycam.errors.custody import (
    AnotherPersonNeeded,
    DestructionBegun,
    HoldNotFound,
    HoldReleased,
    KeepNotValid,
)
from bodycam.models import (
    CategoryChangeRow,
    LegalHoldRow,
    RecordingRow,
    StorageFaultRow,
    TombstoneRow,
)
from bodycam.repository import custody as repository
from bodycam.rules.life_cycle import (
    RecordingStatus,
    next_recording_status,
    status_under_hold,
)
from bodycam.rules.retention import (
    RETENTION_RULES,
    Complained,
    HoldReason,
    Kept,
    Standing,
    rule_on,
    standing_of,
)

EXPIRING_SHOWN_MAX = 200


@dataclass(frozen=True, kw_only=True)
class CustodyView:
    """What keeps a recording, until when, and what was decided on it."""

    row: RecordingRow
    standing: Standing
    complained: Complained
    holds: Sequence[LegalHoldRow]
    changes: Sequence[CategoryChangeRow]
    tombstone: TombstoneRow | None


async def read_custody(
    session: AsyncSession, *, caller: Principal, recording_id: UUID, now: datetime
) -> CustodyView:
    """Return the custody of a recording of the caller's unit.

    Raises:
        RecordingNotFound: there is none, or another unit's.
    """
    row = await own_row(session, caller, recording_id)
    holds = await repository.holds_of(session, recording_id=row.id)
    complained = await repository.complained_of(session, row=row)
    return CustodyView(
        row=row,
        standing=standing_of(
            kept_of(row, holds=holds, complained=complained),
            now=now,
        ),
        complained=complained,
        holds=holds,
        changes=await repository.changes_of(session, recording_id=row.id),
        tombstone=await repository.tombstone(session, recording_id=row.id),
    )


def kept_of(row: RecordingRow, *, holds: Sequence[LegalHoldRow], complained: Complained) -> Kept:
    """Return what the rules need to know of a recording."""
    return Kept(
        status=row.status,
        ended_at=row.ended_at,
        stored_at=row.stored_at,
        category=row.category,
        held=any(one.released_at is None for one in holds),
        complained=complained,
        keep_until=row.keep_until,
    )


async def place_hold(
    session: AsyncSession,
    *,
    trail: AuditTrail,
    caller: Principal,
    recording_id: UUID,
    reason: HoldReason,
    case_number: str,
    now: datetime,
) -> UUID:
    """Hold a recording, whatever its term, until another person releases it; return the id.

    One that is not stored or not read yet goes on its way, and is held when it has come to rest.

    Raises:
        RecordingNotFound: there is none, or another unit's.
        DestructionBegun: it is too late.
    """
    row = await own_row(session, caller, recording_id)
    if row.destruction_begun_at is not None:
        raise DestructionBegun(f"recording {recording_id} is being destroyed")
    row.status = status_under_hold(row.status)
    _no_longer_expiring(row)
    held = LegalHoldRow(
        id=uuid4(),
        recording_id=row.id,
        department_id=row.department_id,
        reason=reason,
        case_number=case_number,
        placed_by=caller.person,
        placed_at=now,
    )
    session.add(held)
    await session.flush()
    await _note_hold(session, trail, held, "bodycam.hold_placed", caller, now)
    return held.id


async def release_hold(
    session: AsyncSession, *, trail: AuditTrail, caller: Principal, hold_id: UUID, now: datetime
) -> UUID:
    """Release a hold that another person has placed; return whose recording's it was.

    Raises:
        HoldNotFound: there is none, or another unit's.
        HoldReleased: it was released before.
        AnotherPersonNeeded: the caller has placed it himself.
    """
    held = await repository.hold(session, hold_id=hold_id, department_id=caller.department_id)
    if held is None:
        raise HoldNotFound(f"no hold {hold_id}")
    if held.released_at is not None:
        raise HoldReleased(f"hold {hold_id} was released before")
    if held.placed_by == caller.person:
        raise AnotherPersonNeeded(f"hold {hold_id} is released by another than placed it")
    row = await own_row(session, caller, held.recording_id)
    held.released_by, held.released_at = caller.person, now
    await session.flush()
    others = await repository.holds_of(session, recording_id=row.id, standing=True)
    if not others and row.status is RecordingStatus.HELD:
        row.status = next_recording_status(row.status, _at_rest(row))
    await _note_hold(session, trail, held, "bodycam.hold_released", caller, now)
    return row.id


async def _note_hold(
    session: AsyncSession,
    trail: AuditTrail,
    held: LegalHoldRow,
    event: str,
    caller: Principal,
    now: datetime,
) -> None:
    await trail.record(
        session,
        event=event,
        at=now,
        who=caller,
        fields={
            "hold_id": str(held.id),
            "recording_id": str(held.recording_id),
            "reason": held.reason.value,
        },
    )


async def keep_recording(
    session: AsyncSession,
    *,
    trail: AuditTrail,
    caller: Principal,
    recording_id: UUID,
    until: date,
    now: datetime,
) -> None:
    """Take an expiring recording back, and keep it until a day at least.

    Raises:
        RecordingNotFound: there is none, or another unit's.
        KeepNotValid: the day is past or too far away.
        TransitionRefused: it is not expiring.
        DestructionBegun: it is too late.
    """
    row = await own_row(session, caller, recording_id)
    today = law_date(now)
    rule = rule_on(today) or RETENTION_RULES[0]
    if not today < until <= today + timedelta(days=rule.keep_days_max):
        raise KeepNotValid(
            f"recording {recording_id} is kept for {rule.keep_days_max} days at most"
        )
    if row.destruction_begun_at is not None:
        raise DestructionBegun(f"recording {recording_id} is being destroyed")
    if row.status is not RecordingStatus.EXPIRING:  # a held one would lose its hold
        raise TransitionRefused(f"recording {recording_id} is not expiring")
    take_back(row)
    row.keep_until = until
    await trail.record(
        session,
        event="bodycam.recording_kept",
        at=now,
        who=caller,
        fields={"recording_id": str(row.id), "until": until.isoformat()},
    )


async def list_expiring(session: AsyncSession, *, caller: Principal) -> Sequence[RecordingRow]:
    """Return the unit's expiring recordings, the first to go first."""
    return await repository.expiring_of(
        session, department_id=caller.department_id, limit=EXPIRING_SHOWN_MAX
    )


async def list_faults(session: AsyncSession, *, caller: Principal) -> Sequence[StorageFaultRow]:
    """Return the unit's recordings whose stored bytes were found changed or gone."""
    return await repository.faults_of(
        session, department_id=caller.department_id, limit=EXPIRING_SHOWN_MAX
    )


async def permit_deletion(
    session: AsyncSession,
    *,
    trail: AuditTrail,
    caller: Principal,
    recording_ids: Sequence[UUID],
    now: datetime,
) -> int:
    """Permit that expiring recordings are destroyed after the time of grace; return how many.

    Order No. 971, item 7: the responsible person alone allows a deletion. What is not expiring
    any more is passed over.

    Raises:
        RecordingNotFound: one of them is absent, or another unit's. Nothing is permitted.
    """
    rows = await repository.recordings_named(
        session, ids=recording_ids, department_id=caller.department_id
    )
    if len(rows) != len(set(recording_ids)):
        raise RecordingNotFound("a recording of the list is not the unit's")
    permitted = [
        row
        for row in rows
        if row.status is RecordingStatus.EXPIRING and row.deletion_permitted_at is None
    ]
    for row in permitted:
        row.deletion_permitted_by, row.deletion_permitted_at = caller.person, now
        await trail.record(
            session,
            event="bodycam.deletion_permitted",
            at=now,
            who=caller,
            fields={"recording_id": str(row.id), "category": row.category.value},
        )
    return len(permitted)


async def own_row(session: AsyncSession, caller: Principal, recording_id: UUID) -> RecordingRow:
    """Return a recording of the caller's unit, locked.

    Raises:
        RecordingNotFound: there is none, or another unit's.
    """
    row = await repository.own_recording(
        session, recording_id=recording_id, department_id=caller.department_id
    )
    if row is None:
        raise RecordingNotFound(f"no recording {recording_id}")
    return row


def take_back(row: RecordingRow) -> None:
    """Make an expiring recording again what it was."""
    row.status = next_recording_status(row.status, _at_rest(row))
    _no_longer_expiring(row)


def _at_rest(row: RecordingRow) -> RecordingStatus:
    quarantined = row.quarantine_reason is not None
    return RecordingStatus.QUARANTINED if quarantined else RecordingStatus.REVIEWABLE


def _no_longer_expiring(row: RecordingRow) -> None:
    row.expiring_since = row.deletion_permitted_by = row.deletion_permitted_at = None
