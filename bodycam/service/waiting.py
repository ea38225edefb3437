"""Who waits for a recording, until when and for which of its blocks: these are sent first."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.calendar.rules import end_of_day
from bodycam import repository
from bodycam.models import RecordingRow
from bodycam.repository import Passage, heads
from bodycam.rules.box_index import BoxIndex
from bodycam.rules.heads import blocks_between
from bodycam.rules.places import Area
from bodycam.service.cameras import awaited_since

_COMPLAINTS_MAX: Final = 50  # looked at; a camera that so many complain about is urgent anyway
_AROUND: Final = timedelta(seconds=15)  # points of a track lie up to ten seconds apart


@dataclass(frozen=True)
class Due:
    """What the dock should send now, and until when somebody waits for it.

    ``blocks`` is empty where no block goes before another.
    """

    until: datetime | None = None
    blocks: tuple[int, ...] = ()


async def what_is_due(session: AsyncSession, *, recording_id: UUID, missing: Sequence[int]) -> Due:
    """Return what is waited for of the blocks that are ``missing``, and until when.

    Where an officer of the next shift waits for the camera, that was to be there when he came: all
    of it is due since then. What the nearest term of a complaint asks for goes first even so.
    """
    row = await repository.recording(session, recording_id)
    if row is None:
        return Due()
    asked = await _complained_of(session, row, missing)
    came_at = await awaited_since(session, camera_id=row.camera_id)
    return Due(min(filter(None, (came_at, asked.until)), default=None), asked.blocks)


async def _complained_of(session: AsyncSession, row: RecordingRow, missing: Sequence[int]) -> Due:
    """Return what the nearest term of a complaint asks for.

    A recording whose head is here is urgent only as long as a block is missing that shows the
    complaint's place and time; one without a head is urgent as a whole.
    """
    recording_id = row.id
    head = await heads.head_of(session, recording_id, with_index=True)
    index = await asyncio.to_thread(BoxIndex.from_bytes, head.packed) if head else None
    for complaint in await repository.complaints_waiting(
        session,
        department_id=row.department_id,
        started_at=row.started_at,
        ended_at=row.ended_at,
        limit=_COMPLAINTS_MAX,
    ):
        passed = await repository.passages(
            session,
            department_id=row.department_id,
            area=Area(
                latitude_e7=complaint.latitude_e7,
                longitude_e7=complaint.longitude_e7,
                radius_meters=complaint.radius_meters,
            ),
            seen_from=complaint.seen_from,
            seen_to=complaint.seen_to,
            limit=1,
            recording_id=recording_id,
        )
        if passed and index is None:
            return Due(end_of_day(complaint.due_on))
        if passed and index is not None:
            blocks = _blocks(row, index, passed, missing)
            if blocks:
                return Due(end_of_day(complaint.due_on), blocks)
    return Due()


def _blocks(
    row: RecordingRow, index: BoxIndex, passed: Sequence[Passage], missing: Sequence[int]
) -> tuple[int, ...]:
    times = [(one.first_at - _AROUND, one.last_at + _AROUND) for one in passed]
    lacking = set(missing)
    return tuple(
        number
        for number in blocks_between(
            index, started_at=row.started_at, times=times, size_bytes=row.found_bytes
        )
        if number in lacking
    )
