"""What the ledger learns of real footage and of a camera's own events."""

from datetime import datetime, timedelta

import pytest

from app.clock import law_date
from bodycam.rules.signed_video.trust import Anchors
from bodycam.service.examining import Examining, examine_recording
from bodycam.wire.manifest import CameraEvent, EventKind
from sim.district import KEEPER
from tests import factories_bodycam as bodycam
from tests import factories_custody as custody
from tests.factories_bodycam import SECONDS, STARTED_AT
from tests.factories_custody import ISSUED_AT
from tests.factories_identity import signed_in
from tests.factories_media import sandbox

SETTLED = STARTED_AT + timedelta(hours=30)
TROUBLED_SECONDS = 430


@pytest.fixture
async def keeper(client, yard):  # noqa: ARG001 - the staff must be there to sign in
    return await signed_in(client, KEEPER)


@pytest.fixture
async def assignment_id(sessions, yard):
    return await custody.assignment_of(sessions, yard.camera.camera_id)


async def examined(sessions, parts, recorded):
    examining = Examining(
        sessions=sessions,
        store=parts.store,
        trail=bodycam.TRAIL,
        sandbox=sandbox(),
        anchors=Anchors(),
    )
    await examine_recording(examining, recording_id=recorded.recording_id)


async def dock(client, yard, recorded):
    (await bodycam.dock_whole(client, recorded, yard.dock)).raise_for_status()


async def told(client, sessions, keeper, yard, assignment_id, *, docked):
    await custody.docked_at(sessions, yard.camera.camera_id, docked)
    await custody.kept(sessions, now=SETTLED)
    return await custody.ledger(client, keeper, assignment_id)


def spans(body):
    """Return reason, first and last second since the issue, of each gap."""
    return [
        (one["reason"], _since(one["start"]), _since(one["end"]))
        for one in body["intervals"]
        if one["kind"] == "gap"
    ]


def _since(text):
    return round((datetime.fromisoformat(text) - ISSUED_AT).total_seconds())


async def test_black_frozen_and_silent_stretches_of_real_footage_are_flagged(
    client, yard, keeper, sessions, parts, assignment_id
):
    recorded = yard.record(
        footage_file=bodycam.troubled_footage(), seconds=TROUBLED_SECONDS, started_at=ISSUED_AT
    )
    await dock(client, yard, recorded)
    end = ISSUED_AT + timedelta(seconds=TROUBLED_SECONDS)
    before = await told(client, sessions, keeper, yard, assignment_id, docked=end)

    await examined(sessions, parts, recorded)

    after = await custody.ledger(client, keeper, assignment_id)
    day = await client.get(f"/api/coverage/days/{law_date(ISSUED_AT)}", headers=keeper)
    assert (before["examined"], after["examined"]) == (False, True)
    assert spans(before) == []
    found = spans(after)
    assert found[0] == ("black", 20, 50)
    assert {reason for reason, _, _ in found} == {"black", "frozen"}
    assert (found[1][1], found[-1][2]) == (50, 388)
    gaps = day.json()["lines"][0]["gaps"]
    assert gaps["black"] == 30
    # Five minutes of nothing moving are told; a case they are not.
    assert [one["reason"] for one in after["cases"]] == ["black"]


async def test_good_footage_is_examined_and_nothing_is_found(
    client, yard, keeper, sessions, parts, assignment_id
):
    recorded = yard.record(started_at=ISSUED_AT)
    await dock(client, yard, recorded)
    end = ISSUED_AT + timedelta(seconds=SECONDS)
    await told(client, sessions, keeper, yard, assignment_id, docked=end)

    await examined(sessions, parts, recorded)

    body = await custody.ledger(client, keeper, assignment_id)
    assert body["examined"] is True
    assert spans(body) == []


def fragments(content):
    """Return where each fragment of a file begins, and where the last ends."""
    found, at = [], 0
    while at < len(content):
        if content[at + 4 : at + 8] == b"moof":
            found.append(at)
        if content[at + 4 : at + 8] == b"mdat":
            end = at + int.from_bytes(content[at : at + 4], "big")
        at += int.from_bytes(content[at : at + 4], "big")
    return [*found, end]


def without(numbers, *, boxes=True):
    """Return the minute's footage with zeros for fragments, each of 2 s.

    Without ``boxes`` only for their pictures and sound, and the boxes stay whole.
    """
    content = bytearray(bodycam.footage().read_bytes())
    places = fragments(content)
    for number in numbers:
        first, end = places[number], places[number + 1]
        first = first if boxes else content.index(b"mdat", first) + 4
        content[first:end] = bytes(end - first)
    return bytes(content)


async def docked_damaged(client, sessions, keeper, yard, assignment_id, content, folder):
    """Dock damaged bytes as a recording of a minute; return it and the ledger."""
    path = folder / "damaged.mp4"
    path.write_bytes(content)
    recorded = yard.record(footage_file=path, started_at=ISSUED_AT)
    await dock(client, yard, recorded)
    end = ISSUED_AT + timedelta(seconds=SECONDS)
    return recorded, await told(client, sessions, keeper, yard, assignment_id, docked=end)


@pytest.mark.parametrize(
    ("lost", "span"),
    [(range(15, 16), (30, 32)), (range(10, 17), (20, 34)), (range(7), (0, 14))],
    ids=["one fragment", "fourteen seconds", "the beginning"],
)
async def test_what_is_lost_inside_a_recording_is_a_gap_at_once(
    client, yard, keeper, sessions, assignment_id, tmp_path, lost, span
):
    _, body = await docked_damaged(
        client, sessions, keeper, yard, assignment_id, without(lost), tmp_path
    )

    assert spans(body) == [("damaged", *span)]
    # Of ten seconds and more somebody must answer.
    long = span[1] - span[0] >= 10
    assert [(one["reason"], one["status"]) for one in body["cases"]] == [
        ("damaged", "opened")
    ] * long
    recorded = [one for one in body["intervals"] if one["kind"] == "recorded"]
    assert sum(_since(one["end"]) - _since(one["start"]) for one in recorded) == SECONDS - (
        span[1] - span[0]
    )


async def test_what_is_lost_stays_a_gap_when_the_rest_was_examined(
    client, yard, keeper, sessions, parts, assignment_id, tmp_path
):
    recorded, _ = await docked_damaged(
        client, sessions, keeper, yard, assignment_id, without([0, 15]), tmp_path
    )

    await examined(sessions, parts, recorded)

    body = await custody.ledger(client, keeper, assignment_id)
    assert spans(body) == [("damaged", 0, 2), ("damaged", 30, 32)]


async def test_frames_that_are_no_picture_are_a_gap_once_somebody_has_looked(
    client, yard, keeper, sessions, parts, assignment_id, tmp_path
):
    content = without(range(10, 17), boxes=False)
    recorded, before = await docked_damaged(
        client, sessions, keeper, yard, assignment_id, content, tmp_path
    )

    await examined(sessions, parts, recorded)

    body = await custody.ledger(client, keeper, assignment_id)
    assert spans(before) == []
    assert spans(body) == [("damaged", 20, 34)]


def with_key_frame(content, number, *, cut):
    """Return the footage with the key frame of a fragment spoilt: its ``cut``, or its picture."""
    changed = bytearray(content)
    frame = changed.index(b"mdat", fragments(content)[number]) + 4
    size = int.from_bytes(changed[frame : frame + 4], "big")
    assert changed[frame + 4] & 0x1F == 5  # a slice of a key frame
    first, end = (frame, frame + 4) if cut else (frame + 5, frame + 4 + size)
    changed[first:end] = bytes(end - first)
    return bytes(changed)


@pytest.mark.parametrize(
    ("cut", "told_as"),
    [(True, ([("damaged", 10, 12)], True, [])), (False, ([], False, [(10, 12)]))],
    ids=["no picture", "does not decode"],
)
async def test_one_unreadable_key_frame_hides_nothing_of_what_lies_around_it(
    client, yard, keeper, sessions, parts, assignment_id, tmp_path, cut, told_as
):
    path = tmp_path / "troubled.mp4"
    path.write_bytes(with_key_frame(bodycam.troubled_footage().read_bytes(), 5, cut=cut))
    recorded = yard.record(footage_file=path, seconds=TROUBLED_SECONDS, started_at=ISSUED_AT)
    await dock(client, yard, recorded)
    end = ISSUED_AT + timedelta(seconds=TROUBLED_SECONDS)
    await told(client, sessions, keeper, yard, assignment_id, docked=end)

    await examined(sessions, parts, recorded)

    body = await custody.ledger(client, keeper, assignment_id)
    page = await client.get(f"/console/coverage/{assignment_id}", headers=keeper)
    unseen = [
        (_since(one["start"]), _since(one["end"]))
        for one in body["findings"]
        if one["kind"] == "not_examined"
    ]
    before_the_black = [one for one in spans(body) if one[1] < 20]
    assert (before_the_black, body["examined"], unseen) == told_as
    assert ("black", 20, 50) in spans(body)
    assert (page.text.count('id="unseen"') == 1) is bool(unseen)
    # What nobody could see is told; it is no gap, and nobody must answer for it.
    assert {one["reason"] for one in body["cases"]} == {"black"}


def event(kind, seconds, value=None):
    return CameraEvent(at=ISSUED_AT + timedelta(seconds=seconds), kind=kind, value=value)


@pytest.mark.parametrize(
    ("events", "reasons", "cases"),
    [
        ([event(EventKind.LOW_BATTERY, 50, 4)], ["low_battery"], ["low_battery"]),
        ([event(EventKind.CARD_REMOVED, 59)], ["card_removed"], ["card_removed"]),
        (
            [event(EventKind.CARD_REMOVED, 20), event(EventKind.CARD_INSERTED, 22)],
            ["not_recording"],
            ["not_recording"],
        ),
        (
            [event(EventKind.LENS_COVERED, 10), event(EventKind.LENS_FREE, 30)],
            ["lens_covered", "not_recording"],
            ["lens_covered", "not_recording"],
        ),
        ([event(EventKind.CLOCK_SET, 30, 60_000)], ["not_recording"], ["clock_leap"]),
    ],
)
async def test_what_the_camera_noted_names_the_gaps(
    client, yard, keeper, sessions, assignment_id, events, reasons, cases
):
    await dock(client, yard, yard.record(started_at=ISSUED_AT, events=events))
    later = ISSUED_AT + timedelta(minutes=30)
    await dock(client, yard, yard.record(started_at=later))

    body = await told(
        client, sessions, keeper, yard, assignment_id, docked=later + timedelta(seconds=SECONDS)
    )

    assert [reason for reason, _, _ in spans(body)] == reasons
    assert set(cases) <= {one["reason"] for one in body["cases"]}
