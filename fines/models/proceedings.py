"""What follows a record: entries written after it, and its course in ordinary proceedings."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base
from fines.rules.proceedings import CourseStage, EntryKind, OrdinaryGround


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
    in_force_on: Mapped[date | None]
    suspended: Mapped[bool]
