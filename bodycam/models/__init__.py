"""Tables of the body-camera slice."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base
from bodycam.models.axis import (
    AxisContainerRow,
    AxisEncryptionRow,
    AxisKeyRow,
    AxisObjectRow,
    ClipKeyRow,
)
from bodycam.models.coverage import (
    CameraPauseRow,
    CoverageCaseRow,
    CoverageIntervalRow,
    CoverageLedgerRow,
    RecordingExaminationRow,
)
from bodycam.models.custody import CategoryChangeRow, LegalHoldRow, StorageFaultRow, TombstoneRow
from bodycam.models.heads import RecordingHeadRow
from bodycam.models.tiers import ObjectLockRow, TierMoveRow
from bodycam.models.uploads import UploadPartRow, UploadRow
from bodycam.rules.derived import DerivativeKind, FindingKind, FindingOutcome, PlayForm
from bodycam.rules.life_cycle import ComplaintKind, ComplaintStatus, RecordingStatus
from bodycam.rules.retention import Category

__all__ = [
    "AxisContainerRow",
    "AxisEncryptionRow",
    "AxisKeyRow",
    "AxisObjectRow",
    "CameraPauseRow",
    "CategoryChangeRow",
    "ClipKeyRow",
    "ComplaintNumberRow",
    "ComplaintRow",
    "CoverageCaseRow",
    "CoverageIntervalRow",
    "CoverageLedgerRow",
    "LegalHoldRow",
    "ObjectLockRow",
    "RecordingExaminationRow",
    "RecordingHeadRow",
    "RecordingIndexRow",
    "RecordingPartRow",
    "RecordingRow",
    "StorageFaultRow",
    "TierMoveRow",
    "TombstoneRow",
    "TrackPointRow",
    "UploadPartRow",
    "UploadRow",
]


class RecordingRow(Base):
    """One recording. ``manifest`` and its signature are evidence: the bytes as announced.

    ``started_at`` and ``ended_at`` are true time: the camera's clock less its known drift.
    """

    __tablename__ = "recordings"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    camera_id: Mapped[UUID] = mapped_column(sa.ForeignKey("devices.id"))
    dock_id: Mapped[UUID] = mapped_column(sa.ForeignKey("devices.id"))
    department_id: Mapped[UUID] = mapped_column(sa.ForeignKey("departments.id"))
    post_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("posts.id"))
    status: Mapped[RecordingStatus]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime]
    clock_drift_ms: Mapped[int]
    battery_percent: Mapped[int | None]  # None: its door does not tell
    declared_bytes: Mapped[int] = mapped_column(sa.BigInteger)
    found_bytes: Mapped[int] = mapped_column(sa.BigInteger)
    block_digests: Mapped[bytes] = mapped_column(deferred=True)  # 32 bytes a block, as signed
    merkle_root: Mapped[bytes]  # as signed
    differing: Mapped[dict[str, str]] = mapped_column(JSONB)  # block number: declared SHA-256
    manifest: Mapped[bytes] = mapped_column(deferred=True)
    manifest_sha256: Mapped[bytes] = mapped_column(unique=True)
    manifest_signature: Mapped[str] = mapped_column(sa.String(88))
    predecessor_known: Mapped[bool]  # False: a recording of this camera before it is not here
    object_key: Mapped[str] = mapped_column(sa.String(200))
    upload_ref: Mapped[str] = mapped_column(sa.String(1024))
    damage: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    quarantine_reason: Mapped[str | None] = mapped_column(sa.String(200))
    duration_ms: Mapped[int | None] = mapped_column(sa.BigInteger)
    stored_root: Mapped[bytes | None]
    announced_at: Mapped[datetime]
    stored_at: Mapped[datetime | None]
    receipt_signature: Mapped[str | None] = mapped_column(sa.String(88))
    door: Mapped[str] = mapped_column(sa.String(32), server_default="dock")  # dock | axis | tus
    previous_manifest_sha256: Mapped[bytes | None]  # which one its camera closed before
    category: Mapped[Category] = mapped_column(server_default="other")
    keep_until: Mapped[date | None]  # a person took it back from the expiring
    expiring_since: Mapped[datetime | None]
    deletion_permitted_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("people.id"))
    deletion_permitted_at: Mapped[datetime | None]
    destruction_begun_at: Mapped[datetime | None]  # no way back from here on
    scrubbed_at: Mapped[datetime | None]  # when its bytes were last read and hashed
    events: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]")
    # Where nothing plays between its fragments: ``[{kind, first_ms, end_ms}]``.
    lost: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]")
    head_sha256: Mapped[bytes | None]  # of the head that its manifest names
    head_bytes: Mapped[int | None]
    tier: Mapped[str] = mapped_column(sa.String(32), server_default="hot")  # the store it lies in
    clear_bytes: Mapped[int | None] = mapped_column(sa.BigInteger)  # in clear, if it is encrypted

    __table_args__ = (
        sa.CheckConstraint("door IN ('dock', 'axis', 'tus')", "door"),
        sa.Index(None, "department_id", "started_at"),
        sa.Index(None, "status", "ended_at"),
        sa.Index(None, "camera_id", "started_at"),
        sa.Index(None, "dock_id", "status"),
        sa.Index(None, "tier", "ended_at"),
    )

    @property
    def shown_bytes(self) -> int:
        """Size of what is played: of an encrypted original, its clear view."""
        return self.found_bytes if self.clear_bytes is None else self.clear_bytes


class RecordingPartRow(Base):
    """A part that is on disk and synced; written before its acknowledgement."""

    __tablename__ = "recording_parts"

    recording_id: Mapped[UUID] = mapped_column(sa.ForeignKey("recordings.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sha256: Mapped[bytes]
    size_bytes: Mapped[int]
    stored_at: Mapped[datetime]


class RecordingIndexRow(Base):
    """The packed box index of a recording that can be played."""

    __tablename__ = "recording_indexes"

    recording_id: Mapped[UUID] = mapped_column(sa.ForeignKey("recordings.id"), primary_key=True)
    packed: Mapped[bytes]
    form: Mapped[PlayForm] = mapped_column(server_default=PlayForm.FRAGMENTED.value)
    # What makes a whole file of one that lost its tables, put before it; of such a one alone.
    front: Mapped[bytes | None] = mapped_column(deferred=True)

    __table_args__ = (sa.CheckConstraint("(form = 'restored') = (front IS NOT NULL)", "front"),)


class TrackPointRow(Base):
    """Where the camera was, in true time. ``cell`` is ``rules.places.cell_of`` the point."""

    __tablename__ = "track_points"

    recording_id: Mapped[UUID] = mapped_column(sa.ForeignKey("recordings.id"), primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    latitude_e7: Mapped[int]
    longitude_e7: Mapped[int]
    cell: Mapped[int]

    __table_args__ = (sa.Index(None, "cell", "at"),)


class ComplaintNumberRow(Base):
    """The last complaint number given in a year of the law's zone."""

    __tablename__ = "complaint_numbers"

    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last: Mapped[int]


class ComplaintRow(Base):
    """A complaint. The complainant's name and contact stay here and go to no log."""

    __tablename__ = "complaints"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(sa.String(16), unique=True)
    kind: Mapped[ComplaintKind]
    status: Mapped[ComplaintStatus]
    department_id: Mapped[UUID] = mapped_column(sa.ForeignKey("departments.id"))
    registered_by: Mapped[UUID] = mapped_column(sa.ForeignKey("posts.id"))
    assigned_to: Mapped[UUID] = mapped_column(sa.ForeignKey("posts.id"))
    registered_at: Mapped[datetime]
    due_on: Mapped[date]  # last day of the term, in the law's zone
    place: Mapped[str] = mapped_column(sa.String(200))
    latitude_e7: Mapped[int]
    longitude_e7: Mapped[int]
    radius_meters: Mapped[int]
    seen_from: Mapped[datetime]
    seen_to: Mapped[datetime]
    text: Mapped[str] = mapped_column(sa.Text)
    complainant_name: Mapped[str] = mapped_column(sa.String(200))
    complainant_contact: Mapped[str] = mapped_column(sa.String(200))

    __table_args__ = (sa.Index(None, "department_id", "registered_at"),)


class RecordingFindingRow(Base):
    """What an examination found; ``body`` is of the kind's own form."""

    __tablename__ = "recording_findings"

    recording_id: Mapped[UUID] = mapped_column(sa.ForeignKey("recordings.id"), primary_key=True)
    kind: Mapped[FindingKind] = mapped_column(primary_key=True)
    outcome: Mapped[FindingOutcome]
    reason: Mapped[str | None] = mapped_column(sa.String(200))
    body: Mapped[dict[str, Any]] = mapped_column(JSONB)
    found_at: Mapped[datetime]


class RecordingSheetRow(Base):
    """A sheet of small pictures: ``count`` of them from ``first_ms`` on, ``step_ms`` apart."""

    __tablename__ = "recording_sheets"

    recording_id: Mapped[UUID] = mapped_column(sa.ForeignKey("recordings.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    first_ms: Mapped[int] = mapped_column(sa.BigInteger)
    step_ms: Mapped[int]
    count: Mapped[int]
    picture: Mapped[bytes] = mapped_column(deferred=True)  # JPEG
    made_at: Mapped[datetime]


class RecordingDerivativeRow(Base):
    """Bytes made of an original: ``recipe`` are ranges of it, joined in this order."""

    __tablename__ = "recording_derivatives"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    recording_id: Mapped[UUID] = mapped_column(sa.ForeignKey("recordings.id"))
    kind: Mapped[DerivativeKind]
    parent_root: Mapped[bytes]  # Merkle root of the original as stored
    recipe: Mapped[list[list[int]]] = mapped_column(JSONB)  # offset and length
    size_bytes: Mapped[int] = mapped_column(sa.BigInteger)
    sha256: Mapped[bytes]
    made_at: Mapped[datetime]

    __table_args__ = (sa.UniqueConstraint("recording_id", "kind"),)
