"""What a whole upload becomes: the recording that its camera announced, or one of its own.

A job, after the last byte was acknowledged: nobody waits for it. What the store gives back is
hashed again, so that no late writer can have changed what was acknowledged.
"""

from datetime import datetime
from uuid import UUID

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.db import transaction
from bodycam.errors import (
    CameraNotKnown,
    ObjectDamaged,
    PartsMissing,
    RecordingNotFound,
    StoredBytesWrong,
)
from bodycam.models import UploadRow
from bodycam.repository import uploads
from bodycam.rules.tus import read_metadata
from bodycam.service.completion import complete_recording
from bodycam.service.docking import Docking
from bodycam.service.examined import Examined, examine_stream
from bodycam.service.unsigned import Arrived, add_unsigned
from bodycam.wire.digests import merkle_root
from devices import service as devices

log = structlog.get_logger(__name__)

_AT_ONCE = 100


async def finish_uploads(docking: Docking, *, receipt_key: Ed25519PrivateKey, now: datetime) -> int:
    """Finish every upload that is whole; return how many. A job may have failed."""
    async with transaction(docking.sessions) as session:
        waiting = await uploads.finished_uploads(session, limit=_AT_ONCE)
    count = 0
    for upload_id in waiting:
        count += await finish_upload(docking, upload_id=upload_id, receipt_key=receipt_key, now=now)
    return count


async def finish_upload(
    docking: Docking, *, upload_id: UUID, receipt_key: Ed25519PrivateKey, now: datetime
) -> bool:
    """Make a recording of a whole upload; return whether it is one now. Safe to repeat.

    Bytes that came back from the store other than they had arrived end the upload: its sender
    finds it gone and begins anew.
    """
    async with transaction(docking.sessions) as session:
        row = await uploads.upload(session, upload_id)
        if row is None or row.finished_at is None or row.taken_in_at is not None:
            return row is not None and row.taken_in_at is not None
        dock = await devices.dock_of(session, device_id=row.dock_id)
    if dock is None:
        return False
    if row.signed:
        return await _finish_signed(docking, row, receipt_key=receipt_key, dock=dock, now=now)
    return await _finish_unsigned(docking, row, dock=dock, now=now)


async def _finish_unsigned(
    docking: Docking, row: UploadRow, *, dock: Principal, now: datetime
) -> bool:
    size = row.length_bytes or 0
    async with transaction(docking.sessions) as session:
        digests = await uploads.digests_of(session, upload_id=row.id)
    if not docking.store.takes_parts_itself:
        # A block of a refused request may lie past the end, where the length was told late.
        await docking.store.begin(key=row.object_key, size_bytes=size)
    try:
        await docking.store.seal(key=row.object_key, upload=row.upload_ref, size_bytes=size)
        examined = await examine_stream(docking, object_key=row.object_key, size_bytes=size)
    except (ObjectDamaged, PartsMissing):  # the store knows that it has not what it was given
        await _end(docking, row, dock=dock, now=now)
        return False
    if examined.digests != digests:
        await _end(docking, row, dock=dock, now=now)
        return False
    try:
        spare = await _take_in(docking, row, examined, dock=dock, now=now)
    except CameraNotKnown:
        log.warning("upload_waits", upload=str(row.id))  # until its camera is the unit's again
        return False
    if spare:
        await docking.store.destroy(key=row.object_key)
    return True


async def _finish_signed(
    docking: Docking,
    row: UploadRow,
    *,
    receipt_key: Ed25519PrivateKey,
    dock: Principal,
    now: datetime,
) -> bool:
    if row.recording_id is None:
        return False
    try:
        await complete_recording(
            docking, recording_id=row.recording_id, receipt_key=receipt_key, caller=dock, now=now
        )
    except (PartsMissing, StoredBytesWrong, RecordingNotFound):
        async with transaction(docking.sessions) as session:
            await uploads.remove(session, upload_id=row.id)
        return False
    async with transaction(docking.sessions) as session:
        await _note_taken_in(session, row.id, recording_id=row.recording_id, now=now)
    return True


async def _take_in(
    docking: Docking, row: UploadRow, examined: Examined, *, dock: Principal, now: datetime
) -> bool:
    """Make the recording; return whether the camera's recording of these bytes is here already."""
    arrived = _arrived(row, examined)
    async with transaction(docking.sessions) as session:
        kept = await uploads.upload(session, row.id, for_update=True)
        if kept is None or kept.taken_in_at is not None:
            return False  # another worker was quicker
        same = await uploads.same_bytes(
            session,
            camera_id=arrived.camera_id,
            stored_root=merkle_root(arrived.digests),
            size_bytes=arrived.size_bytes,
        )
        recording = same or await add_unsigned(
            session, docking, arrived, examined=examined, dock=dock, now=now
        )
        await _note_taken_in(session, row.id, recording_id=recording.id, now=now)
        await docking.trail.record(
            session,
            event="bodycam.upload_taken_in",
            at=now,
            who=dock,
            fields={
                "upload_id": str(row.id),
                "recording_id": str(recording.id),
                "known_before": same is not None,
            },
        )
    return same is not None


def _arrived(row: UploadRow, examined: Examined) -> Arrived:
    assert row.camera_id is not None  # noqa: S101 - for the type checker; an unsigned one has both
    assert row.started_at is not None  # noqa: S101 - the same
    metadata = read_metadata(row.metadata_)
    said = [[key, value.decode(errors="replace")] for key, value in sorted(metadata.items())]
    return Arrived(
        door="tus",
        said={"upload_id": str(row.id), "metadata": said},
        camera_id=row.camera_id,
        started_at=row.started_at,
        ended_at=row.ended_at,
        object_key=row.object_key,
        size_bytes=row.length_bytes or 0,
        digests=examined.digests,
    )


async def _note_taken_in(
    session: AsyncSession, upload_id: UUID, *, recording_id: UUID, now: datetime
) -> None:
    row = await uploads.upload(session, upload_id, for_update=True)
    if row is not None:
        row.taken_in_at, row.recording_id = now, recording_id


async def _end(docking: Docking, row: UploadRow, *, dock: Principal, now: datetime) -> None:
    """End an upload whose bytes came back wrong; nobody was told that they are a recording."""
    async with transaction(docking.sessions) as session:
        await uploads.remove(session, upload_id=row.id)
        await docking.trail.record(
            session,
            event="bodycam.upload_wrong",
            at=now,
            who=dock,
            fields={"upload_id": str(row.id)},
        )
    # Whatever lies in the place of a file that was lost goes too: the key is this upload's alone.
    upload = row.upload_ref if docking.store.takes_parts_itself else ""
    await docking.store.discard(key=row.object_key, upload=upload)
    await docking.store.destroy(key=row.object_key)
