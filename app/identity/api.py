"""Signing in and out over HTTP, and who the caller of any route is."""

import base64
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from app.access import Access, Caller, DeviceNotKnown, Principal, Role
from app.audit.api import TrailOfApp
from app.clock import utc_now
from app.db import SessionsOfApp, transaction
from app.identity import service
from app.identity.errors import TrustMissing
from app.identity.register import RevocationPort
from app.identity.rules.certificates import Environment, Trust, trust_from_pem
from app.identity.rules.session import check_same_origin
from app.identity.schemas import (
    ChallengeAnswer,
    DepartmentAnswer,
    MeAnswer,
    SessionsEndedAnswer,
    SignedInAnswer,
    SignInBody,
)
from app.identity.service import SignInPolicy
from app.ports import SettingsOfApp
from app.settings import Settings

COOKIE = "saqshy_session"
_DEVICE_HEADER = "Device-Credential"
_BEARER = "bearer "
_ROOT_FILES_MAX = 64
_SIGN_IN_BODY_BYTES_MAX = 128 * 1024  # a signature of 64 KiB in base64, with room

_STRANGERS = Access(public_because="whoever signs in has no session yet; devices show their own")
_STAFF = Access(roles=Role)
_ENDS_SESSIONS = Access(roles=(Role.RESPONSIBLE_OFFICIAL,))

router = APIRouter(prefix="/api", tags=["identity"])


async def authenticate_person(request: Request) -> Principal | None:
    """Return who calls, by Bearer token or by cookie; nobody where there is neither.

    Raises:
        SessionOver: the session has ended.
        CrossSite: the cookie came with another site's request.
    """
    return await service.principal_of_token(
        request.app.state.direct,
        token=presented_token(request),
        idle=session_idle(request),
        now=utc_now(),
    )


def presented_token(request: Request) -> str:
    """Return the token of a session that ``request`` shows, or an empty text.

    Raises:
        CrossSite: the cookie came with another site's request.
    """
    authorization = request.headers.get("authorization", "")
    if authorization[: len(_BEARER)].lower() == _BEARER:
        return authorization[len(_BEARER) :].strip()
    token = request.cookies.get(COOKIE, "")
    if token:
        _refuse_cross_site(request, request.app.state.settings)
    return token


def session_idle(request: Request) -> timedelta:
    """Return how long a session may stay unused."""
    settings: Settings = request.app.state.settings
    return timedelta(minutes=settings.session_idle_minutes_max)


async def _device(request: Request) -> Principal | None:
    if _DEVICE_HEADER not in request.headers:
        return None
    device: Principal | None = await request.app.state.authenticate_device(request)
    if device is None:
        raise DeviceNotKnown("the device's credential is not good")
    return device


async def _trust(request: Request) -> Trust:
    # Read once it is there; an empty folder is asked again, so that nobody has to restart.
    state = request.app.state
    trust: Trust | None = getattr(state, "trust", None)
    if trust is None:
        settings: Settings = state.settings
        if settings.trust_roots_dir is None:
            raise TrustMissing("no folder of trusted roots is set")
        files = sorted(settings.trust_roots_dir.glob("*.pem"))[:_ROOT_FILES_MAX]
        try:
            trust = trust_from_pem(
                [file.read_bytes() for file in files],
                environment=Environment(settings.trust_environment.value),
            )
        except OSError as error:
            raise TrustMissing("the folder of trusted roots is unreadable") from error
        state.trust = trust
    return trust


async def _revocation(request: Request) -> RevocationPort:
    port: RevocationPort = request.app.state.revocation
    return port


DeviceIfShown = Annotated[Principal | None, Depends(_device)]
TrustOfApp = Annotated[Trust, Depends(_trust)]
RevocationOfApp = Annotated[RevocationPort, Depends(_revocation)]


@router.post("/sign-in/challenge", dependencies=[Depends(_STRANGERS)], max_body_size=1024)
async def challenge(
    sessions: SessionsOfApp, settings: SettingsOfApp, device: DeviceIfShown
) -> ChallengeAnswer:
    """Give something to sign, good once, for a short time, on this device only."""
    made = await service.new_challenge(
        sessions,
        device=device,
        audience=settings.public_url,
        term=timedelta(seconds=settings.challenge_seconds),
        now=utc_now(),
    )
    return ChallengeAnswer(
        challenge_id=made.challenge_id,
        challenge=base64.b64encode(made.content).decode(),
        expires_at=made.expires_at,
    )


@router.post("/sign-in", dependencies=[Depends(_STRANGERS)], max_body_size=_SIGN_IN_BODY_BYTES_MAX)
async def sign_in(
    request: Request,
    response: Response,
    body: SignInBody,
    sessions: SessionsOfApp,
    settings: SettingsOfApp,
    trail: TrailOfApp,
    trust: TrustOfApp,
    revocation: RevocationOfApp,
    device: DeviceIfShown,
) -> SignedInAnswer:
    """Open a session for a signed challenge; ``cookie`` also sets it in the browser."""
    if body.cookie:
        _refuse_cross_site(request, settings)
    opened = await service.sign_in(
        sessions,
        challenge_id=body.challenge_id,
        cms=body.der,
        device=device,
        policy=SignInPolicy(
            session_term=timedelta(hours=settings.session_hours_max),
            trust=trust,
            revocation=revocation,
        ),
        trail=trail,
        now=utc_now(),
    )
    if body.cookie:
        response.set_cookie(
            COOKIE,
            opened.token,
            max_age=int(settings.session_hours_max * 3600),
            path="/",
            secure=settings.cookie_secure,
            httponly=True,
            samesite="strict",
        )
    response.headers["Cache-Control"] = "no-store"
    return SignedInAnswer(
        token=opened.token, expires_at=opened.expires_at, role=opened.role, name=opened.name
    )


@router.post("/sign-out", dependencies=[Depends(_STAFF)], status_code=204, max_body_size=1024)
async def sign_out(
    request: Request,
    response: Response,
    caller: Caller,
    sessions: SessionsOfApp,
    trail: TrailOfApp,
) -> None:
    """End the caller's session at once."""
    request.state.answer.let_go()
    await service.sign_out(sessions, caller=caller, trail=trail, now=utc_now())
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")


@router.delete("/people/{person_id}/sessions", dependencies=[Depends(_ENDS_SESSIONS)])
async def end_sessions(
    person_id: UUID, caller: Caller, sessions: SessionsOfApp, trail: TrailOfApp
) -> SessionsEndedAnswer:
    """End every session of a person at once: the next request with any of them is refused."""
    count = await service.end_sessions_of_person(
        sessions, person_id=person_id, caller=caller, trail=trail, now=utc_now()
    )
    return SessionsEndedAnswer(ended=count)


@router.get("/me", dependencies=[Depends(_STAFF)])
async def me(caller: Caller, sessions: SessionsOfApp) -> MeAnswer:
    """Tell the caller who he is to this server."""
    assert caller.post_id is not None  # noqa: S101 - for the type checker; a session has a post
    assert caller.session_id is not None  # noqa: S101 - the same
    async with transaction(sessions) as session:
        card = (await service.posts_by_id(session, [caller.post_id]))[caller.post_id]
        expires_at = await service.session_expiry(session, session_id=caller.session_id)
    return MeAnswer(
        person_id=card.person_id,
        post_id=card.post_id,
        name=card.full_name,
        role=card.role,
        title=card.title,
        badge=card.badge,
        department=DepartmentAnswer(
            id=card.department_id,
            bin=card.department_bin,
            name_kk=card.department_name_kk,
            name_ru=card.department_name_ru,
        ),
        device_id=caller.device_id,
        expires_at=expires_at,
    )


def _refuse_cross_site(request: Request, settings: Settings) -> None:
    check_same_origin(
        method=request.method,
        own_url=settings.public_url,
        host=request.headers.get("host"),
        origin=request.headers.get("origin"),
        fetch_site=request.headers.get("sec-fetch-site"),
    )
