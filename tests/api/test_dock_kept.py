"""A memory card that gives less each time: what came as the camera signed it stays."""

import hashlib

import pytest

from bodycam.wire.digests import BLOCK_SIZE_BYTES
from bodycam.wire.protocol import DifferingBlock
from sim.camera import change_byte, cut_short
from tests import factories_bodycam as bodycam
from tests.factories_store import stored_bytes


@pytest.fixture
async def yard(sessions, tmp_path):
    return await bodycam.yard(sessions, tmp_path)


@pytest.fixture
def long(yard):
    return yard.record(footage_file=bodycam.long_footage(3))


@pytest.fixture
def signed(long):
    return (long.folder / "recording.mp4").read_bytes()


def as_found(recorded, number):
    digest = hashlib.sha256(bodycam.block(recorded, number)).hexdigest()
    return DifferingBlock(number=number, sha256=digest)


async def sent(client, yard, recorded, *numbers):
    for number in numbers:
        answer = await bodycam.put(client, recorded, number, yard.dock)
        assert answer.status_code == 200, answer.text


async def announced(client, yard, recorded, **more):
    return (await bodycam.announce(client, recorded, yard.dock, **more)).raise_for_status().json()


async def receipt(client, yard, recorded):
    answer = await bodycam.complete(client, recorded, yard.dock)
    return answer.raise_for_status().json()["receipt"]


async def test_a_block_that_came_as_signed_stays_when_the_card_gives_another(
    client, yard, long, signed, settings
):
    await announced(client, yard, long)
    await sent(client, yard, long, 0, 1)
    change_byte(long, at_byte=BLOCK_SIZE_BYTES + 7)

    plan = await announced(client, yard, long, differing=(as_found(long, 1),))
    await sent(client, yard, long, 2)

    assert (plan["acknowledged"], plan["kept"]) == ([0, 1], [1])
    assert (await receipt(client, yard, long))["whole"] is True
    assert stored_bytes(settings, f"recordings/{long.recording_id}") == signed


async def test_a_block_that_came_as_another_comes_again_as_signed(
    client, yard, long, signed, settings
):
    change_byte(long, at_byte=BLOCK_SIZE_BYTES + 7)
    await announced(client, yard, long, differing=(as_found(long, 1),))
    await sent(client, yard, long, 0, 1)
    (long.folder / "recording.mp4").write_bytes(signed)

    plan = await announced(client, yard, long)
    await sent(client, yard, long, 1, 2)

    assert plan["acknowledged"] == [0]
    assert "kept" not in plan
    assert (await receipt(client, yard, long))["whole"] is True
    assert stored_bytes(settings, f"recordings/{long.recording_id}") == signed


async def test_a_file_that_is_shorter_now_keeps_what_had_come(client, yard, long, signed, settings):
    await announced(client, yard, long)
    await sent(client, yard, long, 0, 1)
    keep = BLOCK_SIZE_BYTES + 100
    cut_short(long, keep_bytes=keep)

    plan = await announced(client, yard, long, found_bytes=keep, differing=(as_found(long, 1),))

    assert (plan["acknowledged"], plan["kept"], plan["parts"]) == ([0, 1], [1], [])
    assert plan["found_bytes"] == 2 * BLOCK_SIZE_BYTES
    given = await receipt(client, yard, long)
    assert (given["size_bytes"], given["whole"]) == (2 * BLOCK_SIZE_BYTES, False)
    stored = stored_bytes(settings, f"recordings/{long.recording_id}")
    assert stored == signed[: 2 * BLOCK_SIZE_BYTES]


async def test_the_last_block_is_kept_with_the_end_of_the_recording(client, yard, long, signed):
    await announced(client, yard, long)
    await sent(client, yard, long, 0, 1, 2)

    plan = await announced(client, yard, long, found_bytes=0)

    assert plan["found_bytes"] == len(signed)
    assert plan["kept"] == [0, 1, 2]
    assert (await receipt(client, yard, long))["whole"] is True
    again = await announced(client, yard, long, found_bytes=0)
    assert (again["state"], again["kept"]) == ("stored", [0, 1, 2])


async def test_a_card_that_is_read_again_gives_the_rest(client, yard, long):
    await announced(client, yard, long)
    await sent(client, yard, long, 0)
    await announced(client, yard, long, found_bytes=0)

    plan = await announced(client, yard, long)
    await sent(client, yard, long, 1, 2)

    assert plan["acknowledged"] == [0]
    assert "kept" not in plan
    assert (await receipt(client, yard, long))["whole"] is True


async def test_what_lies_behind_a_hole_is_not_kept(client, yard, long):
    await announced(client, yard, long)
    await sent(client, yard, long, 1)

    plan = await announced(client, yard, long, found_bytes=0)

    assert (plan["found_bytes"], plan["acknowledged"]) == (0, [])
    assert "kept" not in plan
