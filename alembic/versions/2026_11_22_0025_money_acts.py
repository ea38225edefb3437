"""STUB: refunds, totals and what the register is told.

Revision 0025_money_acts. Older code still runs against it: nothing changes.
"""

revision = "0025_money_acts"
down_revision = "0024_slip_fields"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change nothing yet."""


def downgrade() -> None:
    """Change nothing yet."""
