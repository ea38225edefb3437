from datetime import UTC, datetime, timedelta

import pytest

from bodycam.rules.coverage import COVERAGE_TERMS, GapReason, Hole, Noted
from bodycam.rules.coverage_notes import holes_of, noted_of
from bodycam.rules.stretches import (
    LOOK_BYTES,
    Stretch,
    is_black,
    is_same,
    longest,
    stretches_of_pictures,
    stretches_of_sound,
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
