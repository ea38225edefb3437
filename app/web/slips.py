"""Signed slips that are not in: a second person confirms that one lies with its record."""

from typing import Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from app.access import Caller
from app.clock import utc_now
from app.db import SessionsOfApp, transaction
from app.web.rendering import page
from app.web.viewer import viewer_of
from fines import service
from fines.api import DeskOfApp
from fines.api.desk import OVER_OFFICERS

_HERE: Final = "/console/slips"
_FORM_BYTES_MAX: Final = 2048

router = APIRouter(prefix=_HERE, max_body_size=_FORM_BYTES_MAX)


@router.get("", dependencies=[Depends(OVER_OFFICERS)])
async def slips(
    request: Request, caller: Caller, sessions: SessionsOfApp, desk: DeskOfApp
) -> HTMLResponse:
    """Show the unit's payments whose signed second slip is not in."""
    async with transaction(sessions) as session:
        viewer = await viewer_of(session, caller=caller)
    waiting = await service.list_unfiled(desk, caller=caller, now=utc_now())
    return page(request, "slips.html", {"viewer": viewer, "waiting": waiting})


@router.post("/{payment_id}/filed", dependencies=[Depends(OVER_OFFICERS)])
async def confirm(payment_id: UUID, caller: Caller, desk: DeskOfApp) -> RedirectResponse:
    """Confirm that the signed slip lies with its record, and show the list again."""
    await service.confirm_filing(desk, caller=caller, payment_id=payment_id, now=utc_now())
    return RedirectResponse(_HERE, 303)
