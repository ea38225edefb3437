"""Statements about the containers and objects of body-worn systems of another make."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncSession

from bodycam.models import RecordingRow
from bodycam.models.axis import (
    AxisContainerRow,
    AxisEncryptionRow,
    AxisKeyRow,
    AxisObjectRow,
    ClipKeyRow,
)
from bodycam.rules.life_cycle import RecordingStatus

_KEYS_TRIED_MAX = 16  # of one name


async def add_container(
    session: AsyncSession, *, dock_id: UUID, name: str, now: datetime
) -> tuple[AxisContainerRow, bool]:
    """Return the container, locked, and whether it is new."""
    statement = (
        insert(AxisContainerRow)
        .values(dock_id=dock_id, name=name, metadata_={}, created_at=now, changed_at=now)
        .on_conflict_do_nothing()
        .returning(AxisContainerRow.name)
    )
    new = (await session.execute(statement)).first() is not None
    row = await container(session, dock_id=dock_id, name=name, lock=True)
    if row is None:
        raise LookupError(name)  # nothing deletes a container
    return row, new


async def container(
    session: AsyncSession, *, dock_id: UUID, name: str, lock: bool = False
) -> AxisContainerRow | None:
    """Return the container of the system."""
    statement = sa.select(AxisContainerRow).where(
        AxisContainerRow.dock_id == dock_id, AxisContainerRow.name == name
    )
    if lock:
        statement = statement.with_for_update()
    row: AxisContainerRow | None = await session.scalar(statement)
    return row


async def newest(
    session: AsyncSession, *, dock_id: UUID, container: str, name: str
) -> AxisObjectRow | None:
    """Return the newest version of an object."""
    statement = (
        sa.select(AxisObjectRow)
        .where(
            AxisObjectRow.dock_id == dock_id,
            AxisObjectRow.container == container,
            AxisObjectRow.name == name,
        )
        .order_by(AxisObjectRow.version.desc())
        .limit(1)
    )
    row: AxisObjectRow | None = await session.scalar(statement)
    return row


async def not_taken_in(
    session: AsyncSession, *, dock_id: UUID, container: str, bytes_max: int | None
) -> Sequence[AxisObjectRow]:
    """Return what has come and is not yet part of a recording, locked, in order of name.

    Nothing that is over ``bytes_max``.
    """
    statement = (
        sa.select(AxisObjectRow)
        .where(
            AxisObjectRow.dock_id == dock_id,
            AxisObjectRow.container == container,
            AxisObjectRow.taken_in_at.is_(None),
        )
        .order_by(AxisObjectRow.name, AxisObjectRow.version)
        .with_for_update(skip_locked=True)
    )
    if bytes_max is not None:
        statement = statement.where(AxisObjectRow.size_bytes <= bytes_max)
    return (await session.scalars(statement)).all()


async def waiting_containers(session: AsyncSession, *, limit: int) -> list[tuple[UUID, str]]:
    """Return the containers that hold something not yet taken in."""
    statement = (
        sa.select(AxisObjectRow.dock_id, AxisObjectRow.container)
        .where(AxisObjectRow.taken_in_at.is_(None))
        .distinct()
        .limit(limit)
    )
    return [(row[0], row[1]) for row in await session.execute(statement)]


async def still_waits(session: AsyncSession, *, object_id: UUID) -> bool:
    """Return whether an object is not taken in, and is not being taken in; it is locked then."""
    statement = (
        sa.select(AxisObjectRow.id)
        .where(AxisObjectRow.id == object_id, AxisObjectRow.taken_in_at.is_(None))
        .with_for_update(skip_locked=True)
    )
    return await session.scalar(statement) is not None


async def waiting_docks(session: AsyncSession, *, before: datetime) -> list[UUID]:
    """Return the systems of which something came ``before`` and is not taken in."""
    row = AxisObjectRow
    statement = (
        sa.select(row.dock_id)
        .where(row.taken_in_at.is_(None), row.stored_at < before)
        .distinct()
        .order_by(row.dock_id)
    )
    return list(await session.scalars(statement))


async def waiting_objects(
    session: AsyncSession, *, dock_id: UUID, before: datetime, limit: int
) -> Sequence[AxisObjectRow]:
    """Return what of a system came ``before`` and is not taken in, the oldest first."""
    row = AxisObjectRow
    statement = (
        sa.select(row)
        .where(row.dock_id == dock_id, row.taken_in_at.is_(None), row.stored_at < before)
        .order_by(row.stored_at, row.id)
        .limit(limit)
    )
    return (await session.scalars(statement)).all()


async def recordings_of(session: AsyncSession, *, dock_id: UUID, container: str) -> list[UUID]:
    """Return the recordings that a container's clips have become."""
    statement = sa.select(AxisObjectRow.recording_id).where(
        AxisObjectRow.dock_id == dock_id,
        AxisObjectRow.container == container,
        AxisObjectRow.recording_id.is_not(None),
    )
    return [one for one in await session.scalars(statement) if one is not None]


async def bookmarks_of(
    session: AsyncSession, *, dock_id: UUID, container: str, limit: int
) -> Sequence[AxisObjectRow]:
    """Return the bookmarks of a container, the newest version of each."""
    row = AxisObjectRow
    statement = (
        sa.select(row)
        .where(
            row.dock_id == dock_id, row.container == container, row.name.istartswith("bookmark_")
        )
        .ext(distinct_on(row.name))
        .order_by(row.name, row.version.desc())
        .limit(limit)
    )
    return (await session.scalars(statement)).all()


async def containers_of(session: AsyncSession, *, recording_id: UUID) -> list[tuple[UUID, str]]:
    """Return the containers that a recording came in; none where it came by a dock alone."""
    statement = (
        sa.select(AxisObjectRow.dock_id, AxisObjectRow.container)
        .where(AxisObjectRow.recording_id == recording_id)
        .distinct()
        .order_by(AxisObjectRow.container, AxisObjectRow.dock_id)
    )
    return [(row[0], row[1]) for row in await session.execute(statement)]


async def beside_destroyed(
    session: AsyncSession, *, dock_id: UUID, container: str
) -> Sequence[AxisObjectRow] | None:
    """Return what is no recording in a container of which none is kept; else ``None``."""
    same = (AxisObjectRow.dock_id == dock_id, AxisObjectRow.container == container)
    kept = (
        sa.select(AxisObjectRow.id)
        .outerjoin(RecordingRow, RecordingRow.id == AxisObjectRow.recording_id)
        .where(
            *same,
            sa.or_(
                AxisObjectRow.taken_in_at.is_(None),
                RecordingRow.status != RecordingStatus.DESTROYED,
            ),
        )
    )
    if await session.scalar(kept.limit(1)) is not None:
        return None
    statement = sa.select(AxisObjectRow).where(*same, AxisObjectRow.recording_id.is_(None))
    return (await session.scalars(statement)).all()


async def forget(
    session: AsyncSession, *, recording_id: UUID, of: tuple[UUID, str], container_too: bool
) -> None:
    """Empty what a system has said of a destroyed recording in a container, and of that."""
    dock_id, name = of
    of_object = AxisObjectRow.dock_id == dock_id, AxisObjectRow.container == name
    chosen = of_object if container_too else (AxisObjectRow.recording_id == recording_id,)
    await session.execute(sa.update(AxisObjectRow).where(*chosen).values(metadata_={}))
    if container_too:
        await session.execute(
            sa.update(AxisContainerRow)
            .where(AxisContainerRow.dock_id == dock_id, AxisContainerRow.name == name)
            .values(metadata_={})
        )


async def key_objects(
    session: AsyncSession, *, dock_id: UUID, name: str
) -> Sequence[AxisObjectRow]:
    """Return the key objects of a name, the newest first, in whichever container.

    Files of a rejected recording may be spread over several.
    """
    statement = (
        sa.select(AxisObjectRow)
        .where(AxisObjectRow.dock_id == dock_id, AxisObjectRow.name == name)
        .order_by(AxisObjectRow.stored_at.desc())
        .limit(_KEYS_TRIED_MAX)
    )
    return (await session.scalars(statement)).all()


async def encryption_of(session: AsyncSession, *, dock_id: UUID) -> AxisEncryptionRow | None:
    """Return whether a system was told to encrypt."""
    return await session.get(AxisEncryptionRow, dock_id)


async def keys_of(session: AsyncSession, *, department_id: UUID) -> Sequence[AxisKeyRow]:
    """Return the unit's pairs of keys, the newest first."""
    statement = (
        sa.select(AxisKeyRow)
        .where(AxisKeyRow.department_id == department_id)
        .order_by(AxisKeyRow.made_at.desc(), AxisKeyRow.id)
    )
    return (await session.scalars(statement)).all()


async def clip_key(
    session: AsyncSession, *, object_key: str
) -> tuple[ClipKeyRow, AxisKeyRow] | None:
    """Return what opens an encrypted recording's object, ``None`` where it is none."""
    statement = (
        sa.select(ClipKeyRow, AxisKeyRow)
        .join(AxisKeyRow, AxisKeyRow.id == ClipKeyRow.key_id)
        .where(ClipKeyRow.object_key == object_key)
    )
    row = (await session.execute(statement)).first()
    return None if row is None else (row[0], row[1])


async def sealed_clips(
    session: AsyncSession,
    *,
    reasons: Sequence[str],
    of: tuple[UUID, str] | None = None,
    bytes_max: int | None = None,
    limit: int = 500,
) -> list[tuple[UUID, UUID]]:
    """Return recording and clip of what could not be opened; ``of`` one container, or all."""
    statement = (
        sa.select(RecordingRow.id, AxisObjectRow.id)
        .join(AxisObjectRow, AxisObjectRow.recording_id == RecordingRow.id)
        .where(
            RecordingRow.quarantine_reason.in_(reasons),
            RecordingRow.status != RecordingStatus.DESTROYED,
            RecordingRow.destruction_begun_at.is_(None),
        )
        .order_by(RecordingRow.stored_at)
        .limit(limit)
    )
    if bytes_max is not None:
        statement = statement.where(AxisObjectRow.size_bytes <= bytes_max)
    if of is not None:
        name = sa.select(AxisObjectRow.name).where(
            AxisObjectRow.dock_id == of[0], AxisObjectRow.container == of[1]
        )
        names = {one for one in await session.scalars(name) if one.lower().endswith(".key")}
        bases = [one[: -len(".key")] for one in names]
        statement = statement.where(
            AxisObjectRow.dock_id == of[0],
            sa.func.regexp_replace(AxisObjectRow.name, r"\.[^.]*$", "").in_(bases),
        )
    return [(row[0], row[1]) for row in await session.execute(statement)]
