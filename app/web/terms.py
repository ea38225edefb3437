"""How much of a term is left, in the working days that the law counts."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from app.calendar.errors import CalendarNotCovered
from app.calendar.rules import WorkingCalendar

_LOOKED_AHEAD_DAYS_MAX: Final = 366  # no term of this law is longer
_SOON_WORKING_DAYS: Final = 3  # time left for a hearing's notice (APPK article 73)


@dataclass(frozen=True, kw_only=True)
class Term:
    """A term's last day and what is left of it.

    ``working_days`` are those after today up to and with the last day; ``None`` where the
    holidays of a year in between are not entered. Of a term that is over they are zero.
    """

    last_day: date
    over: bool
    working_days: int | None

    @property
    def soon(self) -> bool:
        """Whether so little is left that the reviewer should see it at a glance."""
        few = self.working_days is not None and self.working_days <= _SOON_WORKING_DAYS
        return not self.over and few


def term_left(*, last_day: date, today: date, calendar: WorkingCalendar) -> Term:
    """Return what is left today of the term that ends with ``last_day``."""
    days = min(max((last_day - today).days, 0), _LOOKED_AHEAD_DAYS_MAX)
    ahead = (today + timedelta(days=step) for step in range(1, days + 1))
    left: int | None
    try:
        left = sum(calendar.is_working(day) for day in ahead)
    except CalendarNotCovered:
        left = None
    return Term(last_day=last_day, over=today > last_day, working_days=left)
