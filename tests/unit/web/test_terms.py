from datetime import date

import pytest

from app.calendar.rules import DayKind, WorkingCalendar
from app.web.terms import term_left

HOLIDAY = date(2026, 12, 16)
CALENDAR = WorkingCalendar({HOLIDAY: DayKind.HOLIDAY}, frozenset({2026}))
LAST_DAY = date(2026, 12, 21)  # a Monday


@pytest.mark.parametrize(
    ("today", "left"),
    [
        (date(2026, 12, 21), 0),
        (date(2026, 12, 20), 1),
        (date(2026, 12, 18), 1),
        (date(2026, 12, 15), 3),
        (date(2026, 12, 11), 5),
    ],
)
def test_weekends_and_holidays_are_not_counted(today, left):
    term = term_left(last_day=LAST_DAY, today=today, calendar=CALENDAR)

    assert (term.working_days, term.over) == (left, False)


def test_the_day_after_the_last_the_term_is_over():
    term = term_left(last_day=LAST_DAY, today=date(2026, 12, 22), calendar=CALENDAR)

    assert (term.working_days, term.over, term.soon) == (0, True, False)


@pytest.mark.parametrize(
    ("today", "soon"), [(date(2026, 12, 15), True), (date(2026, 12, 14), False)]
)
def test_three_working_days_before_the_end_it_shows(today, soon):
    assert term_left(last_day=LAST_DAY, today=today, calendar=CALENDAR).soon is soon


def test_in_a_year_that_is_not_entered_nothing_is_promised():
    term = term_left(last_day=date(2027, 1, 12), today=date(2026, 12, 21), calendar=CALENDAR)

    assert (term.working_days, term.soon, term.over) == (None, False, False)
