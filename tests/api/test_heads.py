"""What a dock sends of a recording before its bulk, and what comes of it."""

import hashlib
from datetime import timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa

from bodycam.models import RecordingHeadRow
from bodycam.repository import findings, heads
from bodycam.rules.derived import HeadStanding
from bodycam.rules.signed_video.trust import Anchors
from bodycam.service.examining import Examining, examine_recording
from bodycam.service.previewing import preview_recording
from bodycam.wire import protocol
from bodycam.wire.digests import BLOCK_SIZE_BYTES
from bodycam.wire.head import read_head, write_head
from bodycam.wire.manifest import CameraEvent, EventKind
from sim.camera import Camera, change_byte, cut_short
from tests import factories_bodycam as bodycam
from tests.factories_media import sandbox


@pytest.fixture
def examining(sessions, parts):
    return Examining(
        sessions=sessions,
        store=parts.store,
        trail=bodycam.TRAIL,
        sandbox=sandbox(),
        anchors=Anchors(),
    )


async def announced(client, recorded, headers):
    return (await bodycam.announce(client, recorded, headers)).raise_for_status().json()


def at(recorded, rest=""):
    return f"/api/recordings/{recorded.recording_id}{rest}"


def with_head(yard, changed, *, footage=None):
    """Return a recording whose camera signed the head that ``changed`` makes of the true one."""
    true = yard.record(footage_file=footage)
    content = changed(read_head((true.folder / "head.bin").read_bytes()))
    manifest = true.manifest.model_copy(
        update={"head_sha256": hashlib.sha256(content).hexdigest(), "head_bytes": len(content)}
    )
    return yard.camera.sign_and_write(
        bay=true.folder, footage=footage or bodycam.footage(), manifest=manifest, head=content
    )


async def standing_of(sessions, recorded):
    async with sessions() as session:
        row = await heads.head_of(session, recorded.recording_id, with_content=True)
        return (row.standing, row.differs, row.content)


async def test_the_plan_asks_for_the_head_until_it_is_there(client, yard):
    recorded = yard.record()

    before = await announced(client, recorded, yard.dock)
    answer = await bodycam.put_head(client, recorded, yard.dock)
    after = await announced(client, recorded, yard.dock)

    assert before["head"]["size_bytes"] == recorded.manifest.head_bytes
    assert answer.json()["sha256"] == recorded.manifest.head_sha256
    assert "head" not in after


async def test_a_camera_of_before_gets_the_plan_of_before(client, yard):
    yard.camera.version = 1
    recorded = yard.record()

    plan = await announced(client, recorded, yard.dock)

    assert "head_sha256" not in recorded.manifest.model_dump(mode="json")
    assert sorted(plan) == [
        "acknowledged",
        "found_bytes",
        "parts",
        "recording_id",
        "state",
        "wanted_until",
    ]


async def test_a_reviewer_sees_pictures_and_track_before_any_bulk(
    client, yard, reviewer, examining
):
    recorded = yard.record()
    await announced(client, recorded, yard.dock)
    await bodycam.put_head(client, recorded, yard.dock)

    await preview_recording(examining, recording_id=recorded.recording_id)

    story = await client.get(at(recorded, "/storyboard.vtt"), headers=reviewer)
    sheet = await client.get(at(recorded, "/sheets/0.jpg"), headers=reviewer)
    status = await bodycam.status(client, recorded, yard.dock)
    assert status.json()["acknowledged"] == []
    assert story.text.count("#xywh=") == 6
    assert sheet.content.startswith(b"\xff\xd8")


async def test_the_pictures_of_the_head_are_those_of_the_bulk(client, yard, sessions, examining):
    recorded = yard.record()
    await announced(client, recorded, yard.dock)
    await bodycam.put_head(client, recorded, yard.dock)
    await preview_recording(examining, recording_id=recorded.recording_id)
    async with sessions() as session:
        early = await findings.sheet_picture(session, recording_id=recorded.recording_id, number=0)
    await bodycam.dock_whole(client, recorded, yard.dock)
    async with sessions.begin() as session:
        await heads.drop_sheets(session, recording_id=recorded.recording_id)

    await examine_recording(examining, recording_id=recorded.recording_id)

    async with sessions() as session:
        late = await findings.sheet_picture(session, recording_id=recorded.recording_id, number=0)
    assert early == late


async def test_the_bulk_confirms_a_true_head_and_lets_go_of_its_bytes(
    client, yard, sessions, examining
):
    recorded = yard.record()
    await announced(client, recorded, yard.dock)
    await bodycam.put_head(client, recorded, yard.dock)
    await bodycam.dock_whole(client, recorded, yard.dock)

    await examine_recording(examining, recording_id=recorded.recording_id)

    assert await standing_of(sessions, recorded) == (HeadStanding.CONFIRMED, [], None)
    assert await bodycam.events(sessions, "bodycam.head_checked") == [
        {"recording_id": str(recorded.recording_id), "standing": "confirmed", "differs": []}
    ]


def _other_index(head):
    starts = tuple(one + 1 for one in head.table.starts)
    return write_head(type(head)(head.table.model_copy(update={"starts": starts}), head.body))


def _one_fragment_less(head):
    cut = {
        name: getattr(head.table, name)[:-1]
        for name in ("offsets", "sizes", "starts", "durations", "keys")
    }
    table = head.table.model_copy(update={**cut, "ranges": head.table.ranges[:-1]})
    return write_head(type(head)(table, head.body[: -head.table.ranges[-1][1]]))


def _one_byte(head):
    body = head.body[:-50] + bytes([head.body[-50] ^ 1]) + head.body[-49:]
    return write_head(type(head)(head.table, body))


@pytest.mark.parametrize(
    ("changed", "named"),
    [(_other_index, "fragment at "), (_one_fragment_less, "fragment at "), (_one_byte, "bytes ")],
)
async def test_a_head_that_lies_is_found_named_and_its_pictures_go(
    client, yard, sessions, examining, changed, named
):
    recorded = with_head(yard, changed)
    await announced(client, recorded, yard.dock)
    (await bodycam.put_head(client, recorded, yard.dock)).raise_for_status()
    await preview_recording(examining, recording_id=recorded.recording_id)
    async with sessions.begin() as session:  # a mark, to know it again
        await session.execute(
            sa.text("UPDATE recording_sheets SET made_at = '2000-01-01T00:00:00Z'")
        )
    await bodycam.dock_whole(client, recorded, yard.dock)

    await examine_recording(examining, recording_id=recorded.recording_id)

    standing, differs, content = await standing_of(sessions, recorded)
    assert (standing, content is None) == (HeadStanding.DIFFERS, False)
    assert differs[0].startswith(named)
    async with sessions() as session:
        old = await session.scalar(
            sa.text("SELECT count(*) FROM recording_sheets WHERE made_at < '2001-01-01'")
        )
    assert old == 0


async def test_what_rotted_after_the_camera_signed_makes_no_liar_of_its_head(
    client, yard, sessions, examining
):
    recorded = yard.record()
    await announced(client, recorded, yard.dock)
    await bodycam.put_head(client, recorded, yard.dock)
    cut_short(recorded, keep_bytes=recorded.manifest.size_bytes // 2)
    change_byte(recorded, at_byte=recorded.manifest.size_bytes // 4)
    found = (recorded.folder / "recording.mp4").read_bytes()
    differing = [{"number": 0, "sha256": hashlib.sha256(found).hexdigest()}]
    answer = await bodycam.dock_whole(
        client,
        recorded,
        yard.dock,
        found_bytes=len(found),
        differing=[protocol.DifferingBlock(**one) for one in differing],
    )
    answer.raise_for_status()

    await examine_recording(examining, recording_id=recorded.recording_id)

    assert (await standing_of(sessions, recorded))[0] is HeadStanding.CONFIRMED


async def test_a_head_of_a_recording_that_is_no_video_is_named(client, yard, sessions, tmp_path):
    noise = tmp_path / "noise.bin"
    noise.write_bytes(b"\x07" * 50_000)
    true = yard.record()
    content = (true.folder / "head.bin").read_bytes()
    recorded = yard.record(footage_file=noise)
    head = read_head(content)
    table = head.table.model_copy(
        update={"recording_id": recorded.recording_id, "size_bytes": 50_000}
    )
    cut = write_head(type(head)(_within(table, 50_000), head.body[: head.table.ranges[0][1]]))
    manifest = recorded.manifest.model_copy(
        update={"head_sha256": hashlib.sha256(cut).hexdigest(), "head_bytes": len(cut)}
    )
    recorded = yard.camera.sign_and_write(
        bay=recorded.folder, footage=noise, manifest=manifest, head=cut
    )
    await announced(client, recorded, yard.dock)
    (await bodycam.put_head(client, recorded, yard.dock)).raise_for_status()

    await bodycam.dock_whole(client, recorded, yard.dock)

    standing, differs, _ = await standing_of(sessions, recorded)
    assert (standing, differs) == (HeadStanding.DIFFERS, ["no video was stored"])


def _within(table, size):
    count = sum(
        1 for at, length in zip(table.offsets, table.sizes, strict=True) if at + length < size
    )
    cut = {
        name: getattr(table, name)[:count]
        for name in ("offsets", "sizes", "starts", "durations", "keys")
    }
    return table.model_copy(update={**cut, "ranges": table.ranges[:1]})


async def test_another_head_than_the_camera_signed_is_refused(client, yard, sessions):
    recorded = yard.record()
    await announced(client, recorded, yard.dock)
    content = (recorded.folder / "head.bin").read_bytes()
    other = content[:-1] + bytes([content[-1] ^ 1])

    named = await bodycam.put_head(client, recorded, yard.dock, other)
    lied = await bodycam.put_head(
        client, recorded, yard.dock, other, digest=hashlib.sha256(content).digest()
    )

    assert (named.status_code, named.json()["code"]) == (422, "bodycam.head_not_as_signed")
    assert (lied.status_code, lied.json()["code"]) == (409, "bodycam.digest_wrong")
    async with sessions() as session:
        assert (await session.scalar(sa.select(sa.func.count()).select_from(RecordingHeadRow))) == 0


@pytest.mark.parametrize(
    "garbage", [b"{}\n", b"no line feed", b"\n", b'{"version":1}\n\0\0', b"\xff" * 2000 + b"\n"]
)
async def test_a_signed_head_that_is_none_is_refused(client, yard, garbage):
    recorded = with_head(yard, lambda _: garbage)
    await announced(client, recorded, yard.dock)

    answer = await bodycam.put_head(client, recorded, yard.dock)

    assert (answer.status_code, answer.json()["code"]) == (422, "bodycam.head_not_as_signed")


async def test_a_head_of_another_recording_is_refused(client, yard):
    other = uuid4()
    recorded = with_head(
        yard,
        lambda head: write_head(
            type(head)(head.table.model_copy(update={"recording_id": other}), head.body)
        ),
    )
    await announced(client, recorded, yard.dock)

    answer = await bodycam.put_head(client, recorded, yard.dock)

    assert (answer.status_code, answer.json()["code"]) == (422, "bodycam.head_not_as_signed")


async def test_a_head_is_wanted_of_the_dock_s_own_open_recordings_only(client, yard):
    recorded = yard.record()
    strange = await bodycam.put_head(client, recorded, yard.dock)
    await bodycam.dock_whole(client, recorded, yard.dock)

    late = await bodycam.put_head(client, recorded, yard.dock)

    assert (strange.status_code, strange.json()["code"]) == (404, "bodycam.recording_not_found")
    assert (late.status_code, late.json()["code"]) == (409, "bodycam.head_not_wanted")


async def test_a_replayed_head_is_answered_as_the_first_time(client, yard, sessions):
    recorded = yard.record()
    await announced(client, recorded, yard.dock)
    first = await bodycam.put_head(client, recorded, yard.dock)

    again = await bodycam.put_head(client, recorded, yard.dock)

    assert (again.status_code, again.json()) == (200, first.json())
    assert len(await bodycam.events(sessions, "bodycam.head_received")) == 1


async def test_blocks_that_a_complaint_waits_for_go_before_the_rest(client, yard):
    recorded = yard.record(
        footage_file=bodycam.spread_footage(), track=[bodycam.passed(seconds=58)]
    )
    await bodycam.complain(yard)
    await announced(client, recorded, yard.dock)
    await bodycam.put_head(client, recorded, yard.dock)

    first = await announced(client, recorded, yard.dock)
    for part in first["parts"]:
        await bodycam.put(client, recorded, part["number"], yard.dock)
    rest = await announced(client, recorded, yard.dock)

    count = len(recorded.manifest.blocks)
    sent = [part["number"] for part in first["parts"]]
    assert first["wanted_until"] is not None
    assert sent[0] == 0  # the description of the tracks
    assert sent[1:] == list(range(count - len(sent) + 1, count))
    assert len(sent) < count
    assert rest["wanted_until"] is None
    assert [part["number"] for part in rest["parts"]] == [
        number for number in range(count) if number not in sent
    ]


async def test_events_are_kept_with_the_recording_by_true_time(client, yard, sessions):
    yard.camera.clock_drift_ms = 5_000
    noted = bodycam.STARTED_AT + timedelta(seconds=25)
    recorded = yard.record(events=[CameraEvent(at=noted, kind=EventKind.LENS_COVERED)])

    await announced(client, recorded, yard.dock)

    async with sessions() as session:
        kept = await session.scalar(
            sa.text("SELECT events FROM recordings WHERE id = :id"), {"id": recorded.recording_id}
        )
    assert kept == [{"at": "2026-11-20T03:00:20.000Z", "kind": "lens_covered", "value": None}]


async def test_a_manifest_of_version_2_is_signed_as_such(client, yard):
    recorded = yard.record(events=[CameraEvent(at=bodycam.STARTED_AT, kind=EventKind.BUTTON)])
    forged = recorded.manifest.model_copy(update={"events": ()})
    body = protocol.Announce(
        manifest=forged, signature=recorded.signature, found_bytes=forged.size_bytes
    )

    answer = await client.post(
        protocol.PATH_ANNOUNCE, content=body.model_dump_json(), headers=yard.dock
    )

    assert (answer.status_code, answer.json()["code"]) == (422, "bodycam.manifest_not_signed")


def test_a_camera_s_head_tells_what_lies_in_its_file(tmp_path):
    recorded = Camera(camera_id=uuid4()).record(
        bay=tmp_path, footage=bodycam.footage(), started_at=bodycam.STARTED_AT, seconds=60
    )
    content = (recorded.folder / "recording.mp4").read_bytes()

    head = read_head((recorded.folder / "head.bin").read_bytes())

    assert all(content[start : start + len(piece)] == piece for start, piece in head.pieces())
    assert len((recorded.folder / "head.bin").read_bytes()) < len(content) / 5
    assert head.read_at(*head.table.ranges[3]) == head.pieces()[3][1]
    assert head.read_at(BLOCK_SIZE_BYTES, 8) == b""
