"""The finance clerk's page: days, what does not match, cases, refunds, files taken."""

from datetime import date
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, File, Form, Query, Request, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse

from app.access import Access, Caller, Principal, Role
from app.clock import law_date, utc_now
from app.db import SessionsOfApp, transaction
from app.web.finance_words import (
    CASE_KINDS,
    CASE_STATUSES,
    DETAILS,
    NOTICE_STATUSES,
    PAYMENT_VERDICTS,
    SOURCES,
)
from app.web.rendering import page
from app.web.viewer import viewer_of
from fines.api import DeskOfApp
from fines.api.money import SETTLEMENT_BYTES_MAX
from fines.errors.money import SettlementFileNotValid
from fines.rules.notices import NoticeStatus
from fines.rules.reconciliation_words import DIFFERENCES, CaseStatus
from fines.service.cases import close_case, explain_case
from fines.service.desk import Desk
from fines.service.finance import items_as_csv, read_finance
from fines.service.reconciling import Imported, import_settlement
from fines.service.treasury import import_treasury

_CLERK = Access(roles=[Role.FINANCE_CLERK])
_FORM_BYTES_MAX: Final = 32 << 10
_FORM_WRONG: Final = 422
_TEXT_MAX: Final = 2000

_WORDS: Final[dict[str, object]] = {
    "sources": SOURCES,
    "verdicts": PAYMENT_VERDICTS,
    "details": DETAILS,
    "case_statuses": CASE_STATUSES,
    "notice_statuses": NOTICE_STATUSES,
    "case_kinds": CASE_KINDS,
    "dead_notice": NoticeStatus.DEAD,
    "bad_verdicts": DIFFERENCES,
    "open_case": CaseStatus.OPEN,
    "explained_case": CaseStatus.EXPLAINED,
}

router = APIRouter(prefix="/console/finance", max_body_size=_FORM_BYTES_MAX)


@router.get("", dependencies=[Depends(_CLERK)])
async def finance(
    request: Request,
    caller: Caller,
    sessions: SessionsOfApp,
    desk: DeskOfApp,
    day: Annotated[date | None, Query()] = None,
) -> HTMLResponse:
    """Show the last month: what matches, what does not, and what is to be done."""
    return await _page(request, sessions, desk, caller, day=day)


async def _page(
    request: Request,
    sessions: SessionsOfApp,
    desk: Desk,
    caller: Principal,
    *,
    day: date | None = None,
    taken: Imported | None = None,
    fault: str = "",
) -> HTMLResponse:
    async with transaction(sessions) as session:
        viewer = await viewer_of(session, caller=caller)
    view = await read_finance(desk, caller=caller, day=day, now=utc_now())
    context = {
        "viewer": viewer,
        "view": view,
        "taken": taken,
        "fault": fault,
        "me": caller.person,
        "today": law_date(utc_now()),
    }
    return page(
        request, "finance.html", context | _WORDS, status_code=_FORM_WRONG if fault else 200
    )


@router.post("/files", dependencies=[Depends(_CLERK)], max_body_size=SETTLEMENT_BYTES_MAX)
async def take_file(
    request: Request,
    caller: Caller,
    sessions: SessionsOfApp,
    desk: DeskOfApp,
    kind: Annotated[Literal["settlement", "treasury"], Form()],
    file: Annotated[UploadFile, File()],
) -> HTMLResponse:
    """Take a settlement file or a statement, and say what came of it."""
    take = import_settlement if kind == "settlement" else import_treasury
    content = await file.read()
    try:
        taken = await take(desk, content=content, caller=caller, now=utc_now())
    except SettlementFileNotValid as refusal:
        return await _page(request, sessions, desk, caller, fault=str(refusal))
    return await _page(request, sessions, desk, caller, taken=taken)


@router.post("/cases/{case_id}/explanation", dependencies=[Depends(_CLERK)])
async def explain(
    case_id: UUID,
    caller: Caller,
    desk: DeskOfApp,
    text: Annotated[str, Form(min_length=3, max_length=_TEXT_MAX)],
) -> Response:
    """Say why a difference is there."""
    await explain_case(desk, caller=caller, case_id=case_id, text=text, now=utc_now())
    return RedirectResponse("/console/finance", 303)


@router.post("/cases/{case_id}/conclusion", dependencies=[Depends(_CLERK)])
async def conclude(
    case_id: UUID,
    caller: Caller,
    desk: DeskOfApp,
    text: Annotated[str, Form(min_length=3, max_length=_TEXT_MAX)],
    accept: Annotated[Literal["yes", "no"], Form()],
) -> Response:
    """Close an explained case, or send it back."""
    await close_case(
        desk, caller=caller, case_id=case_id, accept=accept == "yes", text=text, now=utc_now()
    )
    return RedirectResponse("/console/finance", 303)


@router.get("/items.csv", dependencies=[Depends(_CLERK)])
async def items(
    caller: Caller,
    desk: DeskOfApp,
    first: Annotated[date, Query()],
    last: Annotated[date, Query()],
) -> Response:
    """Return what reconciliation says of every row of some days."""
    lines = items_as_csv(desk, caller=caller, first=first, last=last, now=utc_now())
    name = f'attachment; filename="reconciliation-{first}-{last}.csv"'
    headers = {"Content-Disposition": name, "Cache-Control": "private, no-store"}
    return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)
