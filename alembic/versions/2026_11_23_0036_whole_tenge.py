"""A second rule by which half a fine is rounded: to whole tenge.

Revision 0036_whole_tenge. Older code still runs against it, but cannot read what was rounded so:
stop it before a day of the new rule comes.
"""

import sqlalchemy as sa
from alembic import op

revision = "0036_whole_tenge"
down_revision = "0035_warning_not_admitted"
branch_labels = None
depends_on = None

_TABLES = ("offence_records", "payments")
_EXACT, _WHOLE = "exact_tiyn_payers_favour", "whole_tenge_payers_favour"


def upgrade() -> None:
    """Let both columns hold the new rule."""
    op.execute(sa.text("SET LOCAL statement_timeout = 0"))
    _allow(_EXACT, _WHOLE)


def downgrade() -> None:
    """Take it away; refused where it is used."""
    op.execute(sa.text("SET LOCAL statement_timeout = 0"))
    used = op.get_bind().scalar(
        sa.text(
            "SELECT (SELECT count(*) FROM offence_records WHERE rounding = :whole)"
            " + (SELECT count(*) FROM payments WHERE rounding = :whole)"
        ),
        {"whole": _WHOLE},
    )
    if used:
        raise RuntimeError(
            f"{used} records and payments rounded to whole tenge have no place in the revision "
            "before: restore a backup instead"
        )
    _allow(_EXACT)


def _allow(*rules: str) -> None:
    listed = ", ".join(f"'{rule}'" for rule in rules)
    for table in _TABLES:
        name = op.f(f"ck_{table}_roundingcode")
        op.drop_constraint(name, table, type_="check")
        op.create_check_constraint(name, table, f"rounding IN ({listed})")
