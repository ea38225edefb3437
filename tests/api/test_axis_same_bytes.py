"""Bytes that are here already and come again from a body-worn system: one object, one recording."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import quote
from uuid import uuid4

import pytest
import sqlalchemy as sa

from app.access import DeviceKind
from app.clock import utc_now
from app.db import transaction
from bodycam.models import RecordingRow
from bodycam.models.axis import AxisObjectRow
from bodycam.service import Docking, expiry
from bodycam.service.axis_bookmarks import bookmarks_of
from bodycam.service.tus_finishing import finish_uploads
from devices.models import Device
from sim.camera import Camera
from sim.district import KEEPER, LATITUDE, LONGITUDE, REVIEWER
from tests import factories_bodycam as bodycam
from tests.factories_axis import CLIP, CLIP_META, CONTAINER, META, System
from tests.factories_store import stored_bytes
from tests.factories_tus import Sender

REJECTED = "RejectedContent_UnknownTime_5a0c"
REJECTED_META = {
    "X-Container-Meta-Rejectedcontentoriginalcontainer": CONTAINER,
    "X-Container-Meta-Rejectedcontentreason": "400",
}
SECOND = "u-2_S-1_20261120T030000Z"
AGAIN = {
    "rejected": (REJECTED, REJECTED_META, CLIP, CLIP_META),
    "rejected without a time": (REJECTED, REJECTED_META, "strange.mp4", {}),
    "second container": (SECOND, META, CLIP, CLIP_META),
    "second name": (CONTAINER, META, "20261120_030000_0001.mp4", CLIP_META),
}
MARK = {
    "X-Object-Meta-Categoryid": "crime",
    "X-Object-Meta-Categoryname": quote("Қылмыс"),
    "X-Object-Meta-Starttime": "2026-11-20T03:00:20Z",
}


@pytest.fixture
async def yard(sessions, tmp_path):
    return await bodycam.yard(sessions, tmp_path)


@pytest.fixture
async def system(client, yard):
    return await System.signed_in(client, yard.dock)


async def stored(sessions, model):
    async with transaction(sessions) as session:
        return (await session.scalars(sa.select(model).order_by(model.id))).all()


async def put_clip(system, container, meta, clip, clip_meta, *, content=None):
    content = bodycam.footage().read_bytes() if content is None else content
    put = await system.ask("PUT", container, headers=meta)
    assert put.status_code in {201, 202}
    return await system.ask("PUT", f"{container}/{clip}", headers=clip_meta, content=content)


def objects_in(settings):
    return [one for one in settings.objects_dir.rglob("*") if one.is_file()]


async def by_axis(system, **_):
    await put_clip(system, CONTAINER, META, CLIP, CLIP_META)


async def by_dock(client, yard, **_):
    recorded = yard.record()
    await bodycam.dock_whole(client, recorded, yard.dock)
    return (recorded.folder / "recording.mp4").read_bytes()


async def by_tus(client, yard, parts, **_):
    await Sender(client, yard.dock).send(bodycam.footage().read_bytes())
    docking = Docking(
        sessions=parts.sessions,
        store=parts.store,
        trail=parts.trail,
        recording_bytes_max=parts.settings.recording_bytes_max,
    )
    await finish_uploads(docking, receipt_key=parts.keys.receipt, now=datetime.now(UTC))


@pytest.mark.parametrize("first", [by_axis, by_dock, by_tus], ids=["axis", "dock", "tus"])
@pytest.mark.parametrize("again", AGAIN)
async def test_a_clip_that_is_here_is_the_recording_that_is_here(
    client, system, sessions, yard, parts, settings, first, again
):
    content = await first(client=client, system=system, yard=yard, parts=parts)
    content = content or bodycam.footage().read_bytes()
    (before,) = await stored(sessions, RecordingRow)
    count = len(objects_in(settings))
    container, _, clip, _ = AGAIN[again]
    if container == REJECTED and first is not by_axis:
        await system.ask("PUT", CONTAINER, headers=META)

    answer = await put_clip(system, *AGAIN[again], content=content)

    head = await system.ask("HEAD", f"{container}/{clip}")
    (row,) = await stored(sessions, RecordingRow)
    md5 = hashlib.md5(content).hexdigest()
    assert (answer.status_code, answer.headers["ETag"]) == (201, md5)
    assert (head.status_code, head.headers["ETag"]) == (200, md5)
    assert (row.id, row.object_key, row.door) == (before.id, before.object_key, before.door)
    assert stored_bytes(settings, row.object_key) == content
    assert len(objects_in(settings)) == count
    assert {one.recording_id for one in await stored(sessions, AxisObjectRow)} == {row.id}


async def test_another_camera_s_clip_of_the_same_bytes_is_a_recording_of_its_own(
    system, sessions, yard
):
    await by_axis(system)
    keeper = await bodycam.principal_of(sessions, KEEPER)
    key = Camera(camera_id=uuid4()).public_key_pem
    other, _ = await bodycam.register(sessions, keeper, DeviceKind.CAMERA, public_key_pem=key)
    async with transaction(sessions) as session:
        (await session.get(Device, other)).serial_number = "S-2"
    meta = META | {"X-Container-Meta-Bwcserialnumber": "S-2"}

    await put_clip(system, "u-1_S-2_20261120T030000Z", meta, CLIP, CLIP_META)

    rows = await stored(sessions, RecordingRow)
    assert {one.camera_id for one in rows} == {yard.camera.camera_id, other}


@pytest.mark.parametrize("mark_first", [True, False], ids=["mark first", "clip first"])
async def test_a_bookmark_of_the_second_container_finds_the_recording(
    system, sessions, yard, parts, mark_first
):
    await by_axis(system)
    await system.ask("PUT", f"{CONTAINER}/bookmark_1763607620_1", content=b"first")
    await system.ask("PUT", REJECTED, headers=REJECTED_META)
    mark = {"headers": MARK, "content": b"second"}
    if mark_first:
        await system.ask("PUT", f"{REJECTED}/bookmark_1763607621_1", **mark)
    await put_clip(system, *AGAIN["rejected"])
    if not mark_first:
        await system.ask("PUT", f"{REJECTED}/bookmark_1763607621_1", **mark)

    (row,) = await stored(sessions, RecordingRow)
    reviewer = await bodycam.principal_of(sessions, REVIEWER)
    shown = await bookmarks_of(sessions, parts.store, recording_id=row.id, caller=reviewer)

    assert row.category.value == "crime"
    assert {one.text for one in shown} == {"first", "second"}
    assert yard.camera.camera_id == row.camera_id


async def test_a_track_of_the_second_container_makes_the_recording_found_by_place(
    system, sessions, yard
):
    await by_axis(system)
    await put_clip(system, *AGAIN["second container"])
    place = f"POINT({LONGITUDE} {LATITUDE})"
    entry = {"LocationWKT": place, "SecondsFromStart": 10.0, "Timestamp": "2026-11-20T03:00:10Z"}
    track = json.dumps({"CoordinateEntries": [entry]})

    await system.ask("PUT", f"{SECOND}/20261120_030000_7CF7_S-1_gpstrail.json", content=track)

    found = await bodycam.complain(yard)
    (row,) = await stored(sessions, RecordingRow)
    assert [one.recording.recording_id for one in found.recordings] == [row.id]


async def test_what_lies_beside_it_in_both_containers_goes_with_a_destroyed_recording(
    system, sessions, parts
):
    keeper = await bodycam.principal_of(sessions, KEEPER)
    await by_axis(system)
    await put_clip(system, *AGAIN["second container"])
    for container in (CONTAINER, SECOND):
        await system.ask("PUT", f"{container}/bookmark_1_1", content=b"note")
    over = utc_now() + timedelta(days=100)
    await expiry.expire_recordings(sessions, trail=bodycam.TRAIL, now=over)
    async with transaction(sessions) as session:
        permitted = {"deletion_permitted_by": keeper.person_id, "deletion_permitted_at": over}
        await session.execute(sa.update(RecordingRow).values(permitted))

    destroyed = await expiry.destroy_expired(
        sessions, store=parts.store, trail=bodycam.TRAIL, now=over + timedelta(days=60)
    )

    assert destroyed == 1
    assert objects_in(parts.settings) == []
    assert [one.metadata_ for one in await stored(sessions, AxisObjectRow)] == [{}] * 4
    for container in (CONTAINER, SECOND):
        head = await system.ask("HEAD", container)
        assert not [name for name in head.headers if name.lower().startswith("x-container-meta")]


async def test_bytes_of_a_recording_that_is_being_destroyed_are_a_recording_of_their_own(
    system, sessions, settings
):
    await by_axis(system)
    async with transaction(sessions) as session:
        await session.execute(
            sa.update(RecordingRow).values(destruction_begun_at=bodycam.STARTED_AT)
        )

    await put_clip(system, *AGAIN["rejected"])

    assert len(await stored(sessions, RecordingRow)) == 2
    assert len(objects_in(settings)) == 2
