"""Who confirmed that a signed slip is filed, and indexes of refunds by the day they were decided.

Revision 0031_filing_and_limits. Payments whose slip was photographed are filed by that: the
photograph closes. Older code still runs against it, but waits for the officer to say that he has
filed, and what he says then is refused: stop it before this runs.
"""

import sqlalchemy as sa
from alembic import op

revision = "0031_filing_and_limits"
down_revision = "0030_order_document"
branch_labels = None
depends_on = None

_BY = "filing_confirmed_by_post_id"


def upgrade() -> None:
    """Add the column and its checks, and close what was photographed."""
    op.execute(sa.text("SET LOCAL statement_timeout = 0"))
    op.execute(
        sa.text(
            "UPDATE payments SET status = 'filed', filed_at = signed_at "
            "WHERE status = 'signed' AND signed_paper_id IS NOT NULL"
        )
    )
    # Settled by the acquirer while it stood unfiled.
    op.execute(
        sa.text(
            "UPDATE payments p SET status = 'settled' WHERE status = 'filed' AND EXISTS (SELECT 1 "
            "FROM ledger_postings l WHERE l.payment_number = p.number AND l.refund_id IS NULL "
            "AND l.kind = 'settlement')"
        )
    )
    op.execute(sa.text("SET CONSTRAINTS ALL IMMEDIATE"))
    op.add_column("payments", sa.Column(_BY, sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f(f"fk_payments_{_BY}"), "payments", "posts", [_BY], ["id"])
    op.create_check_constraint(
        op.f("ck_payments_filed_by_paper_or_person"),
        "payments",
        f"status NOT IN ('filed', 'settled') OR num_nonnulls(signed_paper_id, {_BY}) > 0",
    )
    op.create_check_constraint(
        op.f("ck_payments_filed_by_another"), "payments", f"{_BY} <> post_id"
    )
    op.create_index(
        "ix_payments_unfiled",
        "payments",
        ["department_id", "confirmed_at"],
        postgresql_where=sa.text("confirmed_at IS NOT NULL AND filed_at IS NULL"),
    )
    for name, column in _DECIDED:
        op.create_index(name, "refunds", [column, "decided_at"])


_DECIDED = (
    ("ix_refunds_decided_of_unit", "department_id"),
    ("ix_refunds_decided_of_clerk", "decided_by_person_id"),
)


def downgrade() -> None:
    """Take them away; refused where a payment was closed by a second person alone."""
    lost = op.get_bind().scalar(
        sa.text(f"SELECT count(*) FROM payments WHERE {_BY} IS NOT NULL")  # noqa: S608
    )
    if lost:
        raise RuntimeError(
            f"{lost} payments were closed by a second person's word, which the revision before "
            "has no place for: restore a backup instead"
        )
    for name, _ in _DECIDED:
        op.drop_index(name, "refunds")
    op.drop_index("ix_payments_unfiled", "payments")
    op.drop_constraint(op.f("ck_payments_filed_by_another"), "payments")
    op.drop_constraint(op.f("ck_payments_filed_by_paper_or_person"), "payments")
    op.drop_column("payments", _BY)
