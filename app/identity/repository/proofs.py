"""Statements over challenges, and over proofs that a certificate was not revoked."""

from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.identity.models import (
    Challenge,
    RevocationListRow,
    RevocationProofRow,
)

_PURGE_AT_ONCE = 100
_PURGE_AFTER = timedelta(days=1)


async def newest_proof(
    session: AsyncSession, *, issuer_key_sha256: bytes, serial: str, since: datetime
) -> RevocationProofRow | None:
    """Return the newest proof about a certificate that is not older than ``since``."""
    proof: RevocationProofRow | None = await session.scalar(
        sa.select(RevocationProofRow)
        .where(
            RevocationProofRow.issuer_key_sha256 == issuer_key_sha256,
            RevocationProofRow.certificate_serial == serial,
            RevocationProofRow.as_of >= since,
        )
        .order_by(RevocationProofRow.as_of.desc())
        .limit(1)
    )
    return proof


async def newest_list(
    session: AsyncSession, *, issuer_key_sha256: bytes, is_delta: bool
) -> RevocationListRow | None:
    """Return the list, or delta, of the highest number that we have seen of an authority."""
    found: RevocationListRow | None = await session.scalar(
        sa.select(RevocationListRow)
        .where(
            RevocationListRow.issuer_key_sha256 == issuer_key_sha256,
            RevocationListRow.is_delta.is_(is_delta),
        )
        .order_by(RevocationListRow.number.desc(), RevocationListRow.received_at.desc())
        .limit(1)
    )
    return found


async def list_by_content(session: AsyncSession, content_sha256: bytes) -> RevocationListRow | None:
    """Return the list with this content, if we have it."""
    found: RevocationListRow | None = await session.scalar(
        sa.select(RevocationListRow).where(RevocationListRow.content_sha256 == content_sha256)
    )
    return found


async def challenge_for_update(session: AsyncSession, challenge_id: UUID) -> Challenge | None:
    """Return a challenge, locked: of two answers at once the second sees it used."""
    return await session.get(Challenge, challenge_id, with_for_update=True)


async def purge_challenges(session: AsyncSession, *, now: datetime) -> None:
    """Delete some challenges long expired, so that asking for many fills nothing for ever."""
    old = (
        sa.select(Challenge.id)
        .where(Challenge.expires_at < now - _PURGE_AFTER)
        .limit(_PURGE_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    await session.execute(sa.delete(Challenge).where(Challenge.id.in_(old)))
