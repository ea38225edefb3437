"""Statements of the documents of international orders. Only ``sealed`` reads the document."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from app.exchange.models import RequestDocumentRow
from app.exchange.rules.documents import AttachedDocument

_row = RequestDocumentRow


async def put(
    session: AsyncSession,
    *,
    request_id: UUID,
    sealed: bytes,
    sha256: str,
    size_bytes: int,
    version: int,
    attached_at: datetime,
) -> None:
    """Write an order's document in place of the one before; its request is locked."""
    values = {
        "sealed": sealed,
        "sha256": sha256,
        "size_bytes": size_bytes,
        "version": version,
        "attached_at": attached_at,
    }
    written = pg.insert(_row).values(request_id=request_id, **values)
    await session.execute(
        written.on_conflict_do_update(index_elements=[_row.request_id], set_=values)
    )


async def attached(session: AsyncSession, request_id: UUID) -> AttachedDocument | None:
    """Return what is known of the order's document, or ``None``."""
    return (await attached_to(session, [request_id])).get(request_id)


async def attached_to(
    session: AsyncSession, request_ids: Iterable[UUID]
) -> dict[UUID, AttachedDocument]:
    """Return what is known of the documents of these requests, where there are such."""
    rows = await session.execute(
        sa.select(
            _row.request_id,
            _row.sha256,
            _row.size_bytes,
            _row.version,
            _row.attached_at,
            _row.sealed.is_not(None),
        ).where(_row.request_id.in_(list(request_ids)))
    )
    return {
        row[0]: AttachedDocument(
            sha256=row[1], size_bytes=row[2], version=row[3], attached_at=row[4], kept=row[5]
        )
        for row in rows
    }


async def sealed(session: AsyncSession, request_id: UUID) -> tuple[bytes, str] | None:
    """Return the sealed document and its hash in clear; ``None`` where none is kept."""
    found = await session.execute(
        sa.select(_row.sealed, _row.sha256).where(_row.request_id == request_id)
    )
    row = found.one_or_none()
    return None if row is None or row[0] is None else (row[0], row[1])


async def kept_among(session: AsyncSession, request_ids: Iterable[UUID]) -> set[UUID]:
    """Return which of these requests still hold a document."""
    rows = await session.scalars(
        sa.select(_row.request_id).where(
            _row.request_id.in_(list(request_ids)), _row.sealed.is_not(None)
        )
    )
    return set(rows)


async def erase(session: AsyncSession, request_id: UUID) -> None:
    """Take a document away; what is known of it without opening it stays."""
    await session.execute(
        sa.update(_row)
        .where(_row.request_id == request_id)
        .values(sealed=None)
        .execution_options(synchronize_session=False)
    )
