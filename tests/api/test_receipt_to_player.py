"""A recording plays from its receipt on, over a store that was held to the digests.

The worker has not read it yet: its index is that of the head, which the camera signed.
"""

import re

import httpx
import pytest
import sqlalchemy as sa

from app.clock import utc_now
from app.db import transaction
from app.jobs import Queue, defer
from bodycam.models import RecordingRow
from bodycam.service import Docking
from bodycam.service.reading_back import read_back
from bodycam.storage import TieredStore
from bodycam.wire.digests import BLOCK_SIZE_BYTES
from sim.district import OFFICER, REVIEWER, STAFF, STRANGER
from tests import factories_bodycam as bodycam
from tests.factories_identity import answer_challenge, signed_in, staff_entry, trust_the_authority
from tests.factories_pages import BROWSER, OWN_PAGE, look
from tests.factories_store import store_of

SPAN = re.compile(r"#EXT-X-BYTERANGE:(\d+)@(\d+)")
BY_THE_CAMERA = "показана по индексу камеры"


@pytest.fixture
def store(app, ceph):
    store = store_of(ceph)
    app.state.store = store
    return store


@pytest.fixture
async def yard(sessions, tmp_path, settings, store):  # noqa: ARG001 - the store must be there
    trust_the_authority(settings)
    entries = [
        staff_entry(one, role="complaints_reviewer") if one is STRANGER else staff_entry(one)
        for one in STAFF
    ]
    return await bodycam.yard(sessions, tmp_path, staff=tuple(entries))


@pytest.fixture
def read(sessions, store):
    docking = Docking(
        sessions=sessions, store=store, trail=bodycam.TRAIL, recording_bytes_max=1 << 40
    )

    async def read(recorded):
        assert await read_back(docking, recording_id=recorded.recording_id, now=utc_now())

    return read


@pytest.fixture
async def receipted(client, yard):
    """A recording of four blocks with its receipt, that nobody has read."""
    return await docked(client, yard)


async def docked(client, yard, *, head=True):
    recorded = yard.record(footage_file=bodycam.spread_footage())
    plan = (await bodycam.announce(client, recorded, yard.dock)).raise_for_status().json()
    if head:
        (await bodycam.put_head(client, recorded, yard.dock)).raise_for_status()
    async with httpx.AsyncClient(trust_env=False, timeout=60) as straight:
        for part in plan["parts"]:
            block = bodycam.block(recorded, part["number"])
            sent = await straight.put(part["url"], content=block, headers=part["headers"])
            sent.raise_for_status()
    (await bodycam.complete(client, recorded, yard.dock)).raise_for_status()
    return recorded


def at(recorded, rest):
    return f"/api/recordings/{recorded.recording_id}/{rest}"


async def ranged(client, recorded, headers, start, length):
    span = {"Range": f"bytes={start}-{start + length - 1}"}
    return await client.get(at(recorded, "arriving"), headers=headers | span)


def spans_of(playlist):
    return [(int(start), int(size)) for size, start in SPAN.findall(playlist.text)]


async def test_the_receipt_is_enough_to_play_the_whole(client, receipted, reviewer, sessions):
    own = await client.get(at(receipted, "playlist.m3u8"), headers=reviewer)
    playlist = await client.get(at(receipted, "arriving.m3u8"), headers=reviewer)

    whole = bodycam.spread_footage().read_bytes()
    spans = spans_of(playlist)
    answers = [await ranged(client, receipted, reviewer, *span) for span in spans]
    assert (own.status_code, playlist.status_code) == (409, 200)
    assert "#EXT-X-GAP" not in playlist.text
    ends = [byte for start, size in spans for byte in (start, start + size - 1)]
    assert {byte // BLOCK_SIZE_BYTES for byte in ends} == {0, 1, 2, 3}
    assert [one.status_code for one in answers] == [206] * len(spans)
    assert [one.content for one in answers] == [
        whole[start : start + size] for start, size in spans
    ]
    async with transaction(sessions) as session:
        row = await session.get(RecordingRow, receipted.recording_id)
    assert (row.status.value, row.scrubbed_at) == ("verified", None)


async def test_an_opening_before_the_reading_is_on_the_log_once(
    client, receipted, reviewer, sessions
):
    await client.get(at(receipted, "arriving.m3u8"), headers=reviewer)
    await ranged(client, receipted, reviewer, 0, 100)

    (viewed,) = await bodycam.events(sessions, "bodycam.recording_viewed")
    assert viewed["recording_id"] == str(receipted.recording_id)


async def test_after_the_reading_its_own_playlist_counts(client, yard, receipted, reviewer, read):
    before = await client.get(at(receipted, "arriving.m3u8"), headers=reviewer)
    complaint_id = (await bodycam.complain(yard)).complaint_id

    await read(receipted)

    own = await client.get(at(receipted, "playlist.m3u8"), headers=reviewer)
    anew = await client.get(
        at(receipted, "arriving.m3u8"), headers=reviewer, params={"complaint_id": complaint_id}
    )
    goes_on = await ranged(client, receipted, reviewer, 2 * BLOCK_SIZE_BYTES, 100)
    assert own.status_code == 200
    assert spans_of(own) == spans_of(before)
    assert anew.status_code == 303
    assert anew.headers["Location"] == f"playlist.m3u8?complaint_id={complaint_id}"
    assert goes_on.content == bodycam.block(receipted, 2)[:100]


async def test_the_page_says_whose_index_it_is_until_it_is_read(client, receipted, read):
    client.headers.update(BROWSER | OWN_PAGE)
    await answer_challenge(client, REVIEWER, cookie=True)
    path = f"/console/recordings/{receipted.recording_id}"

    before = await look(client, path)
    await read(receipted)
    after = await look(client, path)

    assert BY_THE_CAMERA in before.text
    assert "байты проверило хранилище" in before.text
    assert "Сохранена точно такой" not in before.text
    assert at(receipted, "arriving.m3u8") in before.text
    assert BY_THE_CAMERA not in after.text
    assert "Сохранена точно такой" in after.text
    assert at(receipted, "playlist.m3u8") in after.text


async def test_without_a_head_it_waits_for_the_reading(client, yard, read):
    yard.camera.version = 1
    recorded = await docked(client, yard, head=False)
    client.headers.update(BROWSER | OWN_PAGE)
    await answer_challenge(client, REVIEWER, cookie=True)

    early = await client.get(at(recorded, "arriving.m3u8"))
    page = await look(client, f"/console/recordings/{recorded.recording_id}")
    await read(recorded)
    own = await client.get(at(recorded, "playlist.m3u8"))

    assert (early.status_code, early.json()["code"]) == (409, "bodycam.not_playable")
    assert "Принята, индексируется" in page.text
    assert page.all("video") == []
    assert own.status_code == 200


async def test_only_the_department_s_reviewers_see_it(client, receipted, sessions):
    stranger, officer = await signed_in(client, STRANGER), await signed_in(client, OFFICER)

    for who, status in (({}, 401), (officer, 403), (stranger, 404)):
        playlist = await client.get(at(receipted, "arriving.m3u8"), headers=who)
        content = await ranged(client, receipted, who, 0, 10)
        assert (playlist.status_code, content.status_code) == (status, status)
    assert await bodycam.events(sessions, "bodycam.recording_viewed") == []


async def test_it_plays_where_another_store_has_become_the_first(
    client, receipted, reviewer, app, store, parts
):
    app.state.store = TieredStore({"hot": parts.store, "before": store})

    playlist = await client.get(at(receipted, "arriving.m3u8"), headers=reviewer)
    start, size = spans_of(playlist)[0]
    answer = await ranged(client, receipted, reviewer, start, size)

    assert answer.content == bodycam.spread_footage().read_bytes()[start : start + size]


async def test_an_object_that_went_is_no_footage(client, receipted, reviewer, store):
    await store.destroy(key=f"recordings/{receipted.recording_id}")

    answer = await ranged(client, receipted, reviewer, 0, 10)

    assert answer.status_code >= 400


async def test_its_reading_is_the_first_of_all_that_waits_and_asked_for_once(
    client, yard, sessions
):
    async with transaction(sessions) as session:
        for queue, task in ((Queue.MAINTENANCE, "bodycam.scrub"), (Queue.MEDIA, "bodycam.examine")):
            await defer(session, queue=queue, task=task, arguments={})

    recorded = await docked(client, yard)
    (await bodycam.complete(client, recorded, yard.dock)).raise_for_status()

    async with transaction(sessions) as session:
        worker = await session.scalar(
            sa.text("INSERT INTO procrastinate_workers DEFAULT VALUES RETURNING id")
        )
        taken = [
            (
                await session.execute(
                    sa.text(
                        "SELECT task_name, args FROM procrastinate_fetch_job_v2(NULL, :worker)"
                    ),
                    {"worker": worker},
                )
            ).one()
            for _ in range(4)
        ]
    assert taken[0] == ("bodycam.read_back", {"recording_id": str(recorded.recording_id)})
    assert [one.task_name for one in taken[1:]] == [
        "bodycam.scrub",
        "bodycam.examine",
        "bodycam.preview",
    ]
