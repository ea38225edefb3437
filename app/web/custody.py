"""The page of one recording's custody: what keeps it, holds, another category."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from app.access import Access, Caller, Role
from app.audit.api import TrailOfApp
from app.clock import utc_now
from app.db import SessionsOfApp, transaction
from app.ports import SettingsOfApp
from app.web.coverage_words import BECAUSE, CATEGORIES, HOLD_REASONS
from app.web.refusals import SHORTENING_REFUSALS
from app.web.rendering import page
from app.web.viewer import viewer_of
from app.web.words import RECORDING_STATUSES
from bodycam.rules.retention import Category, HoldReason
from bodycam.service import categories, custody

_HOLDERS: Final = Access(
    roles=[Role.DEVICE_KEEPER, Role.COMPLAINTS_REVIEWER, Role.RESPONSIBLE_OFFICIAL]
)
_FORM_BYTES_MAX: Final = 16 << 10  # a thousand letters, percent-encoded

router = APIRouter(prefix="/console/custody", max_body_size=_FORM_BYTES_MAX)


@router.get("/recordings/{recording_id}", dependencies=[Depends(_HOLDERS)])
async def custody_page(
    request: Request,
    recording_id: UUID,
    caller: Caller,
    sessions: SessionsOfApp,
    settings: SettingsOfApp,
) -> HTMLResponse:
    """Show what keeps a recording, until when, what was decided on it, and what is to sign."""
    now = utc_now()
    async with transaction(sessions) as session:
        viewer = await viewer_of(session, caller=caller)
        view = await custody.read_custody(
            session, caller=caller, recording_id=recording_id, now=now
        )
        to_sign = await categories.list_to_sign(
            session, caller=caller, now=now, recording_id=recording_id
        )
    context = {
        "viewer": viewer,
        "view": view,
        "person_id": caller.person_id,
        "categories": CATEGORIES,
        "hold_reasons": HOLD_REASONS,
        "because": BECAUSE,
        "statuses": RECORDING_STATUSES,
        "to_sign": to_sign,
        "signer_url": settings.ncalayer_url,
        "refusals": SHORTENING_REFUSALS,
    }
    return page(request, "custody_recording.html", context)


@router.post("/recordings/{recording_id}/holds", dependencies=[Depends(_HOLDERS)])
async def place_hold(
    recording_id: UUID,
    caller: Caller,
    sessions: SessionsOfApp,
    trail: TrailOfApp,
    reason: Annotated[HoldReason, Form()],
    case_number: Annotated[str, Form(min_length=1, max_length=64)],
) -> Response:
    """Hold a recording, and show it again."""
    async with transaction(sessions) as session:
        await custody.place_hold(
            session,
            trail=trail,
            caller=caller,
            recording_id=recording_id,
            reason=reason,
            case_number=case_number.strip(),
            now=utc_now(),
        )
    return RedirectResponse(f"/console/custody/recordings/{recording_id}", 303)


@router.post("/holds/{legal_hold_id}/release", dependencies=[Depends(_HOLDERS)])
async def release_hold(
    legal_hold_id: UUID, caller: Caller, sessions: SessionsOfApp, trail: TrailOfApp
) -> Response:
    """Release a hold that another person has placed, and show its recording."""
    async with transaction(sessions) as session:
        recording_id = await custody.release_hold(
            session, trail=trail, caller=caller, hold_id=legal_hold_id, now=utc_now()
        )
    return RedirectResponse(f"/console/custody/recordings/{recording_id}", 303)


@router.post("/recordings/{recording_id}/category", dependencies=[Depends(_HOLDERS)])
async def change_category(
    recording_id: UUID,
    caller: Caller,
    sessions: SessionsOfApp,
    trail: TrailOfApp,
    category: Annotated[Category, Form()],
    grounds: Annotated[str, Form(min_length=1, max_length=1000)],
) -> Response:
    """Lengthen a term, or propose to shorten it: that waits on the page for two signatures."""
    async with transaction(sessions) as session:
        await categories.change_category(
            session,
            trail=trail,
            caller=caller,
            recording_id=recording_id,
            category=category,
            grounds=grounds.strip(),
            now=utc_now(),
        )
    return RedirectResponse(f"/console/custody/recordings/{recording_id}", 303)
