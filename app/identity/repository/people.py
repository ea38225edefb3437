"""Statements over people, posts and departments. Those of every request are built once."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Role
from app.clock import LAW_ZONE
from app.identity.models import (
    BlockRow,
    Department,
    Person,
    Post,
)

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
# Who asks a register, and whether the person asked about serves in his department; others build
# upon it.
_other, _others = sa.orm.aliased(Post), sa.orm.aliased(Person)
REQUESTER = (
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


@dataclass(frozen=True, kw_only=True)
class StaffMember:
    """A post with its person and department."""

    post: Post
    person: Person
    department: Department


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


async def members_found(
    session: AsyncSession,
    *,
    person_ids: Collection[UUID],
    words: str,
    today: date,
    skip: int,
    limit: int,
) -> list[StaffMember]:
    """Return those of these people in post whose name or badge holds ``words``, by name."""
    among = sa.literal(list(person_ids), sa.ARRAY(sa.Uuid()))  # one parameter, however many
    query = _CARD.where(_IN_FORCE, Person.id == sa.any_(among))
    if words:
        name = sa.func.concat_ws(" ", Person.surname, Person.given_name, Person.patronymic)
        query = query.where(
            sa.or_(
                name.icontains(words, autoescape=True),
                Post.badge.icontains(words, autoescape=True),
            )
        )
    query = query.order_by(Person.sort_key, Person.id).offset(skip).limit(limit)
    rows = await session.execute(query, {"today": today})
    return [StaffMember(post=row[0], person=row[1], department=row[2]) for row in rows]
