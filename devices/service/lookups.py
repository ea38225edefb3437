"""What other slices ask of devices, and what docks report of cameras."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.access import DeviceKind, Principal
from app.audit.service import AuditTrail
from app.exchange.service import DeviceStanding
from devices import repository
from devices.errors import DeviceNotFound
from devices.models import Assignment
from devices.rules.lifecycle import ADMITTED, DeviceStatus, next_status
from devices.rules.sheets import JournalEntryKind
from devices.service.assignments import add_line

_GONE = frozenset({DeviceStatus.SUSPENDED, DeviceStatus.LOST, DeviceStatus.RETIRED})


@dataclass(frozen=True, kw_only=True)
class AssignmentFacts:
    """Who had a device, against which signature, from when until when."""

    assignment_id: UUID
    device_id: UUID
    shift_id: UUID
    post_id: UUID
    person_id: UUID
    department_id: UUID
    issued_at: datetime
    docked_at: datetime | None
    returned_at: datetime | None
    terminal_number: str | None = None


async def assignment_at(
    session: AsyncSession, *, device_id: UUID, at: datetime
) -> AssignmentFacts | None:
    """Return who had the device at the instant ``at``, or ``None`` where nobody had.

    The instant of issue counts as his, the instant of return no longer.
    """
    row = await repository.held_at(session, device_id=device_id, at=at)
    return None if row is None else await _facts(session, row)


async def open_assignment_of(
    session: AsyncSession, *, post_id: UUID, kind: DeviceKind
) -> AssignmentFacts | None:
    """Return the device of the kind that the post has now and may use, or ``None``.

    A device that is suspended or in its dock is with nobody in this sense.
    """
    row = await repository.held_by_post(session, post_id=post_id, kind=kind)
    return None if row is None else await _facts(session, row)


async def awaited_since(session: AsyncSession, *, device_id: UUID) -> datetime | None:
    """Return since when an officer of the next shift waits for the device: his unsigned sheet."""
    row = await repository.open_assignment(session, device_id=device_id)
    return row.sheet_at if row is not None and row.issued_at is None else None


async def terminal_number_in(
    session: AsyncSession, *, device_id: UUID, department_id: UUID
) -> str | None:
    """Return the number of a card terminal of the unit, or ``None`` where it has no such one."""
    device = await repository.device(session, device_id=device_id, department_id=department_id)
    if device is None or device.kind is not DeviceKind.TERMINAL:
        return None
    return device.terminal_number


@dataclass(frozen=True, kw_only=True)
class TerminalFacts:
    """A card terminal in service; ``held`` where an officer had it at the instant asked about."""

    device_id: UUID
    department_id: UUID
    terminal_number: str
    held: bool


async def terminals_in_service(
    session: AsyncSession, *, at: datetime, department_id: UUID | None = None
) -> list[TerminalFacts]:
    """Return the card terminals of a unit, or of all, not lost, suspended or retired."""
    rows = await repository.terminals(
        session, held_at=at, without=_GONE, department_id=department_id
    )
    return [
        TerminalFacts(
            device_id=device.id,
            department_id=device.department_id,
            terminal_number=device.terminal_number or "",
            held=held,
        )
        for device, held in rows
    ]


async def serial_number_of(session: AsyncSession, *, device_id: UUID) -> str:
    """Return a device's serial number as the inventory has it, empty where there is no device."""
    device = await repository.device_by_id(session, device_id)
    return device.serial_number if device is not None else ""


async def dock_of(session: AsyncSession, *, device_id: UUID) -> Principal | None:
    """Return a dock as a job acts for it, or ``None`` where it is none."""
    device = await repository.device_by_id(session, device_id)
    if device is None or device.kind is not DeviceKind.DOCK:
        return None
    return Principal(
        department_id=device.department_id, device_id=device.id, device_kind=device.kind
    )


async def camera_of_serial(
    session: AsyncSession, *, dock: Principal, serial_number: str
) -> UUID | None:
    """Return the camera of the dock's department with that serial number, if there is just one."""
    return await repository.camera_of_serial(
        session, department_id=dock.department_id, serial_number=serial_number
    )


async def _facts(session: AsyncSession, row: Assignment) -> AssignmentFacts | None:
    device = await repository.device_by_id(session, row.device_id)
    if device is None or row.issued_at is None:
        return None
    return AssignmentFacts(
        assignment_id=row.id,
        device_id=row.device_id,
        shift_id=row.shift_id,
        post_id=row.post_id,
        person_id=row.person_id,
        department_id=row.department_id,
        issued_at=row.issued_at,
        docked_at=row.docked_at,
        returned_at=row.returned_at,
        terminal_number=device.terminal_number,
    )


async def camera_key(session: AsyncSession, *, dock: Principal, device_id: UUID) -> str:
    """Return the public key in PEM of a camera of the dock's unit.

    Raises:
        DeviceNotFound: the dock's unit has no such device, or it is no camera.
    """
    device = await repository.device(session, device_id=device_id, department_id=dock.department_id)
    if device is None or device.kind is not DeviceKind.CAMERA or device.public_key_pem is None:
        raise DeviceNotFound(device_id)
    return device.public_key_pem


@dataclass(frozen=True)
class _Standing:
    """The port ``DeviceStandingOf`` of ``app.exchange``, which reads it beside its own facts."""

    known: sa.Select[*tuple[Any, ...]] = repository.STANDING
    held: sa.Select[*tuple[Any, ...]] = repository.STANDING_HELD

    def read(self, row: Sequence[Any], *, caller: Principal) -> DeviceStanding:
        """Return where the device of a row stands towards the calling person."""
        device = repository.standing_from(row)
        if device is None:
            return DeviceStanding.UNKNOWN
        if device.department_id != caller.department_id:
            return DeviceStanding.OF_ANOTHER_UNIT
        if device.status not in ADMITTED:
            return DeviceStanding.OUT_OF_SERVICE
        return _towards(device.held_by, caller)


device_standing: Final = _Standing()


def _towards(held_by: UUID | None, caller: Principal) -> DeviceStanding:
    if held_by is None:
        return DeviceStanding.OF_UNIT
    if held_by == caller.post_id:
        return DeviceStanding.ISSUED_TO_CALLER
    return DeviceStanding.ISSUED_TO_ANOTHER


async def note_docked(
    session: AsyncSession,
    *,
    trail: AuditTrail,
    dock: Principal,
    device_id: UUID,
    at: datetime,
    issued_before: datetime | None = None,
) -> AssignmentFacts | None:
    """Record that a camera stands in the dock, and return whose it was; safe to repeat.

    The officer has it no longer in his hands; the keeper still takes it back in the journal.
    ``None`` where it is out of nobody's hands, or was signed for at ``issued_before`` or later:
    the footage is taken all the same.

    Raises:
        DeviceNotFound: no such device in the dock's unit.
    """
    device = await repository.device(
        session, device_id=device_id, department_id=dock.department_id, lock=True
    )
    if device is None:
        raise DeviceNotFound(device_id)
    row = await repository.open_assignment(session, device_id=device_id, lock=True)
    if row is None or row.issued_at is None:
        return None
    if issued_before is not None and row.issued_at >= issued_before:
        return None
    if row.docked_at is None:
        row.docked_at = at
        if device.status is DeviceStatus.ISSUED:  # a suspended one stays suspended
            device.status = next_status(device.status, DeviceStatus.DOCKED)
        await add_line(session, row.id, JournalEntryKind.DOCKED, at=at, by_device_id=dock.device_id)
        await trail.record(
            session, event="devices.docked", at=at, who=dock, fields=_event_fields(row)
        )
    return await _facts(session, row)


async def note_uploaded(
    session: AsyncSession, *, trail: AuditTrail, dock: Principal, device_id: UUID, at: datetime
) -> None:
    """Record that everything of the camera's last assignment is in the store; safe to repeat.

    The column "date and time of upload" of the journal (Order No. 971, appendix 2).
    """
    row = await repository.last_docked(session, device_id=device_id)
    if row is None or row.uploaded_at is not None:
        return
    row.uploaded_at = at
    await add_line(session, row.id, JournalEntryKind.UPLOADED, at=at, by_device_id=dock.device_id)
    await trail.record(
        session, event="devices.uploaded", at=at, who=dock, fields=_event_fields(row)
    )


def _event_fields(row: Assignment) -> dict[str, object]:
    return {"assignment_id": str(row.id), "device_id": str(row.device_id)}


async def is_in_service(session: AsyncSession, *, device_id: UUID) -> bool:
    """Return whether the device is one that is used: neither lost, suspended nor retired."""
    device = await repository.device_by_id(session, device_id)
    return device is not None and device.status not in _GONE


async def device_names(session: AsyncSession, *, ids: Iterable[UUID]) -> dict[UUID, str]:
    """Return the inventory numbers of devices, of whatever unit; unknown ids are left out."""
    return await repository.inventory_numbers(session, ids)
