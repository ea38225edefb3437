"""Retention: what may be destroyed when, and what keeps it."""

import itertools
from datetime import UTC, date, datetime, timedelta

import pytest

from app.exchange.rules.requests import RequestStatus
from app.exchange.rules.retention import (
    RETENTION_RULES,
    Content,
    KeptRequest,
    RetentionRule,
    kept_until,
    may_destroy,
    retention_rule_on,
)

RULE = RETENTION_RULES[0]
RECEIVED = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
ANSWER, SUBJECT, WHY = Content.ANSWER, Content.SUBJECT, Content.JUSTIFICATION
ENDED = {"refused", "released", "withheld", "expired"}


def decided(*, day, status="released", held=False, reviewed=True, received=RECEIVED, **more):
    now = datetime.combine(day, datetime.min.time(), UTC) - timedelta(hours=5)  # 00:00 in Astana
    request = KeptRequest(
        status=RequestStatus(status), received_at=received, held=held, reviewed=reviewed
    )
    return may_destroy(request, now=now, **more)


@pytest.mark.parametrize(
    ("day", "contents"),
    [
        (date(2026, 11, 23), set()),
        (date(2029, 11, 22), set()),  # the third anniversary is the last day
        (date(2029, 11, 23), {ANSWER}),
        (date(2031, 11, 22), {ANSWER}),
        (date(2031, 11, 23), {ANSWER, SUBJECT, WHY}),
        (date(2091, 11, 23), {ANSWER, SUBJECT, WHY}),
    ],
)
def test_each_content_goes_when_its_own_term_is_over(day, contents):
    decision = decided(day=day)

    assert decision.contents == contents
    assert decision.rule == RULE.id
    assert (decision.kept_because and decision.kept_because.value) == (None if contents else "term")


@pytest.mark.parametrize("status", ["withheld", "expired", "refused"])
def test_what_was_shown_to_nobody_goes_earlier(status):
    assert decided(day=date(2027, 11, 22), status=status).contents == frozenset()
    assert decided(day=date(2027, 11, 23), status=status).contents == {ANSWER}


@pytest.mark.parametrize(
    ("status", "held", "reviewed"),
    list(itertools.product(RequestStatus, [False, True, None], [True, False, None])),
)
def test_nothing_goes_that_is_under_way_held_not_reviewed_or_not_known(status, held, reviewed):
    decision = decided(day=date(2091, 1, 1), status=status.value, held=held, reviewed=reviewed)

    if status.value not in ENDED:
        expected = "still_under_way"
    elif held is not False:
        expected = "held"
    elif reviewed is not True:
        expected = "not_reviewed"
    else:
        expected = None
    assert (decision.kept_because and decision.kept_because.value) == expected
    assert bool(decision.contents) is (expected is None)


def test_the_day_is_that_of_astana():
    late = datetime(2026, 11, 22, 19, 30, tzinfo=UTC)  # 00:30 of the 23rd

    assert kept_until(late, ANSWER, released=True, rule=RULE) == date(2029, 11, 23)


def test_a_term_from_29_february_is_a_day_longer_rather_than_shorter():
    leap = datetime(2028, 2, 29, 9, 0, tzinfo=UTC)
    rule = RetentionRule(
        id="x",
        valid_from=date(2020, 1, 1),
        years={ANSWER: 3, SUBJECT: 4, WHY: 5},
        unreleased_years=1,
    )

    until = [kept_until(leap, content, released=True, rule=rule) for content in Content]

    assert until == [date(2031, 3, 1), date(2032, 2, 29), date(2033, 3, 1)]


def test_the_rule_of_the_day_of_destruction_decides_over_older_requests_too():
    longer = RetentionRule(
        id="longer",
        valid_from=date(2029, 1, 1),
        years=dict.fromkeys(Content, 10),
        unreleased_years=10,
    )
    rules = (longer, RULE)

    assert retention_rule_on(date(2028, 12, 31), rules=rules) is RULE
    decision = decided(day=date(2032, 1, 1), rules=rules)
    assert (decision.rule, decision.contents) == ("longer", frozenset())


def test_without_a_rule_everything_is_kept():
    decision = decided(day=date(2091, 1, 1), rules=())

    assert decision.kept_because is not None
    assert (decision.kept_because.value, decision.rule) == ("no_rule", "")
    assert retention_rule_on(date(2021, 2, 14)) is None
