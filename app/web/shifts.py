"""The page of a whole shift of one camera: everything along one time line by the clock."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from json import dumps
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import AwareDatetime

from app.access import Access, Caller, Role
from app.clock import utc_now
from app.db import SessionsOfApp, transaction
from app.web.coverage_words import KINDS, REASONS
from app.web.footage import footage_of
from app.web.footage_strip import Stretch, loudness_line, stretch_of, walk_of
from app.web.recordings import FILM_PICTURES, SPEEDS
from app.web.rendering import page
from app.web.timeline import days, ticks, zones
from app.web.viewer import viewer_of
from app.web.words import EVENTS, RECORDING_STATUSES
from bodycam.api.ports import StoreOfApp
from bodycam.rules.coverage import CoverageKind
from bodycam.service.shifts import Shift, read_shift

_REVIEWER = Access(roles=[Role.COMPLAINTS_REVIEWER])
_WIDTH: Final = 1000.0  # of the drawing of loudness
_TOLD_MIN: Final = timedelta(seconds=1)  # a seam of frames is no gap to go to
_NOTES_MAX: Final = 200  # events and gaps listed on the page

router = APIRouter(prefix="/console/recordings", max_body_size=0)


@dataclass(frozen=True, kw_only=True)
class _Note:
    """Something to go to: a gap or an event."""

    at: datetime
    seconds: float
    until: datetime | None
    words: str
    kind: str


@router.get("/{recording_id}/shift", dependencies=[Depends(_REVIEWER)])
async def shift_page(
    request: Request,
    recording_id: UUID,
    caller: Caller,
    sessions: SessionsOfApp,
    store: StoreOfApp,
    at: Annotated[AwareDatetime | None, Query()] = None,
    until: Annotated[AwareDatetime | None, Query()] = None,
    complaint_id: Annotated[UUID | None, Query(alias="complaint")] = None,
) -> HTMLResponse:
    """Show the shift of the recording from the instant ``at``, marked up to ``until``.

    ``complaint`` is the reason why it is watched: it goes on the log with the opening.
    """
    async with transaction(sessions) as session:
        viewer = await viewer_of(session, caller=caller)
        shift = await read_shift(
            session, store, recording_id=recording_id, caller=caller, now=utc_now()
        )
        facts = [one.facts for one in shift.parts]
        footage = await footage_of(session, recordings=facts, caller=caller)
    length = max(_since(shift, shift.ends), 1.0)
    start = min(max(_since(shift, at), 0.0), length) if at is not None else 0.0
    marked = None if until is None else min(max(_since(shift, until), start), length)
    context = {
        "viewer": viewer,
        "shift": shift,
        "recording_id": recording_id,
        "footage": footage,
        "one": footage[shift.parts[0].facts.recording_id],
        "complaint_id": complaint_id,
        "at": round(start, 3),
        "until": marked,
        "moment": shift.begins + timedelta(seconds=start),
        "length": length,
        "ticks": ticks(started_at=shift.begins, seconds=length),
        "days": days(started_at=shift.begins, seconds=length),
        "speeds": SPEEDS,
        "statuses": RECORDING_STATUSES,
        "instant_of": lambda seconds: shift.begins + timedelta(seconds=seconds),
        "film": [round(length * (number + 0.5) / FILM_PICTURES) for number in range(FILM_PICTURES)],
        "notes": _notes(shift),
    }
    return page(request, "shift.html", context | _drawn(shift, length))


def _since(shift: Shift, at: datetime) -> float:
    return (at - shift.begins).total_seconds()


def _drawn(shift: Shift, length: float) -> dict[str, object]:
    """Return what is drawn along the time line, and what the modules of the page need."""
    boards = [
        [
            _since(shift, one.facts.started_at),
            _since(shift, one.plays_until),
            f"/api/recordings/{one.facts.recording_id}/storyboard.vtt",
        ]
        for one in shift.parts
        if one.has_storyboard
    ]
    walk = walk_of([(latitude, longitude) for _, latitude, longitude in shift.track])
    track = [
        [round(_since(shift, at), 1), round(x, 1), round(y, 1), latitude / 1e7, longitude / 1e7]
        for (at, latitude, longitude), (x, y) in zip(shift.track, walk, strict=False)
    ]
    gaps = [[round(_since(shift, one), 3) for one in gap] for gap in shift.gaps]
    return {
        "zones": dumps(zones(started_at=shift.begins, seconds=length)),
        "pieces": dumps(shift.pieces),
        "gaps": dumps(gaps),
        "storyboards": dumps(boards),
        "track": dumps(track) if track else "",
        "coverage": _coverage(shift, length),
        "legend": [
            (kind.value, KINDS[kind])
            for kind in CoverageKind
            if any(one.kind is kind for one in shift.intervals)
            or (not shift.intervals and kind is not CoverageKind.PAUSED)
        ],
        "loudness": [
            loudness_line(
                one.decibels,
                begins=_WIDTH * _since(shift, one.facts.started_at) / length,
                ends=_WIDTH * _since(shift, one.plays_until) / length,
            )
            for one in shift.parts
            if one.decibels
        ],
    }


def _coverage(shift: Shift, length: float) -> list[Stretch]:
    """Return the strip of the ledger; where there is none yet, what plays and what does not."""
    told = [(one.start, one.end, one.kind.value) for one in shift.intervals]
    if not told:
        told = [
            (start, end, CoverageKind.RECORDED.value)
            for one in shift.parts
            for start, end in one.plays
        ]
        told += [(start, end, CoverageKind.GAP.value) for start, end in shift.gaps]
    return [
        stretch_of(_since(shift, start), _since(shift, end), length, kind)
        for start, end, kind in told
    ]


def _notes(shift: Shift) -> list[_Note]:
    """Return gaps with their reasons and what the camera noted, in the order of time."""
    found = [
        _Note(
            at=one.start,
            seconds=_since(shift, one.start),
            until=one.end,
            words=REASONS[one.reason] if one.reason is not None else KINDS[one.kind],
            kind=one.kind.value,
        )
        for one in shift.intervals
        if one.kind is not CoverageKind.RECORDED and one.length >= _TOLD_MIN
    ]
    if not shift.intervals:
        gap = CoverageKind.GAP
        found += [
            _Note(at=start, seconds=_since(shift, start), until=end, words=KINDS[gap], kind="gap")
            for start, end in shift.gaps
        ]
    found += [
        _Note(at=at, seconds=_since(shift, at), until=None, words=EVENTS[kind], kind="event")
        for part in shift.parts
        for kind, at, _ in part.facts.events
        if kind in EVENTS
    ]
    return sorted(found, key=lambda one: one.at)[:_NOTES_MAX]
