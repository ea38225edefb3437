"""The pages of coverage and retention: a unit's day, one camera's time, what is expiring."""

from datetime import date, datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from app.access import Access, Caller, Role
from app.audit.api import TrailOfApp
from app.clock import law_date, utc_now
from app.db import SessionsOfApp, transaction
from app.web.coverage_words import (
    CASE_STATUSES,
    CATEGORIES,
    ENDINGS,
    KINDS,
    REASONS,
    WAITS_BECAUSE,
)
from app.web.rendering import page
from app.web.viewer import COVERAGE_ROLES, viewer_of
from bodycam.rules.coverage import FindingKind
from bodycam.rules.coverage_cases import CaseStatus
from bodycam.service import categories, custody
from bodycam.service import coverage_acts as acts
from bodycam.service import coverage_reports as reports
from bodycam.service.axis_waiting import list_waiting

_READERS: Final = Access(roles=COVERAGE_ROLES)
_RESPONSIBLE: Final = Access(roles=[Role.DEVICE_KEEPER, Role.RESPONSIBLE_OFFICIAL])
_FORM_BYTES_MAX: Final = 32 << 10  # two thousand letters, percent-encoded
_TEXT_MAX: Final = 2000
_ANSWERING: Final = frozenset({Role.DEVICE_KEEPER, Role.RESPONSIBLE_OFFICIAL})
_WORDS: Final[dict[str, object]] = {
    "kinds": KINDS,
    "reasons": REASONS,
    "endings": ENDINGS,
    "case_statuses": CASE_STATUSES,
    "categories": CATEGORIES,
    "opened": CaseStatus.OPENED,
    "explained": CaseStatus.EXPLAINED,
}

router = APIRouter(prefix="/console", max_body_size=_FORM_BYTES_MAX)


@router.get("/coverage", dependencies=[Depends(_READERS)])
async def day_page(
    request: Request,
    caller: Caller,
    sessions: SessionsOfApp,
    day: Annotated[date | None, Query()] = None,
) -> HTMLResponse:
    """Show what became of every camera of the unit on a day; today where none is named."""
    shown = day or law_date(utc_now())
    async with transaction(sessions) as session:
        viewer = await viewer_of(session, caller=caller)
        report = await reports.read_day(session, caller=caller, day=shown)
    return page(request, "coverage_day.html", {"viewer": viewer, "report": report} | _WORDS)


@router.get("/coverage/{ledger_id}", dependencies=[Depends(_READERS)])
async def ledger_page(
    request: Request, ledger_id: UUID, caller: Caller, sessions: SessionsOfApp
) -> HTMLResponse:
    """Show one camera's time in full, with its cases."""
    async with transaction(sessions) as session:
        viewer = await viewer_of(session, caller=caller)
        view = await reports.read_ledger(session, caller=caller, assignment_id=ledger_id)
    context = {
        "viewer": viewer,
        "view": view,
        "unseen": _found(view, FindingKind.NOT_EXAMINED),
        "unsigned": _found(view, FindingKind.UNSIGNED),
        "day": law_date(view.ledger.starts_at).isoformat(),
        "answers": caller.role in _ANSWERING,
        "person_id": caller.person_id,
    }
    return page(request, "coverage_ledger.html", context | _WORDS)


def _found(view: reports.LedgerView, kind: FindingKind) -> list[tuple[datetime, datetime, str]]:
    """Return beginning, end and recording of each finding of a kind."""
    return [
        (
            datetime.fromisoformat(one["start"]),
            datetime.fromisoformat(one["end"]),
            one["recording_id"],
        )
        for one in view.ledger.findings
        if one["kind"] == kind.value
    ]


@router.post("/coverage/cases/{coverage_case_id}/explanation", dependencies=[Depends(_RESPONSIBLE)])
async def explain(
    coverage_case_id: UUID,
    caller: Caller,
    sessions: SessionsOfApp,
    trail: TrailOfApp,
    explanation: Annotated[str, Form(min_length=1, max_length=_TEXT_MAX)],
) -> Response:
    """Explain a gap, and show the camera's time again."""
    async with transaction(sessions) as session:
        ledger_id = await acts.explain_case(
            session,
            trail=trail,
            caller=caller,
            case_id=coverage_case_id,
            explanation=explanation.strip(),
            now=utc_now(),
        )
    return RedirectResponse(f"/console/coverage/{ledger_id}", 303)


@router.post("/coverage/cases/{coverage_case_id}/closing", dependencies=[Depends(_RESPONSIBLE)])
async def close(
    coverage_case_id: UUID,
    caller: Caller,
    sessions: SessionsOfApp,
    trail: TrailOfApp,
    conclusion: Annotated[str, Form(min_length=1, max_length=_TEXT_MAX)],
    believed: Annotated[bool, Form()],
) -> Response:
    """Close an explained case or send it back, and show the camera's time again."""
    async with transaction(sessions) as session:
        ledger_id = await acts.close_case(
            session,
            trail=trail,
            caller=caller,
            case_id=coverage_case_id,
            believed=believed,
            conclusion=conclusion.strip(),
            now=utc_now(),
        )
    return RedirectResponse(f"/console/coverage/{ledger_id}", 303)


@router.get("/custody", dependencies=[Depends(_RESPONSIBLE)])
async def expiring_page(request: Request, caller: Caller, sessions: SessionsOfApp) -> HTMLResponse:
    """Show the recordings whose term is over, for the responsible person to let go."""
    async with transaction(sessions) as session:
        viewer = await viewer_of(session, caller=caller)
        rows = await custody.list_expiring(session, caller=caller)
        faults = await custody.list_faults(session, caller=caller)
        to_sign = await categories.list_to_sign(session, caller=caller, now=utc_now())
        waiting = await list_waiting(session, caller=caller, now=utc_now())
    context = {"viewer": viewer, "rows": rows, "faults": faults, "to_sign": to_sign}
    context |= {"waiting": waiting, "waits_because": WAITS_BECAUSE}
    return page(request, "custody.html", context | _WORDS)


@router.post("/custody/permission", dependencies=[Depends(_RESPONSIBLE)])
async def permit(
    caller: Caller,
    sessions: SessionsOfApp,
    trail: TrailOfApp,
    recording_ids: Annotated[list[UUID] | None, Form()] = None,
) -> Response:
    """Permit that the chosen recordings are destroyed, and show the list again."""
    if recording_ids:
        async with transaction(sessions) as session:
            await custody.permit_deletion(
                session,
                trail=trail,
                caller=caller,
                recording_ids=recording_ids,
                now=utc_now(),
            )
    return RedirectResponse("/console/custody", 303)
