"""What a camera brings whose clock was reset: of no issue's time, and found all the same."""

from datetime import UTC, datetime, timedelta

import pytest

from sim.district import KEEPER, REVIEWER
from tests import factories_bodycam as bodycam
from tests import factories_custody as custody
from tests.api.test_complaints import register
from tests.api.test_docking_times import handed_on
from tests.factories_bodycam import STARTED_AT
from tests.factories_custody import ISSUED_AT
from tests.factories_identity import answer_challenge, signed_in, trust_the_authority
from tests.factories_pages import BROWSER, OWN_PAGE, look

RESET = datetime(2000, 1, 1, 0, 0, 5, tzinfo=UTC)
DOCKED_AT = STARTED_AT + timedelta(hours=8)
SETTLED = STARTED_AT + timedelta(hours=30)


async def brought(client, yard, **more):
    """Let the camera bring a recording, and return its id."""
    recorded = yard.record(**more)
    (await bodycam.dock_whole(client, recorded, yard.dock)).raise_for_status()
    return str(recorded.recording_id)


async def told(client, sessions, yard, *, headers=None):
    """Return the ledger of the camera's issue, a day after it was docked."""
    headers = headers or await signed_in(client, KEEPER)
    await custody.docked_at(sessions, yard.camera.camera_id, DOCKED_AT)
    await custody.kept(sessions, now=SETTLED)
    assignment_id = await custody.assignment_of(sessions, yard.camera.camera_id)
    return await custody.ledger(client, headers, assignment_id)


def misdated(body):
    return [one["recording_id"] for one in body["findings"] if one["kind"] == "misdated"]


async def test_a_recording_of_no_issue_s_time_stands_in_the_issue_that_it_came_from(
    client, sessions, yard
):
    await brought(client, yard)
    stray = await brought(client, yard, started_at=RESET)

    body = await told(client, sessions, yard)

    assert misdated(body) == [stray]
    assert stray not in {one["recording_id"] for one in body["intervals"]}
    cases = {one["reason"]: one["starts_at"] for one in body["cases"]}
    assert cases.keys() == {"not_recording", "clock_leap"}  # and no card was changed
    assert cases["clock_leap"] == body["ends_at"]


async def test_the_ledger_knows_of_it_as_soon_as_it_is_stored(client, sessions, yard):
    keeper = await signed_in(client, KEEPER)
    await told(client, sessions, yard, headers=keeper)  # long settled: no job looks again

    stray = await brought(client, yard, started_at=RESET)

    assignment_id = await custody.assignment_of(sessions, yard.camera.camera_id)
    assert misdated(await custody.ledger(client, keeper, assignment_id)) == [stray]


@pytest.mark.parametrize(
    "started_at",
    [
        ISSUED_AT - timedelta(minutes=10),  # recorded before the officer had signed
        DOCKED_AT + timedelta(minutes=10),  # on the way into the dock
    ],
)
async def test_a_camera_may_record_a_little_before_and_after_its_issue(
    client, sessions, yard, started_at
):
    await brought(client, yard, started_at=started_at)

    assert misdated(await told(client, sessions, yard)) == []


async def test_what_is_of_an_earlier_issue_is_not_misdated(client, sessions, yard):
    keeper = await signed_in(client, KEEPER)
    first = await custody.assignment_of(sessions, yard.camera.camera_id)
    await handed_on(sessions, yard, at=STARTED_AT + timedelta(hours=24))
    await brought(client, yard)
    stray = await brought(client, yard, started_at=RESET)

    await custody.kept(sessions, now=STARTED_AT + timedelta(hours=60))

    assert misdated(await custody.ledger(client, keeper, first)) == []
    second = await custody.newest_assignment_of(sessions, yard.camera.camera_id)
    assert misdated(await custody.ledger(client, keeper, second)) == [stray]


async def test_the_page_leads_whoever_reviews_to_the_recording(client, sessions, yard, settings):
    trust_the_authority(settings)
    stray = await brought(client, yard, started_at=RESET)
    await told(client, sessions, yard)
    assignment_id = await custody.assignment_of(sessions, yard.camera.camera_id)
    client.headers.clear()
    client.headers.update(BROWSER | OWN_PAGE)

    answer = await answer_challenge(client, REVIEWER, cookie=True)
    assert answer.status_code == 200, answer.text
    page = await look(client, f"/console/coverage/{assignment_id}")
    registered = (await register(client, {})).raise_for_status().json()["complaint_id"]
    complaint = await look(client, f"/console/complaints/{registered}")

    assert page.one("a", href=f"/console/recordings/{stray}")
    assert complaint.one("a", href=f"/console/recordings/{stray}?complaint={registered}")


async def test_a_complaint_of_that_time_offers_what_no_search_by_time_finds(
    client, sessions, yard, reviewer
):
    stray = await brought(client, yard, started_at=RESET)
    await told(client, sessions, yard)

    within, elsewhere = [
        (await register(client, reviewer, **{"from": at.isoformat(), "to": until.isoformat()}))
        .raise_for_status()
        .json()
        for at, until in (
            (STARTED_AT, STARTED_AT + timedelta(minutes=5)),
            (STARTED_AT - timedelta(days=3), STARTED_AT - timedelta(days=2)),
        )
    ]

    assert within["recordings"] == []
    assert [one["recording_id"] for one in within["uncertain"]] == [stray]
    assert elsewhere["uncertain"] == []
