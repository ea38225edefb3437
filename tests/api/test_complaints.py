from datetime import date, datetime, timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa

from app.audit.models import Leaf, OutboxRow
from app.clock import law_date
from app.db import transaction
from bodycam.wire.manifest import TrackPoint
from sim.district import LATITUDE, LONGITUDE, OFFICER, PLACE, STAFF, STRANGER
from tests import factories_bodycam as bodycam
from tests.factories_identity import signed_in, staff_entry, trust_the_authority

AT = bodycam.STARTED_AT + timedelta(seconds=30)
NORTH_100_M = 0.0009  # degrees


@pytest.fixture
async def yard(sessions, tmp_path, settings):
    trust_the_authority(settings)
    entries = [
        staff_entry(one, role="complaints_reviewer") if one is STRANGER else staff_entry(one)
        for one in STAFF
    ]
    return await bodycam.yard(sessions, tmp_path, staff=tuple(entries))


def point(seconds, *, north=0.0, east=0.0):
    return TrackPoint(
        at=bodycam.STARTED_AT + timedelta(seconds=seconds),
        latitude_e7=round((LATITUDE + north) * 10**7),
        longitude_e7=round((LONGITUDE + east) * 10**7),
    )


async def docked(client, yard, *points):
    recorded = yard.record(track=points)
    (await bodycam.dock_whole(client, recorded, yard.dock)).raise_for_status()
    return recorded


def body(**changed):
    return {
        "place": PLACE,
        "latitude": LATITUDE,
        "longitude": LONGITUDE,
        "radius_m": 150,
        "from": (AT - timedelta(minutes=10)).isoformat(),
        "to": (AT + timedelta(minutes=10)).isoformat(),
        "text": "Инспектор не назвал себя.",
        "complainant": {"name": "Серікова Әлия", "contact": "+77019998877"},
    } | changed


async def register(client, headers, **changed):
    return await client.post("/api/complaints", json=body(**changed), headers=headers)


async def test_a_place_and_a_time_find_the_second_that_first_shows_it(client, yard, reviewer):
    recorded = await docked(
        client, yard, point(0, north=0.02), point(10, north=0.0005), point(40), point(50, east=0.02)
    )

    answer = await register(client, reviewer)

    assert answer.status_code == 201
    found = answer.json()["recordings"]
    assert [one["recording"]["recording_id"] for one in found] == [str(recorded.recording_id)]
    assert found[0]["first_offset_seconds"] == 10
    assert found[0]["last_offset_seconds"] == 40
    assert found[0]["recording"]["playable"] is True
    assert answer.json()["status"] == "footage_found"


@pytest.mark.parametrize(
    ("north", "radius_m", "found"),
    [(NORTH_100_M, 110, 1), (NORTH_100_M, 95, 0), (-NORTH_100_M, 110, 1), (0.02, 5000, 1)],
)
async def test_the_radius_decides(client, yard, reviewer, north, radius_m, found):
    await docked(client, yard, point(20, north=north))

    answer = await register(client, reviewer, radius_m=radius_m)

    assert len(answer.json()["recordings"]) == found


@pytest.mark.parametrize(
    ("from_seconds", "to_seconds", "found"), [(0, 20, 1), (20, 30, 1), (21, 30, 0), (0, 19, 0)]
)
async def test_the_window_of_time_decides(client, yard, reviewer, from_seconds, to_seconds, found):
    await docked(client, yard, point(20))
    start = bodycam.STARTED_AT

    answer = await register(
        client,
        reviewer,
        **{
            "from": (start + timedelta(seconds=from_seconds)).isoformat(),
            "to": (start + timedelta(seconds=to_seconds)).isoformat(),
        },
    )

    assert len(answer.json()["recordings"]) == found


async def test_a_camera_docked_later_is_found_when_the_complaint_is_read(client, yard, reviewer):
    registered = (await register(client, reviewer)).json()
    assert (registered["status"], registered["recordings"]) == ("assigned", [])
    recorded = await docked(client, yard, point(20))

    answer = await client.get(f"/api/complaints/{registered['complaint_id']}", headers=reviewer)

    found = answer.json()["recordings"]
    assert [one["recording"]["recording_id"] for one in found] == [str(recorded.recording_id)]
    assert answer.json()["status"] == "footage_found"


async def test_opening_the_footage_for_a_complaint_begins_its_review(client, yard, reviewer):
    recorded = await docked(client, yard, point(20))
    complaint_id = (await register(client, reviewer)).json()["complaint_id"]

    await client.get(
        f"/api/recordings/{recorded.recording_id}/playlist.m3u8",
        params={"complaint_id": complaint_id},
        headers=reviewer,
    )

    lines = (await client.get("/api/complaints", headers=reviewer)).json()
    viewed = (await bodycam.events(yard.sessions, "bodycam.recording_viewed"))[0]
    assert lines[0]["status"] == "under_review"
    assert viewed["complaint_id"] == complaint_id


async def test_numbers_follow_each_other_within_the_year(client, yard, reviewer):
    numbers = [(await register(client, reviewer)).json()["number"] for _ in range(3)]

    years = {number.split("-")[0] for number in numbers}
    assert [number.split("-")[1] for number in numbers] == ["000001", "000002", "000003"]
    assert len(years) == 1
    assert yard.department_id


async def test_the_list_is_newest_first_and_turns_the_page(client, yard, reviewer):
    registered = [(await register(client, reviewer)).json() for _ in range(3)]

    first = (await client.get("/api/complaints?limit=2", headers=reviewer)).json()
    second = await client.get(
        "/api/complaints",
        params={"limit": 2, "before": first[-1]["registered_at"]},
        headers=reviewer,
    )

    ids = [one["complaint_id"] for one in registered]
    assert [one["complaint_id"] for one in first + second.json()] == ids[::-1]
    assert "complainant_name" not in first[0]
    assert yard.department_id


async def test_registering_and_reading_are_on_the_log_without_the_complainant(
    client, yard, reviewer
):
    recorded = await docked(client, yard, point(20))
    complaint_id = (await register(client, reviewer)).json()["complaint_id"]
    await client.get(f"/api/complaints/{complaint_id}", headers=reviewer)

    registered = await bodycam.events(yard.sessions, "bodycam.complaint_registered")
    read = await bodycam.events(yard.sessions, "bodycam.complaint_read")
    leaves = []
    for table in (OutboxRow, Leaf):
        async with transaction(yard.sessions) as session:
            leaves += (await session.execute(sa.select(table.leaf))).scalars().all()
    written = b"".join(leaves).decode()
    assert [one["complaint_id"] for one in registered + read] == [complaint_id] * 2
    assert registered[0]["recordings"] == [str(recorded.recording_id)]
    assert "Серікова" not in written
    assert "77019998877" not in written
    assert "не назвал" not in written


@pytest.mark.parametrize(
    "changed",
    [
        {"latitude": 91},
        {"longitude": -181},
        {"radius_m": 0},
        {"radius_m": 5001},
        {"from": "2026-11-20T03:00:00"},
        {"text": ""},
        {"text": "x" * 8001},
        {"place": ""},
        {"complainant": {"name": "", "contact": "x"}},
        {"complainant": {"name": "x", "contact": "x", "iin": "950817301017"}},
        {"unknown": 1},
    ],
)
async def test_a_malformed_complaint_is_refused_without_repeating_it(client, reviewer, changed):
    answer = await register(client, reviewer, **changed)

    assert (answer.status_code, answer.json()["code"]) == (422, "app.bad_request")
    assert "Серікова" not in answer.text
    assert "950817301017" not in answer.text


@pytest.mark.parametrize("days", [-1, 0, 8])
async def test_a_window_that_is_empty_or_too_long_is_refused(client, reviewer, days):
    answer = await register(
        client, reviewer, to=(AT + timedelta(days=days, minutes=-10)).isoformat()
    )

    assert (answer.status_code, answer.json()["code"]) == (422, "bodycam.search_not_valid")


async def test_another_department_finds_and_reads_nothing_of_ours(client, yard, reviewer):
    recorded = await docked(client, yard, point(20))
    ours = (await register(client, reviewer)).json()["complaint_id"]
    stranger = await signed_in(client, STRANGER)

    found = (await register(client, stranger)).json()["recordings"]
    read = await client.get(f"/api/complaints/{ours}", headers=stranger)
    absent = await client.get(f"/api/complaints/{uuid4()}", headers=stranger)
    listed = (await client.get("/api/complaints", headers=stranger)).json()
    opened = await client.get(
        f"/api/recordings/{recorded.recording_id}/playlist.m3u8?complaint_id={ours}",
        headers=stranger,
    )

    assert found == []
    assert (read.status_code, absent.status_code, opened.status_code) == (404, 404, 404)
    assert read.json()["code"] == absent.json()["code"]
    assert ours not in {one["complaint_id"] for one in listed}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/complaints"),
        ("GET", "/api/complaints"),
        ("GET", "/api/complaints/00000000-0000-4000-8000-000000000000"),
    ],
)
async def test_nobody_and_other_roles_are_not_admitted(client, yard, method, path):
    officer = await signed_in(client, OFFICER)

    nobody = await client.request(method, path, json=body())
    other = await client.request(method, path, json=body(), headers=officer)

    assert (nobody.status_code, other.status_code) == (401, 403)
    assert yard.department_id


async def test_a_dock_is_told_until_when_a_recording_is_wanted(client, yard, reviewer):
    registered = (await register(client, reviewer)).json()
    passed = yard.record(track=(point(10),))
    elsewhere = yard.record(track=(point(10, north=0.02),))

    wanted = (await bodycam.announce(client, passed, yard.dock)).json()
    not_wanted = (await bodycam.announce(client, elsewhere, yard.dock)).json()

    last_day = date.fromisoformat(registered["due_on"])
    until = datetime.fromisoformat(wanted["wanted_until"])
    assert law_date(until - timedelta(microseconds=1)) == last_day
    assert law_date(until) == last_day + timedelta(days=1)
    assert not_wanted["wanted_until"] is None


async def test_nobody_waits_for_what_a_decided_complaint_names(client, yard, reviewer):
    (await register(client, reviewer)).raise_for_status()
    async with transaction(yard.sessions) as session:
        await session.execute(sa.text("UPDATE complaints SET status = 'decided'"))
    passed = yard.record(track=(point(10),))

    plan = (await bodycam.announce(client, passed, yard.dock)).json()

    assert plan["parts"]
    assert plan["wanted_until"] is None
