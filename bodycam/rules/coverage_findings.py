"""What is odd about the recordings of one issue of a camera, beside the gaps that they leave."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from uuid import UUID

from bodycam.rules.coverage import (
    SHORTFALL_SHARE,
    CoverageKind,
    CoverageTerms,
    Finding,
    FindingKind,
    GapReason,
    Interval,
    Piece,
    Span,
    Standing,
)


def findings_of(pieces: Iterable[Piece], *, terms: CoverageTerms) -> tuple[Finding, ...]:
    """Return what is odd about the recordings, beside the gaps that they leave."""
    found: list[Finding] = []
    reached: datetime | None = None
    for one in sorted(pieces, key=lambda one: (one.start, one.end, one.recording_id)):
        if reached is not None and one.start < reached:
            end = min(one.end, reached)
            long = end - one.start > terms.overlap
            kind = FindingKind.CLOCK_LEAP if long else FindingKind.OVERLAP
            found.append(Finding(kind, one.start, end, one.recording_id))
        if one.playable is not None and one.standing is Standing.STORED:
            claimed = one.end - one.start
            if one.playable - claimed > terms.leap + claimed / SHORTFALL_SHARE:
                found.append(Finding(FindingKind.CLOCK_LEAP, one.start, one.end, one.recording_id))
        found += [
            Finding(FindingKind.CLOCK_LEAP, noted.at, noted.at, one.recording_id)
            for noted in one.noted
            if noted.reason is GapReason.CLOCK_LEAP
        ]
        if not one.previous_here and reached is not None and one.start - reached <= terms.seam:
            broken = one.previous is not None
            kind = FindingKind.MISSING_PREDECESSOR if broken else FindingKind.MEMORY_CHANGED
            found.append(Finding(kind, one.start, one.start, one.recording_id))
        reached = one.end if reached is None else max(reached, one.end)
    return tuple(found)


def unsigned_of(
    intervals: Iterable[Interval], *, pieces: Iterable[Piece], terms: CoverageTerms
) -> Iterator[Finding]:
    """Yield the stretches of a signing camera that only footage shows which nobody signed.

    It counts as recorded: a file recovered by hand may be all there is. But anybody who has a
    dock's credential may send such a file, so somebody must say where it comes from.
    """
    unsigned = {one.recording_id for one in pieces if one.manifest is None}
    for one in intervals:
        recorded = one.kind is CoverageKind.RECORDED and one.recording_id in unsigned
        if recorded and one.recording_id is not None and one.length >= terms.case_from:
            yield Finding(FindingKind.UNSIGNED, one.start, one.end, one.recording_id)


def misdated_of(span: Span, recordings: Iterable[UUID]) -> Iterator[Finding]:
    """Yield recordings that the camera brought from this issue and that are of no issue's time.

    They stand at the end of the issue, for their own time says nothing.
    """
    for one in recordings:
        yield Finding(FindingKind.MISDATED, span.end, span.end, one)


def around(start: datetime, end: datetime, *, terms: CoverageTerms) -> tuple[datetime, datetime]:
    """Return the time in which an issue may lie that a recording belongs to.

    A camera records a little before it is signed for, and until it stands in the dock.
    """
    return start - terms.docking, end + terms.handing_over
