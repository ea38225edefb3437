import itertools
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bodycam.rules.life_cycle import RecordingStatus
from bodycam.rules.retention import (
    RETENTION_RULES,
    Category,
    Complained,
    Kept,
    KeptBecause,
    longest,
    may_destroy,
    months_after,
    shortens,
    standing_of,
)

ENDED = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
RULE = RETENTION_RULES[0]
LATE = datetime(2040, 1, 1, tzinfo=UTC)


def kept(**changed):
    given_ = {
        "status": RecordingStatus.REVIEWABLE,
        "ended_at": ENDED,
        "stored_at": ENDED + timedelta(hours=9),
        "category": Category.OTHER,
        "held": False,
        "complained": Complained.NO,
    }
    return Kept(**(given_ | changed))


@pytest.mark.parametrize(
    ("category", "last_day"),
    [
        (Category.OTHER, date(2027, 1, 20)),
        (Category.ADMINISTRATIVE, date(2029, 11, 20)),
        (Category.CRIME, date(2031, 11, 20)),
    ],
)
def test_each_category_has_its_term(category, last_day):
    found = standing_of(kept(category=category), now=ENDED)

    assert (found.kept_until, found.because) == (last_day, KeptBecause.TERM)
    # The last day is the law's: it ends when the clocks of Almaty say so, at 19:00 UTC.
    last = datetime(last_day.year, last_day.month, last_day.day, 18, 59, tzinfo=UTC)
    assert standing_of(kept(category=category), now=last).because is KeptBecause.TERM
    assert standing_of(kept(category=category), now=last + timedelta(minutes=2)).because is None


@pytest.mark.parametrize("ended_at", [datetime(2015, 1, 1, tzinfo=UTC), ENDED - timedelta(days=9)])
def test_a_clock_that_is_behind_shortens_no_term(ended_at):
    late = kept(ended_at=ended_at, stored_at=ENDED)

    found = standing_of(late, now=ENDED + timedelta(days=40))

    assert (found.kept_until, found.because) == (date(2027, 1, 20), KeptBecause.TERM)


def test_a_clock_that_is_ahead_shortens_no_term():
    early = kept(stored_at=ENDED - timedelta(days=30))

    assert standing_of(early, now=ENDED).kept_until == date(2027, 1, 20)


def test_what_is_not_stored_is_told_the_term_of_its_end():
    coming = kept(stored_at=None, status=RecordingStatus.RECEIVING)

    found = standing_of(coming, now=ENDED)

    assert (found.kept_until, found.because) == (date(2027, 1, 20), KeptBecause.NOT_STORED)


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2026, 12, 31), 2, date(2027, 3, 1)),
        (date(2024, 2, 29), 36, date(2027, 3, 1)),
        (date(2026, 11, 20), 2, date(2027, 1, 20)),
        (date(2026, 1, 1), 60, date(2031, 1, 1)),
    ],
)
def test_a_short_month_gives_a_day_more(day, months, later):
    assert months_after(day, months) == later


@pytest.mark.parametrize(
    ("changed", "because"),
    [
        ({"held": True}, KeptBecause.HELD),
        ({"status": RecordingStatus.HELD}, KeptBecause.HELD),
        ({"held": True, "status": RecordingStatus.VERIFIED}, KeptBecause.HELD),
        ({"complained": Complained.OPEN}, KeptBecause.COMPLAINT),
        ({"complained": None}, KeptBecause.COMPLAINT),
        ({"status": RecordingStatus.RECEIVING}, KeptBecause.NOT_STORED),
        ({"keep_until": date(2041, 1, 1)}, KeptBecause.KEPT_BY_WORD),
    ],
)
def test_what_keeps_a_recording_for_ever(changed, because):
    assert standing_of(kept(**changed), now=LATE).because is because


def test_an_answered_complaint_gives_the_term_of_an_inspection():
    found = standing_of(kept(complained=Complained.ANSWERED), now=ENDED)

    assert found.kept_until == date(2029, 11, 20)


def test_without_a_rule_nothing_goes():
    assert standing_of(kept(), now=LATE, rules=()).because is KeptBecause.NO_RULE


@pytest.mark.parametrize(("one", "other"), list(itertools.permutations(Category, 2)))
def test_only_a_shorter_term_needs_two(one, other):
    order = [Category.OTHER, Category.ADMINISTRATIVE, Category.CRIME]

    assert shortens(one, other, rule=RULE) is (order.index(other) < order.index(one))


def test_the_longest_of_several_wins():
    assert longest([Category.OTHER, Category.CRIME], rule=RULE) is Category.CRIME
    assert longest([], rule=RULE) is Category.OTHER


@pytest.mark.parametrize(
    ("days", "permitted", "changed", "goes"),
    [
        (31, True, {}, True),
        (30, True, {}, False),
        (31, False, {}, False),
        (31, True, {"held": True}, False),
        (31, True, {"complained": Complained.OPEN}, False),
        (31, True, {"category": Category.CRIME}, False),
        (31, True, {"status": RecordingStatus.REVIEWABLE}, False),
    ],
)
def test_bytes_go_by_permission_after_the_grace(days, permitted, changed, goes):
    expired = datetime(2027, 2, 1, tzinfo=UTC)
    one = kept(**({"status": RecordingStatus.EXPIRING} | changed))

    found = may_destroy(
        one, expiring_since=expired, permitted=permitted, now=expired + timedelta(days=days)
    )

    assert found is goes


@given(
    status=st.sampled_from(RecordingStatus),
    category=st.sampled_from(Category),
    held=st.booleans(),
    complained=st.none() | st.sampled_from(Complained),
    days=st.integers(0, 6000),
    keep_days=st.none() | st.integers(0, 6000),
    permitted=st.booleans(),
)
def test_nothing_held_complained_of_or_young_is_ever_destroyed(
    status, category, held, complained, days, keep_days, permitted
):
    now = ENDED + timedelta(days=days)
    keep = None if keep_days is None else (ENDED + timedelta(days=keep_days)).date()
    one = kept(status=status, category=category, held=held, complained=complained, keep_until=keep)

    if may_destroy(one, expiring_since=ENDED, permitted=permitted, now=now):
        assert permitted
        assert not held
        assert complained in {Complained.NO, Complained.ANSWERED}
        assert status is RecordingStatus.EXPIRING
        assert (
            days
            > {Category.OTHER: 60, Category.ADMINISTRATIVE: 1094, Category.CRIME: 1825}[category]
        )
