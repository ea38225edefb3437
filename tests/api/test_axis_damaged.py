"""What one damaged object of a body-worn system keeps waiting: itself, and nothing else."""

import dataclasses
import html
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from app.db import transaction
from bodycam.models import RecordingRow
from bodycam.models.axis import AxisObjectRow
from bodycam.service.axis import take_in_waiting
from devices.models import Device
from sim.district import KEEPER, OFFICIAL, STAFF, STRANGER
from tests import factories_bodycam as bodycam
from tests.factories_axis import CLIP, CONTAINER, META, System, docking_of, uploaded
from tests.factories_identity import answer_challenge, trust_the_authority
from tests.factories_pages import BROWSER, OWN_PAGE, look
from tests.factories_store import stored_bytes, stored_file

AWAY_KEEPER = dataclasses.replace(STRANGER, role=KEEPER.role)
LATER = "20261120_040000_7CF7.mp4"
OTHER = "u-1_ACCC8E000002_20261120T030000Z"


@pytest.fixture
async def yard(sessions, tmp_path, settings):
    trust_the_authority(settings)
    people = tuple(one for one in STAFF if one is not STRANGER)
    return await bodycam.yard(sessions, tmp_path, staff=(*people, AWAY_KEEPER))


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


async def test_a_damaged_object_that_is_sent_again_is_taken_in_and_its_damaged_copy_goes(
    system, sessions, yard, settings
):
    await uploaded(system, meta=unknown("ACCC8E000001"))
    [damaged] = await objects(sessions)
    spoil(settings, damaged.object_key)
    await camera_is_enrolled(sessions, yard)

    again = await uploaded(system, meta=unknown("ACCC8E000001"))

    [taken] = await objects(sessions)
    [recording] = await recordings(sessions)
    content = bodycam.footage().read_bytes()
    assert again.status_code == 201
    assert (taken.id, taken.recording_id) == (damaged.id, recording.id)
    assert stored_bytes(settings, recording.object_key) == content
    assert not stored_file(settings, damaged.object_key).exists()


async def test_what_is_taken_in_and_sent_again_stays_where_it_is(system, sessions, settings):
    await uploaded(system)
    [before] = await objects(sessions)

    await uploaded(system)

    [after] = await objects(sessions)
    assert (after.id, after.object_key) == (before.id, before.object_key)
    sealed = (settings.objects_dir / "sealed").rglob("*")
    assert [one for one in sealed if one.is_file()] == [stored_file(settings, before.object_key)]


# --- where a person sees it --------------------------------------------------------------------


async def came_hours_ago(sessions):
    async with transaction(sessions) as session:
        await session.execute(
            sa.update(AxisObjectRow).values(stored_at=datetime.now(UTC) - timedelta(hours=2))
        )


async def camera_is_enrolled(sessions, yard):
    async with transaction(sessions) as session:
        camera = await session.get(Device, yard.camera.camera_id)
        camera.serial_number = "ACCC8E000001"


async def page_of_terms(client, staff=OFFICIAL, language="en"):
    client.headers.update(BROWSER | OWN_PAGE)
    client.cookies.clear()
    assert (await answer_challenge(client, staff, cookie=True)).is_success
    await client.post("/language", data={"language": language, "next": "/"})
    return html.unescape((await look(client, "/console/custody")).text)


@pytest.mark.parametrize(
    ("language", "why"),
    [
        ("en", "its stored bytes could not be read"),
        ("ru", "сохранённые байты не удалось прочитать"),
        ("kk", "сақталған байттары оқылмады"),
    ],
)
async def test_an_object_whose_bytes_do_not_open_is_told_on_the_page_of_terms(
    client, system, sessions, app, yard, settings, language, why
):
    await uploaded(system, meta=unknown("ACCC8E000001"))
    [damaged] = await objects(sessions)
    spoil(settings, damaged.object_key)
    await camera_is_enrolled(sessions, yard)
    await take_in_waiting(docking_of(app), now=datetime.now(UTC))
    just_come = await page_of_terms(client, language=language)

    await came_hours_ago(sessions)
    later = await page_of_terms(client, language=language)

    assert CLIP not in just_come
    assert f"{CONTAINER}/{CLIP}: {why}" in later


async def test_a_clip_of_a_camera_that_the_unit_does_not_have_is_told_until_it_is_taken_in(
    client, system, sessions, app, yard
):
    await uploaded(system, meta=unknown("ACCC8E000001"))
    await came_hours_ago(sessions)
    before = await page_of_terms(client)

    await camera_is_enrolled(sessions, yard)
    await take_in_waiting(docking_of(app), now=datetime.now(UTC))
    after = await page_of_terms(client)

    assert f"{CLIP}: the unit has no camera of this serial number" in before
    assert CLIP not in after


async def test_what_waits_in_another_unit_is_not_told(client, system, sessions, yard):
    assert yard
    await uploaded(system, meta=unknown("ACCC8E000001"))
    await came_hours_ago(sessions)

    page = await page_of_terms(client, AWAY_KEEPER)

    assert CLIP not in page
