"""Statements of identity. Those on every request are built once, at import."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Role
from app.clock import LAW_ZONE
from app.db import Connection, Direct
from app.identity.models import (
    BlockRow,
    Challenge,
    Department,
    Person,
    Post,
    RevocationListRow,
    RevocationProofRow,
    SessionRow,
    Superior,
)
from app.identity.rules.session import SEEN_EVERY, SessionEnd

_PURGE_AT_ONCE = 100
_PURGE_AFTER = timedelta(days=1)

_SESSION: Final = """
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
_CARD = (
    sa.select(Post, Person, Department)
    .join(Person, Person.id == Post.person_id)
    .join(Department, Department.id == Post.department_id)
)

_TODAY = sa.bindparam("today", type_=sa.Date())
_IN_FORCE = sa.and_(
    Post.valid_from <= _TODAY, sa.or_(Post.valid_to.is_(None), Post.valid_to >= _TODAY)
)
_BLOCKED = sa.exists().where(BlockRow.person_id == Post.person_id, BlockRow.lifted_at.is_(None))
# A person's post, whether it is in force, and whether he is blocked; others build upon it.
POST_STANDING = sa.select(
    Post.id.label("post_id"),
    Post.role,
    _IN_FORCE.label("post_in_force"),
    sa.func.timezone(LAW_ZONE.key, sa.cast(Post.valid_from, sa.DateTime())).label("post_began_at"),
    _BLOCKED.label("blocked"),
).where(
    Post.id == sa.bindparam("post_id", type_=sa.Uuid()),
    Post.person_id == sa.bindparam("person_id", type_=sa.Uuid()),
)
# Who asks a register, and whether the person asked about serves in his department.
_other, _others = sa.orm.aliased(Post), sa.orm.aliased(Person)
_REQUESTER = (
    sa.select(
        Person.iin,
        Department.bin,
        Post.department_id,
        Post.role,
        sa.exists()
        .where(
            _others.iin == sa.bindparam("about_iin", type_=sa.String(12)),
            _other.person_id == _others.id,
            _other.department_id == Post.department_id,
            _other.valid_from <= _TODAY,
            sa.or_(_other.valid_to.is_(None), _other.valid_to >= _TODAY),
        )
        .label("about_colleague"),
    )
    .join(Person, Person.id == Post.person_id)
    .join(Department, Department.id == Post.department_id)
    .where(
        Post.id == sa.bindparam("post_id", type_=sa.Uuid()),
        Post.person_id == sa.bindparam("person_id", type_=sa.Uuid()),
    )
)
_ANY_LIVING = (
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
_ANY_HELD = _ANY_LIVING.with_for_update(read=True)
_THIS_HELD = _ANY_HELD.where(SessionRow.id == sa.bindparam("session_id", type_=sa.Uuid()))
# Days of the law's zone become instants, so that each link counts for its own time alone.
_SUBORDINATES = sa.text("""
    WITH RECURSIVE asked AS (
        SELECT tstzrange(CAST(:begin AS timestamptz), CAST(:end AS timestamptz)) AS span
    ), link AS (
        SELECT person_id, superior_id, tstzrange(
            timezone(:zone, CAST(valid_from AS timestamp)),
            timezone(:zone, CAST(valid_to + 1 AS timestamp))) AS span
        FROM superiors
    ), below AS (
        SELECT link.person_id, link.span * asked.span AS span,
               ARRAY[link.superior_id, link.person_id] AS path
        FROM link JOIN asked ON link.span && asked.span
        WHERE link.superior_id = :superior_id
        UNION ALL
        SELECT link.person_id, link.span * below.span, below.path || link.person_id
        FROM below JOIN link ON link.superior_id = below.person_id AND link.span && below.span
        WHERE link.person_id <> ALL (below.path)
    ), held AS (
        SELECT id, person_id, tstzrange(
            timezone(:zone, CAST(valid_from AS timestamp)),
            timezone(:zone, CAST(valid_to + 1 AS timestamp))) AS span
        FROM posts
    )
    SELECT below.person_id, held.id, lower(below.span * held.span), upper(below.span * held.span)
    FROM below JOIN held ON held.person_id = below.person_id AND held.span && below.span
    ORDER BY 3, 1, 2
""")
_ABOVE_HIMSELF = sa.text("""
    WITH RECURSIVE chain AS (
        SELECT person_id AS begun, superior_id, daterange(valid_from, valid_to, '[]') AS days
        FROM superiors
        UNION
        SELECT chain.begun, link.superior_id,
               chain.days * daterange(link.valid_from, link.valid_to, '[]')
        FROM chain JOIN superiors AS link ON link.person_id = chain.superior_id
          AND daterange(link.valid_from, link.valid_to, '[]') && chain.days
        WHERE chain.begun <> chain.superior_id
    )
    SELECT EXISTS (SELECT FROM chain WHERE begun = superior_id)
""")
_ABOVE = sa.text("""
    WITH RECURSIVE above AS (
        SELECT superior_id FROM superiors
        WHERE person_id = :person_id
          AND valid_from <= :today AND (valid_to IS NULL OR valid_to >= :today)
        UNION
        SELECT link.superior_id FROM above
        JOIN superiors AS link ON link.person_id = above.superior_id
          AND link.valid_from <= :today AND (link.valid_to IS NULL OR link.valid_to >= :today)
    )
    SELECT superior_id FROM above
""").bindparams(sa.bindparam("today", type_=sa.Date()), sa.bindparam("person_id", type_=sa.Uuid()))


@dataclass(frozen=True, kw_only=True)
class StaffMember:
    """A post with its person and department."""

    post: Post
    person: Person
    department: Department


async def session_by_token(direct: Direct, *, token_sha256: bytes) -> Any:
    """Return a session's row with its post's department, role and dates, or nothing."""
    return await direct.row(_SESSION, token_sha256)


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


async def put_block(session: AsyncSession, block: BlockRow) -> None:
    """Store a block."""
    session.add(block)
    await session.flush()


async def block_for_update(session: AsyncSession, *, person_id: UUID) -> BlockRow | None:
    """Return the block of a person that stands, locked."""
    found: BlockRow | None = await session.scalar(
        sa.select(BlockRow)
        .where(BlockRow.person_id == person_id, BlockRow.lifted_at.is_(None))
        .with_for_update()
    )
    return found


async def blocks_of(session: AsyncSession, *, person_id: UUID, limit: int) -> list[BlockRow]:
    """Return a person's blocks, the newest first."""
    rows = await session.scalars(
        sa.select(BlockRow)
        .where(BlockRow.person_id == person_id)
        .order_by(BlockRow.blocked_at.desc())
        .limit(limit)
    )
    return list(rows)


async def is_blocked(session: AsyncSession, *, person_id: UUID) -> bool:
    """Return whether a block of the person stands."""
    return bool(
        await session.scalar(
            sa.select(
                sa.exists().where(BlockRow.person_id == person_id, BlockRow.lifted_at.is_(None))
            )
        )
    )


async def lock_person(session: AsyncSession, person_id: UUID) -> bool:
    """Lock a person for what is decided about him; false if there is no such person."""
    found = await session.scalar(
        sa.select(Person.id).where(Person.id == person_id).with_for_update()
    )
    return found is not None


async def living_session(
    session: AsyncSession,
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
        found: UUID | None = await session.scalar(_THIS_HELD, values | {"session_id": session_id})
        return found
    return await session.scalar(_ANY_HELD if hold else _ANY_LIVING, values)


async def requester(
    session: AsyncSession, *, person_id: UUID, post_id: UUID, about_iin: str | None, today: date
) -> Any:
    """Return IIN, body, role and whether he asks about a colleague; nothing if no such post."""
    values = {"person_id": person_id, "post_id": post_id, "about_iin": about_iin, "today": today}
    return (await session.execute(_REQUESTER, values)).first()


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


async def newest_proof(
    session: AsyncSession, *, issuer_key_sha256: bytes, serial: str, since: datetime
) -> RevocationProofRow | None:
    """Return the newest proof about a certificate that is not older than ``since``."""
    proof: RevocationProofRow | None = await session.scalar(
        sa.select(RevocationProofRow)
        .where(
            RevocationProofRow.issuer_key_sha256 == issuer_key_sha256,
            RevocationProofRow.certificate_serial == serial,
            RevocationProofRow.as_of >= since,
        )
        .order_by(RevocationProofRow.as_of.desc())
        .limit(1)
    )
    return proof


async def newest_list(
    session: AsyncSession, *, issuer_key_sha256: bytes, is_delta: bool
) -> RevocationListRow | None:
    """Return the list, or delta, of the highest number that we have seen of an authority."""
    found: RevocationListRow | None = await session.scalar(
        sa.select(RevocationListRow)
        .where(
            RevocationListRow.issuer_key_sha256 == issuer_key_sha256,
            RevocationListRow.is_delta.is_(is_delta),
        )
        .order_by(RevocationListRow.number.desc(), RevocationListRow.received_at.desc())
        .limit(1)
    )
    return found


async def list_by_content(session: AsyncSession, content_sha256: bytes) -> RevocationListRow | None:
    """Return the list with this content, if we have it."""
    found: RevocationListRow | None = await session.scalar(
        sa.select(RevocationListRow).where(RevocationListRow.content_sha256 == content_sha256)
    )
    return found


async def challenge_for_update(session: AsyncSession, challenge_id: UUID) -> Challenge | None:
    """Return a challenge, locked: of two answers at once the second sees it used."""
    return await session.get(Challenge, challenge_id, with_for_update=True)


async def purge_challenges(session: AsyncSession, *, now: datetime) -> None:
    """Delete some challenges long expired, so that asking for many fills nothing for ever."""
    old = (
        sa.select(Challenge.id)
        .where(Challenge.expires_at < now - _PURGE_AFTER)
        .limit(_PURGE_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    await session.execute(sa.delete(Challenge).where(Challenge.id.in_(old)))


async def members_by_post(session: AsyncSession, post_ids: Iterable[UUID]) -> list[StaffMember]:
    """Return the members of staff who hold these posts."""
    return await _members(session, _CARD.where(Post.id.in_(list(post_ids))))


async def members_by_iin(
    session: AsyncSession, *, iin: str, today: date
) -> tuple[Person | None, list[StaffMember]]:
    """Return the person of an IIN, and the post in force, if any."""
    person = await session.scalar(sa.select(Person).where(Person.iin == iin))
    if person is None:
        return None, []
    return person, await _members(session, _in_force(today).where(Post.person_id == person.id))


async def members_by_person(
    session: AsyncSession, *, person_ids: Iterable[UUID], today: date
) -> list[StaffMember]:
    """Return the posts in force of these people, in the order of their names."""
    in_force = _in_force(today).where(Person.id.in_(list(person_ids)))
    return await _members(session, in_force.order_by(Person.sort_key))


async def last_member(session: AsyncSession, *, person_id: UUID) -> StaffMember | None:
    """Return the post of a person that began last, if he ever had one."""
    newest = _CARD.where(Person.id == person_id).order_by(Post.valid_from.desc()).limit(1)
    members = await _members(session, newest)
    return members[0] if members else None


async def members_of_department(
    session: AsyncSession, *, department_id: UUID, today: date
) -> list[StaffMember]:
    """Return those in post in a department today, in the order of their names."""
    return await _members(
        session,
        _in_force(today).where(Post.department_id == department_id).order_by(Person.sort_key),
    )


async def subordinates(
    session: AsyncSession, *, superior_id: UUID, begin: datetime, end: datetime
) -> list[tuple[UUID, UUID, datetime, datetime]]:
    """Return person, post, begin and end of all who were under a superior, at any distance."""
    rows = await session.execute(
        _SUBORDINATES,
        {"superior_id": superior_id, "begin": begin, "end": end, "zone": LAW_ZONE.key},
    )
    return [(row[0], row[1], row[2], row[3]) for row in rows]


async def superiors_recorded(session: AsyncSession, person_ids: Sequence[UUID]) -> list[Superior]:
    """Return every superior that these people have or had."""
    rows = await session.scalars(sa.select(Superior).where(Superior.person_id.in_(person_ids)))
    return list(rows)


async def someone_above_himself(session: AsyncSession) -> bool:
    """Return whether on some day somebody stands above himself, at any distance."""
    return bool(await session.scalar(_ABOVE_HIMSELF))


async def superior(session: AsyncSession, *, person_id: UUID, today: date) -> UUID | None:
    """Return a person's direct superior on a day, if any."""
    found: UUID | None = await session.scalar(
        sa.select(Superior.superior_id).where(
            Superior.person_id == person_id,
            Superior.valid_from <= today,
            sa.or_(Superior.valid_to.is_(None), Superior.valid_to >= today),
        )
    )
    return found


async def superiors_above(session: AsyncSession, *, person_id: UUID, today: date) -> set[UUID]:
    """Return everybody above a person on a day, at any distance."""
    rows = await session.scalars(_ABOVE, {"person_id": person_id, "today": today})
    return set(rows)


async def superiors_between(
    session: AsyncSession, *, first: date, last: date
) -> Sequence[Superior]:
    """Return the links that were in force on a day from ``first`` to ``last``."""
    rows = await session.scalars(
        sa.select(Superior).where(
            Superior.valid_from <= last,
            sa.or_(Superior.valid_to.is_(None), Superior.valid_to >= first),
        )
    )
    return rows.all()


async def posts_between(
    session: AsyncSession, *, role: Role, first: date, last: date
) -> Sequence[Post]:
    """Return the posts of a role that were in force on a day from ``first`` to ``last``."""
    rows = await session.scalars(
        sa.select(Post).where(
            Post.role == role,
            Post.valid_from <= last,
            sa.or_(Post.valid_to.is_(None), Post.valid_to >= first),
        )
    )
    return rows.all()


async def people_by_id(session: AsyncSession, ids: Sequence[UUID]) -> Sequence[Person]:
    """Return these people in the order of their names."""
    rows = await session.scalars(
        sa.select(Person).where(Person.id.in_(ids)).order_by(Person.sort_key, Person.id)
    )
    return rows.all()


async def departments_by_bin(session: AsyncSession, bins: Sequence[str]) -> dict[str, Department]:
    """Return the departments with these BINs."""
    rows = await session.scalars(sa.select(Department).where(Department.bin.in_(bins)))
    return {row.bin: row for row in rows}


async def people_by_iin(session: AsyncSession, iins: Sequence[str]) -> dict[str, Person]:
    """Return the people with these IINs."""
    rows = await session.scalars(sa.select(Person).where(Person.iin.in_(iins)))
    return {row.iin: row for row in rows}


async def posts_of(session: AsyncSession, person_ids: Sequence[UUID]) -> list[Post]:
    """Return every post that these people hold or held."""
    rows = await session.scalars(sa.select(Post).where(Post.person_id.in_(person_ids)))
    return list(rows)


def posts_in_force(today: date) -> sa.Select[UUID, UUID]:
    """Return the ids of the posts in force on a day, with their people; others join it."""
    return sa.select(Post.id, Post.person_id).where(
        Post.valid_from <= today, sa.or_(Post.valid_to.is_(None), Post.valid_to >= today)
    )


def _in_force(today: date) -> sa.Select[Post, Person, Department]:
    return _CARD.where(
        Post.valid_from <= today, sa.or_(Post.valid_to.is_(None), Post.valid_to >= today)
    )


async def _members(
    session: AsyncSession, statement: sa.Select[Post, Person, Department]
) -> list[StaffMember]:
    rows = await session.execute(statement)
    return [
        StaffMember(post=post, person=person, department=department)
        for post, person, department in rows
    ]
