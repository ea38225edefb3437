"""The player: a recording from the stored file itself, by the browser's own HLS."""

from datetime import timedelta
from json import dumps
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse

from app.access import Access, Caller, Role
from app.db import SessionsOfApp, transaction
from app.web.coverage_words import CATEGORIES
from app.web.footage import footage_of
from app.web.footage_strip import QUARANTINE, strips_of
from app.web.rendering import page
from app.web.timeline import ticks, zones
from app.web.viewer import viewer_of
from app.web.words import DAMAGES, EVENTS, OTHER_DAMAGE, RECORDING_STATUSES
from bodycam import service
from bodycam.api.ports import StoreOfApp
from bodycam.service.arriving import arriving_of
from bodycam.service.axis_bookmarks import bookmarks_of
from bodycam.service.derived import derived_of

_REVIEWER = Access(roles=[Role.COMPLAINTS_REVIEWER])
_OFFSET_SECONDS_MAX: Final = 7 * 24 * 3600  # no camera records for a week
FILM_PICTURES: Final = 12
SPEEDS: Final = ("0.5", "1", "1.5", "2", "4", "8")

router = APIRouter(prefix="/console/recordings", max_body_size=0)


@router.get("/{recording_id}", dependencies=[Depends(_REVIEWER)])
async def player(
    request: Request,
    recording_id: UUID,
    caller: Caller,
    sessions: SessionsOfApp,
    store: StoreOfApp,
    at: Annotated[float, Query(alias="t", ge=0, le=_OFFSET_SECONDS_MAX)] = 0,
    until: Annotated[float | None, Query(ge=0, le=_OFFSET_SECONDS_MAX)] = None,
    complaint_id: Annotated[UUID | None, Query(alias="complaint")] = None,
) -> HTMLResponse:
    """Show the recording from ``t`` seconds after its start.

    ``complaint`` is the reason why it is watched: it goes on the log with the opening, and its
    moment, from ``t`` until ``until``, is marked on the strip.
    """
    async with transaction(sessions) as session:
        viewer = await viewer_of(session, caller=caller)
        facts = await service.read_recording(session, recording_id=recording_id, caller=caller)
        derived = await derived_of(session, recording_id=recording_id, caller=caller)
        pieces = await service.pieces_of_recording(
            session, recording_id=recording_id, caller=caller
        )
        footage = (await footage_of(session, recordings=[facts], caller=caller))[recording_id]
        arriving = await arriving_of(session, store, recording_id=recording_id, caller=caller)
    bookmarks = await bookmarks_of(sessions, store, recording_id=recording_id, caller=caller)
    length = max(footage.seconds, 1.0)
    if not facts.playable and derived.head_seconds:
        length = derived.head_seconds
    context = {
        "viewer": viewer,
        "footage": footage,
        "recording": facts,
        "complaint_id": complaint_id,
        "at": min(at, length),
        "until": None if until is None else min(max(until, at), length),
        "length": length,
        "ticks": ticks(started_at=facts.started_at, seconds=length),
        "speeds": SPEEDS,
        "statuses": RECORDING_STATUSES,
        "damages": sorted(
            {DAMAGES.get(str(one.get("kind")), OTHER_DAMAGE) for one in facts.damage}
        ),
        "zones": dumps(zones(started_at=facts.started_at, seconds=length)),
        "pieces": dumps(pieces if facts.playable else arriving.pieces),
        "arriving": arriving,
        "gaps": dumps(arriving.gaps),
        "playlist": "playlist" if facts.playable else "arriving",
        "storyboards": dumps([[0, length, f"/api/recordings/{recording_id}/storyboard.vtt"]]),
        "instant_of": lambda seconds: facts.started_at + timedelta(seconds=seconds),
        "film": [round(length * (number + 0.5) / FILM_PICTURES) for number in range(FILM_PICTURES)],
        "noted": EVENTS,
        "derived": derived,
        "bookmarks": bookmarks,
        "categories": CATEGORIES,
        "strips": strips_of(derived, seconds=length),
        "quarantine": QUARANTINE,
        "moment": facts.started_at + timedelta(seconds=at),
    }
    return page(request, "recording.html", context)
