"""Playing a recording. Every opening of one is on the log."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.access import Principal
from app.audit.service import AuditTrail
from app.db import Sessions, transaction
from bodycam import repository
from bodycam.errors import NotPlayable
from bodycam.rules.box_index import BoxIndex
from bodycam.rules.playlist import media_playlist
from bodycam.service.complaints import note_review
from bodycam.service.recordings import PLAYABLE, own_recording
from bodycam.storage import ObjectStore


@dataclass(frozen=True, kw_only=True)
class Content:
    """The stored bytes of a recording, to be read in ranges."""

    object_key: str
    size_bytes: int
    etag: str


async def open_playlist(
    sessions: Sessions,
    *,
    trail: AuditTrail,
    recording_id: UUID,
    complaint_id: UUID | None,
    caller: Principal,
    now: datetime,
) -> str:
    """Return the HLS playlist and put the opening on the log: one event, not one a range.

    Raises:
        RecordingNotFound: there is none, or another department's.
        NotPlayable: it is still being received, or quarantined.
        ComplaintNotFound: the complaint named as the reason is not the department's.
    """
    async with transaction(sessions) as session:
        row = await own_recording(session, recording_id=recording_id, caller=caller)
        if complaint_id is not None:
            await note_review(session, complaint_id=complaint_id, caller=caller)
        packed = await repository.index_of(session, recording_id)
        if packed is None or row.status not in PLAYABLE:
            raise NotPlayable(f"recording {recording_id} is {row.status.value}")
        await trail.record(
            session,
            event="bodycam.recording_viewed",
            at=now,
            who=caller,
            fields={
                "recording_id": str(recording_id),
                "subject_post_id": str(row.post_id) if row.post_id else None,
                "complaint_id": str(complaint_id) if complaint_id else None,
            },
        )
        started_at = row.started_at
    return await asyncio.to_thread(_playlist, packed, started_at)


def _playlist(packed: bytes, started_at: datetime) -> str:
    index = BoxIndex.from_bytes(packed)
    return media_playlist(index=index, started_at=started_at, url="content")


async def open_content(sessions: Sessions, *, recording_id: UUID, caller: Principal) -> Content:
    """Return where the stored bytes are; checked anew for every range.

    Raises:
        RecordingNotFound: there is none, or another department's.
        NotPlayable: it is still being received, or quarantined.
    """
    async with transaction(sessions) as session:
        row = await own_recording(session, recording_id=recording_id, caller=caller)
        if row.status not in PLAYABLE or row.stored_root is None:
            raise NotPlayable(f"recording {recording_id} is {row.status.value}")
        return Content(
            object_key=row.object_key, size_bytes=row.found_bytes, etag=row.stored_root.hex()
        )


def bytes_of(
    store: ObjectStore, content: Content, *, start: int, length: int
) -> AsyncIterator[bytes]:
    """Yield a range of the stored bytes."""
    return store.open_range(key=content.object_key, start=start, length=length)
