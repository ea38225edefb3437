"""Footage: findings, indexes and authenticity.

Revision 0020_footage. Changes nothing yet.
"""

revision = "0020_footage"
down_revision = "0019_orders"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change nothing."""


def downgrade() -> None:
    """Change nothing."""
