"""Catalogue, offence records and proceedings in full.

Revision 0015_law. Changes nothing yet.
"""

revision = "0015_law"
down_revision = "0014_courts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change nothing."""


def downgrade() -> None:
    """Change nothing."""
