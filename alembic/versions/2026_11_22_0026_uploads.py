"""STUB: uploads by other doors.

Revision 0026_uploads. Older code still runs against it: nothing changes.
"""

revision = "0026_uploads"
down_revision = "0025_money_acts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change nothing yet."""


def downgrade() -> None:
    """Change nothing yet."""
