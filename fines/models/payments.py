"""Payments by card, and what terminals are ordered to do and report."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base
from fines.rules.amounts import RoundingCode
from fines.rules.payment import LIVE, OPEN_ORDERS, OrderStatus, PaymentStatus
from fines.wire.protocol import OrderKind, OwnerMethod, OwnerVerdict, Reason

# Both as PostgreSQL writes them back, so that the schema can be compared with this text.
_LIVE_SQL = " AND ".join(
    f"status::text <> '{one.value}'::text" for one in PaymentStatus if one not in LIVE
)
_UNENDED_SQL = (
    "status::text = 'created'::text OR status::text = 'sent'::text OR "
    "status::text = 'unknown'::text OR status::text = 'approved'::text AND confirmed_at IS NULL"
)
_OPEN_SQL = ", ".join(f"'{one.value}'" for one in OrderStatus if one in OPEN_ORDERS)


class Payment(Base):
    """One attempt to pay a fine by card, with what the terminal proved of it.

    It pays a record of ours or a fine known from the register, and keeps the split of its sum:
    ``amount_tiyn`` is ``full_tiyn`` less ``discount_tiyn``.
    """

    __tablename__ = "payments"
    __table_args__ = (
        sa.Index(
            "uq_payments_one_live_per_record",
            "offence_record_id",
            unique=True,
            postgresql_where=sa.text("live"),
        ),
        sa.Index(
            "uq_payments_one_live_per_register_fine",
            "register_fine_id",
            unique=True,
            postgresql_where=sa.text("live"),
        ),
        sa.CheckConstraint("amount_tiyn > 0", "amount_positive"),
        sa.CheckConstraint(
            "discount_tiyn >= 0 AND amount_tiyn = full_tiyn - discount_tiyn", "split_adds_up"
        ),
        sa.CheckConstraint("num_nonnulls(offence_record_id, register_fine_id) = 1", "one_debt"),
        sa.CheckConstraint(
            "status NOT IN ('approved', 'slips_printed', 'signed', 'filed', 'settled') OR "
            "(rrn IS NOT NULL AND approval_code IS NOT NULL AND owner_verdict = 'match')",
            "approved_has_proof",
        ),
        sa.CheckConstraint(
            "status NOT IN ('slips_printed', 'signed', 'filed', 'settled') OR "
            "confirmed_at IS NOT NULL",
            "printed_is_confirmed",
        ),
        sa.Index(None, "offence_record_id"),
        sa.Index(None, "register_fine_id"),
        sa.Index("ix_payments_unended", "terminal_device_id", postgresql_where=sa.text("unended")),
        sa.Index(
            "ix_payments_of_terminal",
            "terminal_device_id",
            "approved_at",
            postgresql_where=sa.text("approved_at IS NOT NULL"),
        ),
        sa.CheckConstraint(
            "status NOT IN ('filed', 'settled') OR "
            "num_nonnulls(signed_paper_id, filing_confirmed_by_post_id) > 0",
            "filed_by_paper_or_person",
        ),
        sa.CheckConstraint("filing_confirmed_by_post_id <> post_id", "filed_by_another"),
        sa.Index(
            "ix_payments_unfiled",
            "department_id",
            "confirmed_at",
            postgresql_where=sa.text("confirmed_at IS NOT NULL AND filed_at IS NULL"),
        ),
        sa.Index(None, "rrn", postgresql_where=sa.text("rrn IS NOT NULL")),
        sa.Index(None, "card_ref", postgresql_where=sa.text("card_ref IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    # The running number the books know a payment by; ids are random, and ten million random
    # places in an index do not stay in memory.
    number: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(always=True), unique=True)
    offence_record_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("offence_records.id"))
    register_fine_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("register_fines.id"))
    status: Mapped[PaymentStatus]
    # Indexes stand on these and not on the status: a step that changes neither touches no index,
    # and settling a day costs the same after ten million payments (heap-only updates).
    live: Mapped[bool] = mapped_column(sa.Computed(_LIVE_SQL, persisted=True))
    unended: Mapped[bool] = mapped_column(sa.Computed(_UNENDED_SQL, persisted=True))
    reason: Mapped[Reason]
    department_id: Mapped[UUID] = mapped_column(sa.ForeignKey("departments.id"))
    post_id: Mapped[UUID] = mapped_column(sa.ForeignKey("posts.id"))
    terminal_device_id: Mapped[UUID] = mapped_column(sa.ForeignKey("devices.id"))
    shift_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("shifts.id"))
    terminal_number_expected: Mapped[str] = mapped_column(sa.String(8))
    amount_tiyn: Mapped[int] = mapped_column(sa.BigInteger)
    full_tiyn: Mapped[int] = mapped_column(sa.BigInteger)
    discount_tiyn: Mapped[int] = mapped_column(sa.BigInteger)
    rounding: Mapped[RoundingCode]
    idempotency_key: Mapped[str] = mapped_column(sa.String(255), unique=True)
    request_sha256: Mapped[bytes]
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    approved_at: Mapped[datetime | None]
    confirmed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    signed_at: Mapped[datetime | None]
    filed_at: Mapped[datetime | None]

    owner_verdict: Mapped[OwnerVerdict | None]
    owner_method: Mapped[OwnerMethod | None]  # how the owner was proven
    owner_checker: Mapped[str | None] = mapped_column(sa.String(32))  # of a name: whose rules
    merchant_number: Mapped[str | None] = mapped_column(sa.String(15))
    terminal_receipt_number: Mapped[int | None]
    trace_number: Mapped[int | None]
    rrn: Mapped[str | None] = mapped_column(sa.String(12))
    approval_code: Mapped[str | None] = mapped_column(sa.String(6))
    card_brand: Mapped[str | None] = mapped_column(sa.String(32))
    card_masked: Mapped[str | None] = mapped_column(sa.String(19))
    card_ref: Mapped[str | None] = mapped_column(sa.String(64))
    card_ref_kind: Mapped[str | None] = mapped_column(sa.String(16))
    entry_mode: Mapped[str | None] = mapped_column(sa.String(16))
    cardholder_check: Mapped[str | None] = mapped_column(sa.String(16))
    aid: Mapped[str | None] = mapped_column(sa.String(32))
    terminal_serial: Mapped[str | None] = mapped_column(sa.String(20))  # as the terminal tells it
    batch_number: Mapped[int | None]
    application_label: Mapped[str | None] = mapped_column(sa.String(16))
    tvr: Mapped[str | None] = mapped_column(sa.String(10))
    tsi: Mapped[str | None] = mapped_column(sa.String(4))
    cryptogram: Mapped[str | None] = mapped_column(sa.String(16))
    terminal_at: Mapped[datetime | None]
    host_code: Mapped[str | None] = mapped_column(sa.String(4))
    terminal_code: Mapped[str | None] = mapped_column(sa.String(4))
    # One of the two closes a payment: the photograph, or who saw the signed slip in the file.
    signed_paper_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("papers.id"))
    filing_confirmed_by_post_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("posts.id"))


class TerminalOrder(Base):
    """One thing an agent is to do with its terminal."""

    __tablename__ = "terminal_orders"
    __table_args__ = (
        sa.Index(
            "uq_terminal_orders_one_open_sale",
            "device_id",
            unique=True,
            postgresql_where=sa.text(f"kind = 'sale' AND status IN ({_OPEN_SQL})"),
        ),
        sa.Index(
            "ix_terminal_orders_open",
            "device_id",
            "not_before",
            postgresql_where=sa.text("status IN ('waiting', 'taken')"),
        ),
        # A terminal's totals are of all its payments; every other order is about one.
        sa.CheckConstraint("(kind = 'reconcile') = (payment_id IS NULL)", "payment_unless_totals"),
        sa.Index(
            "uq_terminal_orders_one_open_reconcile",
            "device_id",
            unique=True,
            postgresql_where=sa.text(f"kind = 'reconcile' AND status IN ({_OPEN_SQL})"),
        ),
        sa.Index(None, "payment_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    payment_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("payments.id"))
    device_id: Mapped[UUID] = mapped_column(sa.ForeignKey("devices.id"))
    kind: Mapped[OrderKind]
    status: Mapped[OrderStatus]
    created_at: Mapped[datetime]
    not_before: Mapped[datetime]
    expires_at: Mapped[datetime]
    taken_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class TerminalReport(Base):
    """A report taken and its answer: the same report again is answered the same."""

    __tablename__ = "terminal_reports"

    order_id: Mapped[UUID] = mapped_column(sa.ForeignKey("terminal_orders.id"), primary_key=True)
    report: Mapped[str] = mapped_column(sa.String(16), primary_key=True)
    body_sha256: Mapped[bytes]
    answer: Mapped[dict[str, object]] = mapped_column(JSONB)
    at: Mapped[datetime]


class TerminalHello(Base):
    """What a terminal agent last said of itself."""

    __tablename__ = "terminal_hellos"

    device_id: Mapped[UUID] = mapped_column(sa.ForeignKey("devices.id"), primary_key=True)
    agent_version: Mapped[str] = mapped_column(sa.String(32))
    terminal_number: Mapped[str] = mapped_column(sa.String(8))
    driver: Mapped[str] = mapped_column(sa.String(16))
    at: Mapped[datetime]
