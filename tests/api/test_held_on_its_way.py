"""A hold on a recording that is not at rest yet: announced, arriving, or stored and not read."""

from datetime import UTC, datetime, timedelta

import pytest

from app.clock import utc_now
from bodycam.service import Docking, completion, expiry, scrubbing
from bodycam.service.reading_back import read_back
from sim.district import KEEPER, OFFICIAL
from tests import factories_bodycam as bodycam
from tests.factories_identity import answer_challenge, signed_in
from tests.factories_pages import BROWSER, OWN_PAGE, look

FOREVER = datetime(2050, 1, 1, tzinfo=UTC)


@pytest.fixture
async def keeper(client, yard):  # noqa: ARG001 - the staff must be there to sign in
    return await signed_in(client, KEEPER)


@pytest.fixture
async def official(client, yard):  # noqa: ARG001 - the staff must be there to sign in
    return await signed_in(client, OFFICIAL)


@pytest.fixture
def docking(sessions, parts):
    return Docking(
        sessions=sessions, store=parts.store, trail=bodycam.TRAIL, recording_bytes_max=1 << 40
    )


@pytest.fixture
async def announced(client, yard):
    recorded = yard.record(footage_file=bodycam.long_footage())
    (await bodycam.announce(client, recorded, yard.dock)).raise_for_status()
    return recorded


@pytest.fixture
async def unread(client, yard, monkeypatch):
    """A recording that has its receipt and whose boxes the worker has not read."""
    monkeypatch.setattr(completion, "_INDEXED_AT_ONCE_MS", 0)  # every recording is long
    recorded = yard.record()
    (await bodycam.announce(client, recorded, yard.dock)).raise_for_status()
    (await bodycam.put_head(client, recorded, yard.dock)).raise_for_status()
    (await bodycam.dock_whole(client, recorded, yard.dock)).raise_for_status()
    return recorded


def path_of(recorded):
    return f"/api/custody/recordings/{recorded.recording_id}"


async def hold(client, headers, recorded):
    body = {"reason": "court", "case_number": "7599-26-00-3/12"}
    answer = await client.post(f"{path_of(recorded)}/holds", json=body, headers=headers)
    return answer.raise_for_status().json()["hold_id"]


async def release(client, headers, hold_id):
    path = f"/api/custody/holds/{hold_id}/release"
    (await client.post(path, headers=headers)).raise_for_status()


async def standing(client, headers, recorded):
    body = (await client.get(path_of(recorded), headers=headers)).raise_for_status().json()
    return body["status"], body["because"]


async def expire(sessions):
    return await expiry.expire_recordings(sessions, trail=bodycam.TRAIL, now=FOREVER)


async def test_what_is_held_from_its_announcement_on_is_held_when_it_has_come(
    client, sessions, yard, keeper, announced
):
    await hold(client, keeper, announced)
    before = await standing(client, keeper, announced)

    answer = await bodycam.dock_whole(client, announced, yard.dock)

    assert answer.json()["receipt"]["whole"] is True
    assert before == ("receiving", "held")
    assert await standing(client, keeper, announced) == ("held", "held")
    assert await expire(sessions) == 0


async def test_a_recording_that_nobody_has_read_is_held_before_and_after_it_is_read(
    client, sessions, keeper, official, docking, unread
):
    hold_id = await hold(client, keeper, unread)
    before = await standing(client, keeper, unread)

    await read_back(docking, recording_id=unread.recording_id, now=utc_now())

    assert before == ("verified", "held")
    assert await standing(client, keeper, unread) == ("held", "held")
    assert await expire(sessions) == 0
    await release(client, official, hold_id)
    assert await standing(client, keeper, unread) == ("reviewable", "term")


async def test_a_hold_that_is_released_before_the_recording_is_read_leaves_no_trace(
    client, keeper, official, docking, unread
):
    hold_id = await hold(client, keeper, unread)

    await release(client, official, hold_id)
    between = await standing(client, keeper, unread)
    await read_back(docking, recording_id=unread.recording_id, now=utc_now())

    assert between == ("verified", "not_stored")
    assert await standing(client, keeper, unread) == ("reviewable", "term")


async def test_two_holds_on_an_unread_recording_are_released_one_by_one(
    client, keeper, official, docking, unread
):
    one, other = [await hold(client, keeper, unread) for _ in range(2)]

    await release(client, official, one)
    await read_back(docking, recording_id=unread.recording_id, now=utc_now())
    between = await standing(client, keeper, unread)
    await release(client, official, other)

    assert between == ("held", "held")
    assert await standing(client, keeper, unread) == ("reviewable", "term")


async def test_bytes_that_prove_to_be_no_film_are_held_and_go_back_to_quarantine(
    client, yard, keeper, official, tmp_path
):
    noise = tmp_path / "noise.mp4"
    noise.write_bytes(bytes(range(256)) * 4000)
    recorded = yard.record(footage_file=noise)
    (await bodycam.announce(client, recorded, yard.dock)).raise_for_status()
    hold_id = await hold(client, keeper, recorded)

    (await bodycam.dock_whole(client, recorded, yard.dock)).raise_for_status()

    assert await standing(client, keeper, recorded) == ("held", "held")
    await release(client, official, hold_id)
    assert await standing(client, keeper, recorded) == ("quarantined", "term")


async def test_what_has_come_of_a_held_recording_is_not_cleared_until_it_is_released(
    client, sessions, parts, yard, keeper, official, announced
):
    (await bodycam.put(client, announced, 0, yard.dock)).raise_for_status()
    hold_id = await hold(client, keeper, announced)

    async def clear():
        return await scrubbing.clear_abandoned(
            sessions, store=parts.store, trail=bodycam.TRAIL, now=utc_now() + timedelta(days=31)
        )

    held = await clear()
    (acknowledged,) = (await bodycam.status(client, announced, yard.dock)).json()["acknowledged"]
    await release(client, official, hold_id)

    assert (held, acknowledged) == (0, 0)
    assert await clear() == 1


async def test_a_hold_placed_while_the_uploads_are_looked_through_keeps_what_has_come(
    client, sessions, parts, yard, keeper, announced, monkeypatch
):
    (await bodycam.put(client, announced, 0, yard.dock)).raise_for_status()
    asked = scrubbing.devices.is_in_service

    async def meanwhile(session, *, device_id):
        await hold(client, keeper, announced)
        return await asked(session, device_id=device_id)

    monkeypatch.setattr(scrubbing.devices, "is_in_service", meanwhile)

    cleared = await scrubbing.clear_abandoned(
        sessions, store=parts.store, trail=bodycam.TRAIL, now=utc_now() + timedelta(days=31)
    )

    assert cleared == 0
    assert (await bodycam.status(client, announced, yard.dock)).json()["acknowledged"] == [0]


async def test_the_page_takes_a_hold_on_what_nobody_has_read(client, unread):
    client.headers.update(BROWSER | OWN_PAGE)
    await answer_challenge(client, KEEPER, cookie=True)
    page = f"/console/custody/recordings/{unread.recording_id}"
    form = {"reason": "court", "case_number": "7/2026"}

    answer = await client.post(f"{page}/holds", data=form)

    assert answer.status_code == 303
    assert "7/2026" in (await look(client, page)).text
