"""Ledger, refunds, settlement files, the treasury's statements and reconciliation.

Revision 0016_money. Older code no longer runs against it: a payment that is confirmed without its
postings is refused by the database. Payments made before get their postings here.
"""

import sqlalchemy as sa
from alembic import op

revision = "0016_money"
down_revision = "0015_law"
branch_labels = None
depends_on = None

# The life cycles of fines.rules.refunds and fines.rules.reconciliation, written out again.
_REFUND_STEPS = """
    ('requested', 'approved'), ('requested', 'refused'), ('approved', 'sent'), ('sent', 'paid')
"""
_CASE_STEPS = "('open', 'explained'), ('explained', 'closed'), ('explained', 'open')"
_REFUND_WRITTEN_ONCE = (
    "id", "payment_number", "department_id", "officer_person_id", "amount_tiyn", "reason", "note",
    "idempotency_key", "request_sha256", "requested_by_post_id", "requested_by_person_id",
    "requested_at",
)  # fmt: skip

_BORN = """
CREATE FUNCTION fines_born_payment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status <> 'created' OR NEW.confirmed_at IS NOT NULL OR NEW.rrn IS NOT NULL THEN
        RAISE EXCEPTION 'a payment begins as created, without any proof'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$
"""
# Checked at commit, for the payment that was touched: the books say of it what its row says.
_AGREES = """
CREATE FUNCTION fines_ledger_agrees() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    of_payment bigint;
    p record;
    l record;
BEGIN
    IF TG_TABLE_NAME = 'payments' THEN
        of_payment := NEW.number;
    ELSE
        of_payment := NEW.payment_number;
    END IF;
    SELECT status, amount_tiyn, discount_tiyn, confirmed_at, rrn INTO p
        FROM payments WHERE number = of_payment;
    SELECT coalesce(sum(amount_tiyn) FILTER (WHERE kind = 'approval'), 0) AS approval,
           coalesce(sum(amount_tiyn) FILTER (WHERE kind = 'reversal'), 0) AS reversal,
           coalesce(sum(amount_tiyn) FILTER (WHERE kind = 'charge'), 0) AS charge,
           coalesce(sum(amount_tiyn) FILTER (WHERE kind = 'payment'), 0) AS payment,
           coalesce(sum(amount_tiyn) FILTER (WHERE kind = 'discount'), 0) AS discount,
           coalesce(sum(amount_tiyn) FILTER (WHERE kind = 'settlement'), 0) AS settlement
        INTO l FROM ledger_postings WHERE payment_number = of_payment AND refund_id IS NULL;
    IF (l.approval <> CASE WHEN p.rrn IS NULL THEN 0 ELSE p.amount_tiyn END
        OR l.reversal <> CASE WHEN p.status = 'reversed' THEN l.approval ELSE 0 END
        OR l.payment <> CASE WHEN p.confirmed_at IS NULL THEN 0 ELSE p.amount_tiyn END
        OR l.discount <> CASE WHEN p.confirmed_at IS NULL THEN 0 ELSE p.discount_tiyn END
        OR l.charge <> l.payment + l.discount
        OR l.settlement NOT IN (0, l.payment)
        OR (p.status = 'settled' AND l.settlement = 0)) THEN
        RAISE EXCEPTION 'the ledger does not agree with payment %', of_payment
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END
$$
"""
_GUARD_REFUND = """
CREATE FUNCTION fines_guard_refund() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    paid bigint;
    given_back bigint;
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.status <> 'requested' THEN
            RAISE EXCEPTION 'a refund begins as requested' USING ERRCODE = 'check_violation';
        END IF;
    ELSE
        IF NEW.status <> OLD.status
            AND (OLD.status, NEW.status) NOT IN (VALUES @steps) THEN
            RAISE EXCEPTION 'refund: % -> %', OLD.status, NEW.status
                USING ERRCODE = 'check_violation';
        END IF;
        IF (@new) IS DISTINCT FROM (@old)
            OR (OLD.decided_at IS NOT NULL
                AND (NEW.decided_by_person_id, NEW.decided_at, NEW.decision_note)
                IS DISTINCT FROM (OLD.decided_by_person_id, OLD.decided_at, OLD.decision_note))
        THEN
            RAISE EXCEPTION 'what was asked and decided never changes'
                USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END IF;
    -- The payment's lock puts refunds of one payment in a row.
    SELECT amount_tiyn INTO paid FROM payments
        WHERE number = NEW.payment_number AND confirmed_at IS NOT NULL FOR UPDATE;
    SELECT coalesce(sum(amount_tiyn), 0) INTO given_back FROM refunds
        WHERE payment_number = NEW.payment_number AND status <> 'refused';
    IF paid IS NULL OR given_back + NEW.amount_tiyn > paid THEN
        RAISE EXCEPTION 'never more is refunded than was paid' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$
"""
for _word, _text in (
    ("@steps", _REFUND_STEPS),
    ("@new", ", ".join(f"NEW.{one}" for one in _REFUND_WRITTEN_ONCE)),
    ("@old", ", ".join(f"OLD.{one}" for one in _REFUND_WRITTEN_ONCE)),
):
    _GUARD_REFUND = _GUARD_REFUND.replace(_word, _text)
_GUARD_CASE = f"""
CREATE FUNCTION fines_guard_case() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status <> OLD.status AND (OLD.status, NEW.status) NOT IN (VALUES {_CASE_STEPS}) THEN
        RAISE EXCEPTION 'case: % -> %', OLD.status, NEW.status USING ERRCODE = 'check_violation';
    END IF;
    IF (NEW.item_id, NEW.device_id, NEW.opened_at, NEW.opened_because)
        IS DISTINCT FROM (OLD.item_id, OLD.device_id, OLD.opened_at, OLD.opened_because)
        OR OLD.status = 'closed' THEN
        RAISE EXCEPTION 'why a case was opened never changes' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$
"""
_GUARD_ITEM = """
CREATE FUNCTION fines_guard_item() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what is matched stays matched' USING ERRCODE = 'check_violation';
END
$$
"""
_ACCOUNTS_OF_KIND = """(kind, debit, credit) IN (
    ('approval', 'acquirer_clearing', 'unconfirmed'),
    ('reversal', 'unconfirmed', 'acquirer_clearing'),
    ('charge', 'receivable', 'fines'),
    ('payment', 'unconfirmed', 'receivable'),
    ('discount', 'discount', 'receivable'),
    ('settlement', 'treasury_due', 'acquirer_clearing'),
    ('treasury_receipt', 'treasury', 'treasury_due'),
    ('treasury_return', 'treasury_due', 'treasury'),
    ('refund_decided', 'refunded', 'refunds_payable'),
    ('refund_paid', 'refunds_payable', 'treasury_due')
)"""
_ACCOUNTS = (
    "receivable", "fines", "discount", "unconfirmed", "acquirer_clearing", "treasury_due",
    "treasury", "refunded", "refunds_payable",
)  # fmt: skip
_FUNCTIONS = {
    "fines_born_payment": _BORN,
    "fines_ledger_agrees": _AGREES,
    "fines_guard_refund": _GUARD_REFUND,
    "fines_guard_case": _GUARD_CASE,
    "fines_guard_item": _GUARD_ITEM,
}
_EVIDENCE = (
    "ledger_postings", "acquirer_files", "acquirer_rows", "treasury_statements", "treasury_lines",
    "refund_instructions",
)  # fmt: skip
_NEVER_ERASED = ("refunds", "reconciliation_items", "reconciliation_cases")
_PROOF_MOVED = (
    "OLD.rrn IS DISTINCT FROM NEW.rrn OR OLD.confirmed_at IS DISTINCT FROM NEW.confirmed_at OR "
    "(OLD.status <> NEW.status AND NEW.status IN ('reversed', 'settled'))"
)
_TRIGGERS = (
    (
        "CREATE TRIGGER payments_born BEFORE INSERT ON payments "
        "FOR EACH ROW EXECUTE FUNCTION fines_born_payment()"
    ),
    (
        "CREATE CONSTRAINT TRIGGER payments_ledger_agrees AFTER UPDATE ON payments "
        f"DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ({_PROOF_MOVED}) "
        "EXECUTE FUNCTION fines_ledger_agrees()"
    ),
    (
        "CREATE CONSTRAINT TRIGGER ledger_postings_agree AFTER INSERT ON ledger_postings "
        "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW "
        "WHEN (NEW.payment_number IS NOT NULL AND NEW.refund_id IS NULL) "
        "EXECUTE FUNCTION fines_ledger_agrees()"
    ),
    (
        "CREATE TRIGGER refunds_guard BEFORE INSERT OR UPDATE ON refunds "
        "FOR EACH ROW EXECUTE FUNCTION fines_guard_refund()"
    ),
    (
        "CREATE TRIGGER reconciliation_cases_guard BEFORE UPDATE ON reconciliation_cases "
        "FOR EACH ROW EXECUTE FUNCTION fines_guard_case()"
    ),
    (
        "CREATE TRIGGER reconciliation_items_guard BEFORE UPDATE ON reconciliation_items "
        "FOR EACH ROW WHEN (OLD.verdict IN ('matched', 'late')) "
        "EXECUTE FUNCTION fines_guard_item()"
    ),
)
# The books of payments made before there were any: the same postings, at the same instants.
_POST = "INSERT INTO ledger_postings (kind, debit, credit, amount_tiyn, payment_number, at) SELECT "
_BACKFILL = (
    _POST + "'approval', 'acquirer_clearing', 'unconfirmed', amount_tiyn, number, approved_at "
    "FROM payments WHERE rrn IS NOT NULL ORDER BY number",
    _POST + "'reversal', 'unconfirmed', 'acquirer_clearing', amount_tiyn, number, ended_at "
    "FROM payments WHERE rrn IS NOT NULL AND status = 'reversed' ORDER BY number",
    _POST + "'charge', 'receivable', 'fines', full_tiyn, number, confirmed_at "
    "FROM payments WHERE confirmed_at IS NOT NULL ORDER BY number",
    _POST + "'payment', 'unconfirmed', 'receivable', amount_tiyn, number, confirmed_at "
    "FROM payments WHERE confirmed_at IS NOT NULL ORDER BY number",
    _POST + "'discount', 'discount', 'receivable', discount_tiyn, number, confirmed_at "
    "FROM payments WHERE confirmed_at IS NOT NULL AND discount_tiyn > 0 ORDER BY number",
    (
        "INSERT INTO reconciliation_items (day, source, verdict, detail, payment_number, "
        "department_id, post_id, device_id, terminal_number, ours_tiyn, found_at) "
        "SELECT (approved_at AT TIME ZONE 'Asia/Almaty')::date, 'acquirer', "
        "CASE WHEN status = 'reversed' THEN 'withdrawn' ELSE 'waiting' END, "
        "CASE WHEN status = 'reversed' THEN 'taken_back' ELSE 'none' END, number, department_id, "
        "post_id, terminal_device_id, terminal_number_expected, amount_tiyn, approved_at "
        "FROM payments WHERE rrn IS NOT NULL ORDER BY number"
    ),
)


def upgrade() -> None:
    """Create the books, and write the past into them."""
    op.add_column(
        "payments", sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False)
    )
    op.add_column("payments", sa.Column("shift_id", sa.Uuid(), nullable=True))
    op.create_unique_constraint(op.f("uq_payments_number"), "payments", ["number"])
    op.create_foreign_key(op.f("fk_payments_shift_id"), "payments", "shifts", ["shift_id"], ["id"])
    op.create_index(
        "ix_payments_filed",
        "payments",
        ["number"],
        unique=False,
        postgresql_where=sa.text("status = 'filed'"),
    )
    _create_files()
    _create_refunds()
    _create_ledger()
    _create_reconciliation()
    for statement in _BACKFILL:
        op.execute(sa.text(statement))
    # The constraint triggers of what was just written, before the tables change again.
    op.execute(sa.text("SET CONSTRAINTS ALL IMMEDIATE"))
    for statement in (*_FUNCTIONS.values(), *_TRIGGERS):
        op.execute(sa.text(statement))
    for tables, what, each in (
        (_EVIDENCE, "UPDATE OR DELETE", "ROW"),
        (_NEVER_ERASED, "DELETE", "ROW"),
        ((*_EVIDENCE, *_NEVER_ERASED), "TRUNCATE", "STATEMENT"),
    ):
        for table in tables:
            name = "no_truncate" if what == "TRUNCATE" else "no_change"
            op.execute(
                sa.text(
                    f"CREATE TRIGGER {table}_{name} BEFORE {what} ON {table} "
                    f"FOR EACH {each} EXECUTE FUNCTION fines_no_change()"
                )
            )


def _account(name: str) -> sa.Enum:
    return sa.Enum(*_ACCOUNTS, name=name, native_enum=False, create_constraint=True, length=32)


def _create_files() -> None:
    op.create_table(
        "acquirer_files",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("sum_tiyn", sa.BigInteger(), nullable=False),
        sa.Column("imported_by_post_id", sa.Uuid(), nullable=True),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["imported_by_post_id"],
            ["posts.id"],
            name=op.f("fk_acquirer_files_imported_by_post_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_acquirer_files")),
        sa.UniqueConstraint("sha256", name=op.f("uq_acquirer_files_sha256")),
    )
    op.create_table(
        "treasury_statements",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("sum_tiyn", sa.BigInteger(), nullable=False),
        sa.Column("imported_by_post_id", sa.Uuid(), nullable=True),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["imported_by_post_id"],
            ["posts.id"],
            name=op.f("fk_treasury_statements_imported_by_post_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_treasury_statements")),
        sa.UniqueConstraint("sha256", name=op.f("uq_treasury_statements_sha256")),
    )
    op.create_table(
        "acquirer_rows",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("line_number", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "sale",
                "reversal",
                "refund",
                name="rowkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("rrn", sa.String(length=12), nullable=False),
        sa.Column("approval_code", sa.String(length=6), nullable=False),
        sa.Column("terminal_number", sa.String(length=8), nullable=False),
        sa.Column("merchant_number", sa.String(length=15), nullable=False),
        sa.Column("stan", sa.Integer(), nullable=False),
        sa.Column("amount_tiyn", sa.BigInteger(), nullable=False),
        sa.Column("fee_tiyn", sa.BigInteger(), nullable=False),
        sa.Column("transacted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settlement_date", sa.Date(), nullable=False),
        sa.Column("card_masked", sa.String(length=19), nullable=False),
        sa.ForeignKeyConstraint(
            ["file_id"], ["acquirer_files.id"], name=op.f("fk_acquirer_rows_file_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_acquirer_rows")),
    )
    op.create_index(
        op.f("ix_acquirer_rows_file_id_line_number"),
        "acquirer_rows",
        ["file_id", "line_number"],
        unique=True,
    )
    op.create_index(op.f("ix_acquirer_rows_rrn"), "acquirer_rows", ["rrn"], unique=False)
    op.create_index(
        op.f("ix_acquirer_rows_settlement_date_merchant_number"),
        "acquirer_rows",
        ["settlement_date", "merchant_number"],
        unique=False,
    )
    op.create_table(
        "treasury_lines",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("statement_id", sa.Uuid(), nullable=False),
        sa.Column("line_number", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "receipt",
                "return",
                name="linekind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("order_number", sa.String(length=32), nullable=False),
        sa.Column("merchant_number", sa.String(length=15), nullable=False),
        sa.Column("budget_code", sa.String(length=6), nullable=False),
        sa.Column("purpose_code", sa.String(length=3), nullable=False),
        sa.Column("settlement_date", sa.Date(), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("amount_tiyn", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["statement_id"],
            ["treasury_statements.id"],
            name=op.f("fk_treasury_lines_statement_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_treasury_lines")),
    )
    op.create_index(
        op.f("ix_treasury_lines_settlement_date_merchant_number"),
        "treasury_lines",
        ["settlement_date", "merchant_number"],
        unique=False,
    )


def _create_refunds() -> None:
    op.create_table(
        "refund_instructions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("made_by_post_id", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["made_by_post_id"], ["posts.id"], name=op.f("fk_refund_instructions_made_by_post_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refund_instructions")),
    )
    op.create_table(
        "refunds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("payment_number", sa.BigInteger(), nullable=False),
        sa.Column("department_id", sa.Uuid(), nullable=False),
        sa.Column("officer_person_id", sa.Uuid(), nullable=False),
        sa.Column("amount_tiyn", sa.BigInteger(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "requested",
                "refused",
                "approved",
                "sent",
                "paid",
                name="refundstatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "reason",
            sa.Enum(
                "paid_twice",
                "decision_cancelled",
                "amount_wrong",
                "not_the_offender",
                name="refundreason",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("idempotency_key", sa.String(length=255), nullable=False),
        sa.Column("request_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("requested_by_post_id", sa.Uuid(), nullable=False),
        sa.Column("requested_by_person_id", sa.Uuid(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by_post_id", sa.Uuid(), nullable=True),
        sa.Column("decided_by_person_id", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision_note", sa.String(length=500), nullable=False),
        sa.Column("instruction_id", sa.Uuid(), nullable=True),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(status = 'paid') = (paid_at IS NOT NULL)", name=op.f("ck_refunds_paid_when")
        ),
        sa.CheckConstraint(
            "(status = 'requested') = (decided_by_person_id IS NULL)",
            name=op.f("ck_refunds_decided_by_somebody"),
        ),
        sa.CheckConstraint(
            "(status IN ('sent', 'paid')) = (instruction_id IS NOT NULL)",
            name=op.f("ck_refunds_sent_by_instruction"),
        ),
        sa.CheckConstraint("amount_tiyn > 0", name=op.f("ck_refunds_amount_positive")),
        sa.CheckConstraint(
            "decided_by_person_id IS NULL OR decided_by_person_id <> requested_by_person_id",
            name=op.f("ck_refunds_two_people"),
        ),
        sa.CheckConstraint(
            "officer_person_id <> requested_by_person_id AND "
            "(decided_by_person_id IS NULL OR officer_person_id <> decided_by_person_id)",
            name=op.f("ck_refunds_not_the_officer"),
        ),
        sa.ForeignKeyConstraint(
            ["decided_by_person_id"], ["people.id"], name=op.f("fk_refunds_decided_by_person_id")
        ),
        sa.ForeignKeyConstraint(
            ["decided_by_post_id"], ["posts.id"], name=op.f("fk_refunds_decided_by_post_id")
        ),
        sa.ForeignKeyConstraint(
            ["department_id"], ["departments.id"], name=op.f("fk_refunds_department_id")
        ),
        sa.ForeignKeyConstraint(
            ["instruction_id"], ["refund_instructions.id"], name=op.f("fk_refunds_instruction_id")
        ),
        sa.ForeignKeyConstraint(
            ["officer_person_id"], ["people.id"], name=op.f("fk_refunds_officer_person_id")
        ),
        sa.ForeignKeyConstraint(
            ["payment_number"], ["payments.number"], name=op.f("fk_refunds_payment_number")
        ),
        sa.ForeignKeyConstraint(
            ["requested_by_person_id"],
            ["people.id"],
            name=op.f("fk_refunds_requested_by_person_id"),
        ),
        sa.ForeignKeyConstraint(
            ["requested_by_post_id"], ["posts.id"], name=op.f("fk_refunds_requested_by_post_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refunds")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_refunds_idempotency_key")),
    )
    op.create_index(op.f("ix_refunds_department_id"), "refunds", ["department_id"], unique=False)
    op.create_index(op.f("ix_refunds_payment_number"), "refunds", ["payment_number"], unique=False)


def _create_ledger() -> None:
    op.create_table(
        "ledger_postings",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "approval",
                "reversal",
                "charge",
                "payment",
                "discount",
                "settlement",
                "treasury_receipt",
                "treasury_return",
                "refund_decided",
                "refund_paid",
                name="postingkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("debit", _account("debit_account"), nullable=False),
        sa.Column("credit", _account("credit_account"), nullable=False),
        sa.Column("amount_tiyn", sa.BigInteger(), nullable=False),
        sa.Column("payment_number", sa.BigInteger(), nullable=True),
        sa.Column("refund_id", sa.Uuid(), nullable=True),
        sa.Column("treasury_line_id", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(kind IN ('refund_decided', 'refund_paid')) = (refund_id IS NOT NULL)",
            name=op.f("ck_ledger_postings_of_refund"),
        ),
        sa.CheckConstraint(
            "(kind IN ('treasury_receipt', 'treasury_return')) = (payment_number IS NULL)",
            name=op.f("ck_ledger_postings_of_payment"),
        ),
        sa.CheckConstraint(
            "(kind IN ('treasury_receipt', 'treasury_return')) = (treasury_line_id IS NOT NULL)",
            name=op.f("ck_ledger_postings_of_treasury"),
        ),
        sa.CheckConstraint(_ACCOUNTS_OF_KIND, name=op.f("ck_ledger_postings_accounts_of_kind")),
        sa.CheckConstraint("amount_tiyn > 0", name=op.f("ck_ledger_postings_amount_positive")),
        sa.ForeignKeyConstraint(
            ["payment_number"], ["payments.number"], name=op.f("fk_ledger_postings_payment_number")
        ),
        sa.ForeignKeyConstraint(
            ["refund_id"], ["refunds.id"], name=op.f("fk_ledger_postings_refund_id")
        ),
        sa.ForeignKeyConstraint(
            ["treasury_line_id"],
            ["treasury_lines.id"],
            name=op.f("fk_ledger_postings_treasury_line_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_postings")),
    )
    op.create_index(
        "uq_ledger_postings_payment",
        "ledger_postings",
        ["payment_number", "kind"],
        unique=True,
        postgresql_where=sa.text("payment_number IS NOT NULL AND refund_id IS NULL"),
    )
    op.create_index(
        "uq_ledger_postings_refund",
        "ledger_postings",
        ["refund_id", "kind"],
        unique=True,
        postgresql_where=sa.text("refund_id IS NOT NULL"),
    )
    op.create_index(
        "uq_ledger_postings_treasury_line",
        "ledger_postings",
        ["treasury_line_id"],
        unique=True,
        postgresql_where=sa.text("treasury_line_id IS NOT NULL"),
    )


def _create_reconciliation() -> None:
    op.create_table(
        "reconciliation_items",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column(
            "source",
            sa.Enum(
                "acquirer",
                "terminal",
                "treasury",
                name="source",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "verdict",
            sa.Enum(
                "waiting",
                "withdrawn",
                "matched",
                "late",
                "only_ours",
                "only_theirs",
                "amount_differs",
                "duplicate",
                name="verdict",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "detail",
            sa.Enum(
                "none",
                "key_differs",
                "taken_back",
                "taken_back_there",
                "paired",
                "count_differs",
                name="detail",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("payment_number", sa.BigInteger(), nullable=True),
        sa.Column("refund_id", sa.Uuid(), nullable=True),
        sa.Column("acquirer_row_id", sa.BigInteger(), nullable=True),
        sa.Column("subject", sa.String(length=80), nullable=True),
        sa.Column("department_id", sa.Uuid(), nullable=True),
        sa.Column("post_id", sa.Uuid(), nullable=True),
        sa.Column("device_id", sa.Uuid(), nullable=True),
        sa.Column("shift_id", sa.Uuid(), nullable=True),
        sa.Column("terminal_number", sa.String(length=8), nullable=False),
        sa.Column("ours_tiyn", sa.BigInteger(), nullable=True),
        sa.Column("theirs_tiyn", sa.BigInteger(), nullable=True),
        sa.Column("has_case", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "payment_number IS NOT NULL OR acquirer_row_id IS NOT NULL OR subject IS NOT NULL",
            name=op.f("ck_reconciliation_items_about_something"),
        ),
        sa.ForeignKeyConstraint(
            ["acquirer_row_id"],
            ["acquirer_rows.id"],
            name=op.f("fk_reconciliation_items_acquirer_row_id"),
        ),
        sa.ForeignKeyConstraint(
            ["payment_number"],
            ["payments.number"],
            name=op.f("fk_reconciliation_items_payment_number"),
        ),
        sa.ForeignKeyConstraint(
            ["refund_id"], ["refunds.id"], name=op.f("fk_reconciliation_items_refund_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliation_items")),
    )
    op.create_index(
        op.f("ix_reconciliation_items_day_verdict"),
        "reconciliation_items",
        ["day", "verdict"],
        unique=False,
    )
    op.create_index(
        "ix_reconciliation_items_caseless",
        "reconciliation_items",
        ["day"],
        unique=False,
        postgresql_where=sa.text(
            "verdict IN ('only_ours', 'only_theirs', 'amount_differs', 'duplicate') AND "
            "NOT has_case"
        ),
    )
    op.create_index(
        "ix_reconciliation_items_unpaired",
        "reconciliation_items",
        ["day"],
        unique=False,
        postgresql_where=sa.text("verdict IN ('waiting', 'only_ours', 'only_theirs')"),
    )
    op.create_index(
        "uq_reconciliation_items_acquirer_row",
        "reconciliation_items",
        ["acquirer_row_id"],
        unique=True,
        postgresql_where=sa.text("acquirer_row_id IS NOT NULL AND payment_number IS NOT NULL"),
    )
    op.create_index(
        "uq_reconciliation_items_payment",
        "reconciliation_items",
        ["payment_number"],
        unique=True,
        postgresql_where=sa.text("payment_number IS NOT NULL AND refund_id IS NULL"),
    )
    op.create_index(
        "uq_reconciliation_items_refund",
        "reconciliation_items",
        ["refund_id"],
        unique=True,
        postgresql_where=sa.text("refund_id IS NOT NULL"),
    )
    op.create_index(
        "uq_reconciliation_items_subject",
        "reconciliation_items",
        ["source", "subject"],
        unique=True,
        postgresql_where=sa.text("subject IS NOT NULL"),
    )
    op.create_table(
        "reconciliation_cases",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=True),
        sa.Column("device_id", sa.Uuid(), nullable=True),
        sa.Column("department_id", sa.Uuid(), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "open",
                "explained",
                "closed",
                name="casestatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_because", sa.String(length=500), nullable=False),
        sa.Column("explained_by_person_id", sa.Uuid(), nullable=True),
        sa.Column("explained_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("explanation", sa.String(length=2000), nullable=False),
        sa.Column("closed_by_person_id", sa.Uuid(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("conclusion", sa.String(length=2000), nullable=False),
        sa.CheckConstraint(
            "(status = 'closed') = (closed_at IS NOT NULL)",
            name=op.f("ck_reconciliation_cases_closed_when"),
        ),
        sa.CheckConstraint(
            "(status = 'open') = (explained_at IS NULL)",
            name=op.f("ck_reconciliation_cases_explained_when"),
        ),
        sa.CheckConstraint(
            "(item_id IS NULL) <> (device_id IS NULL)",
            name=op.f("ck_reconciliation_cases_about_one_thing"),
        ),
        sa.CheckConstraint(
            "closed_by_person_id IS NULL OR closed_by_person_id <> explained_by_person_id",
            name=op.f("ck_reconciliation_cases_two_people"),
        ),
        sa.ForeignKeyConstraint(
            ["closed_by_person_id"],
            ["people.id"],
            name=op.f("fk_reconciliation_cases_closed_by_person_id"),
        ),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.id"], name=op.f("fk_reconciliation_cases_device_id")
        ),
        sa.ForeignKeyConstraint(
            ["explained_by_person_id"],
            ["people.id"],
            name=op.f("fk_reconciliation_cases_explained_by_person_id"),
        ),
        sa.ForeignKeyConstraint(
            ["item_id"], ["reconciliation_items.id"], name=op.f("fk_reconciliation_cases_item_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliation_cases")),
        sa.UniqueConstraint("item_id", name=op.f("uq_reconciliation_cases_item_id")),
    )
    op.create_index(
        op.f("ix_reconciliation_cases_status_opened_at"),
        "reconciliation_cases",
        ["status", "opened_at"],
        unique=False,
    )


def downgrade() -> None:
    """Drop the books: what they say is lost."""
    for table in (
        "reconciliation_cases", "reconciliation_items", "ledger_postings", "refunds",
        "treasury_lines", "acquirer_rows", "treasury_statements", "refund_instructions",
        "acquirer_files",
    ):  # fmt: skip
        op.drop_table(table)
    op.execute(sa.text("DROP TRIGGER payments_ledger_agrees ON payments"))
    op.execute(sa.text("DROP TRIGGER payments_born ON payments"))
    for name in _FUNCTIONS:
        op.execute(sa.text(f"DROP FUNCTION {name}()"))
    op.drop_index("ix_payments_filed", table_name="payments")
    op.drop_column("payments", "shift_id")
    op.drop_column("payments", "number")
