"""Resumable uploads by tus: beginning one, asking how far it is, ending it before it is whole.

An upload belongs to a dock of the unit, which is also how a file recovered by hand comes in.
"""

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.db import transaction
from app.errors import DomainError
from bodycam import repository
from bodycam.errors import (
    CameraNotKnown,
    RecordingNotFound,
    RecordingTooLarge,
    StoreFull,
    StoreSilent,
)
from bodycam.errors.tus import (
    UploadExpired,
    UploadFinished,
    UploadLocked,
    UploadNotFound,
    UploadNotValid,
    UploadsTooMany,
)
from bodycam.models import UploadRow
from bodycam.repository import uploads
from bodycam.rules import tus as rules
from bodycam.rules.life_cycle import OPEN
from bodycam.service.announcing import announce_recording, read_announce
from bodycam.service.docking import Docking
from bodycam.storage import ObjectStore
from devices import service as devices

log = structlog.get_logger(__name__)

HOLD_SECONDS: Final = 6.0  # after a killed process an upload is free again that soon
# Who holds an upload lets go within two seconds of being asked, and a killed process within this.
_FINAL_WITHIN_SECONDS: Final = HOLD_SECONDS
_LOOK_AGAIN_SECONDS: Final = 0.1


@dataclass(frozen=True, kw_only=True)
class Upload:
    """An upload as the protocol tells of it."""

    upload_id: UUID
    metadata: str
    length_bytes: int | None
    offset_bytes: int
    expires_at: datetime


async def create_upload(
    docking: Docking, *, metadata: str, length_bytes: int | None, caller: Principal, now: datetime
) -> Upload:
    """Begin an upload and make room for it. Every refusal comes before the first byte.

    Raises:
        UploadNotValid: the metadata tell neither a manifest nor a camera and a time.
        CameraNotKnown, RecordingNotFound, ManifestNotValid, ManifestNotSigned, ManifestChanged,
            BlockDiffers: what they tell does not hold.
        RecordingTooLarge, UploadsTooMany, StoreFull, StoreSilent: no room.
    """
    claim = rules.read_claim(rules.read_metadata(metadata))
    if length_bytes == 0:
        raise UploadNotValid("no recording is empty")
    if length_bytes is not None and length_bytes > docking.recording_bytes_max:
        raise RecordingTooLarge(
            f"over {docking.recording_bytes_max} bytes", bytes_max=docking.recording_bytes_max
        )
    if claim.manifest:
        claim = await _announced(docking, claim, caller=caller, now=now)
    async with transaction(docking.sessions) as session:
        count = await uploads.open_uploads(session, dock_id=caller.device, now=now)
        if count >= rules.OPEN_UPLOADS_MAX:
            raise UploadsTooMany(f"{rules.OPEN_UPLOADS_MAX} uploads of the dock are open")
        row = _new(claim, metadata=metadata, length_bytes=length_bytes, caller=caller, now=now)
        if claim.signed:
            await _of_announced(session, row, claim, caller=caller, now=now)
        else:
            row.camera_id = await devices.camera_of_serial(
                session, dock=caller, serial_number=claim.camera_serial
            )
            if row.camera_id is None:
                raise CameraNotKnown("no camera of that serial number in the unit")
        session.add(row)
        await docking.trail.record(
            session,
            event="bodycam.upload_created",
            at=now,
            who=caller,
            fields={
                "upload_id": str(row.id),
                "camera_id": str(row.camera_id) if row.camera_id else None,
                "recording_id": str(row.recording_id) if row.recording_id else None,
                "length_bytes": length_bytes,
            },
        )
    if not row.signed:
        await _make_room(docking, row, caller=caller, now=now)
    return _told(row)


async def _announced(
    docking: Docking, claim: rules.Claim, *, caller: Principal, now: datetime
) -> rules.Claim:
    announce = await asyncio.to_thread(read_announce, claim.manifest)
    plan = await announce_recording(docking, announce=announce, caller=caller, now=now)
    return replace(claim, recording_id=plan.recording_id)


def _new(
    claim: rules.Claim,
    *,
    metadata: str,
    length_bytes: int | None,
    caller: Principal,
    now: datetime,
) -> UploadRow:
    upload_id = uuid4()
    return UploadRow(
        id=upload_id,
        dock_id=caller.device,
        department_id=caller.department_id,
        metadata_=metadata,
        signed=claim.signed,
        started_at=claim.started_at,
        ended_at=claim.ended_at,
        length_bytes=length_bytes,
        offset_bytes=0,
        object_key=f"uploads/{upload_id}",
        upload_ref="",
        created_at=now,
        expires_at=now + rules.EXPIRES_AFTER,
        release_wanted=False,
    )


async def _of_announced(
    session: AsyncSession, row: UploadRow, claim: rules.Claim, *, caller: Principal, now: datetime
) -> None:
    """Point the upload at the recording that it brings the bytes of; whole where they are here."""
    assert claim.recording_id is not None  # noqa: S101 - for the type checker; it is signed
    recording = await repository.recording(session, claim.recording_id)
    if recording is None or recording.dock_id != caller.device:
        raise RecordingNotFound("no such recording at this dock")
    if row.length_bytes != recording.found_bytes:
        raise UploadNotValid("Upload-Length is not the announced size")
    row.recording_id, row.object_key = recording.id, recording.object_key
    if recording.status not in OPEN:
        row.offset_bytes = recording.found_bytes
        row.finished_at = row.taken_in_at = now


async def _make_room(docking: Docking, row: UploadRow, *, caller: Principal, now: datetime) -> None:
    # A length that is told later: the store grows with what comes.
    room = 1 if row.length_bytes is None else row.length_bytes
    try:
        reference = await docking.store.begin(key=row.object_key, size_bytes=room)
    except (StoreFull, StoreSilent) as refusal:
        await give_up(docking, upload_id=row.id, because=refusal, caller=caller, now=now)
        raise
    async with transaction(docking.sessions) as session:
        kept = await uploads.upload(session, row.id, for_update=True)
        if kept is not None:
            kept.upload_ref = reference


async def read_upload(
    docking: Docking, *, upload_id: UUID, caller: Principal, now: datetime
) -> Upload:
    """Return how far an upload is, for good: no request that was cut moves it afterwards.

    Whoever holds the upload is asked to let go, and waited for. A request whose sender is gone
    before it holds the upload reads nothing of its body.

    Raises:
        UploadNotFound, UploadExpired: begin a new one.
        UploadLocked: it is still being written to; ask again.
    """
    until = time.monotonic() + _FINAL_WITHIN_SECONDS
    while True:
        last = time.monotonic() >= until
        async with transaction(docking.sessions) as session:
            row = await uploads.upload(session, upload_id, for_update=True)
            row = own(row, caller=caller, now=now)
            if row.finished_at is not None or await _is_let_go(session, row):
                return _told(row)
        if last:
            raise UploadLocked(f"upload {upload_id} is being written to")
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)


async def _is_let_go(session: AsyncSession, row: UploadRow) -> bool:
    """Return whether nobody writes to the upload, whose row is locked; else ask for it."""
    if await uploads.is_held(session, upload_id=row.id):
        row.release_wanted = True
        return False
    row.held_by = row.held_until = None  # of a process that may only have slept past its hold
    return True


def own(row: UploadRow | None, *, caller: Principal, now: datetime) -> UploadRow:
    """Return the caller's upload.

    Raises:
        UploadNotFound: there is none, or it is another dock's.
        UploadExpired: it was not gone on with in time.
    """
    if row is None or row.dock_id != caller.device:
        raise UploadNotFound("no such upload of this dock")
    if row.finished_at is None and row.expires_at <= now:
        raise UploadExpired(f"upload {row.id} has expired")
    return row


def _told(row: UploadRow) -> Upload:
    return Upload(
        upload_id=row.id,
        metadata=row.metadata_,
        length_bytes=row.length_bytes,
        offset_bytes=row.offset_bytes,
        expires_at=row.expires_at,
    )


async def terminate_upload(
    docking: Docking, *, upload_id: UUID, caller: Principal, now: datetime
) -> None:
    """End an upload that is not whole, and free what it holds.

    Raises:
        UploadNotFound, UploadExpired: there is nothing to end.
        UploadFinished: it is whole; a dock deletes no recording.
        UploadLocked: somebody is writing; he has been asked to let go.
    """
    async with transaction(docking.sessions) as session:
        row = own(await uploads.upload(session, upload_id), caller=caller, now=now)
        if row.finished_at is not None:
            raise UploadFinished(f"upload {upload_id} is whole")
    if not await _remove(docking, upload_id, "bodycam.upload_terminated", who=caller, now=now):
        raise UploadLocked(f"upload {upload_id} is being written to")


async def give_up(
    docking: Docking, *, upload_id: UUID, because: DomainError, caller: Principal, now: datetime
) -> None:
    """End an upload that nobody was told of.

    A store that fails is not asked again: what it keeps of the upload goes with the next expiry.
    """
    if not isinstance(because, StoreSilent):
        with suppress(StoreFull, StoreSilent):
            await terminate_upload(docking, upload_id=upload_id, caller=caller, now=now)
            return
    async with transaction(docking.sessions) as session:
        row = await uploads.upload(session, upload_id, for_update=True)
        if row is not None and row.finished_at is None:
            row.expires_at, row.held_by, row.held_until = now, None, None


async def expire_uploads(docking: Docking, *, now: datetime) -> int:
    """Free what nobody went on with in time; return how many. Safe to repeat."""
    removed = 0
    async with transaction(docking.sessions) as session:
        found = await uploads.expired_uploads(session, now=now, limit=500)
    for upload_id in found:
        removed += await _remove(docking, upload_id, "bodycam.upload_expired", who=None, now=now)
    return removed


async def _remove(
    docking: Docking, upload_id: UUID, event: str, *, who: Principal | None, now: datetime
) -> bool:
    """Remove the upload and its bytes; return ``False`` where somebody is writing to it."""
    token = uuid4()
    async with transaction(docking.sessions) as session:
        row = await uploads.upload(session, upload_id, for_update=True)
        if row is None:
            return True
        if not await take_hold(session, row, token=token):
            return False
        whole, signed = row.finished_at is not None, row.signed
        key, reference = row.object_key, row.upload_ref
        spare = whole and await _is_spare(session, row)
    await free_tails(docking.store, upload_id)
    if spare:
        await docking.store.destroy(key=key)
    if not whole and not signed:  # what a camera signed is an announced recording's own
        await docking.store.discard(key=key, upload=reference)
    async with transaction(docking.sessions) as session:
        await uploads.remove(session, upload_id=upload_id)
        if not whole:
            fields = {"upload_id": str(upload_id), "signed": signed}
            await docking.trail.record(session, event=event, at=now, who=who, fields=fields)
    return True


async def _is_spare(session: AsyncSession, row: UploadRow) -> bool:
    """Return whether the recording's bytes are another object: these came a second time."""
    if row.recording_id is None:
        return False
    recording = await repository.recording(session, row.recording_id)
    return recording is not None and recording.object_key != row.object_key


async def take_hold(session: AsyncSession, row: UploadRow, *, token: UUID) -> bool:
    """Take the upload, whose row is locked; where another has it, ask him to let go."""
    if not await _is_let_go(session, row):
        return False
    await uploads.hold(session, upload_id=row.id, token=token, seconds=HOLD_SECONDS)
    return True


def tail_key(upload_id: UUID, slot: int) -> str:
    """Return where an upload's bytes after its last whole block lie; two slots take turns."""
    return f"uploads/{upload_id}-tail-{slot}"


async def free_tails(store: ObjectStore, upload_id: UUID) -> None:
    """Destroy both tails, also what a killed process left half written."""
    for slot in (0, 1):
        await free_slot(store, upload_id, slot)


async def free_spare(store: ObjectStore, upload_id: UUID, *slots: int) -> None:
    """Destroy tails that nobody needs any more; what a failing store keeps goes with the upload.

    What was acknowledged is so all the same: its sender is told, and not to come again.
    """
    try:
        for slot in slots:
            await free_slot(store, upload_id, slot)
    except (StoreFull, StoreSilent) as refusal:
        log.warning("upload_tail_left", upload=str(upload_id), code=refusal.code)


async def free_slot(store: ObjectStore, upload_id: UUID, slot: int) -> None:
    """Destroy one tail."""
    await store.discard(key=tail_key(upload_id, slot), upload="")
    await store.destroy(key=tail_key(upload_id, slot))
