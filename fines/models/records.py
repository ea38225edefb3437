"""Offence records and the acts that equal their decision."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base
from fines.rules.amounts import RoundingCode
from fines.rules.catalogue import ReducedReason
from fines.rules.offence_record import Act, Language, OffenceStatus

offence_record_numbers = sa.Sequence("offence_record_numbers", metadata=Base.metadata)

receipt_numbers = sa.Sequence("receipt_numbers", metadata=Base.metadata)


class OffenceRecord(Base):
    """An offence record (протокол): article 803(2). Written once; only its course moves on."""

    __tablename__ = "offence_records"
    __table_args__ = (
        sa.CheckConstraint(
            "fine_full_tiyn >= 0 AND fine_half_tiyn >= 0 AND fine_half_tiyn <= fine_full_tiyn",
            "sums",
        ),
        sa.CheckConstraint(
            "(receipt_number IS NULL) = (discount_until IS NULL)", "receipt_has_discount"
        ),
        # The same record sent again is the same record: a tablet may repeat itself.
        sa.UniqueConstraint("check_id", "article", "part", "occurred_at"),
        sa.Index(None, "department_id", "drawn_up_at"),
        sa.Index(None, "status", "discount_until"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(sa.String(24), unique=True)
    status: Mapped[OffenceStatus]
    check_id: Mapped[UUID] = mapped_column(sa.ForeignKey("register_requests.id"))
    department_id: Mapped[UUID] = mapped_column(sa.ForeignKey("departments.id"))
    post_id: Mapped[UUID] = mapped_column(sa.ForeignKey("posts.id"), index=True)
    device_id: Mapped[UUID | None]
    drawn_up_at: Mapped[datetime]

    # Who it is about, and all that was said: sealed, see fines.storage. Found by a keyed hash.
    offender_index: Mapped[bytes] = mapped_column(index=True)
    wrapped_key: Mapped[bytes]
    sealed: Mapped[bytes]

    article: Mapped[str] = mapped_column(sa.String(8))
    part: Mapped[str] = mapped_column(sa.String(8))
    article_id: Mapped[UUID] = mapped_column(sa.ForeignKey("offence_articles.id"))
    occurred_at: Mapped[datetime]
    place: Mapped[str] = mapped_column(sa.String(300))
    latitude: Mapped[float]
    longitude: Mapped[float]
    language: Mapped[Language]

    mrp_tenge: Mapped[int | None]
    mrp_count: Mapped[int | None]
    fine_full_tiyn: Mapped[int] = mapped_column(sa.BigInteger)
    fine_half_tiyn: Mapped[int] = mapped_column(sa.BigInteger)
    rounding: Mapped[RoundingCode]
    reduced_reason: Mapped[ReducedReason]

    receipt_number: Mapped[str | None] = mapped_column(sa.String(24), unique=True)
    receipt_issued_at: Mapped[datetime | None]
    discount_last_day: Mapped[date | None]
    discount_until: Mapped[datetime | None]


class OffenceAct(Base):
    """One of the four acts that together equal the decision, with its instant and officer."""

    __tablename__ = "offence_acts"
    __table_args__ = (sa.UniqueConstraint("offence_record_id", "act"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    offence_record_id: Mapped[UUID] = mapped_column(sa.ForeignKey("offence_records.id"))
    act: Mapped[Act]
    at: Mapped[datetime]
    post_id: Mapped[UUID] = mapped_column(sa.ForeignKey("posts.id"))
    device_id: Mapped[UUID | None]
