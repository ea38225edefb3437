"""Where a recording is to lie."""

from datetime import UTC, date, datetime, timedelta

import pytest

from bodycam.rules.retention import Category
from bodycam.rules.tiers import Placed, TierRule, tier_of

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
EVERY = frozenset(Category)


def rule(to="cold", *, since=date(2026, 1, 1), after=30, categories=EVERY, wanted_too=False):
    return TierRule(
        valid_from=since, to=to, after_days=after, categories=categories, wanted_too=wanted_too
    )


def placed(days, *, category=Category.OTHER, wanted=False):
    return Placed(category=category, ended_at=NOW - timedelta(days=days), wanted=wanted)


@pytest.mark.parametrize(("days", "tier"), [(0, "hot"), (29, "hot"), (30, "cold"), (900, "cold")])
def test_age_decides(days, tier):
    assert tier_of(placed(days), now=NOW, rules=[rule()]) == tier


def test_without_rules_everything_stays():
    assert tier_of(placed(900), now=NOW, rules=[]) == "hot"


def test_what_is_wanted_stays_at_hand_unless_the_rule_says_otherwise():
    assert tier_of(placed(900, wanted=True), now=NOW, rules=[rule()]) == "hot"
    assert tier_of(placed(900, wanted=True), now=NOW, rules=[rule(wanted_too=True)]) == "cold"


def test_the_longest_age_that_fits_counts():
    rules = [rule("cold", after=30), rule("deep", after=365)]

    assert [tier_of(placed(days), now=NOW, rules=rules) for days in (30, 364, 365)] == [
        "cold",
        "cold",
        "deep",
    ]


def test_a_category_may_have_its_own():
    rules = [rule("cold", categories=frozenset({Category.OTHER}))]

    assert tier_of(placed(900, category=Category.CRIME), now=NOW, rules=rules) == "hot"


def test_the_newest_day_that_has_come_replaces_all_before():
    rules = [
        rule("cold", after=1),
        rule("deep", since=date(2026, 11, 22), after=400),
        rule("far", since=date(2026, 11, 23), after=1),
    ]

    assert tier_of(placed(30), now=NOW, rules=rules) == "hot"
    assert tier_of(placed(400), now=NOW, rules=rules) == "deep"
    assert tier_of(placed(30), now=NOW + timedelta(days=1), rules=rules) == "far"
