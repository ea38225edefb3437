"""Statements of the coverage ledger, its cases and the permitted pauses."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from bodycam.models import (
    CameraPauseRow,
    CoverageCaseRow,
    CoverageIntervalRow,
    CoverageLedgerRow,
    RecordingExaminationRow,
    RecordingRow,
)
from bodycam.rules.coverage import SIGNING_DOOR, FindingKind, Interval


async def recordings_between(
    session: AsyncSession, *, camera_id: UUID, begin: datetime, end: datetime
) -> list[tuple[RecordingRow, bool, Sequence[Mapping[str, Any]] | None]]:
    """Return the camera's recordings that meet the time, the earliest first.

    With each: whether the recording before it is here (of a first: whether it is the first; by a
    door whose recordings name none before them, always), and what was found black or silent,
    ``None`` where nobody looked.
    """
    row, other = RecordingRow, aliased(RecordingRow)
    named_is_here = sa.exists().where(
        other.camera_id == row.camera_id, other.manifest_sha256 == row.previous_manifest_sha256
    )
    earlier_is_here = sa.exists().where(
        other.camera_id == row.camera_id,
        other.started_at < row.started_at,
        other.door == SIGNING_DOOR,
        other.post_id.is_not(None),  # of a wrong clock it would be the earliest of all
    )
    known = sa.case(
        (row.door != SIGNING_DOOR, sa.true()),
        (row.previous_manifest_sha256.is_(None), sa.not_(earlier_is_here)),
        else_=named_is_here,
    )
    found = await session.execute(
        sa.select(row, known, RecordingExaminationRow.stretches)
        .outerjoin(RecordingExaminationRow, RecordingExaminationRow.recording_id == row.id)
        .where(row.camera_id == camera_id, row.started_at < end, row.ended_at > begin)
        .order_by(row.started_at, row.id)
    )
    return [(one[0], bool(one[1]), one[2]) for one in found]


async def recordings_elsewhere(
    session: AsyncSession,
    *,
    camera_id: UUID,
    announced: tuple[datetime, datetime],
    begin: datetime,
    end: datetime,
    limit: int,
) -> list[tuple[UUID, datetime, datetime]]:
    """Return recordings of the camera announced in a time that do not meet ``begin`` to ``end``.

    Identifier, beginning and end of each, in the order of their announcement.
    """
    row = RecordingRow
    statement = (
        sa.select(row.id, row.started_at, row.ended_at)
        .where(
            row.camera_id == camera_id,
            row.announced_at >= announced[0],
            row.announced_at < announced[1],
            sa.or_(row.started_at >= end, row.ended_at <= begin),
        )
        .order_by(row.announced_at, row.id)
        .limit(limit)
    )
    return [(one[0], one[1], one[2]) for one in await session.execute(statement)]


async def has_signed(session: AsyncSession, *, camera_id: UUID) -> bool:
    """Return whether the camera has ever signed a recording."""
    row = RecordingRow
    signed = sa.exists().where(row.camera_id == camera_id, row.door == SIGNING_DOOR)
    return bool(await session.scalar(sa.select(signed)))


async def misdated_between(
    session: AsyncSession, *, department_id: UUID, begin: datetime, end: datetime, limit: int
) -> list[UUID]:
    """Return recordings of a wrong time that cameras brought from the unit's issues of a time."""
    kind, row = FindingKind.MISDATED.value, CoverageLedgerRow
    found = await session.scalars(
        sa.select(row.findings)
        .where(
            row.department_id == department_id,
            row.starts_at < end,
            row.ends_at > begin,
            row.findings.contains([{"kind": kind}]),
        )
        .order_by(row.starts_at, row.assignment_id)
        .limit(limit)
    )
    named = [one["recording_id"] for each in found for one in each if one["kind"] == kind]
    return [UUID(one) for one in dict.fromkeys(named)][:limit]


async def pauses_of(session: AsyncSession, *, assignment_id: UUID) -> Sequence[CameraPauseRow]:
    """Return the permitted pauses of an assignment."""
    statement = (
        sa.select(CameraPauseRow)
        .where(CameraPauseRow.assignment_id == assignment_id)
        .order_by(CameraPauseRow.starts_at)
    )
    return (await session.scalars(statement)).all()


async def pause(
    session: AsyncSession, *, pause_id: UUID, department_id: UUID
) -> CameraPauseRow | None:
    """Return a pause of the unit, locked, or ``None``."""
    statement = (
        sa.select(CameraPauseRow)
        .where(CameraPauseRow.id == pause_id, CameraPauseRow.department_id == department_id)
        .with_for_update()
    )
    return (await session.scalars(statement)).one_or_none()


async def lock_ledger(session: AsyncSession, *, assignment_id: UUID) -> None:
    """Let one transaction at a time work on the ledger of an assignment."""
    await session.execute(
        sa.select(
            sa.func.pg_advisory_xact_lock(
                sa.func.hashtextextended(sa.literal(f"coverage:{assignment_id}"), 0)
            )
        )
    )


async def put_ledger(
    session: AsyncSession, *, values: Mapping[str, Any], intervals: Iterable[Interval]
) -> None:
    """Write a ledger and its intervals in place of what was there."""
    statement = insert(CoverageLedgerRow).values(values)
    changed = {name: statement.excluded[name] for name in values if name != "assignment_id"}
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=[CoverageLedgerRow.assignment_id], set_=changed
        )
    )
    assignment_id = values["assignment_id"]
    await session.execute(
        sa.delete(CoverageIntervalRow).where(CoverageIntervalRow.assignment_id == assignment_id)
    )
    rows = [
        {
            "assignment_id": assignment_id,
            "starts_at": one.start,
            "ends_at": one.end,
            "kind": one.kind,
            "reason": one.reason,
            "recording_id": one.recording_id,
        }
        for one in intervals
    ]
    if rows:
        await session.execute(sa.insert(CoverageIntervalRow), rows)


async def ledger(
    session: AsyncSession, *, assignment_id: UUID, department_id: UUID
) -> CoverageLedgerRow | None:
    """Return a ledger of the unit, or ``None``."""
    statement = sa.select(CoverageLedgerRow).where(
        CoverageLedgerRow.assignment_id == assignment_id,
        CoverageLedgerRow.department_id == department_id,
    )
    return (await session.scalars(statement)).one_or_none()


async def ledgers_between(
    session: AsyncSession, *, department_id: UUID, begin: datetime, end: datetime
) -> Sequence[CoverageLedgerRow]:
    """Return the unit's ledgers that meet the time, in the order of issue."""
    statement = (
        sa.select(CoverageLedgerRow)
        .where(
            CoverageLedgerRow.department_id == department_id,
            CoverageLedgerRow.starts_at < end,
            CoverageLedgerRow.ends_at > begin,
        )
        .order_by(CoverageLedgerRow.starts_at, CoverageLedgerRow.assignment_id)
    )
    return (await session.scalars(statement)).all()


async def intervals_of(
    session: AsyncSession, assignment_ids: Iterable[UUID]
) -> dict[UUID, list[Interval]]:
    """Return the intervals of the ledgers named, each in the order of time."""
    row = CoverageIntervalRow
    found = await session.scalars(
        sa.select(row)
        .where(row.assignment_id.in_(list(assignment_ids)))
        .order_by(row.assignment_id, row.starts_at)
    )
    made: dict[UUID, list[Interval]] = {}
    for one in found:
        made.setdefault(one.assignment_id, []).append(
            Interval(one.starts_at, one.ends_at, one.kind, one.reason, one.recording_id)
        )
    return made


async def intervals_between(
    session: AsyncSession, *, camera_id: UUID, begin: datetime, end: datetime
) -> list[Interval]:
    """Return the intervals of the camera's ledgers that meet the time, in order."""
    row = CoverageIntervalRow
    found = await session.scalars(
        sa.select(row)
        .join(CoverageLedgerRow, CoverageLedgerRow.assignment_id == row.assignment_id)
        .where(CoverageLedgerRow.camera_id == camera_id, row.starts_at < end, row.ends_at > begin)
        .order_by(row.starts_at)
    )
    return [
        Interval(one.starts_at, one.ends_at, one.kind, one.reason, one.recording_id)
        for one in found
    ]


async def settled_since(session: AsyncSession, *, begin: datetime) -> set[UUID]:
    """Return the assignments since ``begin`` whose ledgers change no more by themselves."""
    found = await session.scalars(
        sa.select(CoverageLedgerRow.assignment_id).where(
            CoverageLedgerRow.settled, CoverageLedgerRow.ends_at >= begin
        )
    )
    return set(found)


async def unsettled(session: AsyncSession, *, limit: int) -> list[UUID]:
    """Return the assignments whose ledgers still change by themselves, the oldest first."""
    found = await session.scalars(
        sa.select(CoverageLedgerRow.assignment_id)
        .where(sa.not_(CoverageLedgerRow.settled))
        .order_by(CoverageLedgerRow.starts_at)
        .limit(limit)
    )
    return list(found)


async def cases_of(session: AsyncSession, *, assignment_id: UUID) -> Sequence[CoverageCaseRow]:
    """Return the cases of an assignment in the order of time."""
    statement = (
        sa.select(CoverageCaseRow)
        .where(CoverageCaseRow.assignment_id == assignment_id)
        .order_by(CoverageCaseRow.starts_at, CoverageCaseRow.id)
    )
    return (await session.scalars(statement)).all()


async def cases_of_unit(
    session: AsyncSession, *, department_id: UUID, before: datetime | None, limit: int
) -> Sequence[CoverageCaseRow]:
    """Return the unit's cases, the newest first."""
    statement = sa.select(CoverageCaseRow).where(CoverageCaseRow.department_id == department_id)
    if before is not None:
        statement = statement.where(CoverageCaseRow.opened_at < before)
    statement = statement.order_by(CoverageCaseRow.opened_at.desc(), CoverageCaseRow.id)
    return (await session.scalars(statement.limit(limit))).all()


async def case(
    session: AsyncSession, *, case_id: UUID, department_id: UUID
) -> CoverageCaseRow | None:
    """Return a case of the unit, locked, or ``None``."""
    statement = (
        sa.select(CoverageCaseRow)
        .where(CoverageCaseRow.id == case_id, CoverageCaseRow.department_id == department_id)
        .with_for_update()
    )
    return (await session.scalars(statement)).one_or_none()


async def put_examination(
    session: AsyncSession,
    *,
    recording_id: UUID,
    stretches: Sequence[Mapping[str, object]],
    at: datetime,
) -> None:
    """Write what was found black or silent, in place of what was there."""
    values = {"stretches": [dict(one) for one in stretches], "examined_at": at}
    await session.execute(
        insert(RecordingExaminationRow)
        .values(recording_id=recording_id, **values)
        .on_conflict_do_update(index_elements=[RecordingExaminationRow.recording_id], set_=values)
    )
