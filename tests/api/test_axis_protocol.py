"""Rules of the content destination API, one by one; docs/protocols/axis.md has their table."""

import asyncio
import base64
import hashlib
import json
import uuid
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
import sqlalchemy as sa

from app.db import transaction
from app.errors import Kind
from bodycam.api.axis import _STATUS
from bodycam.models import RecordingRow
from bodycam.models.axis import AxisObjectRow
from bodycam.service import Docking
from bodycam.service.axis import take_in_object, take_in_waiting
from sim.district import KEEPER, REVIEWER
from tests import factories_bodycam as bodycam
from tests.factories_axis import CLIP, CLIP_META, CONTAINER, KEY, META, SERIAL, System
from tests.factories_identity import answer_challenge, signed_in
from tests.factories_pages import BROWSER, OWN_PAGE, look

REJECTED = "RejectedContent_20261120T040000Z_5a0c"


@pytest.fixture
async def system(client, yard):
    return await System.signed_in(client, yard.dock)


@pytest.fixture
def docking(parts):
    return Docking(
        sessions=parts.sessions, store=parts.store, trail=parts.trail, recording_bytes_max=1 << 30
    )


async def stored(sessions, model):
    async with transaction(sessions) as session:
        return (await session.scalars(sa.select(model).order_by(model.id))).all()


async def uploaded(system, name=CLIP, *, content=None, headers=CLIP_META):
    await system.ask("PUT", CONTAINER, headers=META)
    content = bodycam.footage().read_bytes() if content is None else content
    answer = await system.ask("PUT", f"{CONTAINER}/{name}", headers=headers, content=content)
    assert answer.status_code == 201, answer.text
    return answer


async def connection_file(client, yard, **more):
    keeper = await signed_in(client, KEEPER)
    body = {"device_id": str(yard.dock_id), "site_name": "Алматы", **more}
    return await client.post("/api/axis/connection-file", json=body, headers=keeper)


# ------------------------------------------------------------------ connection file and token


async def test_a_connection_file_holds_what_the_specification_asks(client, yard):
    answer = await connection_file(client, yard)

    told = answer.json()
    assert answer.status_code == 200
    assert len(answer.content) <= 64 << 10
    assert told["ConnectionFileVersion"] == "1.0"
    assert 0 < len(told["SiteName"]) <= 64
    assert 0 < len(told["ApplicationName"]) <= 256
    assert 0 < len(told["ApplicationVersion"]) <= 128
    assert told["ContentDestinationAsNTPServer"] is False
    assert [one.endswith("/auth/v1.0") for one in told["AuthenticationTokenURI"]] == [True]
    assert 0 < len(told["BlobAPIKey"]) <= 64
    assert 0 < len(told["BlobAPIUserName"]) <= 64
    assert told["ContainerType"] == "mp4"
    assert told["FullStoreAndReadSupport"] is False


async def test_a_new_connection_file_replaces_the_key_of_the_old_one(client, yard):
    first = (await connection_file(client, yard)).json()
    second = (await connection_file(client, yard)).json()

    def shown(told):
        return {"X-Auth-User": told["BlobAPIUserName"], "X-Auth-Key": told["BlobAPIKey"]}

    old = await client.get("/axis/auth/v1.0", headers=shown(first))
    new = await client.get("/axis/auth/v1.0", headers=shown(second))
    assert first["BlobAPIUserName"] == second["BlobAPIUserName"]
    assert (old.status_code, new.status_code) == (401, 200)


async def test_a_file_that_cannot_be_made_leaves_the_old_key(client, yard):
    refused = await connection_file(client, yard, certificates_pem=["no certificate"])

    assert refused.json()["code"] == "bodycam.axis_connection_not_valid"
    await System.signed_in(client, yard.dock)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_a_token_is_asked_for_by_get_alone(client, yard, method):  # noqa: ARG001 - the staff
    assert (await client.request(method, "/axis/auth/v1.0")).status_code == 400


async def test_nothing_goes_without_a_token(client, system):
    answers = [
        await client.request(method, f"{system.account}/{path}")
        for method, path in [
            ("GET", "System/Capabilities.json"),
            ("PUT", CONTAINER),
            ("POST", CONTAINER),
            ("HEAD", CONTAINER),
            ("PUT", f"{CONTAINER}/{CLIP}"),
            ("POST", f"{CONTAINER}/{CLIP}"),
            ("HEAD", f"{CONTAINER}/{CLIP}"),
        ]
    ]

    assert {one.status_code for one in answers} == {401}


# ------------------------------------------------------------------ requests


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PATCH", f"{CONTAINER}/{CLIP}", 400),
        ("DELETE", f"{CONTAINER}/{CLIP}", 400),
        ("DELETE", CONTAINER, 400),
        ("COPY", f"{CONTAINER}/{CLIP}", 400),
        ("GET", f"{CONTAINER}/{CLIP}", 403),
        ("GET", CONTAINER, 403),
        ("GET", "", 400),
        ("GET", "System/absent.json", 404),
    ],
)
async def test_what_the_protocol_does_not_have_is_refused(system, sessions, method, path, status):
    await uploaded(system)

    answer = await system.ask(method, path)

    assert answer.status_code == status
    assert len(await stored(sessions, AxisObjectRow)) == 1


@pytest.mark.parametrize("name", ["Capabilities.json", "Categories.json"])
async def test_what_we_publish_is_found_by_head_too(system, name):
    got = await system.ask("GET", f"System/{name}")
    head = await system.ask("HEAD", f"System/{name}")

    assert head.status_code == 200
    assert head.headers["ETag"] == got.headers["ETag"] == hashlib.md5(got.content).hexdigest()
    assert head.headers["Content-Length"] == str(len(got.content))


@pytest.mark.parametrize(
    ("container", "name", "meta"),
    [
        ("System", str(uuid.UUID(int=7)), {"ConnectionId": "c" * 100, "SystemName": "Алматы"}),
        ("Users", str(uuid.UUID(int=8)), {"Active": "True", "Name": "Қанат", "UserID": "77"}),
        ("Devices", SERIAL, {"Active": "False", "Name": "№ 7", "Model": "W100"}),
    ],
)
@pytest.mark.parametrize("container_first", [True, False])
async def test_systems_users_and_devices_are_put_and_renamed(
    system, container, name, meta, container_first
):
    if container_first:
        assert (await system.ask("PUT", container)).status_code == 201
    headers = {f"X-Object-Meta-{key.capitalize()}": quote(value) for key, value in meta.items()}
    put = await system.ask("PUT", f"{container}/{name}", headers=headers)
    named = headers | {"X-Object-Meta-Name": quote("Ербол")}
    renamed = await system.ask("POST", f"{container}/{name}", headers=named)
    head = await system.ask("HEAD", f"{container}/{name}")

    assert (put.status_code, renamed.status_code, head.status_code) == (201, 202, 200)
    shown = {key: head.headers[f"X-Object-Meta-{key}"] for key in meta}
    assert shown == {
        key: quote(value) for key, value in (meta | {"Name": "Ербол"}).items() if key in meta
    }
    assert head.headers["X-Object-Meta-Name"] == quote("Ербол")


async def test_a_system_reads_back_the_id_that_it_stored(system):
    name = str(uuid.UUID(int=7))
    meta = {"X-Object-Meta-Connectionid": "c-1"}
    await system.ask("PUT", f"System/{name}", headers=meta)

    answer = await system.ask("GET", f"System/{name}")

    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["ETag"] == hashlib.md5(b"").hexdigest()


@pytest.mark.parametrize("name", ["a:b.txt", "folder/inner/x.txt", "Қызыл 1.txt"])
async def test_names_hold_colons_slashes_and_letters(system, sessions, name):
    await system.ask("PUT", CONTAINER, headers=META)

    put = await system.ask("PUT", f"{CONTAINER}/{quote(name)}", content=b"x")
    head = await system.ask("HEAD", f"{CONTAINER}/{quote(name)}")

    (row,) = await stored(sessions, AxisObjectRow)
    assert (put.status_code, head.status_code, row.name) == (201, 200, name)


async def test_metadata_come_back_as_they_were_given(system):
    location = "51.12845671.430411512.01763607620"
    meta = META | {
        "X-Container-Meta-Triggeronlocation": location,
        "X-Container-Meta-Timezone": quote("Asia/Almaty"),
        "X-Container-Meta-Triggeron": "Fall detection",
        "X-Container-Meta-Newerkey": "kept",
    }
    await system.ask("PUT", CONTAINER, headers=meta)

    head = await system.ask("HEAD", CONTAINER)

    assert head.headers["X-Container-Meta-TriggerOnLocation"] == location
    assert head.headers["X-Container-Meta-TimeZone"] == "Asia/Almaty"
    assert head.headers["X-Container-Meta-TriggerOn"] == "Fall%20detection"
    assert head.headers["X-Container-Meta-Newerkey"] == "kept"


# ------------------------------------------------------------------ what a status means


def test_each_kind_of_refusal_has_the_status_that_a_system_acts_on():
    never_again = {Kind.INVALID, Kind.TOO_LARGE}

    assert set(_STATUS) == set(Kind)
    assert {kind for kind, status in _STATUS.items() if status == 400} == never_again
    assert _STATUS[Kind.UNAVAILABLE] == _STATUS[Kind.CONFLICT] == 503
    assert _STATUS[Kind.FULL] == 507


async def test_over_eight_objects_at_once_are_busy_before_a_byte_is_read(system):
    await system.ask("PUT", CONTAINER, headers=META)
    going, all_in = asyncio.Event(), asyncio.Semaphore(0)

    async def slow():
        yield b"x"
        all_in.release()
        await going.wait()

    async def unread():
        raise AssertionError("read")
        yield b""

    puts = [
        asyncio.create_task(system.ask("PUT", f"{CONTAINER}/{number}.bin", content=slow()))
        for number in range(8)
    ]
    for _ in puts:
        await all_in.acquire()

    busy = await system.ask("PUT", f"{CONTAINER}/9.bin", content=unread())

    going.set()
    answers = await asyncio.gather(*puts)
    again = await system.ask("PUT", f"{CONTAINER}/9.bin", content=b"x")
    assert (busy.status_code, busy.headers["Retry-After"]) == (503, "5")
    assert {one.status_code for one in [*answers, again]} == {201}


async def test_a_full_store_is_507_and_leaves_nothing(system, sessions):
    await system.ask("PUT", CONTAINER, headers=META)
    content = bodycam.long_footage().read_bytes()

    with bodycam.full_disk(1 << 20):
        full = await system.ask("PUT", f"{CONTAINER}/{CLIP}", content=content, headers=CLIP_META)
    left = await stored(sessions, AxisObjectRow)
    again = await system.ask("PUT", f"{CONTAINER}/{CLIP}", content=content, headers=CLIP_META)

    assert (full.status_code, full.headers["Retry-After"], left) == (507, "5", [])
    assert again.status_code == 201


# ------------------------------------------------------------------ what the objects become


async def test_a_clip_over_the_bound_is_answered_first_and_taken_in_by_a_job(
    system, sessions, docking
):
    await uploaded(system, content=bodycam.long_footage(10).read_bytes())  # over 64 MiB
    before = await stored(sessions, RecordingRow)
    await system.ask("POST", CONTAINER, headers={"X-Container-Meta-Status": "Complete"})
    still = await stored(sessions, RecordingRow)
    (kept,) = await stored(sessions, AxisObjectRow)
    async with transaction(sessions) as session:
        jobs = (
            await session.execute(
                sa.text("SELECT task_name, args FROM procrastinate_jobs WHERE task_name = :task"),
                {"task": "bodycam.take_in_object"},
            )
        ).all()

    taken = await take_in_object(docking, object_id=kept.id, now=datetime.now(UTC))

    (row,) = await stored(sessions, RecordingRow)
    assert (before, still) == ([], [])
    assert [tuple(one) for one in jobs] == [("bodycam.take_in_object", {"object_id": str(kept.id)})]
    assert (taken, row.status.value) == (1, "reviewable")


async def test_a_job_of_an_object_that_is_not_there_does_nothing(yard, docking):  # noqa: ARG001
    assert await take_in_object(docking, object_id=uuid.UUID(int=1), now=datetime.now(UTC)) == 0


async def test_the_times_of_a_clip_are_kept_apart(system, sessions):
    sent = datetime.now(UTC)
    longer = CLIP_META | {"X-Object-Meta-Stoptimeiso": "2026-11-20T03:02:00Z"}

    await uploaded(system, headers=longer)

    (row,) = await stored(sessions, RecordingRow)
    (kept,) = await stored(sessions, AxisObjectRow)
    assert row.started_at == bodycam.STARTED_AT  # as declared
    assert row.ended_at == bodycam.STARTED_AT + timedelta(minutes=2)
    assert abs(row.duration_ms - 60_000) < 1000  # as the film itself says
    assert kept.stored_at >= sent  # as our clock says


async def test_a_bookmark_may_be_empty_and_without_a_time(client, system, sessions):
    await uploaded(system)
    put = await system.ask("PUT", f"{CONTAINER}/bookmark_1763607620_1", content=b"")
    (row,) = await stored(sessions, RecordingRow)
    client.headers.update(BROWSER | OWN_PAGE)
    await answer_challenge(client, REVIEWER, cookie=True)

    page = await look(client, f"/console/recordings/{row.id}")

    assert put.status_code == 201
    assert "Вся запись" in page.text


async def test_bytes_that_are_no_film_are_kept_in_quarantine(system, sessions):
    mkv = CLIP.replace(".mp4", ".mkv")

    await uploaded(system, mkv, content=b"\x1aE\xdf\xa3 matroska")

    (row,) = await stored(sessions, RecordingRow)
    assert row.status.value == "quarantined"


# ------------------------------------------------------------------ rejected content


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Object-Meta-Name": "x" * 2000},
        {"X-Object-Meta-Name": "%ff%fe"},
        {f"X-Object-Meta-K{number}": "v" for number in range(80)},
    ],
    ids=["too long", "no text", "too many"],
)
async def test_metadata_that_are_refused_elsewhere_are_taken_as_rejected(system, headers):
    await system.ask("PUT", CONTAINER, headers=META)
    refused = await system.ask("PUT", f"{CONTAINER}/x.bin", headers=headers, content=b"x")
    put = await system.ask("PUT", REJECTED, headers=headers)

    taken = await system.ask("PUT", f"{REJECTED}/x.bin", headers=headers, content=b"x")

    assert (refused.status_code, put.status_code, taken.status_code) == (400, 201, 201)


async def test_rejected_content_over_the_limit_is_asked_for_again(system):
    await system.ask("PUT", REJECTED)

    async def body():
        raise AssertionError("read")
        yield b""

    answer = await system.ask(
        "PUT", f"{REJECTED}/{CLIP}", content=body(), headers={"Content-Length": str(1 << 39)}
    )

    assert (answer.status_code, answer.headers["Retry-After"]) == (507, "5")


async def test_the_rest_of_a_rejected_recording_is_one_of_its_own(system, sessions, yard):
    await uploaded(system)
    meta = {"X-Container-Meta-Rejectedcontentoriginalcontainer": CONTAINER}
    await system.ask("PUT", REJECTED, headers=meta)
    later = {
        "X-Object-Meta-Starttimeiso": "2026-11-20T03:01:00Z",
        "X-Object-Meta-Rejectedcontentoriginalcontainer": CONTAINER,
    }

    await system.ask(
        "PUT",
        f"{REJECTED}/20261120_030100_7CF8.mp4",
        headers=later,
        content=bodycam.footage(20).read_bytes(),
    )

    rows = sorted(await stored(sessions, RecordingRow), key=lambda row: row.started_at)
    assert [row.camera_id for row in rows] == [yard.camera.camera_id] * 2
    assert rows[1].started_at == bodycam.STARTED_AT + timedelta(minutes=1)


async def test_a_key_object_alone_is_kept(system, sessions, docking):
    body = {"EncryptedKey": base64.b64encode(b"x").decode(), "PublicKeyId": "7"}
    await uploaded(system, KEY, content=json.dumps(body).encode(), headers={})

    await take_in_waiting(docking, now=datetime.now(UTC))

    (row,) = await stored(sessions, AxisObjectRow)
    assert (row.recording_id, row.taken_in_at is not None) == (None, True)
