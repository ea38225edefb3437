"""What a check writes, in fewer statements: a number taken in one, later writes beside the first.

Revision 0023_checks. Older code still runs against it: it takes numbers by its own statements,
under the same locks, and does without the rest.
"""

import sqlalchemy as sa
from alembic import op

revision = "0023_checks"
down_revision = "0022_axis"
branch_labels = None
depends_on = None

# Volatile: each statement in it sees what was committed before it, so that the look at closed
# months comes after the wait for whoever is closing one. The lock is ``app.audit.repository.log``'s
# of months, and is kept until the caller's transaction ends.
_TAKE_NUMBER = """
    CREATE FUNCTION audit_take_number(the_stream uuid, the_month text, the_number bigint)
    RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock_shared(1510608154, CAST(replace(the_month, '-', '') AS int));
        PERFORM FROM audit_closed_months AS closed WHERE closed.month = the_month;
        IF FOUND THEN
            RETURN false;
        END IF;
        IF the_number = 1 THEN
            INSERT INTO audit_stream_months (stream, month, last_number)
            VALUES (the_stream, the_month, 1)
            ON CONFLICT (stream, month) DO NOTHING;
        ELSE
            UPDATE audit_stream_months SET last_number = the_number
            WHERE stream = the_stream AND month = the_month AND last_number = the_number - 1;
        END IF;
        RETURN FOUND;
    END
    $$
"""
_UNFINISHED = "status IN ('received', 'asked', 'sequenced')"


def upgrade() -> None:
    """Make the function, and let a request's later versions lie beside its first."""
    op.execute(sa.text(_TAKE_NUMBER))
    # An index whose condition names a column that changes makes every index be written anew.
    op.drop_index("ix_register_requests_unfinished", "register_requests")
    op.create_index("ix_register_requests_decided_at", "register_requests", ["decided_at"])
    op.drop_index("ix_register_requests_department_id", "register_requests")
    op.create_index(
        "ix_register_requests_waiting",
        "register_requests",
        ["department_id"],
        postgresql_where=sa.text("dies_at IS NOT NULL"),
    )
    op.create_table(
        "request_sweeps",
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("finished_until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_request_sweeps"),
    )
    # What is sealed cannot be compressed; out of line it is not copied by later versions.
    op.execute(sa.text("ALTER TABLE register_requests ALTER COLUMN answer SET STORAGE EXTERNAL"))
    op.execute(sa.text("ALTER TABLE register_requests SET (fillfactor = 50)"))


def downgrade() -> None:
    """Put everything back as it was."""
    op.execute(sa.text("ALTER TABLE register_requests RESET (fillfactor)"))
    op.execute(sa.text("ALTER TABLE register_requests ALTER COLUMN answer SET STORAGE EXTENDED"))
    op.drop_table("request_sweeps")
    op.drop_index("ix_register_requests_waiting", "register_requests")
    op.create_index("ix_register_requests_department_id", "register_requests", ["department_id"])
    op.drop_index("ix_register_requests_decided_at", "register_requests")
    op.create_index(
        "ix_register_requests_unfinished",
        "register_requests",
        ["decided_at"],
        postgresql_where=sa.text(_UNFINISHED),
    )
    op.execute(sa.text("DROP FUNCTION audit_take_number(uuid, text, bigint)"))
