"""Slips: what chip and terminal left as proof, and papers that may have come out.

Revision 0024_slip_fields. The code of 0023 still runs: what it does not know stays empty, and
it makes and replaces no doubtful paper.
"""

import sqlalchemy as sa
from alembic import op

revision = "0024_slip_fields"
down_revision = "0023_checks"
branch_labels = None
depends_on = None

_PROOF = (
    ("terminal_serial", sa.String(20)),
    ("batch_number", sa.Integer()),
    ("application_label", sa.String(16)),
    ("tvr", sa.String(10)),
    ("tsi", sa.String(4)),
    ("cryptogram", sa.String(16)),
)
_WRITTEN_ONCE = (
    "payment_id", "kind", "copy_number", "duplicate", "content", "content_sha256", "created_at",
    "ordered_post_id",
)  # fmt: skip
_ONCE_SET = ("printed_at", "paper_id")


def _guard(written_once: tuple[str, ...], once_set: tuple[str, ...]) -> str:
    set_once = "".join(
        f" OR (OLD.{one} IS NOT NULL AND NEW.{one} IS DISTINCT FROM OLD.{one})" for one in once_set
    )
    return f"""
CREATE OR REPLACE FUNCTION fines_guard_slip() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF ({", ".join(f"NEW.{one}" for one in written_once)})
        IS DISTINCT FROM ({", ".join(f"OLD.{one}" for one in written_once)}){set_once} THEN
        RAISE EXCEPTION 'the lines of a slip are evidence: they are written once'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$
"""


def upgrade() -> None:
    """Add the proof's columns, and which paper stands in for which."""
    for name, kind in _PROOF:
        op.add_column("payments", sa.Column(name, kind))
    op.add_column("slips", sa.Column("replaces_slip_id", sa.Uuid()))
    op.add_column("slips", sa.Column("doubted_at", sa.DateTime(timezone=True)))
    op.create_foreign_key(
        op.f("fk_slips_replaces_slip_id_slips"), "slips", "slips", ["replaces_slip_id"], ["id"]
    )
    op.drop_constraint(op.f("ck_slips_duplicate_is_ordered"), "slips", type_="check")
    op.create_check_constraint(
        op.f("ck_slips_duplicate_is_ordered"),
        "slips",
        "(duplicate > 0) = (num_nonnulls(ordered_post_id, replaces_slip_id) = 1)",
    )
    op.execute(sa.text(_guard((*_WRITTEN_ONCE, "replaces_slip_id"), (*_ONCE_SET, "doubted_at"))))


def downgrade() -> None:
    """Undo; fails where a paper stands in for another. What the proof said stays on the slips."""
    op.execute(sa.text(_guard(_WRITTEN_ONCE, _ONCE_SET)))
    op.drop_constraint(op.f("ck_slips_duplicate_is_ordered"), "slips", type_="check")
    op.create_check_constraint(
        op.f("ck_slips_duplicate_is_ordered"),
        "slips",
        "(duplicate = 0) = (ordered_post_id IS NULL)",
    )
    op.drop_constraint(op.f("fk_slips_replaces_slip_id_slips"), "slips", type_="foreignkey")
    op.drop_column("slips", "doubted_at")
    op.drop_column("slips", "replaces_slip_id")
    for name, _kind in reversed(_PROOF):
        op.drop_column("payments", name)
