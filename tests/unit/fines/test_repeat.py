"""Repeats: two windows to the day, by each article's own data."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fines.rules.repeat import (
    Prior,
    PriorSource,
    aggravating_prior,
    parse_citation,
    repeat_of,
    rests_on,
    year_after,
)
from fines.service.catalogue import shipped_articles

ROWS = shipped_articles()
DAY = date(2026, 11, 22)
# The qualified parts of the code's text, written out again.
QUALIFIED = [
    ("590", "2", "2-1"), ("590", "1", "10"), ("590", "5", "10"), ("590", "6", "10"),
    ("590", "7", "10"), ("590", "9", "10"), ("591", "1", "2"), ("592", "2", "4"),
    ("592", "3", "4"), ("592", "3-1", "5"), ("593", "1", "3"), ("593", "2", "3"),
    ("594", "1", "4"), ("594", "2", "5"), ("595", "2", "4"), ("595", "3", "4"),
    ("596", "1", "4"), ("596", "2", "4"), ("597", "1", "5"), ("597", "2", "5-1"),
    ("597", "3", "5-1"), ("597", "4", "6"), ("597", "4-1", "4-2"), ("598", "1", "2"),
    ("599", "1", "2"), ("600", "1", "2"), ("601", "1", "2"), ("602", "1", "2"),
    ("602", "1-1", "3"), ("606", "1", "2"), ("607", "1", "2"), ("610", "1", "2"),
    ("612", "2", "4"), ("612", "3", "4-1"), ("612", "5", "6"), ("613", "1", "3"),
]  # fmt: skip


def rows(article):
    return [one for one in ROWS if one.article == article]


def prior(part="2", imposed=DAY - timedelta(days=30), executed=None, article="592", term_ends=None):
    return Prior(
        article=article,
        part=part,
        imposed_on=imposed,
        executed_on=executed,
        source=PriorSource.OWN,
        number="N",
        term_ends_on=term_ends,
    )


@pytest.mark.parametrize(("article", "part", "qualified"), QUALIFIED)
def test_the_same_act_again_within_the_year_is_the_qualified_part(article, part, qualified):
    found = repeat_of(part=part, rows=rows(article), priors=[prior(part, article=article)], day=DAY)

    assert found.article.part == qualified


def test_no_other_part_is_a_repeat():
    data = {(one.article, part, one.part) for one in ROWS for part in one.repeat_of}

    assert data - set(QUALIFIED) == {("608", part, "3-1") for part in ("1", "2", "3")}


@pytest.mark.parametrize(
    ("imposed", "repeated"),
    [
        (date(2025, 11, 21), False),
        (date(2025, 11, 22), True),  # the last day of the year
        (DAY, True),
        (DAY + timedelta(days=1), False),  # imposed after the act
    ],
)
def test_the_year_of_a_qualified_part_runs_from_the_day_of_imposing(imposed, repeated):
    # Executed long ago or not at all makes no difference to this window.
    for executed in (None, imposed):
        found = repeat_of(
            part="2", rows=rows("592"), priors=[prior("2", imposed, executed)], day=DAY
        )
        assert (found is not None) is repeated


def test_speeding_by_little_is_never_a_repeat_and_another_part_makes_none():
    assert repeat_of(part="1", rows=rows("592"), priors=[prior("1")], day=DAY) is None
    assert repeat_of(part="2", rows=rows("592"), priors=[prior("1")], day=DAY) is None
    assert repeat_of(part="2", rows=rows("592"), priors=[prior("3")], day=DAY) is None
    assert repeat_of(part="2", rows=rows("592"), priors=[], day=DAY) is None


def test_a_third_time_is_the_qualified_part_too():
    found = repeat_of(part="2", rows=rows("592"), priors=[prior("4")], day=DAY)

    assert found.article.part == "4"


def test_drunk_driving_counts_from_the_end_of_the_term():
    expired = prior("1", date(2020, 1, 10), date(2026, 1, 10), article="608")
    long_ago = prior("1", date(2010, 1, 10), date(2025, 11, 21), article="608")
    running = prior("1", date(2020, 1, 10), None, article="608")

    def part(one):
        found = repeat_of(part="1", rows=rows("608"), priors=[one], day=DAY)
        return found and found.article.part

    assert [part(one) for one in (expired, long_ago, running)] == ["3-1", None, "3-1"]


@pytest.mark.parametrize(
    ("term_ends", "repeated"),
    [
        (DAY + timedelta(days=900), True),  # it still runs
        (DAY, True),
        (date(2025, 11, 22), True),  # the last day of the year
        (date(2025, 11, 21), False),
    ],
)
def test_the_year_after_a_term_runs_from_its_end_whatever_was_paid(term_ends, repeated):
    for executed in (None, DAY, term_ends):
        one = prior("1", date(2018, 1, 10), executed, article="608", term_ends=term_ends)
        found = repeat_of(part="1", rows=rows("608"), priors=[one], day=DAY)
        assert (found is not None) is repeated


@pytest.mark.parametrize(
    ("executed", "aggravates"),
    [
        (None, True),
        (date(2025, 11, 22), True),
        (date(2025, 11, 21), False),
    ],
)
def test_general_aggravation_counts_from_the_end_of_execution(executed, aggravates):
    long_ago = prior("1", date(2024, 3, 1), executed)

    found = aggravating_prior(article="592", priors=[long_ago], day=DAY)

    assert (found is not None) is aggravates


def test_a_penalty_of_another_article_does_not_aggravate():
    assert aggravating_prior(article="594", priors=[prior()], day=DAY) is None


def test_a_qualified_part_rests_on_any_of_its_parts():
    qualified = next(one for one in ROWS if (one.article, one.part) == ("592", "4"))

    assert rests_on(qualified, priors=[prior("3")], day=DAY).part == "3"
    assert rests_on(qualified, priors=[prior("1")], day=DAY) is None


def test_a_year_from_a_leap_day_ends_on_the_28th():
    assert year_after(date(2024, 2, 29)) == date(2025, 2, 28)


@given(st.dates(date(2015, 1, 1), date(2040, 1, 1)), st.integers(0, 800))
def test_the_window_closes_once_and_never_opens_again(imposed, days):
    day = imposed + timedelta(days=days)

    found = repeat_of(part="2", rows=rows("592"), priors=[prior("2", imposed)], day=day)

    assert (found is not None) is (day <= year_after(imposed))


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("592(2)", ("592", "2")),
        (" 590(2-1) ", ("590", "2-1")),
        ("611", ("611", "")),
        ("592 (2)", ("592", "2")),
        ("592(2", None),
        ("", None),
        ("(2)", None),
    ],
)
def test_a_citation_of_the_register_is_read_or_left(text, parsed):
    assert parse_citation(text) == parsed
