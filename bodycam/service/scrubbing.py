"""Reading stored bytes again before somebody needs them, and clearing what never became whole."""

import asyncio
import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

import structlog

from app.audit.service import AuditTrail
from app.db import Sessions, transaction
from bodycam import repository
from bodycam.errors import ObjectAbsent, ObjectDamaged, ObjectKeyUnknown, StoreSilent
from bodycam.models import StorageFaultRow
from bodycam.repository import custody, tiers
from bodycam.rules.life_cycle import RecordingStatus, next_recording_status
from bodycam.service.docking import begun_anew, forgotten
from bodycam.storage import ObjectStore, tier_named
from bodycam.wire.digests import BLOCK_SIZE_BYTES, DIGEST_SIZE_BYTES, block_count, block_size
from devices import service as devices

log = structlog.get_logger(__name__)

_READ_AGAIN_AFTER: Final = timedelta(days=30)
_RECORDINGS_AT_ONCE: Final = 200
_BYTES_AT_ONCE: Final = 64 << 30  # some minutes of one disk; the job comes again in an hour
_ABANDONED_AFTER: Final = timedelta(days=30)  # not verified: no text names a term
_NAMED_MAX: Final = 100


@dataclass(frozen=True)
class Stored:
    """What the bytes of a recording must be, free of the session."""

    recording_id: UUID
    department_id: UUID
    tier: str
    key: str
    size_bytes: int
    digests: bytes = field(repr=False)
    differing: dict[str, str] = field(repr=False)

    def expected(self, number: int) -> bytes:
        """Return the digest that block ``number`` must have: declared, or else signed."""
        declared = self.differing.get(str(number))
        if declared is not None:
            return bytes.fromhex(declared)
        return self.digests[number * DIGEST_SIZE_BYTES : (number + 1) * DIGEST_SIZE_BYTES]


async def scrub(
    sessions: Sessions, *, store: ObjectStore, trail: AuditTrail, now: datetime
) -> tuple[int, int]:
    """Read what was not read for longest and compare each block; return how many, how many bad.

    A fault is an event and a row that a person looks after; nothing is changed by itself. What
    is silent is read next time.
    """
    async with transaction(sessions) as session:
        rows = await custody.to_scrub(
            session, scrubbed_before=now - _READ_AGAIN_AFTER, limit=_RECORDINGS_AT_ONCE
        )
        ids = [(row.id, row.found_bytes) for row in rows]
    read = bad = size = 0
    for recording_id, size_bytes in ids:
        if size and size + size_bytes > _BYTES_AT_ONCE:
            break
        size += size_bytes
        stored = await stored_of(sessions, recording_id)
        if stored is None:
            continue
        try:
            wrong = await wrong_blocks(tier_named(store, stored.tier), stored)
        except (StoreSilent, ObjectKeyUnknown) as error:
            log.warning(
                "a recording could not be read again",
                recording=str(recording_id),
                code=error.code,
            )
            continue
        read += 1
        bad += wrong is None or bool(wrong)
        await note_read(sessions, trail, stored, wrong, now)
    return read, bad


async def stored_of(sessions: Sessions, recording_id: UUID) -> Stored | None:
    """Return what a recording's bytes must be; ``None`` where they are being destroyed, or gone."""
    async with transaction(sessions) as session:
        row = await repository.recording(session, recording_id, with_evidence=True)
        if row is None or row.destruction_begun_at is not None:
            return None
        return Stored(
            row.id,
            row.department_id,
            row.tier,
            row.object_key,
            row.found_bytes,
            row.block_digests,
            dict(row.differing),
        )


async def wrong_blocks(store: ObjectStore, stored: Stored) -> list[int] | None:
    """Return the blocks that are not as they were stored, or ``None`` where all are gone.

    Gone is also what cannot be opened any more, because its envelope was changed.
    """
    try:
        if await store.size_of(key=stored.key) != stored.size_bytes:
            return None
        return [
            number
            for number in range(block_count(stored.size_bytes))
            if not await _is_as_stored(store, stored, number)
        ]
    except (ObjectAbsent, ObjectDamaged):
        return None


async def _is_as_stored(store: ObjectStore, stored: Stored, number: int) -> bool:
    sha256 = hashlib.sha256()
    size = block_size(number=number, size_bytes=stored.size_bytes)
    try:
        async for chunk in store.open_range(
            key=stored.key, start=number * BLOCK_SIZE_BYTES, length=size
        ):
            await asyncio.to_thread(sha256.update, chunk)
    except ObjectDamaged as damaged:
        if number in damaged.blocks:
            return False
        raise  # not this block alone: the whole cannot be opened
    return sha256.digest() == stored.expected(number)


async def note_read(
    sessions: Sessions,
    trail: AuditTrail,
    stored: Stored,
    wrong: list[int] | None,
    now: datetime,
) -> None:
    """Write down that a recording was read, and a fault for a person where it is other."""
    async with transaction(sessions) as session:
        row = await repository.recording(session, stored.recording_id, for_update=True)
        if row is None or row.destruction_begun_at is not None:
            return  # it went while it was read
        row.scrubbed_at = now
        if wrong == [] or await custody.fault_of(session, recording_id=row.id) is not None:
            return
        session.add(
            StorageFaultRow(
                id=uuid4(),
                recording_id=row.id,
                department_id=row.department_id,
                blocks=(wrong or [])[:_NAMED_MAX],
                found_at=now,
            )
        )
        await trail.record(
            session,
            event="bodycam.storage_fault",
            at=now,
            who=None,
            fields={
                "recording_id": str(row.id),
                "absent": wrong is None,
                "blocks": (wrong or [])[:_NAMED_MAX],
            },
        )


async def clear_abandoned(
    sessions: Sessions, *, store: ObjectStore, trail: AuditTrail, now: datetime
) -> int:
    """Give back the room of uploads that nobody has gone on with for a month; return how many.

    A camera is wiped against a receipt only, and an upload that is not whole has none: the camera
    still has the bytes, and a dock that announces them again begins anew. What is held is kept for
    as long. What a camera that is lost or out of service had sent may be all there is: that is kept
    for ever.
    """
    async with transaction(sessions) as session:
        found = await custody.abandoned(
            session, before=now - _ABANDONED_AFTER, limit=_RECORDINGS_AT_ONCE
        )
        safe = [
            recording_id
            for recording_id, camera_id in found
            if await devices.is_in_service(session, device_id=camera_id)
        ]
    cleared = 0
    for recording_id in safe:
        async with transaction(sessions) as session:
            row = await repository.recording(session, recording_id, for_update=True)
            if row is None or row.status is not RecordingStatus.RECEIVING:
                continue
            if await tiers.is_held(session, recording_id=row.id):
                continue
            key, upload = row.object_key, row.upload_ref
            row.upload_ref = begun_anew(upload)
            row.status = next_recording_status(row.status, RecordingStatus.ANNOUNCED)
            # The acknowledgements go first: none of them may name a byte that is not there.
            await repository.drop_parts(session, recording_id=row.id)
            await trail.record(
                session,
                event="bodycam.upload_cleared",
                at=now,
                who=None,
                fields={"recording_id": str(row.id), "camera_id": str(row.camera_id)},
            )
        # A camera that is back by now has begun another upload: this forgets none but its own.
        await store.discard(key=key, upload=forgotten(upload) or upload)
        cleared += 1
    return cleared
