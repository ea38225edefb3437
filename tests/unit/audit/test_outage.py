from datetime import UTC, date, datetime, timedelta

import pytest

from app.audit.rules.outage import is_overdue, outage_allowed, parse_terms

TERMS = parse_terms("2026-01-01=4,2027-03-01=2")
NOW = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)


def test_terms_are_read_with_their_days():
    assert (
        (date(2026, 1, 1), timedelta(hours=4)),
        (date(2027, 3, 1), timedelta(hours=2)),
    ) == TERMS


@pytest.mark.parametrize(
    ("at", "hours"),
    [
        (datetime(2025, 12, 31, 18, 59, tzinfo=UTC), 0),
        (datetime(2025, 12, 31, 19, 0, tzinfo=UTC), 4),  # midnight of the law's zone
        (NOW, 4),
        (datetime(2027, 2, 28, 18, 59, tzinfo=UTC), 4),
        (datetime(2027, 2, 28, 19, 0, tzinfo=UTC), 2),
    ],
)
def test_a_term_holds_from_its_day_on(at, hours):
    assert outage_allowed(TERMS, at=at) == timedelta(hours=hours)


@pytest.mark.parametrize(
    "text", ["", "4", "2026-01-01=", "2026-13-01=4", "2026-01-01=0", "2027-01-01=4,2026-01-01=4",
             "2026-01-01=4,2026-01-01=5"],
)  # fmt: skip
def test_other_terms_are_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011 - each has its own words
        parse_terms(text)


@pytest.mark.parametrize(
    ("waiting_since", "overdue"),
    [
        (None, False),
        (NOW, False),
        (NOW - timedelta(hours=4), False),
        (NOW - timedelta(hours=4, microseconds=1), True),
    ],
)
def test_an_outage_is_overdue_after_its_term_and_not_before(waiting_since, overdue):
    allowed = timedelta(hours=4)

    assert is_overdue(waiting_since=waiting_since, allowed=allowed, now=NOW) is overdue
