"""Routes of the courts' channel: systems let in by the administrator, and what courts send."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request

from app.access import Access, Caller, Principal, Role, SystemKind
from app.audit.api import TrailOfApp
from app.clock import utc_now
from app.db import SessionsOfApp, transaction
from app.exchange.models.courts import CourtsSystemRow
from app.exchange.schemas.courts import (
    SystemAnswer,
    SystemBody,
    SystemIssued,
    SystemsAnswer,
)
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


async def _ports(
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


Ports = Annotated[courts.CourtPorts, Depends(_ports)]


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
