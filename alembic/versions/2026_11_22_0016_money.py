"""Ledger, settlement, refunds and reconciliation.

Revision 0016_money. Changes nothing yet.
"""

revision = "0016_money"
down_revision = "0015_law"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change nothing."""


def downgrade() -> None:
    """Change nothing."""
