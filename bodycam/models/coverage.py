"""Tables of the coverage ledger: what became of every second that a camera was out."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base
from bodycam.rules.coverage import CoverageKind, Ending, GapReason
from bodycam.rules.coverage_cases import CaseStatus


class CameraPauseRow(Base):
    """A pause that the duty officer permitted (Order No. 971, item 25)."""

    __tablename__ = "camera_pauses"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    assignment_id: Mapped[UUID] = mapped_column(sa.ForeignKey("assignments.id"), index=True)
    department_id: Mapped[UUID] = mapped_column(sa.ForeignKey("departments.id"))
    reason: Mapped[str] = mapped_column(sa.String(16))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]  # moved nearer where it was ended early
    permitted_by_post_id: Mapped[UUID] = mapped_column(sa.ForeignKey("posts.id"))
    ended_by_post_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("posts.id"))

    __table_args__ = (
        sa.CheckConstraint("starts_at <= ends_at", name="order"),
        sa.CheckConstraint("reason IN ('rest', 'meal')", name="reason"),
    )


class CoverageLedgerRow(Base):
    """What one assignment of a camera amounts to; made anew from the recordings at any time."""

    __tablename__ = "coverage_ledgers"

    assignment_id: Mapped[UUID] = mapped_column(sa.ForeignKey("assignments.id"), primary_key=True)
    camera_id: Mapped[UUID] = mapped_column(sa.ForeignKey("devices.id"), index=True)
    department_id: Mapped[UUID] = mapped_column(sa.ForeignKey("departments.id"))
    post_id: Mapped[UUID] = mapped_column(sa.ForeignKey("posts.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    ending: Mapped[Ending]
    settled: Mapped[bool]  # nothing changes by itself any more: only another recording would
    examined: Mapped[bool]  # whether the pictures and sound of all of it were looked at
    findings: Mapped[list[dict[str, Any]]] = mapped_column(postgresql.JSONB)
    computed_at: Mapped[datetime]

    __table_args__ = (
        sa.Index(None, "department_id", "starts_at"),
        sa.Index(
            "ix_coverage_ledgers_unsettled", "starts_at", postgresql_where=sa.text("NOT settled")
        ),
    )


class CoverageIntervalRow(Base):
    """One stretch of a ledger; the stretches of a ledger follow each other and never overlap."""

    __tablename__ = "coverage_intervals"

    assignment_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("coverage_ledgers.assignment_id"), primary_key=True
    )
    starts_at: Mapped[datetime] = mapped_column(primary_key=True)
    ends_at: Mapped[datetime]
    kind: Mapped[CoverageKind]
    reason: Mapped[GapReason | None]
    recording_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("recordings.id"))

    __table_args__ = (
        sa.CheckConstraint("starts_at < ends_at", name="order"),
        sa.CheckConstraint(
            "(CAST(kind AS TEXT) = 'gap') = (reason IS NOT NULL)", name="gap_has_reason"
        ),
        postgresql.ExcludeConstraint(
            (sa.column("assignment_id"), "="),
            (sa.text("tstzrange(starts_at, ends_at)"), "&&"),
            name="ex_coverage_intervals_assignment_id_times",
            using="gist",
        ),
    )


class CoverageCaseRow(Base):
    """A gap that the responsible person explains and another person closes."""

    __tablename__ = "coverage_cases"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    assignment_id: Mapped[UUID] = mapped_column(sa.ForeignKey("assignments.id"), index=True)
    department_id: Mapped[UUID] = mapped_column(sa.ForeignKey("departments.id"))
    status: Mapped[CaseStatus]
    reason: Mapped[GapReason]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    opened_at: Mapped[datetime]
    explanation: Mapped[str | None] = mapped_column(sa.String(2000))
    explained_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("people.id"))
    explained_at: Mapped[datetime | None]
    conclusion: Mapped[str | None] = mapped_column(sa.String(2000))
    closed_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("people.id"))
    closed_at: Mapped[datetime | None]

    __table_args__ = (
        sa.CheckConstraint("starts_at <= ends_at", name="order"),
        sa.CheckConstraint(
            "closed_by IS NULL OR explained_by IS NULL OR closed_by <> explained_by",
            name="closed_by_another",
        ),
        sa.CheckConstraint(
            "CAST(status AS TEXT) <> 'closed' OR (explained_by IS NOT NULL"
            " AND closed_by IS NOT NULL AND closed_at IS NOT NULL)",
            name="closed_by_two",
        ),
        sa.Index(None, "department_id", "opened_at"),
    )


class RecordingExaminationRow(Base):
    """Where a recording was found damaged, black or silent: ``[{kind, first_ms, end_ms}]``."""

    __tablename__ = "recording_examinations"

    recording_id: Mapped[UUID] = mapped_column(sa.ForeignKey("recordings.id"), primary_key=True)
    examined_at: Mapped[datetime]
    stretches: Mapped[list[dict[str, Any]]] = mapped_column(postgresql.JSONB)
