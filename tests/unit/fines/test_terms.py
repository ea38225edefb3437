"""Dated terms: each instant has one, by the day of the law that it lies in."""

from datetime import UTC, datetime, timedelta

import pytest

from fines.rules.terms import end_of_term, parse_terms, spans

TERMS = parse_terms("2026-01-01=24,2027-01-01=2,2028-01-01=5")
SECOND = timedelta(seconds=1)
NEW_YEAR = datetime(2026, 12, 31, 19, 0, tzinfo=UTC)  # midnight of the law's zone
NEXT = datetime(2027, 12, 31, 19, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("since", "hours"),
    [
        (datetime(2020, 1, 1, tzinfo=UTC), 24),  # before the first: its length
        (NEW_YEAR - SECOND, 24),
        (NEW_YEAR, 2),
        (NEXT - SECOND, 2),
        (NEXT, 5),
    ],
    ids=["before the first", "the last second", "midnight", "the year's last second", "the third"],
)
def test_a_term_is_the_one_of_the_day_it_begins_on(since, hours):
    in_force = [
        one.term
        for one in spans(TERMS)
        if (one.since is None or one.since <= since) and (one.until is None or since < one.until)
    ]

    assert end_of_term(TERMS, since=since) == since + timedelta(hours=hours)
    assert in_force == [timedelta(hours=hours)]  # what the job asks the database by
