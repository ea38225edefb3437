"""What one damaged object of a body-worn system keeps waiting: itself, and nothing else."""

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from app.db import transaction
from bodycam.models import RecordingRow
from bodycam.models.axis import AxisObjectRow
from bodycam.service.axis import take_in_waiting
from devices.models import Device
from tests import factories_bodycam as bodycam
from tests.factories_axis import CLIP, CONTAINER, META, System, docking_of, uploaded
from tests.factories_store import stored_file

LATER = "20261120_040000_7CF7.mp4"
OTHER = "u-1_ACCC8E000002_20261120T030000Z"


@pytest.fixture
async def yard(sessions, tmp_path):
    return await bodycam.yard(sessions, tmp_path)


@pytest.fixture
async def system(client, yard):
    return await System.signed_in(client, yard.dock)


def unknown(serial):
    """Return what a container says whose camera the unit does not have yet."""
    return META | {"X-Container-Meta-Bwcserialnumber": serial}


async def objects(sessions):
    async with transaction(sessions) as session:
        rows = await session.scalars(sa.select(AxisObjectRow).order_by(AxisObjectRow.stored_at))
        return rows.all()


async def recordings(sessions):
    async with transaction(sessions) as session:
        return (await session.scalars(sa.select(RecordingRow))).all()


def spoil(settings, key):
    path = stored_file(settings, key)
    content = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(content[: len(content) // 2] + bytes(len(content) - len(content) // 2))


async def test_a_damaged_object_keeps_nobody_else_waiting(system, sessions, app, yard, settings):
    await uploaded(system, meta=unknown("ACCC8E000001"))
    content = bodycam.footage().read_bytes()
    await uploaded(
        system, container=OTHER, content=content + bytes(8), meta=unknown("ACCC8E000001")
    )
    damaged = next(one for one in await objects(sessions) if one.container == CONTAINER)
    spoil(settings, damaged.object_key)
    async with transaction(sessions) as session:
        camera = await session.get(Device, yard.camera.camera_id)
        camera.serial_number = "ACCC8E000001"

    assert await take_in_waiting(docking_of(app), now=datetime.now(UTC)) == 1

    [taken] = [one for one in await objects(sessions) if one.taken_in_at is not None]
    assert (taken.container, len(await recordings(sessions))) == (OTHER, 1)


async def test_what_comes_after_a_damaged_object_is_taken(system, sessions, yard, settings):
    await uploaded(system, meta=unknown("ACCC8E000001"))
    [damaged] = await objects(sessions)
    spoil(settings, damaged.object_key)
    async with transaction(sessions) as session:
        camera = await session.get(Device, yard.camera.camera_id)
        camera.serial_number = "ACCC8E000001"

    content = bodycam.footage().read_bytes() + bytes(8)
    later = await uploaded(system, clip=LATER, content=content, meta=unknown("ACCC8E000001"))
    complete = await system.ask("POST", CONTAINER, headers={"X-Container-Meta-Status": "Complete"})

    assert (later.status_code, complete.status_code) == (201, 204)
    assert {one.name: one.taken_in_at is not None for one in await objects(sessions)} == {
        CLIP: False,
        LATER: True,
    }
