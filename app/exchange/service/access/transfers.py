"""Transfer to another post: rights are cut at once, and end after a day without a new request."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.audit.service import AuditTrail
from app.clock import law_date
from app.db import Sessions, driver_of, transaction
from app.exchange.errors import access as errors
from app.exchange.models import AccessGrantRow
from app.exchange.repository import access as standings
from app.exchange.repository import access_requests as repository
from app.exchange.rules.access import (
    TRANSFER_WITHIN,
    GrantOrigin,
    Rights,
    rights_of_role,
)
from app.exchange.rules.bases import rule_set_on
from app.exchange.service.access.people import reachable
from app.identity import service as identity
from app.identity.service import PostCard

_AT_ONCE_MAX: Final = 5_000  # people moved by one personnel file


async def note_transfer(
    sessions: Sessions,
    *,
    trail: AuditTrail,
    caller: Principal,
    person_id: UUID,
    now: datetime,
) -> datetime:
    """Record that a person was moved; return until when what is left of his rights stands.

    Raises:
        AccessPersonNotFound: nobody the caller has to do with.
        NothingToTransfer: he holds no rights, or those of his present post.
    """
    async with transaction(sessions) as session:
        await reachable(session, caller=caller, person_id=person_id, now=now)
        posts = await identity.posts_of_people(session, person_ids=[person_id], now=now)
        if person_id not in posts:
            raise errors.NothingToTransfer("the person holds no post")
        grant = await repository.grant_in_force(session, person_id=person_id, now=now)
        if grant is None or grant.post_id == posts[person_id].post_id:
            raise errors.NothingToTransfer("the person holds no rights of another post")
        return await _move(
            session, trail, grant, posts[person_id], caller=caller, learned_at=None, now=now
        )


async def note_transfers(
    session: AsyncSession, *, trail: AuditTrail, now: datetime, learned_now: bool
) -> int:
    """Record everybody who holds rights of another post than his present one; return how many.

    Args:
        session: the transaction; that of the personnel file, where it brought the transfers.
        trail: the audit.
        now: the instant.
        learned_now: the personnel file tells of them only now: the day runs from now. Else it
            has been running since the post began.
    """
    grants = await repository.grants_of_other_posts(
        session, now=now, today=law_date(now), limit=_AT_ONCE_MAX
    )
    people = [grant.person_id for grant in grants]
    posts = await identity.posts_of_people(session, person_ids=people, now=now)
    for grant in grants:
        await _move(
            session,
            trail,
            grant,
            posts[grant.person_id],
            caller=None,
            learned_at=now if learned_now else None,
            now=now,
        )
    return len(grants)


async def _move(
    session: AsyncSession,
    trail: AuditTrail,
    grant: AccessGrantRow,
    post: PostCard,
    *,
    caller: Principal | None,
    learned_at: datetime | None,
    now: datetime,
) -> datetime:
    row = await standings.standing(
        await driver_of(session),
        person_id=grant.person_id,
        post_id=post.post_id,
        at=now,
        today=law_date(now),
    )
    if row is None:
        raise errors.NothingToTransfer("the post is unknown")
    began = row.post_began_at if learned_at is None else max(row.post_began_at, learned_at)
    deadline = _deadline(began, grant.deadline_at)
    old = Rights(services=frozenset(grant.services), bases=frozenset(grant.bases))
    left = old & rights_of_role(post.role.value, rules=rule_set_on(law_date(now)))
    grant.valid_to = now
    await session.flush()
    await repository.put_grant(
        session,
        AccessGrantRow(
            id=uuid4(),
            person_id=grant.person_id,
            post_id=post.post_id,
            request_id=grant.request_id,
            origin=GrantOrigin.TRANSFER,
            role=post.role,
            services=sorted(left.services),
            bases=sorted(left.bases),
            valid_from=now,
            deadline_at=deadline,
        ),
    )
    await trail.record(
        session,
        event="exchange.access_transferred",
        at=now,
        who=caller,
        fields={
            "of_person": str(grant.person_id),
            "from_post": str(grant.post_id),
            "to_post": str(post.post_id),
            "services": sorted(left.services),
            "bases": sorted(left.bases),
            "deadline_at": deadline.isoformat(),
        },
    )
    return deadline


def _deadline(
    began: datetime, former: datetime | None, day: timedelta = TRANSFER_WITHIN
) -> datetime:
    # A second transfer within the day gives no second day.
    return began + day if former is None else min(began + day, former)
