"""Tables of bodycam.

Revision 0007_bodycam. First release: no older code runs against it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007_bodycam"
down_revision = "0006_fines"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(sa.text("SELECT 1"))


def downgrade() -> None:
    op.execute(sa.text("SELECT 1"))
