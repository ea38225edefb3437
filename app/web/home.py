"""Sign-in, the first page after it, the language, and the way out."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from app.access import Access, Caller, NotSignedIn, Principal, Role
from app.audit.api import TrailOfApp
from app.clock import utc_now
from app.db import SessionsOfApp, driver_of, transaction
from app.exchange.service import AgreementStanding, UserStanding, standing_of
from app.identity.api import COOKIE
from app.identity.service import session_expiry, sign_out
from app.ports import SettingsOfApp
from app.web.refusals import SIGN_IN_REFUSALS
from app.web.rendering import page, safe_next
from app.web.texts import LANGUAGE_COOKIE, LANGUAGES
from app.web.viewer import WORK_ELSEWHERE, viewer_of

_STRANGERS = Access(public_because="whoever signs in has no session yet")
_LANGUAGE = Access(public_because="a reader chooses his language before he signs in")
_STAFF = Access(roles=Role)
_FORM_BYTES_MAX: Final = 2048
_YEAR_SECONDS: Final = 365 * 24 * 3600

router = APIRouter(max_body_size=_FORM_BYTES_MAX)


@router.get("/sign-in", dependencies=[Depends(_STRANGERS)])
async def sign_in_page(request: Request, settings: SettingsOfApp, next: str = "/") -> HTMLResponse:  # noqa: A002 - the name in the address
    """Show how to sign in; the module of the page talks to the signer and to the API."""
    context = {
        "next": safe_next(next),
        "signer_url": settings.ncalayer_url,
        "refusals": SIGN_IN_REFUSALS,
    }
    return page(request, "sign_in.html", context)


@router.post("/sign-out", dependencies=[Depends(_STAFF)])
async def sign_out_form(
    request: Request, caller: Caller, sessions: SessionsOfApp, trail: TrailOfApp
) -> RedirectResponse:
    """End the session and go back to the sign-in page."""
    request.state.answer.let_go()
    await sign_out(sessions, caller=caller, trail=trail, now=utc_now())
    answer = RedirectResponse("/sign-in", 303)
    answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
    return answer


@router.post("/language", dependencies=[Depends(_LANGUAGE)])
async def choose_language(
    settings: SettingsOfApp,
    language: Annotated[str, Form(max_length=8)],
    next: Annotated[str, Form(max_length=_FORM_BYTES_MAX)] = "/",  # noqa: A002 - the form's name
) -> RedirectResponse:
    """Remember the reader's language and show the same page in it."""
    answer = RedirectResponse(safe_next(next), 303)
    if language in LANGUAGES:
        answer.set_cookie(
            LANGUAGE_COOKIE,
            language,
            max_age=_YEAR_SECONDS,
            path="/",
            secure=settings.cookie_secure,
            httponly=True,
            samesite="lax",
        )
    return answer


@router.get("/", dependencies=[Depends(_STAFF)])
async def home(
    request: Request, caller: Caller, sessions: SessionsOfApp, settings: SettingsOfApp
) -> Response:
    """Show who is signed in and what the role can do here.

    A user who has not signed the agreement in force is led to it first (item 17).
    """
    async with transaction(sessions) as session:
        viewer = await viewer_of(session, caller=caller)
        standing = await standing_of(
            await driver_of(session),
            person_id=caller.person,
            post_id=_post_of(caller),
            at=utc_now(),
        )
        until = await session_expiry(session, session_id=_session_of(caller))
    unsigned = standing.agreement in {AgreementStanding.MISSING, AgreementStanding.OLD}
    if standing.user is UserStanding.ACTIVE and unsigned:
        return RedirectResponse("/console/access/agreement", 303)
    context = {
        "viewer": viewer,
        "session_until": until,
        "idle_minutes": settings.session_idle_minutes_max,
        "work_elsewhere": WORK_ELSEWHERE.get(viewer.role, ""),
    }
    return page(request, "home.html", context)


def _session_of(caller: Principal) -> UUID:
    if caller.session_id is None:
        raise NotSignedIn("a page needs a session")
    return caller.session_id


def _post_of(caller: Principal) -> UUID:
    if caller.post_id is None:
        raise NotSignedIn("a page needs a person")
    return caller.post_id
