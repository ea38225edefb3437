"""The page of a whole shift, and the page of a recording that is still arriving."""

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from sqlalchemy import text

from bodycam.rules.signed_video.trust import Anchors
from bodycam.service.examining import Examining, examine_recording
from bodycam.service.previewing import preview_recording
from bodycam.wire.manifest import CameraEvent, EventKind
from sim.district import OFFICER, REVIEWER
from tests import factories_bodycam as bodycam
from tests.factories_bodycam import SECONDS, STARTED_AT
from tests.factories_identity import answer_challenge
from tests.factories_media import sandbox
from tests.factories_pages import BROWSER, OWN_PAGE, look

GAP = 30


@pytest.fixture
async def browser(client, yard):  # noqa: ARG001 - the staff must be there to sign in
    client.headers.update(BROWSER | OWN_PAGE)
    assert (await answer_challenge(client, REVIEWER, cookie=True)).is_success
    return client


@pytest.fixture
def examining(sessions, parts):
    return Examining(
        sessions=sessions,
        store=parts.store,
        trail=bodycam.TRAIL,
        sandbox=sandbox(),
        anchors=Anchors(),
    )


def page_of(recorded, rest="/shift"):
    return f"/console/recordings/{recorded.recording_id}{rest}"


async def docked(browser, yard, started_at=STARTED_AT, **more):
    recorded = yard.record(started_at=started_at, **more)
    (await bodycam.dock_whole(browser, recorded, yard.dock)).raise_for_status()
    return recorded


async def two_with_a_gap(browser, yard):
    pressed = CameraEvent(at=STARTED_AT + timedelta(seconds=7), kind=EventKind.BUTTON)
    first = await docked(browser, yard, events=[pressed])
    later = STARTED_AT + timedelta(seconds=SECONDS + GAP)
    return first, await docked(browser, yard, later)


async def test_a_shift_is_one_time_line_with_its_gap_and_events(browser, yard):
    first, second = await two_with_a_gap(browser, yard)

    page = await look(browser, page_of(second))

    video = page.one("video", id="player")
    seek = page.one("input", id="seek")
    goes = [round(float(one["data-go"])) for one in page.all("button") if "data-go" in one]
    assert video["src"] == f"/api/recordings/{second.recording_id}/shift.m3u8"
    assert seek["max"] == str(2 * SECONDS + GAP)
    ((begins, ends),) = json.loads(video["data-gaps"])
    assert (round(begins), round(ends)) == (SECONDS, SECONDS + GAP)
    assert goes == [7, SECONDS]
    strip = [one["class"] for one in page.all("rect")]
    assert strip[:3] == ["recorded", "gap", "recorded"]
    assert page_of(first, "") in page.text


async def test_the_player_s_seconds_are_the_clock_s_over_the_gap(browser, yard):
    _, second = await two_with_a_gap(browser, yard)

    page = await look(browser, page_of(second))

    for played, clock in json.loads(page.one("video", id="player")["data-pieces"]):
        assert abs(played - clock) < 0.5


async def test_a_complaint_leads_to_its_moment_in_the_shift(browser, yard):
    await docked(browser, yard, track=[bodycam.passed(10), bodycam.passed(20)])
    complaint = await bodycam.complain(yard)

    found = await look(browser, f"/console/complaints/{complaint.complaint_id}")
    (leads,) = [one["href"] for one in found.all("a") if "/shift?" in one.get("href", "")]
    page = await look(browser, leads)

    assert page.one("video", id="player")["data-at"] == "10.0"
    assert page.one("rect", **{"class": "mark"})
    assert f"complaint_id={complaint.complaint_id}" in page.one("video", id="player")["src"]


async def test_looking_at_the_page_of_a_shift_is_not_yet_a_view(browser, yard):
    recorded = await docked(browser, yard)

    await look(browser, page_of(recorded))

    assert await bodycam.events(yard.sessions, "bodycam.recording_viewed") == []


@pytest.mark.parametrize("asked", ["2020-01-01T00:00:00Z", "2030-01-01T00:00:00Z"])
async def test_a_moment_outside_of_the_shift_is_brought_to_its_edge(browser, yard, asked):
    recorded = await docked(browser, yard)

    page = await look(browser, page_of(recorded, f"/shift?at={quote(asked)}&until={quote(asked)}"))

    assert 0 <= float(page.one("video", id="player")["data-at"]) <= SECONDS + 1


async def test_a_shift_over_the_clock_change_knows_both_zones(browser, yard):
    # At 24:00 of 29.02.2024 the clocks of Almaty went back from UTC+6 to UTC+5.
    recorded = await docked(browser, yard, datetime(2024, 2, 29, 17, 59, 30, tzinfo=UTC))

    page = await look(browser, page_of(recorded))

    assert json.loads(page.one("video", id="player")["data-zones"]) == [[0, 21600], [30, 18000]]


async def test_a_shift_over_midnight_offers_both_days(browser, yard):
    recorded = await docked(browser, yard, datetime(2026, 11, 20, 18, 59, 30, tzinfo=UTC))

    page = await look(browser, page_of(recorded))

    days = [one["value"] for one in page.all("option") if one["value"].startswith("2026")]
    assert days == ["2026-11-20", "2026-11-21"]


async def test_nobody_else_sees_the_page(client, browser, yard):
    recorded = await docked(browser, yard)
    client.cookies.clear()
    assert (await answer_challenge(client, OFFICER, cookie=True)).is_success

    answer = await client.get(page_of(recorded))

    assert answer.status_code == 403


async def test_what_is_still_arriving_is_shown_as_not_proven(browser, yard, examining):
    recorded = yard.record(
        track=[bodycam.passed(10), bodycam.passed(20)],
        events=[CameraEvent(at=STARTED_AT, kind=EventKind.FALL)],
    )
    await bodycam.announce(browser, recorded, yard.dock)
    await bodycam.put_head(browser, recorded, yard.dock)
    early = await look(browser, page_of(recorded, ""))
    await preview_recording(examining, recording_id=recorded.recording_id)

    page = await look(browser, page_of(recorded, ""))
    shift = await look(browser, page_of(recorded))

    assert "не подтверждено" in early.text
    assert "не подтверждено" in page.text
    assert [one["id"] for one in page.all("div") if one.get("id") == "film"] == ["film"]
    assert page.all("video") == []
    assert "камера упала" in page.text
    assert "пока нечего показать" in shift.text


async def test_a_head_that_lied_is_told_on_the_page(browser, yard, sessions, examining):
    recorded = await docked(browser, yard)
    await examine_recording(examining, recording_id=recorded.recording_id)
    other = yard.record(started_at=STARTED_AT + timedelta(hours=1))
    await bodycam.announce(browser, other, yard.dock)
    await bodycam.put_head(browser, other, yard.dock)
    await bodycam.dock_whole(browser, other, yard.dock)
    async with sessions.begin() as session:
        await session.execute(text("UPDATE recording_heads SET standing = 'differs'"))

    page = await look(browser, page_of(other, ""))

    assert "Камера сообщила о другой записи" in page.text
