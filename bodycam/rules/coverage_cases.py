"""Which gaps somebody must explain, and how such a case goes on."""

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Final
from uuid import UUID

from bodycam.errors import TransitionRefused
from bodycam.rules.coverage import (
    CoverageKind,
    CoverageTerms,
    Ending,
    Finding,
    FindingKind,
    GapReason,
    Interval,
    Span,
)


class CaseStatus(enum.Enum):
    """Where a case stands. ``RESOLVED``: the missing footage came, or the camera was docked."""

    OPENED = "opened"
    EXPLAINED = "explained"
    CLOSED = "closed"
    RESOLVED = "resolved"


_NEXT: Final[Mapping[CaseStatus, frozenset[CaseStatus]]] = MappingProxyType(
    {
        CaseStatus.OPENED: frozenset({CaseStatus.EXPLAINED, CaseStatus.RESOLVED}),
        # Who does not believe an explanation sends the case back.
        CaseStatus.EXPLAINED: frozenset(
            {CaseStatus.CLOSED, CaseStatus.OPENED, CaseStatus.RESOLVED}
        ),
        CaseStatus.CLOSED: frozenset(),
        CaseStatus.RESOLVED: frozenset(),
    }
)
LIVE: Final = frozenset({CaseStatus.OPENED, CaseStatus.EXPLAINED})
_ORDINARY: Final = frozenset({GapReason.HANDED_OVER, GapReason.DOCKING, GapReason.SEAM})
_OF_FINDING: Final = MappingProxyType(
    {
        FindingKind.CLOCK_LEAP: GapReason.CLOCK_LEAP,
        FindingKind.MISSING_PREDECESSOR: GapReason.MISSING_PREDECESSOR,
        FindingKind.MEMORY_CHANGED: GapReason.MEMORY_CHANGED,
        FindingKind.UNSIGNED: GapReason.UNSIGNED,
        FindingKind.MISDATED: GapReason.CLOCK_LEAP,
    }
)


def next_case_status(current: CaseStatus, target: CaseStatus) -> CaseStatus:
    """Return ``target`` if a case may move there from ``current``.

    Raises:
        TransitionRefused: the table lists no such step.
    """
    if target not in _NEXT[current]:
        raise TransitionRefused(f"{current.value} -> {target.value}")
    return target


@dataclass(frozen=True)
class Concern:
    """A stretch of time, or an instant, that somebody must explain."""

    reason: GapReason
    start: datetime
    end: datetime


@dataclass(frozen=True)
class KnownCase:
    """A case that is there already."""

    case_id: UUID
    status: CaseStatus
    concern: Concern


@dataclass(frozen=True)
class Matched:
    """What must be done with the cases of an assignment."""

    opened: tuple[Concern, ...] = ()
    moved: Mapping[UUID, Concern] = field(default_factory=dict)
    resolved: tuple[UUID, ...] = ()


def concerns_of(
    span: Span,
    *,
    intervals: Iterable[Interval],
    findings: Iterable[Finding],
    terms: CoverageTerms,
    now: datetime,
) -> tuple[Concern, ...]:
    """Return what must be explained now, in the order of time."""
    settled = span.ending is not Ending.STILL_OUT and now - span.end >= terms.case_after
    found: list[Concern] = []
    for one in intervals:
        if one.kind is not CoverageKind.GAP or one.reason is None:
            continue
        if _is_due(one, span, terms, settled=settled, now=now):
            found.append(Concern(one.reason, one.start, one.end))
    if settled:
        found += [
            Concern(_OF_FINDING[one.kind], one.start, one.end)
            for one in findings
            if one.kind in _OF_FINDING
        ]
    return tuple(sorted(set(found), key=lambda one: (one.start, one.end, one.reason.value)))


def _is_due(
    gap: Interval, span: Span, terms: CoverageTerms, *, settled: bool, now: datetime
) -> bool:
    if gap.reason is GapReason.NOT_DOCKED:
        return now - span.begin > terms.docked_within
    if gap.reason is GapReason.NOT_UPLOADED:
        return now - span.end > terms.uploaded_within
    if gap.reason is None or gap.reason in _ORDINARY:
        return False
    return settled and gap.length >= terms.case_from_of.get(gap.reason, terms.case_from)


def match_cases(concerns: Sequence[Concern], cases: Iterable[KnownCase]) -> Matched:
    """Tell which cases to open, which to move to new bounds, and which resolved themselves.

    What was closed stays closed, unless the gap reaches further than what was closed.
    """
    known = list(cases)
    live = [one for one in known if one.status in LIVE]
    closed = [one.concern for one in known if one.status is CaseStatus.CLOSED]
    opened: list[Concern] = []
    moved: dict[UUID, Concern] = {}
    for concern in concerns:
        mine = next(
            (
                one
                for one in live
                if one.case_id not in moved and _meet(one.concern, concern)
            ),
            None,
        )  # fmt: skip
        if mine is not None:
            moved[mine.case_id] = concern
        elif not any(_holds(one, concern) for one in closed):
            opened.append(concern)
    resolved = tuple(one.case_id for one in live if one.case_id not in moved)
    changed = {
        one.case_id: moved[one.case_id]
        for one in live
        if one.case_id in moved and moved[one.case_id] != one.concern
    }
    return Matched(tuple(opened), changed, resolved)


def _meet(one: Concern, other: Concern) -> bool:
    if one.reason is other.reason:
        return one.start <= other.end and other.start <= one.end
    return one.start < other.end and other.start < one.end


def _holds(closed: Concern, concern: Concern) -> bool:
    return closed.start <= concern.start and concern.end <= closed.end
