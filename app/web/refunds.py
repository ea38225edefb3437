"""Refunds on the finance pages: a clerk asks, another decides, the acquirer is told."""

from typing import Annotated, Final, Literal
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from app.access import Access, Caller, Role
from app.clock import utc_now
from app.db import SessionsOfApp, transaction
from app.web.finance_words import REFUND_REASONS, REFUND_STATUSES
from app.web.rendering import page
from app.web.viewer import viewer_of
from fines.api import DeskOfApp
from fines.rules.amounts import tiyn_of_tenge
from fines.rules.refunds import RefundReason
from fines.service.notices import send_again
from fines.service.refunds import (
    ask_refund,
    decide_refund,
    find_payments,
    instruct_acquirer,
    list_refunds,
)

_CLERK = Access(roles=[Role.FINANCE_CLERK])
_FORM_BYTES_MAX: Final = 8 << 10
_NOTE_MAX: Final = 500
_HERE: Final = "/console/finance/refunds"

router = APIRouter(prefix="/console/finance", max_body_size=_FORM_BYTES_MAX)


@router.get("/refunds", dependencies=[Depends(_CLERK)])
async def refunds(
    request: Request,
    caller: Caller,
    sessions: SessionsOfApp,
    desk: DeskOfApp,
    rrn: Annotated[str, Query(max_length=12)] = "",
) -> HTMLResponse:
    """Show the unit's refunds, and the payments of an RRN to ask one for."""
    async with transaction(sessions) as session:
        viewer = await viewer_of(session, caller=caller)
    wanted = rrn.strip()
    found = await find_payments(desk, caller=caller, rrn=wanted, now=utc_now()) if wanted else []
    context = {
        "viewer": viewer,
        "rrn": wanted,
        # A key for each form: sent twice by a double click, it is one refund.
        "payments": [(one, uuid4().hex) for one in found],
        "refunds": await list_refunds(desk, caller=caller),
        "refund_statuses": REFUND_STATUSES,
        "refund_reasons": REFUND_REASONS,
    }
    return page(request, "refunds.html", context)


@router.post("/payments/{payment_id}/refunds", dependencies=[Depends(_CLERK)])
async def ask(
    payment_id: UUID,
    caller: Caller,
    desk: DeskOfApp,
    tenge: Annotated[str, Form(pattern=r"^[0-9]{1,10}([.,][0-9]{1,2})?$")],
    reason: Annotated[RefundReason, Form()],
    note: Annotated[str, Form(min_length=3, max_length=_NOTE_MAX)],
    key: Annotated[str, Form(pattern=r"^[0-9a-f]{32}$")],
) -> RedirectResponse:
    """Ask for money to be given back; another clerk decides."""
    await ask_refund(
        desk,
        caller=caller,
        payment_id=payment_id,
        amount_tiyn=tiyn_of_tenge(tenge),
        reason=reason,
        note=note,
        idempotency_key=key,
        now=utc_now(),
    )
    return RedirectResponse(_HERE, 303)


@router.post("/refunds/{refund_id}/decision", dependencies=[Depends(_CLERK)])
async def decide(
    refund_id: UUID,
    caller: Caller,
    desk: DeskOfApp,
    approve: Annotated[Literal["yes", "no"], Form()],
    note: Annotated[str, Form(max_length=_NOTE_MAX)] = "",
) -> RedirectResponse:
    """Approve or refuse a refund that somebody else has asked for."""
    await decide_refund(
        desk,
        caller=caller,
        refund_id=refund_id,
        approve=approve == "yes",
        note=note,
        now=utc_now(),
    )
    return RedirectResponse(_HERE, 303)


@router.post("/refunds/instructions", dependencies=[Depends(_CLERK)])
async def instruct(caller: Caller, desk: DeskOfApp) -> RedirectResponse:
    """Write what is approved into an instruction for the acquirer."""
    await instruct_acquirer(desk, caller=caller, now=utc_now())
    return RedirectResponse(_HERE, 303)


@router.post("/notices/{notice_id}/sending", dependencies=[Depends(_CLERK)])
async def tell_again(notice_id: UUID, caller: Caller, desk: DeskOfApp) -> RedirectResponse:
    """Let the register be told again of what was given up."""
    await send_again(desk, caller=caller, notice_id=notice_id, now=utc_now())
    return RedirectResponse("/console/finance", 303)
