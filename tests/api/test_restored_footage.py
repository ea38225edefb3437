"""A camera that lost power before it wrote where its pictures lie: they are found and play."""

import hashlib
import re
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.settings import SandboxKind
from bodycam.media import Sandbox
from bodycam.models import RecordingRow
from bodycam.rules.derived import FindingKind
from bodycam.service.axis_keys import ClearObjects, ClipCiphers
from bodycam.service.docking import Docking
from bodycam.service.restoring import Restoring, restore_recording, restore_waiting
from tests import factories_bodycam as bodycam
from tests.factories_media import broken_off, film_that_tells, pictures_in, plain_footage, sandbox

LATER = timedelta(minutes=5)


@pytest.fixture
def restoring(sessions, parts):
    def restoring(shut_in=None):
        ciphers = ClipCiphers(sessions=sessions, vault=parts.keys.vault)
        docking = Docking(
            sessions=sessions,
            store=parts.store,
            trail=bodycam.TRAIL,
            recording_bytes_max=1 << 30,
            ciphers=ciphers,
        )
        reader = ClearObjects(parts.store, ciphers)
        return Restoring(docking=docking, reader=reader, sandbox=shut_in or sandbox())

    return restoring


@pytest.fixture
def restore(restoring):
    async def restore(recorded, **more):
        return await restore_recording(
            restoring(**more), recording_id=recorded.recording_id, now=bodycam.STARTED_AT + LATER
        )

    return restore


@pytest.fixture
def lost(tmp_path):
    path = tmp_path / "lost.mp4"
    path.write_bytes(broken_off(plain_footage().read_bytes()))
    return path


async def docked(client, yard, path, **more):
    recorded = yard.record(footage_file=path, **more)
    (await bodycam.dock_whole(client, recorded, yard.dock)).raise_for_status()
    return recorded


def at(recorded, rest=""):
    return f"/api/recordings/{recorded.recording_id}{rest}"


async def known(client, reviewer, recorded):
    return (await client.get(at(recorded), headers=reviewer)).json()


async def played(client, reviewer, recorded):
    text = (await client.get(at(recorded, "/playlist.m3u8"), headers=reviewer)).text
    content = (await client.get(at(recorded, "/pieces/head.mp4"), headers=reviewer)).content
    for name in re.findall(r"pieces/\d+\.m4s", text):
        content += (await client.get(at(recorded, f"/{name}"), headers=reviewer)).content
    return content


async def jobs(sessions):
    """Return which recordings the worker was asked to restore."""
    async with sessions() as session:
        found = await session.execute(
            sa.text(
                "SELECT args->>'recording_id' FROM procrastinate_jobs"
                " WHERE task_name = 'bodycam.restore' ORDER BY id"
            )
        )
        return found.scalars().all()


async def reason_of(sessions, recorded):
    async with sessions() as session:
        return await session.scalar(
            sa.select(RecordingRow.quarantine_reason).where(
                RecordingRow.id == recorded.recording_id
            )
        )


@pytest.mark.parametrize("model", [bodycam.footage, plain_footage], ids=["fragments", "tables"])
async def test_every_picture_is_found_and_plays(
    client, yard, reviewer, restore, lost, tmp_path, model
):
    await docked(client, yard, model())
    recorded = await docked(client, yard, lost, started_at=bodycam.STARTED_AT + LATER)

    assert await restore(recorded)

    content = await played(client, reviewer, recorded)
    assert pictures_in(content, tmp_path) == pictures_in(plain_footage().read_bytes(), tmp_path)
    told = await known(client, reviewer, recorded)
    assert told["status"] == "reviewable"
    assert told["quarantine_reason"] is None
    assert [one["kind"] for one in told["damage"]] == ["description"]


async def test_storing_asks_for_the_restoring(client, yard, sessions, lost):
    recorded = await docked(client, yard, lost)

    assert await jobs(sessions) == [str(recorded.recording_id)]


async def test_a_cut_file_is_restored_as_far_as_its_bytes_go(
    client, yard, reviewer, restore, tmp_path
):
    await docked(client, yard, bodycam.footage())
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(broken_off(plain_footage().read_bytes(), at=0.6))
    recorded = await docked(client, yard, cut, started_at=bodycam.STARTED_AT + LATER)

    assert await restore(recorded)

    whole = pictures_in(plain_footage().read_bytes(), tmp_path)
    content = pictures_in(await played(client, reviewer, recorded), tmp_path)
    assert 300 < len(content) < 420
    assert content == whole[: len(content)]


async def test_the_copy_that_is_taken_out_is_a_whole_file_and_the_original_stays(
    client, yard, reviewer, sessions, restore, examine, lost, tmp_path
):
    await docked(client, yard, bodycam.footage())
    recorded = await docked(client, yard, lost, started_at=bodycam.STARTED_AT + LATER)
    await restore(recorded)
    await examine(recorded)

    answer = await client.get(at(recorded, "/salvaged"), headers=reviewer)

    assert len(pictures_in(answer.content, tmp_path)) == 600
    assert answer.content.endswith(lost.read_bytes())
    assert answer.headers["Original-Root"] == recorded.manifest.merkle_root
    [made] = await bodycam.events(sessions, "bodycam.derivative_made")
    assert made["sha256"] == hashlib.sha256(answer.content).hexdigest()
    original = await client.get(at(recorded, "/content"), headers=reviewer)
    assert original.content == lost.read_bytes()


async def test_a_restored_recording_has_small_pictures_and_no_sound(
    client, yard, reviewer, restore, examine, found, lost
):
    await docked(client, yard, bodycam.footage())
    recorded = await docked(client, yard, lost, started_at=bodycam.STARTED_AT + LATER)
    await restore(recorded)

    await examine(recorded)

    assert (await client.get(at(recorded, "/sheets/0.jpg"), headers=reviewer)).status_code == 200
    kept = await found(recorded)
    assert kept[FindingKind.LOUDNESS].body == {"decibels": [], "sound": False}
    assert kept[FindingKind.DECODING].body == {"broken_ms": []}


async def test_the_log_tells_by_whose_likeness(client, yard, sessions, restore, lost):
    model = await docked(client, yard, bodycam.footage())
    recorded = await docked(client, yard, lost, started_at=bodycam.STARTED_AT + LATER)

    await restore(recorded)

    [event] = await bodycam.events(sessions, "bodycam.recording_restored")
    assert event == {
        "recording_id": str(recorded.recording_id),
        "model_id": str(model.recording_id),
        "pictures": 600,
        "duration_ms": 60_000,
        "complete": True,
        "status": "reviewable",
    }


@pytest.mark.parametrize(
    ("claimed_seconds", "shown_ms"), [(4, 4_000), (3600, 1_000_000)], ids=["true", "far_too_long"]
)
async def test_a_camera_that_repeats_its_set_up_needs_no_other_recording(
    client, yard, sessions, reviewer, restore, tmp_path, claimed_seconds, shown_ms
):
    content = film_that_tells(tmp_path)
    told = tmp_path / "told.mp4"
    told.write_bytes(broken_off(content))
    recorded = await docked(client, yard, told, seconds=claimed_seconds)

    assert await restore(recorded)

    found = await played(client, reviewer, recorded)
    assert pictures_in(found, tmp_path) == pictures_in(content, tmp_path)
    [event] = await bodycam.events(sessions, "bodycam.recording_restored")
    assert event["model_id"] is None
    assert event["duration_ms"] == shown_ms  # of 100 pictures none is shown for over ten seconds


async def test_without_another_recording_of_the_camera_it_waits_for_one(
    client, yard, sessions, restore, lost
):
    recorded = await docked(client, yard, lost, started_at=bodycam.STARTED_AT + LATER)

    assert not await restore(recorded)
    assert "no recording of its camera to learn from" in await reason_of(sessions, recorded)
    await docked(client, yard, bodycam.footage())

    assert await jobs(sessions) == [str(recorded.recording_id)] * 2
    assert await restore(recorded)


async def test_without_a_sandbox_nothing_is_shown_that_was_not_seen_to_decode(
    client, yard, sessions, restoring, restore, lost
):
    await docked(client, yard, bodycam.footage())
    recorded = await docked(client, yard, lost, started_at=bodycam.STARTED_AT + LATER)

    assert not await restore(recorded, shut_in=Sandbox(SandboxKind.BUBBLEWRAP, (), ""))

    assert (
        await restore_waiting(
            restoring(shut_in=Sandbox(SandboxKind.BUBBLEWRAP, (), "")), now=bodycam.STARTED_AT
        )
        == 0
    )
    assert "description of its tracks" in await reason_of(sessions, recorded)
    assert await restore(recorded)  # once there is one


async def test_a_likeness_under_which_nothing_decodes_is_none(
    client, yard, sessions, reviewer, restore, lost, tmp_path
):
    from sim.signed_video import encode, write_mp4

    other = write_mp4(encode(codec="h264", seconds=6), tmp_path / "other.mp4", codec="h264")
    await docked(client, yard, other, seconds=6)
    recorded = await docked(client, yard, lost, started_at=bodycam.STARTED_AT + LATER)

    assert not await restore(recorded)

    assert "no picture was found in it" in await reason_of(sessions, recorded)
    assert (await known(client, reviewer, recorded))["status"] == "quarantined"

    # The camera was set otherwise before. What comes with its new settings is learnt from.
    await docked(client, yard, bodycam.footage(), started_at=bodycam.STARTED_AT + 2 * LATER)
    assert await jobs(sessions) == [str(recorded.recording_id)] * 2
    assert await restore(recorded)


async def test_what_is_too_far_in_time_to_be_learnt_from_starts_nothing(
    client, yard, sessions, restore, tmp_path
):
    for number in range(1, 4):
        await docked(
            client, yard, bodycam.footage(), started_at=bodycam.STARTED_AT - number * LATER
        )
    noise = tmp_path / "noise.mp4"
    noise.write_bytes(lost_noise())
    recorded = await docked(client, yard, noise, started_at=bodycam.STARTED_AT)
    assert not await restore(recorded)

    await docked(client, yard, bodycam.footage(), started_at=bodycam.STARTED_AT + 9 * LATER)

    assert await jobs(sessions) == [str(recorded.recording_id)]


async def test_what_holds_no_pictures_stays_where_it_is(client, yard, sessions, restore, tmp_path):
    await docked(client, yard, bodycam.footage())
    noise = tmp_path / "noise.mp4"
    noise.write_bytes(lost_noise())
    recorded = await docked(client, yard, noise, started_at=bodycam.STARTED_AT + LATER)

    assert not await restore(recorded)

    assert "no picture was found in it" in await reason_of(sessions, recorded)


def lost_noise():
    import random

    return b"\0\0\0\x10ftypisom\0\0\0\0" + bytes(4) + b"mdat" + random.Random(5).randbytes(1 << 20)


async def test_a_recording_of_the_camera_that_comes_meanwhile_is_not_missed(
    client, yard, sessions, restoring, lost
):
    recorded = await docked(client, yard, lost, started_at=bodycam.STARTED_AT + LATER)
    held = restoring()

    class Slow:
        """Reads, and by then another recording has come."""

        async def reading(self, *, key, act):
            await docked(client, yard, bodycam.footage())
            return await held.reader.reading(key=key, act=act)

    now = bodycam.STARTED_AT + LATER
    slow = replace(held, reader=Slow())
    assert not await restore_recording(slow, recording_id=recorded.recording_id, now=now)

    assert await jobs(sessions) == [str(recorded.recording_id)] * 2
    assert await restore_waiting(held, now=now) == 1


async def test_one_that_cannot_be_tried_keeps_no_other_waiting(
    client, yard, sessions, restoring, lost, tmp_path
):
    await docked(client, yard, bodycam.footage())
    other = tmp_path / "other.mp4"
    other.write_bytes(lost.read_bytes()[:-1])
    first = await docked(client, yard, other, started_at=bodycam.STARTED_AT + LATER)
    await docked(client, yard, lost, started_at=bodycam.STARTED_AT + 2 * LATER)
    held = restoring()
    async with sessions() as session:
        row = await session.get(RecordingRow, first.recording_id)

    class Broken:
        async def reading(self, *, key, act):
            if key == row.object_key:
                raise RuntimeError("a fault of ours")
            return await held.reader.reading(key=key, act=act)

    now = bodycam.STARTED_AT + LATER
    assert await restore_waiting(replace(held, reader=Broken()), now=now) == 1


@pytest.mark.parametrize("head", ["never_written", "no_box_at_all"])
async def test_media_without_a_head_are_looked_through_too(
    client, yard, restore, lost, tmp_path, head
):
    await docked(client, yard, bodycam.footage())
    content = lost.read_bytes()
    media = content.index(b"mdat") - 4
    path = tmp_path / "headless.mp4"
    path.write_bytes(
        content[:media] + (bytes(8) if head == "never_written" else b"") + content[media + 8 :]
    )
    recorded = await docked(client, yard, path, started_at=bodycam.STARTED_AT + LATER)

    assert await restore(recorded)


async def test_restoring_again_changes_nothing(client, yard, sessions, restore, lost):
    await docked(client, yard, bodycam.footage())
    recorded = await docked(client, yard, lost, started_at=bodycam.STARTED_AT + LATER)

    assert [await restore(recorded) for _ in range(2)] == [True, False]

    assert len(await bodycam.events(sessions, "bodycam.recording_restored")) == 1


async def test_what_an_earlier_release_has_put_aside_is_tried_by_itself(
    client, yard, restoring, lost
):
    await docked(client, yard, bodycam.footage())
    await docked(client, yard, lost, started_at=bodycam.STARTED_AT + LATER)

    now = bodycam.STARTED_AT + LATER
    assert await restore_waiting(restoring(), now=now) == 1
    assert await restore_waiting(restoring(), now=now) == 0


async def test_the_seconds_count_as_recorded_once_they_play(client, yard, sessions, restore, lost):
    async def standing():
        async with sessions() as session:
            return (
                await session.execute(
                    sa.text(
                        "SELECT kind, reason FROM coverage_intervals"
                        " WHERE starts_at >= :since ORDER BY starts_at"
                    ),
                    {"since": bodycam.STARTED_AT + LATER},
                )
            ).all()

    await docked(client, yard, bodycam.footage())
    recorded = await docked(client, yard, lost, started_at=bodycam.STARTED_AT + LATER)
    before = await standing()

    await restore(recorded)

    assert before != await standing()


@pytest.mark.parametrize(
    ("language", "words"), [("ru", "кадры найдены заново"), ("kk", "кадрлары қайта табылды")]
)
async def test_the_page_says_what_is_lost(client, yard, reviewer, restore, lost, language, words):
    await docked(client, yard, bodycam.footage())
    recorded = await docked(client, yard, lost, started_at=bodycam.STARTED_AT + LATER)
    await restore(recorded)

    headers = {**reviewer, "Accept-Language": language}
    page = (await client.get(f"/console/recordings/{recorded.recording_id}", headers=headers)).text

    assert words in page
