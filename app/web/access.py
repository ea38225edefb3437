"""The pages of access: own rights and request, agreement, the operator's queue, users, blocks."""

from typing import Annotated, Final
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse

from app.access import SIGNING_IN, Access, Caller, Principal, Role
from app.audit.api import TrailOfApp
from app.clock import law_date, utc_now
from app.db import Sessions, SessionsOfApp, transaction
from app.exchange.api.access import SEARCH_MAX, SKIP_MAX
from app.exchange.rules.access import AccessStage, AgreementStanding, rights_of_role
from app.exchange.rules.bases import rule_set_on
from app.exchange.service import access as service
from app.ports import SettingsOfApp
from app.web.access_words import (
    ACCESS_REFUSALS,
    AGREEMENTS,
    BASES,
    BLOCK_REASONS,
    CLOCKS,
    ORIGINS,
    REFUSAL_REASONS,
    REQUEST_STAGES,
    SERVICES,
    STAGES,
    STANDINGS,
)
from app.web.rendering import page
from app.web.viewer import BLOCKING_ROLES, WATCHING_ROLES, Viewer, viewer_of

_STAFF = Access(roles=SIGNING_IN)
_SERVE_ALL = Access(roles=[Role.EXCHANGE_OPERATOR, Role.EXCHANGE_CONTROLLER, Role.AUDITOR])
_OPERATOR = Access(roles=[Role.EXCHANGE_OPERATOR])
_CONTROLLERS = Access(roles=[Role.EXCHANGE_CONTROLLER, Role.EXCHANGE_OPERATOR, Role.AUDITOR])
_WATCHERS = Access(roles=WATCHING_ROLES)
_ON_A_PAGE: Final = 100
_WORDS: Final[dict[str, object]] = {
    "stages": STAGES,
    "request_stages": REQUEST_STAGES,
    "clocks": CLOCKS,
    "standings": STANDINGS,
    "agreements": AGREEMENTS,
    "origins": ORIGINS,
    "refusal_reasons": REFUSAL_REASONS,
    "block_reasons": BLOCK_REASONS,
    "service_names": SERVICES,
    "basis_names": BASES,
    "refusals": ACCESS_REFUSALS,
}

router = APIRouter(prefix="/console/access", max_body_size=0)


@router.get("", dependencies=[Depends(_STAFF)])
async def own_access(
    request: Request,
    caller: Caller,
    sessions: SessionsOfApp,
    settings: SettingsOfApp,
    trail: TrailOfApp,
) -> HTMLResponse:
    """Show the reader's own rights, requests and history, and the form to ask for access."""
    now = utc_now()
    viewer = await _viewer(sessions, caller)
    own = await service.user_of(
        sessions, trail=trail, caller=caller, person_id=caller.person, now=now
    )
    most = rights_of_role(viewer.role.value, rules=rule_set_on(law_date(now)))
    context = {
        "viewer": viewer,
        "user": own,
        "own": True,
        "waits": any(one.stage is AccessStage.REQUESTED for one in own.requests),
        "officials": await service.officials_of(sessions, caller=caller, now=now),
        "services": _known(most.services, SERVICES),
        "bases": _known(most.bases, BASES),
        "signer_url": settings.ncalayer_url,
    }
    return page(request, "access_own.html", context | _WORDS)


@router.get("/agreement", dependencies=[Depends(_STAFF)])
async def agreement(
    request: Request, caller: Caller, sessions: SessionsOfApp, settings: SettingsOfApp
) -> HTMLResponse:
    """Show the agreement in force, to be signed at first entry and after a new version."""
    viewer = await _viewer(sessions, caller)
    found = await service.read_agreement(sessions, caller=caller, now=utc_now())
    context = {
        "viewer": viewer,
        "agreement": found,
        "is_signed": found.standing is AgreementStanding.SIGNED,
        "texts": {"kk": found.text_kk, "ru": found.text_ru, "en": found.text_en},
        "signer_url": settings.ncalayer_url,
    }
    return page(request, "access_agreement.html", context | _WORDS)


@router.get("/queue", dependencies=[Depends(_OPERATOR)])
async def queue(request: Request, caller: Caller, sessions: SessionsOfApp) -> HTMLResponse:
    """Show the undecided requests with their clocks, the most urgent first."""
    context = {
        "viewer": await _viewer(sessions, caller),
        "requests": await service.queue(sessions, now=utc_now()),
        "breaches": False,
    }
    return page(request, "access_queue.html", context | _WORDS)


@router.get("/breaches", dependencies=[Depends(_CONTROLLERS)])
async def breaches(request: Request, caller: Caller, sessions: SessionsOfApp) -> HTMLResponse:
    """Show the requests that were not decided within their day."""
    context = {
        "viewer": await _viewer(sessions, caller),
        "requests": await service.breaches(sessions, now=utc_now()),
        "breaches": True,
    }
    return page(request, "access_queue.html", context | _WORDS)


@router.get("/requests/{access_request_id}", dependencies=[Depends(_SERVE_ALL)])
async def one_request(
    request: Request,
    access_request_id: UUID,
    caller: Caller,
    sessions: SessionsOfApp,
    settings: SettingsOfApp,
    trail: TrailOfApp,
) -> HTMLResponse:
    """Show one request; an operator decides on it here with his signature."""
    viewer = await _viewer(sessions, caller)
    found = await service.read_request(
        sessions, trail=trail, caller=caller, request_id=access_request_id, now=utc_now()
    )
    decides = viewer.role is Role.EXCHANGE_OPERATOR and found.stage is AccessStage.REQUESTED
    context = {
        "viewer": viewer,
        "found": found,
        "decides": decides and found.applicant.person_id != caller.person,
        "signer_url": settings.ncalayer_url,
    }
    return page(request, "access_request.html", context | _WORDS)


@router.get("/people", dependencies=[Depends(_WATCHERS)])
async def users(
    request: Request,
    caller: Caller,
    sessions: SessionsOfApp,
    search: Annotated[str, Query(max_length=SEARCH_MAX)] = "",
    skip: Annotated[int, Query(ge=0, le=SKIP_MAX)] = 0,
) -> HTMLResponse:
    """Show whom the reader watches over: an official's subordinates, or all users."""
    found = await service.users(
        sessions, caller=caller, now=utc_now(), words=search, skip=skip, limit=_ON_A_PAGE + 1
    )
    more = {"search": search, "skip": str(skip + _ON_A_PAGE)}
    context = {
        "viewer": await _viewer(sessions, caller),
        "lines": found[:_ON_A_PAGE],
        "search": search,
        "first_page": skip == 0,
        "more": f"?{urlencode(more)}" if len(found) > _ON_A_PAGE else None,
    }
    return page(request, "access_people.html", context | _WORDS)


@router.get("/people/{person_id}", dependencies=[Depends(_WATCHERS)])
async def user(
    request: Request,
    person_id: UUID,
    caller: Caller,
    sessions: SessionsOfApp,
    settings: SettingsOfApp,
    trail: TrailOfApp,
) -> HTMLResponse:
    """Show a person's rights and their history, and block or unblock him."""
    viewer = await _viewer(sessions, caller)
    found = await service.user_of(
        sessions, trail=trail, caller=caller, person_id=person_id, now=utc_now()
    )
    blocked = found.stage is AccessStage.BLOCKED
    other = person_id != caller.person
    context = {
        "viewer": viewer,
        "user": found,
        "own": False,
        "may_block": other and not blocked and viewer.role in BLOCKING_ROLES,
        "may_unblock": other and blocked and viewer.role is Role.EXCHANGE_OPERATOR,
        "signer_url": settings.ncalayer_url,
    }
    return page(request, "access_user.html", context | _WORDS)


async def _viewer(sessions: Sessions, caller: Principal) -> Viewer:
    async with transaction(sessions) as session:
        return await viewer_of(session, caller=caller)


def _known(given: frozenset[str], names: dict[str, str]) -> list[str]:
    """Return what is given in the order of the words for it; what has none comes last."""
    return [one for one in names if one in given] + sorted(given - names.keys())
