"""Playing a recording while its bulk is still arriving. Every opening of one is on the log.

The index is that of its head, the camera's word; the bytes are those of acknowledged parts, each
of which has the digest that the camera signed or declared. The whole is not verified yet.
"""

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
from bodycam.errors import NotPlayable, RangeNotSatisfiable
from bodycam.models import RecordingRow
from bodycam.repository import heads
from bodycam.rules.arriving import clips_there, gaps_between, length_there
from bodycam.rules.box_index import BoxIndex
from bodycam.rules.life_cycle import OPEN
from bodycam.rules.playlist import Clip, pieces_of, playlist_of
from bodycam.rules.ranges import read_range
from bodycam.service.complaints import note_review
from bodycam.service.playback import note_viewed
from bodycam.service.recordings import PLAYABLE, own_recording
from bodycam.storage import ObjectStore

_URL = "arriving"  # beside the playlist


@dataclass(frozen=True, kw_only=True)
class Arriving:
    """What of a recording is there to be played, by the clock since its start."""

    readable: bool  # False: its parts lie at a store that shows none before all are there
    seconds: float
    gaps: tuple[tuple[float, float], ...]
    pieces: tuple[tuple[float, float], ...]


async def arriving_of(
    session: AsyncSession, store: ObjectStore, *, recording_id: UUID, caller: Principal
) -> Arriving:
    """Return what can be played of a recording that is still arriving; nothing of any other.

    Raises:
        RecordingNotFound: there is none, or another department's.
    """
    row = await own_recording(session, recording_id=recording_id, caller=caller)
    readable = not store.takes_parts_itself
    clips = await _clips(session, row) if readable and row.status in OPEN else []
    text = playlist_of(clips)
    return Arriving(
        readable=readable,
        seconds=sum(clip.index.duration_ms for clip in clips) / 1000,
        gaps=gaps_between(clips, started_at=row.started_at),
        pieces=pieces_of(text, origin=row.started_at),
    )


async def open_arriving(
    sessions: Sessions,
    store: ObjectStore,
    *,
    trail: AuditTrail,
    recording_id: UUID,
    complaint_id: UUID | None,
    caller: Principal,
    now: datetime,
) -> str:
    """Return the playlist of what is there now, with gaps; the opening is on the log.

    Raises:
        RecordingNotFound: there is none, or another department's.
        NotPlayable: nothing of it can be played, or all of it is stored.
        ComplaintNotFound: the complaint named as the reason is not the department's.
    """
    async with transaction(sessions) as session:
        row = await own_recording(session, recording_id=recording_id, caller=caller)
        if complaint_id is not None:
            await note_review(session, complaint_id=complaint_id, caller=caller)
        open_to_see = row.status in OPEN and not store.takes_parts_itself
        clips = await _clips(session, row) if open_to_see else []
        if not clips:
            raise NotPlayable(f"nothing of recording {recording_id} can be played while it arrives")
        await note_viewed(session, trail, row, complaint_id=complaint_id, caller=caller, now=now)
    return playlist_of(clips)


async def _clips(session: AsyncSession, row: RecordingRow) -> list[Clip]:
    head = await heads.head_of(session, row.id, with_index=True)
    if head is None:
        return []
    index = await asyncio.to_thread(BoxIndex.from_bytes, head.packed)
    blocks = set(await repository.part_digests(session, recording_id=row.id))
    return clips_there(index, blocks=blocks, started_at=row.started_at, url=_URL)


@dataclass(frozen=True)
class Bytes:
    """A range of the bytes that are there, of ``size_bytes`` that will be."""

    chunks: AsyncIterator[bytes]
    start: int
    length: int
    size_bytes: int


async def bytes_of_arriving(
    sessions: Sessions,
    store: ObjectStore,
    *,
    recording_id: UUID,
    asked: str,
    caller: Principal,
) -> Bytes:
    """Return the bytes that a ``Range`` asks for, as far as they are there without a hole.

    Checked anew for every range. Browsers ask for all from a byte on and read what they need. A
    player that began while the recording arrived goes on when it is stored.

    Raises:
        RecordingNotFound: there is none, or another department's.
        NotPlayable: the first byte is not acknowledged, or cannot be read yet.
        RangeNotSatisfiable: no range is asked for, or none of this file.
    """
    async with transaction(sessions) as session:
        row = await own_recording(session, recording_id=recording_id, caller=caller)
        blocks = set(await repository.part_digests(session, recording_id=recording_id))
    span = read_range(asked, size_bytes=row.found_bytes)
    if span is None:
        raise RangeNotSatisfiable("a range is needed", size_bytes=row.found_bytes)
    key, start, length = row.object_key, span.start, span.length
    if row.status in PLAYABLE:
        chunks = store.open_range(key=key, start=start, length=length)
        return Bytes(chunks, start, length, row.found_bytes)
    length = length_there(blocks, start=start, length=length)
    if row.status not in OPEN or not length or store.takes_parts_itself:
        raise NotPlayable(f"these bytes of recording {recording_id} are not there yet")
    chunks = store.open_arriving(key=key, start=start, length=length)
    return Bytes(chunks, start, length, row.found_bytes)
