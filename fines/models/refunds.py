"""Refunds, and the instructions by which the acquirer carries them out."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base
from fines.rules.refunds import RefundReason, RefundStatus


class RefundInstruction(Base):
    """A file told to the acquirer, kept as it was sent; written once."""

    __tablename__ = "refund_instructions"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    content: Mapped[bytes]
    sha256: Mapped[bytes]
    count: Mapped[int]
    made_by_post_id: Mapped[UUID] = mapped_column(sa.ForeignKey("posts.id"))
    made_at: Mapped[datetime]


class Refund(Base):
    """Money given back on a payment. Two people, neither of them the officer."""

    __tablename__ = "refunds"
    __table_args__ = (
        sa.CheckConstraint("amount_tiyn > 0", "amount_positive"),
        sa.CheckConstraint(
            "(status = 'requested') = (decided_by_person_id IS NULL)", "decided_by_somebody"
        ),
        sa.CheckConstraint(
            "decided_by_person_id IS NULL OR decided_by_person_id <> requested_by_person_id",
            "two_people",
        ),
        sa.CheckConstraint(
            "officer_person_id <> requested_by_person_id AND "
            "(decided_by_person_id IS NULL OR officer_person_id <> decided_by_person_id)",
            "not_the_officer",
        ),
        sa.CheckConstraint(
            "(status IN ('sent', 'paid')) = (instruction_id IS NOT NULL)", "sent_by_instruction"
        ),
        sa.CheckConstraint("(status = 'paid') = (paid_at IS NOT NULL)", "paid_when"),
        # What a clerk and a unit have approved on a day is summed up for their limits.
        sa.Index("ix_refunds_decided_of_unit", "department_id", "decided_at"),
        sa.Index("ix_refunds_decided_of_clerk", "decided_by_person_id", "decided_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    payment_number: Mapped[int] = mapped_column(
        sa.BigInteger, sa.ForeignKey("payments.number"), index=True
    )
    department_id: Mapped[UUID] = mapped_column(sa.ForeignKey("departments.id"), index=True)
    officer_person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("people.id"))
    amount_tiyn: Mapped[int] = mapped_column(sa.BigInteger)
    status: Mapped[RefundStatus]
    reason: Mapped[RefundReason]
    note: Mapped[str] = mapped_column(sa.String(500))
    idempotency_key: Mapped[str] = mapped_column(sa.String(255), unique=True)
    request_sha256: Mapped[bytes]
    requested_by_post_id: Mapped[UUID] = mapped_column(sa.ForeignKey("posts.id"))
    requested_by_person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("people.id"))
    requested_at: Mapped[datetime]
    decided_by_post_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("posts.id"))
    decided_by_person_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("people.id"))
    decided_at: Mapped[datetime | None]
    decision_note: Mapped[str] = mapped_column(sa.String(500))
    instruction_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("refund_instructions.id"))
    paid_at: Mapped[datetime | None]
