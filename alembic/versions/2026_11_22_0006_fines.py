"""Tables of fines: catalogue, offence records and their acts, payments, orders, papers.

Revision 0006_fines. First release: no older code runs against it.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0006_fines"
down_revision = "0005_exchange"
branch_labels = None
depends_on = None

# The life cycles of fines.rules.offence_record and fines.rules.payment, written out again: what
# the program decides wrongly, the database still refuses. A final state has no line here.
_OFFENCE_STEPS = """
    ('draft', 'drawn_up'), ('draft', 'warned'),
    ('drawn_up', 'reduced_agreed'), ('drawn_up', 'ordinary'),
    ('reduced_agreed', 'receipt_issued'),
    ('receipt_issued', 'paid_half'), ('receipt_issued', 'lapsed'),
    ('lapsed', 'ordinary'), ('ordinary', 'enforcement')
"""
_PAYMENT_STEPS = """
    ('created', 'sent'), ('created', 'declined'),
    ('sent', 'approved'), ('sent', 'declined'), ('sent', 'reversed'), ('sent', 'unknown'),
    ('approved', 'slips_printed'), ('approved', 'reversed'), ('approved', 'unknown'),
    ('slips_printed', 'signed'), ('signed', 'filed'), ('filed', 'settled'),
    ('unknown', 'approved'), ('unknown', 'reversed')
"""
# What moves on with the course of a record; everything else is written once.
_OFFENCE_COURSE = (
    "status", "receipt_number", "receipt_issued_at", "discount_last_day", "discount_until",
)  # fmt: skip
_PAYMENT_WRITTEN_ONCE = (
    "offence_record_id", "department_id", "post_id", "terminal_device_id",
    "terminal_number_expected", "amount_tiyn", "rounding", "idempotency_key", "request_sha256",
    "created_at",
)  # fmt: skip

_GUARD_OFFENCE_RECORD = f"""
CREATE FUNCTION fines_guard_offence_record() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status <> OLD.status
        AND (OLD.status, NEW.status) NOT IN (VALUES {_OFFENCE_STEPS}) THEN
        RAISE EXCEPTION 'offence record: % -> %', OLD.status, NEW.status
            USING ERRCODE = 'check_violation';
    END IF;
    IF to_jsonb(NEW) - ARRAY[{", ".join(f"'{one}'" for one in _OFFENCE_COURSE)}]
        <> to_jsonb(OLD) - ARRAY[{", ".join(f"'{one}'" for one in _OFFENCE_COURSE)}]
        OR (OLD.receipt_number IS NOT NULL AND (NEW.receipt_number, NEW.discount_until)
            IS DISTINCT FROM (OLD.receipt_number, OLD.discount_until)) THEN
        RAISE EXCEPTION 'an offence record is written once' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$
"""
_GUARD_PAYMENT = f"""
CREATE FUNCTION fines_guard_payment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status <> OLD.status
        AND (OLD.status, NEW.status) NOT IN (VALUES {_PAYMENT_STEPS}) THEN
        RAISE EXCEPTION 'payment: % -> %', OLD.status, NEW.status
            USING ERRCODE = 'check_violation';
    END IF;
    IF ({", ".join(f"NEW.{one}" for one in _PAYMENT_WRITTEN_ONCE)})
        IS DISTINCT FROM ({", ".join(f"OLD.{one}" for one in _PAYMENT_WRITTEN_ONCE)})
        OR (OLD.confirmed_at IS NOT NULL AND (NEW.confirmed_at, NEW.rrn, NEW.approval_code)
            IS DISTINCT FROM (OLD.confirmed_at, OLD.rrn, OLD.approval_code)) THEN
        RAISE EXCEPTION 'what a payment was begun with never changes'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$
"""
_NO_CHANGE = """
CREATE FUNCTION fines_no_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is evidence: it is never changed or erased', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$$
"""
_GUARDED = {
    "offence_records": "fines_guard_offence_record",
    "payments": "fines_guard_payment",
}
_INSTANT = sa.DateTime(timezone=True)
_LIVE = "status IN ('created', 'sent', 'approved', 'slips_printed', 'signed', 'filed', 'settled', "
_LIVE += "'unknown')"
_APPROVED = "status NOT IN ('approved', 'slips_printed', 'signed', 'filed', 'settled') OR "
_APPROVED += "(rrn IS NOT NULL AND approval_code IS NOT NULL AND owner_verdict = 'match')"
_PRINTED = "status NOT IN ('slips_printed', 'signed', 'filed', 'settled') OR "
_PRINTED += "confirmed_at IS NOT NULL"
_NEVER_ERASED = ("offence_records", "payments", "slips", "terminal_orders")
_NEVER_TOUCHED = ("offence_acts", "papers", "terminal_reports")


def upgrade() -> None:
    op.execute(sa.text("CREATE SEQUENCE offence_record_numbers"))
    op.execute(sa.text("CREATE SEQUENCE receipt_numbers"))
    _create_tables()
    for function in (_GUARD_OFFENCE_RECORD, _GUARD_PAYMENT, _NO_CHANGE):
        op.execute(sa.text(function))
    for table, function_name in _GUARDED.items():
        op.execute(
            sa.text(
                f"CREATE TRIGGER {table}_guard BEFORE UPDATE ON {table} "
                f"FOR EACH ROW EXECUTE FUNCTION {function_name}()"
            )
        )
    for tables, what in ((_NEVER_ERASED, "DELETE"), (_NEVER_TOUCHED, "UPDATE OR DELETE")):
        for table in tables:
            op.execute(
                sa.text(
                    f"CREATE TRIGGER {table}_no_change BEFORE {what} ON {table} "
                    "FOR EACH ROW EXECUTE FUNCTION fines_no_change()"
                )
            )


def _enum(name: str, values: str) -> sa.Enum:
    return sa.Enum(*values.split(), name=name, native_enum=False, create_constraint=True, length=32)


def _need(
    name: str, type_: sa.types.TypeEngine[Any] | type[sa.types.TypeEngine[Any]]
) -> sa.Column[Any]:
    return sa.Column(name, type_, nullable=False)


def _fk(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"))


def _pk(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=op.f(f"pk_{table}"))


def _create_tables() -> None:
    op.create_table(
        "mrp_values",
        _need("valid_from", sa.Date()),
        _need("tenge", sa.Integer()),
        _need("source", sa.String(length=200)),
        _need("verified", sa.Boolean()),
        sa.CheckConstraint("tenge > 0", name=op.f("ck_mrp_values_tenge_positive")),
        _pk("mrp_values", "valid_from"),
    )
    op.create_table(
        "offence_articles",
        _need("id", sa.Uuid()),
        _need("article", sa.String(length=8)),
        _need("part", sa.String(length=8)),
        _need("valid_from", sa.Date()),
        sa.Column("valid_to", sa.Date(), nullable=True),
        _need("penalties", JSONB()),
        sa.Column("mrp_count", sa.Integer(), nullable=True),
        _need("jurisdiction", _enum("jurisdiction", "police court")),
        _need("title_kk", sa.String(length=200)),
        _need("title_ru", sa.String(length=200)),
        _need("source", sa.String(length=200)),
        _need("verified", sa.Boolean()),
        sa.CheckConstraint(
            "mrp_count IS NULL OR mrp_count BETWEEN 1 AND 200",
            name=op.f("ck_offence_articles_mrp_count_range"),
        ),
        sa.CheckConstraint(
            "valid_to IS NULL OR valid_to >= valid_from",
            name=op.f("ck_offence_articles_valid_order"),
        ),
        _pk("offence_articles", "id"),
        sa.UniqueConstraint(
            "article",
            "part",
            "valid_from",
            name=op.f("uq_offence_articles_article_part_valid_from"),
        ),
    )
    op.create_table(
        "terminal_hellos",
        _need("device_id", sa.Uuid()),
        _need("agent_version", sa.String(length=32)),
        _need("terminal_number", sa.String(length=8)),
        _need("driver", sa.String(length=16)),
        _need("at", _INSTANT),
        _fk("terminal_hellos", "device_id", "devices"),
        _pk("terminal_hellos", "device_id"),
    )
    _create_records()
    _create_payments()
    _create_orders()


def _create_records() -> None:
    op.create_table(
        "offence_records",
        _need("id", sa.Uuid()),
        _need("number", sa.String(length=24)),
        _need(
            "status",
            _enum(
                "offencestatus",
                "draft drawn_up reduced_agreed receipt_issued paid_half lapsed ordinary "
                "enforcement warned ",
            ),
        ),
        _need("check_id", sa.Uuid()),
        _need("department_id", sa.Uuid()),
        _need("post_id", sa.Uuid()),
        sa.Column("device_id", sa.Uuid(), nullable=True),
        _need("drawn_up_at", _INSTANT),
        _need("offender_iin", sa.String(length=12)),
        _need("offender", JSONB()),
        _need("vehicle", JSONB()),
        _need("article", sa.String(length=8)),
        _need("part", sa.String(length=8)),
        _need("article_id", sa.Uuid()),
        _need("occurred_at", _INSTANT),
        _need("place", sa.String(length=300)),
        _need("latitude", sa.Double()),
        _need("longitude", sa.Double()),
        _need("language", _enum("language", "kk ru")),
        _need("essence", sa.String(length=2000)),
        _need("details", JSONB()),
        sa.Column("mrp_tenge", sa.Integer(), nullable=True),
        sa.Column("mrp_count", sa.Integer(), nullable=True),
        _need("fine_full_tiyn", sa.BigInteger()),
        _need("fine_half_tiyn", sa.BigInteger()),
        _need("rounding", _enum("roundingcode", "exact_tiyn_payers_favour")),
        _need(
            "reduced_reason",
            _enum(
                "reducedreason", "eligible no_fine_in_sanction other_penalty_in_sanction immunity"
            ),
        ),
        sa.Column("receipt_number", sa.String(length=24), nullable=True),
        sa.Column("receipt_issued_at", _INSTANT, nullable=True),
        sa.Column("discount_last_day", sa.Date(), nullable=True),
        sa.Column("discount_until", _INSTANT, nullable=True),
        sa.CheckConstraint(
            "(receipt_number IS NULL) = (discount_until IS NULL)",
            name=op.f("ck_offence_records_receipt_has_discount"),
        ),
        sa.CheckConstraint(
            "fine_full_tiyn >= 0 AND fine_half_tiyn >= 0 AND fine_half_tiyn <= fine_full_tiyn",
            name=op.f("ck_offence_records_sums"),
        ),
        _fk("offence_records", "article_id", "offence_articles"),
        _fk("offence_records", "check_id", "register_requests"),
        _fk("offence_records", "department_id", "departments"),
        _fk("offence_records", "post_id", "posts"),
        _pk("offence_records", "id"),
        sa.UniqueConstraint(
            "check_id",
            "article",
            "part",
            "occurred_at",
            name=op.f("uq_offence_records_check_id_article_part_occurred_at"),
        ),
        sa.UniqueConstraint("number", name=op.f("uq_offence_records_number")),
        sa.UniqueConstraint("receipt_number", name=op.f("uq_offence_records_receipt_number")),
    )
    op.create_index(
        op.f("ix_offence_records_department_id_drawn_up_at"),
        "offence_records",
        ["department_id", "drawn_up_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_offence_records_post_id"), "offence_records", ["post_id"], unique=False
    )
    op.create_index(
        op.f("ix_offence_records_status_discount_until"),
        "offence_records",
        ["status", "discount_until"],
        unique=False,
    )
    op.create_table(
        "offence_acts",
        _need("id", sa.Uuid()),
        _need("offence_record_id", sa.Uuid()),
        _need("act", _enum("act", "announced entered explained receipt_handed")),
        _need("at", _INSTANT),
        _need("post_id", sa.Uuid()),
        sa.Column("device_id", sa.Uuid(), nullable=True),
        _fk("offence_acts", "offence_record_id", "offence_records"),
        _fk("offence_acts", "post_id", "posts"),
        _pk("offence_acts", "id"),
        sa.UniqueConstraint(
            "offence_record_id", "act", name=op.f("uq_offence_acts_offence_record_id_act")
        ),
    )
    op.create_table(
        "papers",
        _need("id", sa.Uuid()),
        _need("offence_record_id", sa.Uuid()),
        _need("kind", sa.String(length=16)),
        _need("media_type", sa.String(length=32)),
        _need("sha256", sa.LargeBinary()),
        _need("content", sa.LargeBinary()),
        _need("created_at", _INSTANT),
        _fk("papers", "offence_record_id", "offence_records"),
        _pk("papers", "id"),
    )
    op.create_index(
        op.f("ix_papers_offence_record_id"), "papers", ["offence_record_id"], unique=False
    )


def _create_payments() -> None:
    op.create_table(
        "payments",
        _need("id", sa.Uuid()),
        _need("offence_record_id", sa.Uuid()),
        _need(
            "status",
            _enum(
                "paymentstatus",
                "created sent approved slips_printed signed filed settled declined "
                "reversed unknown ",
            ),
        ),
        _need(
            "reason",
            _enum(
                "reason",
                "none third_party_card ownership_unproven insufficient_funds "
                "card_expired card_unreadable issuer_declined host_unreachable no_paper "
                "printer_silent aborted card_timeout line_silent terminal_busy "
                "server_refused terminal_fault ",
            ),
        ),
        _need("department_id", sa.Uuid()),
        _need("post_id", sa.Uuid()),
        _need("terminal_device_id", sa.Uuid()),
        _need("terminal_number_expected", sa.String(length=8)),
        _need("amount_tiyn", sa.BigInteger()),
        _need("rounding", _enum("roundingcode", "exact_tiyn_payers_favour")),
        _need("idempotency_key", sa.String(length=255)),
        _need("request_sha256", sa.LargeBinary()),
        _need("created_at", _INSTANT),
        sa.Column("sent_at", _INSTANT, nullable=True),
        sa.Column("approved_at", _INSTANT, nullable=True),
        sa.Column("confirmed_at", _INSTANT, nullable=True),
        sa.Column("ended_at", _INSTANT, nullable=True),
        sa.Column("signed_at", _INSTANT, nullable=True),
        sa.Column("filed_at", _INSTANT, nullable=True),
        sa.Column(
            "owner_verdict",
            _enum("ownerverdict", "match no_match unknown not_supported"),
            nullable=True,
        ),
        sa.Column("merchant_number", sa.String(length=15), nullable=True),
        sa.Column("terminal_receipt_number", sa.Integer(), nullable=True),
        sa.Column("trace_number", sa.Integer(), nullable=True),
        sa.Column("rrn", sa.String(length=12), nullable=True),
        sa.Column("approval_code", sa.String(length=6), nullable=True),
        sa.Column("card_brand", sa.String(length=32), nullable=True),
        sa.Column("card_masked", sa.String(length=19), nullable=True),
        sa.Column("card_ref", sa.String(length=64), nullable=True),
        sa.Column("card_ref_kind", sa.String(length=16), nullable=True),
        sa.Column("entry_mode", sa.String(length=16), nullable=True),
        sa.Column("cardholder_check", sa.String(length=16), nullable=True),
        sa.Column("aid", sa.String(length=32), nullable=True),
        sa.Column("terminal_at", _INSTANT, nullable=True),
        sa.Column("host_code", sa.String(length=4), nullable=True),
        sa.Column("terminal_code", sa.String(length=4), nullable=True),
        sa.Column("signed_paper_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(_APPROVED, name=op.f("ck_payments_approved_has_proof")),
        sa.CheckConstraint(_PRINTED, name=op.f("ck_payments_printed_is_confirmed")),
        sa.CheckConstraint("amount_tiyn > 0", name=op.f("ck_payments_amount_positive")),
        _fk("payments", "department_id", "departments"),
        _fk("payments", "offence_record_id", "offence_records"),
        _fk("payments", "post_id", "posts"),
        _fk("payments", "signed_paper_id", "papers"),
        _fk("payments", "terminal_device_id", "devices"),
        _pk("payments", "id"),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_payments_idempotency_key")),
    )
    op.create_index(
        op.f("ix_payments_offence_record_id"), "payments", ["offence_record_id"], unique=False
    )
    op.create_index(
        op.f("ix_payments_terminal_device_id_status"),
        "payments",
        ["terminal_device_id", "status"],
        unique=False,
    )
    op.create_index(
        "uq_payments_one_live_per_record",
        "payments",
        ["offence_record_id"],
        unique=True,
        postgresql_where=sa.text(_LIVE),
    )
    op.create_table(
        "slips",
        _need("id", sa.Uuid()),
        _need("payment_id", sa.Uuid()),
        _need("kind", _enum("slipkind", "sale declined reversed")),
        _need("copy_number", sa.Integer()),
        _need("duplicate", sa.Integer()),
        _need("content", JSONB()),
        _need("content_sha256", sa.LargeBinary()),
        _need("created_at", _INSTANT),
        sa.Column("printed_at", _INSTANT, nullable=True),
        sa.Column("paper_id", sa.Uuid(), nullable=True),
        _fk("slips", "paper_id", "papers"),
        _fk("slips", "payment_id", "payments"),
        _pk("slips", "id"),
        sa.UniqueConstraint(
            "payment_id",
            "kind",
            "copy_number",
            "duplicate",
            name=op.f("uq_slips_payment_id_kind_copy_number_duplicate"),
        ),
    )


def _create_orders() -> None:
    op.create_table(
        "terminal_orders",
        _need("id", sa.Uuid()),
        _need("payment_id", sa.Uuid()),
        _need("device_id", sa.Uuid()),
        _need("kind", _enum("orderkind", "sale last_result print")),
        _need("status", _enum("orderstatus", "waiting taken started done expired withdrawn")),
        _need("created_at", _INSTANT),
        _need("not_before", _INSTANT),
        _need("expires_at", _INSTANT),
        sa.Column("taken_at", _INSTANT, nullable=True),
        sa.Column("started_at", _INSTANT, nullable=True),
        sa.Column("ended_at", _INSTANT, nullable=True),
        _fk("terminal_orders", "device_id", "devices"),
        _fk("terminal_orders", "payment_id", "payments"),
        _pk("terminal_orders", "id"),
    )
    op.create_index(
        "ix_terminal_orders_open",
        "terminal_orders",
        ["device_id", "not_before"],
        unique=False,
        postgresql_where=sa.text("status IN ('waiting', 'taken')"),
    )
    op.create_index(
        op.f("ix_terminal_orders_payment_id"), "terminal_orders", ["payment_id"], unique=False
    )
    op.create_index(
        "uq_terminal_orders_one_open_sale",
        "terminal_orders",
        ["device_id"],
        unique=True,
        postgresql_where=sa.text("kind = 'sale' AND status IN ('waiting', 'taken', 'started')"),
    )
    op.create_table(
        "terminal_reports",
        _need("order_id", sa.Uuid()),
        _need("report", sa.String(length=16)),
        _need("body_sha256", sa.LargeBinary()),
        _need("answer", JSONB()),
        _need("at", _INSTANT),
        _fk("terminal_reports", "order_id", "terminal_orders"),
        _pk("terminal_reports", "order_id", "report"),
    )


def downgrade() -> None:
    op.drop_table("terminal_reports")
    op.drop_table("terminal_orders")
    op.drop_table("slips")
    op.drop_table("payments")
    op.drop_table("papers")
    op.drop_table("offence_acts")
    op.drop_table("offence_records")
    op.drop_table("terminal_hellos")
    op.drop_table("offence_articles")
    op.drop_table("mrp_values")
    for function_name in ("fines_guard_offence_record", "fines_guard_payment", "fines_no_change"):
        op.execute(sa.text(f"DROP FUNCTION {function_name}()"))
    op.execute(sa.text("DROP SEQUENCE receipt_numbers"))
    op.execute(sa.text("DROP SEQUENCE offence_record_numbers"))
