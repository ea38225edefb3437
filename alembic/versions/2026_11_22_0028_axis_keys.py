"""STUB: keys of encrypted clips.

Revision 0028_axis_keys. Older code still runs against it: nothing changes.
"""

revision = "0028_axis_keys"
down_revision = "0027_stores"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change nothing yet."""


def downgrade() -> None:
    """Change nothing yet."""
