"""Uploads by tus that are under way: where each stands, and who writes to it now."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class UploadRow(Base):
    """An upload. ``offset_bytes`` is acknowledged: every byte before it is in the store, synced.

    Whole blocks lie in the object under way, the rest before the offset in a small object of its
    own, the tail. ``held_by`` writes; nobody else may before ``held_until``.
    """

    __tablename__ = "uploads"
    __table_args__ = (
        sa.Index(None, "dock_id"),
        sa.Index("ix_uploads_open", "expires_at", postgresql_where=sa.text("taken_in_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    dock_id: Mapped[UUID] = mapped_column(sa.ForeignKey("devices.id"))
    department_id: Mapped[UUID] = mapped_column(sa.ForeignKey("departments.id"))
    metadata_: Mapped[str] = mapped_column("metadata", sa.Text)  # as it was sent
    signed: Mapped[bool]  # a camera's manifest says what each block must be
    camera_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("devices.id"))
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    length_bytes: Mapped[int | None] = mapped_column(sa.BigInteger)  # None: told later
    offset_bytes: Mapped[int] = mapped_column(sa.BigInteger)
    object_key: Mapped[str] = mapped_column(sa.String(200))
    upload_ref: Mapped[str] = mapped_column(sa.String(1024))
    tail_slot: Mapped[int | None] = mapped_column(sa.SmallInteger)  # which of two, if any
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    held_by: Mapped[UUID | None]
    held_until: Mapped[datetime | None]
    release_wanted: Mapped[bool]
    finished_at: Mapped[datetime | None]
    taken_in_at: Mapped[datetime | None]
    recording_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("recordings.id"))


class UploadPartRow(Base):
    """A whole block of an upload that no camera signed, as it arrived."""

    __tablename__ = "upload_parts"

    upload_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("uploads.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sha256: Mapped[bytes]
