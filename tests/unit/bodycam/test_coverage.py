from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bodycam.rules.coverage import (
    COVERAGE_TERMS,
    CoverageKind,
    Ending,
    FindingKind,
    GapReason,
    Hole,
    Pause,
    Piece,
    Span,
    Standing,
    intervals_of,
)
from bodycam.rules.coverage_day import clipped, day_bounds, totals_of
from bodycam.rules.coverage_findings import findings_of

TERMS = COVERAGE_TERMS[0]
BEGIN = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
RECORDED, PAUSED, GAP = CoverageKind.RECORDED, CoverageKind.PAUSED, CoverageKind.GAP


def at(hours=0.0, seconds=0.0):
    return BEGIN + timedelta(hours=hours, seconds=seconds)


def piece(number, start, end, **more):
    """Return the ``number``-th recording of a camera, the one before it known."""
    given_ = {
        "recording_id": UUID(int=number),
        "start": start,
        "end": end,
        "standing": Standing.STORED,
        "battery_percent": 60,
        "clock_drift": timedelta(),
        "manifest": bytes([number]),
        "previous": bytes([number - 1]) if number > 1 else None,
        "previous_here": True,
    }
    return Piece(**(given_ | more))


def span(hours=8.0, ending=Ending.DOCKED):
    return Span(begin=BEGIN, end=at(hours), ending=ending)


def cut(whole, *pieces, pauses=()):
    found = intervals_of(whole, pieces=pieces, pauses=pauses, terms=TERMS)
    return [(one.kind, one.reason, one.start, one.end) for one in found]


def reasons(whole, *pieces, pauses=()):
    return [one[1] for one in cut(whole, *pieces, pauses=pauses) if one[0] is GAP]


def test_a_whole_shift_is_recorded():
    assert cut(span(), piece(1, at(0), at(8))) == [(RECORDED, None, at(0), at(8))]


def test_the_ways_from_the_store_and_to_the_dock_are_named():
    found = reasons(span(), piece(1, at(0, 300), at(8, -200)))

    assert found == [GapReason.HANDED_OVER, GapReason.DOCKING]


def test_a_late_start_is_not_the_way_from_the_store():
    assert reasons(span(), piece(1, at(1), at(8))) == [GapReason.NOT_RECORDING]


@pytest.mark.parametrize(("seconds", "reason"), [(2, "seam"), (2.001, "not_recording")])
def test_a_seam_is_short(seconds, reason):
    found = reasons(span(), piece(1, at(0), at(4)), piece(2, at(4, seconds), at(8)))

    assert found == [GapReason(reason)]


def test_a_permitted_pause_is_no_gap():
    pauses = (Pause(at(4), at(5)),)

    found = cut(span(), piece(1, at(0), at(4)), piece(2, at(5), at(8)), pauses=pauses)

    assert [one[0] for one in found] == [RECORDED, PAUSED, RECORDED]


def test_what_is_recorded_in_a_pause_is_recorded():
    pauses = (Pause(at(4), at(5)),)

    assert cut(span(), piece(1, at(0), at(8)), pauses=pauses) == [(RECORDED, None, at(0), at(8))]


def test_longer_than_permitted_is_a_gap():
    pauses = (Pause(at(4), at(5)),)

    found = cut(span(), piece(1, at(0), at(4)), piece(2, at(5.5), at(8)), pauses=pauses)

    assert found[2] == (GAP, GapReason.NOT_RECORDING, at(5), at(5.5))


def test_a_recording_taken_out_of_the_row_is_named():
    after = piece(3, at(5), at(8), previous_here=False)

    assert reasons(span(), piece(1, at(0), at(4)), after) == [GapReason.MISSING_PREDECESSOR]


def test_a_row_that_begins_anew_is_another_card():
    after = piece(1, at(5), at(8), previous=None, previous_here=False)

    assert reasons(span(), piece(2, at(0), at(4)), after) == [GapReason.MEMORY_CHANGED]


def test_a_recording_that_its_clock_put_elsewhere_is_a_leap():
    # The third names the second, which is here, but its clock says another day.
    assert reasons(span(), piece(1, at(0), at(4)), piece(3, at(5), at(8))) == [GapReason.CLOCK_LEAP]


def test_another_drift_on_both_sides_is_a_leap():
    after = piece(2, at(5), at(8), clock_drift=timedelta(minutes=9))

    assert reasons(span(), piece(1, at(0), at(4)), after) == [GapReason.CLOCK_LEAP]


@pytest.mark.parametrize(("percent", "reason"), [(5, "low_battery"), (6, "not_recording")])
def test_an_empty_battery_is_named(percent, reason):
    found = reasons(span(), piece(1, at(0), at(4), battery_percent=percent), piece(2, at(5), at(8)))

    assert found == [GapReason(reason)]


UNTOLD = {"battery_percent": None, "clock_drift": None, "manifest": None, "previous": None}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (UNTOLD, UNTOLD),
        (UNTOLD, {}),
        ({}, UNTOLD | {"previous_here": True}),
        (UNTOLD, {"clock_drift": timedelta(hours=1)}),
    ],
    ids=["both by another door", "the first", "the second", "the first, and a clock set"],
)
def test_of_what_a_door_does_not_tell_no_reason_is_made(before, after):
    pieces = [piece(1, at(0), at(4), **before), piece(2, at(5), at(7), **after)]

    assert reasons(span(), *pieces) == [GapReason.NOT_RECORDING, GapReason.NOT_RECORDING]
    assert findings_of(pieces, terms=TERMS) == ()


def test_a_battery_that_ran_out_before_the_dock_is_named():
    found = reasons(span(), piece(1, at(0), at(4), battery_percent=1))

    assert found == [GapReason.LOW_BATTERY]


@pytest.mark.parametrize(
    ("ending", "reason"),
    [
        (Ending.STILL_OUT, "not_docked"),
        (Ending.LOST, "lost"),
        (Ending.RETURNED, "not_recording"),
        (Ending.DOCKED, "not_recording"),
    ],
)
def test_nothing_recorded_is_named_by_how_it_ended(ending, reason):
    assert reasons(span(ending=ending)) == [GapReason(reason)]


@pytest.mark.parametrize(
    ("standing", "reason"),
    [(Standing.ARRIVING, "not_uploaded"), (Standing.UNREADABLE, "unreadable")],
)
def test_what_cannot_be_played_is_a_gap(standing, reason):
    assert reasons(span(), piece(1, at(0), at(8), standing=standing)) == [GapReason(reason)]


def test_black_and_silent_stretches_are_gaps():
    holes = (
        Hole(GapReason.BLACK, at(1), at(2)),
        Hole(GapReason.SILENT, at(3), at(4)),
    )

    assert reasons(span(), piece(1, at(0), at(8), holes=holes)) == [
        GapReason.BLACK,
        GapReason.SILENT,
    ]


def test_what_another_recording_shows_is_no_hole():
    holes = (Hole(GapReason.BLACK, at(1), at(2)),)

    found = reasons(span(), piece(1, at(0), at(8), holes=holes), piece(2, at(0.5), at(3)))

    assert found == []


@pytest.mark.parametrize(("damaged", "reason"), [(True, "damaged"), (False, "clock_leap")])
def test_what_plays_shorter_than_it_claims_lacks_its_end(damaged, reason):
    found = cut(span(), piece(1, at(0), at(8), playable=timedelta(hours=7), damaged=damaged))

    assert found[-1] == (GAP, GapReason(reason), at(7), at(8))


def test_a_frame_or_two_less_is_nothing():
    playable = timedelta(hours=8) - timedelta(seconds=10)

    assert reasons(span(), piece(1, at(0), at(8), playable=playable)) == []


@pytest.mark.parametrize(("seconds", "kind"), [(30, "overlap"), (31, "clock_leap")])
def test_two_recordings_of_one_time_are_found(seconds, kind):
    pieces = [piece(1, at(0), at(4)), piece(2, at(4, -seconds), at(8))]

    found = findings_of(pieces, terms=TERMS)

    assert [(one.kind, one.start, one.end) for one in found] == [
        (FindingKind(kind), at(4, -seconds), at(4))
    ]


def test_a_clock_set_back_while_recording_is_found():
    found = findings_of([piece(1, at(0), at(7), playable=timedelta(hours=8))], terms=TERMS)

    assert [one.kind for one in found] == [FindingKind.CLOCK_LEAP]


def test_a_missing_predecessor_without_a_gap_is_found():
    pieces = [piece(1, at(0), at(4)), piece(3, at(4), at(8), previous_here=False)]

    found = findings_of(pieces, terms=TERMS)

    assert [one.kind for one in found] == [FindingKind.MISSING_PREDECESSOR]


moments = st.integers(-3_000, 33_000).map(lambda seconds: at(seconds=seconds))


@st.composite
def stretches(draw, make):
    one, other = sorted(draw(st.lists(moments, min_size=2, max_size=2, unique=True)))
    return make(one, other)


@st.composite
def any_piece(draw):
    start, end = sorted(draw(st.lists(moments, min_size=2, max_size=2, unique=True)))
    number = draw(st.integers(1, 200))
    holes = draw(
        st.lists(stretches(lambda one, other: Hole(GapReason.BLACK, one, other)), max_size=2)
    )
    return piece(
        number,
        start,
        end,
        standing=draw(st.sampled_from(Standing)),
        battery_percent=draw(st.none() | st.integers(0, 100)),
        clock_drift=draw(st.none() | st.integers(-20, 20).map(lambda one: timedelta(seconds=one))),
        previous_here=draw(st.booleans()),
        holes=tuple(holes),
        playable=draw(st.none() | st.integers(0, 40_000).map(lambda one: timedelta(seconds=one))),
    )


@given(
    pieces=st.lists(any_piece(), max_size=8, unique_by=lambda one: one.recording_id),
    pauses=st.lists(stretches(Pause), max_size=3),
    ending=st.sampled_from(Ending),
    length=st.integers(0, 30_000),
)
def test_the_intervals_cut_the_time_exactly(pieces, pauses, ending, length):
    whole = Span(begin=BEGIN, end=at(seconds=length), ending=ending)

    found = intervals_of(whole, pieces=pieces, pauses=pauses, terms=TERMS)

    assert sum((one.length for one in found), timedelta()) == whole.end - whole.begin
    assert all(one.length > timedelta() for one in found)
    assert all(before.end == after.start for before, after in pairwise(found))
    assert [one.start for one in found[:1]] == [whole.begin][: len(found)]
    assert all((one.kind is GAP) == (one.reason is not None) for one in found)
    assert totals_of(found).whole == whole.end - whole.begin


@given(pieces=st.lists(any_piece(), max_size=6, unique_by=lambda one: one.recording_id))
def test_each_second_said_to_be_recorded_is_in_a_stored_recording(pieces):
    stored = {one.recording_id: one for one in pieces if one.standing is Standing.STORED}

    found = intervals_of(span(), pieces=pieces, pauses=(), terms=TERMS)

    for one in found:
        if one.kind is RECORDED:
            assert stored[one.recording_id].start <= one.start
            assert one.end <= stored[one.recording_id].end


@given(pieces=st.lists(any_piece(), max_size=6, unique_by=lambda one: one.recording_id))
def test_the_order_in_which_recordings_come_changes_nothing(pieces):
    found = intervals_of(span(), pieces=pieces, pauses=(), terms=TERMS)

    assert found == intervals_of(span(), pieces=reversed(pieces), pauses=(), terms=TERMS)


def test_the_day_of_the_clock_change_has_25_hours():
    begin, end = day_bounds(date(2024, 2, 29))

    assert end - begin == timedelta(hours=25)
    assert day_bounds(date(2024, 3, 1))[0] == end


def test_a_shift_over_the_clock_change_loses_no_second():
    begin = datetime(2024, 2, 29, 14, 0, tzinfo=UTC)  # 20:00 by the clocks before the change
    whole = Span(begin=begin, end=begin + 12 * HOUR, ending=Ending.DOCKED)
    found = intervals_of(whole, pieces=[piece(1, begin, begin + 12 * HOUR)], pauses=(), terms=TERMS)

    days = [
        totals_of(clipped(found, begin=first, end=last)).recorded
        for first, last in (day_bounds(date(2024, 2, 29)), day_bounds(date(2024, 3, 1)))
    ]

    assert days == [5 * HOUR, 7 * HOUR]


def test_a_shift_over_midnight_is_told_in_both_days():
    midnight = day_bounds(date(2026, 11, 21))[0]
    begin = midnight - 3 * HOUR
    whole = Span(begin=begin, end=begin + 8 * HOUR, ending=Ending.DOCKED)
    found = intervals_of(whole, pieces=[piece(1, begin, begin + 8 * HOUR)], pauses=(), terms=TERMS)

    evening = totals_of(clipped(found, begin=midnight - 24 * HOUR, end=midnight))
    night = totals_of(clipped(found, begin=midnight, end=midnight + 24 * HOUR))

    assert (evening.recorded, night.recorded) == (3 * HOUR, 5 * HOUR)
