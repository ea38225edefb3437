"""Which penalty a decision imposed, when its term ends, and whether an appeal cancelled it.

Revision 0033_penalties. Decisions from before that imposed a fine are marked so; of those without
one nobody wrote down what they imposed, and it stays unknown. A case closed unpaid was cancelled on
appeal. Older code still runs against it, but what it enters names no penalty and what an appeal
cancels through it is not marked: stop it before this runs.
"""

import sqlalchemy as sa
from alembic import op

revision = "0033_penalties"
down_revision = "0032_term_and_signature"
branch_labels = None
depends_on = None

_KINDS = ("none", "warning", "fine", "arrest", "licence_loss", "public_works")
_COURSE_STEPS = """
    ('to_hand_on', 'with_body'), ('with_body', 'decided'), ('with_body', 'closed'),
    ('decided', 'to_enforce'), ('decided', 'closed'),
    ('to_enforce', 'with_enforcement'), ('to_enforce', 'closed')
"""
_CHECKS = {
    "penalty_fits_fine": (
        "penalty IS NULL OR fine_tiyn IS NOT NULL AND (penalty = 'licence_loss' OR "
        "(penalty = 'fine') = (fine_tiyn > 0))"
    ),
    "term_of_penalty": (
        "(term_ends_on IS NOT NULL) = "
        "coalesce(penalty IN ('arrest', 'licence_loss', 'public_works'), false)"
    ),
    "term_after_decision": "term_ends_on >= decided_on",
    "cancelled_is_closed": "NOT cancelled OR stage = 'closed'",
}


def _guard(*, columns: str, more: str = "") -> str:
    new, old = (", ".join(f"{row}.{one}" for one in columns.split()) for row in ("NEW", "OLD"))
    return f"""
CREATE OR REPLACE FUNCTION fines_guard_ordinary_case() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.stage <> OLD.stage
        AND (OLD.stage, NEW.stage) NOT IN (VALUES {_COURSE_STEPS}) THEN
        RAISE EXCEPTION 'ordinary case: % -> %', OLD.stage, NEW.stage
            USING ERRCODE = 'check_violation';
    END IF;
    IF (NEW.offence_record_id, NEW.department_id, NEW.ground, NEW.began_at) IS DISTINCT FROM
        (OLD.offence_record_id, OLD.department_id, OLD.ground, OLD.began_at)
        OR (OLD.handed_on_at IS NOT NULL AND NEW.handed_on_at IS DISTINCT FROM OLD.handed_on_at)
        OR (OLD.decision_number IS NOT NULL AND ({new}) IS DISTINCT FROM ({old})){more}
    THEN
        RAISE EXCEPTION 'what an ordinary case was begun with never changes'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$
"""


_DECISION = "decision_number decided_on fine_tiyn"


def upgrade() -> None:
    """Add the columns, fill in what is known, and guard them as the rest of a decision."""
    op.execute(sa.text("SET LOCAL statement_timeout = 0"))
    kind = sa.Enum(
        *_KINDS, name="decidedpenalty", native_enum=False, create_constraint=True, length=32
    )
    op.add_column("ordinary_cases", sa.Column("penalty", kind, nullable=True))
    op.add_column("ordinary_cases", sa.Column("term_ends_on", sa.Date(), nullable=True))
    op.add_column(
        "ordinary_cases",
        sa.Column("cancelled", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.execute(
        sa.text(
            "UPDATE ordinary_cases c SET penalty = 'fine', "
            "cancelled = (c.stage = 'closed' AND r.status <> 'paid_full') "
            "FROM offence_records r WHERE r.id = c.offence_record_id AND c.fine_tiyn > 0"
        )
    )
    for name, condition in _CHECKS.items():
        op.create_check_constraint(op.f(f"ck_ordinary_cases_{name}"), "ordinary_cases", condition)
    op.execute(
        sa.text(
            _guard(
                columns=f"{_DECISION} penalty term_ends_on",
                more="\n        OR (OLD.cancelled AND NOT NEW.cancelled)",
            )
        )
    )


def downgrade() -> None:
    """Take them away; refused where a decision imposed what the revision before cannot hold."""
    lost = op.get_bind().scalar(
        sa.text("SELECT count(*) FROM ordinary_cases WHERE penalty NOT IN ('fine', 'none')")
    )
    if lost:
        raise RuntimeError(
            f"{lost} decisions imposed something else than a fine, which the "
            "revision before has no place for: restore a backup instead"
        )
    op.execute(sa.text(_guard(columns=_DECISION)))
    for name in _CHECKS:
        op.drop_constraint(op.f(f"ck_ordinary_cases_{name}"), "ordinary_cases")
    for column in ("cancelled", "term_ends_on", "penalty"):
        op.drop_column("ordinary_cases", column)
