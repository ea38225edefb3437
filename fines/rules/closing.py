"""When a terminal's day is closed, and by when its totals must be told: dated hours of the law.

Neither hour stands in a published text: both are dated configuration, marked as not verified.
"""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Final

from app.clock import LAW_ZONE, law_date

DatedHours = tuple[tuple[date, int], ...]

_ONE_DAY: Final = timedelta(days=1)
_HOURS: Final = range(24)


def parse_hours(text: str) -> DatedHours:
    """Return the hours of ``date=hour,date=hour``, each in force from its day on.

    Raises:
        ValueError: another form, no hour of a day, or days that do not ascend.
    """
    found = []
    for one in text.split(","):
        day, _, hour = one.partition("=")
        found.append((date.fromisoformat(day), int(hour)))
    if [day for day, _ in found] != sorted({day for day, _ in found}):
        raise ValueError("the days of the hours ascend")
    if any(hour not in _HOURS for _, hour in found):
        raise ValueError("an hour is from 0 to 23")
    return tuple(found)


def instant_on(hours: Sequence[tuple[date, int]], day: date) -> datetime | None:
    """Return the instant of ``day`` at the hour in force then; ``None`` before the first."""
    in_force = [hour for since, hour in hours if since <= day]
    if not in_force:
        return None
    return datetime.combine(day, time(in_force[-1]), LAW_ZONE)


def last_closing(hours: Sequence[tuple[date, int]], *, now: datetime) -> datetime | None:
    """Return the last instant, ``now`` included, at which days of terminals were to be closed."""
    today = law_date(now)
    for day in (today, today - _ONE_DAY):
        closing = instant_on(hours, day)
        if closing is not None and closing <= now:
            return closing
    return None


def last_missed(
    closing_hours: Sequence[tuple[date, int]],
    missing_hours: Sequence[tuple[date, int]],
    *,
    now: datetime,
) -> datetime | None:
    """Return the last closing whose totals must be there by now: its next morning has come."""
    today = law_date(now)
    for morning in (today, today - _ONE_DAY):
        due = instant_on(missing_hours, morning)
        if due is not None and due <= now:
            return instant_on(closing_hours, morning - _ONE_DAY)
    return None
