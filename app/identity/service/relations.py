"""Who is whose superior, as it is or was; days of the law's zone, both included."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.clock import law_date
from app.identity import repository


@dataclass(frozen=True, kw_only=True)
class Subordination:
    """That a person in a post was a superior's subordinate from ``begin`` until before ``end``."""

    person_id: UUID
    post_id: UUID
    begin: datetime
    end: datetime


async def subordinates_in(
    session: AsyncSession, *, superior_id: UUID, begin: datetime, end: datetime
) -> list[Subordination]:
    """Return everybody under a superior, at any distance, within ``begin`` and ``end``.

    As it was then: each link counts for its own days alone, and each post for its own. A person
    may stand there several times; the superior himself never does.
    """
    rows = await repository.subordinates(session, superior_id=superior_id, begin=begin, end=end)
    return [
        Subordination(person_id=person_id, post_id=post_id, begin=since, end=until)
        for person_id, post_id, since, until in rows
    ]


async def superior_of(session: AsyncSession, *, person_id: UUID, at: datetime) -> UUID | None:
    """Return a person's direct superior at ``at``, if one was named."""
    return await repository.superior(session, person_id=person_id, today=law_date(at))


async def is_subordinate(
    session: AsyncSession, *, person_id: UUID, superior_id: UUID, at: datetime
) -> bool:
    """Return whether ``person_id`` is under ``superior_id`` at ``at``, at any distance."""
    above = await repository.superiors_above(session, person_id=person_id, today=law_date(at))
    return superior_id in above


async def superiors_of(session: AsyncSession, *, person_id: UUID, at: datetime) -> set[UUID]:
    """Return everybody above a person at ``at``, at any distance."""
    return await repository.superiors_above(session, person_id=person_id, today=law_date(at))
