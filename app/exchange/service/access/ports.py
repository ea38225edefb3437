"""What the use cases of access are given, and how they record what they refuse."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import NotSignedIn, Principal
from app.audit.service import AuditTrail
from app.db import Sessions, transaction
from app.errors import DomainError
from app.identity import service as identity
from app.identity.register import RevocationPort
from app.identity.rules.certificates import Trust


@dataclass(frozen=True, kw_only=True)
class AccessPorts:
    """Everything a signed act of access needs."""

    sessions: Sessions
    trail: AuditTrail
    trust: Trust
    revocation: RevocationPort


@asynccontextmanager
async def signed_act(
    ports: AccessPorts,
    *,
    caller: Principal,
    cms: bytes,
    now: datetime,
    refused: str,
    fields: Mapping[str, object],
) -> AsyncIterator[AsyncSession]:
    """Yield the transaction of a signed act; the signer's certificate was asked about before.

    A refusal is recorded as the event ``refused`` in a transaction of its own.
    """
    try:
        await identity.ask_about_signer(
            ports.sessions, cms=cms, trust=ports.trust, port=ports.revocation, now=now
        )
        async with transaction(ports.sessions) as session:
            yield session
    except DomainError as refusal:
        await record_refusal(
            ports.sessions,
            ports.trail,
            caller=caller,
            event=refused,
            fields=fields,
            code=refusal.code,
            now=now,
        )
        raise


async def record_refusal(
    sessions: Sessions,
    trail: AuditTrail,
    *,
    caller: Principal,
    event: str,
    fields: Mapping[str, object],
    code: str,
    now: datetime,
) -> None:
    """Write a refusal in a transaction of its own."""
    async with transaction(sessions) as session:
        await trail.record(
            session, event=event, at=now, who=caller, fields={**fields, "code": code}
        )


async def signed(
    session: AsyncSession,
    ports: AccessPorts,
    *,
    caller: Principal,
    paper: bytes,
    cms: bytes,
    now: datetime,
) -> UUID:
    """Check the caller's signature over a paper and keep it; return its id."""
    return await identity.sign_document(
        session, caller=caller, content=paper, cms=cms, now=now, roots=ports.trust
    )


def post_of(caller: Principal) -> UUID:
    """Return the post through which a person acts."""
    if caller.post_id is None:
        raise NotSignedIn("this act needs a person in a post")
    return caller.post_id
