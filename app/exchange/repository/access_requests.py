"""Statements over requests for access, rights and agreements; the hot one is in ``access``."""

from collections.abc import Collection
from datetime import date, datetime
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncSession

from app.exchange.models import (
    AccessGrantRow,
    AccessRequestRow,
    AgreementRow,
    AgreementSignatureRow,
)
from app.exchange.rules.access import AccessStage
from app.identity.service import posts_in_force

_AGREEMENT_LOCK: Final = 0x5A0A0D1B  # with a person: two signatures of one version at once
_UNDECIDED: Final = AccessRequestRow.stage == AccessStage.REQUESTED


async def put_request(session: AsyncSession, row: AccessRequestRow) -> None:
    """Store a request.

    Raises:
        IntegrityError: another of the person is undecided.
    """
    session.add(row)
    await session.flush()


async def request(
    session: AsyncSession, request_id: UUID, *, lock: bool = False
) -> AccessRequestRow | None:
    """Return a request, locked where it is to be decided."""
    return await session.get(AccessRequestRow, request_id, with_for_update=lock or None)


async def undecided(session: AsyncSession, *, limit: int) -> list[AccessRequestRow]:
    """Return the undecided requests, the oldest first."""
    rows = await session.scalars(
        sa.select(AccessRequestRow)
        .where(_UNDECIDED)
        .order_by(AccessRequestRow.received_at, AccessRequestRow.id)
        .limit(limit)
    )
    return list(rows)


async def requests_of(
    session: AsyncSession, *, person_id: UUID, limit: int
) -> list[AccessRequestRow]:
    """Return a person's requests, the newest first."""
    rows = await session.scalars(
        sa.select(AccessRequestRow)
        .where(AccessRequestRow.person_id == person_id)
        .order_by(AccessRequestRow.filed_at.desc(), AccessRequestRow.id)
        .limit(limit)
    )
    return list(rows)


async def requests_since(
    session: AsyncSession,
    *,
    received_before: datetime,
    limit: int,
    alarmed: bool | None = None,
    overdue: bool | None = None,
) -> list[AccessRequestRow]:
    """Return undecided requests received by then and not yet marked, locked."""
    rows = sa.select(AccessRequestRow).where(
        _UNDECIDED, AccessRequestRow.received_at <= received_before
    )
    if alarmed is False:
        rows = rows.where(AccessRequestRow.alarmed_at.is_(None))
    if overdue is False:
        rows = rows.where(AccessRequestRow.overdue_at.is_(None))
    return list(await session.scalars(rows.limit(limit).with_for_update(skip_locked=True)))


async def overdue_requests(
    session: AsyncSession, *, received_before: datetime, limit: int
) -> list[AccessRequestRow]:
    """Return what was decided too late, and what is late now, the newest first."""
    late = sa.and_(_UNDECIDED, AccessRequestRow.received_at <= received_before)
    rows = await session.scalars(
        sa.select(AccessRequestRow)
        .where(sa.or_(AccessRequestRow.overdue_at.is_not(None), late))
        .order_by(AccessRequestRow.filed_at.desc())
        .limit(limit)
    )
    return list(rows)


async def newest_stages(
    session: AsyncSession, *, person_ids: Collection[UUID]
) -> dict[UUID, AccessStage]:
    """Return the stage of each person's newest request."""
    rows = await session.execute(
        sa.select(AccessRequestRow.person_id, AccessRequestRow.stage)
        .where(AccessRequestRow.person_id.in_(list(person_ids)))
        .ext(postgresql.distinct_on(AccessRequestRow.person_id))
        .order_by(AccessRequestRow.person_id, AccessRequestRow.filed_at.desc())
    )
    return {row.person_id: row.stage for row in rows}


async def people_with_access(session: AsyncSession) -> set[UUID]:
    """Return whoever asked for access or holds rights."""
    people = sa.union(sa.select(AccessRequestRow.person_id), sa.select(AccessGrantRow.person_id))
    return set(await session.scalars(people))


async def grant_in_force(
    session: AsyncSession, *, person_id: UUID, now: datetime
) -> AccessGrantRow | None:
    """Return a person's rights, locked."""
    found: AccessGrantRow | None = await session.scalar(
        sa.select(AccessGrantRow)
        .where(AccessGrantRow.person_id == person_id, _in_force(now))
        .with_for_update()
    )
    return found


async def grants_of(session: AsyncSession, *, person_id: UUID, limit: int) -> list[AccessGrantRow]:
    """Return what a person was granted, the newest first."""
    rows = await session.scalars(
        sa.select(AccessGrantRow)
        .where(AccessGrantRow.person_id == person_id)
        .order_by(AccessGrantRow.valid_from.desc())
        .limit(limit)
    )
    return list(rows)


async def grants_of_other_posts(
    session: AsyncSession, *, now: datetime, today: date, limit: int
) -> list[AccessGrantRow]:
    """Return rights in force whose holder is in another post now, locked."""
    post = posts_in_force(today).subquery()
    rows = await session.scalars(
        sa.select(AccessGrantRow)
        .join(post, post.c.person_id == AccessGrantRow.person_id)
        .where(_in_force(now), AccessGrantRow.post_id != post.c.id)
        .limit(limit)
        .with_for_update(of=AccessGrantRow)
    )
    return list(rows)


async def grants_past_deadline(
    session: AsyncSession, *, now: datetime, limit: int
) -> list[AccessGrantRow]:
    """Return rights in force whose deadline has passed and is not recorded, locked."""
    rows = await session.scalars(
        sa.select(AccessGrantRow)
        .where(
            AccessGrantRow.deadline_at <= now,
            AccessGrantRow.suspended_at.is_(None),
            _in_force(now),
        )
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(rows)


async def put_grant(session: AsyncSession, grant: AccessGrantRow) -> None:
    """Store rights."""
    session.add(grant)
    await session.flush()


async def end_grant(session: AsyncSession, *, person_id: UUID, now: datetime) -> datetime:
    """End a person's rights and return when others may begin.

    That is ``now``, or a moment later where another process with a faster clock has given them.
    """
    grant = await session.scalar(
        sa.select(AccessGrantRow)
        .where(AccessGrantRow.person_id == person_id, AccessGrantRow.valid_to.is_(None))
        .with_for_update()
    )
    if grant is None:
        return now
    grant.valid_to = max(now, grant.valid_from)
    await session.flush()
    return grant.valid_to


async def current_agreement(session: AsyncSession, *, now: datetime) -> AgreementRow | None:
    """Return the agreement in force."""
    found: AgreementRow | None = await session.scalar(
        sa.select(AgreementRow)
        .where(AgreementRow.valid_from <= now)
        .order_by(AgreementRow.valid_from.desc(), AgreementRow.version.desc())
        .limit(1)
    )
    return found


async def last_agreement_version(session: AsyncSession) -> int:
    """Return the highest version there is, 0 where there is none."""
    return await session.scalar(sa.select(sa.func.max(AgreementRow.version))) or 0


async def put_agreement(session: AsyncSession, row: AgreementRow) -> None:
    """Store a version of the agreement."""
    session.add(row)
    await session.flush()


async def lock_agreement_of(session: AsyncSession, *, person_id: UUID) -> None:
    """Let one signature of a person wait for the other."""
    await session.execute(
        sa.select(sa.func.pg_advisory_xact_lock(_AGREEMENT_LOCK, sa.func.hashtext(str(person_id))))
    )


async def agreement_signature(
    session: AsyncSession, *, person_id: UUID, agreement_id: UUID
) -> AgreementSignatureRow | None:
    """Return how a person signed a version, if he did."""
    found: AgreementSignatureRow | None = await session.scalar(
        sa.select(AgreementSignatureRow).where(
            AgreementSignatureRow.person_id == person_id,
            AgreementSignatureRow.agreement_id == agreement_id,
        )
    )
    return found


async def agreements_of(session: AsyncSession, *, person_id: UUID) -> list[tuple[int, datetime]]:
    """Return the versions that a person signed and when, the newest first."""
    rows = await session.execute(
        sa.select(AgreementRow.version, AgreementSignatureRow.signed_at)
        .join(AgreementRow, AgreementRow.id == AgreementSignatureRow.agreement_id)
        .where(AgreementSignatureRow.person_id == person_id)
        .order_by(AgreementSignatureRow.signed_at.desc())
    )
    return [(version, at) for version, at in rows]


async def put_agreement_signature(session: AsyncSession, row: AgreementSignatureRow) -> None:
    """Store that a version was signed."""
    session.add(row)
    await session.flush()


def _in_force(now: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(
        AccessGrantRow.valid_from <= now,
        sa.or_(AccessGrantRow.valid_to.is_(None), AccessGrantRow.valid_to > now),
    )
