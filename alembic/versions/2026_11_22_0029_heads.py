"""STUB: heads before bulk.

Revision 0029_heads. Older code still runs against it: nothing changes.
"""

revision = "0029_heads"
down_revision = "0028_axis_keys"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change nothing yet."""


def downgrade() -> None:
    """Change nothing yet."""
