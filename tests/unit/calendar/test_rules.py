"""How the law counts days."""

from datetime import UTC, date, datetime, timedelta

import pytest

from app.calendar.errors import CalendarNotCovered, CalendarNotValid
from app.calendar.rules import (
    DayKind,
    calendar_of,
    end_of_day,
    nth_working_day_after,
    parse_special_days,
    start_of_day,
)
from app.calendar.service import shipped_special_days

HEAD = "day,kind,name_kk,name_ru,source,verified"
SHIPPED = calendar_of(shipped_special_days())


@pytest.mark.parametrize(
    ("issued", "last"),
    [
        (date(2022, 8, 1), date(2022, 8, 10)),  # the example of the official portal
        (date(2022, 8, 22), date(2022, 9, 1)),  # 27 August worked, 29 and 30 off
        (date(2022, 8, 6), date(2022, 8, 16)),  # issued on a Saturday
        (date(2026, 10, 20), date(2026, 10, 30)),  # 25 October is a Sunday: 26 is off
        (date(2026, 12, 10), date(2026, 12, 22)),  # 16 December
        (date(2026, 12, 25), date(2027, 1, 8)),  # over the end of the year
        (date(2025, 12, 30), date(2026, 1, 13)),  # 1, 2 and 7 January
        (date(2024, 2, 27), date(2024, 3, 7)),  # a leap day within, and the clocks go back
    ],
)
def test_the_seventh_working_day_after_the_day_of_issue(issued, last):
    assert nth_working_day_after(day=issued, n=7, days=SHIPPED) == last


def test_the_day_of_issue_is_never_counted():
    assert nth_working_day_after(day=date(2026, 11, 23), n=1, days=SHIPPED) == date(2026, 11, 24)


def test_a_term_into_a_year_that_is_not_entered_has_no_end():
    last_year = max(SHIPPED.years)

    with pytest.raises(CalendarNotCovered):
        nth_working_day_after(day=date(last_year, 12, 28), n=7, days=SHIPPED)


@pytest.mark.parametrize("n", [0, -1, 367])
def test_a_term_has_at_least_a_day_and_at_most_a_year(n):
    with pytest.raises(ValueError, match="a term has"):
        nth_working_day_after(day=date(2026, 1, 1), n=n, days=SHIPPED)


def test_a_day_ends_at_midnight_of_the_law():
    assert end_of_day(date(2026, 11, 22)) == datetime(2026, 11, 22, 19, tzinfo=UTC)  # UTC+5


def test_before_march_2024_the_law_was_an_hour_ahead():
    assert end_of_day(date(2024, 2, 28)) == datetime(2024, 2, 28, 18, tzinfo=UTC)  # UTC+6


def test_the_day_the_clocks_went_back_has_25_hours():
    # Asia/Almaty moved from UTC+6 to UTC+5 at 00:00 of 1 March 2024: 29 February lasted longer.
    length = end_of_day(date(2024, 2, 29)) - start_of_day(date(2024, 2, 29))

    assert length == timedelta(hours=25)


def test_a_saturday_is_worked_where_it_was_moved():
    assert SHIPPED.is_working(date(2022, 8, 27))
    assert not SHIPPED.is_working(date(2022, 8, 29))


@pytest.mark.parametrize(
    "line",
    [
        "2026-13-01,holiday,a,b,c,no",
        "2026-01-01,feast,a,b,c,no",
        "2026-01-01,holiday,a,b,c,perhaps",
        "2026-01-01,holiday",
        "2026-11-23,working_day,a,b,c,no",  # a Monday is worked anyway
    ],
)
def test_a_row_of_another_form_is_refused(line):
    with pytest.raises(CalendarNotValid, match="line 2"):
        parse_special_days([HEAD, line])


def test_a_day_stands_once():
    row = "2026-01-01,holiday,a,b,c,no"

    with pytest.raises(CalendarNotValid, match="line 3 repeats"):
        parse_special_days([HEAD, row, row])


def test_every_shipped_row_names_its_source():
    assert all(one.source and one.name_kk and one.name_ru for one in shipped_special_days())
    assert {one.kind for one in shipped_special_days()} == set(DayKind)
