"""Keeping the coverage ledgers: made anew from the recordings whenever something has come."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.service import AuditTrail
from app.clock import law_date
from app.db import Sessions, transaction
from bodycam.models import CoverageCaseRow, RecordingRow
from bodycam.repository import coverage as repository
from bodycam.rules.coverage import (
    COVERAGE_TERMS,
    SIGNING_DOOR,
    CoverageTerms,
    Ending,
    Finding,
    FindingKind,
    GapReason,
    Interval,
    Pause,
    Piece,
    Span,
    Standing,
    coverage_terms_on,
    intervals_of,
)
from bodycam.rules.coverage_cases import (
    CaseStatus,
    Concern,
    KnownCase,
    concerns_of,
    match_cases,
    next_case_status,
)
from bodycam.rules.coverage_findings import around, findings_of, misdated_of, unsigned_of
from bodycam.rules.coverage_notes import (
    HOLE_REASONS,
    holes_of,
    lead_of,
    noted_of,
    stretches_to_holes,
)
from bodycam.rules.life_cycle import OPEN, RecordingStatus
from bodycam.rules.stretches import UNSEEN
from devices import service as devices
from devices.service import CameraSpan

_LOOKED_BACK: Final = timedelta(days=30)  # an assignment without any ledger is not older
_AT_ONCE: Final = 500
_NEVER: Final = datetime(9000, 1, 1, tzinfo=UTC)


async def keep_ledgers(sessions: Sessions, *, trail: AuditTrail, now: datetime) -> int:
    """Make every ledger anew that can still change by itself; return how many.

    Safe to repeat and to stop at any instant: each ledger is a transaction of its own.
    """
    async with transaction(sessions) as session:
        begin = now - _LOOKED_BACK
        spans = await devices.camera_spans(session, begin=begin, end=now)
        settled = await repository.settled_since(session, begin=begin)
        waiting = [one.assignment_id for one in spans if one.assignment_id not in settled]
        waiting += await repository.unsettled(session, limit=_AT_ONCE)
    kept = list(dict.fromkeys(waiting))
    for assignment_id in kept:
        async with transaction(sessions) as session:
            await make_ledger(session, trail=trail, assignment_id=assignment_id, now=now)
    return len(kept)


async def note_recording(
    session: AsyncSession, *, trail: AuditTrail, row: RecordingRow, now: datetime
) -> None:
    """Make the ledgers anew that a recording belongs to; see ``_misdated`` where it has none."""
    spans = await devices.camera_spans(
        session, begin=row.started_at, end=row.ended_at, camera_id=row.camera_id
    )
    if not spans:
        brought = await devices.camera_span_before(
            session, camera_id=row.camera_id, at=row.announced_at
        )
        spans = [brought] if brought is not None else []
    for span in spans:
        await make_ledger(session, trail=trail, assignment_id=span.assignment_id, now=now)


async def note_examination(
    session: AsyncSession,
    *,
    trail: AuditTrail,
    row: RecordingRow,
    stretches: Sequence[Mapping[str, object]],
    now: datetime,
) -> None:
    """Take what a look at pictures and sound found: ``{kind, first_ms, end_ms}`` each.

    ``kind`` is ``damaged``, ``black``, ``frozen`` or ``silent``, or ``unseen`` of what could not
    be looked at; the milliseconds count from the first that plays. An empty list says that all
    of it was looked at and nothing was found.
    """
    await repository.put_examination(session, recording_id=row.id, stretches=stretches, at=now)
    await note_recording(session, trail=trail, row=row, now=now)


async def make_ledger(
    session: AsyncSession, *, trail: AuditTrail, assignment_id: UUID, now: datetime
) -> None:
    """Make the ledger of one assignment from what is known now, and its cases from the ledger."""
    await repository.lock_ledger(session, assignment_id=assignment_id)
    camera = await devices.camera_span(session, assignment_id=assignment_id)
    if camera is None or camera.issued_at > now:
        return
    span = span_of(camera, now=now)
    terms = coverage_terms_on(law_date(span.begin))
    rows = await repository.recordings_between(
        session, camera_id=camera.camera_id, begin=span.begin, end=span.end
    )
    pieces = [_piece(row, known, stretches, terms) for row, known, stretches in rows]
    pauses = [
        Pause(one.starts_at, one.ends_at)
        for one in await repository.pauses_of(session, assignment_id=assignment_id)
    ]
    intervals = intervals_of(span, pieces=pieces, pauses=pauses, terms=terms)
    unseen = [one for row, _, stretches in rows for one in _unseen(row, stretches or ())]
    findings = [*findings_of(pieces, terms=terms), *unseen]
    if await repository.has_signed(session, camera_id=camera.camera_id):
        findings += unsigned_of(intervals, pieces=pieces, terms=terms)
    findings += misdated_of(span, await _misdated(session, camera, span, terms))
    values: dict[str, Any] = {
        "assignment_id": assignment_id,
        "camera_id": camera.camera_id,
        "department_id": camera.department_id,
        "post_id": camera.post_id,
        "starts_at": span.begin,
        "ends_at": span.end,
        "ending": span.ending,
        "settled": _settled(span, intervals, terms, now),
        "examined": bool(rows) and all(one[2] is not None for one in rows) and not unseen,
        "findings": [
            {
                "kind": one.kind.value,
                "start": one.start.isoformat(),
                "end": one.end.isoformat(),
                "recording_id": str(one.recording_id),
            }
            for one in findings
        ],
        "computed_at": now,
    }
    await repository.put_ledger(session, values=values, intervals=intervals)
    concerns = concerns_of(span, intervals=intervals, findings=findings, terms=terms, now=now)
    await _keep_cases(session, trail, camera, concerns, now)


async def _misdated(
    session: AsyncSession, camera: CameraSpan, span: Span, terms: CoverageTerms
) -> list[UUID]:
    """Return the recordings that came from this issue and whose time is of no issue's.

    A camera whose clock was reset brings them. Which issue they are of is told by when they were
    announced alone: the last one signed for before that. By a door whose clips come days late it
    may be the next officer's; the case is the unit's, not his.
    """
    following = await devices.camera_spans(
        session, begin=camera.issued_at, end=_NEVER, camera_id=camera.camera_id
    )
    later = [one.issued_at for one in following if one.issued_at > camera.issued_at]
    strays = await repository.recordings_elsewhere(
        session,
        camera_id=camera.camera_id,
        announced=(camera.issued_at, min(later, default=_NEVER)),
        begin=span.begin,
        end=span.end,
        limit=_AT_ONCE,
    )
    found = []
    for recording_id, started_at, ended_at in strays:
        begin, end = around(started_at, ended_at, terms=terms)
        issues = await devices.camera_spans(
            session, begin=begin, end=end, camera_id=camera.camera_id
        )
        if not issues:
            found.append(recording_id)
    return found


def span_of(camera: CameraSpan, *, now: datetime) -> Span:
    """Return the time that must be accounted for: to the first of dock, return and loss, or now."""
    endings = [
        (at, ending)
        for at, ending in (
            (camera.docked_at, Ending.DOCKED),
            (camera.returned_at, Ending.RETURNED),
            (camera.written_off_at, Ending.LOST),
        )
        if at is not None
    ]
    end, ending = min(endings, key=lambda one: one[0], default=(now, Ending.STILL_OUT))
    return Span(begin=camera.issued_at, end=max(end, camera.issued_at), ending=ending)


def _piece(
    row: RecordingRow,
    previous_here: bool,  # noqa: FBT001 - private
    stretches: Sequence[Mapping[str, Any]] | None,
    terms: CoverageTerms,
) -> Piece:
    plays = None if row.duration_ms is None else timedelta(milliseconds=row.duration_ms)
    lead = _lead(row)
    origin = row.started_at + lead
    lost = stretches_to_holes(
        (one for one in row.lost if lead or int(one["first_ms"]) >= 0), origin=origin
    )
    tells = row.door == SIGNING_DOOR
    return Piece(
        recording_id=row.id,
        start=row.started_at,
        end=row.ended_at,
        standing=_standing(row),
        battery_percent=row.battery_percent,
        clock_drift=timedelta(milliseconds=row.clock_drift_ms) if tells else None,
        manifest=row.manifest_sha256 if tells else None,
        previous=row.previous_manifest_sha256,
        previous_here=previous_here,
        playable=None if plays is None else lead + plays,
        damaged=bool(row.damage),
        # The camera's own word first: where both name a stretch, its word is the reason.
        holes=(
            *holes_of(row.events, end=row.ended_at),
            *lost,
            *stretches_to_holes(stretches or (), origin=origin),
        ),
        noted=noted_of(row.events, terms=terms),
    )


def _lead(row: RecordingRow) -> timedelta:
    plays = timedelta(milliseconds=row.duration_ms or 0)
    return lead_of(row.lost, plays=plays, claimed=row.ended_at - row.started_at)


def _unseen(row: RecordingRow, stretches: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """Yield the stretches of a recording that could not be examined."""
    origin = row.started_at + _lead(row)
    for one in stretches:
        if one["kind"] == UNSEEN:
            first, end = (timedelta(milliseconds=int(one[name])) for name in ("first_ms", "end_ms"))
            yield Finding(FindingKind.NOT_EXAMINED, origin + first, origin + end, row.id)


def least_ms_of(kind: str) -> int:
    """Return how long a stretch of this kind must last to be worth telling the ledger of it.

    The shortest of all editions of the terms: which one counts is decided by the ledger.
    """
    reason = HOLE_REASONS[kind]
    shortest = min(one.hole_from.get(reason, timedelta()) for one in COVERAGE_TERMS)
    return int(shortest.total_seconds() * 1000)


def _standing(row: RecordingRow) -> Standing:
    if row.status in OPEN:
        return Standing.ARRIVING
    unreadable = row.quarantine_reason is not None or row.status is RecordingStatus.QUARANTINED
    return Standing.UNREADABLE if unreadable else Standing.STORED


def _settled(
    span: Span, intervals: Sequence[Interval], terms: CoverageTerms, now: datetime
) -> bool:
    arriving = any(one.reason is GapReason.NOT_UPLOADED for one in intervals)
    over = span.ending is not Ending.STILL_OUT and now - span.end >= terms.case_after
    return over and not arriving


async def _keep_cases(
    session: AsyncSession,
    trail: AuditTrail,
    camera: CameraSpan,
    concerns: Sequence[Concern],
    now: datetime,
) -> None:
    rows = {
        row.id: row
        for row in await repository.cases_of(session, assignment_id=camera.assignment_id)
    }
    matched = match_cases(
        concerns,
        [
            KnownCase(row.id, row.status, Concern(row.reason, row.starts_at, row.ends_at))
            for row in rows.values()
        ],
    )
    for case_id in matched.resolved:
        row = rows[case_id]
        row.status = next_case_status(row.status, CaseStatus.RESOLVED)
        row.closed_at = now
        await _note(session, trail, row, now)
    for case_id, concern in matched.moved.items():
        row = rows[case_id]
        row.reason, row.starts_at, row.ends_at = concern.reason, concern.start, concern.end
    for concern in matched.opened:
        row = CoverageCaseRow(
            id=uuid4(),
            assignment_id=camera.assignment_id,
            department_id=camera.department_id,
            status=CaseStatus.OPENED,
            reason=concern.reason,
            starts_at=concern.start,
            ends_at=concern.end,
            opened_at=now,
        )
        session.add(row)
        await _note(session, trail, row, now)
    await session.flush()


async def _note(
    session: AsyncSession, trail: AuditTrail, row: CoverageCaseRow, now: datetime
) -> None:
    await trail.record(
        session,
        event="bodycam.coverage_case_step",
        at=now,
        who=None,
        fields=case_fields(row),
    )


def case_fields(row: CoverageCaseRow) -> dict[str, object]:
    """Return what the log is told of a case at each step."""
    return {
        "case_id": str(row.id),
        "assignment_id": str(row.assignment_id),
        "status": row.status.value,
        "reason": row.reason.value,
        "starts_at": row.starts_at.isoformat(),
        "ends_at": row.ends_at.isoformat(),
    }
