"""What a day of the law amounts to: its bounds, and how much of it was recorded."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from app.clock import LAW_ZONE
from bodycam.rules.coverage import CoverageKind, GapReason, Interval


@dataclass(frozen=True, kw_only=True)
class Totals:
    """How long each thing lasted; the three add up to the whole."""

    recorded: timedelta = timedelta()
    paused: timedelta = timedelta()
    gaps: Mapping[GapReason, timedelta] = field(default_factory=dict)

    @property
    def gap(self) -> timedelta:
        """All gaps together."""
        return sum(self.gaps.values(), timedelta())

    @property
    def whole(self) -> timedelta:
        """All of it."""
        return self.recorded + self.paused + self.gap


def day_bounds(day: date) -> tuple[datetime, datetime]:
    """Return when the day begins and ends in UTC.

    A day of the law may have 23 or 25 hours: that of 29.02.2024 had 25, when the clocks of
    Kazakhstan's east went back for good.
    """
    following = day + timedelta(days=1)
    begin, end = (
        datetime(one.year, one.month, one.day, tzinfo=LAW_ZONE).astimezone(UTC)
        for one in (day, following)
    )
    return begin, end


def clipped(intervals: Iterable[Interval], *, begin: datetime, end: datetime) -> list[Interval]:
    """Return what lies between ``begin`` and ``end`` of intervals in the order of time."""
    return [
        Interval(max(one.start, begin), min(one.end, end), one.kind, one.reason, one.recording_id)
        for one in intervals
        if one.start < end and begin < one.end
    ]


def totals_of(intervals: Iterable[Interval]) -> Totals:
    """Add the intervals up."""
    recorded = paused = timedelta()
    gaps: dict[GapReason, timedelta] = {}
    for one in intervals:
        if one.kind is CoverageKind.RECORDED:
            recorded += one.length
        elif one.kind is CoverageKind.PAUSED:
            paused += one.length
        elif one.reason is not None:
            gaps[one.reason] = gaps.get(one.reason, timedelta()) + one.length
    return Totals(recorded=recorded, paused=paused, gaps=gaps)
