"""Statements of retention: what may expire, what holds it, what is left of it."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from bodycam.models import (
    CategoryChangeRow,
    ClipKeyRow,
    ComplaintRow,
    LegalHoldRow,
    RecordingDerivativeRow,
    RecordingFindingRow,
    RecordingHeadRow,
    RecordingIndexRow,
    RecordingPartRow,
    RecordingRow,
    RecordingSheetRow,
    StorageFaultRow,
    TombstoneRow,
    TrackPointRow,
)
from bodycam.rules.life_cycle import UNREAD, ComplaintStatus, RecordingStatus
from bodycam.rules.places import Area
from bodycam.rules.retention import Complained

_KEPT = (RecordingStatus.REVIEWABLE, RecordingStatus.QUARANTINED)


async def may_expire(
    session: AsyncSession, *, begun_before: datetime, today: date, after: UUID | None, limit: int
) -> Sequence[RecordingRow]:
    """Return recordings whose term began long enough ago, locked, in the order of their ids.

    When it began is said by ``rules.retention.standing_of``; this is the same in SQL.
    """
    row = RecordingRow
    statement = (
        sa.select(row)
        .where(
            row.status.in_(_KEPT),
            row.ended_at < begun_before,
            sa.or_(row.stored_at.is_(None), row.stored_at < begun_before),
            sa.or_(row.keep_until.is_(None), row.keep_until < today),
        )
        .order_by(row.id)
        .limit(limit)
        .with_for_update(skip_locked=True, key_share=True)
    )
    if after is not None:
        statement = statement.where(row.id > after)
    return (await session.scalars(statement)).all()


async def permitted_to_go(
    session: AsyncSession, *, expired_before: datetime, after: UUID | None, limit: int
) -> list[UUID]:
    """Return expiring recordings whose deletion a person has permitted."""
    row = RecordingRow
    statement = (
        sa.select(row.id)
        .where(
            row.status == RecordingStatus.EXPIRING,
            row.expiring_since < expired_before,
            row.deletion_permitted_at.is_not(None),
        )
        .order_by(row.id)
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(row.id > after)
    return list(await session.scalars(statement))


async def own_recording(
    session: AsyncSession, *, recording_id: UUID, department_id: UUID
) -> RecordingRow | None:
    """Return a recording of the unit, locked, or ``None``."""
    statement = (
        sa.select(RecordingRow)
        .where(RecordingRow.id == recording_id, RecordingRow.department_id == department_id)
        .with_for_update(key_share=True)
    )
    return (await session.scalars(statement)).one_or_none()


async def expiring_of(
    session: AsyncSession, *, department_id: UUID, limit: int
) -> Sequence[RecordingRow]:
    """Return the unit's expiring recordings, the first to go first."""
    row = RecordingRow
    statement = (
        sa.select(row)
        .where(row.department_id == department_id, row.status == RecordingStatus.EXPIRING)
        .order_by(row.expiring_since, row.id)
        .limit(limit)
    )
    return (await session.scalars(statement)).all()


async def holds_of(
    session: AsyncSession, *, recording_id: UUID, standing: bool = False
) -> Sequence[LegalHoldRow]:
    """Return the holds on a recording, the oldest first; only those that stand where asked."""
    statement = sa.select(LegalHoldRow).where(LegalHoldRow.recording_id == recording_id)
    if standing:
        statement = statement.where(LegalHoldRow.released_at.is_(None))
    return (await session.scalars(statement.order_by(LegalHoldRow.placed_at))).all()


async def hold(session: AsyncSession, *, hold_id: UUID, department_id: UUID) -> LegalHoldRow | None:
    """Return a hold of the unit, locked, or ``None``."""
    statement = (
        sa.select(LegalHoldRow)
        .where(LegalHoldRow.id == hold_id, LegalHoldRow.department_id == department_id)
        .with_for_update()
    )
    return (await session.scalars(statement)).one_or_none()


async def change(
    session: AsyncSession, *, change_id: UUID, department_id: UUID, lock: bool = False
) -> CategoryChangeRow | None:
    """Return a change of category of the unit, or ``None``."""
    statement = sa.select(CategoryChangeRow).where(
        CategoryChangeRow.id == change_id, CategoryChangeRow.department_id == department_id
    )
    if lock:
        statement = statement.with_for_update()
    return (await session.scalars(statement)).one_or_none()


async def changes_of(session: AsyncSession, *, recording_id: UUID) -> Sequence[CategoryChangeRow]:
    """Return the changes of a recording's category, the oldest first."""
    statement = (
        sa.select(CategoryChangeRow)
        .where(CategoryChangeRow.recording_id == recording_id)
        .order_by(CategoryChangeRow.proposed_at, CategoryChangeRow.id)
    )
    return (await session.scalars(statement)).all()


async def changes_waiting_for(
    session: AsyncSession,
    *,
    department_id: UUID,
    person: UUID,
    recording_id: UUID | None,
    limit: int,
) -> Sequence[tuple[CategoryChangeRow, RecordingRow]]:
    """Return the unit's changes that wait for a person's signature, the oldest first.

    Those that can still be done: the category is what it was, the bytes are there.
    """
    made, row = CategoryChangeRow, RecordingRow
    statement = (
        sa.select(made, row)
        .join(row, row.id == made.recording_id)
        .where(
            made.department_id == department_id,
            row.department_id == department_id,
            made.document.is_not(None),
            made.applied_at.is_(None),
            row.category == made.from_category,
            row.destruction_begun_at.is_(None),
            # The turn is decided by ``rules.retention.may_sign``; this is the same in SQL.
            made.first_signature_id.is_not(None) == (made.proposed_by != person),
        )
        .order_by(made.proposed_at, made.id)
        .limit(limit)
    )
    if recording_id is not None:
        statement = statement.where(row.id == recording_id)
    return [(one[0], one[1]) for one in await session.execute(statement)]


async def complained_of(session: AsyncSession, *, row: RecordingRow) -> Complained:
    """Return whether a complaint's place and time lie in the recording.

    A recording without a track may show any place: the time alone decides then.
    """
    complaint, point = ComplaintRow, TrackPointRow
    rows = await session.scalars(
        sa.select(complaint).where(
            complaint.department_id == row.department_id,
            complaint.seen_from < row.ended_at,
            complaint.seen_to > row.started_at,
        )
    )
    tracked = await session.scalar(sa.select(sa.exists().where(point.recording_id == row.id)))
    found = Complained.NO
    for one in rows:
        if tracked and not await _passes(session, row.id, one):
            continue
        if one.status is not ComplaintStatus.ANSWERED:
            return Complained.OPEN
        found = Complained.ANSWERED
    return found


async def _passes(session: AsyncSession, recording_id: UUID, complaint: ComplaintRow) -> bool:
    """Return whether a point of the track lies in a box round the complaint's place and time."""
    south, west, north, east = Area(
        latitude_e7=complaint.latitude_e7,
        longitude_e7=complaint.longitude_e7,
        radius_meters=complaint.radius_meters,
    ).box()
    point = TrackPointRow
    near = sa.exists().where(
        point.recording_id == recording_id,
        point.at.between(complaint.seen_from, complaint.seen_to),
        point.latitude_e7.between(south, north),
        point.longitude_e7.between(west, east),
    )
    return bool(await session.scalar(sa.select(near)))


async def erase_content(session: AsyncSession, *, recording_id: UUID) -> None:
    """Delete what shows somebody or tells where he was: index, track, pictures, what was made."""
    for table in (
        RecordingIndexRow,
        TrackPointRow,
        RecordingSheetRow,
        RecordingFindingRow,
        RecordingDerivativeRow,
        RecordingHeadRow,
        ClipKeyRow,
    ):
        await session.execute(sa.delete(table).where(table.recording_id == recording_id))


async def tombstone(session: AsyncSession, *, recording_id: UUID) -> TombstoneRow | None:
    """Return what is left of a destroyed recording, or ``None``."""
    return await session.get(TombstoneRow, recording_id)


async def to_scrub(
    session: AsyncSession, *, scrubbed_before: datetime, limit: int
) -> Sequence[RecordingRow]:
    """Return stored recordings whose bytes were not read for longest."""
    row = RecordingRow
    statement = (
        sa.select(row)
        .where(
            row.stored_at.is_not(None),
            row.destruction_begun_at.is_(None),
            row.status != RecordingStatus.DESTROYED,
            sa.func.coalesce(row.scrubbed_at, row.stored_at) < scrubbed_before,
        )
        .order_by(sa.func.coalesce(row.scrubbed_at, row.stored_at), row.id)
        .limit(limit)
    )
    return (await session.scalars(statement)).all()


async def unread(session: AsyncSession, *, limit: int) -> Sequence[UUID]:
    """Return recordings that are stored and whose bytes nobody has read yet, oldest first."""
    row = RecordingRow
    statement = (
        sa.select(row.id)
        .where(
            row.status.in_(UNREAD),
            row.destruction_begun_at.is_(None),
        )
        .order_by(row.stored_at)
        .limit(limit)
    )
    return (await session.scalars(statement)).all()


async def abandoned(
    session: AsyncSession, *, before: datetime, limit: int
) -> list[tuple[UUID, UUID]]:
    """Return open uploads with bytes or a reservation that nothing has come for since ``before``.

    Each with its camera; none that is held.
    """
    row, part = RecordingRow, RecordingPartRow
    parts = sa.select(part.recording_id).where(part.recording_id == row.id)
    found = await session.execute(
        sa.select(row.id, row.camera_id)
        .where(
            row.status == RecordingStatus.RECEIVING,
            row.announced_at < before,
            sa.not_(
                sa.exists().where(
                    LegalHoldRow.recording_id == row.id, LegalHoldRow.released_at.is_(None)
                )
            ),
            sa.not_(parts.where(part.stored_at >= before).exists()),
        )
        .order_by(row.announced_at, row.id)
        .limit(limit)
    )
    return [(one[0], one[1]) for one in found]


async def faults_of(
    session: AsyncSession, *, department_id: UUID, limit: int
) -> Sequence[StorageFaultRow]:
    """Return the unit's recordings whose bytes were found changed or gone, the newest first."""
    statement = (
        sa.select(StorageFaultRow)
        .where(StorageFaultRow.department_id == department_id)
        .order_by(StorageFaultRow.found_at.desc(), StorageFaultRow.id)
        .limit(limit)
    )
    return (await session.scalars(statement)).all()


async def fault_of(session: AsyncSession, *, recording_id: UUID) -> StorageFaultRow | None:
    """Return the fault of a recording, or ``None``."""
    statement = sa.select(StorageFaultRow).where(StorageFaultRow.recording_id == recording_id)
    return (await session.scalars(statement)).one_or_none()


async def recordings_named(
    session: AsyncSession, *, ids: Iterable[UUID], department_id: UUID
) -> Sequence[RecordingRow]:
    """Return those of the recordings that are the unit's, locked in the order of their ids."""
    statement = (
        sa.select(RecordingRow)
        .where(RecordingRow.id.in_(list(ids)), RecordingRow.department_id == department_id)
        .order_by(RecordingRow.id)
        .with_for_update(key_share=True)
    )
    return (await session.scalars(statement)).all()
