"""Statements over what is made of recordings: findings, sheets, derivatives."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from bodycam.models import (
    RecordingDerivativeRow,
    RecordingFindingRow,
    RecordingIndexRow,
    RecordingRow,
    RecordingSheetRow,
    TrackPointRow,
)
from bodycam.rules.derived import DerivativeKind, FindingKind, FindingOutcome, PlayForm
from bodycam.rules.storyboard import Sheet

_TRACK_POINTS_MAX = 2_000  # of a line on a page; a day has one each ten seconds or more


async def put_finding(
    session: AsyncSession,
    *,
    recording_id: UUID,
    kind: FindingKind,
    outcome: FindingOutcome,
    body: dict[str, Any],
    reason: str | None,
    at: datetime,
) -> None:
    """Keep a finding, in place of an earlier one of its kind."""
    values = {"outcome": outcome, "body": body, "reason": reason, "found_at": at}
    statement = insert(RecordingFindingRow).values(recording_id=recording_id, kind=kind, **values)
    await session.execute(
        statement.on_conflict_do_update(index_elements=["recording_id", "kind"], set_=values)
    )


async def findings_of(
    session: AsyncSession, recording_id: UUID
) -> dict[FindingKind, RecordingFindingRow]:
    """Return what was found of the recording."""
    row = RecordingFindingRow
    found = await session.execute(sa.select(row).where(row.recording_id == recording_id))
    return {one.kind: one for one in found.scalars()}


async def put_sheet(
    session: AsyncSession, *, recording_id: UUID, sheet: Sheet, picture: bytes, at: datetime
) -> None:
    """Keep a sheet of small pictures, in place of an earlier one of its number."""
    values = {
        "first_ms": sheet.first_ms,
        "step_ms": sheet.step_ms,
        "count": sheet.count,
        "picture": picture,
        "made_at": at,
    }
    statement = insert(RecordingSheetRow).values(
        recording_id=recording_id, number=sheet.number, **values
    )
    await session.execute(
        statement.on_conflict_do_update(index_elements=["recording_id", "number"], set_=values)
    )


async def sheets_of(session: AsyncSession, recording_id: UUID) -> list[Sheet]:
    """Return the sheets that are made, without their pictures."""
    row = RecordingSheetRow
    found = await session.execute(
        sa.select(row.number, row.first_ms, row.step_ms, row.count)
        .where(row.recording_id == recording_id)
        .order_by(row.number)
    )
    return [Sheet(*one) for one in found]


async def sheet_picture(session: AsyncSession, *, recording_id: UUID, number: int) -> bytes | None:
    """Return the JPEG of a sheet."""
    row = RecordingSheetRow
    return await session.scalar(
        sa.select(row.picture).where(row.recording_id == recording_id, row.number == number)
    )


async def derivative_of(
    session: AsyncSession, *, recording_id: UUID, kind: DerivativeKind
) -> RecordingDerivativeRow | None:
    """Return the derivative of that kind."""
    row = RecordingDerivativeRow
    return await session.scalar(
        sa.select(row).where(row.recording_id == recording_id, row.kind == kind)
    )


async def form_of(session: AsyncSession, recording_id: UUID) -> PlayForm | None:
    """Return how the recording's bytes are brought to a player."""
    row = RecordingIndexRow
    return await session.scalar(sa.select(row.form).where(row.recording_id == recording_id))


async def front_of(session: AsyncSession, recording_id: UUID) -> bytes:
    """Return what stands before the bytes of a restored recording; empty for any other."""
    row = RecordingIndexRow
    found = await session.scalar(sa.select(row.front).where(row.recording_id == recording_id))
    return found or b""


async def models_for(
    session: AsyncSession, row: RecordingRow, *, limit: int
) -> list[tuple[RecordingRow, bytes, PlayForm]]:
    """Return what the same camera recorded nearest in time and plays, with index and form."""
    other, index = RecordingRow, RecordingIndexRow
    apart = sa.func.abs(sa.extract("epoch", other.started_at - row.started_at))
    found = await session.execute(
        sa.select(other, index.packed, index.form)
        .join(index, index.recording_id == other.id)
        .where(
            other.camera_id == row.camera_id,
            other.destruction_begun_at.is_(None),
            index.form != PlayForm.RESTORED,
        )
        .order_by(apart, other.id)
        .limit(limit)
    )
    return [(one[0], one[1], one[2]) for one in found]


async def without_tables(
    session: AsyncSession, *, reasons: Sequence[str], camera_id: UUID | None = None, limit: int
) -> list[UUID]:
    """Return recordings that are kept for one of the reasons, of one camera or of all."""
    row = RecordingRow
    statement = sa.select(row.id).where(
        row.quarantine_reason.in_(list(reasons)), row.destruction_begun_at.is_(None)
    )
    if camera_id is not None:
        statement = statement.where(row.camera_id == camera_id)
    return list(await session.scalars(statement.order_by(row.stored_at, row.id).limit(limit)))


async def track_of(session: AsyncSession, ids: Iterable[UUID]) -> list[tuple[datetime, int, int]]:
    """Return points of the recordings' tracks in order, thinned to what a line can show."""
    point = TrackPointRow
    named = list(ids)
    count = await session.scalar(sa.select(sa.func.count()).where(point.recording_id.in_(named)))
    step = max(1, (count or 0) // _TRACK_POINTS_MAX)
    numbered = (
        sa.select(
            point.at,
            point.latitude_e7,
            point.longitude_e7,
            sa.func.row_number().over(order_by=point.at).label("number"),
        )
        .where(point.recording_id.in_(named))
        .subquery()
    )
    found = await session.execute(
        sa.select(numbered.c.at, numbered.c.latitude_e7, numbered.c.longitude_e7)
        .where((numbered.c.number - 1) % step == 0)
        .order_by(numbered.c.at)
    )
    return [(row[0], row[1], row[2]) for row in found]


async def indexes_of(
    session: AsyncSession, ids: Iterable[UUID]
) -> dict[UUID, tuple[bytes, PlayForm]]:
    """Return the packed index and the form of each of the recordings that has one."""
    row = RecordingIndexRow
    found = await session.execute(
        sa.select(row.recording_id, row.packed, row.form).where(row.recording_id.in_(list(ids)))
    )
    return {one[0]: (one[1], one[2]) for one in found}


async def recordings_held(
    session: AsyncSession, *, row: RecordingRow, begins: datetime, ends: datetime, limit: int
) -> list[RecordingRow]:
    """Return all of the camera's recordings of the same officer that began in that time."""
    other = RecordingRow
    found = await session.scalars(
        sa.select(other)
        .where(
            other.camera_id == row.camera_id,
            other.department_id == row.department_id,
            other.post_id.is_not_distinct_from(row.post_id),
            other.started_at.between(begins, ends),
        )
        .order_by(other.started_at, other.id)
        .limit(limit)
    )
    return list(found)


async def loudness_of(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, list[int | None]]:
    """Return how loud the recordings named are, as far as that was measured."""
    row = RecordingFindingRow
    found = await session.execute(
        sa.select(row.recording_id, row.body).where(
            row.recording_id.in_(list(ids)),
            row.kind == FindingKind.LOUDNESS,
            row.outcome == FindingOutcome.DONE,
        )
    )
    return {one[0]: list(one[1].get("decibels", [])) for one in found}


async def with_sheets(session: AsyncSession, ids: Iterable[UUID]) -> set[UUID]:
    """Return which of the recordings named have small pictures."""
    row = RecordingSheetRow
    statement = sa.select(row.recording_id).where(row.recording_id.in_(list(ids))).distinct()
    return set(await session.scalars(statement))
