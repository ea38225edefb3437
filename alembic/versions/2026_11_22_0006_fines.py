"""Tables of fines.

Revision 0006_fines. First release: no older code runs against it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006_fines"
down_revision = "0005_exchange"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(sa.text("SELECT 1"))


def downgrade() -> None:
    op.execute(sa.text("SELECT 1"))
