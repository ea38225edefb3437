"""Tables of tiers: how a recording goes from store to store, and what a store keeps locked."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class TierMoveRow(Base):
    """One move. The row that is not cleared is the only one of its recording.

    ``attempt`` is whoever copies now: only he may switch. ``switched_at``: the copy is the
    recording from here on. ``cleared_at``: the old bytes, or those of a move given up, are gone.
    """

    __tablename__ = "tier_moves"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    recording_id: Mapped[UUID] = mapped_column(sa.ForeignKey("recordings.id"))
    from_tier: Mapped[str] = mapped_column(sa.String(32))
    to_tier: Mapped[str] = mapped_column(sa.String(32))
    attempt: Mapped[UUID]
    upload_ref: Mapped[str] = mapped_column(sa.String(1024))
    begun_at: Mapped[datetime]
    switched_at: Mapped[datetime | None]
    cleared_at: Mapped[datetime | None]

    __table_args__ = (
        sa.Index(
            "uq_tier_moves_open",
            "recording_id",
            unique=True,
            postgresql_where=sa.text("cleared_at IS NULL"),
        ),
    )


class ObjectLockRow(Base):
    """What the store was last told to keep locked of a recording."""

    __tablename__ = "object_locks"

    recording_id: Mapped[UUID] = mapped_column(sa.ForeignKey("recordings.id"), primary_key=True)
    tier: Mapped[str] = mapped_column(sa.String(32))
    held: Mapped[bool]
    category: Mapped[str] = mapped_column(sa.String(32))
    retain_until: Mapped[date | None]
    told_at: Mapped[datetime]
