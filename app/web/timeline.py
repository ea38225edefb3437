"""Where the ticks of the player's strip stand: at round times of the law's clocks."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from app.clock import LAW_ZONE

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
