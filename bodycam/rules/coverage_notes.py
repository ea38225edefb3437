"""What a camera's own events mean to the ledger of its time."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from bodycam.rules.coverage import CoverageTerms, GapReason, Hole, Noted
from bodycam.wire.manifest import EventKind

# What begins a stretch that shows or says nothing, what ends it, and its reason.
_STRETCHES: Final = MappingProxyType(
    {
        EventKind.LENS_COVERED: (EventKind.LENS_FREE, GapReason.LENS_COVERED),
        EventKind.MUTED: (EventKind.UNMUTED, GapReason.MUTED),
    }
)
HOLE_REASONS: Final = MappingProxyType(
    {
        "damaged": GapReason.DAMAGED,
        "black": GapReason.BLACK,
        "frozen": GapReason.FROZEN,
        "silent": GapReason.SILENT,
    }
)
_LEAD_SLACK: Final = timedelta(seconds=2)
_TAKEN_BACK: Final = MappingProxyType({EventKind.CARD_INSERTED: GapReason.CARD_REMOVED})
_NOTED: Final = MappingProxyType(
    {
        EventKind.LOW_BATTERY: GapReason.LOW_BATTERY,
        EventKind.CARD_REMOVED: GapReason.CARD_REMOVED,
        EventKind.CLOCK_SET: GapReason.CLOCK_LEAP,
    }
)


def holes_of(events: Iterable[Mapping[str, Any]], *, end: datetime) -> tuple[Hole, ...]:
    """Return the stretches that the camera says show or say nothing; open ones last to ``end``."""
    begun: dict[EventKind, tuple[GapReason, datetime]] = {}
    found: list[Hole] = []
    for kind, at, _ in _read(events):
        if kind in _STRETCHES:
            ends_with, reason = _STRETCHES[kind]
            begun.setdefault(ends_with, (reason, at))
        elif kind in begun:
            reason, first = begun.pop(kind)
            found.append(Hole(reason, first, at))
    found += [Hole(reason, first, end) for reason, first in begun.values()]
    return tuple(one for one in found if one.start < one.end)


def lead_of(
    lost: Iterable[Mapping[str, Any]], *, plays: timedelta, claimed: timedelta
) -> timedelta:
    """Return how much is lost before the first that plays.

    Nothing, where that and what plays do not fit into the time that the recording claims: then
    its stream merely does not begin at nought.
    """
    first = min((int(one["first_ms"]) for one in lost), default=0)
    lead = timedelta(milliseconds=max(0, -first))
    return lead if lead + plays <= claimed + _LEAD_SLACK else timedelta()


def stretches_to_holes(
    stretches: Iterable[Mapping[str, Any]], *, origin: datetime
) -> tuple[Hole, ...]:
    """Return kept stretches of the known kinds as holes; ``origin`` is when the first plays."""
    return tuple(
        Hole(
            HOLE_REASONS[one["kind"]],
            origin + timedelta(milliseconds=int(one["first_ms"])),
            origin + timedelta(milliseconds=int(one["end_ms"])),
        )
        for one in stretches
        if one["kind"] in HOLE_REASONS
    )


def noted_of(events: Iterable[Mapping[str, Any]], *, terms: CoverageTerms) -> tuple[Noted, ...]:
    """Return what the camera noted of its battery, its card and its clock.

    A card that was put back explains nothing; a clock that was set by less than a leap is no leap.
    """
    found: list[Noted] = []
    for kind, at, value in _read(events):
        if kind in _TAKEN_BACK:
            found = [one for one in found if one.reason is not _TAKEN_BACK[kind]]
        if kind not in _NOTED:
            continue
        leapt = abs(timedelta(milliseconds=value or 0)) > terms.leap
        if kind is not EventKind.CLOCK_SET or leapt:
            found.append(Noted(_NOTED[kind], at))
    return tuple(found)


def _read(
    events: Iterable[Mapping[str, Any]],
) -> Iterable[tuple[EventKind, datetime, int | None]]:
    for one in events:
        yield EventKind(one["kind"]), datetime.fromisoformat(one["at"]), one.get("value")
