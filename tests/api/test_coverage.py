"""The coverage ledger over the real dock protocol: what came, what did not, and who answers."""

import asyncio
import csv
import io
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
import sqlalchemy as sa

from app.clock import law_date, utc_now
from app.db import transaction
from bodycam import repository
from bodycam.rules.coverage_day import day_bounds
from bodycam.service import coverage
from devices.repository import last_docked
from sim.district import DUTY, KEEPER, OFFICIAL, STRANGER
from tests import factories_bodycam as bodycam
from tests import factories_custody as custody
from tests.factories_bodycam import SECONDS, STARTED_AT
from tests.factories_custody import ISSUED_AT
from tests.factories_identity import signed_in

SETTLED = STARTED_AT + timedelta(hours=30)


@pytest.fixture
async def keeper(client, yard):  # noqa: ARG001 - the staff must be there to sign in
    return await signed_in(client, KEEPER)


@pytest.fixture
async def official(client, yard):  # noqa: ARG001 - the staff must be there to sign in
    return await signed_in(client, OFFICIAL)


@pytest.fixture
async def assignment_id(sessions, yard):
    return await custody.assignment_of(sessions, yard.camera.camera_id)


async def dock(client, yard, recorded):
    (await bodycam.dock_whole(client, recorded, yard.dock)).raise_for_status()


async def told(client, sessions, headers, yard, assignment_id, *, docked, now=SETTLED):
    """Return kind and reason of each interval after the dock's word came at ``docked``."""
    await custody.docked_at(sessions, yard.camera.camera_id, docked)
    await custody.kept(sessions, now=now)
    body = await custody.ledger(client, headers, assignment_id)
    return [(one["kind"], one["reason"]) for one in body["intervals"]], body


async def test_a_camera_that_is_out_is_not_docked_yet(client, keeper, sessions, assignment_id):
    await custody.kept(sessions, now=ISSUED_AT + timedelta(hours=3))

    body = await custody.ledger(client, keeper, assignment_id)

    assert [(one["kind"], one["reason"]) for one in body["intervals"]] == [("gap", "not_docked")]
    assert body["ending"] == "still_out"
    assert body["cases"] == []


async def test_a_stored_recording_is_in_the_ledger_at_once(client, yard, keeper, assignment_id):
    recorded = yard.record()
    await dock(client, yard, recorded)

    body = await custody.ledger(client, keeper, assignment_id)

    told = {one["kind"]: one for one in body["intervals"]}
    assert told["recorded"]["recording_id"] == str(recorded.recording_id)
    length = _instant(told["recorded"]["end"]) - _instant(told["recorded"]["start"])
    assert length == timedelta(seconds=SECONDS)


async def test_the_whole_time_is_told_second_by_second(
    client, yard, keeper, sessions, assignment_id
):
    await dock(client, yard, yard.record(started_at=STARTED_AT))
    await dock(client, yard, yard.record(started_at=STARTED_AT + timedelta(seconds=SECONDS + 1)))
    end = STARTED_AT + timedelta(seconds=2 * SECONDS + 60)

    found, body = await told(client, sessions, keeper, yard, assignment_id, docked=end)

    assert found == [
        ("gap", "not_recording"),
        ("recorded", None),
        ("gap", "seam"),
        ("recorded", None),
        ("gap", "docking"),
    ]
    edges = [(_instant(one["start"]), _instant(one["end"])) for one in body["intervals"]]
    assert edges[0][0] == ISSUED_AT
    assert edges[-1][1] == end
    assert all(one[1] == other[0] for one, other in pairwise(edges))


async def test_a_recording_that_never_came_opens_a_case_and_resolves_it_when_it_comes(
    client, yard, keeper, sessions, assignment_id
):
    first = yard.record(started_at=ISSUED_AT)
    middle = yard.record(started_at=ISSUED_AT + timedelta(seconds=SECONDS))
    last = yard.record(started_at=ISSUED_AT + timedelta(seconds=2 * SECONDS))
    await dock(client, yard, first)
    await dock(client, yard, last)
    end = ISSUED_AT + timedelta(seconds=3 * SECONDS)

    found, body = await told(client, sessions, keeper, yard, assignment_id, docked=end)
    await dock(client, yard, middle)
    after = await custody.ledger(client, keeper, assignment_id)

    assert found[1] == ("gap", "missing_predecessor")
    assert [(one["status"], one["reason"]) for one in body["cases"]] == [
        ("opened", "missing_predecessor")
    ]
    assert {one["kind"] for one in after["intervals"]} == {"recorded"}
    assert [one["status"] for one in after["cases"]] == ["resolved"]


async def test_an_announced_recording_is_not_uploaded(
    client, yard, keeper, sessions, assignment_id
):
    await bodycam.announce(client, yard.record(started_at=ISSUED_AT), yard.dock)
    end = ISSUED_AT + timedelta(seconds=SECONDS)

    found, body = await told(client, sessions, keeper, yard, assignment_id, docked=end)

    assert found == [("gap", "not_uploaded")]
    assert body["settled"] is False
    assert [one["reason"] for one in body["cases"]] == ["not_uploaded"]


async def test_an_empty_battery_and_a_changed_card_are_named(
    client, yard, keeper, sessions, assignment_id
):
    await dock(client, yard, yard.record(started_at=ISSUED_AT, battery_percent=2))
    await dock(client, yard, yard.record(started_at=ISSUED_AT + timedelta(minutes=30)))
    yard.camera.previous_manifest_sha256 = None
    await dock(client, yard, yard.record(started_at=ISSUED_AT + timedelta(minutes=60)))
    end = ISSUED_AT + timedelta(minutes=61)

    found, _ = await told(client, sessions, keeper, yard, assignment_id, docked=end)

    assert found == [
        ("recorded", None),
        ("gap", "low_battery"),
        ("recorded", None),
        ("gap", "memory_changed"),
        ("recorded", None),
    ]


async def test_a_leap_of_the_clock_is_named(client, yard, keeper, sessions, assignment_id):
    await dock(client, yard, yard.record(started_at=ISSUED_AT))
    yard.camera.clock_drift_ms = 3_600_000
    await dock(client, yard, yard.record(started_at=ISSUED_AT + timedelta(minutes=30)))
    end = ISSUED_AT + timedelta(minutes=31)

    found, body = await told(client, sessions, keeper, yard, assignment_id, docked=end)

    assert found[1] == ("gap", "clock_leap")
    assert [one["reason"] for one in body["cases"]] == ["clock_leap"]


async def test_black_stretches_are_gaps_once_somebody_has_looked(
    client, yard, keeper, sessions, assignment_id
):
    recorded = yard.record(started_at=ISSUED_AT)
    await dock(client, yard, recorded)
    end = ISSUED_AT + timedelta(seconds=SECONDS)
    _, before = await told(client, sessions, keeper, yard, assignment_id, docked=end)

    async with transaction(sessions) as session:
        row = await repository.recording(session, recorded.recording_id)
        await coverage.note_examination(
            session,
            trail=bodycam.TRAIL,
            row=row,
            stretches=[{"kind": "black", "first_ms": 10_000, "end_ms": 30_000}],
            now=SETTLED,
        )
    after = await custody.ledger(client, keeper, assignment_id)

    assert before["examined"] is False
    assert after["examined"] is True
    assert [(one["kind"], one["reason"]) for one in after["intervals"]] == [
        ("recorded", None),
        ("gap", "black"),
        ("recorded", None),
    ]


async def test_the_job_changes_nothing_that_has_not_changed(
    client, yard, keeper, sessions, assignment_id
):
    await dock(client, yard, yard.record())
    end = STARTED_AT + timedelta(hours=8)
    _, before = await told(client, sessions, keeper, yard, assignment_id, docked=end)

    await custody.kept(sessions, now=SETTLED + timedelta(hours=1))
    after = await custody.ledger(client, keeper, assignment_id)

    assert after == before
    assert len(await bodycam.events(sessions, "bodycam.coverage_case_step")) == 2


async def test_a_recording_under_way_and_the_job_do_not_wait_for_each_other(
    client, yard, sessions, assignment_id
):
    recorded = yard.record()
    await dock(client, yard, recorded)

    async with transaction(sessions) as storing, asyncio.timeout(15):
        await repository.recording(storing, recorded.recording_id, for_update=True)
        await last_docked(storing, device_id=yard.camera.camera_id)
        async with transaction(sessions) as session:
            await coverage.make_ledger(
                session, trail=bodycam.TRAIL, assignment_id=assignment_id, now=SETTLED
            )


async def test_a_settled_ledger_is_left_alone(client, yard, keeper, sessions, assignment_id):
    end = STARTED_AT + timedelta(hours=8)
    await told(client, sessions, keeper, yard, assignment_id, docked=end)

    assert await custody.kept(sessions, now=SETTLED + timedelta(hours=1)) == 0


# --- pauses ------------------------------------------------------------------------------------


@pytest.fixture
async def duty(client, yard):  # noqa: ARG001 - the staff must be there to sign in
    return await signed_in(client, DUTY)


async def permit(client, headers, assignment_id, *, minutes=30, reason="meal"):
    until = utc_now() + timedelta(minutes=minutes)
    return await client.post(
        f"/api/coverage/ledgers/{assignment_id}/pauses",
        json={"reason": reason, "until": until.isoformat()},
        headers=headers,
    )


async def test_a_permitted_pause_is_told_in_the_ledger_and_the_journal(
    client, duty, keeper, sessions, assignment_id
):
    answer = await permit(client, duty, assignment_id)
    now = utc_now()
    await custody.kept(sessions, now=now + timedelta(minutes=5))

    body = await custody.ledger(client, keeper, assignment_id)
    journal = (await client.get(f"/api/assignments/{assignment_id}", headers=keeper)).json()
    assert answer.status_code == 201
    assert [(one["kind"], one["reason"]) for one in body["intervals"]] == [
        ("gap", "not_docked"),
        ("paused", None),
    ]
    assert journal["journal"][-1]["note"].startswith("meal until ")
    (event,) = await bodycam.events(sessions, "bodycam.pause_permitted")
    assert event["pause_id"] == answer.json()["pause_id"]


async def test_a_pause_ended_early_is_no_longer_than_it_was(
    client, duty, keeper, sessions, assignment_id
):
    pause_id = (await permit(client, duty, assignment_id)).json()["pause_id"]

    ended = await client.post(f"/api/coverage/pauses/{pause_id}/end", headers=duty)
    again = await client.post(f"/api/coverage/pauses/{pause_id}/end", headers=duty)
    await custody.kept(sessions, now=utc_now() + timedelta(minutes=20))

    body = await custody.ledger(client, keeper, assignment_id)
    assert (ended.status_code, again.status_code) == (204, 409)
    assert body["intervals"][-1]["reason"] == "not_docked"


@pytest.mark.parametrize("minutes", [-1, 0, 121, 1_000_000])
async def test_a_pause_has_a_limit(client, duty, assignment_id, minutes):
    answer = await permit(client, duty, assignment_id, minutes=minutes)

    assert answer.json()["code"] == "bodycam.pause_not_valid"


async def test_no_pause_in_a_pause(client, duty, assignment_id):
    await permit(client, duty, assignment_id)

    answer = await permit(client, duty, assignment_id)

    assert answer.json()["code"] == "bodycam.pause_not_valid"


async def test_a_docked_camera_is_not_paused(client, duty, yard, assignment_id):
    await bodycam.announce(client, yard.record(), yard.dock)

    answer = await permit(client, duty, assignment_id)

    assert answer.json()["code"] == "devices.not_issued"


# --- cases -------------------------------------------------------------------------------------


@pytest.fixture
async def case_id(client, yard, keeper, sessions, assignment_id):
    end = STARTED_AT + timedelta(hours=8)
    _, body = await told(client, sessions, keeper, yard, assignment_id, docked=end)
    return body["cases"][0]["case_id"]


async def explain(client, headers, case_id):
    return await client.post(
        f"/api/coverage/cases/{case_id}/explanation",
        json={"explanation": "Камера не была включена кладовщиком"},
        headers=headers,
    )


async def conclude(client, headers, case_id, *, believed=True):
    return await client.post(
        f"/api/coverage/cases/{case_id}/closing",
        json={"believed": believed, "conclusion": "Проведена беседа"},
        headers=headers,
    )


async def only_case(client, headers):
    (one,) = (await client.get("/api/coverage/cases", headers=headers)).json()
    return one


async def test_a_gap_is_explained_by_one_and_closed_by_another(
    client, keeper, official, case_id, sessions
):
    steps = [
        (await explain(client, keeper, case_id)).status_code,
        (await conclude(client, official, case_id)).status_code,
    ]

    one = await only_case(client, official)
    assert steps == [204, 204]
    assert one["status"] == "closed"
    events = await bodycam.events(sessions, "bodycam.coverage_case_step")
    assert sorted(event["status"] for event in events) == ["closed", "explained", "opened"]
    assert not any("кладовщик" in str(event) for event in events)


async def test_nobody_closes_what_he_has_explained(client, keeper, official, case_id):
    await explain(client, keeper, case_id)

    answer = await conclude(client, keeper, case_id)

    assert (answer.status_code, answer.json()["code"]) == (409, "bodycam.another_person_needed")
    assert (await only_case(client, official))["status"] == "explained"


async def test_who_does_not_believe_sends_the_case_back(client, keeper, official, case_id):
    await explain(client, keeper, case_id)

    await conclude(client, official, case_id, believed=False)

    assert (await only_case(client, official))["status"] == "opened"
    assert (await explain(client, keeper, case_id)).status_code == 204


async def test_a_case_is_not_closed_before_it_is_explained(client, official, case_id):
    answer = await conclude(client, official, case_id)

    assert answer.json()["code"] == "bodycam.transition_refused"


async def test_a_closed_case_stays_closed(
    client, keeper, official, case_id, sessions, assignment_id
):
    await explain(client, keeper, case_id)
    await conclude(client, official, case_id)

    async with transaction(sessions) as session:
        await coverage.make_ledger(
            session, trail=bodycam.TRAIL, assignment_id=assignment_id, now=SETTLED
        )

    assert (await only_case(client, official))["status"] == "closed"


async def test_another_unit_sees_nothing(client, case_id, assignment_id):
    stranger = await signed_in(client, STRANGER)

    answers = [
        await client.get(f"/api/coverage/ledgers/{assignment_id}", headers=stranger),
        await client.get("/api/coverage/cases", headers=stranger),
        await explain(client, stranger, case_id),
    ]

    assert all(one.status_code in {403, 404} or one.json() == [] for one in answers)


async def test_the_database_holds_no_case_closed_by_who_explained_it(sessions, case_id):
    with pytest.raises(sa.exc.IntegrityError):
        async with transaction(sessions) as session:
            await session.execute(
                sa.text(
                    "UPDATE coverage_cases SET status = 'closed', closed_at = now(),"
                    " explained_by = p.id, closed_by = p.id FROM people p WHERE coverage_cases.id"
                    " = CAST(:id AS uuid)"
                ),
                {"id": case_id},
            )


# --- the day -----------------------------------------------------------------------------------


async def test_the_day_tells_every_camera_and_adds_up(
    client, yard, keeper, sessions, assignment_id
):
    await dock(client, yard, yard.record())
    end = STARTED_AT + timedelta(hours=8)
    await told(client, sessions, keeper, yard, assignment_id, docked=end)
    day = law_date(STARTED_AT)

    body = (await client.get(f"/api/coverage/days/{day}", headers=keeper)).json()

    (line,) = body["lines"]
    assert line["recorded_seconds"] == SECONDS
    assert line["recorded_seconds"] + line["paused_seconds"] + line["gap_seconds"] == 9 * 3600
    assert line["cases_open"] == 2


async def test_a_shift_over_midnight_is_cut_at_the_law_s_midnight(
    client, yard, keeper, sessions, assignment_id
):
    midnight = day_bounds(law_date(STARTED_AT) + timedelta(days=1))[0]
    end = midnight + timedelta(hours=2)
    await told(client, sessions, keeper, yard, assignment_id, docked=end)

    days = [
        (await client.get(f"/api/coverage/days/{law_date(at)}", headers=keeper)).json()
        for at in (STARTED_AT, end)
    ]

    lengths = [one["lines"][0]["gap_seconds"] for one in days]
    assert lengths == [(midnight - ISSUED_AT).total_seconds(), 7200]


async def test_the_csv_says_what_the_page_says(client, yard, keeper, sessions, assignment_id):
    await dock(client, yard, yard.record())
    end = STARTED_AT + timedelta(hours=8)
    await told(client, sessions, keeper, yard, assignment_id, docked=end)

    answer = await client.get(
        f"/api/coverage/days/{law_date(STARTED_AT)}/report.csv", headers=keeper
    )

    (line,) = csv.DictReader(io.StringIO(answer.text))
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert line["recorded_seconds"] == str(SECONDS)
    assert line["issued_at"].endswith("+05:00")


async def test_a_day_without_cameras_is_empty(client, keeper):
    body = (await client.get("/api/coverage/days/2020-01-01", headers=keeper)).json()

    assert body["lines"] == []


def _instant(text):
    return datetime.fromisoformat(text)
