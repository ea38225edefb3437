"""${message}.

Revision ${up_revision}, after ${down_revision}. Older code that still runs against it: say here.
New columns come nullable, are filled, and only then become NOT NULL. Never edited once merged.
"""

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
