"""Tables of calendar.

Revision 0003_calendar. First release: no older code runs against it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003_calendar"
down_revision = "0002_identity"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(sa.text("SELECT 1"))


def downgrade() -> None:
    op.execute(sa.text("SELECT 1"))
