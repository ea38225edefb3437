"""Playing a recording. Every opening of one is on the log."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.audit.service import AuditTrail
from app.db import Sessions, transaction
from bodycam import repository
from bodycam.errors import NotPlayable
from bodycam.models import RecordingRow
from bodycam.repository import findings
from bodycam.rules.box_index import BoxIndex
from bodycam.rules.derived import PlayForm
from bodycam.rules.playlist import Clip, pieces_of, playlist_of
from bodycam.service.axis_keys import ObjectReader
from bodycam.service.complaints import note_review
from bodycam.service.recordings import PLAYABLE, own_recording


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
    hour: int | None = None,
) -> str:
    """Return the HLS playlist and put the opening on the log: one event, not one a range.

    ``hour`` (from 0, since the start) asks for one hour of it.

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
        form = await findings.form_of(session, recording_id)
        if packed is None or form is None or row.status not in PLAYABLE:
            raise NotPlayable(f"recording {recording_id} is {row.status.value}")
        await note_viewed(session, trail, row, complaint_id=complaint_id, caller=caller, now=now)
        started_at = row.started_at
    source = Source(packed, form, started_at, name_of(form))
    return await asyncio.to_thread(_playlist_text, source, hour)


def name_of(form: PlayForm) -> str:
    """Return what the bytes of a recording of this form are asked for by."""
    return "pieces" if form.by_pieces else "content"


async def pieces_of_recording(
    session: AsyncSession, *, recording_id: UUID, caller: Principal
) -> tuple[tuple[float, float], ...]:
    """Return where the player's seconds part from the clock's; see ``rules.playlist``.

    Raises:
        RecordingNotFound: there is none, or another department's.
    """
    row = await own_recording(session, recording_id=recording_id, caller=caller)
    packed = await repository.index_of(session, recording_id)
    form = await findings.form_of(session, recording_id)
    if packed is None or form is None or row.status not in PLAYABLE:
        return ((0.0, 0.0),)
    source = Source(packed, form, row.started_at, name_of(form))
    clip = await asyncio.to_thread(clip_of, source)
    return await asyncio.to_thread(pieces_of, [clip], origin=row.started_at)


async def note_viewed(
    session: AsyncSession,
    trail: AuditTrail,
    row: RecordingRow,
    *,
    complaint_id: UUID | None,
    caller: Principal,
    now: datetime,
) -> None:
    """Put the opening of a recording on the log."""
    await trail.record(
        session,
        event="bodycam.recording_viewed",
        at=now,
        who=caller,
        fields={
            "recording_id": str(row.id),
            "subject_post_id": str(row.post_id) if row.post_id else None,
            "complaint_id": str(complaint_id) if complaint_id else None,
        },
    )


@dataclass(frozen=True)
class Source:
    """The index of a recording and where its bytes are asked for."""

    packed: bytes
    form: PlayForm
    started_at: datetime
    url: str


def clip_of(source: Source) -> Clip:
    """Return the source as a playlist has it; reads its index: call in a thread."""
    return Clip(
        index=BoxIndex.from_bytes(source.packed),
        started_at=source.started_at,
        url=source.url,
        pieces=source.form.by_pieces,
    )


def _playlist_text(source: Source, hour: int | None = None) -> str:
    return playlist_of([clip_of(source)], hour=hour)


async def open_content(
    sessions: Sessions, *, recording_id: UUID, caller: Principal, original: bool = False
) -> Content:
    """Return where the stored bytes are; checked anew for every range.

    Of an encrypted recording the ``original`` is what came, otherwise what it shows.

    Raises:
        RecordingNotFound: there is none, or another department's.
        NotPlayable: it is still being received, or quarantined.
    """
    async with transaction(sessions) as session:
        row = await own_recording(session, recording_id=recording_id, caller=caller)
        if row.status not in PLAYABLE or row.stored_root is None:
            raise NotPlayable(f"recording {recording_id} is {row.status.value}")
        clear = row.clear_bytes is not None and not original
        return Content(
            object_key=row.object_key,
            size_bytes=row.shown_bytes if clear else row.found_bytes,
            etag=row.stored_root.hex() + ("-clear" if clear else ""),
        )


def bytes_of(
    store: ObjectReader, content: Content, *, start: int, length: int
) -> AsyncIterator[bytes]:
    """Yield a range of the bytes."""
    return store.open_range(key=content.object_key, start=start, length=length)
