import base64
import hashlib
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from app.access import DeviceKind, Role
from bodycam.wire import protocol
from bodycam.wire.digests import BLOCK_SIZE_BYTES, content_digest
from bodycam.wire.manifest import SignedReceipt
from bodycam.wire.protocol import DifferingBlock
from sim.camera import Camera, change_byte, cut_short
from sim.district import KEEPER, STRANGER
from tests import factories_bodycam as bodycam
from tests.factories_store import stored_bytes, stored_file


@pytest.fixture
async def yard(sessions, tmp_path):
    return await bodycam.yard(sessions, tmp_path)


@pytest.fixture
def recorded(yard):
    return yard.record()


@pytest.fixture
def long(yard):
    return yard.record(footage_file=bodycam.long_footage())


async def acknowledged(client, recorded, headers):
    return (await bodycam.status(client, recorded, headers)).json()["acknowledged"]


async def test_a_recording_is_taken_verified_and_receipted(client, yard, recorded):
    hello = (await client.get(protocol.PATH_HELLO, headers=yard.dock)).json()
    answer = await bodycam.dock_whole(client, recorded, yard.dock)

    signed = SignedReceipt.model_validate_json(answer.content)
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(hello["receipt_key"]))
    key.verify(base64.b64decode(signed.signature), signed.receipt.signed_bytes())
    assert signed.receipt.whole
    assert signed.receipt.merkle_root == recorded.manifest.merkle_root
    assert signed.receipt.size_bytes == recorded.manifest.size_bytes


async def test_the_receipt_is_the_same_each_time(client, yard, recorded):
    first = await bodycam.dock_whole(client, recorded, yard.dock)

    second = await bodycam.complete(client, recorded, yard.dock)

    assert second.json() == first.json()
    assert len(await bodycam.events(yard.sessions, "bodycam.recording_stored")) == 1


async def test_the_stored_file_is_the_camera_s_and_read_only(client, yard, long, settings):
    await bodycam.dock_whole(client, long, yard.dock)

    key = f"recordings/{long.recording_id}"
    assert stored_bytes(settings, key) == (long.folder / "recording.mp4").read_bytes()
    assert stored_file(settings, key).stat().st_mode & 0o777 == 0o444
    assert list((settings.objects_dir / "incoming").iterdir()) == []


async def test_parts_may_come_in_any_order_and_the_plan_shrinks(client, yard, long):
    await bodycam.announce(client, long, yard.dock)
    await bodycam.put(client, long, 2, yard.dock)

    plan = (await bodycam.announce(client, long, yard.dock)).json()

    assert plan["acknowledged"] == [2]
    assert [part["number"] for part in plan["parts"]] == [0, 1]
    assert [part["size_bytes"] for part in plan["parts"]] == [BLOCK_SIZE_BYTES] * 2


async def test_a_part_whose_bytes_do_not_fit_its_digest_is_not_acknowledged(client, yard, recorded):
    await bodycam.announce(client, recorded, yard.dock)
    good = bodycam.block(recorded, 0)
    bad = bytes([good[0] ^ 1]) + good[1:]

    answer = await bodycam.put(client, recorded, 0, yard.dock, body=bad, digest_of=good)

    assert answer.status_code == 409
    assert answer.json()["code"] == "bodycam.digest_wrong"
    assert await acknowledged(client, recorded, yard.dock) == []


async def test_a_refused_part_can_be_sent_again_and_is_stored_right(
    client, yard, recorded, settings
):
    await bodycam.announce(client, recorded, yard.dock)
    good = bodycam.block(recorded, 0)
    await bodycam.put(client, recorded, 0, yard.dock, body=bytes(len(good)), digest_of=good)

    await bodycam.put(client, recorded, 0, yard.dock)
    await bodycam.complete(client, recorded, yard.dock)

    assert stored_bytes(settings, f"recordings/{recorded.recording_id}") == good


async def test_a_replayed_part_is_answered_as_the_first_time(client, yard, recorded):
    await bodycam.announce(client, recorded, yard.dock)
    first = await bodycam.put(client, recorded, 0, yard.dock)

    again = await bodycam.put(client, recorded, 0, yard.dock)

    assert (again.status_code, again.json()) == (200, first.json())


async def test_a_replay_with_other_bytes_never_overwrites_what_was_acknowledged(
    client, yard, recorded, settings
):
    await bodycam.announce(client, recorded, yard.dock)
    good = bodycam.block(recorded, 0)
    await bodycam.put(client, recorded, 0, yard.dock)

    await bodycam.put(client, recorded, 0, yard.dock, body=bytes(len(good)), digest_of=good)
    await bodycam.complete(client, recorded, yard.dock)

    assert stored_bytes(settings, f"recordings/{recorded.recording_id}") == good


@pytest.mark.parametrize(
    ("number", "code"), [(1, "bodycam.part_out_of_range"), (10_000, "app.bad_request")]
)
async def test_a_part_out_of_range_is_refused(client, yard, recorded, number, code):
    await bodycam.announce(client, recorded, yard.dock)

    answer = await bodycam.put(client, recorded, number, yard.dock, body=b"x")

    assert (answer.status_code, answer.json()["code"]) == (422, code)


@pytest.mark.parametrize("change", [-1, 1])
async def test_a_part_of_another_size_is_refused(client, yard, recorded, change):
    await bodycam.announce(client, recorded, yard.dock)
    good = bodycam.block(recorded, 0)
    body = good[:change] if change < 0 else good + b"x"

    answer = await bodycam.put(client, recorded, 0, yard.dock, body=body, digest_of=good)

    assert (answer.status_code, answer.json()["code"]) == (422, "bodycam.part_size_wrong")
    assert await acknowledged(client, recorded, yard.dock) == []


async def test_a_body_over_the_limit_is_not_read(client, yard, long):
    await bodycam.announce(client, long, yard.dock)

    answer = await bodycam.put(client, long, 0, yard.dock, body=bytes(BLOCK_SIZE_BYTES + 1))

    assert answer.status_code == 413


async def test_a_part_without_a_digest_is_refused(client, yard, recorded):
    await bodycam.announce(client, recorded, yard.dock)
    path = protocol.PATH_PART.format(recording_id=recorded.recording_id, part_number=0)

    answer = await client.put(path, content=bodycam.block(recorded, 0), headers=yard.dock)

    assert (answer.status_code, answer.json()["code"]) == (422, "bodycam.digest_missing")


async def test_another_dock_s_recording_does_not_exist(client, yard, recorded):
    keeper = await bodycam.principal_of(yard.sessions, KEEPER)
    _, other = await bodycam.register(yard.sessions, keeper, DeviceKind.DOCK)
    await bodycam.announce(client, recorded, yard.dock)

    answers = [
        await bodycam.status(client, recorded, other),
        await bodycam.put(client, recorded, 0, other),
        await bodycam.complete(client, recorded, other),
    ]

    assert [answer.status_code for answer in answers] == [404] * 3
    assert {answer.json()["code"] for answer in answers} == {"bodycam.recording_not_found"}


async def test_a_camera_moved_to_another_dock_goes_on_there(client, yard, long):
    keeper = await bodycam.principal_of(yard.sessions, KEEPER)
    _, other = await bodycam.register(yard.sessions, keeper, DeviceKind.DOCK)
    await bodycam.announce(client, long, yard.dock)
    await bodycam.put(client, long, 0, yard.dock)

    plan = (await bodycam.announce(client, long, other)).json()

    assert plan["acknowledged"] == [0]


async def test_a_camera_of_another_department_is_not_known(client, yard, recorded):
    stranger = await bodycam.principal_of(yard.sessions, STRANGER, Role.DEVICE_KEEPER)
    _, other = await bodycam.register(yard.sessions, stranger, DeviceKind.DOCK)

    answer = await bodycam.announce(client, recorded, other)

    assert (answer.status_code, answer.json()["code"]) == (404, "bodycam.camera_not_known")
    assert (await bodycam.events(yard.sessions, "bodycam.recording_refused"))[0]["code"] == (
        "bodycam.camera_not_known"
    )


async def test_completing_with_a_missing_part_names_it(client, yard, long):
    await bodycam.announce(client, long, yard.dock)
    await bodycam.put(client, long, 0, yard.dock)
    await bodycam.put(client, long, 2, yard.dock)

    answer = await bodycam.complete(client, long, yard.dock)

    assert (answer.status_code, answer.json()["code"]) == (409, "bodycam.parts_missing")
    assert answer.json()["missing"] == [1]


async def test_a_changed_byte_is_refused_by_the_block_s_number(client, yard, long):
    change_byte(long, at_byte=BLOCK_SIZE_BYTES + 7)
    await bodycam.announce(client, long, yard.dock)

    answer = await bodycam.put(client, long, 1, yard.dock)

    assert (answer.status_code, answer.json()["code"]) == (409, "bodycam.block_differs")
    assert answer.json()["blocks"] == [1]


async def test_a_declared_changed_block_is_stored_and_named_as_damage(client, yard, long):
    change_byte(long, at_byte=BLOCK_SIZE_BYTES + 7)
    digest = hashlib.sha256(bodycam.block(long, 1)).hexdigest()

    answer = await bodycam.dock_whole(
        client, long, yard.dock, differing=(DifferingBlock(number=1, sha256=digest),)
    )

    assert answer.json()["receipt"]["whole"] is False
    stored = (await bodycam.events(yard.sessions, "bodycam.recording_stored"))[0]
    assert stored["damage"] == [
        {
            "kind": "block_differs",
            "first_byte": BLOCK_SIZE_BYTES,
            "end_byte": 2 * BLOCK_SIZE_BYTES,
        }
    ]
    assert stored["status"] == "reviewable"


async def test_a_truncated_recording_is_taken_as_it_is_and_told(client, yard, recorded):
    keep = recorded.manifest.size_bytes * 2 // 3
    cut_short(recorded, keep_bytes=keep)
    digest = hashlib.sha256(bodycam.block(recorded, 0)).hexdigest()

    answer = await bodycam.dock_whole(
        client,
        recorded,
        yard.dock,
        found_bytes=keep,
        differing=(DifferingBlock(number=0, sha256=digest),),
    )

    assert answer.json()["receipt"]["size_bytes"] == keep
    assert answer.json()["receipt"]["whole"] is False
    stored = (await bodycam.events(yard.sessions, "bodycam.recording_stored"))[0]
    assert [one["kind"] for one in stored["damage"]] == ["short", "truncated"]
    assert stored["status"] == "reviewable"


async def test_a_truncated_recording_that_is_not_declared_is_refused(client, yard, recorded):
    answer = await bodycam.announce(client, recorded, yard.dock, found_bytes=1000)

    assert (answer.status_code, answer.json()["code"]) == (409, "bodycam.block_differs")


async def test_a_camera_that_lost_everything_leaves_a_damaged_row(client, yard, recorded):
    answer = await bodycam.dock_whole(client, recorded, yard.dock, found_bytes=0)

    assert answer.status_code == 200
    stored = (await bodycam.events(yard.sessions, "bodycam.recording_stored"))[0]
    assert (stored["status"], stored["size_bytes"]) == ("quarantined", 0)


async def test_what_is_no_mp4_is_quarantined_and_its_bytes_are_kept(
    client, yard, tmp_path, settings
):
    paper = tmp_path / "paper.pdf"
    paper.write_bytes(b"%PDF-1.7 not footage" * 100)
    recorded = yard.record(footage_file=paper)

    answer = await bodycam.dock_whole(client, recorded, yard.dock)

    assert answer.json()["receipt"]["whole"] is True
    stored = (await bodycam.events(yard.sessions, "bodycam.recording_stored"))[0]
    assert stored["status"] == "quarantined"
    assert stored_bytes(settings, f"recordings/{recorded.recording_id}") == paper.read_bytes()


async def test_a_manifest_under_another_key_is_refused_and_logged(client, yard):
    forger = Camera(camera_id=yard.camera.camera_id)
    forged = forger.record(
        bay=yard.bays / "forged",
        footage=bodycam.footage(),
        started_at=bodycam.STARTED_AT,
        seconds=bodycam.SECONDS,
    )

    answer = await bodycam.announce(client, forged, yard.dock)

    assert (answer.status_code, answer.json()["code"]) == (422, "bodycam.manifest_not_signed")
    assert len(await bodycam.events(yard.sessions, "bodycam.recording_refused")) == 1


async def test_the_same_recording_under_another_manifest_is_refused(client, yard, recorded):
    await bodycam.announce(client, recorded, yard.dock)
    other = recorded.manifest.model_copy(update={"battery_percent": 99})
    again = yard.camera.sign_and_write(
        bay=yard.bays / "again", footage=bodycam.footage(), manifest=other
    )

    answer = await bodycam.announce(client, again, yard.dock)

    assert (answer.status_code, answer.json()["code"]) == (409, "bodycam.manifest_changed")


async def test_a_recording_over_the_limit_is_refused(client, app, settings, yard, recorded):
    app.state.settings = settings.model_copy(update={"recording_bytes_max": 1000})

    answer = await bodycam.announce(client, recorded, yard.dock)

    assert (answer.status_code, answer.json()["code"]) == (413, "bodycam.recording_too_large")


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b'{"manifest": 1}', b"\xff\xfe", b'{"a":' * 10_000]
)
async def test_a_malformed_announcement_is_refused_without_repeating_it(client, yard, body):
    answer = await client.post(protocol.PATH_ANNOUNCE, content=body, headers=yard.dock)

    assert (answer.status_code, answer.json()["code"]) == (422, "bodycam.manifest_not_valid")


async def test_a_full_disk_is_told_before_the_first_byte(client, settings, yard, recorded):
    await bodycam.announce(client, recorded, yard.dock)
    full = yard.record(footage_file=bodycam.long_footage())
    incoming = settings.objects_dir / "incoming"
    before = list(incoming.iterdir())

    with bodycam.full_disk():
        answer = await bodycam.announce(client, full, yard.dock)

    assert (answer.status_code, answer.json()["code"]) == (507, "bodycam.store_full")
    assert answer.headers["Retry-After"]
    assert list(incoming.iterdir()) == before


async def test_the_recording_belongs_to_the_officer_who_held_the_camera(client, yard, recorded):
    await bodycam.dock_whole(client, recorded, yard.dock)

    announced = (await bodycam.events(yard.sessions, "bodycam.recording_announced"))[0]
    assert announced["post_id"] == str(yard.post_id)


async def test_a_recording_missing_in_the_camera_s_row_is_noticed(client, yard):
    first, lost, third = yard.record(), yard.record(), yard.record()
    await bodycam.announce(client, first, yard.dock)

    await bodycam.announce(client, third, yard.dock)

    announced = await bodycam.events(yard.sessions, "bodycam.recording_announced")
    known = {one["recording_id"]: one["predecessor_known"] for one in announced}
    assert known == {str(first.recording_id): True, str(third.recording_id): False}
    assert str(lost.recording_id) not in known


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", protocol.PATH_HELLO),
        ("POST", protocol.PATH_ANNOUNCE),
        ("GET", protocol.PATH_STATUS),
        ("PUT", protocol.PATH_PART),
        ("POST", protocol.PATH_COMPLETE),
    ],
)
async def test_nobody_and_other_devices_are_not_admitted(client, yard, method, path):
    keeper = await bodycam.principal_of(yard.sessions, KEEPER)
    _, tablet = await bodycam.register(yard.sessions, keeper, DeviceKind.TABLET)
    path = path.format(recording_id=uuid4(), part_number=0)

    nobody = await client.request(method, path)
    other = await client.request(method, path, headers=tablet)

    assert (nobody.status_code, other.status_code) == (401, 403)


async def test_the_digest_header_is_read_by_rfc_9530(client, yard, recorded):
    await bodycam.announce(client, recorded, yard.dock)
    block = bodycam.block(recorded, 0)
    value = f"md5=:AAAA:, {content_digest(hashlib.sha256(block).digest())}"
    path = protocol.PATH_PART.format(recording_id=recorded.recording_id, part_number=0)

    answer = await client.put(path, content=block, headers={**yard.dock, "Content-Digest": value})

    assert answer.status_code == 200
