"""STUB: sealed objects, tiers and locks.

Revision 0027_stores. Older code still runs against it: nothing changes.
"""

revision = "0027_stores"
down_revision = "0026_uploads"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change nothing yet."""


def downgrade() -> None:
    """Change nothing yet."""
