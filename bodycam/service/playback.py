"""Playing a recording. Every opening of one is on the log."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final
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
from bodycam.service.cameras import held_between
from bodycam.service.complaints import note_review
from bodycam.service.recordings import PLAYABLE, own_recording

SHIFT_RECORDINGS_MAX: Final = 96  # clips of half an hour for two days


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
    source = Source(packed, form, started_at, _name_of(form))
    return await asyncio.to_thread(playlist_text, [source], hour)


async def open_shift(
    sessions: Sessions,
    *,
    trail: AuditTrail,
    recording_id: UUID,
    complaint_id: UUID | None,
    caller: Principal,
    now: datetime,
    hour: int | None = None,
) -> str:
    """Return one playlist of everything the camera recorded while this officer held it.

    The opening of each recording on it is on the log.

    Raises:
        RecordingNotFound: there is none, or another department's.
        NotPlayable: none of them can be played.
        ComplaintNotFound: the complaint named as the reason is not the department's.
    """
    async with transaction(sessions) as session:
        row = await own_recording(session, recording_id=recording_id, caller=caller)
        if complaint_id is not None:
            await note_review(session, complaint_id=complaint_id, caller=caller)
        begins, ends = await shift_bounds(session, row=row, now=now)
        found = await shift_sources(session, row=row, begins=begins, ends=ends)
        if not found:
            raise NotPlayable(f"nothing of the shift of recording {recording_id} can be played")
        for other, _ in found:
            await note_viewed(
                session, trail, other, complaint_id=complaint_id, caller=caller, now=now
            )
    return await asyncio.to_thread(playlist_text, [source for _, source in found], hour)


async def shift_bounds(
    session: AsyncSession, *, row: RecordingRow, now: datetime
) -> tuple[datetime, datetime]:
    """Return from when until when the officer held the camera that made the recording."""
    middle = row.started_at + (row.ended_at - row.started_at) / 2
    begins, ends = await held_between(session, camera_id=row.camera_id, at=middle)
    return begins, min(ends, now)


async def shift_sources(
    session: AsyncSession, *, row: RecordingRow, begins: datetime, ends: datetime
) -> list[tuple[RecordingRow, "Source"]]:
    """Return what can be played of the camera in that time, the earliest first."""
    found = await findings.recordings_in_a_row(
        session, row=row, begins=begins, ends=ends, limit=SHIFT_RECORDINGS_MAX
    )
    return [
        (other, Source(packed, form, other.started_at, f"../{other.id}/{_name_of(form)}"))
        for other, packed, form in found
        if other.status in PLAYABLE
    ]


def _name_of(form: PlayForm) -> str:
    return "pieces" if form is PlayForm.PLAIN else "content"


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
    source = Source(packed, form, row.started_at, _name_of(form))
    text = await asyncio.to_thread(playlist_text, [source])
    return pieces_of(text, origin=row.started_at)


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


def playlist_text(sources: list[Source], hour: int | None = None) -> str:
    """Return one playlist of the sources; reads their indexes: call in a thread."""
    clips = [
        Clip(
            index=BoxIndex.from_bytes(one.packed),
            started_at=one.started_at,
            url=one.url,
            pieces=one.form is PlayForm.PLAIN,
        )
        for one in sources
    ]
    return playlist_of(clips, hour=hour)


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
