"""Routes of the courts' channel: systems let in by the administrator, and what courts send."""

import base64
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from app.access import Access, Caller, Principal, Role, SystemKind
from app.audit.api import TrailOfApp
from app.clock import utc_now
from app.db import SessionsOfApp, transaction
from app.exchange import service
from app.exchange.api.ports import Ports
from app.exchange.api.requests import after, input_of, looked_at
from app.exchange.errors import CourtMessageNotForUs, SanctionNotValid
from app.exchange.models.courts import CourtsSystemRow
from app.exchange.rules.gates import Channel
from app.exchange.rules.sanctions import CourtDecision
from app.exchange.schemas.courts import (
    AnswerMessage,
    AnswerTaken,
    CourtAnswer,
    CourtMessage,
    JustificationMessage,
    RequestMessage,
    SanctionShape,
    SanctionsMessage,
    SanctionsShape,
    SignedMessage,
    SystemAnswer,
    SystemBody,
    SystemIssued,
    SystemsAnswer,
    ViewMessage,
)
from app.exchange.schemas.requests import RequestView
from app.exchange.service import courts
from app.identity.api import RevocationOfApp, TrustOfApp
from app.ports import SettingsOfApp

_ADMINISTRATOR = Access(roles=[Role.ADMINISTRATOR])
_COURTS = Access(systems=[SystemKind.EAIAS])
_BODY_BYTES_MAX = 4096
_MESSAGE_BYTES_MAX = 128 * 1024  # a signature of 64 KiB in base64, with room

router = APIRouter(prefix="/api/courts", tags=["courts"], max_body_size=_BODY_BYTES_MAX)


async def authenticate_system(request: Request) -> Principal | None:
    """Return the system that the header ``System-Credential`` proves, or ``None``."""
    return await courts.system_of_credential(
        request.app.state.sessions, text=request.headers.get(courts.HEADER, "")
    )


async def _court_ports(
    sessions: SessionsOfApp,
    settings: SettingsOfApp,
    trail: TrailOfApp,
    trust: TrustOfApp,
    revocation: RevocationOfApp,
) -> courts.CourtPorts:
    return courts.CourtPorts(
        sessions=sessions,
        trail=trail,
        trust=trust,
        revocation=revocation,
        audience=settings.public_url,
    )


CourtPorts = Annotated[courts.CourtPorts, Depends(_court_ports)]
M = TypeVar("M", bound=CourtMessage)


@router.post("/systems", dependencies=[Depends(_ADMINISTRATOR)], status_code=201)
async def let_in(
    body: SystemBody, caller: Caller, sessions: SessionsOfApp, trail: TrailOfApp
) -> SystemIssued:
    """Let a system of the courts in; its credential is told this once."""
    async with transaction(sessions) as session:
        system_id, credential = await courts.let_in(
            session, trail=trail, caller=caller, name=body.name, now=utc_now()
        )
    return SystemIssued(system_id=system_id, credential=credential)


@router.get("/systems", dependencies=[Depends(_ADMINISTRATOR)])
async def systems(caller: Caller, sessions: SessionsOfApp) -> SystemsAnswer:
    """Show the systems that the caller's unit answers for."""
    async with transaction(sessions) as session:
        rows = await courts.systems_of(session, caller=caller)
        return SystemsAnswer(systems=tuple(_shown(row) for row in rows))


@router.post("/systems/{system_id}/withdrawal", dependencies=[Depends(_ADMINISTRATOR)])
async def withdraw(
    system_id: UUID, caller: Caller, sessions: SessionsOfApp, trail: TrailOfApp
) -> SystemAnswer:
    """Withdraw a system: its next call is refused."""
    async with transaction(sessions) as session:
        row = await courts.withdraw(
            session, trail=trail, caller=caller, system_id=system_id, now=utc_now()
        )
        return _shown(row)


def _shown(row: CourtsSystemRow) -> SystemAnswer:
    return SystemAnswer(
        system_id=row.id,
        name=row.name,
        issued_at=row.issued_at,
        withdrawn_at=row.withdrawn_at,
    )


async def _taken(
    ports: courts.CourtPorts, system: Principal, body: SignedMessage, form: type[M]
) -> tuple[courts.Taken, M]:
    return await courts.take_message(
        ports, system=system, raw=body.message, cms=body.der, form=form, now=utc_now()
    )


def _same(in_path: UUID, in_message: UUID) -> None:
    if in_path != in_message:
        raise CourtMessageNotForUs("the message names another object than the address")


@router.post("/requests", dependencies=[Depends(_COURTS)], max_body_size=_MESSAGE_BYTES_MAX)
async def make_request(
    body: SignedMessage, response: Response, caller: Caller, court: CourtPorts, ports: Ports
) -> RequestView:
    """Ask registers on a basis of courts, on behalf of the person who signed; 202: it waits."""
    taken, message = await _taken(court, caller, body, RequestMessage)
    outcome = await service.make_request(
        ports,
        caller=taken.caller,
        sent=input_of(message.request),
        channel=Channel.EAIAS,
        person_behind=True,
    )
    return await after(ports, taken.caller, outcome, response)


@router.post(
    "/requests/{request_id}/view",
    dependencies=[Depends(_COURTS)],
    max_body_size=_MESSAGE_BYTES_MAX,
)
async def view_request(
    request_id: UUID,
    body: SignedMessage,
    response: Response,
    caller: Caller,
    court: CourtPorts,
    ports: Ports,
) -> RequestView:
    """Show the person his own request, and its answer; that look is recorded first."""
    taken, message = await _taken(court, caller, body, ViewMessage)
    _same(request_id, message.request_id)
    return await looked_at(ports, taken.caller, request_id, response)


@router.post(
    "/requests/{request_id}/justification",
    dependencies=[Depends(_COURTS)],
    max_body_size=_MESSAGE_BYTES_MAX,
)
async def justify(
    request_id: UUID,
    body: SignedMessage,
    response: Response,
    caller: Caller,
    court: CourtPorts,
    ports: Ports,
) -> RequestView:
    """Give the extended justification; the very same request goes on."""
    taken, message = await _taken(court, caller, body, JustificationMessage)
    _same(request_id, message.request_id)
    outcome = await service.justify(
        ports, caller=taken.caller, request_id=request_id, text=message.text
    )
    return await after(ports, taken.caller, outcome, response)


@router.post("/sanctions", dependencies=[Depends(_COURTS)], max_body_size=_MESSAGE_BYTES_MAX)
async def fetch_sanctions(
    body: SignedMessage, caller: Caller, court: CourtPorts, ports: Ports
) -> SanctionsShape:
    """Give out the requests for sanctions that wait for the person's court."""
    taken, message = await _taken(court, caller, body, SanctionsMessage)
    waiting = await service.sanctions_for_court(ports, court=taken.court, after=message.after)
    return SanctionsShape(
        sanctions=tuple(
            SanctionShape(
                sanction_id=one.sanction_id,
                signature_id=one.signature_id,
                document_base64=base64.b64encode(one.document).decode(),
            )
            for one in waiting
        )
    )


@router.post(
    "/sanctions/{sanction_id}/answer",
    dependencies=[Depends(_COURTS)],
    max_body_size=_MESSAGE_BYTES_MAX,
)
async def answer_sanction(
    sanction_id: UUID, body: SignedMessage, caller: Caller, court: CourtPorts, ports: Ports
) -> AnswerTaken:
    """Write down what the court says of a request for its sanction."""
    taken, message = await _taken(court, caller, body, AnswerMessage)
    _same(sanction_id, message.sanction_id)
    answer = message.answer
    if answer.decision == "received":
        await service.record_court_receipt(
            ports, sanction_id=sanction_id, court=taken.court, eaias_number=answer.eaias_number
        )
    else:
        await service.record_court_answer(
            ports,
            sanction_id=sanction_id,
            court=taken.court,
            decision=_decision(answer, judge=taken.full_name),
            refusal_number=answer.decision_number,
        )
    return AnswerTaken(sanction_id=sanction_id, message_id=taken.message_id)


def _decision(answer: CourtAnswer, *, judge: str) -> CourtDecision | None:
    if answer.decision == "refused":
        return None
    if answer.decided_at is None or answer.valid_until is None:
        raise SanctionNotValid("term")
    return CourtDecision(
        number=answer.decision_number,
        judge=judge,
        decided_at=answer.decided_at,
        valid_until=answer.valid_until,
        services=frozenset(answer.services),
    )
