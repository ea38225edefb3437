"""The dock protocol where parts go straight to an S3 store; moto stands in for it."""

import hashlib
import secrets

import httpx
import pytest
from moto.server import ThreadedMotoServer

from bodycam.storage.s3 import S3Store
from bodycam.wire.digests import BLOCK_SIZE_BYTES
from bodycam.wire.protocol import DifferingBlock
from sim.camera import change_byte, cut_short
from sim.district import REVIEWER
from tests import factories_bodycam as bodycam
from tests.factories_identity import signed_in


@pytest.fixture(scope="module")
def s3_server():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def store(app, s3_server):
    bucket = f"b{secrets.token_hex(8)}"
    store = S3Store(
        endpoint=s3_server,
        region="us-east-1",
        bucket=bucket,
        access_key="test",
        secret_key="testsecret",
        checksums_when_required=True,
        presign_seconds=600,
    )
    store._client.create_bucket(Bucket=bucket)
    app.state.store = store
    return store


@pytest.fixture
def recorded(yard, store):
    assert store.takes_parts_itself
    return yard.record(footage_file=bodycam.long_footage())


async def plan_of(client, yard, recorded, **more):
    return (await bodycam.announce(client, recorded, yard.dock, **more)).raise_for_status().json()


async def send(recorded, parts, *, body=None):
    """Send the parts as the dock does: straight, without the device's credential."""
    async with httpx.AsyncClient(trust_env=False, timeout=60) as straight:
        for part in parts:
            block = body or bodycam.block(recorded, part["number"])
            answer = await straight.put(part["url"], content=block, headers=part["headers"])
            answer.raise_for_status()


async def test_a_recording_goes_to_the_store_and_is_verified_from_it(client, yard, recorded):
    plan = await plan_of(client, yard, recorded)
    await send(recorded, plan["parts"])

    answer = await bodycam.complete(client, recorded, yard.dock)

    assert all(part["url"].startswith("http://127.0.0.1:") for part in plan["parts"])
    assert answer.json()["receipt"]["merkle_root"] == recorded.manifest.merkle_root
    assert answer.json()["receipt"]["whole"] is True


async def test_the_plan_goes_on_from_what_the_store_holds(client, yard, recorded):
    plan = await plan_of(client, yard, recorded)
    await send(recorded, plan["parts"][1:2])

    again = await plan_of(client, yard, recorded)

    assert again["acknowledged"] == [1]
    assert [part["number"] for part in again["parts"]] == [0, 2]


async def test_completing_too_early_names_what_is_missing(client, yard, recorded):
    plan = await plan_of(client, yard, recorded)
    await send(recorded, plan["parts"][:1])

    answer = await bodycam.complete(client, recorded, yard.dock)

    assert (answer.status_code, answer.json()["missing"]) == (409, [1, 2])


async def test_bytes_that_the_store_took_wrongly_are_found_and_the_upload_begins_anew(
    client, yard, recorded
):
    plan = await plan_of(client, yard, recorded)
    await send(recorded, plan["parts"][:1], body=bytes(BLOCK_SIZE_BYTES))
    await send(recorded, plan["parts"][1:])

    answer = await bodycam.complete(client, recorded, yard.dock)
    again = await plan_of(client, yard, recorded)

    assert (answer.status_code, answer.json()["code"]) == (409, "bodycam.stored_bytes_wrong")
    assert answer.json()["blocks"] == [0]
    assert (again["acknowledged"], len(again["parts"])) == ([], 3)
    assert len(await bodycam.events(yard.sessions, "bodycam.stored_bytes_wrong")) == 1


async def test_a_recording_begun_anew_can_be_completed(client, yard, recorded):
    plan = await plan_of(client, yard, recorded)
    await send(recorded, plan["parts"][:1], body=bytes(BLOCK_SIZE_BYTES))
    await send(recorded, plan["parts"][1:])
    await bodycam.complete(client, recorded, yard.dock)
    await send(recorded, (await plan_of(client, yard, recorded))["parts"])

    answer = await bodycam.complete(client, recorded, yard.dock)

    assert answer.json()["receipt"]["whole"] is True


async def test_a_part_through_the_server_is_sent_to_the_store(client, yard, recorded):
    await plan_of(client, yard, recorded)

    answer = await bodycam.put(client, recorded, 0, yard.dock)

    assert (answer.status_code, answer.json()["code"]) == (409, "bodycam.part_goes_to_store")


async def test_a_sealed_upload_is_completed_after_a_crash(client, yard, recorded, store):
    plan = await plan_of(client, yard, recorded)
    await send(recorded, plan["parts"])
    key = f"recordings/{recorded.recording_id}"
    parts = await store._call(lambda: store._client.list_multipart_uploads(Bucket=store._bucket))
    upload = parts["Uploads"][0]["UploadId"]
    await store.seal(key=key, upload=upload, size_bytes=recorded.manifest.size_bytes)

    answer = await bodycam.complete(client, recorded, yard.dock)

    assert answer.json()["receipt"]["whole"] is True


async def test_a_range_is_given_from_the_store(client, yard, recorded):
    await send(recorded, (await plan_of(client, yard, recorded))["parts"])
    await bodycam.complete(client, recorded, yard.dock)
    reviewer = await signed_in(client, REVIEWER)

    answer = await client.get(
        f"/api/recordings/{recorded.recording_id}/content",
        headers={**reviewer, "Range": "bytes=8388600-8388615"},
    )

    assert answer.status_code == 206
    whole = (recorded.folder / "recording.mp4").read_bytes()
    assert answer.content == whole[8388600:8388616]


async def test_what_is_stored_is_the_camera_s_file(client, yard, recorded, store):
    await send(recorded, (await plan_of(client, yard, recorded))["parts"])
    await bodycam.complete(client, recorded, yard.dock)

    key, size = f"recordings/{recorded.recording_id}", recorded.manifest.size_bytes
    hashing = hashlib.sha256()
    async for chunk in store.open_range(key=key, start=0, length=size):
        hashing.update(chunk)
    whole = (recorded.folder / "recording.mp4").read_bytes()
    assert hashing.digest() == hashlib.sha256(whole).digest()


def as_found(recorded, number):
    digest = hashlib.sha256(bodycam.block(recorded, number)).hexdigest()
    return DifferingBlock(number=number, sha256=digest)


async def test_what_the_store_holds_stays_when_another_block_is_declared(client, yard, recorded):
    plan = await plan_of(client, yard, recorded)
    await send(recorded, plan["parts"][:2])
    for block in (1, 2):
        change_byte(recorded, at_byte=block * BLOCK_SIZE_BYTES + 7)

    differing = (as_found(recorded, 1), as_found(recorded, 2))
    again = await plan_of(client, yard, recorded, differing=differing)
    await send(recorded, again["parts"])
    await bodycam.complete(client, recorded, yard.dock)

    assert (again["acknowledged"], again["kept"]) == ([0, 1], [1])
    (stored,) = await bodycam.events(yard.sessions, "bodycam.recording_stored")
    assert [one["first_byte"] for one in stored["damage"] if one["kind"] == "block_differs"] == [
        2 * BLOCK_SIZE_BYTES
    ]


async def test_what_the_store_holds_of_a_file_that_is_shorter_now_stays(client, yard, recorded):
    plan = await plan_of(client, yard, recorded)
    await send(recorded, plan["parts"][:2])
    keep = BLOCK_SIZE_BYTES + 100
    cut_short(recorded, keep_bytes=keep)

    again = await plan_of(
        client, yard, recorded, found_bytes=keep, differing=(as_found(recorded, 1),)
    )
    receipt = (await bodycam.complete(client, recorded, yard.dock)).json()["receipt"]

    assert (again["acknowledged"], again["kept"], again["parts"]) == ([0, 1], [1], [])
    assert (receipt["size_bytes"], receipt["whole"]) == (2 * BLOCK_SIZE_BYTES, False)


async def test_a_block_that_is_stored_otherwise_than_it_is_signed_comes_again(
    client, yard, recorded
):
    signed = (recorded.folder / "recording.mp4").read_bytes()
    change_byte(recorded, at_byte=BLOCK_SIZE_BYTES + 7)
    plan = await plan_of(client, yard, recorded, differing=(as_found(recorded, 1),))
    await send(recorded, plan["parts"][:2])
    (recorded.folder / "recording.mp4").write_bytes(signed)

    again = await plan_of(client, yard, recorded)
    await send(recorded, again["parts"])
    answer = await bodycam.complete(client, recorded, yard.dock)

    assert again["acknowledged"] == []
    assert answer.json()["receipt"]["whole"] is True


async def test_a_store_that_holds_nothing_of_a_lost_file_makes_an_empty_object(
    client, yard, recorded, store
):
    await plan_of(client, yard, recorded)

    await plan_of(client, yard, recorded, found_bytes=0)
    answer = await bodycam.complete(client, recorded, yard.dock)

    assert answer.json()["receipt"]["size_bytes"] == 0
    assert await store.size_of(key=f"recordings/{recorded.recording_id}") == 0
