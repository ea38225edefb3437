"""Statements of holds: what keeps a request from being destroyed while it lasts."""

from collections.abc import Iterable
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.exchange.models import RequestHoldRow


async def held_among(session: AsyncSession, request_ids: Iterable[UUID]) -> frozenset[UUID]:
    """Return which of these requests are held now."""
    rows = await session.scalars(
        sa.select(RequestHoldRow.request_id).where(
            RequestHoldRow.request_id.in_(list(request_ids)),
            RequestHoldRow.released_at.is_(None),
        )
    )
    return frozenset(rows)


async def of_request(session: AsyncSession, *, request_id: UUID) -> list[RequestHoldRow]:
    """Return every hold of a request, the newest first."""
    rows = await session.scalars(
        sa.select(RequestHoldRow)
        .where(RequestHoldRow.request_id == request_id)
        .order_by(RequestHoldRow.held_at.desc(), RequestHoldRow.id)
    )
    return list(rows)


async def locked(
    session: AsyncSession, *, request_id: UUID, hold_id: UUID
) -> RequestHoldRow | None:
    """Return a hold of a request, locked for this transaction."""
    found: RequestHoldRow | None = await session.scalar(
        sa.select(RequestHoldRow)
        .where(RequestHoldRow.id == hold_id, RequestHoldRow.request_id == request_id)
        .with_for_update()
    )
    return found
