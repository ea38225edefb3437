"""How the law counts days: pure functions over a dated table of special days.

Offence code articles 739(2)-(5): the day a term begins with is not counted, a term counted in
сутки skips non-working days, and it ends at 24:00 of its last day. What a working day is, the
Labour Code article 85 and the yearly decrees on moved days say.
"""

import csv
import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from app.calendar.errors import CalendarNotCovered, CalendarNotValid
from app.clock import LAW_ZONE

_SATURDAY = 5
_TERM_DAYS_MAX = 366  # no term in days of this law is longer
_ONE_DAY = timedelta(days=1)


class DayKind(enum.Enum):
    """Why a day is not what its weekday says."""

    HOLIDAY = "holiday"
    DAY_OFF = "day_off"  # moved here by decree, by the Labour Code, or a religious day off
    WORKING_DAY = "working_day"  # a Saturday or Sunday worked instead of a moved day


@dataclass(frozen=True, kw_only=True)
class SpecialDay:
    """One dated row. ``verified`` is ``False`` until somebody has read the act itself."""

    day: date
    kind: DayKind
    name_kk: str
    name_ru: str
    source: str
    verified: bool


@dataclass(frozen=True)
class WorkingCalendar:
    """The special days known, and the years that are entered whole."""

    kinds: Mapping[date, DayKind]
    years: frozenset[int] = field(default_factory=frozenset)

    def is_working(self, day: date) -> bool:
        """Return whether ``day`` is a working day.

        Raises:
            CalendarNotCovered: the year's holidays are not entered.
        """
        if day.year not in self.years:
            raise CalendarNotCovered(f"the holidays of {day.year} are not entered", year=day.year)
        kind = self.kinds.get(day)
        if kind is None:
            return day.weekday() < _SATURDAY
        return kind is DayKind.WORKING_DAY


def calendar_of(days: Iterable[SpecialDay]) -> WorkingCalendar:
    """Return the calendar of ``days``; a year is entered whole or not at all."""
    kinds = {one.day: one.kind for one in days}
    return WorkingCalendar(kinds=kinds, years=frozenset(day.year for day in kinds))


def nth_working_day_after(*, day: date, n: int, days: WorkingCalendar) -> date:
    """Return the ``n``-th working day after ``day``, which itself is not counted.

    Offence code article 739(2),(3). Check: issued 1 August 2022, seventh is 10 August 2022.

    Raises:
        CalendarNotCovered: the term runs into a year that is not entered.
    """
    if not 1 <= n <= _TERM_DAYS_MAX:
        raise ValueError(f"a term has 1 to {_TERM_DAYS_MAX} days")
    left = n
    while left:
        day += _ONE_DAY
        left -= days.is_working(day)
    return day


def end_of_day(day: date) -> datetime:
    """Return the instant 24:00 of ``day`` in the zone of the law, in UTC (article 739(4)).

    The first instant that no longer belongs to the term: compare with ``<``.
    """
    return datetime.combine(day + _ONE_DAY, time(), LAW_ZONE).astimezone(UTC)


def start_of_day(day: date) -> datetime:
    """Return the instant 00:00 of ``day`` in the zone of the law, in UTC."""
    return datetime.combine(day, time(), LAW_ZONE).astimezone(UTC)


def parse_special_days(lines: Iterable[str]) -> tuple[SpecialDay, ...]:
    """Return the rows of the special-days file.

    Raises:
        CalendarNotValid: a column is missing, a value has no such form, or a day stands twice.
    """
    seen: dict[date, SpecialDay] = {}
    for number, row in enumerate(csv.DictReader(lines), start=2):
        try:
            one = SpecialDay(
                day=date.fromisoformat(row["day"]),
                kind=DayKind(row["kind"]),
                name_kk=row["name_kk"],
                name_ru=row["name_ru"],
                source=row["source"],
                verified={"yes": True, "no": False}[row["verified"]],
            )
        except (KeyError, ValueError) as error:
            raise CalendarNotValid(f"special days: line {number} is not well formed") from error
        if one.day in seen:
            raise CalendarNotValid(f"special days: line {number} repeats {one.day}")
        if one.kind is DayKind.WORKING_DAY and one.day.weekday() < _SATURDAY:
            raise CalendarNotValid(f"special days: line {number} makes a weekday a moved one")
        seen[one.day] = one
    return tuple(seen.values())
