"""The log vouched for by others: cosignatures, anchors, running numbers and closed months.

Revision 0009_log. Additive: the code of 0008_jobs runs against it unchanged.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009_log"
down_revision = "0008_jobs"
branch_labels = None
depends_on = None

_APPEND_ONLY = ("audit_cosignatures", "audit_anchors", "audit_closed_months")


def upgrade() -> None:
    op.create_table(
        "audit_cosignatures",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("witness", sa.String(128), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("cosigned_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("size", "witness", name="pk_audit_cosignatures"),
    )
    op.create_table(
        "audit_anchors",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("response", sa.LargeBinary(), nullable=False),
        sa.Column("stamped_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("size", name="pk_audit_anchors"),
    )
    op.create_table(
        "audit_stream_months",
        sa.Column("stream", sa.Uuid(), nullable=False),
        sa.Column("month", sa.String(7), nullable=False),
        sa.Column("last_number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("stream", "month", name="pk_audit_stream_months"),
    )
    op.create_index("ix_audit_stream_months_month", "audit_stream_months", ["month"])
    op.create_table(
        "audit_closed_months",
        sa.Column("month", sa.String(7), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("month", name="pk_audit_closed_months"),
        sa.UniqueConstraint("event_id", name="uq_audit_closed_months_event_id"),
    )
    for table in _APPEND_ONLY:
        op.execute(
            sa.text(
                f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE"
                f" ON {table} FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()"
            )
        )
    # A queue: rows live for a tenth of a second, so its dead ones are swept early and at once.
    op.execute(
        sa.text(
            "ALTER TABLE audit_outbox SET (autovacuum_vacuum_threshold = 1000,"
            " autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_cost_delay = 0)"
        )
    )


def downgrade() -> None:
    op.execute(
        sa.text(
            "ALTER TABLE audit_outbox RESET (autovacuum_vacuum_threshold,"
            " autovacuum_vacuum_scale_factor, autovacuum_vacuum_cost_delay)"
        )
    )
    op.drop_table("audit_stream_months")
    for table in _APPEND_ONLY:
        op.drop_table(table)
