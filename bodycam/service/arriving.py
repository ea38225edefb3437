"""Playing a recording before its bytes are indexed. Every opening of one is on the log.

The index is that of its head, the camera's word. The bytes are those of acknowledged parts while
the bulk is still arriving, and all of them from the receipt on, where the store vouched for them
and the worker has not read them yet. Each block has the digest that the camera signed or declared.
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
from bodycam.rules.life_cycle import OPEN, UNREAD
from bodycam.rules.playlist import Clip, pieces_of, playlist_of
from bodycam.rules.ranges import read_range
from bodycam.service.complaints import note_review
from bodycam.service.playback import note_viewed
from bodycam.service.recordings import PLAYABLE, own_recording
from bodycam.storage import ObjectStore
from bodycam.wire.digests import block_count

_URL = "arriving"  # beside the playlist


@dataclass(frozen=True, kw_only=True)
class Arriving:
    """What of a recording is there to be played, by the clock since its start."""

    readable: bool  # False: its parts lie at a store that shows none before all are there
    unread: bool  # all of it is stored, and its own index is not made yet
    seconds: float
    gaps: tuple[tuple[float, float], ...]
    pieces: tuple[tuple[float, float], ...]


async def arriving_of(
    session: AsyncSession, store: ObjectStore, *, recording_id: UUID, caller: Principal
) -> Arriving:
    """Return what can be played of a recording by its head; nothing of one that is indexed.

    Raises:
        RecordingNotFound: there is none, or another department's.
    """
    row = await own_recording(session, recording_id=recording_id, caller=caller)
    clips = await clips_of_arriving(session, store, row)
    return Arriving(
        readable=is_unread(row) or not store.takes_parts_itself,
        unread=is_unread(row),
        seconds=sum(clip.index.duration_ms for clip in clips) / 1000,
        gaps=gaps_between(clips, started_at=row.started_at),
        pieces=await asyncio.to_thread(pieces_of, clips, origin=row.started_at),
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
) -> str | None:
    """Return the playlist of what is there now, with gaps; the opening is on the log.

    ``None`` where it is indexed by now and has its own playlist: nothing is on the log.

    Raises:
        RecordingNotFound: there is none, or another department's.
        NotPlayable: nothing of it can be played.
        ComplaintNotFound: the complaint named as the reason is not the department's.
    """
    async with transaction(sessions) as session:
        row = await own_recording(session, recording_id=recording_id, caller=caller)
        if complaint_id is not None:
            await note_review(session, complaint_id=complaint_id, caller=caller)
        if row.status in PLAYABLE:
            return None
        clips = await clips_of_arriving(session, store, row)
        if not clips:
            raise NotPlayable(f"nothing of recording {recording_id} can be played by its head")
        await note_viewed(session, trail, row, complaint_id=complaint_id, caller=caller, now=now)
    return await asyncio.to_thread(playlist_of, clips)


async def clips_of_arriving(
    session: AsyncSession, store: ObjectStore, row: RecordingRow, *, url: str = _URL
) -> list[Clip]:
    """Return what can be played of a recording by its head; nothing of one that is indexed."""
    unread = is_unread(row)
    if not unread and (row.status not in OPEN or store.takes_parts_itself):
        return []
    head = await heads.head_of(session, row.id, with_index=True)
    if head is None:
        return []
    if unread:
        blocks = set(range(block_count(row.found_bytes)))
    else:
        blocks = set(await repository.part_digests(session, recording_id=row.id))
    return await asyncio.to_thread(
        _clips_of,
        head.packed,
        blocks,
        size_bytes=row.found_bytes,
        started_at=row.started_at,
        url=url,
    )


def _clips_of(
    packed: bytes, blocks: set[int], *, size_bytes: int, started_at: datetime, url: str
) -> list[Clip]:
    index = BoxIndex.from_bytes(packed)
    return clips_there(index, blocks=blocks, size_bytes=size_bytes, started_at=started_at, url=url)


def is_unread(row: RecordingRow) -> bool:
    """Return whether all of it is stored and its own index is not made yet."""
    return row.status in UNREAD and row.destruction_begun_at is None


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
    player that began while the recording arrived goes on when it is stored and when it is indexed.

    Raises:
        RecordingNotFound: there is none, or another department's.
        NotPlayable: the first byte is not acknowledged, or cannot be read yet.
        RangeNotSatisfiable: no range is asked for, or none of this file.
    """
    async with transaction(sessions) as session:
        row = await own_recording(session, recording_id=recording_id, caller=caller)
        whole = row.status in PLAYABLE or is_unread(row)
        blocks: set[int] = set()
        if not whole:
            blocks = set(await repository.part_digests(session, recording_id=recording_id))
    span = read_range(asked, size_bytes=row.found_bytes)
    if span is None:
        raise RangeNotSatisfiable("a range is needed", size_bytes=row.found_bytes)
    key, start, length = row.object_key, span.start, span.length
    if whole:
        chunks = store.open_range(key=key, start=start, length=length)
        return Bytes(chunks, start, length, row.found_bytes)
    length = length_there(blocks, start=start, length=length)
    if row.status not in OPEN or not length or store.takes_parts_itself:
        raise NotPlayable(f"these bytes of recording {recording_id} are not there yet")
    chunks = store.open_arriving(key=key, start=start, length=length)
    return Bytes(chunks, start, length, row.found_bytes)
