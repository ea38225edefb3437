"""A whole shift is played while a recording of it is still arriving."""

import json
import re
from datetime import timedelta

import pytest

from bodycam.wire.digests import BLOCK_SIZE_BYTES
from sim.district import REVIEWER
from tests import factories_bodycam as bodycam
from tests.factories_bodycam import SECONDS, STARTED_AT
from tests.factories_identity import answer_challenge
from tests.factories_pages import BROWSER, OWN_PAGE, look

GAP = 30
LATER = STARTED_AT + timedelta(seconds=SECONDS + GAP)
SEGMENT = re.compile(r"#EXT-X-BYTERANGE:(\d+)@(\d+)\n(\S+)")
ARRIVING = "Ещё поступает, не проверено"


@pytest.fixture
async def reviewer(client, yard):  # noqa: ARG001 - the staff must be there to sign in
    client.headers.update(BROWSER | OWN_PAGE)
    assert (await answer_challenge(client, REVIEWER, cookie=True)).is_success
    return client


@pytest.fixture
async def stored(reviewer, yard):
    recorded = yard.record()
    (await bodycam.dock_whole(reviewer, recorded, yard.dock)).raise_for_status()
    return recorded


@pytest.fixture
async def coming(reviewer, yard, stored):  # noqa: ARG001 - it is the second of the shift
    """A recording of four blocks, the first and the third of which are there."""
    recorded = yard.record(footage_file=bodycam.spread_footage(), started_at=LATER)
    (await bodycam.announce(reviewer, recorded, yard.dock)).raise_for_status()
    (await bodycam.put_head(reviewer, recorded, yard.dock)).raise_for_status()
    for number in (0, 2):
        (await bodycam.put(reviewer, recorded, number, yard.dock)).raise_for_status()
    return recorded


async def playlist(client, recorded):
    answer = await client.get(f"/api/recordings/{recorded.recording_id}/shift.m3u8")
    return answer.raise_for_status().text


async def viewed(yard):
    seen = await bodycam.events(yard.sessions, "bodycam.recording_viewed")
    return {one["recording_id"] for one in seen}


async def test_what_has_come_stands_on_the_playlist_of_the_shift(reviewer, yard, stored, coming):
    text = await playlist(reviewer, stored)

    segments = [(int(start), int(size), url) for size, start, url in SEGMENT.findall(text)]
    ahead = [one for one in segments if one[2] == f"../{coming.recording_id}/arriving"]
    whole = bodycam.spread_footage().read_bytes()
    assert {url for *_, url in segments} == {
        f"../{stored.recording_id}/content",
        f"../{coming.recording_id}/arriving",
    }
    assert {start // BLOCK_SIZE_BYTES for start, *_ in ahead} == {0, 2}
    for start, size, _ in ahead:
        piece = await reviewer.get(
            f"/api/recordings/{coming.recording_id}/arriving",
            headers={"Range": f"bytes={start}-{start + size - 1}"},
        )
        assert piece.content == whole[start : start + size]
    assert await viewed(yard) == {str(stored.recording_id), str(coming.recording_id)}


async def test_the_page_of_the_shift_says_what_is_not_verified(reviewer, stored, coming):
    page = await look(reviewer, f"/console/recordings/{coming.recording_id}/shift")

    gaps = json.loads(page.one("video", id="player")["data-gaps"])
    assert [round(one) for one in gaps[0]] == [SECONDS, SECONDS + GAP]
    assert len(gaps) == 2  # between the recordings, and where the second block is missing
    assert page.one("p", id="arriving")
    assert page.text.count(ARRIVING) == 2  # above the player, and at its line of the list
    for one in (stored, coming):
        assert f'href="/console/recordings/{one.recording_id}"' in page.text


async def test_a_head_without_its_first_block_adds_nothing(reviewer, yard, stored):
    recorded = yard.record(footage_file=bodycam.spread_footage(), started_at=LATER)
    (await bodycam.announce(reviewer, recorded, yard.dock)).raise_for_status()
    (await bodycam.put_head(reviewer, recorded, yard.dock)).raise_for_status()

    text = await playlist(reviewer, recorded)

    assert {url for *_, url in SEGMENT.findall(text)} == {f"../{stored.recording_id}/content"}
    assert await viewed(yard) == {str(stored.recording_id)}


async def test_what_is_stored_and_unread_is_played_by_the_head(reviewer, yard, stored, coming):
    for number in (1, 3):
        (await bodycam.put(reviewer, coming, number, yard.dock)).raise_for_status()
    (await bodycam.complete(reviewer, coming, yard.dock)).raise_for_status()

    text = await playlist(reviewer, stored)
    page = await look(reviewer, f"/console/recordings/{stored.recording_id}/shift")

    assert f"../{coming.recording_id}/" in text
    assert len(json.loads(page.one("video", id="player")["data-gaps"])) == 1
    assert ARRIVING not in page.text
