from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from bodycam.rules.box_index import BoxIndex
from bodycam.rules.coverage import COVERAGE_TERMS, GapReason, Hole, Noted
from bodycam.rules.coverage_notes import holes_of, lead_of, noted_of, stretches_to_holes
from bodycam.rules.stretches import (
    LOOK_BYTES,
    LOST,
    UNSEEN,
    Stretch,
    instants_of_sound,
    is_black,
    is_same,
    longest,
    stretches_broken,
    stretches_lost,
    stretches_of_pictures,
    stretches_of_sound,
    stretches_unseen,
)

BLACK = bytes([16]) * LOOK_BYTES
GREY = bytes([120]) * LOOK_BYTES
START = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
TERMS = COVERAGE_TERMS[0]


def moving(number):
    return bytes([(number * 37 + place) % 200 + 30 for place in range(LOOK_BYTES)])


def at(seconds):
    return START + timedelta(seconds=seconds)


def event(kind, seconds, value=None):
    return {"kind": kind, "at": at(seconds).isoformat(), "value": value}


@pytest.mark.parametrize(
    ("look", "black"),
    [
        (BLACK, True),
        (bytes([24]) * LOOK_BYTES, True),
        (bytes([25]) * LOOK_BYTES, False),
        (GREY, False),
        # A street at night: dark, but a lamp burns.
        (bytes([235]) * 40 + bytes([16]) * (LOOK_BYTES - 40), False),
        # One lit diode in a pocket.
        (bytes([235]) * 10 + bytes([16]) * (LOOK_BYTES - 10), True),
    ],
)
def test_black_is_dark_all_over(look, black):
    assert is_black(look) is black


def test_noise_of_a_sensor_is_no_movement_and_a_hand_is():
    noisy = bytes([120 + place % 2 for place in range(LOOK_BYTES)])
    hand = bytes([60]) * 30 + GREY[30:]

    assert (is_same(GREY, noisy), is_same(GREY, hand)) == (True, False)


def test_black_stretches_last_from_the_first_black_look_to_the_first_that_is_not():
    looks = [(0, moving(0)), (2000, BLACK), (4000, BLACK), (6000, moving(1)), (8000, BLACK)]

    assert stretches_of_pictures(looks, duration_ms=10_000) == [
        Stretch("black", 2000, 6000),
        Stretch("black", 8000, 10_000),
    ]


def test_a_frozen_stretch_ends_where_it_was_last_seen_frozen():
    looks = [(0, moving(0)), (2000, GREY), (4000, GREY), (6000, GREY), (8000, moving(2))]

    assert stretches_of_pictures(looks, duration_ms=10_000) == [Stretch("frozen", 2000, 6000)]


def test_what_could_not_be_looked_at_is_neither_black_nor_frozen():
    looks = [(0, GREY), (2000, None), (4000, GREY), (6000, None)]

    assert stretches_of_pictures(looks, duration_ms=8000) == []


def test_nothing_is_found_in_nothing():
    assert stretches_of_pictures([], duration_ms=0) == []
    assert stretches_of_sound([], duration_ms=10_000) == []


@pytest.mark.parametrize(("level", "silent"), [(-96, True), (-80, True), (-79, False), (0, False)])
def test_silence_is_less_than_a_microphone_s_own_noise(level, silent):
    found = stretches_of_sound([-30, level, level, -30], duration_ms=4000)

    assert found == [Stretch("silent", 1000, 3000)] * silent


def test_the_longest_count_where_there_are_too_many():
    found = [Stretch("black", 0, 10), Stretch("black", 20, 50), Stretch("silent", 60, 80)]

    assert longest(found, at_least_ms=lambda _: 15, limit=1) == [found[1]]
    assert longest(found, at_least_ms=lambda _: 0, limit=9) == found


def test_a_covered_lens_is_a_hole_from_its_event_to_the_next():
    events = [event("lens_covered", 5), event("muted", 6), event("lens_free", 9)]

    assert holes_of(events, end=at(60)) == (
        Hole(GapReason.LENS_COVERED, at(5), at(9)),
        Hole(GapReason.MUTED, at(6), at(60)),
    )


@pytest.mark.parametrize(
    ("events", "reasons"),
    [
        ([event("low_battery", 1, 5)], [GapReason.LOW_BATTERY]),
        ([event("card_removed", 1)], [GapReason.CARD_REMOVED]),
        ([event("card_removed", 1), event("card_inserted", 2)], []),
        ([event("clock_set", 1, 5_001)], [GapReason.CLOCK_LEAP]),
        ([event("clock_set", 1, -5_001)], [GapReason.CLOCK_LEAP]),
        ([event("clock_set", 1, 5_000)], []),
        ([event("button", 1), event("trigger_on", 2), event("fall", 3)], []),
    ],
)
def test_what_a_camera_noted_explains_what_follows(events, reasons):
    assert [one.reason for one in noted_of(events, terms=TERMS)] == reasons


def test_a_note_keeps_its_instant():
    assert noted_of([event("card_removed", 7)], terms=TERMS) == (
        Noted(GapReason.CARD_REMOVED, at(7)),
    )


def index_of(*fragments, scale=1000, broken=()):
    """Return an index of fragments ``(start, duration, key)`` in ticks."""
    index = BoxIndex(timescale=scale, breaks=set(broken))
    for number, (start, duration, key) in enumerate(fragments):
        index.append(
            offset=number * 100, size=100, start=start, duration=duration, key=key,
            after_break=False,
        )  # fmt: skip
    return index


def test_what_lies_between_fragments_is_lost():
    index = index_of((0, 2000, True), (4000, 2000, True), (6000, 2000, True), (9000, 1, True))

    assert stretches_lost(index) == [Stretch(LOST, 2000, 4000), Stretch(LOST, 8000, 9000)]


@pytest.mark.parametrize(("broken", "found"), [((0,), [Stretch(LOST, -4000, 0)]), ((), [])])
def test_what_is_lost_before_the_first_fragment_begins_below_nought(broken, found):
    assert stretches_lost(index_of((4000, 2000, True), broken=broken)) == found


def test_fragments_that_overlap_lose_nothing():
    assert stretches_lost(index_of((0, 5000, True), (2000, 1000, True), (5000, 10, True))) == []
    assert stretches_lost(BoxIndex()) == []


def test_a_broken_frame_spoils_its_group_from_itself_on():
    index = index_of(*((500 + start, 2000, True) for start in (0, 2000, 4000, 6000)))

    found = stretches_broken([(700, 740), (1000, 1040), (4500, 6600), (8400, 8500)], index)

    assert found == [Stretch(LOST, 200, 2000), Stretch(LOST, 4000, 8000)]


def test_a_group_of_many_fragments_is_spoilt_to_its_end():
    index = index_of((0, 1000, True), (1000, 1000, False), (2000, 1000, False), (3000, 9, True))

    assert stretches_broken([(400, 440)], index) == [Stretch(LOST, 400, 3000)]


@pytest.mark.parametrize(
    ("claimed", "lead"), [(60, 4), (58, 4), (57.9, 0), (4, 0)], ids=lambda one: f"{one:g}"
)
def test_a_lead_counts_where_it_fits_into_the_time_that_is_claimed(claimed, lead):
    lost = [Stretch(LOST, -4000, 0).as_json(), Stretch(LOST, 7000, 9000).as_json()]

    found = lead_of(lost, plays=timedelta(seconds=56), claimed=timedelta(seconds=claimed))

    assert found == timedelta(seconds=lead)


def test_kept_stretches_are_holes_from_the_first_that_plays():
    kept = [Stretch(LOST, -4000, 0).as_json(), {"kind": "other", "first_ms": 0, "end_ms": 1}]

    assert stretches_to_holes(kept, origin=at(4)) == (Hole(GapReason.DAMAGED, at(0), at(4)),)


@pytest.mark.parametrize(
    ("seconds", "points"),
    [(0, 1), (60, 60), (600, 600), (8 * 3600, 1920), (24 * 3600, 5760), (30 * 86_400, 17_280)],
)
def test_sound_is_heard_every_fifteen_seconds_of_a_day(seconds, points):
    instants = instants_of_sound(seconds * 1000)

    assert len(instants) == points
    assert all(one < other for one, other in pairwise(instants))


def silence_told(duration, begins, silent):
    """Return how long a silence is told as, in milliseconds; 0 if it is not told."""
    ends = begins + silent
    levels = [
        -90 if begins <= at and at + 500 <= ends else -30 for at in instants_of_sound(duration)
    ]
    told = stretches_of_sound(levels, duration_ms=duration)
    return max((one.end_ms - one.first_ms for one in told), default=0)


@pytest.mark.parametrize("minutes", [3, 10, 11, 14, 19, 29, 60, 61, 95, 119, 149, 480, 1440])
def test_a_minute_without_sound_is_told_wherever_it_begins(minutes):
    duration = minutes * 60_000 + 777
    step = instants_of_sound(duration)[1]

    for begins in range(duration // 2, duration // 2 + step, max(1, step // 97)):
        assert silence_told(duration, begins, 61_000) >= 60_000


@pytest.mark.parametrize(
    "durations",
    [range(61_500, 70_000, 333), [100_885, 149_999], range(70_000, 9_100_000, 122_003)],
    ids=["a minute", "between", "hours"],
)
def test_a_second_and_a_half_more_than_a_minute_is_told_in_recordings_of_any_length(durations):
    for duration in durations:
        step = instants_of_sound(duration)[1]
        middle = (duration - 61_500) // 2 // step * step
        for phase in range(17):
            begins = min(middle + step * phase // 17, duration - 61_500)
            assert silence_told(duration, begins, 61_500) >= 60_000, (duration, begins)


@pytest.mark.parametrize(
    ("quiet", "found"),
    [
        ({7}, []),
        ({0}, []),
        ({100, 101, 102, 103}, [Stretch("silent", 1_500_000, 1_560_000)]),
        ({5758, 5759}, [Stretch("silent", 86_370_000, 86_400_000)]),
    ],
    ids=["one", "the first", "a minute", "the last"],
)
def test_one_quiet_half_second_in_a_day_is_no_silence(quiet, found):
    levels = [-90 if number in quiet else -30 for number in range(5760)]

    assert stretches_of_sound(levels, duration_ms=86_400_000) == found


def test_what_could_not_be_heard_is_not_silent():
    assert stretches_of_sound([-90, None, -90, -30], duration_ms=4000) == []


@pytest.mark.parametrize(
    ("looks", "decibels", "found"),
    [
        ([GREY, GREY, GREY], [], []),
        ([GREY, None, GREY], [], [(2000, 4000)]),
        ([None, GREY, None], [-30], [(0, 2000), (4000, 6000)]),
        ([GREY, None, GREY], [-30, None], [(2000, 6000)]),
        ([GREY, GREY, GREY], None, [(0, 6000)]),
        ([], [-30], [(0, 6000)]),
    ],
    ids=["all seen", "one", "both ends", "picture and sound", "nothing heard", "nothing seen"],
)
def test_what_could_not_be_examined_is_told(looks, decibels, found):
    shown = [(number * 2000, look) for number, look in enumerate(looks)]

    told = stretches_unseen(shown, decibels, duration_ms=6000, lost=[])

    assert told == [Stretch(UNSEEN, *one) for one in found]


def test_what_is_lost_is_not_told_as_unseen_too():
    lost = [Stretch(LOST, 2000, 4000)]

    assert stretches_unseen([(0, GREY), (2000, None), (4000, GREY)], [], duration_ms=6000,
                            lost=lost) == []  # fmt: skip
