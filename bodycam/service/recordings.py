"""A recording as staff see it, and whose it is."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from bodycam import repository
from bodycam.errors import RecordingNotFound
from bodycam.models import RecordingRow
from bodycam.rules.life_cycle import RecordingStatus

PLAYABLE: Final = frozenset(
    {RecordingStatus.REVIEWABLE, RecordingStatus.HELD, RecordingStatus.EXPIRING}
)


@dataclass(frozen=True, kw_only=True)
class RecordingFacts:
    """A recording as a page shows it."""

    recording_id: UUID
    camera_id: UUID
    post_id: UUID | None  # of the officer who held the camera
    status: RecordingStatus
    playable: bool
    started_at: datetime
    ended_at: datetime
    duration_ms: int | None
    size_bytes: int
    declared_bytes: int
    merkle_root: str | None  # over the bytes as stored
    manifest_sha256: str
    predecessor_known: bool
    names_predecessor: bool  # False: the camera's first, or of a make that names none
    door: str  # dock; axis and tus: other doors, whose cameras sign no manifest
    damage: tuple[dict[str, Any], ...]
    quarantine_reason: str | None
    stored_at: datetime | None
    events: tuple[tuple[str, datetime, int | None], ...]  # kind, true time, value


def facts_of(row: RecordingRow) -> RecordingFacts:
    """Return the facts of a row."""
    return RecordingFacts(
        recording_id=row.id,
        camera_id=row.camera_id,
        post_id=row.post_id,
        status=row.status,
        playable=row.status in PLAYABLE,
        started_at=row.started_at,
        ended_at=row.ended_at,
        duration_ms=row.duration_ms,
        size_bytes=row.found_bytes,
        declared_bytes=row.declared_bytes,
        merkle_root=row.stored_root.hex() if row.stored_root is not None else None,
        manifest_sha256=row.manifest_sha256.hex(),
        predecessor_known=row.predecessor_known,
        names_predecessor=row.previous_manifest_sha256 is not None,
        door=row.door,
        damage=tuple(row.damage),
        quarantine_reason=row.quarantine_reason,
        stored_at=row.stored_at,
        events=tuple(
            (one["kind"], datetime.fromisoformat(one["at"]), one.get("value")) for one in row.events
        ),
    )


async def own_recording(
    session: AsyncSession, *, recording_id: UUID, caller: Principal
) -> RecordingRow:
    """Return a recording of the caller's department.

    Raises:
        RecordingNotFound: there is none, or another department's.
    """
    row = await repository.recording(session, recording_id)
    if row is None or row.department_id != caller.department_id:
        raise RecordingNotFound(f"no recording {recording_id}")
    return row


async def read_recording(
    session: AsyncSession, *, recording_id: UUID, caller: Principal
) -> RecordingFacts:
    """Return what is known of a recording, without its footage.

    Raises:
        RecordingNotFound: there is none, or another department's.
    """
    return facts_of(await own_recording(session, recording_id=recording_id, caller=caller))


async def recordings_of(
    session: AsyncSession, *, caller: Principal, before: datetime | None = None, limit: int = 50
) -> list[RecordingFacts]:
    """Return recordings of the caller's department, newest first."""
    rows = await repository.recordings_of(
        session, department_id=caller.department_id, before=before, limit=limit
    )
    return [facts_of(row) for row in rows]
