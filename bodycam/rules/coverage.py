"""Every second from the issue of a camera to its dock: recorded, paused, or a gap with a reason.

Pure interval rules. What they return cuts the asked time exactly: no second is left out and none
is told twice, whatever the recordings say of themselves.
"""

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from types import MappingProxyType
from typing import Final
from uuid import UUID

SIGNING_DOOR: Final = "dock"  # the door whose cameras sign what they tell, one after another
SHORTFALL_SHARE: Final = 1000  # a camera's frames may drift from its clock by a thousandth


class CoverageKind(enum.Enum):
    """What became of a stretch of time."""

    RECORDED = "recorded"
    PAUSED = "paused"  # with the duty officer's permission (Order No. 971, item 25)
    GAP = "gap"


class GapReason(enum.Enum):
    """Why a stretch of time shows nothing."""

    HANDED_OVER = "handed_over"  # from the signature to the first second
    DOCKING = "docking"  # from the last second to the dock's word
    SEAM = "seam"  # between two recordings
    NOT_DOCKED = "not_docked"  # the camera is still out: nothing is known yet
    NOT_UPLOADED = "not_uploaded"  # the recording is announced and not stored yet
    UNREADABLE = "unreadable"  # its bytes are kept, but they are no video
    DAMAGED = "damaged"
    BLACK = "black"
    FROZEN = "frozen"  # nothing at all moves in the picture
    LENS_COVERED = "lens_covered"  # by the camera's own word
    SILENT = "silent"
    MUTED = "muted"  # by the camera's own word
    CARD_REMOVED = "card_removed"
    MISSING_PREDECESSOR = "missing_predecessor"  # a recording was taken out of the row
    MEMORY_CHANGED = "memory_changed"  # the row begins anew: another card, or one made empty
    CLOCK_LEAP = "clock_leap"
    LOW_BATTERY = "low_battery"
    LOST = "lost"  # the camera was written off while it was out
    NOT_RECORDING = "not_recording"  # and no cause is known
    UNSIGNED = "unsigned"  # of a case alone: it is recorded, by nobody's word


class FindingKind(enum.Enum):
    """What is odd about recordings without leaving a gap."""

    OVERLAP = "overlap"
    CLOCK_LEAP = "clock_leap"
    MISSING_PREDECESSOR = "missing_predecessor"
    MEMORY_CHANGED = "memory_changed"
    NOT_EXAMINED = "not_examined"  # of a stretch nothing could be seen or heard: no case
    UNSIGNED = "unsigned"  # only footage that nobody signed shows it, of a camera that signs
    MISDATED = "misdated"  # the camera brought it, and had no issue in its time


class Standing(enum.Enum):
    """How far a recording is."""

    STORED = "stored"
    ARRIVING = "arriving"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, kw_only=True)
class CoverageTerms:
    """What counts as ordinary, from a day on. Law gives no figures: **not verified**."""

    valid_from: date
    seam: timedelta
    handing_over: timedelta
    docking: timedelta
    overlap: timedelta
    leap: timedelta
    shortfall: timedelta
    low_battery_percent: int
    case_from: timedelta  # shorter gaps open no case
    hole_from: Mapping[GapReason, timedelta]  # what is shorter counts as recorded
    case_from_of: Mapping[GapReason, timedelta]  # in place of ``case_from``
    case_after: timedelta  # the dock is given time to announce everything
    docked_within: timedelta  # of the issue: later the camera itself is the case
    uploaded_within: timedelta  # of the dock
    pause_max: timedelta


COVERAGE_TERMS: Final = (
    CoverageTerms(
        valid_from=date(2015, 1, 1),
        seam=timedelta(seconds=2),
        handing_over=timedelta(minutes=15),
        docking=timedelta(minutes=15),
        overlap=timedelta(seconds=30),
        leap=timedelta(seconds=5),
        shortfall=timedelta(seconds=2),
        low_battery_percent=5,
        case_from=timedelta(seconds=10),
        # A camera on a table sees nothing move; a quiet night is no fault of the officer's.
        hole_from=MappingProxyType(
            {
                GapReason.DAMAGED: timedelta(seconds=1),
                GapReason.BLACK: timedelta(seconds=10),
                GapReason.FROZEN: timedelta(minutes=5),
                GapReason.SILENT: timedelta(minutes=1),
            }
        ),
        case_from_of=MappingProxyType(
            {GapReason.FROZEN: timedelta(minutes=15), GapReason.SILENT: timedelta(minutes=10)}
        ),
        case_after=timedelta(hours=2),
        docked_within=timedelta(hours=26),
        uploaded_within=timedelta(hours=24),
        pause_max=timedelta(hours=2),
    ),
)


def coverage_terms_on(
    day: date, *, terms: Sequence[CoverageTerms] = COVERAGE_TERMS
) -> CoverageTerms:
    """Return the terms in force on ``day``; before the first, the first."""
    in_force = [one for one in terms if one.valid_from <= day]
    return max(in_force, key=lambda one: one.valid_from) if in_force else terms[0]


@dataclass(frozen=True)
class Hole:
    """A stretch inside a recording that shows or says nothing."""

    reason: GapReason
    start: datetime
    end: datetime


@dataclass(frozen=True)
class Noted:
    """What the camera itself noted of why nothing follows, or of its clock."""

    reason: GapReason  # LOW_BATTERY, CARD_REMOVED, or CLOCK_LEAP
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A recording as the ledger needs it; instants in true time.

    Attributes:
        playable: how long it plays; ``None`` where that is not known.
        battery_percent: at its end; like ``clock_drift`` and ``manifest`` ``None`` where its door
            does not tell.
        previous: digest of the manifest that the camera made before, or ``None`` for its first.
        previous_here: whether that one is here; for a first, whether it is indeed the first.
    """

    recording_id: UUID
    start: datetime
    end: datetime
    standing: Standing
    battery_percent: int | None
    clock_drift: timedelta | None
    manifest: bytes | None
    previous: bytes | None
    previous_here: bool
    playable: timedelta | None = None
    damaged: bool = False
    holes: tuple[Hole, ...] = ()
    noted: tuple[Noted, ...] = ()


@dataclass(frozen=True)
class Pause:
    """A permitted pause."""

    start: datetime
    end: datetime


class Ending(enum.Enum):
    """How the time that must be accounted for ends."""

    STILL_OUT = "still_out"  # it ends now, for the time being
    DOCKED = "docked"
    RETURNED = "returned"  # to the keeper's hands without a dock
    LOST = "lost"


@dataclass(frozen=True, kw_only=True)
class Span:
    """The time of one assignment."""

    begin: datetime
    end: datetime
    ending: Ending


@dataclass(frozen=True)
class Interval:
    """One stretch; ``reason`` stands with a gap and with nothing else."""

    start: datetime
    end: datetime
    kind: CoverageKind
    reason: GapReason | None = None
    recording_id: UUID | None = None

    @property
    def length(self) -> timedelta:
        """How long it lasts."""
        return self.end - self.start


@dataclass(frozen=True)
class Finding:
    """Something odd about a recording."""

    kind: FindingKind
    start: datetime
    end: datetime
    recording_id: UUID


def intervals_of(
    span: Span, *, pieces: Iterable[Piece], pauses: Iterable[Pause], terms: CoverageTerms
) -> tuple[Interval, ...]:
    """Cut ``span`` into intervals that follow each other without a break or an overlap."""
    rows = sorted(pieces, key=lambda one: (one.start, one.end, one.recording_id))
    breaks = tuple(pauses)
    holes = {one.recording_id: _holes(one, terms) for one in rows}
    marks = [at for one in rows for at in (one.start, one.end)]
    marks += [at for one in breaks for at in (one.start, one.end)]
    marks += [at for found in holes.values() for one in found for at in (one.start, one.end)]
    cuts = {span.begin, span.end} | {at for at in marks if span.begin < at < span.end}
    edges = sorted(cuts)
    found: list[Interval] = []
    for start, end in pairwise(edges):
        covering = [one for one in rows if one.start <= start and end <= one.end]
        paused = any(one.start <= start and end <= one.end for one in breaks)
        _append(found, _segment(start, end, covering, holes, paused=paused))
    return tuple(
        one if one.reason is not None or one.kind is not CoverageKind.GAP
        else _named(one, span, rows, terms)
        for one in found
    )  # fmt: skip


def _holes(piece: Piece, terms: CoverageTerms) -> tuple[Hole, ...]:
    """Return the piece's holes, and what it lacks at its end of the time that it claims."""
    holes = tuple(
        one
        for one in piece.holes
        if one.end - one.start >= terms.hole_from.get(one.reason, timedelta())
    )
    if piece.playable is None or piece.standing is not Standing.STORED:
        return holes
    claimed = piece.end - piece.start
    if claimed - piece.playable <= terms.shortfall + claimed / SHORTFALL_SHARE:
        return holes
    reason = GapReason.DAMAGED if piece.damaged else GapReason.CLOCK_LEAP
    return (*holes, Hole(reason, piece.start + piece.playable, piece.end))


def _segment(
    start: datetime,
    end: datetime,
    covering: Sequence[Piece],
    holes: dict[UUID, tuple[Hole, ...]],
    *,
    paused: bool,
) -> Interval:
    stored = [one for one in covering if one.standing is Standing.STORED]
    stored.sort(key=lambda one: one.manifest is None)  # what its camera signed goes before
    hidden: list[tuple[Piece, Hole]] = []
    for one in stored:
        over = [h for h in holes[one.recording_id] if h.start <= start and end <= h.end]
        if not over:
            return Interval(start, end, CoverageKind.RECORDED, None, one.recording_id)
        hidden.append((one, over[0]))
    if paused:
        return Interval(start, end, CoverageKind.PAUSED)
    if hidden:
        piece, hole = hidden[0]
        return Interval(start, end, CoverageKind.GAP, hole.reason, piece.recording_id)
    for standing, reason in (
        (Standing.UNREADABLE, GapReason.UNREADABLE),
        (Standing.ARRIVING, GapReason.NOT_UPLOADED),
    ):
        for one in covering:
            if one.standing is standing:
                return Interval(start, end, CoverageKind.GAP, reason, one.recording_id)
    return Interval(start, end, CoverageKind.GAP)


def _append(found: list[Interval], one: Interval) -> None:
    """Add ``one``, joined to the last where both say the same."""
    last = found[-1] if found else None
    same = last is not None and (last.kind, last.reason, last.recording_id) == (
        one.kind,
        one.reason,
        one.recording_id,
    )
    if last is not None and same:
        found[-1] = Interval(last.start, one.end, one.kind, one.reason, one.recording_id)
    else:
        found.append(one)


def _named(gap: Interval, span: Span, rows: Sequence[Piece], terms: CoverageTerms) -> Interval:
    before = max((one for one in rows if one.end <= gap.start), key=_end_of, default=None)
    after = next((one for one in rows if one.start >= gap.end), None)
    reason = (
        _reason_at_the_end(gap, before, span, terms)
        if after is None
        else _reason_between(gap, before, after, terms)
    )
    return Interval(gap.start, gap.end, gap.kind, reason)


def _end_of(piece: Piece) -> datetime:
    return piece.end


def _reason_at_the_end(
    gap: Interval, before: Piece | None, span: Span, terms: CoverageTerms
) -> GapReason:
    if span.ending is Ending.STILL_OUT:
        return GapReason.NOT_DOCKED
    if span.ending is Ending.LOST:
        return GapReason.LOST
    if before is None:
        return GapReason.NOT_RECORDING
    if gap.length <= terms.docking:
        return GapReason.DOCKING
    return _reason_after(before, terms)


def _reason_after(before: Piece, terms: CoverageTerms) -> GapReason:
    """Return why nothing follows, by the camera's last word and its battery."""
    ends = {GapReason.CARD_REMOVED, GapReason.LOW_BATTERY}
    said = [one.reason for one in before.noted if one.reason in ends]
    if said:
        return said[-1]
    percent = before.battery_percent
    empty = percent is not None and percent <= terms.low_battery_percent
    return GapReason.LOW_BATTERY if empty else GapReason.NOT_RECORDING


def _reason_between(
    gap: Interval, before: Piece | None, after: Piece, terms: CoverageTerms
) -> GapReason:
    if before is not None and gap.length <= terms.seam:
        return GapReason.SEAM
    if not after.previous_here:
        broken = after.previous is not None
        return GapReason.MISSING_PREDECESSOR if broken else GapReason.MEMORY_CHANGED
    if before is None:
        short = gap.length <= terms.handing_over
        return GapReason.HANDED_OVER if short else GapReason.NOT_RECORDING
    if _clock_leapt(before, after, terms):
        return GapReason.CLOCK_LEAP
    return _reason_after(before, terms)


def _clock_leapt(before: Piece, after: Piece, terms: CoverageTerms) -> bool:
    """Tell by the camera's own word; of what a door does not tell nothing follows."""
    if before.manifest is not None and after.previous not in (None, before.manifest):
        return True  # the one between is here, but its clock has put it elsewhere
    if before.clock_drift is None or after.clock_drift is None:
        return False
    return abs(after.clock_drift - before.clock_drift) > terms.leap
