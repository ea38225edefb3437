"""Tables of identity.

Revision 0002_identity. First release: no older code runs against it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002_identity"
down_revision = "0001_audit"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(sa.text("SELECT 1"))


def downgrade() -> None:
    op.execute(sa.text("SELECT 1"))
