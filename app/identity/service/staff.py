"""The staff list: taken from the personnel service's file, read by every slice."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Role
from app.audit.service import AuditTrail
from app.clock import law_date
from app.identity import errors, repository
from app.identity.models import Department, Person, Post, Superior
from app.identity.repository import StaffMember
from app.identity.rules.names import full_name, sort_key
from app.identity.schemas import StaffEntry, StaffFile
from app.identity.service.boundaries import keep_boundaries
from app.iin import IinNotValid, parse_iin


@dataclass(frozen=True, kw_only=True)
class PostCard:
    """Who holds a post, for papers, pages and requests to registers."""

    post_id: UUID
    person_id: UUID
    department_id: UUID
    department_bin: str
    department_name_kk: str
    department_name_ru: str
    role: Role
    title: str
    badge: str
    full_name: str
    iin: str = field(repr=False)  # for registers, which want the requester's; never for a log


@dataclass(frozen=True, kw_only=True)
class Requester:
    """Who asks a register: what the register is told of him, and whom he asks about."""

    iin: str = field(repr=False)
    department_id: UUID
    department_bin: str
    role: Role
    about_colleague: bool


@dataclass(frozen=True, kw_only=True)
class StaffImported:
    """How many entries an import added and changed."""

    added: int
    changed: int


async def import_staff(
    session: AsyncSession,
    *,
    document: StaffFile,
    now: datetime,
    trail: AuditTrail | None = None,
) -> StaffImported:
    """Make the staff list say what ``document`` says; repeating it changes nothing.

    Entries are known again by BIN, by IIN, and a post by person, department, role and first day.
    Who is not in the file stays as recorded: a post ends by its last day in the file.

    Args:
        session: the transaction of the import.
        document: the personnel service's file.
        now: the instant of the import.
        trail: records ``identity.staff_imported``; give it wherever a person can sign in.

    Raises:
        StaffFileNotValid: an IIN, a BIN or the dates contradict something; nothing is taken.
    """
    count = _Count()
    departments = await _departments(session, document, count)
    added, changed = await keep_boundaries(session, listed=document.departments, known=departments)
    count.added, count.changed = count.added + added, count.changed + changed
    people = await _people(session, document.staff, count)
    await _posts(session, document.staff, people, departments, count)
    try:
        await session.flush()
    except IntegrityError as error:
        raise errors.StaffFileNotValid("a person would hold two posts at once") from error
    await _superiors(session, document.staff, people, count)
    imported = StaffImported(added=count.added, changed=count.changed)
    if trail is not None:
        await trail.record(
            session,
            event="identity.staff_imported",
            at=now,
            who=None,
            fields={
                "departments": len(document.departments),
                "staff": len(document.staff),
                "added": imported.added,
                "changed": imported.changed,
            },
        )
    return imported


async def posts_by_id(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, PostCard]:
    """Return the cards of these posts; unknown ids are left out."""
    members = await repository.members_by_post(session, ids)
    return {member.post.id: _card(member) for member in members}


def requester_from(row: Sequence[Any]) -> Requester | None:
    """Return who asks through a post of his, of a row of ``REQUESTER``; ``None`` if not his.

    ``about_colleague`` says whether the person asked about serves in the same department today.
    """
    iin, department_bin, department_id, role, about_colleague = row
    if iin is None:
        return None
    return Requester(
        iin=iin,
        department_id=department_id,
        department_bin=department_bin,
        role=Role(role),
        about_colleague=about_colleague,
    )


async def post_of_iin(session: AsyncSession, *, iin: str, now: datetime) -> PostCard | None:
    """Return the card of the post that the person of an IIN holds at ``now``, if any."""
    _, members = await repository.members_by_iin(session, iin=iin, today=law_date(now))
    return _card(members[0]) if members else None


async def posts_of_people(
    session: AsyncSession, *, person_ids: Iterable[UUID], now: datetime
) -> dict[UUID, PostCard]:
    """Return by person the cards of the posts that these people hold at ``now``."""
    members = await repository.members_by_person(
        session, person_ids=person_ids, today=law_date(now)
    )
    return {member.person.id: _card(member) for member in members}


async def posts_found(
    session: AsyncSession,
    *,
    person_ids: Collection[UUID],
    words: str,
    now: datetime,
    skip: int,
    limit: int,
) -> list[PostCard]:
    """Return the cards of those of these people in post whose name or badge holds ``words``."""
    members = await repository.members_found(
        session, person_ids=person_ids, words=words, today=law_date(now), skip=skip, limit=limit
    )
    return [_card(member) for member in members]


async def last_post_of(session: AsyncSession, *, person_id: UUID) -> PostCard | None:
    """Return the card of a person's post that began last, in force or not."""
    member = await repository.last_member(session, person_id=person_id)
    return None if member is None else _card(member)


async def staff_of_department(
    session: AsyncSession, *, department_id: UUID, now: datetime
) -> list[PostCard]:
    """Return the cards of those in post in a department at ``now``, in the order of names."""
    members = await repository.members_of_department(
        session, department_id=department_id, today=law_date(now)
    )
    return [_card(member) for member in members]


def _card(member: StaffMember) -> PostCard:
    person, department, post = member.person, member.department, member.post
    return PostCard(
        post_id=post.id,
        person_id=person.id,
        department_id=department.id,
        department_bin=department.bin,
        department_name_kk=department.name_kk,
        department_name_ru=department.name_ru,
        role=post.role,
        title=post.title,
        badge=post.badge,
        full_name=full_name(person.surname, person.given_name, person.patronymic),
        iin=person.iin,
    )


@dataclass
class _Count:
    added: int = 0
    changed: int = 0

    def apply(self, row: object, values: Mapping[str, object]) -> None:
        different = {name: value for name, value in values.items() if getattr(row, name) != value}
        for name, value in different.items():
            setattr(row, name, value)
        self.changed += bool(different)


async def _departments(
    session: AsyncSession, document: StaffFile, count: _Count
) -> dict[str, Department]:
    listed = document.departments
    bins = {one.bin for one in listed} | {one.parent_bin for one in listed if one.parent_bin}
    bins |= {one.department_bin for one in document.staff}
    known = await repository.departments_by_bin(session, sorted(bins))
    for one in listed:
        parent = None
        if one.parent_bin is not None:
            if one.parent_bin not in known or one.parent_bin == one.bin:
                raise errors.StaffFileNotValid("a department's parent is unknown", bin=one.bin)
            parent = known[one.parent_bin].id
        values = {"name_kk": one.name_kk, "name_ru": one.name_ru, "parent_id": parent}
        if one.bin in known:
            count.apply(known[one.bin], values)
            continue
        known[one.bin] = Department(id=uuid4(), bin=one.bin, **values)
        session.add(known[one.bin])
        await session.flush()  # a child's row wants its parent's
        count.added += 1
    return known


async def _people(
    session: AsyncSession, listed: Sequence[StaffEntry], count: _Count
) -> dict[str, Person]:
    known = await repository.people_by_iin(session, [one.iin for one in listed])
    for place, one in enumerate(listed):
        try:
            parse_iin(one.iin)
        except IinNotValid as error:
            raise errors.StaffFileNotValid("an IIN cannot be one", place=place) from error
        values = {
            "surname": one.surname,
            "given_name": one.given_name,
            "patronymic": one.patronymic,
            "sort_key": sort_key(full_name(one.surname, one.given_name, one.patronymic)),
        }
        if one.iin in known:
            count.apply(known[one.iin], values)
            continue
        known[one.iin] = Person(id=uuid4(), iin=one.iin, **values)
        session.add(known[one.iin])
        count.added += 1
    await session.flush()
    return known


async def _posts(
    session: AsyncSession,
    listed: Sequence[StaffEntry],
    people: Mapping[str, Person],
    departments: Mapping[str, Department],
    count: _Count,
) -> None:
    recorded = await repository.posts_of(session, [person.id for person in people.values()])
    known = {(row.person_id, row.department_id, row.role, row.valid_from): row for row in recorded}
    for place, one in enumerate(listed):
        department = departments.get(one.department_bin)
        if department is None:
            raise errors.StaffFileNotValid("a post is in an unknown department", place=place)
        if one.valid_to is not None and one.valid_to < one.valid_from:
            raise errors.StaffFileNotValid("a post ends before it begins", place=place)
        key = (people[one.iin].id, department.id, one.role, one.valid_from)
        values = {"title": one.title, "badge": one.badge, "valid_to": one.valid_to}
        if key in known:
            count.apply(known[key], values)
            continue
        known[key] = Post(
            id=uuid4(),
            person_id=key[0],
            department_id=key[1],
            role=key[2],
            valid_from=key[3],
            **values,
        )
        session.add(known[key])
        count.added += 1


async def _superiors(
    session: AsyncSession,
    listed: Sequence[StaffEntry],
    people: Mapping[str, Person],
    count: _Count,
) -> None:
    """Enter whose superior an entry names, for the days of the entry's post."""
    named = [one for one in listed if one.superior_iin is not None]
    known_people = dict(people) | await repository.people_by_iin(
        session, sorted({one.superior_iin or "" for one in named} - people.keys())
    )
    recorded = await repository.superiors_recorded(session, [one.id for one in people.values()])
    known = {(row.person_id, row.valid_from): row for row in recorded}
    for place, one in enumerate(listed):
        row = known.get((people[one.iin].id, one.valid_from))
        if one.superior_iin is None:
            if row is not None:  # the post's last day is its superior's too
                count.apply(row, {"valid_to": one.valid_to})
            continue
        superior = known_people.get(one.superior_iin)
        if superior is None or superior.iin == one.iin:
            raise errors.StaffFileNotValid("a superior is unknown or himself", place=place)
        values = {"superior_id": superior.id, "valid_to": one.valid_to}
        if row is not None:
            count.apply(row, values)
            continue
        session.add(
            Superior(
                id=uuid4(),
                person_id=people[one.iin].id,
                superior_id=superior.id,
                valid_from=one.valid_from,
                valid_to=one.valid_to,
            )
        )
        count.added += 1
    try:
        await session.flush()
    except IntegrityError as error:
        raise errors.StaffFileNotValid("a person would have two superiors at once") from error
    if await repository.someone_above_himself(session):
        raise errors.StaffFileNotValid("somebody would be his own superior's superior")
