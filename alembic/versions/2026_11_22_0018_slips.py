"""Slips: reprints and duplicates.

Revision 0018_slips. Changes nothing yet.
"""

revision = "0018_slips"
down_revision = "0017_terminals"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change nothing."""


def downgrade() -> None:
    """Change nothing."""
