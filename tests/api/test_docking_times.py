"""A recording ends the time of the officer whom it can belong to, and of nobody after him."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from app.clock import utc_now
from app.db import transaction
from bodycam.service import Docking
from bodycam.service.tus_finishing import finish_uploads
from devices.models import Assignment, Device, Shift
from devices.rules.lifecycle import DeviceStatus
from sim.district import KEEPER, OFFICER
from tests import factories_bodycam as bodycam
from tests.factories_axis import CLIP, CLIP_META, CONTAINER, META, System
from tests.factories_bodycam import STARTED_AT
from tests.factories_tus import Sender

RESET = datetime(2015, 1, 1, 0, 0, 5, tzinfo=UTC)


async def handed_on(sessions, yard, *, at):
    """Hand the camera back in time and out to the next officer ``at`` an instant."""
    keeper = await bodycam.principal_of(sessions, KEEPER)
    officer = await bodycam.principal_of(sessions, OFFICER)
    async with transaction(sessions) as session:
        statement = sa.select(Assignment).where(Assignment.device_id == yard.camera.camera_id)
        (one,) = (await session.scalars(statement)).all()
        one.docked_at = STARTED_AT + timedelta(hours=8)
        one.returned_at = STARTED_AT + timedelta(hours=9)
        (await session.get(Shift, one.shift_id)).closed_at = one.returned_at
    await bodycam.issue(sessions, yard.camera.camera_id, officer=officer, keeper=keeper, at=at)


@pytest.fixture
async def handed_on_today(sessions, yard):
    await handed_on(sessions, yard, at=STARTED_AT + timedelta(hours=24))


async def standing(sessions, yard):
    """Return whether the camera's newest assignment was ended by a dock, and where it stands."""
    statement = (
        sa.select(Assignment.docked_at)
        .where(Assignment.device_id == yard.camera.camera_id)
        .order_by(Assignment.issued_at.desc())
        .limit(1)
    )
    async with transaction(sessions) as session:
        docked_at = (await session.scalars(statement)).one()
        device = await session.get(Device, yard.camera.camera_id)
        return docked_at is not None, device.status


ON_PATROL = (False, DeviceStatus.ISSUED)
DOCKED = (True, DeviceStatus.DOCKED)


async def clip_sent(client, yard, parts):  # noqa: ARG001 - as the next
    system = await System.signed_in(client, yard.dock)
    await system.ask("PUT", CONTAINER, headers=META)
    answer = await system.ask(
        "PUT", f"{CONTAINER}/{CLIP}", headers=CLIP_META, content=bodycam.footage().read_bytes()
    )
    assert answer.status_code == 201


async def file_sent(client, yard, parts):
    await Sender(client, yard.dock).send(bodycam.footage().read_bytes())
    docking = Docking(
        sessions=parts.sessions, store=parts.store, trail=parts.trail, recording_bytes_max=1 << 40
    )
    await finish_uploads(docking, receipt_key=parts.keys.receipt, now=utc_now())


@pytest.mark.parametrize("sent", [clip_sent, file_sent])
async def test_what_comes_late_does_not_dock_the_next_officers_camera(
    client,
    sessions,
    yard,
    parts,
    handed_on_today,  # noqa: ARG001 - it must have happened
    sent,
):
    await sent(client, yard, parts)

    assert await standing(sessions, yard) == ON_PATROL


@pytest.mark.parametrize("sent", [clip_sent, file_sent])
async def test_what_comes_in_time_docks(client, sessions, yard, parts, sent):
    await sent(client, yard, parts)

    assert await standing(sessions, yard) == DOCKED


@pytest.mark.parametrize("started_at", [STARTED_AT, RESET])
async def test_what_was_announced_before_the_next_officer_signed_does_not_dock_his_camera(
    client, sessions, yard, started_at
):
    recorded = yard.record(started_at=started_at)
    await bodycam.announce(client, recorded, yard.dock)
    await handed_on(sessions, yard, at=utc_now())

    (await bodycam.announce(client, recorded, yard.dock)).raise_for_status()

    assert await standing(sessions, yard) == ON_PATROL


async def test_what_an_earlier_officer_recorded_does_not_dock_the_next_ones_camera(
    client,
    sessions,
    yard,
    handed_on_today,  # noqa: ARG001 - it must have happened
):
    recorded = yard.record()

    (await bodycam.announce(client, recorded, yard.dock)).raise_for_status()

    assert await standing(sessions, yard) == ON_PATROL


@pytest.mark.parametrize("started_at", [STARTED_AT + timedelta(hours=25), RESET])
async def test_a_dock_that_announces_what_is_his_or_nobodys_docks_the_camera(
    client,
    sessions,
    yard,
    handed_on_today,  # noqa: ARG001 - it must have happened
    started_at,
):
    recorded = yard.record(started_at=started_at)

    (await bodycam.announce(client, recorded, yard.dock)).raise_for_status()

    assert await standing(sessions, yard) == DOCKED


@pytest.mark.parametrize(
    ("hours", "drift_hours", "stands"), [(10.5, -2, DOCKED), (8.5, 2, ON_PATROL)]
)
async def test_the_known_drift_of_a_clock_is_counted(
    client, sessions, yard, hours, drift_hours, stands
):
    await handed_on(sessions, yard, at=STARTED_AT + timedelta(hours=10))
    yard.camera.clock_drift_ms = drift_hours * 3_600_000
    recorded = yard.record(started_at=STARTED_AT + timedelta(hours=hours))

    (await bodycam.announce(client, recorded, yard.dock)).raise_for_status()

    assert await standing(sessions, yard) == stands


async def uploaded_at(sessions, yard):
    statement = sa.select(Assignment.uploaded_at).where(
        Assignment.device_id == yard.camera.camera_id
    )
    async with transaction(sessions) as session:
        return (await session.scalars(statement)).one()


async def test_the_last_of_several_recordings_says_that_the_camera_s_footage_is_stored(
    client, sessions, yard
):
    first, last = yard.record(), yard.record(started_at=STARTED_AT + timedelta(minutes=1))
    (await bodycam.announce(client, last, yard.dock)).raise_for_status()

    (await bodycam.dock_whole(client, first, yard.dock)).raise_for_status()
    before = await uploaded_at(sessions, yard)
    (await bodycam.dock_whole(client, last, yard.dock)).raise_for_status()

    assert before is None
    assert await uploaded_at(sessions, yard) is not None
