"""The door for resumable uploads, held to the text of tus 1.0, over both kinds of store."""

import asyncio
import hashlib
import os
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from uuid import uuid4

import pytest
import sqlalchemy as sa

from app.access import DeviceKind
from app.db import transaction
from bodycam.models import RecordingRow, UploadRow
from bodycam.repository import uploads
from bodycam.rules.tus import EXPIRES_AFTER, OPEN_UPLOADS_MAX
from bodycam.service import Docking, tus, tus_receiving
from bodycam.service.tus import expire_uploads
from bodycam.service.tus_finishing import finish_uploads
from bodycam.wire.digests import BLOCK_SIZE_BYTES
from sim.district import KEEPER
from tests import factories_bodycam as bodycam
from tests.factories_store import stored_bytes
from tests.factories_tus import MEDIA, UNSIGNED, Sender, checksum, metadata

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)


@pytest.fixture
async def yard(sessions, tmp_path):
    return await bodycam.yard(sessions, tmp_path)


@pytest.fixture
def sender(client, yard):
    return Sender(client, yard.dock)


@pytest.fixture
def docking(parts):
    return Docking(
        sessions=parts.sessions,
        store=parts.store,
        trail=parts.trail,
        recording_bytes_max=parts.settings.recording_bytes_max,
    )


@pytest.fixture
def finish(docking, keys):
    async def act():
        return await finish_uploads(docking, receipt_key=keys.receipt, now=datetime.now(UTC))

    return act


async def stored(sessions, model=RecordingRow):
    async with transaction(sessions) as session:
        return (await session.scalars(sa.select(model).order_by(model.id))).all()


def content_of(settings, row):
    return stored_bytes(settings, row.object_key)


def files(settings):
    found = (one.name for one in settings.objects_dir.rglob("*") if one.is_file())
    return sorted(name.removesuffix("~1") for name in found)


async def test_anybody_is_told_what_is_spoken(client, settings):
    answer = await client.options("/tus")

    assert answer.status_code == 204
    assert answer.headers["Tus-Version"] == "1.0.0"
    assert answer.headers["Tus-Max-Size"] == str(settings.recording_bytes_max)
    assert set(answer.headers["Tus-Extension"].split(",")) == {
        "creation", "creation-with-upload", "creation-defer-length", "expiration", "checksum",
        "termination",
    }  # fmt: skip
    assert "sha1" in answer.headers["Tus-Checksum-Algorithm"].split(",")


async def test_an_upload_is_begun_and_told_of_as_it_was_said(sender):
    created = await sender.create(1000)

    head = await sender.ask("HEAD", created.headers["Location"])

    assert created.status_code == 201
    assert parsedate_to_datetime(created.headers["Upload-Expires"]) > datetime.now(UTC)
    assert head.status_code == 200
    assert head.headers["Upload-Offset"] == "0"
    assert head.headers["Upload-Length"] == "1000"
    assert head.headers["Upload-Metadata"] == UNSIGNED
    assert head.headers["Cache-Control"] == "no-store"
    assert head.headers["Tus-Resumable"] == "1.0.0"


@pytest.mark.parametrize("version", [None, "0.2.2", "1.0.1"])
async def test_another_version_is_refused_and_told_ours(sender, version):
    answer = await sender.create(1000, headers={"Tus-Resumable": version})

    assert answer.status_code == 412
    assert answer.headers["Tus-Version"] == "1.0.0"


@pytest.mark.parametrize(
    ("length", "headers", "status"),
    [
        (None, {}, 400),
        (10, {"Upload-Defer-Length": "1"}, 400),
        (None, {"Upload-Defer-Length": "2"}, 400),
        (None, {"Upload-Length": "-1"}, 400),
        (None, {"Upload-Length": "ten"}, 400),
        (None, {"Upload-Length": "9" * 400}, 400),
        (0, {}, 400),
        (1 << 44, {}, 413),
    ],
)
async def test_a_length_that_is_none_begins_nothing(sender, sessions, length, headers, status):
    answer = await sender.create(length, headers=headers)

    assert answer.status_code == status
    assert await stored(sessions, UploadRow) == []


@pytest.mark.parametrize(
    "said",
    [
        "",
        "camera",
        "camera %%%",
        "camera Uy0x,camera Uy0x",
        "camera Uy0x," + metadata(started_at="yesterday"),
        metadata(camera=b"\xff\xfe", started_at="2026-11-20T03:00:00Z"),
        metadata(camera="S-1\n", started_at="2026-11-20T03:00:00Z"),
        metadata(camera="S-1", started_at="2026-11-20T03:00:00"),
        metadata(camera="S-1", started_at="2026-11-20T03:00:00Z", ended_at="2027-11-20T03:00:00Z"),
        metadata(recording_id="7"),
        metadata(**{f"k{number}": "-" for number in range(65)}),
        "k " + "A" * (48 << 10),
        " ,,, ",
    ],
)
async def test_metadata_that_tell_no_recording_begin_nothing(sender, sessions, said):
    answer = await sender.create(1000, said=said)

    assert answer.status_code == 400
    assert await stored(sessions, UploadRow) == []


@pytest.mark.parametrize("said", [metadata(manifest="{}"), metadata(manifest=b"\xff")])
async def test_a_manifest_that_is_none_begins_nothing(sender, sessions, said):
    answer = await sender.create(1000, said=said)

    assert answer.status_code == 400
    assert await stored(sessions, UploadRow) == []


async def test_a_camera_or_a_recording_that_is_not_the_unit_s_is_not_there(sender):
    other = metadata(camera="S-2", started_at="2026-11-20T03:00:00Z")
    announced = metadata(recording_id=str(uuid4()))

    answers = [await sender.create(1000, said=one) for one in (other, announced)]

    assert [one.status_code for one in answers] == [404, 404]


@pytest.mark.parametrize("pieces", [1, 7])
async def test_a_file_becomes_a_recording_of_its_officer(
    sender, sessions, settings, yard, finish, pieces
):
    content = bodycam.footage().read_bytes()

    path = await sender.send(content, pieces=pieces)
    count = await finish()

    (row,) = await stored(sessions)
    assert count == 1
    assert await sender.offset(path) == len(content)
    assert (row.camera_id, row.post_id) == (yard.camera.camera_id, yard.post_id)
    assert (row.door, row.status.value) == ("tus", "reviewable")
    assert row.started_at == bodycam.STARTED_AT
    assert content_of(settings, row) == content
    assert files(settings) == [row.object_key.partition("/")[2]]
    assert len(await bodycam.events(sessions, "bodycam.recording_stored")) == 1


async def test_the_time_may_stand_in_the_name(sender, sessions, finish):
    said = metadata(camera="S-1", filename="20261120_031500_7CF7.mp4")

    await sender.send(bodycam.footage().read_bytes(), said=said)
    await finish()

    (row,) = await stored(sessions)
    assert row.started_at == datetime(2026, 11, 20, 3, 15, tzinfo=UTC)
    assert row.ended_at > row.started_at


async def test_a_file_over_several_blocks_in_odd_pieces_is_whole(
    sender, sessions, settings, finish
):
    content = bodycam.long_footage(3).read_bytes()
    path = await sender.begun(len(content))

    at = 0
    for step in (1, 15, BLOCK_SIZE_BYTES - 17, 2, BLOCK_SIZE_BYTES, len(content)):
        answer = await sender.patch(path, at, content[at : at + step])
        assert answer.status_code == 204, answer.text
        at = int(answer.headers["Upload-Offset"])
    await finish()

    (row,) = await stored(sessions)
    assert at == len(content)
    assert hashlib.sha256(content_of(settings, row)).digest() == hashlib.sha256(content).digest()
    assert len(files(settings)) == 1


async def test_the_first_bytes_may_come_with_the_beginning(sender):
    answer = await sender.create(1000, headers={"Content-Type": MEDIA}, content=b"x" * 400)

    assert answer.status_code == 201
    assert answer.headers["Upload-Offset"] == "400"
    assert await sender.offset(answer.headers["Location"]) == 400


async def test_a_beginning_whose_bytes_are_wrong_leaves_nothing(sender, sessions, settings):
    head = {"Content-Type": MEDIA, **checksum(b"other")}

    answer = await sender.create(1000, headers=head, content=b"x" * 400)

    assert answer.status_code == 460
    assert await stored(sessions, UploadRow) == []
    assert files(settings) == []


async def test_a_length_may_be_told_later(sender, sessions, settings, finish):
    content = bodycam.footage().read_bytes()
    path = await sender.begun(None, headers={"Upload-Defer-Length": "1"})
    before = await sender.ask("HEAD", path)
    await sender.patch(path, 0, content)

    told = await sender.patch(path, len(content), b"", headers={"Upload-Length": str(len(content))})
    otherwise = await sender.patch(path, len(content), b"", headers={"Upload-Length": "1"})
    await finish()

    (row,) = await stored(sessions)
    assert before.headers["Upload-Defer-Length"] == "1"
    assert "Upload-Length" not in before.headers
    assert (told.status_code, otherwise.status_code) == (204, 400)
    assert content_of(settings, row) == content


async def test_what_lies_past_a_length_told_late_is_no_part_of_it(
    sender, sessions, settings, finish
):
    content = bodycam.footage().read_bytes()
    path = await sender.begun(None, headers={"Upload-Defer-Length": "1"})
    refused = await sender.patch(path, 0, b"x" * (BLOCK_SIZE_BYTES + 5), headers=checksum(b"other"))
    await sender.patch(path, 0, content, headers={"Upload-Length": str(len(content))})
    await finish()

    (row,) = await stored(sessions)
    assert refused.status_code == 460
    assert content_of(settings, row) == content


@pytest.mark.parametrize("offset", ["1", "401", "-1", "", "x"])
async def test_bytes_from_another_offset_are_refused(sender, offset):
    path = await sender.begun(1000)
    await sender.patch(path, 0, b"x" * 400)

    answer = await sender.patch(path, offset, b"y")

    assert answer.status_code == (409 if offset.isdigit() else 400)
    assert await sender.offset(path) == 400


async def test_another_kind_of_body_is_refused(sender):
    path = await sender.begun(1000)

    answer = await sender.patch(path, 0, b"x", headers={"Content-Type": "video/mp4"})

    assert answer.status_code == 415


async def test_more_than_was_said_is_refused_before_and_while_it_comes(sender):
    path = await sender.begun(1000)

    async def unmeasured():
        yield b"x" * 1001

    measured = await sender.patch(path, 0, b"x" * 1001)
    chunked = await sender.patch(path, 0, unmeasured())

    assert (measured.status_code, chunked.status_code) == (413, 413)
    assert await sender.offset(path) == 0


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512", "md5"])
async def test_a_checksum_that_holds_is_taken(sender, algorithm):
    path = await sender.begun(1000)

    answer = await sender.patch(path, 0, b"x" * 10, headers=checksum(b"x" * 10, algorithm))

    assert answer.status_code == 204
    assert await sender.offset(path) == 10


@pytest.mark.parametrize("size", [10, BLOCK_SIZE_BYTES, 2 * BLOCK_SIZE_BYTES + 3])
async def test_bytes_that_are_not_those_of_the_checksum_move_nothing(
    sender, sessions, settings, finish, size
):
    content = bodycam.long_footage(3).read_bytes()
    path = await sender.begun(len(content))
    await sender.patch(path, 0, content[:5])

    wrong = await sender.patch(path, 5, b"x" * size, headers=checksum(b"y" * size))
    offset = await sender.offset(path)
    await sender.patch(path, 5, content[5:], headers=checksum(content[5:], "sha1"))
    await finish()

    (row,) = await stored(sessions)
    assert (wrong.status_code, offset) == (460, 5)
    assert content_of(settings, row) == content


@pytest.mark.parametrize("text", ["crc32 AAAA", "sha1", "sha1 %%", "sha1 AAAA", "", "SHA1 x"])
async def test_a_checksum_that_is_none_is_refused(sender, text):
    path = await sender.begun(1000)

    answer = await sender.patch(path, 0, b"x", headers={"Upload-Checksum": text})

    assert answer.status_code == 400
    assert await sender.offset(path) == 0


async def test_two_at_once_never_write_over_each_other(sender, sessions, settings, finish):
    content = bodycam.footage().read_bytes()
    path = await sender.begun(len(content))
    begun, go = asyncio.Event(), asyncio.Event()

    async def slow():
        yield content[:100]
        begun.set()
        await go.wait()
        yield content[100:]

    first = asyncio.create_task(sender.patch(path, 0, slow()))
    await begun.wait()
    second = await sender.patch(path, 0, b"x" * 50)
    go.set()
    answer = await first
    if await sender.offset(path) < len(content):  # the first was asked to let go
        at = await sender.offset(path)
        await sender.patch(path, at, content[at:])
    await finish()

    (row,) = await stored(sessions)
    assert second.status_code == 423
    assert "Retry-After" in second.headers
    assert answer.status_code in {204, 503}
    assert content_of(settings, row) == content


async def test_who_waits_is_let_in_while_the_first_sender_is_silent(sender):
    path = await sender.begun(1000)
    begun = asyncio.Event()

    async def silent():
        yield b"x" * 100
        begun.set()
        await asyncio.sleep(60)
        yield b"x"

    first = asyncio.create_task(sender.patch(path, 0, silent()))
    await begun.wait()
    refused = await sender.patch(path, 0, b"y")
    answer = await asyncio.wait_for(first, 10)
    went_on = await sender.patch(path, await sender.offset(path), b"z" * 10)

    assert refused.status_code == 423
    assert answer.status_code == 503
    assert await sender.offset(path) == 110
    assert went_on.status_code == 204


async def test_an_offset_is_told_when_nobody_can_move_it_any_more(sender, monkeypatch):
    monkeypatch.setattr(tus, "_FINAL_WITHIN_SECONDS", 60)
    path = await sender.begun(1000)
    begun = asyncio.Event()

    async def silent():
        yield b"x" * 100
        begun.set()
        await asyncio.sleep(60)
        yield b"x"

    first = asyncio.create_task(sender.patch(path, 0, silent()))
    await begun.wait()
    told = await sender.offset(path)

    assert told == 100
    assert (await first).status_code == 503
    assert await sender.offset(path) == 100


async def held(sessions, *, until):
    """Hold the one upload as another process would, and return its token."""
    token = uuid4()
    async with transaction(sessions) as session:
        await session.execute(sa.update(UploadRow).values(held_by=token, held_until=until))
    return token


async def test_a_process_that_slept_past_its_hold_moves_no_offset_that_was_told(sender, sessions):
    path = await sender.begun(1000)
    token = await held(sessions, until=datetime.now(UTC) - timedelta(seconds=1))

    told = await sender.offset(path)

    (row,) = await stored(sessions, UploadRow)
    values = {"offset_bytes": 7}
    async with transaction(sessions) as session:
        moved = await uploads.move(session, upload_id=row.id, token=token, values=values)
    assert (told, moved) == (0, False)
    assert await sender.offset(path) == 0


async def test_no_offset_is_told_while_somebody_keeps_the_upload(sender, sessions):
    path = await sender.begun(1000)
    await held(sessions, until=datetime.now(UTC) + timedelta(minutes=1))

    answer = await sender.ask("HEAD", path)

    (row,) = await stored(sessions, UploadRow)
    assert answer.status_code == 423
    assert "Retry-After" in answer.headers
    assert "Upload-Offset" not in answer.headers
    assert row.release_wanted is True


async def test_an_ended_upload_leaves_nothing_and_a_whole_one_is_no_dock_s_to_delete(
    sender, sessions, settings, finish
):
    path = await sender.begun(1000)
    await sender.patch(path, 0, b"x" * 10)
    whole = await sender.send(bodycam.footage().read_bytes())
    await finish()

    answers = [await sender.ask("DELETE", one) for one in (path, path, whole)]

    assert [one.status_code for one in answers] == [204, 404, 403]
    assert (await sender.ask("HEAD", path)).status_code == 404
    assert len(files(settings)) == 1
    assert len(await stored(sessions)) == 1


async def test_what_nobody_went_on_with_expires(sender, sessions, settings, docking):
    path = await sender.begun(1000)
    await sender.patch(path, 0, b"x" * 10)
    async with transaction(sessions) as session:
        await session.execute(sa.update(UploadRow).values(expires_at=NOW - EXPIRES_AFTER))

    gone = await sender.ask("HEAD", path)
    late = await sender.patch(path, 10, b"x")
    count = await expire_uploads(docking, now=NOW)

    assert (gone.status_code, late.status_code, count) == (410, 410, 1)
    assert files(settings) == []
    assert (await sender.ask("HEAD", path)).status_code == 404
    assert len(await bodycam.events(sessions, "bodycam.upload_expired")) == 1


async def test_a_whole_upload_s_row_goes_and_its_recording_stays(
    sender, sessions, settings, docking, finish
):
    await sender.send(bodycam.footage().read_bytes())
    await finish()

    count = await expire_uploads(docking, now=datetime.now(UTC) + 2 * EXPIRES_AFTER)

    (row,) = await stored(sessions)
    assert count == 1
    assert await stored(sessions, UploadRow) == []
    assert content_of(settings, row) == bodycam.footage().read_bytes()


async def test_the_same_bytes_again_are_one_object_and_one_recording(
    sender, sessions, settings, finish
):
    first = await sender.send(bodycam.footage().read_bytes())
    await finish()
    again = await sender.send(bodycam.footage().read_bytes(), pieces=3)
    await finish()

    (row,) = await stored(sessions)
    uploads = await stored(sessions, UploadRow)
    assert first != again
    assert {one.recording_id for one in uploads} == {row.id}
    assert len(files(settings)) == 1


async def test_bytes_that_are_no_film_are_kept_in_quarantine(sender, sessions, settings, finish):
    await sender.send(b"no film at all")
    await finish()

    (row,) = await stored(sessions)
    assert row.status.value == "quarantined"
    assert content_of(settings, row) == b"no film at all"


async def test_bytes_that_the_store_changed_are_no_recording(sender, sessions, settings, finish):
    content = bodycam.footage().read_bytes()
    path = await sender.send(content)
    (changed,) = (settings.objects_dir / "incoming").iterdir()
    with changed.open("r+b") as file:
        file.seek(-1000, os.SEEK_END)
        was = file.read(1)
        file.seek(-1000, os.SEEK_END)
        file.write(bytes([was[0] ^ 1]))

    count = await finish()

    assert count == 0
    assert await stored(sessions) == []
    assert (await sender.ask("HEAD", path)).status_code == 404
    assert len(await bodycam.events(sessions, "bodycam.upload_wrong")) == 1


async def test_an_upload_whose_file_is_lost_is_no_recording_and_leaves_nothing(
    sender, sessions, settings, finish
):
    await sender.send(bodycam.footage().read_bytes())
    (lost,) = (settings.objects_dir / "incoming").iterdir()
    lost.unlink()

    count = await finish()

    assert count == 0
    assert await stored(sessions) == []
    assert files(settings) == []


def manifest_of(recorded):
    return metadata(manifest=bodycam.announcement(recorded).model_dump_json())


@pytest.mark.parametrize("blocks", [1, 3])
async def test_a_signed_manifest_makes_it_the_camera_s_own_recording(
    sender, sessions, yard, finish, blocks
):
    file = bodycam.footage() if blocks == 1 else bodycam.long_footage(blocks)
    recorded = yard.record(footage_file=file, track=[])

    await sender.send(file.read_bytes(), said=manifest_of(recorded), pieces=4)
    await finish()

    (row,) = await stored(sessions)
    assert row.id == recorded.recording_id
    assert (row.door, row.status.value) == ("dock", "reviewable")
    assert row.receipt_signature
    assert row.stored_root == row.merkle_root


async def test_bytes_that_the_camera_did_not_sign_are_not_taken(sender, yard, sessions, finish):
    recorded = yard.record(footage_file=bodycam.long_footage(2), track=[])
    content = bytearray(bodycam.long_footage(2).read_bytes())
    content[100] ^= 1
    path = await sender.begun(len(content), said=manifest_of(recorded))

    wrong = await sender.patch(path, 0, bytes(content))
    offset = await sender.offset(path)
    content[100] ^= 1
    right = await sender.patch(path, 0, bytes(content))
    await finish()

    (row,) = await stored(sessions)
    assert (wrong.status_code, offset, right.status_code) == (460, 0, 204)
    assert row.status.value == "reviewable"


async def test_an_announced_recording_goes_on_by_tus_and_a_stored_one_is_whole_at_once(
    sender, client, yard, sessions, finish
):
    recorded = yard.record(track=[])
    await bodycam.announce(client, recorded, yard.dock)
    content = bodycam.footage().read_bytes()
    said = metadata(recording_id=str(recorded.recording_id))

    other_size = await sender.create(len(content) - 1, said=said)
    await sender.send(content, said=said)
    await finish()
    again = await sender.begun(len(content), said=said)

    (row,) = await stored(sessions)
    assert other_size.status_code == 400
    assert row.receipt_signature
    assert await sender.offset(again) == len(content)


async def test_a_recording_begun_anew_ends_the_upload_that_brought_it(sender, yard, sessions):
    recorded = yard.record(footage_file=bodycam.long_footage(3), track=[])
    content = bodycam.long_footage(3).read_bytes()
    path = await sender.begun(len(content), said=manifest_of(recorded))
    await sender.patch(path, 0, content[: BLOCK_SIZE_BYTES + 9])
    async with transaction(sessions) as session:
        await session.execute(sa.text("DELETE FROM recording_parts"))

    answer = await sender.patch(path, BLOCK_SIZE_BYTES + 9, content[BLOCK_SIZE_BYTES + 9 :])

    assert answer.status_code == 410


async def test_another_dock_s_upload_is_not_there(client, sessions, sender):
    keeper = await bodycam.principal_of(sessions, KEEPER)
    _, other = await bodycam.register(sessions, keeper, DeviceKind.DOCK)
    stranger = Sender(client, other)
    path = await sender.begun(1000)

    answers = [
        await stranger.ask("HEAD", path),
        await stranger.patch(path, 0, b"x"),
        await stranger.ask("DELETE", path),
        await sender.ask("HEAD", f"/tus/{uuid4()}"),
    ]

    assert [one.status_code for one in answers] == [404] * 4
    assert await sender.offset(path) == 0


async def test_nobody_gets_in_without_a_dock_s_credential(client, sender):
    path = await sender.begun(1000)
    nobody = Sender(client, {})

    answers = [
        await nobody.create(1000),
        await nobody.ask("HEAD", path),
        await nobody.patch(path, 0, b"x"),
        await nobody.ask("DELETE", path),
    ]

    assert [one.status_code for one in answers] == [401] * 4


async def test_a_method_in_a_header_is_not_heard(sender):
    path = await sender.begun(1000)

    answer = await sender.ask("POST", path, headers={"X-HTTP-Method-Override": "DELETE"})

    assert answer.status_code == 405
    assert await sender.offset(path) == 0


async def test_fifty_at_once_are_all_whole(sender, sessions, finish, monkeypatch):
    monkeypatch.setattr(tus_receiving, "_PLACE_SECONDS", 120)  # eight at once, and the rest wait
    # Each with a box of its own behind: other bytes, the same film.
    contents = [
        bodycam.footage().read_bytes() + b"\0\0\0\x09free" + bytes([number]) for number in range(50)
    ]

    await asyncio.gather(*(sender.send(one, pieces=2) for one in contents))
    await finish()

    rows = await stored(sessions)
    assert len(rows) == 50
    assert {row.status.value for row in rows} == {"reviewable"}


async def test_a_dock_has_so_many_open_uploads_and_no_more(sender, sessions):
    path = await sender.begun(1000)
    async with transaction(sessions) as session:
        row = await session.scalar(sa.select(UploadRow))
        told = {
            column.key: getattr(row, column.key) for column in sa.inspect(UploadRow).column_attrs
        }
        session.add_all(UploadRow(**told | {"id": uuid4()}) for _ in range(OPEN_UPLOADS_MAX - 1))

    answer = await sender.create(1000)

    assert answer.status_code == 503
    assert await sender.offset(path) == 0


async def test_a_full_store_is_told_and_leaves_nothing(sender, sessions):
    with bodycam.full_disk(1 << 20):
        answer = await sender.create(8 << 20)

    assert answer.status_code == 507
    assert "Retry-After" in answer.headers
    assert await stored(sessions, UploadRow) == []


async def test_expiry_leaves_what_is_being_written_to(sender, docking):
    path = await sender.begun(1000)
    begun, go = asyncio.Event(), asyncio.Event()

    async def slow():
        yield b"x" * 100
        begun.set()
        await go.wait()
        yield b"x" * 900

    writing = asyncio.create_task(sender.patch(path, 0, slow()))
    await begun.wait()
    count = await expire_uploads(docking, now=datetime.now(UTC) + timedelta(days=8))
    go.set()
    await writing

    assert count == 0
    assert await sender.offset(path) in {100, 1000}
