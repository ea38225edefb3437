"""Slips and filed documents."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base
from fines.wire.slip import SlipKind


class SlipRow(Base):
    """A slip as it was ordered: its lines are the evidence, renderings follow from them."""

    __tablename__ = "slips"
    __table_args__ = (
        # A payment given back in parts has a paper for each.
        sa.UniqueConstraint(
            "payment_id",
            "kind",
            "copy_number",
            "duplicate",
            "refund_id",
            postgresql_nulls_not_distinct=True,
        ),
        sa.CheckConstraint("(kind = 'refund') = (refund_id IS NOT NULL)", "refund_is_named"),
        sa.Index(
            "ix_slips_refunds_unfiled",
            "created_at",
            postgresql_where=sa.text("kind = 'refund' AND paper_id IS NULL"),
        ),
        sa.CheckConstraint(
            "(duplicate > 0) = (num_nonnulls(ordered_post_id, replaces_slip_id) = 1)",
            "duplicate_is_ordered",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    payment_id: Mapped[UUID] = mapped_column(sa.ForeignKey("payments.id"))
    kind: Mapped[SlipKind]
    copy_number: Mapped[int]
    duplicate: Mapped[int]
    content: Mapped[dict[str, object]] = mapped_column(JSONB)
    content_sha256: Mapped[bytes]
    created_at: Mapped[datetime]
    ordered_post_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("posts.id"))
    # A paper that may have come out is wanted no more: one with a number stands in for it.
    replaces_slip_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("slips.id"))
    doubted_at: Mapped[datetime | None]
    refund_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("refunds.id"))
    printed_at: Mapped[datetime | None]
    paper_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("papers.id"))


class Paper(Base):
    """A filed document (slip or receipt in PDF, photograph of a signed slip) with its hash."""

    __tablename__ = "papers"
    __table_args__ = (
        sa.CheckConstraint("num_nonnulls(offence_record_id, register_fine_id) = 1", "one_debt"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    offence_record_id: Mapped[UUID | None] = mapped_column(
        sa.ForeignKey("offence_records.id"), index=True
    )
    register_fine_id: Mapped[UUID | None] = mapped_column(
        sa.ForeignKey("register_fines.id"), index=True
    )
    kind: Mapped[str] = mapped_column(sa.String(16))  # slip | receipt | signed_slip | record[-n]
    media_type: Mapped[str] = mapped_column(sa.String(32))
    sha256: Mapped[bytes]
    content: Mapped[bytes]
    created_at: Mapped[datetime]
