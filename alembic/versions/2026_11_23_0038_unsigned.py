"""A case may be of footage that nobody signed.

Revision 0038_unsigned. Older code runs against it, but does not know the reason: stop its servers
and workers before the worker of this release makes a ledger anew.
"""

import sqlalchemy as sa
from alembic import op

revision = "0038_unsigned"
down_revision = "0037_restored"
branch_labels = None
depends_on = None

_REASONS = (
    "handed_over", "docking", "seam", "not_docked", "not_uploaded", "unreadable", "damaged",
    "black", "silent", "missing_predecessor", "memory_changed", "clock_leap", "low_battery",
    "lost", "not_recording", "frozen", "lens_covered", "muted", "card_removed",
)  # fmt: skip


def _let_reasons_be(*reasons: str) -> None:
    listed = ", ".join(f"'{one}'" for one in reasons)
    for table in ("coverage_intervals", "coverage_cases"):
        name = op.f(f"ck_{table}_gapreason")
        op.drop_constraint(name, table, type_="check")
        op.create_check_constraint(name, table, f"reason IN ({listed})")


def upgrade() -> None:
    """Let the reason be."""
    op.execute(sa.text("SET LOCAL statement_timeout = 0"))
    _let_reasons_be(*_REASONS, "unsigned")


def downgrade() -> None:
    """Take it away: such a case stands as one of a time in which nothing was recorded."""
    op.execute(sa.text("SET LOCAL statement_timeout = 0"))
    op.execute("UPDATE coverage_cases SET reason = 'not_recording' WHERE reason = 'unsigned'")
    _let_reasons_be(*_REASONS)
