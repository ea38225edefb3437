"""Tables of departmental control. All are written once; triggers refuse the rest."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base
from app.exchange.rules.control import EscalationReason, Mark


class ControlReportRow(Base):
    """The requests of a month that one official answers for.

    ``official_id`` is none for those of people who had no responsible official above them: these
    are the exchange controller's.
    """

    __tablename__ = "control_reports"
    __table_args__ = (
        sa.Index(
            "uq_control_reports_month_official_id",
            "month",
            "official_id",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    month: Mapped[str] = mapped_column(sa.String(7))
    official_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("people.id"), index=True)
    due_on: Mapped[date]
    opened_at: Mapped[datetime]
    event_id: Mapped[UUID]


class ControlOfficerRow(Base):
    """An officer in a report, with what the closing record in the log says of his month."""

    __tablename__ = "control_officers"

    report_id: Mapped[UUID] = mapped_column(sa.ForeignKey("control_reports.id"), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("people.id"), primary_key=True)
    place: Mapped[int]  # in the order of names: the order of the report
    last_number: Mapped[int] = mapped_column(sa.BigInteger)
    closing_leaf_index: Mapped[int | None] = mapped_column(sa.BigInteger)


class ControlSpanRow(Base):
    """When an officer was subordinate to the report's official. No instant is in two reports."""

    __tablename__ = "control_spans"
    __table_args__ = (
        sa.CheckConstraint("begin_at < end_at", name="order"),
        postgresql.ExcludeConstraint(
            (sa.column("person_id"), "="),
            (sa.text("tstzrange(begin_at, end_at, '[)')"), "&&"),
            name="ex_control_spans_person_id_times",
            using="gist",
        ),
        sa.Index(None, "report_id", "person_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    report_id: Mapped[UUID] = mapped_column(sa.ForeignKey("control_reports.id"))
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("people.id"))
    begin_at: Mapped[datetime]
    end_at: Mapped[datetime]


class ControlMarkRow(Base):
    """What a reviewer said of one request; of several the last one counts."""

    __tablename__ = "control_marks"
    __table_args__ = (sa.Index(None, "report_id", "request_id", "position"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(always=True))
    report_id: Mapped[UUID] = mapped_column(sa.ForeignKey("control_reports.id"))
    request_id: Mapped[UUID] = mapped_column(sa.ForeignKey("register_requests.id"))
    mark: Mapped[Mark]
    text: Mapped[str] = mapped_column(sa.String(1000))
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("people.id"))
    post_id: Mapped[UUID] = mapped_column(sa.ForeignKey("posts.id"))
    at: Mapped[datetime]
    event_id: Mapped[UUID]


class ControlReviewRow(Base):
    """A signed review. A correction is another one, of the next version."""

    __tablename__ = "control_reviews"
    __table_args__ = (sa.UniqueConstraint("report_id", "version"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    report_id: Mapped[UUID] = mapped_column(sa.ForeignKey("control_reports.id"))
    version: Mapped[int]
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("people.id"))
    post_id: Mapped[UUID] = mapped_column(sa.ForeignKey("posts.id"))
    document: Mapped[bytes]
    document_sha256: Mapped[str] = mapped_column(sa.String(64))
    signature_id: Mapped[UUID] = mapped_column(sa.ForeignKey("signatures.id"))
    signed_at: Mapped[datetime]
    event_id: Mapped[UUID]


class EscalationRow(Base):
    """An unsigned report was put before somebody higher; before the controllers too, always."""

    __tablename__ = "escalations"
    __table_args__ = (
        sa.Index(
            "uq_escalations_report_id_to_person_id",
            "report_id",
            "to_person_id",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    report_id: Mapped[UUID] = mapped_column(sa.ForeignKey("control_reports.id"))
    to_person_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("people.id"), index=True)
    reason: Mapped[EscalationReason]
    at: Mapped[datetime]
    event_id: Mapped[UUID]
