"""Tables of the fines slice: catalogue, offence records and their acts, payments and papers.

Final states and forbidden changes are guarded by triggers too; see the migration.
"""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base
from fines.rules.amounts import RoundingCode
from fines.rules.catalogue import Jurisdiction, ReducedReason
from fines.rules.offence_record import Act, Language, OffenceStatus
from fines.rules.payment import LIVE, OPEN_ORDERS, OrderStatus, PaymentStatus
from fines.wire.protocol import OrderKind, OwnerVerdict, Reason
from fines.wire.slip import SlipKind

_LIVE_SQL = ", ".join(f"'{one.value}'" for one in PaymentStatus if one in LIVE)
_OPEN_SQL = ", ".join(f"'{one.value}'" for one in OrderStatus if one in OPEN_ORDERS)

offence_record_numbers = sa.Sequence("offence_record_numbers", metadata=Base.metadata)
receipt_numbers = sa.Sequence("receipt_numbers", metadata=Base.metadata)


class MrpValue(Base):
    """The monthly calculation index from a day on, in whole tenge."""

    __tablename__ = "mrp_values"
    __table_args__ = (sa.CheckConstraint("tenge > 0", "tenge_positive"),)

    valid_from: Mapped[date] = mapped_column(primary_key=True)
    tenge: Mapped[int]
    source: Mapped[str] = mapped_column(sa.String(200))
    verified: Mapped[bool]


class OffenceArticle(Base):
    """One dated row of the offence catalogue; see ``fines.rules.catalogue.Article``."""

    __tablename__ = "offence_articles"
    __table_args__ = (
        sa.UniqueConstraint("article", "part", "valid_from"),
        sa.CheckConstraint("mrp_count IS NULL OR mrp_count BETWEEN 1 AND 200", "mrp_count_range"),
        sa.CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", "valid_order"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    article: Mapped[str] = mapped_column(sa.String(8))
    part: Mapped[str] = mapped_column(sa.String(8))
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    penalties: Mapped[list[str]] = mapped_column(JSONB)
    mrp_count: Mapped[int | None]
    jurisdiction: Mapped[Jurisdiction]
    title_kk: Mapped[str] = mapped_column(sa.String(200))
    title_ru: Mapped[str] = mapped_column(sa.String(200))
    source: Mapped[str] = mapped_column(sa.String(200))
    verified: Mapped[bool]


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

    offender_iin: Mapped[str] = mapped_column(sa.String(12))
    offender: Mapped[dict[str, str]] = mapped_column(JSONB)  # names, birth, residence, document
    vehicle: Mapped[dict[str, str]] = mapped_column(JSONB)  # plate, make, vin; empty on foot

    article: Mapped[str] = mapped_column(sa.String(8))
    part: Mapped[str] = mapped_column(sa.String(8))
    article_id: Mapped[UUID] = mapped_column(sa.ForeignKey("offence_articles.id"))
    occurred_at: Mapped[datetime]
    place: Mapped[str] = mapped_column(sa.String(300))
    latitude: Mapped[float]
    longitude: Mapped[float]
    language: Mapped[Language]
    essence: Mapped[str] = mapped_column(sa.String(2000))
    details: Mapped[dict[str, object]] = mapped_column(JSONB)  # explanation, witnesses, device …

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


class Payment(Base):
    """One attempt to pay half the fine by card, with what the terminal proved of it."""

    __tablename__ = "payments"
    __table_args__ = (
        sa.Index(
            "uq_payments_one_live_per_record",
            "offence_record_id",
            unique=True,
            postgresql_where=sa.text(f"status IN ({_LIVE_SQL})"),
        ),
        sa.CheckConstraint("amount_tiyn > 0", "amount_positive"),
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
        sa.Index(None, "terminal_device_id", "status"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    offence_record_id: Mapped[UUID] = mapped_column(sa.ForeignKey("offence_records.id"))
    status: Mapped[PaymentStatus]
    reason: Mapped[Reason]
    department_id: Mapped[UUID] = mapped_column(sa.ForeignKey("departments.id"))
    post_id: Mapped[UUID] = mapped_column(sa.ForeignKey("posts.id"))
    terminal_device_id: Mapped[UUID] = mapped_column(sa.ForeignKey("devices.id"))
    terminal_number_expected: Mapped[str] = mapped_column(sa.String(8))
    amount_tiyn: Mapped[int] = mapped_column(sa.BigInteger)
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
    terminal_at: Mapped[datetime | None]
    host_code: Mapped[str | None] = mapped_column(sa.String(4))
    terminal_code: Mapped[str | None] = mapped_column(sa.String(4))
    signed_paper_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("papers.id"))


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
        sa.Index(None, "payment_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    payment_id: Mapped[UUID] = mapped_column(sa.ForeignKey("payments.id"))
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


class SlipRow(Base):
    """A slip as it was ordered: its lines are the evidence, renderings follow from them."""

    __tablename__ = "slips"
    __table_args__ = (sa.UniqueConstraint("payment_id", "kind", "copy_number", "duplicate"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    payment_id: Mapped[UUID] = mapped_column(sa.ForeignKey("payments.id"))
    kind: Mapped[SlipKind]
    copy_number: Mapped[int]
    duplicate: Mapped[int]
    content: Mapped[dict[str, object]] = mapped_column(JSONB)
    content_sha256: Mapped[bytes]
    created_at: Mapped[datetime]
    printed_at: Mapped[datetime | None]
    paper_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("papers.id"))


class Paper(Base):
    """A filed document (slip or receipt in PDF, photograph of a signed slip) with its hash."""

    __tablename__ = "papers"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    offence_record_id: Mapped[UUID] = mapped_column(sa.ForeignKey("offence_records.id"), index=True)
    kind: Mapped[str] = mapped_column(sa.String(16))  # slip | receipt | signed_slip
    media_type: Mapped[str] = mapped_column(sa.String(32))
    sha256: Mapped[bytes]
    content: Mapped[bytes]
    created_at: Mapped[datetime]
