"""What follows a record: entries written after it, and its course in ordinary proceedings."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base
from fines.rules.proceedings import CourseStage, DecidedPenalty, EntryKind, OrdinaryGround


class RecordEntry(Base):
    """Something written after a record was drawn up. It never changes, nor does the record."""

    __tablename__ = "record_entries"
    __table_args__ = (sa.Index(None, "offence_record_id", "at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    offence_record_id: Mapped[UUID] = mapped_column(sa.ForeignKey("offence_records.id"))
    kind: Mapped[EntryKind]
    at: Mapped[datetime]
    post_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("posts.id"))  # none: time did it
    device_id: Mapped[UUID | None]
    sealed: Mapped[bytes]  # under the record's own key


class OrdinaryCase(Base):
    """The course of a record in ordinary proceedings, with the clock that runs."""

    __tablename__ = "ordinary_cases"
    __table_args__ = (
        sa.Index(None, "department_id", "stage", "due_at"),
        sa.CheckConstraint("(handed_on_at IS NULL) = (stage = 'to_hand_on')", "handed_on"),
        sa.CheckConstraint(
            "(decision_number IS NULL) = (decided_on IS NULL) AND "
            "(decision_number IS NULL) = (fine_tiyn IS NULL)",
            "decision_whole",
        ),
        sa.CheckConstraint("fine_tiyn >= 0", "fine_not_negative"),
        sa.CheckConstraint(
            "penalty IS NULL OR fine_tiyn IS NOT NULL AND (penalty = 'licence_loss' OR "
            "(penalty = 'fine') = (fine_tiyn > 0))",
            "penalty_fits_fine",
        ),
        sa.CheckConstraint(
            "(term_ends_on IS NOT NULL) = "
            "coalesce(penalty IN ('arrest', 'licence_loss', 'public_works'), false)",
            "term_of_penalty",
        ),
        sa.CheckConstraint("term_ends_on >= decided_on", "term_after_decision"),
        sa.CheckConstraint("NOT cancelled OR stage = 'closed'", "cancelled_is_closed"),
    )

    offence_record_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("offence_records.id"), primary_key=True
    )
    department_id: Mapped[UUID] = mapped_column(sa.ForeignKey("departments.id"))
    ground: Mapped[OrdinaryGround]
    stage: Mapped[CourseStage]
    began_at: Mapped[datetime]
    due_at: Mapped[datetime | None]  # the end of the term that runs at this stage
    overdue_noted_at: Mapped[datetime | None]
    handed_on_at: Mapped[datetime | None]
    decision_number: Mapped[str | None] = mapped_column(sa.String(64))
    decided_on: Mapped[date | None]
    fine_tiyn: Mapped[int | None] = mapped_column(sa.BigInteger)
    # Nothing in decisions without a fine from before penalties were entered.
    penalty: Mapped[DecidedPenalty | None]
    term_ends_on: Mapped[date | None]  # the last day of what has a term
    in_force_on: Mapped[date | None]
    suspended: Mapped[bool]
    cancelled: Mapped[bool] = mapped_column(server_default=sa.false())  # on appeal
