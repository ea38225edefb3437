"""Statements over who is whose superior, as it is and as it was."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.clock import LAW_ZONE
from app.identity.models import (
    Superior,
)

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
