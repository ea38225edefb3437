"""The pages of monthly control: the months, a report, one request of it, marks."""

from collections.abc import Mapping
from typing import Annotated, Final
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import StringConstraints

from app.access import Access, Caller, Principal, Role
from app.db import SessionsOfApp, transaction
from app.exchange.api.control import (
    MONTH_PATTERN,
    PLACE_PATTERN,
    ControlDeskOfApp,
    place_of,
    place_text,
)
from app.exchange.errors.control import MarkNotValid
from app.exchange.service import control
from app.exchange.service.control import (
    ControlDesk,
    HoldReason,
    Mark,
    ReportFilter,
    Towards,
)
from app.ports import SettingsOfApp
from app.web.control_words import (
    BASES,
    FLAGS,
    HOLD_REASONS,
    MARK_FAULTS,
    MARKS,
    REFERENCES,
    SECOND,
    SERVICES,
    STATUSES,
    SUBJECT_FIELDS,
    VERDICTS,
)
from app.web.refusals import REVIEW_REFUSALS
from app.web.rendering import page
from app.web.viewer import viewer_of

_READERS = Access(roles=[Role.RESPONSIBLE_OFFICIAL, Role.EXCHANGE_CONTROLLER, Role.AUDITOR])
_REVIEWERS = Access(roles=[Role.RESPONSIBLE_OFFICIAL, Role.EXCHANGE_CONTROLLER])
_HOLD: Final = (Role.RESPONSIBLE_OFFICIAL, Role.AUDITOR)
_HOLDERS = Access(roles=_HOLD)
_FORM_BYTES_MAX: Final = 32 << 10  # a page of ids and a thousand letters, percent-encoded
_ON_A_PAGE: Final = 100
_MONTHS_ON_A_PAGE: Final = 60
_FORM_WRONG: Final = 422
_QUERY_MAX: Final = 300

_WORDS: Final[dict[str, object]] = {
    "bases": BASES,
    "flags": FLAGS,
    "marks": MARKS,
    "services": SERVICES,
    "statuses": STATUSES,
    "references": REFERENCES,
    "verdicts": VERDICTS,
    "second": SECOND,
    "hold_reasons": HOLD_REASONS,
    "may_review": Towards.REVIEW,
}

# The form wants them too; who sends none by hand is told so by the platform's own words.
_Words = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000), Form()
]

router = APIRouter(prefix="/console/control", max_body_size=_FORM_BYTES_MAX)


@router.get("", dependencies=[Depends(_READERS)])
async def months(
    request: Request,
    caller: Caller,
    sessions: SessionsOfApp,
    desk: ControlDeskOfApp,
    before: Annotated[str | None, Query(pattern=MONTH_PATTERN)] = None,
) -> HTMLResponse:
    """Show the reports that the caller may see, with their terms and signatures."""
    async with transaction(sessions) as session:
        viewer = await viewer_of(session, caller=caller)
    found = await control.list_reports(desk, caller=caller, before=before, limit=_MONTHS_ON_A_PAGE)
    context = {
        "viewer": viewer,
        "reports": found,
        "older_than": found[-1].month if len(found) == _MONTHS_ON_A_PAGE else None,
        "first_page": before is None,
    }
    return page(request, "control_months.html", context | _WORDS)


@router.get("/{report_id}", dependencies=[Depends(_READERS)])
async def report(
    request: Request,
    report_id: UUID,
    caller: Caller,
    sessions: SessionsOfApp,
    desk: ControlDeskOfApp,
    settings: SettingsOfApp,
    officer: Annotated[str, Query(max_length=36, pattern="^([0-9a-f-]{36})?$")] = "",
    flag: Annotated[str, Query(max_length=32, pattern="^[a-z_]*$")] = "",
    show: Annotated[str, Query(max_length=16, pattern="^[a-z_]*$")] = "",
    after: Annotated[str | None, Query(pattern=PLACE_PATTERN)] = None,
) -> HTMLResponse:
    """Show a page of a report: what it amounts to, its lines, and what is still to be done."""
    asked = _asked(officer=officer, flag=flag, show=show)
    async with transaction(sessions) as session:
        viewer = await viewer_of(session, caller=caller)
    shown = await control.read_page(
        desk,
        caller=caller,
        report_id=report_id,
        asked=asked,
        after=place_of(after),
        limit=_ON_A_PAGE,
    )
    summary = await control.read_summary(desk, caller=caller, report_id=report_id)
    chosen = {"officer": officer, "flag": flag, "show": show}
    context = {
        "viewer": viewer,
        "report": shown.report,
        "page": shown,
        "summary": summary,
        "chosen": chosen,
        "filtered": any(chosen.values()),
        "more": _address(chosen, after=place_text(shown.more)) if shown.more else None,
        "first_page": after is None,
        "signer_url": settings.ncalayer_url,
        "refusals": REVIEW_REFUSALS,
    }
    return page(request, "control_report.html", context | _WORDS)


@router.post("/{report_id}/marks", dependencies=[Depends(_REVIEWERS)])
async def mark_many(
    report_id: UUID,
    caller: Caller,
    desk: ControlDeskOfApp,
    chosen: Annotated[list[UUID] | None, Form(alias="request")] = None,
    back: Annotated[str, Form(max_length=_QUERY_MAX)] = "",
) -> Response:
    """Say of the chosen requests that they are in order, and show the page again."""
    if chosen:
        await control.mark_requests(
            desk,
            caller=caller,
            report_id=report_id,
            request_ids=chosen,
            mark=Mark.IN_ORDER,
            text="",
        )
    where = f"?{back}" if back and back.isascii() and back.isprintable() else ""
    return RedirectResponse(f"/console/control/{report_id}{where}", 303)


@router.get("/{report_id}/requests/{control_request_id}", dependencies=[Depends(_READERS)])
async def one_request(
    request: Request,
    report_id: UUID,
    control_request_id: UUID,
    caller: Caller,
    sessions: SessionsOfApp,
    desk: ControlDeskOfApp,
) -> HTMLResponse:
    """Show one request with everything that was said of it."""
    return await _detail(request, sessions, desk, caller, report_id, control_request_id)


@router.post(
    "/{report_id}/requests/{control_request_id}/subject", dependencies=[Depends(_REVIEWERS)]
)
async def show_subject(
    request: Request,
    report_id: UUID,
    control_request_id: UUID,
    caller: Caller,
    sessions: SessionsOfApp,
    desk: ControlDeskOfApp,
) -> HTMLResponse:
    """Show the request with its subject in clear: answered to this form alone, at no address."""
    subject = await control.unmask(
        desk, caller=caller, report_id=report_id, request_id=control_request_id
    )
    return await _detail(
        request, sessions, desk, caller, report_id, control_request_id, subject=subject
    )


@router.post("/{report_id}/requests/{control_request_id}/mark", dependencies=[Depends(_REVIEWERS)])
async def mark_one(
    request: Request,
    report_id: UUID,
    control_request_id: UUID,
    caller: Caller,
    sessions: SessionsOfApp,
    desk: ControlDeskOfApp,
    mark: Annotated[Mark, Form()],
    text: Annotated[str, Form(max_length=8000)] = "",
) -> Response:
    """Mark the request and go back to it, or show the form again with what is wrong."""
    try:
        await control.mark_requests(
            desk,
            caller=caller,
            report_id=report_id,
            request_ids=[control_request_id],
            mark=mark,
            text=text,
        )
    except MarkNotValid as refusal:
        said = {"mark": mark, "text": text, "error": MARK_FAULTS[str(refusal.fields["fault"])]}
        return await _detail(
            request, sessions, desk, caller, report_id, control_request_id, said=said
        )
    return RedirectResponse(f"/console/control/{report_id}/requests/{control_request_id}", 303)


@router.post("/{report_id}/requests/{control_request_id}/holds", dependencies=[Depends(_HOLDERS)])
async def hold_one(
    report_id: UUID,
    control_request_id: UUID,
    caller: Caller,
    desk: ControlDeskOfApp,
    reason: Annotated[HoldReason, Form()],
    text: _Words,
) -> Response:
    """Keep the request past its term, and go back to it."""
    await control.hold_request(
        desk,
        caller=caller,
        report_id=report_id,
        request_id=control_request_id,
        reason=reason,
        text=text,
    )
    return RedirectResponse(f"/console/control/{report_id}/requests/{control_request_id}", 303)


@router.post(
    "/{report_id}/requests/{control_request_id}/holds/{hold_id}/release",
    dependencies=[Depends(_HOLDERS)],
)
async def release_one(
    report_id: UUID,
    control_request_id: UUID,
    hold_id: UUID,
    caller: Caller,
    desk: ControlDeskOfApp,
    text: _Words,
) -> Response:
    """End a hold, and go back to the request."""
    await control.release_hold(
        desk,
        caller=caller,
        report_id=report_id,
        request_id=control_request_id,
        hold_id=hold_id,
        text=text,
    )
    return RedirectResponse(f"/console/control/{report_id}/requests/{control_request_id}", 303)


async def _detail(
    request: Request,
    sessions: SessionsOfApp,
    desk: ControlDesk,
    caller: Principal,
    report_id: UUID,
    request_id: UUID,
    *,
    subject: Mapping[str, str] | None = None,
    said: Mapping[str, object] | None = None,
) -> HTMLResponse:
    async with transaction(sessions) as session:
        viewer = await viewer_of(session, caller=caller)
    detail = await control.read_request(
        desk, caller=caller, report_id=report_id, request_id=request_id
    )
    context = {
        "viewer": viewer,
        "detail": detail,
        "line": detail.line,
        "report": detail.report,
        "subject": subject,
        "may_hold": caller.role in _HOLD,
        "subject_fields": SUBJECT_FIELDS,
        "said": said or {"mark": None, "text": "", "error": None},
    }
    return page(
        request,
        "control_request.html",
        context | _WORDS,
        status_code=_FORM_WRONG if said else 200,
    )


def _asked(*, officer: str, flag: str, show: str) -> ReportFilter:
    return ReportFilter(
        officer_id=_uuid(officer),
        flag="any" if show == "flagged" and not flag else flag,
        international=show == "international",
        abandoned=show == "abandoned",
        own_mark=show == "own_mark",
    )


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return UUID(int=0)  # nobody's: nothing is found


def _address(chosen: Mapping[str, str], *, after: str | None) -> str:
    given = {name: value for name, value in chosen.items() if value}
    return "?" + urlencode(given | ({"after": after} if after else {}))
