"""What the acquirer and the treasury told us, how it fits our rows, and the cases it opened.

Files and their rows are evidence: written once. Items are our reading of them and move on as the
other half of a pair arrives.
"""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base
from fines.rules.reconciliation_words import (
    DIFFERENCES,
    UNPAIRED,
    CaseKind,
    CaseStatus,
    Detail,
    Source,
    Verdict,
)
from fines.wire.settlement import RowKind
from fines.wire.treasury import LineKind

_UNPAIRED_SQL = ", ".join(f"'{one.value}'" for one in Verdict if one in UNPAIRED)
_DIFFERENCES_SQL = ", ".join(f"'{one.value}'" for one in Verdict if one in DIFFERENCES)


class AcquirerFile(Base):
    """A settlement file, by its hash: the same file again changes nothing."""

    __tablename__ = "acquirer_files"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    sha256: Mapped[bytes] = mapped_column(unique=True)
    count: Mapped[int]
    sum_tiyn: Mapped[int] = mapped_column(sa.BigInteger)
    imported_by_post_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("posts.id"))
    imported_at: Mapped[datetime]


class AcquirerRow(Base):
    """One line of a settlement file."""

    __tablename__ = "acquirer_rows"
    __table_args__ = (
        sa.Index(None, "file_id", "line_number", unique=True),
        sa.Index(None, "rrn"),  # begins with the day: what comes together lies together
        sa.Index(None, "settlement_date", "merchant_number"),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    file_id: Mapped[UUID] = mapped_column(sa.ForeignKey("acquirer_files.id"))
    line_number: Mapped[int]
    kind: Mapped[RowKind]
    rrn: Mapped[str] = mapped_column(sa.String(12))
    approval_code: Mapped[str] = mapped_column(sa.String(6))
    terminal_number: Mapped[str] = mapped_column(sa.String(8))
    merchant_number: Mapped[str] = mapped_column(sa.String(15))
    stan: Mapped[int]
    amount_tiyn: Mapped[int] = mapped_column(sa.BigInteger)
    fee_tiyn: Mapped[int] = mapped_column(sa.BigInteger)
    transacted_at: Mapped[datetime]
    settlement_date: Mapped[date]
    card_masked: Mapped[str] = mapped_column(sa.String(19))


class TreasuryStatement(Base):
    """A statement of the treasury, by its hash."""

    __tablename__ = "treasury_statements"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    sha256: Mapped[bytes] = mapped_column(unique=True)
    count: Mapped[int]
    sum_tiyn: Mapped[int] = mapped_column(sa.BigInteger)
    imported_by_post_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("posts.id"))
    imported_at: Mapped[datetime]


class TreasuryLineRow(Base):
    """One payment order of a statement."""

    __tablename__ = "treasury_lines"
    __table_args__ = (sa.Index(None, "settlement_date", "merchant_number"),)

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    statement_id: Mapped[UUID] = mapped_column(sa.ForeignKey("treasury_statements.id"))
    line_number: Mapped[int]
    kind: Mapped[LineKind]
    order_number: Mapped[str] = mapped_column(sa.String(32))
    merchant_number: Mapped[str] = mapped_column(sa.String(15))
    budget_code: Mapped[str] = mapped_column(sa.String(6))
    purpose_code: Mapped[str] = mapped_column(sa.String(3))
    settlement_date: Mapped[date]
    received_on: Mapped[date]
    amount_tiyn: Mapped[int] = mapped_column(sa.BigInteger)


class ReconciliationItem(Base):
    """One row of ours, one of theirs, or the two as a pair, and what we make of it."""

    __tablename__ = "reconciliation_items"
    __table_args__ = (
        sa.Index(
            "uq_reconciliation_items_payment",
            "payment_number",
            unique=True,
            postgresql_where=sa.text("payment_number IS NOT NULL AND refund_id IS NULL"),
        ),
        sa.Index(
            "uq_reconciliation_items_refund",
            "refund_id",
            unique=True,
            postgresql_where=sa.text("refund_id IS NOT NULL"),
        ),
        sa.Index(
            "uq_reconciliation_items_acquirer_row",
            "acquirer_row_id",
            unique=True,
            postgresql_where=sa.text("acquirer_row_id IS NOT NULL AND payment_number IS NOT NULL"),
        ),
        sa.Index(
            "uq_reconciliation_items_subject",
            "source",
            "subject",
            unique=True,
            postgresql_where=sa.text("subject IS NOT NULL"),
        ),
        sa.Index(
            "ix_reconciliation_items_unpaired",
            "day",
            postgresql_where=sa.text(f"verdict IN ({_UNPAIRED_SQL})"),
        ),
        sa.Index(
            "ix_reconciliation_items_caseless",
            "day",
            postgresql_where=sa.text(f"verdict IN ({_DIFFERENCES_SQL}) AND NOT has_case"),
        ),
        sa.Index(None, "day", "verdict"),
        sa.CheckConstraint(
            "payment_number IS NOT NULL OR acquirer_row_id IS NOT NULL OR subject IS NOT NULL",
            "about_something",
        ),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    day: Mapped[date]  # of the transaction, by the law's clock
    source: Mapped[Source]
    verdict: Mapped[Verdict]
    detail: Mapped[Detail]
    payment_number: Mapped[int | None] = mapped_column(
        sa.BigInteger, sa.ForeignKey("payments.number")
    )
    refund_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("refunds.id"))
    acquirer_row_id: Mapped[int | None] = mapped_column(
        sa.BigInteger, sa.ForeignKey("acquirer_rows.id")
    )
    subject: Mapped[str | None] = mapped_column(
        sa.String(80)
    )  # a terminal's batch, a payment order
    department_id: Mapped[UUID | None]
    post_id: Mapped[UUID | None]
    device_id: Mapped[UUID | None]
    shift_id: Mapped[UUID | None]
    terminal_number: Mapped[str] = mapped_column(sa.String(8))
    ours_tiyn: Mapped[int | None] = mapped_column(sa.BigInteger)
    theirs_tiyn: Mapped[int | None] = mapped_column(sa.BigInteger)
    has_case: Mapped[bool] = mapped_column(server_default=sa.false())
    found_at: Mapped[datetime]


class ReconciliationCase(Base):
    """What people have to explain and close: see ``CaseKind``."""

    __tablename__ = "reconciliation_cases"
    __table_args__ = (
        sa.CheckConstraint("(status = 'open') = (explained_at IS NULL)", "explained_when"),
        sa.CheckConstraint("(status = 'closed') = (closed_at IS NOT NULL)", "closed_when"),
        sa.CheckConstraint(
            "closed_by_person_id IS NULL OR closed_by_person_id <> explained_by_person_id",
            "two_people",
        ),
        sa.CheckConstraint(
            "(kind = 'difference') = (item_id IS NOT NULL) AND "
            "(kind IN ('hand_in', 'totals_missing')) = (device_id IS NOT NULL) AND "
            "(kind = 'totals_missing') = (day IS NOT NULL) AND "
            "(kind = 'register_notice') = (notice_id IS NOT NULL)",
            "about_one_thing",
        ),
        sa.Index(None, "status", "opened_at"),
        sa.Index(
            "uq_reconciliation_cases_totals_missing",
            "device_id",
            "day",
            unique=True,
            postgresql_where=sa.text("kind = 'totals_missing'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    # Older code opens cases of differences only and does not know the column.
    kind: Mapped[CaseKind] = mapped_column(server_default=CaseKind.DIFFERENCE.value)
    item_id: Mapped[int | None] = mapped_column(
        sa.BigInteger, sa.ForeignKey("reconciliation_items.id"), unique=True
    )
    device_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("devices.id"))
    day: Mapped[date | None]  # of the totals that are missing
    notice_id: Mapped[UUID | None] = mapped_column(
        sa.ForeignKey("register_notices.id"), unique=True
    )
    department_id: Mapped[UUID | None]
    status: Mapped[CaseStatus]
    opened_at: Mapped[datetime]
    opened_because: Mapped[str] = mapped_column(sa.String(500))
    explained_by_person_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("people.id"))
    explained_at: Mapped[datetime | None]
    explanation: Mapped[str] = mapped_column(sa.String(2000))
    closed_by_person_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("people.id"))
    closed_at: Mapped[datetime | None]
    conclusion: Mapped[str] = mapped_column(sa.String(2000))
