"""A record of a person who does not admit what a warning is due for.

Revision 0035_warning_not_admitted. Older code still runs against it, but cannot read the records
that newer code draws up so: stop it before newer code starts.
"""

import sqlalchemy as sa
from alembic import op

revision = "0035_warning_not_admitted"
down_revision = "0034_lost_stretches"
branch_labels = None
depends_on = None

_NAME = "ck_offence_records_reducedreason"
_NEW = "warning_not_admitted"
_REASONS = ("eligible", "no_fine_in_sanction", "other_penalty_in_sanction", "immunity")


def upgrade() -> None:
    """Let the column hold the new word."""
    op.execute(sa.text("SET LOCAL statement_timeout = 0"))
    _allow((*_REASONS, _NEW))


def downgrade() -> None:
    """Take it away; refused where it is used."""
    op.execute(sa.text("SET LOCAL statement_timeout = 0"))
    used = op.get_bind().scalar(
        sa.text("SELECT count(*) FROM offence_records WHERE reduced_reason = :new"),
        {"new": _NEW},
    )
    if used:
        raise RuntimeError(
            f"{used} records of people who did not admit have no place in the revision before: "
            "restore a backup instead"
        )
    _allow(_REASONS)


def _allow(values: tuple[str, ...]) -> None:
    op.drop_constraint(op.f(_NAME), "offence_records", type_="check")
    listed = ", ".join(f"'{value}'" for value in values)
    op.create_check_constraint(op.f(_NAME), "offence_records", f"reduced_reason IN ({listed})")
