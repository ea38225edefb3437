"""When a camera was out, and what the journal says of its pauses: asked by the footage slice."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from devices import repository
from devices.errors import AssignmentNotFound, NotIssued
from devices.models import Assignment, Device
from devices.rules.sheets import JournalEntryKind
from devices.service.assignments import add_line, own_assignment

_EVER = (datetime(2000, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC))


@dataclass(frozen=True, kw_only=True)
class CameraSpan:
    """One assignment of a camera: from its signed issue until it was out of the hands again."""

    assignment_id: UUID
    camera_id: UUID
    inventory_number: str
    department_id: UUID
    post_id: UUID
    issued_at: datetime
    docked_at: datetime | None
    returned_at: datetime | None
    written_off_at: datetime | None


async def camera_spans(
    session: AsyncSession,
    *,
    begin: datetime,
    end: datetime,
    camera_id: UUID | None = None,
    department_id: UUID | None = None,
) -> Sequence[CameraSpan]:
    """Return the assignments of cameras that meet the time, in the order of issue."""
    rows = await repository.camera_assignments(
        session, begin=begin, end=end, device_id=camera_id, department_id=department_id
    )
    return [_span(row, device) for row, device in rows]


async def camera_span(session: AsyncSession, *, assignment_id: UUID) -> CameraSpan | None:
    """Return one assignment of a camera, of whatever unit; ``None`` where it was not signed."""
    begin, end = _EVER
    rows = await repository.camera_assignments(
        session, begin=begin, end=end, assignment_id=assignment_id
    )
    return _span(*rows[0]) if rows else None


async def camera_span_before(
    session: AsyncSession, *, camera_id: UUID, at: datetime
) -> CameraSpan | None:
    """Return the last assignment of a camera that was signed for before ``at``, if there is one."""
    rows = await repository.camera_assignments(
        session, begin=_EVER[0], end=at, device_id=camera_id, last=True
    )
    return _span(*rows[0]) if rows else None


async def note_pause(
    session: AsyncSession, *, caller: Principal, assignment_id: UUID, note: str, now: datetime
) -> CameraSpan:
    """Write a line on a permitted pause into the journal (Order No. 971, item 25).

    Raises:
        AssignmentNotFound: absent, another unit's, or no camera's.
        NotIssued: the camera is not in the officer's hands.
    """
    row = await own_assignment(session, caller, assignment_id)
    span = await camera_span(session, assignment_id=row.id)
    if span is None:
        raise AssignmentNotFound(assignment_id)
    if span.docked_at or span.returned_at or span.written_off_at:
        raise NotIssued(f"the camera of {assignment_id} is out of the officer's hands")
    await add_line(
        session, row.id, JournalEntryKind.NOTE, at=now, by_post_id=caller.post_id, note=note
    )
    return span


def _span(row: Assignment, device: Device) -> CameraSpan:
    if row.issued_at is None:
        raise NotIssued(f"assignment {row.id} is not signed")
    return CameraSpan(
        assignment_id=row.id,
        camera_id=row.device_id,
        inventory_number=device.inventory_number,
        department_id=row.department_id,
        post_id=row.post_id,
        issued_at=row.issued_at,
        docked_at=row.docked_at,
        returned_at=row.returned_at,
        written_off_at=row.written_off_at,
    )
