"""Docks and cameras that do wrong, each by its name: what they cannot do, and that others go on.

Each of the table does its wrong, then an honest dock finishes. What must hold whatever was done:
the recording is stored whole, by the root that the camera signed, and its camera has one receipt.
"""

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest

from app.db import transaction
from bodycam.models import RecordingRow
from bodycam.wire import protocol
from bodycam.wire.digests import content_digest
from bodycam.wire.protocol import DifferingBlock
from sim.camera import Camera
from tests import factories_bodycam as bodycam

OTHER_SHA256 = "0" * 64


@pytest.fixture
async def yard(sessions, tmp_path):
    return await bodycam.yard(sessions, tmp_path)


async def ends_a_part_in_the_middle(client, yard, long):
    await bodycam.announce(client, long, yard.dock)
    whole = bodycam.block(long, 0)

    async def cut():
        yield whole[: len(whole) // 3]

    answer = await client.put(
        protocol.PATH_PART.format(recording_id=long.recording_id, part_number=0),
        content=cut(),
        headers={
            **yard.dock,
            "Content-Length": str(len(whole)),
            protocol.DIGEST_HEADER: content_digest(hashlib.sha256(whole).digest()),
        },
    )
    assert answer.json()["code"] == "bodycam.part_size_wrong"


async def sends_less_than_it_says(client, yard, long):
    await bodycam.announce(client, long, yard.dock)
    answer = await bodycam.put(client, long, 0, yard.dock, body=bodycam.block(long, 0)[:-1])
    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY


async def sends_the_last_part_first(client, yard, long):
    await bodycam.announce(client, long, yard.dock)
    for number in (2, 1, 0):
        assert (await bodycam.put(client, long, number, yard.dock)).is_success


async def repeats_every_part(client, yard, long):
    await bodycam.announce(client, long, yard.dock)
    for number in (0, 0, 1, 0, 1):
        assert (await bodycam.put(client, long, number, yard.dock)).is_success


async def repeats_a_part_with_other_bytes(client, yard, long):
    await bodycam.announce(client, long, yard.dock)
    good = bodycam.block(long, 0)
    await bodycam.put(client, long, 0, yard.dock)
    await bodycam.put(client, long, 0, yard.dock, body=bytes(len(good)), digest_of=good)


async def puts_one_part_in_another_s_place(client, yard, long):
    await bodycam.announce(client, long, yard.dock)
    answer = await bodycam.put(client, long, 1, yard.dock, body=bodycam.block(long, 0))
    assert answer.json()["code"] == "bodycam.block_differs"


async def swaps_two_cameras(client, yard, long):
    other = yard.record(footage_file=bodycam.spread_footage())
    await bodycam.announce(client, long, yard.dock)
    await bodycam.announce(client, other, yard.dock)
    answer = await bodycam.put(client, long, 0, yard.dock, body=bodycam.block(other, 0))
    assert answer.json()["code"] == "bodycam.block_differs"
    assert (await bodycam.dock_whole(client, other, yard.dock)).json()["receipt"]["whole"]


async def announces_twice_at_once(client, yard, long):
    answers = await asyncio.gather(*(bodycam.announce(client, long, yard.dock) for _ in range(3)))
    assert any(one.is_success for one in answers)


async def sends_one_part_twice_at_once(client, yard, long):
    await bodycam.announce(client, long, yard.dock)
    answers = await asyncio.gather(*(bodycam.put(client, long, 0, yard.dock) for _ in range(3)))
    assert any(one.is_success for one in answers)


async def asks_for_the_receipt_too_early(client, yard, long):
    await bodycam.announce(client, long, yard.dock)
    answer = await bodycam.complete(client, long, yard.dock)
    assert answer.json()["code"] == "bodycam.parts_missing"


async def signs_as_another_camera(client, yard, long):
    forger = Camera(camera_id=yard.camera.camera_id)
    forged = forger.sign_and_write(
        bay=yard.bays / "forged", footage=bodycam.long_footage(), manifest=long.manifest
    )
    answer = await bodycam.announce(client, forged, yard.dock)
    assert answer.json()["code"] == "bodycam.manifest_not_signed"


async def changes_the_manifest_between_two_announcements(client, yard, long):
    await bodycam.announce(client, long, yard.dock)
    changed = yard.camera.sign_and_write(
        bay=yard.bays / "changed",
        footage=bodycam.long_footage(),
        manifest=long.manifest.model_copy(update={"battery_percent": 99}),
    )
    answer = await bodycam.announce(client, changed, yard.dock)
    assert answer.json()["code"] == "bodycam.manifest_changed"


async def claims_a_size_that_it_has_not(client, yard, long):
    answer = await bodycam.announce(
        client, long, yard.dock, found_bytes=long.manifest.size_bytes + 1
    )
    assert answer.json()["code"] == "bodycam.block_differs"


async def declares_a_block_that_it_then_does_not_send(client, yard, long):
    differing = [DifferingBlock(number=1, sha256=OTHER_SHA256)]
    await bodycam.announce(client, long, yard.dock, differing=differing)
    answer = await bodycam.put(client, long, 1, yard.dock)
    assert answer.json()["code"] == "bodycam.block_differs"


async def numbers_parts_that_are_not(client, yard, long):
    await bodycam.announce(client, long, yard.dock)
    answer = await bodycam.put(client, long, 9_999, yard.dock, body=b"x")
    assert answer.json()["code"] == "bodycam.part_out_of_range"


async def sends_bulk_before_it_has_announced(client, yard, long):
    answer = await bodycam.put(client, long, 0, yard.dock)
    assert answer.json()["code"] == "bodycam.recording_not_found"


async def names_a_recording_that_is_not(client, yard, long):
    path = protocol.PATH_COMPLETE.format(recording_id=uuid4())
    assert (await client.post(path, headers=yard.dock)).status_code == httpx.codes.NOT_FOUND
    await bodycam.announce(client, long, yard.dock)


WRONGS = [
    ends_a_part_in_the_middle,
    sends_less_than_it_says,
    sends_the_last_part_first,
    repeats_every_part,
    repeats_a_part_with_other_bytes,
    puts_one_part_in_another_s_place,
    swaps_two_cameras,
    announces_twice_at_once,
    sends_one_part_twice_at_once,
    asks_for_the_receipt_too_early,
    signs_as_another_camera,
    changes_the_manifest_between_two_announcements,
    claims_a_size_that_it_has_not,
    declares_a_block_that_it_then_does_not_send,
    numbers_parts_that_are_not,
    sends_bulk_before_it_has_announced,
    names_a_recording_that_is_not,
]


@pytest.mark.parametrize("wrong", WRONGS, ids=[one.__name__ for one in WRONGS])
async def test_whatever_a_dock_does_the_honest_one_stores_it_whole(client, yard, wrong):
    long = yard.record(footage_file=bodycam.long_footage())

    await wrong(client, yard, long)

    receipt = (await bodycam.dock_whole(client, long, yard.dock)).json()["receipt"]
    again = (await bodycam.complete(client, long, yard.dock)).json()["receipt"]
    assert (receipt["whole"], receipt["merkle_root"]) == (True, long.manifest.merkle_root)
    assert again == receipt


async def test_a_stored_recording_that_comes_again_is_asked_for_nothing(client, yard):
    recorded = yard.record()
    await bodycam.dock_whole(client, recorded, yard.dock)

    plan = (await bodycam.announce(client, recorded, yard.dock)).json()

    assert (plan["state"], plan["parts"]) == ("stored", [])
    assert "head" not in plan


async def test_two_clips_of_one_name_and_one_content_are_two_recordings(client, yard, sessions):
    first, second = yard.record(), yard.record()

    receipts = [
        (await bodycam.dock_whole(client, one, yard.dock)).json()["receipt"]
        for one in (first, second)
    ]

    assert (first.folder / "recording.mp4").name == (second.folder / "recording.mp4").name
    assert receipts[0]["merkle_root"] == receipts[1]["merkle_root"]
    assert receipts[0]["recording_id"] != receipts[1]["recording_id"]
    assert len(await bodycam.events(sessions, "bodycam.recording_stored")) == 2


@pytest.mark.parametrize(
    "started_at",
    [
        datetime(2026, 11, 20, 18, 59, 30, tzinfo=UTC),  # over midnight in Almaty
        datetime(2024, 2, 29, 17, 59, 30, tzinfo=UTC),  # over the hour that came twice
    ],
)
async def test_a_recording_over_a_change_of_the_clocks_keeps_its_true_time(
    client, yard, started_at
):
    yard.camera.clock_drift_ms = -3_600_000  # a camera that was set by hand, an hour slow
    recorded = yard.record(started_at=started_at)

    receipt = (await bodycam.dock_whole(client, recorded, yard.dock)).json()["receipt"]

    assert receipt["whole"] is True
    stored = await bodycam.events(yard.sessions, "bodycam.recording_announced")
    assert stored[0]["recording_id"] == str(recorded.recording_id)
    assert recorded.manifest.started_at == started_at - timedelta(hours=1)
    async with transaction(yard.sessions) as session:
        row = await session.get(RecordingRow, recorded.recording_id)
    length = recorded.manifest.ended_at - recorded.manifest.started_at
    assert (row.started_at, row.ended_at) == (started_at, started_at + length)
