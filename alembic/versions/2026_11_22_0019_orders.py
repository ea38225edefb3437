"""Requests: objections, holds and documents.

Revision 0019_orders. Changes nothing yet.
"""

revision = "0019_orders"
down_revision = "0018_slips"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change nothing."""


def downgrade() -> None:
    """Change nothing."""
