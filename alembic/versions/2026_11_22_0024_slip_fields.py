"""STUB: what a slip says of the card.

Revision 0024_slip_fields. Older code still runs against it: nothing changes.
"""

revision = "0024_slip_fields"
down_revision = "0023_checks"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change nothing yet."""


def downgrade() -> None:
    """Change nothing yet."""
