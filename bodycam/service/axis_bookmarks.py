"""Bookmarks of a body-worn system: shown with the recordings they were set in.

A bookmark's category lengthens the term of its recordings and never shortens it: the system's
user is no person of ours who could sign for less.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.db import Sessions, transaction
from bodycam import repository
from bodycam.errors import ObjectAbsent, StoreSilent
from bodycam.models import RecordingRow
from bodycam.models.axis import AxisObjectRow
from bodycam.repository import axis
from bodycam.rules.axis import ObjectKind as Kind
from bodycam.rules.axis import category_of, kind_of, read_instant
from bodycam.rules.retention import Category
from bodycam.service.categories import lengthen
from bodycam.service.docking import Docking
from bodycam.service.recordings import own_recording
from bodycam.storage import ObjectStore

_SHOWN_MAX: Final = 200
_TEXT_BYTES_MAX: Final = 4096  # of a note on a page; the whole stays in the store


@dataclass(frozen=True, kw_only=True)
class Bookmark:
    """A bookmark as a page shows it; ``at`` is ``None`` where it is of the whole recording."""

    at: datetime | None
    until: datetime | None
    seconds: float | None  # after the recording's start, where it lies in it
    category: Category | None  # of ours
    category_name: str  # as the system says it
    tags: tuple[str, ...]
    text: str


async def lengthen_by_bookmarks(
    session: AsyncSession,
    docking: Docking,
    *,
    dock_id: UUID,
    container: str,
    recordings: list[UUID],
    dock: Principal,
    now: datetime,
) -> None:
    """Give recordings of a container the longest term that a bookmark of it asks for."""
    rows = await axis.bookmarks_of(session, dock_id=dock_id, container=container, limit=_SHOWN_MAX)
    wanted = {
        found
        for one in rows
        if kind_of(one.name, one.metadata_) is Kind.BOOKMARK
        and (found := category_of(one.metadata_)) is not None
    }
    for recording_id in recordings if wanted else ():
        row = await repository.recording(session, recording_id, for_update=True)
        if row is not None:
            await lengthen(
                session, trail=docking.trail, row=row, categories=wanted, who=dock, now=now
            )


async def bookmarks_of(
    sessions: Sessions, store: ObjectStore, *, recording_id: UUID, caller: Principal
) -> tuple[Bookmark, ...]:
    """Return the bookmarks of a recording of the caller's department, in the order of time.

    Raises:
        RecordingNotFound: there is none, or another department's.
    """
    async with transaction(sessions) as session:
        row = await own_recording(session, recording_id=recording_id, caller=caller)
        objects = [
            one
            for dock_id, container in await axis.containers_of(session, recording_id=recording_id)
            for one in await axis.bookmarks_of(
                session, dock_id=dock_id, container=container, limit=_SHOWN_MAX
            )
        ][:_SHOWN_MAX]
    shown = [
        await _shown(store, row, one)
        for one in objects
        if kind_of(one.name, one.metadata_) is Kind.BOOKMARK
    ]
    return tuple(sorted(shown, key=lambda one: (one.at or row.started_at, one.text)))


async def _shown(store: ObjectStore, row: RecordingRow, one: AxisObjectRow) -> Bookmark:
    said = one.metadata_
    at = read_instant(said.get("StartTime", ""))
    inside = at is not None and row.started_at <= at < row.ended_at
    return Bookmark(
        at=at,
        until=read_instant(said.get("EndTime", "")),
        seconds=(at - row.started_at).total_seconds() if at is not None and inside else None,
        category=category_of(said),
        category_name=said.get("CategoryName", ""),
        tags=tuple(tag.strip() for tag in said.get("Tags", "").split(";") if tag.strip()),
        text=await _text(store, one),
    )


async def _text(store: ObjectStore, one: AxisObjectRow) -> str:
    length = min(one.size_bytes, _TEXT_BYTES_MAX)
    if not length:
        return ""
    try:
        body = await store.read(key=one.object_key, start=0, length=length)
    except (ObjectAbsent, StoreSilent):
        return ""  # a note that cannot be read must not hide the recording
    return body.decode(errors="replace").strip()
