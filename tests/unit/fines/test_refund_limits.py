"""Dated limits of refunds: read strictly, in force from their day, exact to the tiyn."""

from datetime import date, timedelta

import pytest

from app.settings import Settings
from fines.errors.money import RefundLimitOfClerk, RefundLimitOfUnit
from fines.rules.refunds import (
    DailyLimits,
    limits_on,
    parse_refund_limits,
    refuse_over_limits,
)

LIMITS = DailyLimits(clerk_tiyn=1000, unit_tiyn=1500)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    "text",
    [
        "", "2026-01-01", "2026-01-01=1", "2026-01-01=/2", "2026-01-01=0/5", "2026-01-01=-1/5",
        "2026-01-01=6/5", "2026-13-01=1/2", "2026-01-01=1/2,", "2026-02-01=1/2,2026-01-01=1/2",
        "2026-01-01=1/2,2026-01-01=1/2", "2026-01-01=1.5/2",
    ],
)  # fmt: skip
def test_what_is_no_limit_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011 - whatever is wrong with it
        parse_refund_limits(text)


def test_the_limits_of_a_day_are_the_last_that_have_begun():
    limits = parse_refund_limits("2026-01-01=1/2,2027-01-01=3/4")
    change = date(2027, 1, 1)

    found = [
        limits_on(limits, day) for day in (date(2025, 6, 1), change - DAY, change, change + DAY)
    ]

    assert [(one.clerk_tiyn, one.unit_tiyn) for one in found] == [(1, 2), (1, 2), (3, 4), (3, 4)]


def test_the_default_is_a_limit():
    limits = parse_refund_limits(Settings.model_fields["refund_limits"].default)

    assert limits_on(limits, date(2026, 11, 22)) == DailyLimits(
        clerk_tiyn=100_000_000, unit_tiyn=300_000_000
    )


@pytest.mark.parametrize(
    ("amount", "of_clerk", "of_unit"),
    [(1000, 0, 0), (1, 999, 999), (500, 500, 1000), (1, 0, 1499), (1000, 0, 500)],
)
def test_up_to_the_limit_it_is_allowed(amount, of_clerk, of_unit):
    refuse_over_limits(LIMITS, amount_tiyn=amount, of_clerk_tiyn=of_clerk, of_unit_tiyn=of_unit)


@pytest.mark.parametrize(
    ("amount", "of_clerk", "of_unit", "refusal"),
    [
        (1001, 0, 0, RefundLimitOfClerk),
        (1, 1000, 1000, RefundLimitOfClerk),
        (1501, 0, 0, RefundLimitOfUnit),
        (1, 0, 1500, RefundLimitOfUnit),
        (1, 1000, 1500, RefundLimitOfUnit),  # another clerk could not cure it
        (1000, 0, 501, RefundLimitOfUnit),
    ],
)
def test_a_tiyn_above_is_refused_by_whichever_cannot_be_cured(amount, of_clerk, of_unit, refusal):
    with pytest.raises(refusal):
        refuse_over_limits(LIMITS, amount_tiyn=amount, of_clerk_tiyn=of_clerk, of_unit_tiyn=of_unit)
