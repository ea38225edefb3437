"""Stored bytes are read again, and uploads that nobody went on with give their room back."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from app.db import transaction
from bodycam.models import RecordingRow
from bodycam.service import scrubbing
from bodycam.storage import DirectoryStore
from bodycam.storage.envelope import HEAD_BYTES, TABLE_BYTES, table_offset
from bodycam.wire import protocol
from bodycam.wire.digests import BLOCK_SIZE_BYTES, content_digest
from sim.district import KEEPER
from tests import factories_bodycam as bodycam
from tests.factories_identity import signed_in
from tests.factories_store import LateStore, object_keys, stored_bytes, stored_file

LATER = datetime.now(UTC) + timedelta(days=31)


@pytest.fixture
async def recorded(client, yard):
    recorded = yard.record(footage_file=bodycam.long_footage())
    (await bodycam.dock_whole(client, recorded, yard.dock)).raise_for_status()
    return recorded


@pytest.fixture
def file(parts, recorded):
    return stored_file(parts.settings, f"recordings/{recorded.recording_id}")


async def scrub(sessions, parts, now=LATER):
    return await scrubbing.scrub(sessions, store=parts.store, trail=bodycam.TRAIL, now=now)


async def clear(sessions, parts, now=LATER):
    return await scrubbing.clear_abandoned(
        sessions, store=parts.store, trail=bodycam.TRAIL, now=now
    )


async def test_what_is_whole_is_read_once_a_month(sessions, parts, recorded):  # noqa: ARG001 - it must be there
    assert await scrub(sessions, parts, LATER - timedelta(days=2)) == (0, 0)
    assert await scrub(sessions, parts) == (1, 0)
    assert await scrub(sessions, parts, LATER + timedelta(days=29)) == (0, 0)
    assert await bodycam.events(sessions, "bodycam.storage_fault") == []


@pytest.mark.parametrize("at", [0, (8 << 20) + 77, -1])
async def test_one_changed_byte_is_found(client, sessions, parts, recorded, file, at):
    block, rest = divmod(at % recorded.manifest.size_bytes, BLOCK_SIZE_BYTES)
    place = table_offset(block) + TABLE_BYTES + rest
    file.chmod(0o600)
    with file.open("r+b") as opened:
        opened.seek(place)
        byte = opened.read(1)
        opened.seek(place)
        opened.write(bytes([byte[0] ^ 1]))

    assert await scrub(sessions, parts) == (1, 1)

    keeper = await signed_in(client, KEEPER)
    (fault,) = (await client.get("/api/custody/faults", headers=keeper)).json()
    (event,) = await bodycam.events(sessions, "bodycam.storage_fault")
    assert fault["recording_id"] == str(recorded.recording_id)
    assert fault["blocks"] == event["blocks"] == [block]


@pytest.mark.parametrize("size", [None, 100])
async def test_a_file_that_is_gone_or_cut_is_found(sessions, parts, recorded, file, size):  # noqa: ARG001 - it must be there
    if size is None:
        file.unlink()
    else:
        file.chmod(0o600)
        with file.open("r+b") as opened:
            opened.truncate(size)

    assert await scrub(sessions, parts) == (1, 1)

    (event,) = await bodycam.events(sessions, "bodycam.storage_fault")
    assert event["absent"] is True


async def begun(client, yard):
    recorded = yard.record(footage_file=bodycam.long_footage())
    await bodycam.announce(client, recorded, yard.dock)
    (await bodycam.put(client, recorded, 0, yard.dock)).raise_for_status()
    return recorded


async def test_an_upload_that_goes_on_is_left_alone(client, sessions, parts, yard):
    await begun(client, yard)

    assert await clear(sessions, parts, datetime.now(UTC) + timedelta(days=29)) == 0


async def test_an_abandoned_upload_gives_its_room_back_and_can_begin_anew(
    client, sessions, parts, yard
):
    recorded = await begun(client, yard)

    assert [await clear(sessions, parts) for _ in range(2)] == [1, 0]

    incoming = parts.settings.objects_dir / "incoming"
    assert list(incoming.iterdir()) == []
    status = (await bodycam.status(client, recorded, yard.dock)).json()
    assert status["acknowledged"] == []
    answer = await bodycam.dock_whole(client, recorded, yard.dock)
    assert answer.json()["receipt"]["whole"] is True


async def test_a_camera_that_is_back_before_its_upload_is_cleared_loses_nothing(
    client, sessions, parts, yard
):
    recorded = await begun(client, yard)

    async def docked_again():
        await bodycam.announce(client, recorded, yard.dock)
        for number in (0, 1):
            (await bodycam.put(client, recorded, number, yard.dock)).raise_for_status()

    late = LateStore(parts.store, docked_again)
    await scrubbing.clear_abandoned(sessions, store=late, trail=bodycam.TRAIL, now=LATER)
    plan = (await bodycam.announce(client, recorded, yard.dock)).json()
    (await bodycam.put(client, recorded, 2, yard.dock)).raise_for_status()
    answer = await bodycam.complete(client, recorded, yard.dock)

    assert plan["acknowledged"] == [0, 1]
    assert answer.json()["receipt"]["whole"] is True
    content = (recorded.folder / "recording.mp4").read_bytes()
    assert stored_bytes(parts.settings, f"recordings/{recorded.recording_id}") == content


async def test_a_part_on_its_way_while_its_upload_is_cleared_is_not_acknowledged(
    client, sessions, parts, yard
):
    recorded = await begun(client, yard)
    block = bodycam.block(recorded, 1)
    path = protocol.PATH_PART.format(recording_id=recorded.recording_id, part_number=1)
    digest = content_digest(hashlib.sha256(block).digest())
    headers = {**yard.dock, "Content-Digest": digest, "Content-Length": str(len(block))}

    async def on_its_way():
        yield block[:1000]
        await clear(sessions, parts)
        await bodycam.announce(client, recorded, yard.dock)
        yield block[1000:]

    answer = await client.put(path, content=on_its_way(), headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (409, "bodycam.parts_missing")
    plan = (await bodycam.announce(client, recorded, yard.dock)).json()
    assert plan["acknowledged"] == []


@pytest.mark.parametrize("status", ["lost", "suspended", "retired"])
async def test_what_a_lost_camera_had_sent_is_kept(client, sessions, parts, yard, status):
    recorded = await begun(client, yard)
    async with transaction(sessions) as session:
        await session.execute(
            sa.text("UPDATE devices SET status = :status WHERE id = :id"),
            {"status": status, "id": yard.camera.camera_id},
        )

    assert await clear(sessions, parts) == 0

    assert (await bodycam.status(client, recorded, yard.dock)).status_code in {200, 401}
    async with transaction(sessions) as session:
        row = await session.get(RecordingRow, recorded.recording_id)
    assert row.status.value == "receiving"
    assert len(list((parts.settings.objects_dir / "incoming").iterdir())) == 1


async def test_a_key_that_is_not_here_is_no_fault_of_the_footage(
    sessions,
    parts,
    recorded,  # noqa: ARG001 - it must be there
    tmp_path,
):
    stranger = DirectoryStore(
        root=parts.settings.objects_dir, keys=object_keys(tmp_path / "another-keys")
    )

    found = await scrubbing.scrub(sessions, store=stranger, trail=bodycam.TRAIL, now=LATER)

    assert found == (0, 0)
    assert await scrub(sessions, parts) == (1, 0)


async def test_an_envelope_that_does_not_open_is_found(sessions, parts, recorded, file):  # noqa: ARG001 - it must be there
    file.chmod(0o600)
    with file.open("r+b") as opened:
        opened.write(bytes(HEAD_BYTES))

    assert await scrub(sessions, parts) == (1, 1)

    (event,) = await bodycam.events(sessions, "bodycam.storage_fault")
    assert event["absent"] is True
