"""Fines of other bodies' systems that a person wanted to pay here, as the register named them."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class RegisterFine(Base):
    """An unpaid fine that a check found, taken over the moment its payment was begun.

    Written once: what the register said then is what the payment rests on.
    """

    __tablename__ = "register_fines"
    __table_args__ = (
        sa.UniqueConstraint("offender_index", "decision_number"),
        sa.CheckConstraint("amount_tiyn > 0", "amount_positive"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    check_id: Mapped[UUID] = mapped_column(sa.ForeignKey("register_requests.id"))
    department_id: Mapped[UUID] = mapped_column(sa.ForeignKey("departments.id"))
    post_id: Mapped[UUID] = mapped_column(sa.ForeignKey("posts.id"))
    decision_number: Mapped[str] = mapped_column(sa.String(64))
    citation: Mapped[str] = mapped_column(sa.String(64))
    decided_on: Mapped[date]
    amount_tiyn: Mapped[int] = mapped_column(sa.BigInteger)
    offender_index: Mapped[bytes]
    wrapped_key: Mapped[bytes]
    sealed: Mapped[bytes]
    added_at: Mapped[datetime]
