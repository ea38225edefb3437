"""Tables of exchange.

Revision 0005_exchange. First release: no older code runs against it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005_exchange"
down_revision = "0004_devices"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(sa.text("SELECT 1"))


def downgrade() -> None:
    op.execute(sa.text("SELECT 1"))
