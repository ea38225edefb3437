"""Terminals: their totals, orders that are about no payment, how a card's owner was proven.

Revision 0017_terminals. The code of 0016 still runs: new columns may be empty, new words of
enums come from newer agents only.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0017_terminals"
down_revision = "0016_money"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
_KINDS = ("sale", "last_result", "print")
_VERDICTS = ("match", "no_match", "unknown", "not_supported")
_REASONS = (
    "none", "third_party_card", "ownership_unproven", "insufficient_funds", "card_expired",
    "card_unreadable", "issuer_declined", "host_unreachable", "no_paper", "printer_silent",
    "aborted", "card_timeout", "line_silent", "terminal_busy", "server_refused", "terminal_fault",
)  # fmt: skip
# table, column, the CHECK's name, its words, the words that are new
_WORDS = (
    ("terminal_orders", "kind", "orderkind", _KINDS, ("reconcile", "reversal")),
    ("payments", "owner_verdict", "ownerverdict", _VERDICTS, ("no_answer",)),
    (
        "payments",
        "reason",
        "reason",
        _REASONS,
        ("ownership_no_answer", "card_changed", "amount_unsupported"),
    ),
)
_OPEN_RECONCILE = "kind = 'reconcile' AND status IN ('waiting', 'taken', 'started')"


def upgrade() -> None:
    """Widen three words, let an order be about no payment, add the totals."""
    for table, column, name, words, more in _WORDS:
        _replace_check(table, column, name, (*words, *more))
    op.alter_column("terminal_orders", "payment_id", existing_type=sa.Uuid(), nullable=True)
    op.create_check_constraint(
        op.f("ck_terminal_orders_payment_unless_totals"),
        "terminal_orders",
        "(kind = 'reconcile') = (payment_id IS NULL)",
    )
    op.create_index(
        "uq_terminal_orders_one_open_reconcile",
        "terminal_orders",
        ["device_id"],
        unique=True,
        postgresql_where=sa.text(_OPEN_RECONCILE),
    )
    method = sa.Enum(
        "issuer", "name", name="ownermethod", native_enum=False, create_constraint=True, length=32
    )
    op.add_column("payments", sa.Column("owner_method", method, nullable=True))
    op.add_column("payments", sa.Column("owner_checker", sa.String(length=32), nullable=True))
    op.create_index(
        op.f("ix_payments_card_ref"),
        "payments",
        ["card_ref"],
        postgresql_where=sa.text("card_ref IS NOT NULL"),
    )
    _create_totals()


def _create_totals() -> None:
    op.create_table(
        "terminal_totals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("terminal_number", sa.String(length=8), nullable=False),
        sa.Column("closed_at", _INSTANT, nullable=False),
        sa.Column("receipt_from", sa.Integer(), nullable=True),
        sa.Column("receipt_to", sa.Integer(), nullable=True),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("sum_tiyn", sa.BigInteger(), nullable=False),
        sa.Column("brands", JSONB(), nullable=False),
        sa.Column("reported_at", _INSTANT, nullable=False),
        sa.CheckConstraint(
            "count >= 0 AND sum_tiyn >= 0", name=op.f("ck_terminal_totals_not_negative")
        ),
        sa.CheckConstraint(
            "(receipt_from IS NULL) = (receipt_to IS NULL)",
            name=op.f("ck_terminal_totals_receipts_both"),
        ),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.id"], name=op.f("fk_terminal_totals_device_id_devices")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_terminal_totals")),
    )
    op.create_index(
        op.f("ix_terminal_totals_device_id_closed_at"),
        "terminal_totals",
        ["device_id", "closed_at"],
        unique=False,
    )
    op.execute(
        sa.text(
            "CREATE TRIGGER terminal_totals_no_change BEFORE UPDATE OR DELETE ON terminal_totals "
            "FOR EACH ROW EXECUTE FUNCTION fines_no_change()"
        )
    )


def _replace_check(table: str, column: str, name: str, words: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{word}'" for word in words)
    op.drop_constraint(op.f(f"ck_{table}_{name}"), table, type_="check")
    op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, f"{column} IN ({listed})")


def downgrade() -> None:
    """Undo; fails where a new word is in use, rather than losing it."""
    op.drop_table("terminal_totals")
    op.drop_index(op.f("ix_payments_card_ref"), table_name="payments")
    op.drop_column("payments", "owner_checker")
    op.drop_column("payments", "owner_method")
    op.drop_index("uq_terminal_orders_one_open_reconcile", table_name="terminal_orders")
    op.drop_constraint(
        op.f("ck_terminal_orders_payment_unless_totals"), "terminal_orders", type_="check"
    )
    op.alter_column("terminal_orders", "payment_id", existing_type=sa.Uuid(), nullable=False)
    for table, column, name, words, _more in _WORDS:
        _replace_check(table, column, name, words)
