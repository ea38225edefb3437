"""Tables of devices. The journal is append-only: a trigger refuses changes and deletions."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.access import DeviceKind
from app.db import Base
from devices.rules.lifecycle import DeviceStatus
from devices.rules.sheets import JournalEntryKind


class Device(Base):
    """One device of the inventory."""

    __tablename__ = "devices"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[DeviceKind]
    inventory_number: Mapped[str] = mapped_column(sa.String(32), unique=True)
    serial_number: Mapped[str] = mapped_column(sa.String(64))
    department_id: Mapped[UUID] = mapped_column(sa.ForeignKey("departments.id"), index=True)
    status: Mapped[DeviceStatus]
    credential_sha256: Mapped[bytes | None]
    public_key_pem: Mapped[str | None] = mapped_column(sa.Text)
    terminal_number: Mapped[str | None] = mapped_column(sa.String(8), unique=True)
    registered_at: Mapped[datetime]
    enrolled_at: Mapped[datetime | None]


class Shift(Base):
    """One officer's time of duty. An officer has at most one open shift."""

    __tablename__ = "shifts"
    __table_args__ = (
        sa.Index(
            "uq_shifts_open_post_id",
            "post_id",
            unique=True,
            postgresql_where=sa.text("closed_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    post_id: Mapped[UUID] = mapped_column(sa.ForeignKey("posts.id"))
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("people.id"))
    department_id: Mapped[UUID] = mapped_column(sa.ForeignKey("departments.id"), index=True)
    opened_by_post_id: Mapped[UUID] = mapped_column(sa.ForeignKey("posts.id"))
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class Assignment(Base):
    """A device that an officer is to sign for, has, or had. A device has at most one open one."""

    __tablename__ = "assignments"
    __table_args__ = (
        sa.Index(
            "uq_assignments_open_device_id",
            "device_id",
            unique=True,
            postgresql_where=sa.text(
                "returned_at IS NULL AND withdrawn_at IS NULL AND written_off_at IS NULL"
            ),
        ),
        sa.Index("ix_assignments_device_id_issued_at", "device_id", "issued_at"),
        sa.CheckConstraint(
            "(issued_at IS NULL) = (issue_signature_id IS NULL)", name="issued_against_signature"
        ),
        sa.CheckConstraint(
            "withdrawn_at IS NULL OR issued_at IS NULL", name="withdrawn_only_unsigned"
        ),
        sa.CheckConstraint(
            "returned_at IS NULL OR issued_at IS NOT NULL", name="returned_only_issued"
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    device_id: Mapped[UUID] = mapped_column(sa.ForeignKey("devices.id"))
    shift_id: Mapped[UUID] = mapped_column(sa.ForeignKey("shifts.id"), index=True)
    post_id: Mapped[UUID] = mapped_column(sa.ForeignKey("posts.id"), index=True)
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("people.id"))
    department_id: Mapped[UUID] = mapped_column(sa.ForeignKey("departments.id"))
    sheet: Mapped[str] = mapped_column(sa.Text)
    sheet_at: Mapped[datetime]
    issued_by_post_id: Mapped[UUID] = mapped_column(sa.ForeignKey("posts.id"))
    issued_at: Mapped[datetime | None]
    issue_signature_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("signatures.id"))
    docked_at: Mapped[datetime | None]
    uploaded_at: Mapped[datetime | None]
    returned_at: Mapped[datetime | None]
    returned_to_post_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("posts.id"))
    withdrawn_at: Mapped[datetime | None]
    written_off_at: Mapped[datetime | None]  # lost or retired while it was out


class JournalEntry(Base):
    """One line of the journal of issue and return; an error is corrected by a further line."""

    __tablename__ = "device_journal"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(always=True), unique=True)
    assignment_id: Mapped[UUID] = mapped_column(sa.ForeignKey("assignments.id"), index=True)
    kind: Mapped[JournalEntryKind]
    at: Mapped[datetime]
    by_post_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("posts.id"))
    by_device_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("devices.id"))
    signature_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("signatures.id"))
    corrects_entry_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("device_journal.id"))
    note: Mapped[str] = mapped_column(sa.Text)
