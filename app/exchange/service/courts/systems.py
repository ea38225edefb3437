"""The courts' systems: letting one in, withdrawing it, and knowing it when it calls.

The credential is a bearer secret over TLS, as a device's is; mutual TLS comes behind
``system_of_credential`` without a change of any route (decisions 0017 and 0021).
"""

import secrets
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.audit.service import AuditTrail
from app.credentials import (
    SECRET_BYTES,
    credential_text,
    is_secret,
    read_credential,
    secret_sha256,
)
from app.db import Sessions, transaction
from app.exchange.errors import CourtsSystemNotFound
from app.exchange.models.courts import CourtsSystemRow
from app.exchange.repository import courts as repository

HEADER: Final = "system-credential"


async def system_of_credential(sessions: Sessions, *, text: str) -> Principal | None:
    """Return the system that ``text`` proves, or ``None``.

    ``None`` stands for all alike: another form, no such system, a wrong secret, or a system that
    was withdrawn. The secret is compared in constant time, also where there is no such system.
    """
    credential = read_credential(text)
    if credential is None:
        return None
    async with transaction(sessions) as session:
        row = await repository.admitted(session, credential.holder_id)
    stored = None if row is None else row.credential_sha256
    if not is_secret(credential.secret, stored_sha256=stored) or row is None:
        return None
    return Principal(department_id=row.department_id, system_id=row.id)


async def let_in(
    session: AsyncSession, *, trail: AuditTrail, caller: Principal, name: str, now: datetime
) -> tuple[UUID, str]:
    """Let a system of the courts in; return its id and its credential, told this once."""
    system_id, secret = uuid4(), secrets.token_urlsafe(SECRET_BYTES)
    session.add(
        CourtsSystemRow(
            id=system_id,
            name=name,
            department_id=caller.department_id,
            credential_sha256=secret_sha256(secret),
            issued_by=caller.person,
            issued_at=now,
        )
    )
    await session.flush()
    await trail.record(
        session,
        event="exchange.courts_system_let_in",
        at=now,
        who=caller,
        fields={"system": str(system_id)},
    )
    return system_id, credential_text(holder_id=system_id, secret=secret)


async def withdraw(
    session: AsyncSession, *, trail: AuditTrail, caller: Principal, system_id: UUID, now: datetime
) -> CourtsSystemRow:
    """Withdraw a system: its next call is refused. Repeating it changes nothing.

    Raises:
        CourtsSystemNotFound: no such system, or another unit answers for it.
    """
    row = await repository.system_for_update(
        session, system_id=system_id, department_id=caller.department_id
    )
    if row is None:
        raise CourtsSystemNotFound(system_id)
    if row.withdrawn_at is None:
        row.withdrawn_at, row.withdrawn_by = now, caller.person
        await trail.record(
            session,
            event="exchange.courts_system_withdrawn",
            at=now,
            who=caller,
            fields={"system": str(system_id)},
        )
    return row


async def systems_of(session: AsyncSession, *, caller: Principal) -> list[CourtsSystemRow]:
    """Return the systems that the caller's unit answers for."""
    return await repository.systems_of(session, department_id=caller.department_id)
