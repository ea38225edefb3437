"""The dock protocol where parts go straight to a store that holds them to their digests."""

import hashlib
from datetime import UTC, datetime

import httpx
import pytest

from app.clock import utc_now
from app.db import transaction
from bodycam.errors import ObjectAbsent
from bodycam.models import RecordingRow
from bodycam.service import Docking, scrubbing
from bodycam.service.reading_back import read_back, read_back_waiting
from bodycam.wire.digests import BLOCK_SIZE_BYTES
from bodycam.wire.protocol import DifferingBlock
from sim.camera import change_byte
from sim.district import KEEPER, REVIEWER
from tests import factories_bodycam as bodycam
from tests.factories_identity import signed_in
from tests.factories_store import store_of


@pytest.fixture
def store(app, ceph):
    store = store_of(ceph)
    app.state.store = store
    return store


@pytest.fixture
def recorded(yard, store):  # noqa: ARG001 - the store must be there
    return yard.record(footage_file=bodycam.long_footage())


@pytest.fixture
def docking(sessions, store):
    return Docking(sessions=sessions, store=store, trail=bodycam.TRAIL, recording_bytes_max=1 << 40)


def key_of(recorded):
    return f"recordings/{recorded.recording_id}"


async def plan_of(client, yard, recorded):
    return (await bodycam.announce(client, recorded, yard.dock)).raise_for_status().json()


async def sent(recorded, parts, *, body=None):
    """Send the parts as the dock does; return the answers."""
    async with httpx.AsyncClient(trust_env=False, timeout=60) as straight:
        return [
            await straight.put(
                part["url"],
                content=body or bodycam.block(recorded, part["number"]),
                headers=part["headers"],
            )
            for part in parts
        ]


async def receipted(client, yard, recorded):
    for answer in await sent(recorded, (await plan_of(client, yard, recorded))["parts"]):
        answer.raise_for_status()
    return (await bodycam.complete(client, recorded, yard.dock)).raise_for_status().json()


async def row_of(sessions, recorded):
    async with transaction(sessions) as session:
        return await session.get(RecordingRow, recorded.recording_id)


async def exchange(store, recorded, content):
    """Put another object in the place of the recording's, past all that the server does."""
    await store._call(
        lambda: store._client.put_object(Bucket=store._bucket, Key=key_of(recorded), Body=content)
    )


def damaged(recorded):
    whole = bytearray((recorded.folder / "recording.mp4").read_bytes())
    whole[BLOCK_SIZE_BYTES + 77] ^= 1
    return bytes(whole)


async def test_a_receipt_is_given_without_reading_what_the_store_was_held_to(
    client, yard, recorded, sessions
):
    answer = await receipted(client, yard, recorded)

    assert answer["receipt"]["merkle_root"] == recorded.manifest.merkle_root
    assert answer["receipt"]["whole"] is True
    (event,) = await bodycam.events(sessions, "bodycam.recording_stored")
    assert (event["read"], event["status"]) == (False, "verified")


async def test_the_store_itself_refuses_a_wrong_part(client, yard, recorded):
    plan = await plan_of(client, yard, recorded)
    block = bytearray(bodycam.block(recorded, 0))
    block[-1] ^= 1

    (answer,) = await sent(recorded, plan["parts"][:1], body=bytes(block))

    assert answer.status_code == 400
    assert (await plan_of(client, yard, recorded))["acknowledged"] == []


async def test_the_first_reading_makes_it_playable_and_counts_as_one(
    client, yard, recorded, docking, sessions
):
    await receipted(client, yard, recorded)

    done = [
        await read_back(docking, recording_id=recorded.recording_id, now=utc_now())
        for _ in range(2)
    ]

    row = await row_of(sessions, recorded)
    assert done == [True, False]
    assert (row.status.value, row.damage) == ("reviewable", [])
    assert row.scrubbed_at is not None
    (event,) = await bodycam.events(sessions, "bodycam.recording_read_back")
    assert (event["as_stored"], event["status"]) == (True, "reviewable")
    reviewer = await signed_in(client, REVIEWER)
    playlist = await client.get(
        f"/api/recordings/{recorded.recording_id}/playlist.m3u8", headers=reviewer
    )
    assert playlist.status_code == 200


async def test_a_reading_that_was_lost_is_made_up_for(client, yard, recorded, docking, sessions):
    await receipted(client, yard, recorded)

    assert [await read_back_waiting(docking, now=utc_now()) for _ in range(2)] == [1, 0]

    assert (await row_of(sessions, recorded)).status.value == "reviewable"


async def test_the_first_reading_is_the_month_s(client, yard, recorded, docking, sessions, store):
    await receipted(client, yard, recorded)
    await read_back_waiting(docking, now=utc_now())

    again = await scrubbing.scrub(sessions, store=store, trail=bodycam.TRAIL, now=datetime.now(UTC))

    assert again == (0, 0)


async def test_a_byte_changed_after_the_receipt_is_found_by_the_first_reading(
    client, yard, recorded, docking, sessions, store
):
    await receipted(client, yard, recorded)
    await exchange(store, recorded, damaged(recorded))

    await read_back_waiting(docking, now=utc_now())

    keeper = await signed_in(client, KEEPER)
    (fault,) = (await client.get("/api/custody/faults", headers=keeper)).json()
    assert fault["blocks"] == [1]
    (event,) = await bodycam.events(sessions, "bodycam.recording_read_back")
    assert event["as_stored"] is False


async def test_an_object_that_went_is_told_and_stays_unread(
    client, yard, recorded, docking, sessions, store
):
    await receipted(client, yard, recorded)
    await store.destroy(key=key_of(recorded))

    assert [await read_back_waiting(docking, now=utc_now()) for _ in range(2)] == [0, 0]

    (event,) = await bodycam.events(sessions, "bodycam.storage_fault")
    assert event["absent"] is True
    assert (await row_of(sessions, recorded)).status.value == "verified"


async def test_an_object_of_another_origin_is_read_before_it_is_receipted(
    client, yard, recorded, store
):
    """Of the right size and in the right place, but not made of this upload's parts."""
    plan = await plan_of(client, yard, recorded)
    await sent(recorded, plan["parts"])
    await exchange(store, recorded, damaged(recorded))

    answer = await bodycam.complete(client, recorded, yard.dock)

    assert (answer.status_code, answer.json()["code"]) == (409, "bodycam.stored_bytes_wrong")
    assert answer.json()["blocks"] == [1]
    assert (await receipted(client, yard, recorded))["receipt"]["whole"] is True


async def test_an_upload_of_an_earlier_release_is_read_before_it_is_receipted(
    client, yard, recorded, sessions
):
    plan = await plan_of(client, yard, recorded)
    await sent(recorded, plan["parts"])
    async with transaction(sessions) as session:
        row = await session.get(RecordingRow, recorded.recording_id)
        row.upload_ref = row.upload_ref.rpartition(":")[2]

    (await bodycam.complete(client, recorded, yard.dock)).raise_for_status()

    (event,) = await bodycam.events(sessions, "bodycam.recording_stored")
    assert (event["read"], event["status"]) == (True, "reviewable")


async def test_what_is_no_video_is_known_when_it_is_read(client, yard, tmp_path, docking, sessions):
    file = tmp_path / "no-video"
    file.write_bytes(b"%PDF-1.4" + bytes(6 << 20))
    recorded = yard.record(footage_file=file)
    await receipted(client, yard, recorded)

    await read_back_waiting(docking, now=utc_now())

    row = await row_of(sessions, recorded)
    assert row.status.value == "quarantined"
    assert row.quarantine_reason


async def test_an_address_of_before_a_declaration_gets_no_receipt_for_its_bytes(
    client, yard, recorded, store
):
    before = await plan_of(client, yard, recorded)
    await sent(recorded, before["parts"][:2])
    signed = bodycam.block(recorded, 2)
    change_byte(recorded, at_byte=2 * BLOCK_SIZE_BYTES + 7)
    digest = hashlib.sha256(bodycam.block(recorded, 2)).hexdigest()
    differing = (DifferingBlock(number=2, sha256=digest),)
    announced = await bodycam.announce(client, recorded, yard.dock, differing=differing)
    plan = announced.raise_for_status().json()

    (late,) = await sent(recorded, before["parts"][2:], body=signed)
    answer = await bodycam.complete(client, recorded, yard.dock)

    assert (plan["acknowledged"], late.status_code) == ([0, 1], 200)
    assert (answer.status_code, answer.json()["code"]) == (409, "bodycam.stored_bytes_wrong")
    assert answer.json()["blocks"] == [2]
    with pytest.raises(ObjectAbsent):
        await store.size_of(key=key_of(recorded))
