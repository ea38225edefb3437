"""Bytes of a directory that change between their acknowledgement and the receipt come anew."""

import shutil
from datetime import UTC, datetime

import pytest

from app.db import transaction
from bodycam.errors import StoredBytesWrong
from bodycam.models import RecordingRow
from bodycam.service import Docking, completion
from bodycam.service.docking import BEGUN_ANEW
from bodycam.storage.envelope import HEAD_BYTES, TABLE_BYTES, table_offset
from bodycam.wire.digests import block_count
from devices import service as devices
from tests import factories_bodycam as bodycam
from tests.factories_store import LateStore, incoming_file, stored_bytes, stored_file


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


@pytest.fixture(params=["at once", "unread"])
async def arriving(client, yard, monkeypatch, request):
    """A recording whose last part alone has not come; ``unread``: its head lets it be receipted."""
    if request.param == "unread":
        monkeypatch.setattr(completion, "_INDEXED_AT_ONCE_MS", 0)
    recorded = yard.record(footage_file=bodycam.spread_footage())
    await bodycam.announce(client, recorded, yard.dock)
    (await bodycam.put_head(client, recorded, yard.dock)).raise_for_status()
    for number in range(3):
        (await bodycam.put(client, recorded, number, yard.dock)).raise_for_status()
    return recorded


def lose_what_arrives(settings):
    shutil.rmtree(settings.objects_dir / "incoming")


async def kept_reference(sessions, recorded, upload):
    """Let the row name another upload: as an earlier release did, none."""
    async with transaction(sessions) as session:
        (await session.get(RecordingRow, recorded.recording_id)).upload_ref = upload


async def test_parts_of_a_lost_file_are_asked_for_again(client, yard, arriving, settings):
    lose_what_arrives(settings)

    plan = (await bodycam.announce(client, arriving, yard.dock)).json()
    (await bodycam.put(client, arriving, 3, yard.dock)).raise_for_status()
    early = await bodycam.complete(client, arriving, yard.dock)
    whole = await bodycam.dock_whole(client, arriving, yard.dock)

    assert (plan["acknowledged"], [one["number"] for one in plan["parts"]]) == ([], [0, 1, 2, 3])
    assert (early.status_code, early.json()["missing"]) == (409, [0, 1, 2])
    assert whole.json()["receipt"]["whole"] is True
    content = (arriving.folder / "recording.mp4").read_bytes()
    assert stored_bytes(settings, key_of(arriving)) == content


async def test_a_lost_file_takes_no_part_until_it_is_announced_again(
    client, yard, arriving, settings
):
    lose_what_arrives(settings)

    answer = await bodycam.put(client, arriving, 3, yard.dock)

    assert (answer.status_code, answer.json()["code"]) == (409, "bodycam.parts_missing")


@pytest.mark.parametrize("block", [0, 2])
async def test_a_hole_is_found_before_the_receipt(client, yard, arriving, settings, block):
    (await bodycam.put(client, arriving, 3, yard.dock)).raise_for_status()
    hole = bytes(table_offset(1) - table_offset(0))
    change(incoming_file(settings, key_of(arriving)), table_offset(block), hole)

    answer = await bodycam.complete(client, arriving, yard.dock)

    assert (answer.status_code, answer.json()["code"]) == (409, "bodycam.stored_bytes_wrong")
    assert answer.json()["blocks"] == [block]


async def test_an_upload_of_an_earlier_release_goes_on(client, yard, arriving, sessions):
    await kept_reference(sessions, arriving, "")

    plan = (await bodycam.announce(client, arriving, yard.dock)).json()
    (await bodycam.put(client, arriving, 3, yard.dock)).raise_for_status()
    answer = await bodycam.complete(client, arriving, yard.dock)

    assert plan["acknowledged"] == [0, 1, 2]
    assert answer.json()["receipt"]["whole"] is True


async def test_a_lost_file_of_an_earlier_release_comes_again(
    client, yard, arriving, sessions, settings
):
    await kept_reference(sessions, arriving, "")
    lose_what_arrives(settings)

    plan = (await bodycam.announce(client, arriving, yard.dock)).json()

    assert plan["acknowledged"] == []


async def test_a_verdict_that_comes_late_takes_nothing_of_the_next_upload(
    client, yard, sent, parts, keys, sessions
):
    change_byte(incoming_file(parts.settings, key_of(sent)), table_offset(0) + TABLE_BYTES + 40)
    receipts = []

    async def docked_again():
        receipts.append((await bodycam.dock_whole(client, sent, yard.dock)).json()["receipt"])

    docking = Docking(
        sessions=sessions,
        store=LateStore(parts.store, docked_again),
        trail=bodycam.TRAIL,
        recording_bytes_max=1 << 40,
    )
    async with transaction(sessions) as session:
        caller = await devices.dock_of(session, device_id=yard.dock_id)
    with pytest.raises(StoredBytesWrong):
        await completion.complete_recording(
            docking,
            recording_id=sent.recording_id,
            receipt_key=keys.receipt,
            caller=caller,
            now=datetime.now(UTC),
        )

    assert receipts[0]["whole"] is True
    content = (sent.folder / "recording.mp4").read_bytes()
    assert stored_bytes(parts.settings, key_of(sent)) == content
