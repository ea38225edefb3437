"""The complaint pages: the list, the form, and a complaint with every recording found."""

from collections.abc import Mapping
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import AwareDatetime

from app.access import Access, Caller, Principal, Role
from app.audit.api import TrailOfApp
from app.calendar.errors import CalendarNotCovered
from app.calendar.service import working_calendar
from app.clock import in_law_zone, law_date, utc_now
from app.db import Sessions, SessionsOfApp, transaction
from app.web.complaint_form import FIELD_LABELS, ComplaintForm, read_form
from app.web.footage import footage_of
from app.web.rendering import page
from app.web.terms import term_left
from app.web.texts import N_
from app.web.viewer import viewer_of
from app.web.words import COMPLAINT_KINDS, COMPLAINT_STATUSES, ENDED, RECORDING_STATUSES
from bodycam import service
from bodycam.errors import SearchNotValid, TooManyFound

_REVIEWER = Access(roles=[Role.COMPLAINTS_REVIEWER])
_FORM_BYTES_MAX: Final = 128 << 10  # 8000 letters of three bytes, percent-encoded
_ON_A_PAGE: Final = 50
_FORM_WRONG: Final = 422
# Refusals of the service that are not about one field; their cure is shown above the form.
_NOT_A_FIELD: Final = {
    SearchNotValid: N_("The time window is not right. Name a beginning and a later end."),
    TooManyFound: N_("More recordings pass that place in that time than one list can show."
                     " Narrow the place or the time."),
    CalendarNotCovered: N_("The holidays of the year in which the term ends are not entered yet."
                           " Tell the administrator; then register the complaint again."),
}  # fmt: skip

_WORDS: Final[dict[str, object]] = {
    "kinds": COMPLAINT_KINDS,
    "statuses": COMPLAINT_STATUSES,
    "recording_statuses": RECORDING_STATUSES,
    "ended": ENDED,
}

router = APIRouter(prefix="/console/complaints", max_body_size=_FORM_BYTES_MAX)


@router.get("", dependencies=[Depends(_REVIEWER)])
async def complaints(
    request: Request,
    caller: Caller,
    sessions: SessionsOfApp,
    before: Annotated[AwareDatetime | None, Query()] = None,
) -> HTMLResponse:
    """Show the complaints of the unit, newest first, with what is left of each term."""
    today = law_date(utc_now())
    async with transaction(sessions) as session:
        viewer = await viewer_of(session, caller=caller)
        found = await service.list_complaints(
            session, caller=caller, before=before, limit=_ON_A_PAGE + 1
        )
        calendar = await working_calendar(session)
    shown = found[:_ON_A_PAGE]
    terms = {
        one.complaint_id: term_left(last_day=one.due_on, today=today, calendar=calendar)
        for one in shown
    }
    context = {
        "viewer": viewer,
        "complaints": shown,
        "terms": terms,
        "older_than": shown[-1].registered_at if len(found) > _ON_A_PAGE else None,
        "first_page": before is None,
    }
    return page(request, "complaints.html", context | _WORDS)


@router.get("/new", dependencies=[Depends(_REVIEWER)])
async def new_complaint(request: Request, caller: Caller, sessions: SessionsOfApp) -> HTMLResponse:
    """Show the empty form."""
    return await _form_page(request, caller, sessions, form=ComplaintForm(), errors={})


@router.post("", dependencies=[Depends(_REVIEWER)])
async def register_complaint(
    request: Request,
    caller: Caller,
    sessions: SessionsOfApp,
    trail: TrailOfApp,
    form: Annotated[ComplaintForm, Form()],
) -> Response:
    """Register the complaint and go to its page, or show the form again with what is wrong."""
    now = utc_now()
    read = read_form(form, now=now)
    if read.complaint is None:
        return await _form_page(request, caller, sessions, form=form, errors=read.errors)
    try:
        async with transaction(sessions) as session:
            made = await service.register_complaint(
                session, trail=trail, new=read.complaint, caller=caller, now=now
            )
    except (SearchNotValid, TooManyFound, CalendarNotCovered) as refusal:
        above = {"": _NOT_A_FIELD[type(refusal)]}
        return await _form_page(request, caller, sessions, form=form, errors=above)
    return RedirectResponse(f"/console/complaints/{made.complaint_id}", 303)


@router.get("/{complaint_id}", dependencies=[Depends(_REVIEWER)])
async def complaint(
    request: Request,
    complaint_id: UUID,
    caller: Caller,
    sessions: SessionsOfApp,
    trail: TrailOfApp,
) -> HTMLResponse:
    """Show the complaint and every recording that shows its place in its time."""
    now = utc_now()
    async with transaction(sessions) as session:
        viewer = await viewer_of(session, caller=caller)
        shown = await service.read_complaint(
            session, trail=trail, complaint_id=complaint_id, caller=caller, now=now
        )
        named = [*(one.recording for one in shown.recordings), *shown.uncertain]
        footage = await footage_of(session, recordings=named, caller=caller)
        calendar = await working_calendar(session)
    context = {
        "viewer": viewer,
        "complaint": shown,
        "footage": footage,
        "term": term_left(last_day=shown.due_on, today=law_date(now), calendar=calendar),
    }
    return page(request, "complaint.html", context | _WORDS)


async def _form_page(
    request: Request,
    caller: Principal,
    sessions: Sessions,
    *,
    form: ComplaintForm,
    errors: Mapping[str, str],
) -> HTMLResponse:
    async with transaction(sessions) as session:
        viewer = await viewer_of(session, caller=caller)
    context = {
        "viewer": viewer,
        "form": form,
        "errors": errors,
        "labels": FIELD_LABELS,
        "latest": f"{in_law_zone(utc_now()):%Y-%m-%dT%H:%M}",
    }
    return page(
        request,
        "complaint_new.html",
        context | _WORDS,
        status_code=_FORM_WRONG if errors else 200,
    )
