"""Flags: what the responsible official should look at, to the hour and the count."""

from datetime import UTC, datetime, timedelta

import pytest

from app.exchange.rules.bases import RULE_SETS, FlagLimits
from app.exchange.rules.flags import (
    FlagFacts,
    bases_since,
    flags_of,
    is_night,
    repeat_since,
    volume_since,
)

LIMITS = RULE_SETS[0].flags
NOON = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)  # 12:00 in Astana
PLAIN = {
    "at": NOON,
    "subject_is_self": False,
    "subject_is_colleague": False,
    "subject_is_relative": False,
    "same_subject_before": 0,
    "requests_before": 0,
    "bases_before": frozenset(),
    "basis": "PRIMARY_CHECK",
    "in_district": True,
}


def flags(**changed):
    facts = FlagFacts(**(PLAIN | changed))
    return [flag.value for flag in flags_of(facts, limits=LIMITS)]


@pytest.mark.parametrize(
    ("changed", "raised"),
    [
        ({}, []),
        ({"subject_is_self": True}, ["self"]),
        ({"subject_is_colleague": True}, ["colleague"]),
        ({"subject_is_relative": True}, ["relative"]),
        ({"subject_is_self": True, "subject_is_colleague": True}, ["self"]),
        ({"subject_is_self": True, "subject_is_relative": True}, ["self"]),
        (
            {"subject_is_colleague": True, "subject_is_relative": True},
            ["colleague", "relative"],
        ),
        ({"same_subject_before": 1}, []),
        ({"same_subject_before": 2}, ["repeat"]),  # this one is the third
        ({"requests_before": 59}, []),  # this one is the sixtieth
        ({"requests_before": 60}, ["volume"]),
        ({"in_district": False}, ["out_of_district"]),
        ({"in_district": None}, []),
        ({"bases_before": frozenset({"PRIMARY_CHECK"})}, []),
        ({"bases_before": frozenset({"ADMIN_LE"})}, ["several_bases"]),
        ({"bases_before": frozenset({"ADMIN_LE", "PRIMARY_CHECK"})}, ["several_bases"]),
    ],
)
def test_each_flag_has_its_own_cause(changed, raised):
    assert flags(**changed) == raised


def test_all_at_once_stand_in_their_order():
    raised = flags(
        at=datetime(2026, 11, 22, 20, 0, tzinfo=UTC),
        subject_is_colleague=True,
        subject_is_relative=True,
        same_subject_before=9,
        requests_before=99,
        bases_before=frozenset({"SEARCH_CASE"}),
        in_district=False,
    )

    assert raised == [
        "colleague", "relative", "repeat", "volume", "night", "out_of_district", "several_bases",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("at", "night"),
    [
        # UTC+5 since 01.03.2024.
        ("2026-11-22T16:59:59Z", False),  # 21:59:59
        ("2026-11-22T17:00:00Z", True),  # 22:00
        ("2026-11-23T00:59:59Z", True),  # 05:59:59
        ("2026-11-23T01:00:00Z", False),  # 06:00
        # UTC+6 before it: the same instants of the day an hour earlier in UTC.
        ("2024-02-28T15:59:59Z", False),
        ("2024-02-28T16:00:00Z", True),
        ("2024-02-29T00:00:00Z", False),  # 06:00, and 05:00 by the later clock
        # 29.02.2024 showed 23:00-23:59 twice; both are night, and so is the midnight after.
        ("2024-02-29T17:30:00Z", True),
        ("2024-02-29T18:30:00Z", True),
        ("2024-02-29T19:00:00Z", True),
        ("2024-03-01T00:59:59Z", True),  # 05:59:59 by the new clock
        ("2024-03-01T01:00:00Z", False),
    ],
)
def test_the_night_is_read_off_the_clock_of_astana(at, night):
    instant = datetime.fromisoformat(at)

    assert is_night(instant, LIMITS) is night
    assert ("night" in flags(at=instant)) is night


def test_an_hour_that_the_clock_shows_twice_is_two_hours():
    second = datetime(2024, 2, 29, 18, 30, tzinfo=UTC)  # 23:30 for the second time
    first = datetime(2024, 2, 29, 17, 30, tzinfo=UTC)  # 23:30 for the first time

    assert volume_since(second) == first
    assert repeat_since(second, LIMITS) == second - timedelta(days=30)
    assert bases_since(second, LIMITS) == second - timedelta(days=30)


@pytest.mark.parametrize(("hour", "night"), [(0, False), (1, True), (4, True), (5, False)])
def test_a_night_may_lie_within_one_day(hour, night):
    limits = FlagLimits(
        repeat_days=1,
        repeat_count=2,
        volume_hour=1,
        night_from_hour=1,
        night_until_hour=5,
        bases_days=1,
    )

    local = datetime(2026, 11, 22, hour, 30, tzinfo=UTC) - timedelta(hours=5)

    assert is_night(local, limits) is night


def test_a_quiet_installation_may_have_no_night():
    limits = FlagLimits(
        repeat_days=1,
        repeat_count=2,
        volume_hour=1,
        night_from_hour=0,
        night_until_hour=0,
        bases_days=1,
    )

    assert not any(is_night(NOON + timedelta(hours=hour), limits) for hour in range(24))
