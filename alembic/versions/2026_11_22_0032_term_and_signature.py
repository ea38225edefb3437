"""A ground for records nobody finished, and an entry for the person's signature.

Revision 0032_term_and_signature. Older code still runs against it, but cannot read the cases and
entries that newer code writes: stop it before newer code starts. Acts keep the instants that they
were stamped with.
"""

import sqlalchemy as sa
from alembic import op

revision = "0032_term_and_signature"
down_revision = "0031_filing_and_limits"
branch_labels = None
depends_on = None

_GROUNDS = ("not_admitted", "not_eligible", "lapsed")
_KINDS = (
    "copy_handed",
    "correction",
    "handed_on",
    "decided",
    "appealed",
    "appeal_ended",
    "to_enforcement",
    "handed_over",
)


def upgrade() -> None:
    """Let the two columns hold the new words."""
    _allow("ordinary_cases", "ground", "ordinaryground", (*_GROUNDS, "term_ended"))
    _allow("record_entries", "kind", "entrykind", (*_KINDS, "signature"))


def downgrade() -> None:
    """Take them away; refused where they are used."""
    lost = op.get_bind().scalar(
        sa.text(
            "SELECT (SELECT count(*) FROM ordinary_cases WHERE ground = 'term_ended') "
            "+ (SELECT count(*) FROM record_entries WHERE kind = 'signature')"
        )
    )
    if lost:
        raise RuntimeError(
            f"{lost} rows (cases of records whose term ended, entries of signatures) have no place "
            "in the revision before: restore a backup instead"
        )
    _allow("ordinary_cases", "ground", "ordinaryground", _GROUNDS)
    _allow("record_entries", "kind", "entrykind", _KINDS)


def _allow(table: str, column: str, name: str, values: tuple[str, ...]) -> None:
    op.drop_constraint(op.f(f"ck_{table}_{name}"), table, type_="check")
    listed = ", ".join(f"'{value}'" for value in values)
    op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, f"{column} IN ({listed})")
