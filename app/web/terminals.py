"""The unit's card terminals: their day is closed on order, and a superior answers for a hand-in."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from app.access import Access, Caller
from app.clock import utc_now
from app.db import SessionsOfApp, transaction
from app.web.rendering import page
from app.web.viewer import viewer_of
from fines.api import DeskOfApp
from fines.api.desk import SUPERIOR
from fines.api.totals import COUNTERS
from fines.service.hand_in import override_hand_in
from fines.service.totals import want_totals
from fines.service.unit_terminals import list_terminals

_READERS: Final = Access(roles=sorted(COUNTERS.roles | SUPERIOR.roles, key=lambda one: one.value))
_HERE: Final = "/console/terminals"
_FORM_BYTES_MAX: Final = 8 << 10
_TEXT_MAX: Final = 500

router = APIRouter(prefix=_HERE, max_body_size=_FORM_BYTES_MAX)


@router.get("", dependencies=[Depends(_READERS)])
async def terminals(
    request: Request, caller: Caller, sessions: SessionsOfApp, desk: DeskOfApp
) -> HTMLResponse:
    """Show the unit's terminals, what each counted last, and what may be done."""
    async with transaction(sessions) as session:
        viewer = await viewer_of(session, caller=caller)
    context = {
        "viewer": viewer,
        "terminals": await list_terminals(desk, caller=caller, now=utc_now()),
        "counts": viewer.role in COUNTERS.roles,
        "answers_for": viewer.role in SUPERIOR.roles,
    }
    return page(request, "terminals.html", context)


@router.post("/{device_id}/totals", dependencies=[Depends(COUNTERS)])
async def want(device_id: UUID, caller: Caller, desk: DeskOfApp) -> RedirectResponse:
    """Order a terminal to close its day, and show the list again."""
    await want_totals(desk, caller=caller, device_id=device_id, now=utc_now())
    return RedirectResponse(_HERE, 303)


@router.post("/{device_id}/hand-in-override", dependencies=[Depends(SUPERIOR)])
async def override(
    device_id: UUID,
    caller: Caller,
    desk: DeskOfApp,
    text: Annotated[str, Form(min_length=3, max_length=_TEXT_MAX)],
) -> RedirectResponse:
    """Let a terminal be handed in unmatched, which opens a case, and show the list again."""
    await override_hand_in(desk, caller=caller, device_id=device_id, text=text, now=utc_now())
    return RedirectResponse(_HERE, 303)
