"""What the body-camera slice asks of ``devices``: whose camera it is and who held it when."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.audit.service import AuditTrail
from bodycam import repository
from bodycam.errors import CameraNotKnown
from bodycam.models import RecordingRow
from bodycam.wire.manifest import Manifest
from devices import service as devices
from devices.errors import DeviceNotFound

_WITHOUT_SHIFT: Final = timedelta(hours=12)
_SHIFT_MAX: Final = timedelta(hours=36)  # 24 hours and a late return
_BEFORE_ISSUE: Final = timedelta(minutes=30)
_BROUGHT_WITHIN: Final = timedelta(hours=24)  # what was given up long ago is not waited for


async def camera_key(session: AsyncSession, *, camera_id: UUID, dock: Principal) -> str:
    """Return the public key that the camera was enrolled with, in PEM.

    Raises:
        CameraNotKnown: the dock's department has no such camera.
    """
    try:
        return await devices.camera_key(session, dock=dock, device_id=camera_id)
    except DeviceNotFound as error:
        raise CameraNotKnown(f"no camera {camera_id}") from error


async def dock_camera(
    session: AsyncSession,
    *,
    trail: AuditTrail,
    camera_id: UUID,
    dock: Principal,
    at: datetime,
    issued_before: datetime,
) -> None:
    """Note in the journal of devices that the camera stands in the dock; safe to repeat.

    A recording ends only the time of whom it can belong to: who signed for the camera before the
    recording's end, by true time. One that comes late, out of another system's buffer or because
    the camera is not taken out of its bay yet, does not end the next officer's.

    Raises:
        CameraNotKnown: the camera is another department's.
    """
    try:
        await devices.note_docked(
            session,
            trail=trail,
            dock=dock,
            device_id=camera_id,
            at=at,
            issued_before=issued_before,
        )
    except DeviceNotFound as error:
        raise CameraNotKnown(f"no camera {camera_id}") from error


async def dock_announced(
    session: AsyncSession,
    trail: AuditTrail,
    manifest: Manifest,
    *,
    dock: Principal,
    at: datetime,
    first_at: datetime,
) -> None:
    """Note that the camera stands in the dock that announces its recording; safe to repeat.

    A dock announces what lies in its bay. So a recording in whose time nobody had the camera, for
    its clock was reset, docks whoever has it; any other as ``dock_camera`` says. In both cases
    only who had it when the recording was announced first (``first_at``): it was in a dock then.

    Raises:
        CameraNotKnown: the camera is another department's.
    """
    drift = timedelta(milliseconds=manifest.clock_drift_ms)
    ended_at = manifest.ended_at - drift
    held = await holder_of(
        session,
        camera_id=manifest.camera_id,
        started_at=manifest.started_at - drift,
        ended_at=ended_at,
    )
    await dock_camera(
        session,
        trail=trail,
        camera_id=manifest.camera_id,
        dock=dock,
        at=at,
        issued_before=first_at if held is None else min(ended_at, first_at),
    )


async def holder_of(
    session: AsyncSession, *, camera_id: UUID, started_at: datetime, ended_at: datetime
) -> UUID | None:
    """Return the post of the officer who held the camera, or ``None`` where nobody had it.

    The middle of the recording decides: the camera already records when it is signed for, and
    still records when it is put into the dock.
    """
    middle = started_at + (ended_at - started_at) / 2
    for at in (middle, started_at, ended_at):
        held = await devices.assignment_at(session, device_id=camera_id, at=at)
        if held is not None:
            return held.post_id
    return None


async def held_between(
    session: AsyncSession, *, camera_id: UUID, at: datetime
) -> tuple[datetime, datetime]:
    """Return from when until when the camera was in the hands that held it ``at`` an instant.

    The camera records a little before it is signed for. Where nobody had it, a day around.
    """
    held = await devices.assignment_at(session, device_id=camera_id, at=at)
    if held is None or held.issued_at is None:
        return at - _WITHOUT_SHIFT, at + _WITHOUT_SHIFT
    until = held.returned_at or held.issued_at + _SHIFT_MAX
    return held.issued_at - _BEFORE_ISSUE, until


async def note_uploaded(
    session: AsyncSession, *, trail: AuditTrail, row: RecordingRow, dock: Principal, at: datetime
) -> None:
    """Note in the journal of devices that the camera's footage is stored; safe to repeat.

    The last of the recordings that it brought says so.
    """
    await session.flush()
    if await repository.others_arrive(
        session, camera_id=row.camera_id, but=row.id, since=at - _BROUGHT_WITHIN
    ):
        return
    await devices.note_uploaded(session, trail=trail, dock=dock, device_id=row.camera_id, at=at)


async def awaited_since(session: AsyncSession, *, camera_id: UUID) -> datetime | None:
    """Return since when an officer of the next shift waits for the camera, or ``None``."""
    return await devices.awaited_since(session, device_id=camera_id)
