"""A long recording whose head is here gets its receipt at once, and its index from the worker."""

import pytest

from app.clock import utc_now
from app.db import transaction
from bodycam import repository
from bodycam.rules.derived import HeadStanding
from bodycam.rules.life_cycle import RecordingStatus
from bodycam.rules.signed_video.trust import Anchors
from bodycam.service import Docking, completion
from bodycam.service.examining import Examining, examine_recording
from bodycam.service.reading_back import read_back, read_back_waiting
from tests import factories_bodycam as bodycam
from tests.factories_identity import trust_the_authority
from tests.factories_media import sandbox
from tests.factories_store import stored_file


@pytest.fixture
async def yard(sessions, tmp_path, settings, monkeypatch):
    monkeypatch.setattr(completion, "_INDEXED_AT_ONCE_MS", 0)  # every recording is long
    trust_the_authority(settings)
    return await bodycam.yard(sessions, tmp_path)


@pytest.fixture
def docking(sessions, parts):
    return Docking(
        sessions=sessions, store=parts.store, trail=bodycam.TRAIL, recording_bytes_max=1 << 40
    )


async def docked(client, yard, *, footage_file=None, head=True):
    recorded = yard.record(footage_file=footage_file)
    (await bodycam.announce(client, recorded, yard.dock)).raise_for_status()
    if head:
        (await bodycam.put_head(client, recorded, yard.dock)).raise_for_status()
    await bodycam.dock_whole(client, recorded, yard.dock)
    return recorded


async def status_of(sessions, recorded):
    async with transaction(sessions) as session:
        return (await repository.recording(session, recorded.recording_id)).status


def at(recorded, rest):
    return f"/api/recordings/{recorded.recording_id}/{rest}"


async def test_it_plays_by_its_head_until_its_boxes_are_read(
    client, yard, reviewer, docking, sessions
):
    recorded = await docked(client, yard)

    own = await client.get(at(recorded, "playlist.m3u8"), headers=reviewer)
    by_head = await client.get(at(recorded, "arriving.m3u8"), headers=reviewer)
    first = await status_of(sessions, recorded)
    done = await read_back(docking, recording_id=recorded.recording_id, now=utc_now())
    indexed = await client.get(at(recorded, "playlist.m3u8"), headers=reviewer)

    assert (own.status_code, by_head.status_code, first) == (409, 200, RecordingStatus.VERIFIED)
    assert "#EXT-X-GAP" not in by_head.text
    assert (done, indexed.status_code) == (True, 200)
    assert await status_of(sessions, recorded) is RecordingStatus.REVIEWABLE
    (told,) = await bodycam.events(sessions, "bodycam.recording_indexed")
    assert told["recording_id"] == str(recorded.recording_id)
    assert await bodycam.events(sessions, "bodycam.recording_read_back") == []


async def test_its_head_is_compared_with_what_came(client, yard, docking, sessions, parts):
    recorded = await docked(client, yard)
    await read_back(docking, recording_id=recorded.recording_id, now=utc_now())
    examining = Examining(
        sessions=sessions,
        store=parts.store,
        trail=bodycam.TRAIL,
        sandbox=sandbox(),
        anchors=Anchors(),
    )

    await examine_recording(examining, recording_id=recorded.recording_id)

    async with transaction(sessions) as session:
        head = await repository.heads.head_of(session, recorded.recording_id)
    assert head.standing is HeadStanding.CONFIRMED


async def test_a_lost_job_is_made_up_for(client, yard, docking, sessions):
    recorded = await docked(client, yard)

    count = await read_back_waiting(docking, now=utc_now())

    assert count == 1
    assert await status_of(sessions, recorded) is RecordingStatus.REVIEWABLE


async def test_the_receipt_is_the_same_however_often_it_is_asked_for(client, yard, docking):
    recorded = await docked(client, yard)
    first = await bodycam.complete(client, recorded, yard.dock)
    await read_back(docking, recording_id=recorded.recording_id, now=utc_now())
    second = await bodycam.complete(client, recorded, yard.dock)

    assert first.raise_for_status().json() == second.raise_for_status().json()
    assert not await read_back(docking, recording_id=recorded.recording_id, now=utc_now())


async def test_one_without_a_head_is_indexed_at_once(client, yard, sessions):
    recorded = await docked(client, yard, head=False)

    assert await status_of(sessions, recorded) is RecordingStatus.REVIEWABLE


async def test_what_rots_before_the_worker_comes_is_a_fault_for_a_person(
    client, yard, docking, sessions, settings
):
    recorded = await docked(client, yard)
    async with transaction(sessions) as session:
        row = await repository.recording(session, recorded.recording_id)
    file = stored_file(settings, row.object_key)
    file.chmod(0o600)
    content = bytearray(file.read_bytes())
    content[20_500] ^= 1  # in the first chunk, behind slots and table
    file.write_bytes(content)

    done = await read_back(docking, recording_id=recorded.recording_id, now=utc_now())

    assert not done
    assert len(await bodycam.events(sessions, "bodycam.storage_fault")) == 1
