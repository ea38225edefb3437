"""Routes of access: requests, decisions, agreement, rights, blocks.

Every signed act has a route that writes its paper; the act then writes the same paper again and
checks the signature over that, so that nobody can have something else signed.
"""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from app.access import Access, Caller, Role
from app.audit.api import TrailOfApp
from app.clock import utc_now
from app.db import SessionsOfApp
from app.exchange.rules.access import DECISION_WITHIN, Rights
from app.exchange.rules.access_papers import AccessForm
from app.exchange.schemas import access as shapes
from app.exchange.service import access as service
from app.exchange.service.access import AccessPorts, RequestView, UserView
from app.identity.api import RevocationOfApp, TrustOfApp
from app.identity.service import PostCard

_STAFF = Access(roles=Role)
_OPERATOR = Access(roles=[Role.EXCHANGE_OPERATOR])
_BLOCKERS = Access(roles=[Role.EXCHANGE_OPERATOR, Role.RESPONSIBLE_OFFICIAL])
_WATCHERS = Access(
    roles=[
        Role.EXCHANGE_OPERATOR,
        Role.RESPONSIBLE_OFFICIAL,
        Role.EXCHANGE_CONTROLLER,
        Role.AUDITOR,
    ]
)
_SERVE_ALL = Access(roles=[Role.EXCHANGE_OPERATOR, Role.EXCHANGE_CONTROLLER, Role.AUDITOR])
SEARCH_MAX = 100
SKIP_MAX = 100_000
_USERS_ON_A_PAGE = 200
_BODY_BYTES_MAX = 128 * 1024  # a signature of 64 KiB in base64, a form, and room

router = APIRouter(prefix="/api/access", tags=["access"], max_body_size=_BODY_BYTES_MAX)


async def _ports(
    sessions: SessionsOfApp, trail: TrailOfApp, trust: TrustOfApp, revocation: RevocationOfApp
) -> AccessPorts:
    return AccessPorts(sessions=sessions, trail=trail, trust=trust, revocation=revocation)


Ports = Annotated[AccessPorts, Depends(_ports)]


@router.get("/officials", dependencies=[Depends(_STAFF)])
async def officials(caller: Caller, sessions: SessionsOfApp) -> list[shapes.PersonShape]:
    """Return the responsible officials whom the caller may name in his form."""
    found = await service.officials_of(sessions, caller=caller, now=utc_now())
    return [person_of(card) for card in found]


@router.post("/forms", dependencies=[Depends(_STAFF)])
async def write_form(
    body: shapes.FormBody, caller: Caller, sessions: SessionsOfApp
) -> shapes.FormAnswer:
    """Write the request for access that the caller is to sign, by the server's clock."""
    form = _form(body, drawn_at=utc_now())
    paper = await service.write_form(sessions, caller=caller, form=form)
    return shapes.FormAnswer(paper=paper.decode(), drawn_at=form.drawn_at)


@router.post("/requests", dependencies=[Depends(_STAFF)], status_code=201)
async def file_request(
    body: shapes.RequestBody, caller: Caller, ports: Ports
) -> shapes.FiledAnswer:
    """File a signed request; its 24 hours run from now."""
    now = utc_now()
    request_id = await service.file_request(
        ports,
        caller=caller,
        form=_form(body.form, drawn_at=body.drawn_at.astimezone(UTC)),
        cms=body.der,
        now=now,
    )
    return shapes.FiledAnswer(request_id=request_id, due_at=now + DECISION_WITHIN)


@router.get("/requests", dependencies=[Depends(_OPERATOR)])
async def queue(sessions: SessionsOfApp) -> list[shapes.RequestAnswer]:
    """Return the undecided requests with their clocks, the oldest first."""
    return [_request(one) for one in await service.queue(sessions, now=utc_now())]


@router.get("/requests/own", dependencies=[Depends(_STAFF)])
async def own_requests(caller: Caller, sessions: SessionsOfApp) -> list[shapes.RequestAnswer]:
    """Return the caller's own requests, the newest first."""
    found = await service.own_requests(sessions, caller=caller, now=utc_now())
    return [_request(one) for one in found]


@router.get("/breaches", dependencies=[Depends(_SERVE_ALL)])
async def breaches(sessions: SessionsOfApp) -> list[shapes.RequestAnswer]:
    """Return the requests that were not decided within their day."""
    return [_request(one) for one in await service.breaches(sessions, now=utc_now())]


@router.get("/requests/{access_request_id}", dependencies=[Depends(_SERVE_ALL)])
async def read_request(
    access_request_id: UUID, caller: Caller, sessions: SessionsOfApp, trail: TrailOfApp
) -> shapes.RequestAnswer:
    """Return one request to whoever serves the whole exchange; the look is recorded."""
    view = await service.read_request(
        sessions, trail=trail, caller=caller, request_id=access_request_id, now=utc_now()
    )
    return _request(view)


@router.post("/requests/{access_request_id}/grant-paper", dependencies=[Depends(_OPERATOR)])
async def write_grant(
    access_request_id: UUID, body: shapes.RightsBody, sessions: SessionsOfApp
) -> shapes.PaperAnswer:
    """Write the decision to grant that the operator is to sign."""
    paper = await service.write_grant(sessions, request_id=access_request_id, rights=_rights(body))
    return shapes.PaperAnswer.of(paper)


@router.post("/requests/{access_request_id}/grant", dependencies=[Depends(_OPERATOR)])
async def grant(
    access_request_id: UUID, body: shapes.GrantBody, caller: Caller, ports: Ports
) -> shapes.GrantedAnswer:
    """Grant a request; administrators' roles take a second operator."""
    done = await service.grant_access(
        ports,
        caller=caller,
        request_id=access_request_id,
        rights=_rights(body),
        cms=body.der,
        now=utc_now(),
    )
    return shapes.GrantedAnswer(stage=done.stage, waits_for_second=done.waits_for_second)


@router.post("/requests/{access_request_id}/refusal-paper", dependencies=[Depends(_OPERATOR)])
async def write_refusal(
    access_request_id: UUID, body: shapes.RefusalBody, sessions: SessionsOfApp
) -> shapes.PaperAnswer:
    """Write the refusal that the operator is to sign."""
    paper = await service.write_refusal(
        sessions, request_id=access_request_id, code=body.reason, text=body.text
    )
    return shapes.PaperAnswer.of(paper)


@router.post(
    "/requests/{access_request_id}/refuse", dependencies=[Depends(_OPERATOR)], status_code=204
)
async def refuse(
    access_request_id: UUID, body: shapes.SignedRefusalBody, caller: Caller, ports: Ports
) -> None:
    """Refuse a request with reason, text and signature; without one of them nothing is saved."""
    await service.refuse_access(
        ports,
        caller=caller,
        request_id=access_request_id,
        code=body.reason,
        text=body.text,
        cms=body.der,
        now=utc_now(),
    )


@router.post(
    "/requests/{access_request_id}/return", dependencies=[Depends(_OPERATOR)], status_code=204
)
async def return_request(
    access_request_id: UUID, body: shapes.TextBody, caller: Caller, ports: Ports
) -> None:
    """Return an incomplete request: its clock counts as never begun."""
    await service.return_request(
        ports, caller=caller, request_id=access_request_id, text=body.text, now=utc_now()
    )


@router.get("/agreement", dependencies=[Depends(_STAFF)])
async def read_agreement(caller: Caller, sessions: SessionsOfApp) -> shapes.AgreementAnswer:
    """Return the agreement in force and how the caller stands to it."""
    found = await service.read_agreement(sessions, caller=caller, now=utc_now())
    return shapes.AgreementAnswer(
        version=found.version,
        text_kk=found.text_kk,
        text_ru=found.text_ru,
        text_en=found.text_en,
        sha256=found.sha256,
        paper=found.paper.decode(),
        standing=found.standing,
        signed_at=found.signed_at,
    )


@router.post("/agreement", dependencies=[Depends(_STAFF)])
async def sign_agreement(
    body: shapes.AgreementBody, caller: Caller, ports: Ports
) -> shapes.AgreedAnswer:
    """Sign the version in force; a second signature of it changes nothing."""
    at = await service.sign_agreement(
        ports, caller=caller, version=body.version, cms=body.der, now=utc_now()
    )
    return shapes.AgreedAnswer(signed_at=at)


@router.get("/people", dependencies=[Depends(_WATCHERS)])
async def users(
    caller: Caller,
    sessions: SessionsOfApp,
    search: Annotated[str, Query(max_length=SEARCH_MAX)] = "",
    skip: Annotated[int, Query(ge=0, le=SKIP_MAX)] = 0,
) -> list[shapes.UserLineAnswer]:
    """Return whom the caller watches over, by name, two hundred at a time."""
    found = await service.users(
        sessions, caller=caller, now=utc_now(), words=search, skip=skip, limit=_USERS_ON_A_PAGE
    )
    return [shapes.UserLineAnswer(person=person_of(one.card), stage=one.stage) for one in found]


@router.get("/me", dependencies=[Depends(_STAFF)])
async def own_rights(
    caller: Caller, sessions: SessionsOfApp, trail: TrailOfApp
) -> shapes.UserAnswer:
    """Return the caller's own rights and their history."""
    found = await service.user_of(
        sessions, trail=trail, caller=caller, person_id=caller.person, now=utc_now()
    )
    return _user(found)


@router.get("/people/{person_id}", dependencies=[Depends(_WATCHERS)])
async def user(
    person_id: UUID, caller: Caller, sessions: SessionsOfApp, trail: TrailOfApp
) -> shapes.UserAnswer:
    """Return a person's rights and their history; the look is recorded."""
    found = await service.user_of(
        sessions, trail=trail, caller=caller, person_id=person_id, now=utc_now()
    )
    return _user(found)


@router.post("/people/{person_id}/transfer", dependencies=[Depends(_BLOCKERS)])
async def note_transfer(
    person_id: UUID, caller: Caller, sessions: SessionsOfApp, trail: TrailOfApp
) -> shapes.TransferAnswer:
    """Record that a person was moved: what is left of his rights stands for a day."""
    deadline = await service.note_transfer(
        sessions, trail=trail, caller=caller, person_id=person_id, now=utc_now()
    )
    return shapes.TransferAnswer(deadline_at=deadline)


@router.post("/people/{person_id}/block", dependencies=[Depends(_BLOCKERS)])
async def block(
    person_id: UUID,
    body: shapes.BlockBody,
    caller: Caller,
    sessions: SessionsOfApp,
    trail: TrailOfApp,
) -> shapes.BlockedAnswer:
    """Block a person at once: every session ends with it, and what is still being sent."""
    ended = await service.block_user(
        sessions,
        trail=trail,
        caller=caller,
        person_id=person_id,
        reason=body.reason,
        text=body.text,
        now=utc_now(),
    )
    return shapes.BlockedAnswer(sessions_ended=ended)


@router.post("/people/{person_id}/unblock-paper", dependencies=[Depends(_OPERATOR)])
async def write_unblocking(
    person_id: UUID, body: shapes.TextBody, sessions: SessionsOfApp
) -> shapes.PaperAnswer:
    """Write the lifting of the block that the operator is to sign."""
    paper = await service.write_unblocking(sessions, person_id=person_id, text=body.text)
    return shapes.PaperAnswer.of(paper)


@router.post("/people/{person_id}/unblock", dependencies=[Depends(_OPERATOR)], status_code=204)
async def unblock(person_id: UUID, body: shapes.UnblockBody, caller: Caller, ports: Ports) -> None:
    """Lift the block, against the signature of an operator who did not set it."""
    await service.unblock_user(
        ports,
        caller=caller,
        person_id=person_id,
        text=body.text,
        cms=body.der,
        now=utc_now(),
    )


def _form(body: shapes.FormBody, *, drawn_at: datetime) -> AccessForm:
    return AccessForm(
        role=body.role.value,
        services=frozenset(one.value for one in body.services),
        bases=frozenset(one.value for one in body.bases),
        responsible_id=body.responsible_id,
        contacts=body.contacts,
        workplace=body.workplace,
        drawn_at=drawn_at,
    )


def _rights(body: shapes.RightsBody) -> Rights:
    return Rights(
        services=frozenset(one.value for one in body.services),
        bases=frozenset(one.value for one in body.bases),
    )


def person_of(card: PostCard) -> shapes.PersonShape:
    """Return a person as the API shows him: never by IIN."""
    return shapes.PersonShape(
        person_id=card.person_id,
        name=card.full_name,
        role=card.role,
        title=card.title,
        department_bin=card.department_bin,
    )


def _request(view: RequestView) -> shapes.RequestAnswer:
    return shapes.RequestAnswer(
        request_id=view.request_id,
        stage=view.stage,
        applicant=person_of(view.applicant),
        services=view.services,
        bases=view.bases,
        responsible=None if view.responsible is None else person_of(view.responsible),
        contacts=view.contacts,
        workplace=view.workplace,
        filed_at=view.filed_at,
        received_at=view.received_at,
        due_at=view.due_at,
        clock=view.clock,
        overdue_at=view.overdue_at,
        needs_two=view.needs_two,
        waits_for_second=view.waits_for_second,
        refusal=view.refusal,
        refusal_text=view.refusal_text,
        returned_text=view.returned_text,
        decided_at=view.decided_at,
    )


def _user(view: UserView) -> shapes.UserAnswer:
    return shapes.UserAnswer(
        person=person_of(view.card),
        stage=view.stage,
        user=view.standing.user,
        agreement=view.standing.agreement,
        services=tuple(sorted(view.standing.services)),
        bases=tuple(sorted(view.standing.bases)),
        requests=tuple(_request(one) for one in view.requests),
        grants=tuple(
            shapes.GrantAnswer(
                origin=one.origin,
                title=one.title,
                services=one.services,
                bases=one.bases,
                valid_from=one.valid_from,
                valid_to=one.valid_to,
                deadline_at=one.deadline_at,
            )
            for one in view.grants
        ),
        agreements=tuple(
            shapes.SignedAgreementAnswer(version=one.version, signed_at=one.signed_at)
            for one in view.agreements
        ),
        blocks=tuple(
            shapes.BlockAnswer(
                reason=one.reason,
                text=one.text,
                blocked_at=one.blocked_at,
                lifted_at=one.lifted_at,
                lifted_text=one.lifted_text,
            )
            for one in view.blocks
        ),
    )
