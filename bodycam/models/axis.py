"""What a body-worn system of another make has put: its containers and their objects."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class AxisContainerRow(Base):
    """A container: one recording, one rejected recording, or one of the three fixed ones."""

    __tablename__ = "axis_containers"

    dock_id: Mapped[UUID] = mapped_column(sa.ForeignKey("devices.id"), primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(256), primary_key=True)
    metadata_: Mapped[dict[str, str]] = mapped_column("metadata", JSONB)
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class AxisObjectRow(Base):
    """An object as it came. Other bytes under the same name are another version; none is lost."""

    __tablename__ = "axis_objects"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["dock_id", "container"], ["axis_containers.dock_id", "axis_containers.name"]
        ),
        sa.UniqueConstraint("dock_id", "container", "name", "version"),
        sa.Index(
            "ix_axis_objects_not_taken_in",
            "dock_id",
            "container",
            postgresql_where=sa.text("taken_in_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    dock_id: Mapped[UUID]
    container: Mapped[str] = mapped_column(sa.String(256))
    name: Mapped[str] = mapped_column(sa.String(256))
    version: Mapped[int]
    metadata_: Mapped[dict[str, str]] = mapped_column("metadata", JSONB)
    size_bytes: Mapped[int] = mapped_column(sa.BigInteger)
    md5: Mapped[bytes]  # the protocol's word for an object's identity; proves nothing
    block_digests: Mapped[bytes]  # SHA-256 of each 8 MiB, made while the bytes arrived
    object_key: Mapped[str] = mapped_column(sa.String(200))
    stored_at: Mapped[datetime]
    taken_in_at: Mapped[datetime | None]
    recording_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("recordings.id"))


class AxisKeyRow(Base):
    """A pair of keys of a unit: systems encrypt under the public one, the private one is sealed.

    No key is ever thrown away: what was encrypted under it stays readable.
    """

    __tablename__ = "axis_keys"
    __table_args__ = (sa.Index(None, "department_id", "made_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)  # the PublicKeyId on the wire
    department_id: Mapped[UUID] = mapped_column(sa.ForeignKey("departments.id"))
    public_key: Mapped[str] = mapped_column(sa.String(2048))  # as in the connection file
    sealed_private: Mapped[bytes]  # under the vault key
    made_at: Mapped[datetime]


class AxisEncryptionRow(Base):
    """That a system was told to encrypt. It can never be told otherwise."""

    __tablename__ = "axis_encryption"

    dock_id: Mapped[UUID] = mapped_column(sa.ForeignKey("devices.id"), primary_key=True)
    key_id: Mapped[UUID] = mapped_column(sa.ForeignKey("axis_keys.id"))  # told last
    since: Mapped[datetime]


class ClipKeyRow(Base):
    """What opens an encrypted recording: its key object's words, opened by a key of the unit."""

    __tablename__ = "clip_keys"

    recording_id: Mapped[UUID] = mapped_column(sa.ForeignKey("recordings.id"), primary_key=True)
    object_key: Mapped[str] = mapped_column(sa.String(200), unique=True)
    key_id: Mapped[UUID] = mapped_column(sa.ForeignKey("axis_keys.id"))
    encrypted_key: Mapped[bytes]
    iv: Mapped[bytes]
    clear_bytes: Mapped[int] = mapped_column(sa.BigInteger)
    opened_at: Mapped[datetime]
