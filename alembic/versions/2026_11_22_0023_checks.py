"""STUB: what a check writes.

Revision 0023_checks. Older code still runs against it: nothing changes.
"""

revision = "0023_checks"
down_revision = "0022_axis"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change nothing yet."""


def downgrade() -> None:
    """Change nothing yet."""
