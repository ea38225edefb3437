"""How a person stands as a user of the exchange, asked by every request in one statement."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.clock import law_date
from app.db import Connection
from app.exchange.repository import access as repository
from app.exchange.rules.access import (
    NO_RIGHTS,
    AgreementStanding,
    Rights,
    StandingFacts,
    UserStanding,
    agreement_standing,
    rights_now,
    user_standing,
)
from app.exchange.rules.bases import rule_set_on

__all__ = ["AccessStanding", "AgreementStanding", "UserStanding", "standing_of"]


@dataclass(frozen=True, kw_only=True)
class AccessStanding:
    """A person's standing; ``services`` and ``bases`` are empty unless ``user`` is active."""

    user: UserStanding
    agreement: AgreementStanding
    services: frozenset[str]
    bases: frozenset[str]


async def standing_of(
    connection: Connection, *, person_id: UUID, post_id: UUID, at: datetime
) -> AccessStanding:
    """Return how a person stands through a post at ``at``, in one statement.

    A block that stands when the statement runs counts, whatever ``at`` is. Nothing here waits
    for a job: a deadline that has passed has passed.
    """
    row = await repository.standing(
        connection, person_id=person_id, post_id=post_id, at=at, today=law_date(at)
    )
    return standing_from(row, at=at)


def standing_from(row: repository.Standing | None, *, at: datetime) -> AccessStanding:
    """Return how a person stands at ``at`` by what the tables say of him."""
    facts = facts_of(row)
    user = user_standing(facts, now=at)
    rights = NO_RIGHTS
    if user is UserStanding.ACTIVE and row is not None:
        rights = rights_now(facts, role=row.role.value, rules=rule_set_on(law_date(at)))
    return AccessStanding(
        user=user,
        agreement=agreement_standing(facts),
        services=rights.services,
        bases=rights.bases,
    )


def facts_of(row: repository.Standing | None) -> StandingFacts:
    """Return the facts of a row; no such post of that person is no post in force."""
    if row is None:
        return StandingFacts(post_in_force=False, blocked=False, agreement_in_force=False)
    granted = None
    if row.grant_post_id is not None:
        granted = Rights(services=frozenset(row.services or ()), bases=frozenset(row.bases or ()))
    return StandingFacts(
        post_in_force=row.post_in_force,
        post_began_at=row.post_began_at,
        blocked=row.blocked,
        granted=granted,
        of_this_post=row.grant_post_id in {None, row.post_id},
        deadline_at=row.deadline_at,
        agreement_in_force=row.agreement_id is not None,
        signed_current=row.signed_current,
        signed_any=row.signed_any,
    )
