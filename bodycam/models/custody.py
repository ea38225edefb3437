"""Tables of custody: holds, changes of category, faults of the store, what was destroyed."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base
from bodycam.rules.retention import Category, HoldReason


def _category(name: str) -> sa.Enum:
    """Return the type of one of several categories in a table: each CHECK has its own name."""
    return sa.Enum(
        Category,
        name=name,
        values_callable=lambda kind: [member.value for member in kind],
        native_enum=False,
        create_constraint=True,
        length=32,
    )


class LegalHoldRow(Base):
    """A hold on a recording: who, why, in which case. Another person releases it."""

    __tablename__ = "legal_holds"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    recording_id: Mapped[UUID] = mapped_column(sa.ForeignKey("recordings.id"), index=True)
    department_id: Mapped[UUID] = mapped_column(sa.ForeignKey("departments.id"))
    reason: Mapped[HoldReason]
    case_number: Mapped[str] = mapped_column(sa.String(64))
    placed_by: Mapped[UUID] = mapped_column(sa.ForeignKey("people.id"))
    placed_at: Mapped[datetime]
    released_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("people.id"))
    released_at: Mapped[datetime | None]

    __table_args__ = (
        sa.CheckConstraint(
            "released_by IS NULL OR released_by <> placed_by", name="released_by_another"
        ),
        sa.CheckConstraint("(released_by IS NULL) = (released_at IS NULL)", name="released"),
    )


class CategoryChangeRow(Base):
    """A change of category. One that shortens counts when a second person has signed it too."""

    __tablename__ = "category_changes"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    recording_id: Mapped[UUID] = mapped_column(sa.ForeignKey("recordings.id"), index=True)
    department_id: Mapped[UUID] = mapped_column(sa.ForeignKey("departments.id"))
    from_category: Mapped[Category] = mapped_column(_category("from_category"))
    to_category: Mapped[Category] = mapped_column(_category("to_category"))
    grounds: Mapped[str] = mapped_column(sa.String(1000))
    shortens: Mapped[bool]
    document: Mapped[bytes | None]  # what the two sign
    proposed_by: Mapped[UUID] = mapped_column(sa.ForeignKey("people.id"))
    proposed_at: Mapped[datetime]
    first_signature_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("signatures.id"))
    second_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("people.id"))
    second_signature_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("signatures.id"))
    applied_at: Mapped[datetime | None]

    __table_args__ = (
        sa.CheckConstraint("second_by IS NULL OR second_by <> proposed_by", name="two_people"),
        sa.CheckConstraint(
            "NOT shortens OR applied_at IS NULL OR (first_signature_id IS NOT NULL"
            " AND second_signature_id IS NOT NULL)",
            name="shortened_by_two",
        ),
    )


class TombstoneRow(Base):
    """What is left of a destroyed recording; written once, by a trigger never changed."""

    __tablename__ = "tombstones"

    recording_id: Mapped[UUID] = mapped_column(sa.ForeignKey("recordings.id"), primary_key=True)
    manifest_sha256: Mapped[bytes]
    merkle_root: Mapped[bytes]
    stored_root: Mapped[bytes]
    size_bytes: Mapped[int] = mapped_column(sa.BigInteger)
    category: Mapped[Category]
    rule: Mapped[str] = mapped_column(sa.String(64))
    expired_at: Mapped[datetime]
    permitted_by: Mapped[UUID] = mapped_column(sa.ForeignKey("people.id"))
    permitted_at: Mapped[datetime]
    destroyed_at: Mapped[datetime]
    event_id: Mapped[UUID] = mapped_column(unique=True)


class StorageFaultRow(Base):
    """Stored bytes that were found changed or gone when they were read again."""

    __tablename__ = "storage_faults"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    recording_id: Mapped[UUID] = mapped_column(sa.ForeignKey("recordings.id"), unique=True)
    department_id: Mapped[UUID] = mapped_column(sa.ForeignKey("departments.id"), index=True)
    blocks: Mapped[list[Any]] = mapped_column(JSONB)  # numbers; empty: the object is absent
    found_at: Mapped[datetime]
