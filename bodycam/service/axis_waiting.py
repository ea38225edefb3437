"""What body-worn systems have sent and what is no recording yet: for those who can help it on.

It waits alone and is tried again every few minutes; here it is told to a person, with the reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from bodycam.models.axis import AxisObjectRow
from bodycam.repository import axis
from bodycam.rules.axis import ObjectKind, WaitsBecause, kind_of, waits_because
from bodycam.service.axis_recordings import said_of
from devices import service as devices

_SHOWN_MAX: Final = 200
_TAKEN_IN_BY_THEN: Final = timedelta(hours=1)  # else it would show what only waits for its turn


@dataclass(frozen=True, kw_only=True)
class WaitingClip:
    """A clip that is kept as it came and can be watched by nobody."""

    object_id: UUID
    container: str
    name: str
    size_bytes: int
    stored_at: datetime
    because: WaitsBecause


async def list_waiting(
    session: AsyncSession, *, caller: Principal, now: datetime
) -> Sequence[WaitingClip]:
    """Return the clips of the unit's systems that wait for over an hour, the oldest first."""
    before = now - _TAKEN_IN_BY_THEN
    found: list[WaitingClip] = []
    for dock_id in await axis.waiting_docks(session, before=before):
        dock = await devices.dock_of(session, device_id=dock_id)
        if dock is None or dock.department_id != caller.department_id:
            continue
        rows = await axis.waiting_objects(session, dock_id=dock_id, before=before, limit=_SHOWN_MAX)
        clips = [row for row in rows if kind_of(row.name, row.metadata_) is ObjectKind.CLIP]
        found += [await _clip(session, row, dock=dock) for row in clips]
    return sorted(found, key=lambda one: (one.stored_at, one.object_id))[:_SHOWN_MAX]


async def _clip(session: AsyncSession, row: AxisObjectRow, *, dock: Principal) -> WaitingClip:
    said = await said_of(session, row, dock=dock)
    return WaitingClip(
        object_id=row.id,
        container=row.container,
        name=row.name,
        size_bytes=row.size_bytes,
        stored_at=row.stored_at,
        because=waits_because(
            camera_known=said.camera_id is not None, time_known=said.span is not None
        ),
    )
