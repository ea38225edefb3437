"""What the register is to be told: an outbox, written in the transaction of what happened."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base
from fines.rules.notices import NoticeKind, NoticeStatus


class RegisterNotice(Base):
    """One thing to tell the register of. It names nobody: the text is made when it is sent."""

    __tablename__ = "register_notices"
    __table_args__ = (
        sa.CheckConstraint(
            "(kind IN ('paid', 'refunded')) = (payment_number IS NOT NULL) AND "
            "(kind = 'refunded') = (refund_id IS NOT NULL) AND "
            "(kind = 'corrected') = (entry_id IS NOT NULL)",
            "about_one_thing",
        ),
        sa.CheckConstraint("(status = 'told') = (told_at IS NOT NULL)", "told_when"),
        sa.CheckConstraint("attempts >= 0", "attempts_not_negative"),
        sa.Index(
            "uq_register_notices_payment",
            "payment_number",
            unique=True,
            postgresql_where=sa.text("kind = 'paid'"),
        ),
        sa.Index(
            "ix_register_notices_waiting",
            "next_at",
            postgresql_where=sa.text("status = 'waiting'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)  # the register knows it by this
    kind: Mapped[NoticeKind]
    status: Mapped[NoticeStatus]
    payment_number: Mapped[int | None] = mapped_column(
        sa.BigInteger, sa.ForeignKey("payments.number")
    )
    refund_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("refunds.id"), unique=True)
    entry_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("record_entries.id"), unique=True)
    department_id: Mapped[UUID] = mapped_column(sa.ForeignKey("departments.id"))
    attempts: Mapped[int]
    fault: Mapped[str] = mapped_column(sa.String(64))  # of the last attempt; names nobody
    created_at: Mapped[datetime]
    next_at: Mapped[datetime]
    tried_since: Mapped[datetime]
    told_at: Mapped[datetime | None]
