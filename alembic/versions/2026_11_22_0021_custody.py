"""Footage: coverage, retention and hold.

Revision 0021_custody. Changes nothing yet.
"""

revision = "0021_custody"
down_revision = "0020_footage"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change nothing."""


def downgrade() -> None:
    """Change nothing."""
