"""The AXIS content destination as a body-worn system uses it, over HTTP."""

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
import sqlalchemy as sa

from app.access import DeviceKind
from app.clock import utc_now
from app.db import transaction
from bodycam.models import RecordingRow
from bodycam.models.axis import AxisObjectRow
from bodycam.service import expiry
from bodycam.service.axis import take_in_waiting
from devices.models import Device
from sim.district import KEEPER, LATITUDE, LONGITUDE, REVIEWER
from tests import factories_bodycam as bodycam
from tests.factories_axis import (
    CLIP,
    CLIP_META,
    CONTAINER,
    META,
    System,
    docking_of,
    uploaded,
)
from tests.factories_identity import answer_challenge, trust_the_authority
from tests.factories_pages import BROWSER, OWN_PAGE, look
from tests.factories_store import stored_bytes


@pytest.fixture
async def yard(sessions, tmp_path):
    return await bodycam.yard(sessions, tmp_path)


@pytest.fixture
async def system(client, yard):
    return await System.signed_in(client, yard.dock)


async def stored(sessions, model):
    async with transaction(sessions) as session:
        return (await session.scalars(sa.select(model).order_by(model.id))).all()


async def test_a_system_gets_in_by_each_way_it_may_show_its_key(client, yard):
    user, _, key = yard.dock["Device-Credential"].partition(".")
    basic = base64.b64encode(f"{user}:{key}".encode()).decode()

    answers = [
        await client.get("/axis/auth/v1.0", headers=headers)
        for headers in (
            {"X-Auth-User": user, "X-Auth-Key": key},
            {"X-Auth-User": user, "Auth-Key": key},
            {"Authorization": f"Basic {basic}"},
        )
    ]

    assert [one.status_code for one in answers] == [200, 200, 200]
    assert all(one.headers["X-Storage-Url"].endswith(f"/axis/v1.0/{user}") for one in answers)


@pytest.mark.parametrize(
    "changed", [{"X-Auth-Key": "x" * 43}, {"X-Auth-User": "nobody"}, {"X-Auth-Key": ""}]
)
async def test_a_wrong_key_opens_nothing(client, yard, changed):
    user, _, key = yard.dock["Device-Credential"].partition(".")

    answer = await client.get(
        "/axis/auth/v1.0", headers={"X-Auth-User": user, "X-Auth-Key": key, **changed}
    )

    assert answer.status_code == 401


async def test_a_terminal_s_key_opens_nothing(client, sessions, yard):  # noqa: ARG001 - the staff
    keeper = await bodycam.principal_of(sessions, KEEPER)
    _, shown = await bodycam.register(sessions, keeper, DeviceKind.TABLET)
    user, _, key = shown["Device-Credential"].partition(".")

    answer = await client.get("/axis/auth/v1.0", headers={"X-Auth-User": user, "X-Auth-Key": key})

    assert answer.status_code == 401


@pytest.mark.parametrize("name", ["Capabilities.json", "Categories.json"])
async def test_what_we_can_do_comes_with_its_md5(system, name):
    answer = await system.ask("GET", f"System/{name}")

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["ETag"] == hashlib.md5(answer.content).hexdigest()
    assert json.loads(answer.content)


async def test_a_clip_becomes_a_recording_of_its_officer(system, sessions, yard, settings):
    content = bodycam.footage().read_bytes()

    answer = await uploaded(system, content=content)

    (row,) = await stored(sessions, RecordingRow)
    (kept,) = await stored(sessions, AxisObjectRow)
    assert answer.status_code == 201
    assert answer.headers["ETag"] == hashlib.md5(content).hexdigest()
    assert (row.camera_id, row.post_id) == (yard.camera.camera_id, yard.post_id)
    assert (row.door, row.status.value) == ("axis", "reviewable")
    assert row.started_at == bodycam.STARTED_AT
    assert row.ended_at == bodycam.STARTED_AT + timedelta(minutes=1)
    assert stored_bytes(settings, kept.object_key) == content
    assert len(await bodycam.events(sessions, "bodycam.recording_stored")) == 1


def objects_in(settings):
    return [one for one in settings.objects_dir.rglob("*") if one.is_file()]


async def test_the_same_bytes_again_are_one_object_and_one_recording(system, sessions, settings):
    first = await uploaded(system)

    second = await uploaded(system)

    assert (first.status_code, second.status_code) == (201, 201)
    assert len(await stored(sessions, RecordingRow)) == 1
    assert len(await stored(sessions, AxisObjectRow)) == 1
    assert len(objects_in(settings)) == 1


async def test_other_bytes_under_one_name_are_both_kept(system, sessions):
    await uploaded(system)

    await uploaded(system, content=bodycam.footage(20).read_bytes())

    rows = await stored(sessions, AxisObjectRow)
    assert sorted(row.version for row in rows) == [1, 2]
    assert len(await stored(sessions, RecordingRow)) == 2


async def test_a_clip_of_an_unknown_camera_is_kept_until_it_is_registered(
    system, sessions, app, yard
):
    meta = META | {"X-Container-Meta-Bwcserialnumber": "ACCC8E000001"}
    answer = await uploaded(system, meta=meta)
    assert answer.status_code == 201
    assert not await stored(sessions, RecordingRow)

    async with transaction(sessions) as session:
        camera = await session.get(Device, yard.camera.camera_id)
        camera.serial_number = "ACCC8E000001"
    count = await take_in_waiting(docking_of(app), now=datetime.now(UTC))

    assert count == 1
    assert len(await stored(sessions, RecordingRow)) == 1


async def test_a_cut_body_leaves_nothing_and_is_asked_for_again(system, sessions, settings):
    await system.ask("PUT", CONTAINER, headers=META)

    async def body():
        yield b"x" * 100

    answer = await system.ask(
        "PUT", f"{CONTAINER}/{CLIP}", content=body(), headers={"Content-Length": "200"}
    )

    assert answer.status_code == 503
    assert not await stored(sessions, AxisObjectRow)
    assert not list((settings.objects_dir / "incoming").iterdir())


async def test_a_body_of_unknown_length_is_taken(system, sessions):
    await system.ask("PUT", CONTAINER, headers=META)
    content = bodycam.footage().read_bytes()

    async def body():
        for at in range(0, len(content), 65_536):
            yield content[at : at + 65_536]

    answer = await system.ask("PUT", f"{CONTAINER}/{CLIP}", content=body(), headers=CLIP_META)

    (row,) = await stored(sessions, RecordingRow)
    assert answer.status_code == 201
    assert row.found_bytes == len(content)


async def test_bytes_that_are_not_those_of_the_etag_are_not_kept(system, sessions, settings):
    await system.ask("PUT", CONTAINER, headers=META)

    answer = await system.ask(
        "PUT", f"{CONTAINER}/{CLIP}", content=b"abc", headers={"ETag": "0" * 32}
    )

    assert answer.status_code == 503
    assert not await stored(sessions, AxisObjectRow)
    assert objects_in(settings) == []


async def test_a_track_makes_the_recording_found_by_place(system, sessions, yard):
    track = {
        "CoordinateEntries": [
            {
                "LocationWKT": f"POINT({LONGITUDE} {LATITUDE})",
                "SecondsFromStart": 10.0,
                "Timestamp": "2026-11-20T03:00:10Z",
            },
            {"LocationWKT": "POINT(500 95)", "Timestamp": "2026-11-20T03:00:11Z"},
        ]
    }
    name = "20261120_030000_7CF7_S-1_gpstrail.json"
    await system.ask("PUT", CONTAINER, headers=META)
    early = await system.ask("PUT", f"{CONTAINER}/{name}", content=json.dumps(track))
    await uploaded(system)

    found = await bodycam.complain(yard)

    (row,) = await stored(sessions, RecordingRow)
    assert early.status_code == 201
    assert [one.recording.recording_id for one in found.recordings] == [row.id]


async def test_container_metadata_is_merged_and_an_empty_value_deletes(system):
    first = await system.ask("PUT", CONTAINER, headers=META)
    again = await system.ask("PUT", CONTAINER, headers={"X-Object-Meta-Userid": "u-1"})
    posted = await system.ask(
        "POST",
        CONTAINER,
        headers={"X-Container-Meta-Triggeron": "", "X-Container-Meta-Status": "Complete"},
    )
    head = await system.ask("HEAD", CONTAINER)

    assert [one.status_code for one in (first, again, posted, head)] == [201, 202, 204, 200]
    assert head.headers["X-Container-Meta-Status"] == "Complete"
    assert head.headers["X-Container-Meta-UserID"] == "u-1"
    assert "X-Container-Meta-TriggerOn" not in head.headers


async def test_object_metadata_is_replaced(system):
    await uploaded(system)

    posted = await system.ask(
        "POST", f"{CONTAINER}/{CLIP}", headers={"X-Object-Meta-Name": quote("Қызыл")}
    )
    head = await system.ask("HEAD", f"{CONTAINER}/{CLIP}")

    assert posted.status_code == 202
    assert head.headers["X-Object-Meta-Name"] == quote("Қызыл")
    assert "X-Object-Meta-StartTimeISO" not in head.headers


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "absent"), ("HEAD", "absent"), ("PUT", "absent/x.mp4"), ("POST", "absent/x.mp4")],
)
async def test_what_was_never_put_is_not_there(system, method, path):
    assert (await system.ask(method, path)).status_code == 404


async def test_rejected_content_is_never_refused(system, sessions):
    await system.ask("PUT", CONTAINER, headers=META)
    name = "RejectedContent_UnknownTime_5a0c"
    meta = {
        "X-Container-Meta-Rejectedcontentoriginalcontainer": CONTAINER,
        "X-Container-Meta-Rejectedcontentreason": "400",
    }
    put = await system.ask("PUT", name, headers=meta)

    answers = [
        await system.ask("PUT", f"{name}/{one}", content=b"no film at all")
        for one in ("20261120_030000_7CF7.mp4", "strange.bin", "bookmark_1_2")
    ]

    (row,) = await stored(sessions, RecordingRow)
    assert put.status_code == 201
    assert [one.status_code for one in answers] == [201, 201, 201]
    assert row.status.value == "quarantined"


async def test_another_system_s_account_is_not_there(client, sessions, system):
    keeper = await bodycam.principal_of(sessions, KEEPER)
    _, other = await bodycam.register(sessions, keeper, DeviceKind.DOCK)
    stranger = await System.signed_in(client, other)
    await system.ask("PUT", CONTAINER, headers=META)
    stranger.account = system.account

    assert (await stranger.ask("HEAD", CONTAINER)).status_code == 404
    assert (await stranger.ask("PUT", CONTAINER, headers=META)).status_code == 404


async def test_a_token_ends_with_its_dock(system, sessions, yard):
    async with transaction(sessions) as session:
        await session.execute(
            sa.update(Device).where(Device.id == yard.dock_id).values(status="suspended")
        )

    assert (await system.ask("PUT", CONTAINER, headers=META)).status_code == 401


async def test_too_large_is_said_before_a_byte_is_read(system):
    await system.ask("PUT", CONTAINER, headers=META)

    async def body():
        raise AssertionError("read")
        yield b""

    answer = await system.ask(
        "PUT", f"{CONTAINER}/notes.bin", content=body(), headers={"Content-Length": str(1 << 30)}
    )

    assert answer.status_code == 400


async def test_what_lies_beside_a_destroyed_recording_goes_with_it(system, sessions, parts):
    keeper = await bodycam.principal_of(sessions, KEEPER)
    await uploaded(system)
    await system.ask("PUT", f"{CONTAINER}/x_gpstrail.json", content='{"CoordinateEntries": []}')
    over = utc_now() + timedelta(days=100)
    await expiry.expire_recordings(sessions, trail=bodycam.TRAIL, now=over)
    async with transaction(sessions) as session:
        await session.execute(
            sa.update(RecordingRow).values(
                deletion_permitted_by=keeper.person_id, deletion_permitted_at=over
            )
        )

    destroyed = await expiry.destroy_expired(
        sessions, store=parts.store, trail=bodycam.TRAIL, now=over + timedelta(days=60)
    )

    folder = parts.settings.objects_dir
    assert destroyed == 1
    assert [one for one in folder.rglob("*") if one.is_file()] == []
    assert [row.metadata_ for row in await stored(sessions, AxisObjectRow)] == [{}, {}]
    head = await system.ask("HEAD", CONTAINER)
    assert not [name for name in head.headers if name.lower().startswith("x-container-meta")]


async def test_its_page_does_not_say_that_the_camera_signed_it(client, system, sessions, settings):
    trust_the_authority(settings)
    await uploaded(system)
    (row,) = await stored(sessions, RecordingRow)
    client.headers.update(BROWSER | OWN_PAGE)
    signed_in = await answer_challenge(client, REVIEWER, cookie=True)

    page = await look(client, f"/console/recordings/{row.id}")

    assert signed_in.status_code == 200
    assert "Сохранена такой, какой пришла" in page.text
    assert "какой её подписала камера" not in page.text


MARK = {
    "X-Object-Meta-Categoryid": "crime",
    "X-Object-Meta-Categoryname": quote("Қылмыс"),
    "X-Object-Meta-Starttime": "2026-11-20T03:00:20Z",
    "X-Object-Meta-Tags": "TriggerOn:Button;Plate:seen",
}


async def bookmarked(system, *, headers=MARK, text="Көлік қашты <b>"):
    name = f"{CONTAINER}/bookmark_1763607620_1"
    answer = await system.ask("PUT", name, headers=headers, content=text.encode())
    assert answer.status_code == 201


@pytest.mark.parametrize("bookmark_first", [True, False])
async def test_a_bookmark_lengthens_the_term_whichever_came_first(system, sessions, bookmark_first):
    await system.ask("PUT", CONTAINER, headers=META)
    if bookmark_first:
        await bookmarked(system)
    await uploaded(system)
    if not bookmark_first:
        await bookmarked(system)

    (row,) = await stored(sessions, RecordingRow)
    (event,) = await bodycam.events(sessions, "bodycam.category_changed")
    assert row.category.value == "crime"
    assert (event["from"], event["to"]) == ("other", "crime")


@pytest.mark.parametrize("category", ["other", "testimony-7", ""])
async def test_a_bookmark_shortens_nothing(system, sessions, category):
    await uploaded(system)
    async with transaction(sessions) as session:
        await session.execute(sa.update(RecordingRow).values(category="administrative"))

    await bookmarked(system, headers=MARK | {"X-Object-Meta-Categoryid": category})

    (row,) = await stored(sessions, RecordingRow)
    assert row.category.value == "administrative"


async def test_a_bookmark_stands_on_the_page_as_it_was_set(client, system, sessions, settings):
    trust_the_authority(settings)
    await uploaded(system)
    await bookmarked(system)
    (row,) = await stored(sessions, RecordingRow)
    client.headers.update(BROWSER | OWN_PAGE)
    await answer_challenge(client, REVIEWER, cookie=True)

    page = await look(client, f"/console/recordings/{row.id}")

    assert "Көлік қашты &lt;b&gt;" in page.text
    assert f"/console/recordings/{row.id}?t=20.0" in page.text
    assert "Преступление: 5 лет" in page.text
    assert "TriggerOn:Button, Plate:seen" in page.text


async def test_a_container_without_metadata_is_the_camera_s_of_its_name(system, sessions, yard):
    answer = await uploaded(system, meta={"X-Object-Meta-Mtime": "1795352404.27"})

    (row,) = await stored(sessions, RecordingRow)
    assert answer.status_code == 201
    assert row.camera_id == yard.camera.camera_id
