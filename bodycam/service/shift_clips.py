"""What can be played of a whole shift: indexed recordings, and what is there of those arriving."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.audit.service import AuditTrail
from app.db import Sessions, transaction
from bodycam.errors import NotPlayable
from bodycam.models import RecordingRow
from bodycam.repository import findings
from bodycam.rules.derived import PlayForm
from bodycam.rules.playlist import Clip, playlist_of
from bodycam.service.arriving import clips_of_arriving
from bodycam.service.cameras import held_between
from bodycam.service.complaints import note_review
from bodycam.service.playback import Source, clip_of, name_of, note_viewed
from bodycam.service.recordings import PLAYABLE, own_recording
from bodycam.storage import ObjectStore

_RECORDINGS_MAX: Final = 96  # clips of half an hour for two days


@dataclass(frozen=True)
class Held:
    """A recording of the shift, and what can be played of it now: often one clip, maybe none."""

    row: RecordingRow
    clips: tuple[Clip, ...]


async def open_shift(
    sessions: Sessions,
    store: ObjectStore,
    *,
    trail: AuditTrail,
    recording_id: UUID,
    complaint_id: UUID | None,
    caller: Principal,
    now: datetime,
    hour: int | None = None,
) -> str:
    """Return one playlist of everything the camera recorded while this officer held it.

    What is not there of a recording that is still arriving is a gap. The opening of each recording
    on the playlist is on the log.

    Raises:
        RecordingNotFound: there is none, or another department's.
        NotPlayable: none of them can be played.
        ComplaintNotFound: the complaint named as the reason is not the department's.
    """
    async with transaction(sessions) as session:
        row = await own_recording(session, recording_id=recording_id, caller=caller)
        if complaint_id is not None:
            await note_review(session, complaint_id=complaint_id, caller=caller)
        held = [one for one in await held_with(session, store, row=row, now=now) if one.clips]
        if not held:
            raise NotPlayable(f"nothing of the shift of recording {recording_id} can be played")
        for one in held:
            await note_viewed(
                session, trail, one.row, complaint_id=complaint_id, caller=caller, now=now
            )
    return await asyncio.to_thread(playlist_of, clips_of(held), hour=hour)


def clips_of(held: list[Held]) -> list[Clip]:
    """Return the clips of the shift, the earliest first."""
    return [clip for one in held for clip in one.clips]


async def held_with(
    session: AsyncSession, store: ObjectStore, *, row: RecordingRow, now: datetime
) -> list[Held]:
    """Return what the camera recorded while the officer held it who held it then."""
    middle = row.started_at + (row.ended_at - row.started_at) / 2
    begins, ends = await held_between(session, camera_id=row.camera_id, at=middle)
    rows = await findings.recordings_held(
        session, row=row, begins=begins, ends=min(ends, now), limit=_RECORDINGS_MAX
    )
    rows = rows or [row]
    indexed = await findings.indexes_of(session, [one.id for one in rows if one.status in PLAYABLE])
    return [Held(one, await _clips(session, store, one, indexed.get(one.id))) for one in rows]


async def _clips(
    session: AsyncSession,
    store: ObjectStore,
    row: RecordingRow,
    indexed: tuple[bytes, PlayForm] | None,
) -> tuple[Clip, ...]:
    if indexed is None:
        url = f"../{row.id}/arriving"
        return tuple(await clips_of_arriving(session, store, row, url=url))
    packed, form = indexed
    source = Source(packed, form, row.started_at, f"../{row.id}/{name_of(form)}")
    return (await asyncio.to_thread(clip_of, source),)
