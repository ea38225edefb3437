"""Statements over sessions: who holds one, which live, and how they end."""

from collections.abc import Callable, Collection
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import Connection, Direct, Hoisted
from app.identity.models import (
    Post,
    SessionRow,
)
from app.identity.rules.session import SEEN_EVERY, SessionEnd

# A session by the hash of its token; device paths ask it together with the device.
SESSION: Final = """
    SELECT s.id, s.person_id, s.post_id, s.device_id, s.last_seen_at, s.expires_at, s.ended_at,
           p.department_id, p.role, p.valid_from, p.valid_to,
           EXISTS (SELECT FROM access_blocks AS b
                   WHERE b.person_id = s.person_id AND b.lifted_at IS NULL) AS blocked
    FROM sessions s JOIN posts p ON p.id = s.post_id
    WHERE s.token_sha256 = $1
"""
ENDED_CHANNEL = "saqshy_sessions_ended"
_TELL_ENDED = sa.select(sa.func.pg_notify(ENDED_CHANNEL, ""))
_LIVING = """
    SELECT session.id FROM sessions AS session JOIN posts AS post ON post.id = session.post_id
    WHERE session.id = ANY({ids}) AND session.ended_at IS NULL AND session.expires_at > {now}
      AND post.valid_from <= {today} AND (post.valid_to IS NULL OR post.valid_to >= {today})
      AND NOT EXISTS (SELECT FROM access_blocks AS block
                      WHERE block.person_id = session.person_id AND block.lifted_at IS NULL)
"""
_LIVING_BY_NAME = sa.text(_LIVING.format(ids=":ids", now=":now", today=":today")).bindparams(
    sa.bindparam("ids", type_=sa.ARRAY(sa.Uuid())),
    sa.bindparam("now", type_=sa.DateTime(timezone=True)),
    sa.bindparam("today", type_=sa.Date()),
)
_LIVING_BY_PLACE = _LIVING.format(ids="$1", now="$2", today="$3")
_SEEN: Final = "UPDATE sessions SET last_seen_at = $2 WHERE id = $1 AND last_seen_at < $3"
_any_living = (
    sa.select(SessionRow.id)
    .where(
        SessionRow.person_id == sa.bindparam("person_id", type_=sa.Uuid()),
        SessionRow.post_id == sa.bindparam("post_id", type_=sa.Uuid()),
        SessionRow.ended_at.is_(None),
        SessionRow.expires_at > sa.bindparam("now", type_=sa.DateTime(timezone=True)),
        SessionRow.last_seen_at > sa.bindparam("idle_since", type_=sa.DateTime(timezone=True)),
    )
    .order_by(SessionRow.last_seen_at.desc())
    .limit(1)
)
_any_held = _any_living.with_for_update(read=True)
# One session, if it lives, held until the transaction ends; others build upon it.
SESSION_HELD: Final = _any_held.where(SessionRow.id == sa.bindparam("session_id", type_=sa.Uuid()))
_ANY_LIVING, _ANY_HELD = Hoisted(_any_living), Hoisted(_any_held)
_THIS_HELD = Hoisted(SESSION_HELD)


async def session_by_token(direct: Direct, *, token_sha256: bytes) -> Any:
    """Return a session's row with its post's department, role and dates, or nothing."""
    return await direct.row(SESSION, token_sha256)


async def note_seen(direct: Direct, *, session_id: UUID, now: datetime) -> None:
    """Remember that the session was used, if that was not remembered lately."""
    await direct.row(_SEEN, session_id, now, now - SEEN_EVERY)


async def end_session(
    session: AsyncSession, *, session_id: UUID, now: datetime, because: SessionEnd
) -> None:
    """End one session, if it still lives."""
    await session.execute(
        sa.update(SessionRow)
        .where(SessionRow.id == session_id, SessionRow.ended_at.is_(None))
        .values(ended_at=now, ended_because=because)
    )
    await session.execute(_TELL_ENDED)


async def end_sessions_of(
    session: AsyncSession, *, person_id: UUID, now: datetime, because: SessionEnd
) -> int:
    """End every living session of a person; return how many there were."""
    ended = await session.scalars(
        sa.update(SessionRow)
        .where(
            SessionRow.person_id == person_id,
            SessionRow.ended_at.is_(None),
            SessionRow.expires_at > now,
        )
        .values(ended_at=now, ended_because=because)
        .returning(SessionRow.id)
    )
    count = len(ended.all())
    await session.execute(_TELL_ENDED)  # also with none: one may be opening
    return count


async def listen_for_ended(connection: Connection, heard: Callable[[], None]) -> None:
    """Call ``heard`` whenever sessions were ended, after the commit."""
    await connection.add_listener(ENDED_CHANNEL, lambda *_: heard())


async def living_sessions(
    session: AsyncSession, asked: Collection[UUID], *, now: datetime, today: date
) -> set[UUID]:
    """Return which of these sessions live at ``now``."""
    values = {"ids": list(asked), "now": now, "today": today}
    return set(await session.scalars(_LIVING_BY_NAME, values))


async def living_sessions_by(
    connection: Connection, asked: Collection[UUID], *, now: datetime, today: date
) -> set[UUID]:
    """Return the same by a connection outside the pool."""
    return {row["id"] for row in await connection.fetch(_LIVING_BY_PLACE, list(asked), now, today)}


async def living_session(
    connection: Connection,
    *,
    person_id: UUID,
    post_id: UUID,
    session_id: UUID | None,
    idle_since: datetime,
    now: datetime,
    hold: bool,
) -> UUID | None:
    """Return a living session of a person's post: that of ``session_id``, or any.

    With ``hold`` it cannot be ended before the transaction ends; who is ending it just now is
    waited for, and the session is then none.
    """
    values = {"person_id": person_id, "post_id": post_id, "now": now, "idle_since": idle_since}
    if session_id is not None:
        row = await _THIS_HELD.row(connection, values | {"session_id": session_id})
    else:
        row = await (_ANY_HELD if hold else _ANY_LIVING).row(connection, values)
    return None if row is None else row["id"]


async def departments_of_sessions(
    session: AsyncSession, *, person_id: UUID, today: date
) -> set[UUID]:
    """Return where a person serves today, and where his living sessions were opened."""
    rows = await session.scalars(
        sa.select(Post.department_id).where(
            Post.person_id == person_id,
            sa.or_(
                sa.and_(
                    Post.valid_from <= today,
                    sa.or_(Post.valid_to.is_(None), Post.valid_to >= today),
                ),
                sa.exists().where(SessionRow.post_id == Post.id, SessionRow.ended_at.is_(None)),
            ),
        )
    )
    return set(rows)
