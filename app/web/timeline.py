"""Where the ticks of the player's strip stand: at round times of the law's clocks."""

import math
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from app.clock import LAW_ZONE, law_date

_STEPS_SECONDS: Final = (10, 30, 60, 300, 600, 1800, 3600, 7200, 10800, 21600)
_TICKS_MAX: Final = 12  # more labels run into each other on a narrow screen
_MINUTE_SECONDS: Final = 60


@dataclass(frozen=True)
class Tick:
    """A mark on the strip: how far along in percent, and the time that it stands for."""

    percent: float
    label: str


def ticks(*, started_at: datetime, seconds: float) -> list[Tick]:
    """Return the ticks of a recording of this start and length."""
    fitting = (step for step in _STEPS_SECONDS if seconds / step <= _TICKS_MAX)
    step = next(fitting, _STEPS_SECONDS[-1])
    wall = started_at.astimezone(LAW_ZONE)
    midnight = wall.replace(hour=0, minute=0, second=0, microsecond=0)
    into_day = (started_at - midnight).total_seconds()
    first = math.ceil(into_day / step) * step - into_day
    count = max(math.floor((seconds - first) / step) + 1, 0)
    return [_tick(started_at, first + number * step, seconds, step) for number in range(count)]


def _tick(started_at: datetime, offset: float, seconds: float, step: int) -> Tick:
    wall = (started_at + timedelta(seconds=offset)).astimezone(LAW_ZONE)
    shown = f"{wall:%H:%M:%S}" if step < _MINUTE_SECONDS else f"{wall:%H:%M}"
    return Tick(percent=round(offset / seconds * 100, 3), label=shown)


def zones(*, started_at: datetime, seconds: float) -> list[tuple[float, int]]:
    """Return from which second on the law's clocks are how many seconds ahead of UTC.

    One pair, or two where the clocks were set meanwhile, as on 29.02.2024 at 24:00.
    """
    first, last = _ahead(started_at), _ahead(started_at + timedelta(seconds=seconds))
    if first == last:
        return [(0.0, first)]
    before, after = 0, math.ceil(seconds)
    while after - before > 1:
        middle = (before + after) // 2
        if _ahead(started_at + timedelta(seconds=middle)) == first:
            before = middle
        else:
            after = middle
    return [(0.0, first), (float(after), last)]


def days(*, started_at: datetime, seconds: float) -> list[date]:
    """Return the days of the law that it touches."""
    first = law_date(started_at)
    last = law_date(started_at + timedelta(seconds=seconds))
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _ahead(instant: datetime) -> int:
    offset = instant.astimezone(LAW_ZONE).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0
