"""What the objects of a container become: clips recordings, a track the places they were at."""

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final
from uuid import UUID, uuid4

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.db import transaction
from bodycam import repository
from bodycam.errors.axis import AxisMetadataNotValid
from bodycam.models import RecordingRow
from bodycam.models.axis import AxisObjectRow
from bodycam.repository import axis
from bodycam.rules.axis import REJECTED, ObjectKind, kind_of, read_track, span_of, spans_in_names
from bodycam.rules.life_cycle import RecordingStatus
from bodycam.service.cameras import dock_camera, holder_of
from bodycam.service.completion import conclude, examine_stream
from bodycam.service.docking import Docking
from bodycam.wire.canonical import canonical_json
from bodycam.wire.digests import DIGEST_SIZE_BYTES, merkle_root
from devices import service as devices

log = structlog.get_logger(__name__)

_NO_LENGTH: Final = timedelta(milliseconds=1)  # a clip that says nothing and plays nothing


async def take_in(
    docking: Docking, *, dock_id: UUID, container: str, caller: Principal | None, now: datetime
) -> int:
    """Make recordings of a container's new clips, and places of its tracks; safe to repeat.

    What cannot be taken in yet, because the unit has no such camera or nobody said when it was,
    stays as it is. Returns how many objects were taken in.
    """
    count = 0
    # One object a transaction: a clip of hours is read back in it.
    while await _next(docking, dock_id=dock_id, container=container, caller=caller, now=now):
        count += 1
    return count


async def _next(
    docking: Docking, *, dock_id: UUID, container: str, caller: Principal | None, now: datetime
) -> bool:
    async with transaction(docking.sessions) as session:
        dock = caller or await devices.dock_of(session, device_id=dock_id)
        if dock is None:
            return False
        rows = await axis.not_taken_in(session, dock_id=dock_id, container=container)
        for row in rows:
            if await _take(session, docking, row, dock=dock, now=now):
                row.taken_in_at = now
                return True
    return False


async def _take(
    session: AsyncSession, docking: Docking, row: AxisObjectRow, *, dock: Principal, now: datetime
) -> bool:
    match kind_of(row.name, row.metadata_):
        case ObjectKind.CLIP:
            return await _take_clip(session, docking, row, dock=dock, now=now)
        case ObjectKind.TRACK:
            return await _take_track(session, docking, row)
        case ObjectKind.KEY | ObjectKind.BOOKMARK | ObjectKind.OTHER:
            return True  # kept as it came


async def _take_clip(
    session: AsyncSession, docking: Docking, row: AxisObjectRow, *, dock: Principal, now: datetime
) -> bool:
    known = await axis.container(session, dock_id=row.dock_id, name=row.container)
    about = dict(known.metadata_) if known is not None else {}
    if row.container.startswith(REJECTED):
        original = about.get("RejectedContentOriginalContainer", "")
        source = await axis.container(session, dock_id=row.dock_id, name=original)
        about = {**(dict(source.metadata_) if source is not None else {}), **about}
    camera_id = await devices.camera_of_serial(
        session, dock=dock, serial_number=about.get("BWCSerialNumber", "")
    )
    span = span_of(row.metadata_, about) or spans_in_names(row.name, row.container)
    if camera_id is None or span is None:
        log.info("axis_clip_waits", object=str(row.id), camera_known=camera_id is not None)
        return False
    examined = await examine_stream(docking, object_key=row.object_key, size_bytes=row.size_bytes)
    recording = _recording(row, about, camera_id=camera_id, dock=dock, now=now)
    recording.started_at, ended_at = span
    played = timedelta(milliseconds=examined.index.duration_ms) if examined.index else _NO_LENGTH
    recording.ended_at = ended_at or recording.started_at + max(played, _NO_LENGTH)
    await dock_camera(session, trail=docking.trail, camera_id=camera_id, dock=dock, at=now)
    recording.post_id = await holder_of(
        session,
        camera_id=camera_id,
        started_at=recording.started_at,
        ended_at=recording.ended_at,
    )
    session.add(recording)
    await session.flush()
    await conclude(session, docking, recording, examined, caller=dock, now=now)
    row.recording_id = recording.id
    await session.flush()
    return True


def _recording(
    row: AxisObjectRow,
    about: dict[str, str],
    *,
    camera_id: UUID,
    dock: Principal,
    now: datetime,
) -> RecordingRow:
    """Return the row of a clip. Its manifest is ours: what was said of it, and what arrived."""
    root = merkle_root(_digests(row.block_digests))
    manifest = canonical_json(
        {
            "door": "axis",
            "object_id": str(row.id),
            "container": [list(one) for one in sorted(about.items())],
            "clip": [list(one) for one in sorted(row.metadata_.items())],
            "size_bytes": row.size_bytes,
            "merkle_root": root.hex(),
        }
    )
    return RecordingRow(
        id=uuid4(),
        camera_id=camera_id,
        dock_id=row.dock_id,
        department_id=dock.department_id,
        status=RecordingStatus.RECEIVING,
        clock_drift_ms=0,
        battery_percent=0,
        declared_bytes=row.size_bytes,
        found_bytes=row.size_bytes,
        block_digests=row.block_digests,
        merkle_root=root,
        differing={},
        manifest=manifest,
        manifest_sha256=sha256(manifest).digest(),
        manifest_signature="",
        predecessor_known=True,
        object_key=row.object_key,
        upload_ref="",
        damage=[],
        announced_at=now,
        door="axis",
    )


def _digests(joined: bytes) -> list[bytes]:
    return [joined[at : at + DIGEST_SIZE_BYTES] for at in range(0, len(joined), DIGEST_SIZE_BYTES)]


async def _take_track(session: AsyncSession, docking: Docking, row: AxisObjectRow) -> bool:
    recordings = await axis.recordings_of(session, dock_id=row.dock_id, container=row.container)
    if not recordings:
        return False
    body = await docking.store.read(key=row.object_key, start=0, length=row.size_bytes)
    try:
        points = read_track(body)
    except AxisMetadataNotValid:
        log.warning("axis_track_not_valid", object=str(row.id))
        return True  # kept as it came; it will not become better
    rows = await repository.recordings_by_id(session, recordings)
    for recording in rows.values():
        inside = [
            (one.at, one.latitude_e7, one.longitude_e7)
            for one in points
            if recording.started_at <= one.at <= recording.ended_at
        ]
        if inside:
            await repository.add_track(session, recording_id=recording.id, points=inside)
    return True
