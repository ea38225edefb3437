"""What the objects of a container become: clips recordings, a track the places they were at."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.db import transaction
from bodycam import repository
from bodycam.errors import ObjectAbsent, ObjectDamaged
from bodycam.errors.axis import AxisMetadataNotValid
from bodycam.models.axis import AxisObjectRow
from bodycam.repository import axis, uploads
from bodycam.rules.axis import (
    REJECTED,
    ObjectKind,
    kind_of,
    read_track,
    serial_in_name,
    span_of,
    spans_in_names,
)
from bodycam.service.axis_bookmarks import lengthen_by_bookmarks
from bodycam.service.axis_sealed import Opened, note_opened, open_clip, open_track, open_waiting
from bodycam.service.completion import index_quarantined
from bodycam.service.docking import Docking
from bodycam.service.examined import Examined, examine_stream
from bodycam.service.unsigned import Arrived, add_unsigned
from bodycam.wire.digests import DIGEST_SIZE_BYTES, merkle_root
from devices import service as devices

log = structlog.get_logger(__name__)


async def take_in(
    docking: Docking,
    *,
    dock_id: UUID,
    container: str,
    caller: Principal | None,
    now: datetime,
    bytes_max: int | None = None,
) -> int:
    """Make recordings of a container's new clips, and places of its tracks; safe to repeat.

    What cannot be taken in yet, because the unit has no such camera or nobody said when it was,
    stays as it is, and so does what is over ``bytes_max``: it would take long to read back.
    Returns how many objects were taken in.
    """
    count, of = 0, (dock_id, container)
    # One object a transaction: a clip of hours is read back in it.
    while await _next(docking, of=of, caller=caller, now=now, bytes_max=bytes_max):
        count += 1
    await open_waiting(docking, dock=caller, of=of, now=now, bytes_max=bytes_max)
    return count


async def _next(
    docking: Docking,
    *,
    of: tuple[UUID, str],
    caller: Principal | None,
    now: datetime,
    bytes_max: int | None,
) -> bool:
    dock_id, container = of
    async with transaction(docking.sessions) as session:
        dock = caller or await devices.dock_of(session, device_id=dock_id)
        if dock is None:
            return False
        rows = await axis.not_taken_in(
            session, dock_id=dock_id, container=container, bytes_max=bytes_max
        )
        for row in rows:
            came_as = row.object_key
            if await _taken(session, docking, row, dock=dock, now=now):
                row.taken_in_at = now
                break
        else:
            return False
    if row.object_key != came_as:  # its bytes were here before: this copy is of no use
        await docking.store.destroy(key=came_as)
    return True


async def _taken(
    session: AsyncSession, docking: Docking, row: AxisObjectRow, *, dock: Principal, now: datetime
) -> bool:
    """Take one object; one whose bytes do not open waits on, and keeps nobody else waiting."""
    try:
        async with session.begin_nested():
            return await _take(session, docking, row, dock=dock, now=now)
    except (ObjectAbsent, ObjectDamaged) as error:
        log.warning("an object that came does not open", object=str(row.id), code=error.code)
        return False


async def _take(
    session: AsyncSession, docking: Docking, row: AxisObjectRow, *, dock: Principal, now: datetime
) -> bool:
    match kind_of(row.name, row.metadata_):
        case ObjectKind.CLIP:
            return await _take_clip(session, docking, row, dock=dock, now=now)
        case ObjectKind.TRACK:
            return await _take_track(session, docking, row, dock=dock)
        case ObjectKind.BOOKMARK:
            await _lengthen(session, docking, row, dock=dock, now=now)
            return True
        case ObjectKind.KEY | ObjectKind.OTHER:
            return True  # kept as it came


@dataclass(frozen=True, kw_only=True)
class SaidOfClip:
    """What a system has said of a clip: in its metadata, its container's, or in their names."""

    about: dict[str, str]
    camera_id: UUID | None  # the unit has none of that serial number
    span: tuple[datetime, datetime | None] | None


async def said_of(session: AsyncSession, row: AxisObjectRow, *, dock: Principal) -> SaidOfClip:
    """Return whose clip it is and when it was recorded, as far as that is said."""
    known = await axis.container(session, dock_id=row.dock_id, name=row.container)
    about = dict(known.metadata_) if known is not None else {}
    if row.container.startswith(REJECTED):
        original = about.get("RejectedContentOriginalContainer", "")
        source = await axis.container(session, dock_id=row.dock_id, name=original)
        about = {**(dict(source.metadata_) if source is not None else {}), **about}
    source_name = about.get("RejectedContentOriginalContainer") or row.container
    serial_number = about.get("BWCSerialNumber") or serial_in_name(source_name)
    camera_id = await devices.camera_of_serial(session, dock=dock, serial_number=serial_number)
    span = span_of(row.metadata_, about) or spans_in_names(row.name, row.container)
    return SaidOfClip(about=about, camera_id=camera_id, span=span)


async def _take_clip(
    session: AsyncSession, docking: Docking, row: AxisObjectRow, *, dock: Principal, now: datetime
) -> bool:
    clip = await said_of(session, row, dock=dock)
    about, camera_id, span = clip.about, clip.camera_id, clip.span
    if camera_id is not None and await _known(
        session, docking, row, camera_id=camera_id, dock=dock, now=now
    ):
        await _lengthen(session, docking, row, dock=dock, now=now)
        return True
    if camera_id is None or span is None:
        log.info("axis_clip_waits", object=str(row.id), camera_known=camera_id is not None)
        return False
    raw = await examine_stream(docking, object_key=row.object_key, size_bytes=row.size_bytes)
    found = await open_clip(session, docking, row, dock=dock, raw=raw)
    examined = found.examined if isinstance(found, Opened) else found
    arrived = Arrived(
        door="axis",
        said={
            "object_id": str(row.id),
            "container": [list(one) for one in sorted(about.items())],
            "clip": [list(one) for one in sorted(row.metadata_.items())],
        },
        camera_id=camera_id,
        started_at=span[0],
        ended_at=span[1],
        object_key=row.object_key,
        size_bytes=row.size_bytes,
        digests=_digests(row.block_digests),
    )
    recording = await add_unsigned(session, docking, arrived, examined=examined, dock=dock, now=now)
    row.recording_id = recording.id
    if isinstance(found, Opened):
        await note_opened(session, docking, recording, found, now=now)
    await session.flush()
    await _lengthen(session, docking, row, dock=dock, now=now)
    return True


async def _known(
    session: AsyncSession,
    docking: Docking,
    row: AxisObjectRow,
    *,
    camera_id: UUID,
    dock: Principal,
    now: datetime,
) -> bool:
    """Let a clip be part of the camera's recording of these very bytes, by whichever door it came.

    Its object is the recording's from then on. Returns whether there is such a recording.
    """
    digests = _digests(row.block_digests)
    same = await uploads.same_bytes(
        session,
        camera_id=camera_id,
        stored_root=merkle_root(digests),
        size_bytes=row.size_bytes,
    )
    if same is None:
        return False
    recording = await repository.recording(session, same.id, for_update=True)
    if recording is None or recording.destruction_begun_at is not None:
        return False
    log.info("axis_clip_known", object=str(row.id), recording=str(recording.id))
    row.recording_id, row.object_key = recording.id, recording.object_key
    await session.flush()
    if recording.quarantine_reason is None:
        return True
    # Another door could not open it; here a key may have come, or is still to come.
    raw = Examined(digests, None, recording.quarantine_reason)
    found = await open_clip(session, docking, row, dock=dock, raw=raw)
    if isinstance(found, Opened):
        await note_opened(session, docking, recording, found, now=now)
        await index_quarantined(session, docking, recording, found.examined, now=now)
    else:
        recording.quarantine_reason = found.why_not
    return True


async def _lengthen(
    session: AsyncSession, docking: Docking, row: AxisObjectRow, *, dock: Principal, now: datetime
) -> None:
    """Let bookmarks lengthen the recordings of a container, whichever came first."""
    await lengthen_by_bookmarks(
        session,
        docking,
        dock_id=row.dock_id,
        container=row.container,
        recordings=await axis.recordings_of(session, dock_id=row.dock_id, container=row.container),
        dock=dock,
        now=now,
    )


def _digests(joined: bytes) -> list[bytes]:
    return [joined[at : at + DIGEST_SIZE_BYTES] for at in range(0, len(joined), DIGEST_SIZE_BYTES)]


async def _take_track(
    session: AsyncSession, docking: Docking, row: AxisObjectRow, *, dock: Principal
) -> bool:
    recordings = await axis.recordings_of(session, dock_id=row.dock_id, container=row.container)
    if not recordings:
        return False
    body = await docking.store.read(key=row.object_key, start=0, length=row.size_bytes)
    if body.lstrip()[:1] != b"{":
        opened = await open_track(session, docking, row, body=body, dock=dock)
        if opened is None:
            return False  # its key has not come
        body = opened
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
