"""A recording is played while its bulk is still arriving."""

import re

import pytest

from bodycam.storage import TieredStore
from bodycam.wire.digests import BLOCK_SIZE_BYTES
from sim.district import REVIEWER
from tests import factories_bodycam as bodycam
from tests.factories_identity import answer_challenge
from tests.factories_pages import BROWSER, OWN_PAGE, look

SPAN = re.compile(r"#EXT-X-BYTERANGE:(\d+)@(\d+)")


@pytest.fixture
async def recorded(client, yard):
    """A recording of four blocks, the first and the third of which are there."""
    recorded = yard.record(footage_file=bodycam.spread_footage())
    (await bodycam.announce(client, recorded, yard.dock)).raise_for_status()
    (await bodycam.put_head(client, recorded, yard.dock)).raise_for_status()
    for number in (0, 2):
        (await bodycam.put(client, recorded, number, yard.dock)).raise_for_status()
    return recorded


def at(recorded, rest):
    return f"/api/recordings/{recorded.recording_id}/{rest}"


async def ranged(client, recorded, reviewer, start, length):
    headers = reviewer | {"Range": f"bytes={start}-{start + length - 1}"}
    return await client.get(at(recorded, "arriving"), headers=headers)


async def test_what_is_there_is_on_the_playlist_and_is_given(client, recorded, reviewer, sessions):
    playlist = await client.get(at(recorded, "arriving.m3u8"), headers=reviewer)

    whole = bodycam.spread_footage().read_bytes()
    spans = [(int(start), int(size)) for size, start in SPAN.findall(playlist.text)]
    answers = [await ranged(client, recorded, reviewer, *span) for span in spans]
    assert playlist.status_code == 200
    assert playlist.text.count("#EXT-X-GAP") >= 1
    assert {start // BLOCK_SIZE_BYTES for start, _ in spans} == {0, 2}
    assert [one.status_code for one in answers] == [206] * len(spans)
    assert [one.content for one in answers] == [
        whole[start : start + size] for start, size in spans
    ]
    (viewed,) = await bodycam.events(sessions, "bodycam.recording_viewed")
    assert viewed["recording_id"] == str(recorded.recording_id)


@pytest.mark.parametrize(
    ("start", "length"),
    [
        (BLOCK_SIZE_BYTES, 1),
        (2 * BLOCK_SIZE_BYTES - 1, 2),
        (3 * BLOCK_SIZE_BYTES, 1),
    ],
)
async def test_what_was_not_acknowledged_is_not_given(client, recorded, reviewer, start, length):
    answer = await ranged(client, recorded, reviewer, start, length)

    assert (answer.status_code, answer.json()["code"]) == (409, "bodycam.not_playable")


@pytest.mark.parametrize("end", ["", str(BLOCK_SIZE_BYTES)])
async def test_a_range_goes_as_far_as_the_bytes_do(client, recorded, reviewer, end):
    headers = reviewer | {"Range": f"bytes={BLOCK_SIZE_BYTES - 9}-{end}"}

    answer = await client.get(at(recorded, "arriving"), headers=headers)

    whole = bodycam.spread_footage().read_bytes()
    first, last = BLOCK_SIZE_BYTES - 9, BLOCK_SIZE_BYTES - 1
    assert answer.content == whole[first : last + 1]
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{len(whole)}"


@pytest.mark.parametrize("asked", ["", "bytes=999999999-", "lines=1-2"])
async def test_the_whole_is_not_given(client, recorded, reviewer, asked):
    headers = reviewer | ({"Range": asked} if asked else {})

    answer = await client.get(at(recorded, "arriving"), headers=headers)

    assert answer.status_code == 416


async def test_without_a_head_or_the_first_block_nothing_plays(client, yard, reviewer, sessions):
    recorded = yard.record(footage_file=bodycam.spread_footage())
    await bodycam.announce(client, recorded, yard.dock)
    (await bodycam.put(client, recorded, 1, yard.dock)).raise_for_status()
    no_head = await client.get(at(recorded, "arriving.m3u8"), headers=reviewer)
    await bodycam.put_head(client, recorded, yard.dock)
    no_first = await client.get(at(recorded, "arriving.m3u8"), headers=reviewer)

    assert (no_head.status_code, no_first.status_code) == (409, 409)
    assert await bodycam.events(sessions, "bodycam.recording_viewed") == []


async def test_a_player_goes_on_when_the_recording_is_stored(
    client, yard, recorded, reviewer, sessions
):
    whole = bodycam.spread_footage().read_bytes()
    for number in (1, 3):
        await bodycam.put(client, recorded, number, yard.dock)
    (await bodycam.complete(client, recorded, yard.dock)).raise_for_status()

    goes_on = await ranged(client, recorded, reviewer, BLOCK_SIZE_BYTES, 100)
    anew = await client.get(at(recorded, "arriving.m3u8"), headers=reviewer)

    assert goes_on.content == whole[BLOCK_SIZE_BYTES : BLOCK_SIZE_BYTES + 100]
    assert anew.status_code == 303  # the whole one is offered instead
    assert anew.headers["Location"] == "playlist.m3u8"
    assert await bodycam.events(sessions, "bodycam.recording_viewed") == []


async def test_the_page_says_that_it_is_not_verified_and_plays(client, recorded, sessions):
    client.headers.update(BROWSER | OWN_PAGE)
    await answer_challenge(client, REVIEWER, cookie=True)

    page = await look(client, f"/console/recordings/{recorded.recording_id}")

    assert "Ещё поступает, не проверено" in page.text
    assert at(recorded, "arriving.m3u8") in page.text
    assert "Сохранена точно такой" not in page.text
    assert await bodycam.events(sessions, "bodycam.recording_viewed") == []


async def test_a_store_between_answers_from_the_first(client, recorded, reviewer, app, parts):
    app.state.store = TieredStore({"hot": parts.store})

    answer = await ranged(client, recorded, reviewer, 0, 100)

    assert answer.content == bodycam.spread_footage().read_bytes()[:100]
