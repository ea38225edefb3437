"""What card terminals counted themselves when their day was closed."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class TerminalTotals(Base):
    """One closed batch of a terminal, in its own words. Written once; nobody corrects it."""

    __tablename__ = "terminal_totals"
    __table_args__ = (
        sa.CheckConstraint("count >= 0 AND sum_tiyn >= 0", "not_negative"),
        sa.CheckConstraint("(receipt_from IS NULL) = (receipt_to IS NULL)", "receipts_both"),
        sa.Index(None, "device_id", "closed_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)  # the order that asked for it
    device_id: Mapped[UUID] = mapped_column(sa.ForeignKey("devices.id"))
    terminal_number: Mapped[str] = mapped_column(sa.String(8))
    closed_at: Mapped[datetime]
    receipt_from: Mapped[int | None]  # absent where the batch was empty
    receipt_to: Mapped[int | None]
    count: Mapped[int]
    sum_tiyn: Mapped[int] = mapped_column(sa.BigInteger)
    # brand -> {"count", "sum_tiyn"}; a brand's own count is one byte and wraps at 256 (ZVT).
    brands: Mapped[dict[str, dict[str, int]]] = mapped_column(JSONB)
    reported_at: Mapped[datetime]
