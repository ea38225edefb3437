"""Table of the heads: what cameras sent of recordings before their bulk."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base
from bodycam.rules.derived import HeadStanding


class RecordingHeadRow(Base):
    """The head of a recording. ``content`` is let go of once the bulk has confirmed it.

    ``packed`` is its index in the form of ``recording_indexes``, and as yet unproven.
    """

    __tablename__ = "recording_heads"

    recording_id: Mapped[UUID] = mapped_column(sa.ForeignKey("recordings.id"), primary_key=True)
    sha256: Mapped[bytes]
    packed: Mapped[bytes] = mapped_column(deferred=True)
    duration_ms: Mapped[int] = mapped_column(sa.BigInteger)
    content: Mapped[bytes | None] = mapped_column(deferred=True)
    standing: Mapped[HeadStanding]
    differs: Mapped[list[str]] = mapped_column(postgresql.JSONB)  # in what it lied
    received_at: Mapped[datetime]
    checked_at: Mapped[datetime | None]
