"""Statements over the heads of recordings."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import undefer

from bodycam.models import RecordingHeadRow, RecordingSheetRow
from bodycam.rules.derived import HeadStanding


async def put_head(
    session: AsyncSession,
    *,
    recording_id: UUID,
    sha256: bytes,
    packed: bytes,
    duration_ms: int,
    content: bytes,
    at: datetime,
) -> bool:
    """Keep a head as it came; return whether it is the first."""
    values = {
        "recording_id": recording_id,
        "sha256": sha256,
        "packed": packed,
        "duration_ms": duration_ms,
        "content": content,
        "standing": HeadStanding.UNPROVEN,
        "differs": [],
        "received_at": at,
    }
    statement = insert(RecordingHeadRow).values(values).on_conflict_do_nothing()
    made = await session.scalar(statement.returning(RecordingHeadRow.recording_id))
    return made is not None


async def head_of(
    session: AsyncSession,
    recording_id: UUID,
    *,
    with_content: bool = False,
    with_index: bool = False,
    for_update: bool = False,
) -> RecordingHeadRow | None:
    """Return the head of a recording, ``with_content`` its bytes and ``with_index`` its index."""
    statement = sa.select(RecordingHeadRow).where(RecordingHeadRow.recording_id == recording_id)
    if with_content:
        statement = statement.options(undefer(RecordingHeadRow.content))
    if with_index:
        statement = statement.options(undefer(RecordingHeadRow.packed))
    if for_update:
        statement = statement.with_for_update()
    statement = statement.execution_options(populate_existing=True)
    return (await session.execute(statement)).scalar_one_or_none()


async def close_head(
    session: AsyncSession,
    *,
    recording_id: UUID,
    standing: HeadStanding,
    differs: Sequence[str],
    at: datetime,
) -> None:
    """Write down what the bulk has shown. A head that lied is kept: it is evidence."""
    values: dict[str, object] = {
        "standing": standing,
        "differs": list(differs),
        "checked_at": at,
    }
    if standing is HeadStanding.CONFIRMED:
        values["content"] = None
    row = RecordingHeadRow
    await session.execute(sa.update(row).where(row.recording_id == recording_id).values(values))


async def drop_sheets(session: AsyncSession, *, recording_id: UUID) -> None:
    """Delete the small pictures of a recording: they were made of bytes that it has not."""
    row = RecordingSheetRow
    await session.execute(sa.delete(row).where(row.recording_id == recording_id))
