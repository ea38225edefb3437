"""What the ledger says of recordings that came by the doors of other makes."""

from datetime import UTC, datetime, timedelta

import pytest

from bodycam.service import Docking
from bodycam.service.tus_finishing import finish_uploads
from sim.district import KEEPER
from tests import factories_bodycam as bodycam
from tests import factories_custody as custody
from tests.factories_axis import CONTAINER, META, SERIAL, System
from tests.factories_bodycam import SECONDS, STARTED_AT
from tests.factories_custody import ISSUED_AT
from tests.factories_identity import signed_in
from tests.factories_tus import Sender, metadata

SETTLED = STARTED_AT + timedelta(hours=30)
CLIP = timedelta(seconds=SECONDS)


@pytest.fixture
async def keeper(client, yard):  # noqa: ARG001 - the staff must be there to sign in
    return await signed_in(client, KEEPER)


def own_clip(started_at):
    """Return a clip with an end of its own: the same bytes again would be the same recording."""
    mark = (16).to_bytes(4, "big") + b"free" + int(started_at.timestamp()).to_bytes(8, "big")
    return bodycam.footage().read_bytes() + mark


@pytest.fixture
async def by_axis(client, yard):
    """Return what sends a minute's clip by the AXIS door."""
    system = await System.signed_in(client, yard.dock)

    async def send(started_at):
        (await system.ask("PUT", CONTAINER, headers=META)).raise_for_status()
        said = {
            "X-Object-Meta-Starttimeiso": f"{started_at:%Y-%m-%dT%H:%M:%SZ}",
            "X-Object-Meta-Stoptimeiso": f"{started_at + CLIP:%Y-%m-%dT%H:%M:%SZ}",
        }
        path = f"{CONTAINER}/{started_at:%Y%m%d_%H%M%S}_7CF7.mp4"
        content = own_clip(started_at)
        answer = await system.ask("PUT", path, headers=said, content=content)
        answer.raise_for_status()

    return send


@pytest.fixture
async def by_tus(client, yard, parts, keys):
    """Return what sends a minute's clip by the tus door."""
    sender = Sender(client, yard.dock)
    docking = Docking(
        sessions=parts.sessions,
        store=parts.store,
        trail=parts.trail,
        recording_bytes_max=parts.settings.recording_bytes_max,
    )

    async def send(started_at):
        said = metadata(
            camera=SERIAL,
            started_at=started_at.isoformat(),
            ended_at=(started_at + CLIP).isoformat(),
        )
        await sender.send(own_clip(started_at), said=said)
        await finish_uploads(docking, receipt_key=keys.receipt, now=datetime.now(UTC))

    return send


@pytest.fixture(params=["axis", "tus"])
def send(request, by_axis, by_tus):
    return {"axis": by_axis, "tus": by_tus}[request.param]


async def told(client, sessions, keeper, yard, *, docked):
    await custody.docked_at(sessions, yard.camera.camera_id, docked)
    await custody.kept(sessions, now=SETTLED)
    assignment_id = await custody.assignment_of(sessions, yard.camera.camera_id)
    return await custody.ledger(client, keeper, assignment_id)


async def test_clips_that_follow_each_other_give_no_finding_and_no_case(
    client, yard, keeper, sessions, send
):
    for number in range(3):
        await send(ISSUED_AT + number * CLIP)

    body = await told(client, sessions, keeper, yard, docked=ISSUED_AT + 3 * CLIP)

    assert {one["kind"] for one in body["intervals"]} == {"recorded"}
    assert body["findings"] == []
    assert body["cases"] == []


async def test_a_gap_between_clips_is_told_without_a_reason_that_nobody_gave(
    client, yard, keeper, sessions, send
):
    await send(ISSUED_AT)
    await send(ISSUED_AT + timedelta(minutes=30))

    body = await told(client, sessions, keeper, yard, docked=ISSUED_AT + timedelta(minutes=60))

    gaps = [one["reason"] for one in body["intervals"] if one["kind"] == "gap"]
    assert gaps == ["not_recording", "not_recording"]
    assert body["findings"] == []
    assert [one["reason"] for one in body["cases"]] == ["not_recording", "not_recording"]


async def test_a_signed_recording_after_clips_is_its_camera_s_first(
    client, yard, keeper, sessions, send
):
    await send(ISSUED_AT)
    later = yard.record(started_at=ISSUED_AT + CLIP)
    (await bodycam.dock_whole(client, later, yard.dock)).raise_for_status()

    body = await told(client, sessions, keeper, yard, docked=ISSUED_AT + 2 * CLIP)

    assert {one["kind"] for one in body["intervals"]} == {"recorded"}
    assert {one["kind"] for one in body["findings"]} == {"unsigned"}


async def test_what_nobody_signed_counts_and_must_be_explained_where_the_camera_signs(
    client, yard, keeper, sessions, send
):
    signed = yard.record(started_at=ISSUED_AT)
    (await bodycam.dock_whole(client, signed, yard.dock)).raise_for_status()
    before = await told(client, sessions, keeper, yard, docked=ISSUED_AT + 2 * CLIP)
    await send(ISSUED_AT + CLIP)

    body = await told(client, sessions, keeper, yard, docked=ISSUED_AT + 2 * CLIP)

    assert [one["kind"] for one in before["intervals"]] == ["recorded", "gap"]
    assert {one["kind"] for one in body["intervals"]} == {"recorded"}
    (finding,) = body["findings"]
    (case,) = body["cases"]
    assert (finding["kind"], case["reason"]) == ("unsigned", "unsigned")
    assert case["status"] == "opened"
    for of_case, of_finding in (("starts_at", "start"), ("ends_at", "end")):
        assert datetime.fromisoformat(case[of_case]) == datetime.fromisoformat(finding[of_finding])


async def test_what_its_camera_signed_goes_before_a_clip_of_the_same_time(
    client, yard, keeper, sessions, send
):
    signed = yard.record(started_at=ISSUED_AT)
    (await bodycam.dock_whole(client, signed, yard.dock)).raise_for_status()
    await send(ISSUED_AT)

    body = await told(client, sessions, keeper, yard, docked=ISSUED_AT + CLIP)

    (interval,) = body["intervals"]
    assert interval["recording_id"] == str(signed.recording_id)
    assert "unsigned" not in {one["kind"] for one in body["findings"]}
