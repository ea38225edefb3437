"""What is lost inside a recording, and a battery that nobody told of.

Revision 0034_lost_stretches. Recordings by the doors of other makes were given a battery of 0 %:
it becomes unknown. What was stored before shows its lost stretches when it is examined anew.
Older code still runs against it: it leaves the new column at its default, but cannot name
the gaps after a recording whose battery is unknown: stop it before this runs.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0034_lost_stretches"
down_revision = "0033_penalties"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, and forget what no camera said."""
    op.execute(sa.text("SET LOCAL statement_timeout = 0"))
    op.add_column("recordings", sa.Column("lost", JSONB(), nullable=False, server_default="[]"))
    op.alter_column("recordings", "battery_percent", nullable=True)
    op.execute(
        sa.text("UPDATE recordings SET battery_percent = NULL WHERE door IN ('axis', 'tus')")
    )


def downgrade() -> None:
    """Say 0 % again where nothing is known; what is lost inside recordings is forgotten."""
    op.execute(sa.text("SET LOCAL statement_timeout = 0"))
    op.execute(sa.text("UPDATE recordings SET battery_percent = 0 WHERE battery_percent IS NULL"))
    op.alter_column("recordings", "battery_percent", nullable=False)
    op.drop_column("recordings", "lost")
