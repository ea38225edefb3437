"""Tables of devices.

Revision 0004_devices. First release: no older code runs against it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004_devices"
down_revision = "0003_calendar"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(sa.text("SELECT 1"))


def downgrade() -> None:
    op.execute(sa.text("SELECT 1"))
