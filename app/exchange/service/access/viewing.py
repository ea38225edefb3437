"""What operators, officials and users see: the queue, one request, a user's rights and history."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal, Role
from app.audit.service import AuditTrail
from app.db import Sessions, driver_of, transaction
from app.exchange.errors import access as errors
from app.exchange.models import AccessGrantRow, AccessRequestRow
from app.exchange.repository import access_requests as repository
from app.exchange.rules.access import (
    DECISION_WITHIN,
    AccessRefusal,
    AccessStage,
    GrantOrigin,
    RequestClock,
    clock_of,
    needs_two_operators,
    stage_of,
)
from app.exchange.service.access.people import EVERYWHERE, reachable
from app.exchange.service.access.standing import AccessStanding, standing_of
from app.identity import service as identity
from app.identity.service import Block, PostCard

_INSTANT: Final = timedelta(microseconds=1)
SHOWN_MAX: Final = 200  # lines of one list; the oldest requests come first


@dataclass(frozen=True, kw_only=True)
class RequestView:
    """A request for access; ``clock`` and ``due_at`` only while it is undecided."""

    request_id: UUID
    stage: AccessStage
    applicant: PostCard
    services: tuple[str, ...]
    bases: tuple[str, ...]
    responsible: PostCard | None
    contacts: str = field(repr=False)
    workplace: str
    filed_at: datetime
    received_at: datetime | None
    due_at: datetime | None
    clock: RequestClock | None
    overdue_at: datetime | None
    waits_for_second: bool
    needs_two: bool
    refusal: AccessRefusal | None
    refusal_text: str | None
    returned_text: str | None
    decided_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class GrantView:
    """Rights of a person from one instant to another."""

    origin: GrantOrigin
    title: str
    services: tuple[str, ...]
    bases: tuple[str, ...]
    valid_from: datetime
    valid_to: datetime | None
    deadline_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Signed:
    """A version of the agreement that the person signed."""

    version: int
    signed_at: datetime


@dataclass(frozen=True, kw_only=True)
class UserView:
    """A person's rights and their history."""

    card: PostCard
    stage: AccessStage | None
    standing: AccessStanding
    requests: tuple[RequestView, ...]
    grants: tuple[GrantView, ...]
    agreements: tuple[Signed, ...]
    blocks: tuple[Block, ...]


@dataclass(frozen=True, kw_only=True)
class UserLine:
    """One person in a list."""

    card: PostCard
    stage: AccessStage | None


async def queue(sessions: Sessions, *, now: datetime) -> list[RequestView]:
    """Return the undecided requests of all departments, the oldest first."""
    async with transaction(sessions) as session:
        rows = await repository.undecided(session, limit=SHOWN_MAX)
        return await _views(session, rows, now)


async def own_requests(
    sessions: Sessions, *, caller: Principal, now: datetime
) -> list[RequestView]:
    """Return the caller's own requests, the newest first."""
    async with transaction(sessions) as session:
        rows = await repository.requests_of(session, person_id=caller.person, limit=SHOWN_MAX)
        return await _views(session, rows, now)


async def read_request(
    sessions: Sessions, *, trail: AuditTrail, caller: Principal, request_id: UUID, now: datetime
) -> RequestView:
    """Return one request; another's is recorded as looked at.

    Raises:
        AccessRequestNotFound: absent, or another's and the caller no operator.
    """
    async with transaction(sessions) as session:
        row = await repository.request(session, request_id)
        if row is None or not (row.person_id == caller.person or caller.role in EVERYWHERE):
            raise errors.AccessRequestNotFound("no such request for access")
        if row.person_id != caller.person:
            await trail.record(
                session,
                event="exchange.access_request_viewed",
                at=now,
                who=caller,
                fields={"request": str(row.id), "of_person": str(row.person_id)},
            )
        (view,) = await _views(session, [row], now)
        return view


async def breaches(sessions: Sessions, *, now: datetime) -> list[RequestView]:
    """Return the requests that were not decided within their day, the newest first."""
    async with transaction(sessions) as session:
        rows = await repository.overdue_requests(
            session, received_before=now - DECISION_WITHIN, limit=SHOWN_MAX
        )
        return await _views(session, rows, now)


async def user_of(
    sessions: Sessions, *, trail: AuditTrail, caller: Principal, person_id: UUID, now: datetime
) -> UserView:
    """Return a person's rights and history; another's is recorded as looked at.

    Raises:
        AccessPersonNotFound: nobody whom the caller has to do with.
    """
    async with transaction(sessions) as session:
        card = await reachable(session, caller=caller, person_id=person_id, now=now)
        if person_id != caller.person:
            await trail.record(
                session,
                event="exchange.rights_viewed",
                at=now,
                who=caller,
                fields={"of_person": str(person_id)},
            )
        posts = await identity.posts_of_people(session, person_ids=[person_id], now=now)
        card = posts.get(person_id, card)
        standing = await standing_of(
            await driver_of(session), person_id=person_id, post_id=card.post_id, at=now
        )
        rows = await repository.requests_of(session, person_id=person_id, limit=SHOWN_MAX)
        grants = await repository.grants_of(session, person_id=person_id, limit=SHOWN_MAX)
        signed = await repository.agreements_of(session, person_id=person_id)
        return UserView(
            card=card,
            stage=_stage(rows[0].stage if rows else None, standing),
            standing=standing,
            requests=tuple(await _views(session, rows, now)),
            grants=await _grants(session, grants),
            agreements=tuple(Signed(version=one, signed_at=at) for one, at in signed),
            blocks=tuple(await identity.blocks_of(session, person_id=person_id)),
        )


async def users(
    sessions: Sessions,
    *,
    caller: Principal,
    now: datetime,
    words: str = "",
    skip: int = 0,
    limit: int = SHOWN_MAX,
) -> list[UserLine]:
    """Return whom the caller watches over: an official's subordinates, else all who ever asked.

    In the order of names; ``words`` is part of a name or of a badge, ``skip`` turns the page.
    """
    async with transaction(sessions) as session:
        if caller.role is Role.RESPONSIBLE_OFFICIAL:
            found = await identity.subordinates_in(
                session, superior_id=caller.person, begin=now, end=now + _INSTANT
            )
            people = {one.person_id for one in found}
        else:
            people = await repository.people_with_access(session)
        cards = await identity.posts_found(
            session, person_ids=people, words=words.strip(), now=now, skip=skip, limit=limit
        )
        people = {card.person_id for card in cards}
        newest = await repository.newest_stages(session, person_ids=people)
        lines = []
        for card in cards:
            standing = await standing_of(
                await driver_of(session), person_id=card.person_id, post_id=card.post_id, at=now
            )
            lines.append(UserLine(card=card, stage=_stage(newest.get(card.person_id), standing)))
        return lines


def _stage(request: AccessStage | None, standing: AccessStanding) -> AccessStage | None:
    return stage_of(request=request, user=standing.user, agreement=standing.agreement)


async def _views(
    session: AsyncSession, rows: Sequence[AccessRequestRow], now: datetime
) -> list[RequestView]:
    applicants = await identity.posts_by_id(session, {row.post_id for row in rows})
    officials = await identity.posts_of_people(
        session, person_ids={row.responsible_id for row in rows if row.responsible_id}, now=now
    )
    return [
        _view(row, applicants[row.post_id], officials.get(row.responsible_id), now)  # type: ignore[arg-type]  # None is in no dict
        for row in rows
    ]


def _view(
    row: AccessRequestRow, applicant: PostCard, responsible: PostCard | None, now: datetime
) -> RequestView:
    running = row.received_at if row.stage is AccessStage.REQUESTED else None
    said = orjson.loads(row.document)
    return RequestView(
        request_id=row.id,
        stage=row.stage,
        applicant=applicant,
        services=tuple(row.services),
        bases=tuple(row.bases),
        responsible=responsible,
        contacts=said["contacts"],
        workplace=said["workplace"],
        filed_at=row.filed_at,
        received_at=row.received_at,
        due_at=None if running is None else running + DECISION_WITHIN,
        clock=None if running is None else clock_of(running, now=now),
        overdue_at=row.overdue_at,
        waits_for_second=row.seconded_by is not None and row.stage is AccessStage.REQUESTED,
        needs_two=needs_two_operators(row.role.value),
        refusal=row.refusal,
        refusal_text=row.refusal_text,
        returned_text=row.returned_text,
        decided_at=row.decided_at,
    )


async def _grants(session: AsyncSession, rows: Iterable[AccessGrantRow]) -> tuple[GrantView, ...]:
    grants = list(rows)
    posts = await identity.posts_by_id(session, {grant.post_id for grant in grants})
    return tuple(
        GrantView(
            origin=grant.origin,
            title=posts[grant.post_id].title,
            services=tuple(grant.services),
            bases=tuple(grant.bases),
            valid_from=grant.valid_from,
            valid_to=grant.valid_to,
            deadline_at=grant.deadline_at,
        )
        for grant in grants
    )
