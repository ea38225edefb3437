"""Recordings whose tables are lost play behind tables that were made anew.

Revision 0037_restored. Older code runs against it, but does not know the new form: stop its
workers and servers before the worker of this release restores a recording.
"""

import sqlalchemy as sa
from alembic import op

revision = "0037_restored"
down_revision = "0036_whole_tenge"
branch_labels = None
depends_on = None

_TABLE = "recording_indexes"
_FORM, _FRONT = "ck_recording_indexes_playform", "ck_recording_indexes_front"


def upgrade() -> None:
    """Let an index be of a restored recording, with what stands before its bytes."""
    op.execute(sa.text("SET LOCAL statement_timeout = 0"))
    op.add_column(_TABLE, sa.Column("front", sa.LargeBinary(), nullable=True))
    _allow("fragmented", "plain", "restored")
    op.create_check_constraint(op.f(_FRONT), _TABLE, "(form = 'restored') = (front IS NOT NULL)")


def downgrade() -> None:
    """Take it away; refused where a recording is restored."""
    op.execute(sa.text("SET LOCAL statement_timeout = 0"))
    used = op.get_bind().scalar(
        sa.text("SELECT count(*) FROM recording_indexes WHERE form = 'restored'")
    )
    if used:
        raise RuntimeError(
            f"{used} restored recordings have no place in the revision before:"
            " restore a backup instead"
        )
    op.drop_constraint(op.f(_FRONT), _TABLE, type_="check")
    _allow("fragmented", "plain")
    op.drop_column(_TABLE, "front")


def _allow(*forms: str) -> None:
    listed = ", ".join(f"'{form}'" for form in forms)
    op.drop_constraint(op.f(_FORM), _TABLE, type_="check")
    op.create_check_constraint(op.f(_FORM), _TABLE, f"form IN ({listed})")
