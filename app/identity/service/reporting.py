"""Who reported to whom over a time, and who held a role: for departmental control."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Role
from app.identity import repository
from app.identity.rules.names import full_name


@dataclass(frozen=True, kw_only=True)
class ReportingLine:
    """Somebody's direct superior from one day to another, both included."""

    person_id: UUID
    superior_id: UUID
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True, kw_only=True)
class RoleHeld:
    """Somebody held a role from one day to another, both included."""

    person_id: UUID
    valid_from: date
    valid_to: date | None


async def reporting_lines(
    session: AsyncSession, *, first: date, last: date
) -> tuple[ReportingLine, ...]:
    """Return every line that was in force on a day from ``first`` to ``last``."""
    rows = await repository.superiors_between(session, first=first, last=last)
    return tuple(
        ReportingLine(
            person_id=row.person_id,
            superior_id=row.superior_id,
            valid_from=row.valid_from,
            valid_to=row.valid_to,
        )
        for row in rows
    )


async def holders_of(
    session: AsyncSession, *, role: Role, first: date, last: date
) -> tuple[RoleHeld, ...]:
    """Return who held ``role`` on a day from ``first`` to ``last``."""
    rows = await repository.posts_between(session, role=role, first=first, last=last)
    return tuple(
        RoleHeld(person_id=row.person_id, valid_from=row.valid_from, valid_to=row.valid_to)
        for row in rows
    )


async def names_of(session: AsyncSession, people: Iterable[UUID]) -> dict[UUID, str]:
    """Return the full names of people, in the order of their names."""
    rows = await repository.people_by_id(session, list(people))
    return {row.id: full_name(row.surname, row.given_name, row.patronymic) for row in rows}


async def person_ids(session: AsyncSession, *, iins: Iterable[str]) -> dict[str, UUID]:
    """Return who these personal numbers belong to; those of nobody here are left out."""
    known = await repository.people_by_iin(session, sorted(set(iins)))
    return {iin: person.id for iin, person in known.items()}
