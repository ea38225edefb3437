"""Who waits for a recording, and until when: the dock sends what is wanted soonest first."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.calendar.rules import end_of_day
from bodycam import repository
from bodycam.rules.places import Area

_COMPLAINTS_MAX: Final = 50  # looked at; a camera that so many complain about is urgent anyway


async def wanted_until(session: AsyncSession, *, recording_id: UUID) -> datetime | None:
    """Return the end of the nearest term of a complaint whose place and time were passed.

    ``None`` where nobody waits for the recording, or there is none.
    """
    row = await repository.recording(session, recording_id)
    if row is None:
        return None
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
        if passed:
            return end_of_day(complaint.due_on)
    return None
