"""Bytes of a directory that change between their acknowledgement and the receipt come anew."""

import pytest

from app.db import transaction
from bodycam.models import RecordingRow
from bodycam.service.docking import BEGUN_ANEW
from bodycam.storage.envelope import HEAD_BYTES, TABLE_BYTES, table_offset
from bodycam.wire.digests import block_count
from tests import factories_bodycam as bodycam
from tests.factories_store import incoming_file, stored_file


@pytest.fixture
async def sent(client, yard):
    """A recording whose parts are all acknowledged; its receipt is not asked for yet."""
    recorded = yard.record(footage_file=bodycam.long_footage())
    await bodycam.announce(client, recorded, yard.dock)
    for number in range(block_count(recorded.manifest.size_bytes)):
        (await bodycam.put(client, recorded, number, yard.dock)).raise_for_status()
    return recorded


def key_of(recorded):
    return f"recordings/{recorded.recording_id}"


def change(file, at, content):
    file.chmod(0o600)
    with file.open("r+b") as opened:
        opened.seek(at)
        opened.write(content)


def change_byte(file, at):
    with file.open("rb") as opened:
        opened.seek(at)
        before = opened.read(1)
    change(file, at, bytes([before[0] ^ 1]))


async def test_one_changed_byte_begins_the_upload_anew(client, yard, sent, parts, sessions):
    change_byte(incoming_file(parts.settings, key_of(sent)), table_offset(0) + TABLE_BYTES + 40)

    answer = await bodycam.complete(client, sent, yard.dock)
    status = (await bodycam.status(client, sent, yard.dock)).json()

    assert (answer.status_code, answer.json()["code"]) == (409, "bodycam.stored_bytes_wrong")
    assert answer.json()["blocks"] == [0]
    assert (status["state"], status["acknowledged"]) == ("receiving", [])
    (event,) = await bodycam.events(sessions, "bodycam.stored_bytes_wrong")
    assert event["blocks"] == [0]


async def test_an_envelope_that_does_not_open_begins_the_upload_anew(client, yard, sent, parts):
    change(incoming_file(parts.settings, key_of(sent)), 0, bytes(HEAD_BYTES))

    answer = await bodycam.complete(client, sent, yard.dock)

    assert (answer.status_code, answer.json()["code"]) == (409, "bodycam.stored_bytes_wrong")
    assert answer.json()["blocks"] == [0, 1, 2]


@pytest.mark.parametrize("times", [1, 2])
async def test_the_camera_s_bytes_come_again_and_are_receipted(client, yard, sent, parts, times):
    for _ in range(times):
        change_byte(incoming_file(parts.settings, key_of(sent)), table_offset(0) + TABLE_BYTES + 40)
        await bodycam.complete(client, sent, yard.dock)
        await bodycam.announce(client, sent, yard.dock)
        for number in range(block_count(sent.manifest.size_bytes)):
            (await bodycam.put(client, sent, number, yard.dock)).raise_for_status()

    answer = await bodycam.complete(client, sent, yard.dock)

    assert answer.json()["receipt"]["whole"] is True
    assert answer.json()["receipt"]["merkle_root"] == sent.manifest.merkle_root


async def test_a_stop_before_the_damaged_object_was_deleted_keeps_nobody_out(
    client, yard, sent, parts, sessions
):
    change_byte(incoming_file(parts.settings, key_of(sent)), table_offset(0) + TABLE_BYTES + 40)
    source, target = (
        incoming_file(parts.settings, key_of(sent)),
        stored_file(parts.settings, key_of(sent)),
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    await bodycam.complete(client, sent, yard.dock)
    await bodycam.announce(client, sent, yard.dock)
    source.rename(target)  # as if the object that proved wrong were there still
    async with transaction(sessions) as session:
        row = await session.get(RecordingRow, sent.recording_id)
        row.upload_ref = BEGUN_ANEW

    answer = await bodycam.dock_whole(client, sent, yard.dock)

    assert answer.json()["receipt"]["whole"] is True


async def test_what_is_receipted_by_now_is_never_taken_away(client, yard, sent, parts):
    receipt = (await bodycam.complete(client, sent, yard.dock)).json()
    file = stored_file(parts.settings, key_of(sent))
    change_byte(file, table_offset(0) + TABLE_BYTES + 40)

    again = await bodycam.complete(client, sent, yard.dock)

    assert again.json() == receipt
    assert file.exists()
