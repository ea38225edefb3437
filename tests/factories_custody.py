"""Coverage and custody for tests: a camera's time out, told by the server's own steps."""

from datetime import timedelta
from uuid import UUID, uuid4

import sqlalchemy as sa

from app.access import DeviceKind, Role
from app.clock import utc_now
from app.db import transaction
from bodycam.models import CameraPauseRow, CoverageCaseRow, RecordingRow
from bodycam.rules.retention import Category, HoldReason
from bodycam.service.categories import change_category
from bodycam.service.coverage import keep_ledgers
from bodycam.service.custody import place_hold
from devices.models import Assignment
from tests.factories_bodycam import STARTED_AT, TRAIL, issue, principal_of

HOUR = timedelta(hours=1)
ISSUED_AT = STARTED_AT - HOUR  # as ``factories_bodycam.issue`` hands out


async def assignment_of(sessions, camera_id):
    """Return the id of the camera's only assignment."""
    async with transaction(sessions) as session:
        statement = sa.select(Assignment.id).where(Assignment.device_id == camera_id)
        return (await session.scalars(statement)).one()


async def newest_assignment_of(sessions, camera_id):
    """Return the id of the camera's newest assignment."""
    statement = (
        sa.select(Assignment.id)
        .where(Assignment.device_id == camera_id)
        .order_by(Assignment.issued_at.desc())
        .limit(1)
    )
    async with transaction(sessions) as session:
        return (await session.scalars(statement)).one()


async def docked_at(sessions, camera_id, at):
    """Move the dock's word to ``at``: a test does not wait out a shift."""
    async with transaction(sessions) as session:
        await session.execute(
            sa.update(Assignment).where(Assignment.device_id == camera_id).values(docked_at=at)
        )


async def stored_at(sessions, recorded, at):
    """Let the recording have come to the store ``at`` an instant; its receipt says another."""
    async with transaction(sessions) as session:
        await session.execute(
            sa.update(RecordingRow)
            .where(RecordingRow.id == recorded.recording_id)
            .values(stored_at=at)
        )


async def kept(sessions, *, now=None):
    """Let the job make the ledgers anew."""
    return await keep_ledgers(sessions, trail=TRAIL, now=now or utc_now())


async def ledger(client, headers, assignment_id: UUID):
    """Return the ledger as the API tells it."""
    answer = await client.get(f"/api/coverage/ledgers/{assignment_id}", headers=headers)
    return answer.raise_for_status().json()


async def coverage(sessions, held):
    """Return a ledger, a case and a pause of a camera that an officer of the unit has."""
    device_id = UUID(held.devices[DeviceKind.CAMERA].device_id)
    officer = await principal_of(sessions, held.officer)
    keeper = await principal_of(sessions, held.person(Role.DEVICE_KEEPER))
    duty = await principal_of(sessions, held.person(Role.DUTY_OFFICER))
    # Not docked again after its footage came: it is in the officer's hands and may be paused.
    await issue(sessions, device_id, officer=officer, keeper=keeper, closed=True)
    await kept(sessions)
    assignment_id = await assignment_of(sessions, device_id)
    now = utc_now()
    async with transaction(sessions) as session:
        case_id = await session.scalar(
            sa.select(CoverageCaseRow.id).where(CoverageCaseRow.assignment_id == assignment_id)
        )
        pause = CameraPauseRow(
            id=uuid4(),
            assignment_id=assignment_id,
            department_id=duty.department_id,
            reason="rest",
            starts_at=now - HOUR,
            ends_at=now - HOUR / 2,
            permitted_by_post_id=duty.post_id,
        )
        session.add(pause)
    return {
        "coverage_case_id": str(case_id),
        "ledger_id": str(assignment_id),
        "pause_id": str(pause.id),
    }


async def retention(sessions, held):
    """Return a hold on the unit's recording and a change of its category that two must sign."""
    recording_id = UUID(held.ids["recording_id"])
    # The one person of each role who is tried here must not be the one who began.
    other = await principal_of(sessions, held.officer)
    async with transaction(sessions) as session:
        hold_id = await place_hold(
            session,
            trail=TRAIL,
            caller=other,
            recording_id=recording_id,
            reason=HoldReason.COURT,
            case_number="-",
            now=utc_now(),
        )
        row = await session.get(RecordingRow, recording_id)
        row.category = Category.ADMINISTRATIVE
        await session.flush()
        change = await change_category(
            session,
            trail=TRAIL,
            caller=other,
            recording_id=recording_id,
            category=Category.OTHER,
            grounds="-",
            now=utc_now(),
        )
    return {
        "change_id": str(change.change_id),
        "legal_hold_id": str(hold_id),
        "recording_ids": str(recording_id),
    }
