"""Terminals: what their agents report in full.

Revision 0017_terminals. Changes nothing yet.
"""

revision = "0017_terminals"
down_revision = "0016_money"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change nothing."""


def downgrade() -> None:
    """Change nothing."""
