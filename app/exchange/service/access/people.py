"""Whose rights a caller may look at or change: his own, his subordinates', or everybody's."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal, Role
from app.exchange.errors import access as errors
from app.identity import service as identity
from app.identity.service import PostCard

# They serve the whole exchange, not one department (items 5, 10-14).
EVERYWHERE: Final = frozenset({Role.EXCHANGE_OPERATOR, Role.EXCHANGE_CONTROLLER, Role.AUDITOR})


async def reachable(
    session: AsyncSession, *, caller: Principal, person_id: UUID, now: datetime
) -> PostCard:
    """Return the last post of a person whom the caller has to do with.

    Raises:
        AccessPersonNotFound: there is no such person, or none of the caller's.
    """
    own = caller.person == person_id or caller.role in EVERYWHERE
    if not own and caller.role is Role.RESPONSIBLE_OFFICIAL:
        own = await identity.is_subordinate(
            session, person_id=person_id, superior_id=caller.person, at=now
        )
    card = await identity.last_post_of(session, person_id=person_id) if own else None
    if card is None:
        raise errors.AccessPersonNotFound("no such person")
    return card
