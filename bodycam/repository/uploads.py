"""Statements about uploads by tus: each writer holds its upload for seconds at a time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from bodycam.models import RecordingRow, UploadPartRow, UploadRow
from bodycam.rules.life_cycle import RecordingStatus


async def upload(
    session: AsyncSession, upload_id: UUID, *, for_update: bool = False
) -> UploadRow | None:
    """Return the upload."""
    statement = sa.select(UploadRow).where(UploadRow.id == upload_id)
    if for_update:
        statement = statement.with_for_update()
    row: UploadRow | None = await session.scalar(statement)
    return row


async def open_uploads(session: AsyncSession, *, dock_id: UUID, now: datetime) -> int:
    """Return how many uploads of the dock are not whole and can be gone on with."""
    count = await session.scalar(
        sa.select(sa.func.count()).where(
            UploadRow.dock_id == dock_id,
            UploadRow.finished_at.is_(None),
            UploadRow.expires_at > now,
        )
    )
    return int(count or 0)


async def is_held(session: AsyncSession, *, upload_id: UUID) -> bool:
    """Return whether somebody holds the upload, by the database's clock: it is everybody's."""
    found = await session.scalar(
        sa.select(UploadRow.id).where(
            UploadRow.id == upload_id,
            UploadRow.held_by.is_not(None),
            UploadRow.held_until > sa.func.clock_timestamp(),
        )
    )
    return found is not None


async def hold(session: AsyncSession, *, upload_id: UUID, token: UUID, seconds: float) -> None:
    """Give the upload to ``token``; the caller has locked the row and seen that it is free."""
    await session.execute(
        sa.update(UploadRow)
        .where(UploadRow.id == upload_id)
        .values(held_by=token, held_until=_in(seconds), release_wanted=False)
    )


async def keep_hold(
    session: AsyncSession, *, upload_id: UUID, token: UUID, seconds: float
) -> bool | None:
    """Hold on; return whether somebody else waits, ``None`` where the hold is lost."""
    wanted: bool | None = await session.scalar(
        sa.update(UploadRow)
        .where(UploadRow.id == upload_id, UploadRow.held_by == token)
        .values(held_until=_in(seconds))
        .returning(UploadRow.release_wanted)
    )
    return wanted


async def let_go(session: AsyncSession, *, upload_id: UUID, token: UUID) -> None:
    """End the hold, if it is still this one."""
    await session.execute(
        sa.update(UploadRow)
        .where(UploadRow.id == upload_id, UploadRow.held_by == token)
        .values(held_by=None, held_until=None, release_wanted=False)
    )


def _in(seconds: float) -> sa.ColumnElement[datetime]:
    return sa.func.clock_timestamp() + sa.func.make_interval(0, 0, 0, 0, 0, 0, seconds)


async def move(
    session: AsyncSession, *, upload_id: UUID, token: UUID, values: dict[str, Any]
) -> bool:
    """Write how far the upload is; return ``False`` where the hold is another's by now."""
    found = await session.scalar(
        sa.update(UploadRow)
        .where(UploadRow.id == upload_id, UploadRow.held_by == token)
        .values(**values)
        .returning(UploadRow.id)
    )
    return found is not None


async def put_digests(
    session: AsyncSession, *, upload_id: UUID, digests: Sequence[tuple[int, bytes]]
) -> None:
    """Write the digests of blocks; what was written of one before is replaced."""
    if not digests:
        return
    statement = insert(UploadPartRow).values(
        [{"upload_id": upload_id, "number": number, "sha256": sha256} for number, sha256 in digests]
    )
    statement = statement.on_conflict_do_update(
        index_elements=[UploadPartRow.upload_id, UploadPartRow.number],
        set_={"sha256": statement.excluded.sha256},
    )
    await session.execute(statement)


async def digests_of(session: AsyncSession, *, upload_id: UUID) -> list[bytes]:
    """Return the digests of the blocks in order."""
    found = await session.scalars(
        sa.select(UploadPartRow.sha256)
        .where(UploadPartRow.upload_id == upload_id)
        .order_by(UploadPartRow.number)
    )
    return list(found)


async def remove(session: AsyncSession, *, upload_id: UUID) -> None:
    """Delete the upload's rows."""
    await session.execute(sa.delete(UploadRow).where(UploadRow.id == upload_id))


async def finished_uploads(session: AsyncSession, *, limit: int) -> Sequence[UUID]:
    """Return the uploads that are whole and not yet a recording."""
    found = await session.scalars(
        sa.select(UploadRow.id)
        .where(UploadRow.finished_at.is_not(None), UploadRow.taken_in_at.is_(None))
        .order_by(UploadRow.finished_at)
        .limit(limit)
    )
    return found.all()


async def expired_uploads(session: AsyncSession, *, now: datetime, limit: int) -> Sequence[UUID]:
    """Return the uploads that nobody went on with in time; those taken in are past their use."""
    found = await session.scalars(
        sa.select(UploadRow.id)
        .where(
            UploadRow.expires_at < now,
            sa.or_(UploadRow.finished_at.is_(None), UploadRow.taken_in_at.is_not(None)),
        )
        .order_by(UploadRow.expires_at)
        .limit(limit)
    )
    return found.all()


async def same_bytes(
    session: AsyncSession, *, camera_id: UUID, stored_root: bytes, size_bytes: int
) -> RecordingRow | None:
    """Return the camera's recording of these very bytes; two who ask at once wait in a row."""
    await session.execute(
        sa.select(sa.func.pg_advisory_xact_lock(int.from_bytes(stored_root[:8], signed=True)))
    )
    row: RecordingRow | None = await session.scalar(
        sa.select(RecordingRow)
        .where(
            RecordingRow.camera_id == camera_id,
            RecordingRow.stored_root == stored_root,
            RecordingRow.found_bytes == size_bytes,
            RecordingRow.status != RecordingStatus.DESTROYED,
            RecordingRow.destruction_begun_at.is_(None),
        )
        .order_by(RecordingRow.announced_at)
        .limit(1)
    )
    return row
