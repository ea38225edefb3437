"""Sessions: opaque tokens, known to us only by their SHA-256, ended at once when asked."""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal, Role
from app.audit.service import AuditTrail
from app.clock import law_date
from app.db import Connection, Direct, Sessions, transaction
from app.identity import errors, repository
from app.identity.models import SessionRow
from app.identity.rules.session import SEEN_EVERY, SessionEnd, SessionTerm, check_session

_TOKEN_CHARACTERS_MAX = 128


def token_hash(token: str) -> bytes:
    """Return what is stored of a token. Tokens are 256 random bits: no salt is needed."""
    return hashlib.sha256(token.encode()).digest()


async def principal_of_token(
    direct: Direct, *, token: str, idle: timedelta, now: datetime
) -> Principal | None:
    """Return who holds a session's token, or nothing for a token we never gave.

    ``idle`` is how long a session may stay unused (NIST SP 800-63B, AAL3).

    Raises:
        SessionOver: the session, or the post it acts through, has ended.
    """
    if not may_be_token(token):
        return None
    row = await repository.session_by_token(direct, token_sha256=token_hash(token))
    return await principal_of_session(direct, row, idle=idle, now=now)


def may_be_token(token: str) -> bool:
    """Return whether it is worth asking whose token this is."""
    return 0 < len(token) <= _TOKEN_CHARACTERS_MAX


async def principal_of_session(
    direct: Direct, row: Mapping[str, Any] | None, *, idle: timedelta, now: datetime
) -> Principal | None:
    """Return who holds the session of ``row``, as ``repository.SESSION`` found it.

    Raises:
        SessionOver: the session, or the post it acts through, has ended.
    """
    if row is None:
        return None
    term = SessionTerm(
        expires_at=row["expires_at"], last_seen_at=row["last_seen_at"], ended_at=row["ended_at"]
    )
    check_session(term, idle=idle, now=now)
    if row["blocked"]:  # a session that was being opened while the block was set
        raise errors.SessionOver("the person is blocked", reason="ended")
    today = law_date(now)
    if today < row["valid_from"] or (row["valid_to"] is not None and today > row["valid_to"]):
        raise errors.SessionOver("the post has ended", reason="post")
    if now - term.last_seen_at >= SEEN_EVERY:
        await repository.note_seen(direct, session_id=row["id"], now=now)
    return Principal(
        department_id=row["department_id"],
        person_id=row["person_id"],
        post_id=row["post_id"],
        role=Role(row["role"]),
        session_id=row["id"],
        device_id=row["device_id"],
    )


async def session_lives(
    connection: Connection,
    *,
    person_id: UUID,
    post_id: UUID,
    session_id: UUID | None,
    idle: timedelta,
    now: datetime,
    hold: bool = False,
) -> bool:
    """Return whether the session, or any one of the person in that post, lives at ``now``.

    With ``hold``, or where a session is named, it lives until the caller's transaction ends:
    whoever ends it waits for that, and whoever ended it first is seen.
    """
    found = await repository.living_session(
        connection,
        person_id=person_id,
        post_id=post_id,
        session_id=session_id,
        idle_since=now - idle,
        now=now,
        hold=hold,
    )
    return found is not None


async def session_expiry(session: AsyncSession, *, session_id: UUID) -> datetime:
    """Return when a session's term is over.

    Raises:
        SessionOver: there is no such session.
    """
    row = await session.get(SessionRow, session_id)
    if row is None:
        raise errors.SessionOver("the session is unknown", reason="ended")
    return row.expires_at


async def sign_out(
    sessions: Sessions, *, caller: Principal, trail: AuditTrail, now: datetime
) -> None:
    """End the caller's own session."""
    if caller.session_id is None:
        raise errors.SessionOver("no session to end", reason="ended")
    async with transaction(sessions) as session:
        await repository.end_session(
            session, session_id=caller.session_id, now=now, because=SessionEnd.SIGNED_OUT
        )
        await trail.record(
            session,
            event="identity.signed_out",
            at=now,
            who=caller,
            fields={"session": str(caller.session_id)},
        )


async def end_sessions(
    session: AsyncSession,
    *,
    person_id: UUID,
    caller: Principal | None,
    trail: AuditTrail,
    now: datetime,
) -> int:
    """End every session of a person at once; return how many lived."""
    count = await repository.end_sessions_of(
        session, person_id=person_id, now=now, because=SessionEnd.ENDED_BY_OTHERS
    )
    await trail.record(
        session,
        event="identity.sessions_ended",
        at=now,
        who=caller,
        fields={"of_person": str(person_id), "count": count},
    )
    return count


async def end_sessions_of_person(
    sessions: Sessions,
    *,
    person_id: UUID,
    caller: Principal,
    trail: AuditTrail,
    now: datetime,
) -> int:
    """End every session of a person at once, as an official asks; return how many lived.

    Raises:
        PersonNotFound: there is no such person, or not in the caller's department.
    """
    async with transaction(sessions) as session:
        departments = await repository.departments_of_sessions(
            session, person_id=person_id, today=law_date(now)
        )
        if caller.department_id not in departments:
            raise errors.PersonNotFound("no such person")
        return await end_sessions(session, person_id=person_id, caller=caller, trail=trail, now=now)
