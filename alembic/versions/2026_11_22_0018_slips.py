"""Slips: duplicates name who ordered them, a refund has its paper, lines never change.

Revision 0018_slips. The code of 0017 still runs: it makes originals only, and changes of a slip
nothing but when it was printed and where it is filed.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018_slips"
down_revision = "0017_terminals"
branch_labels = None
depends_on = None

_KINDS = ("sale", "declined", "reversed")
_WRITTEN_ONCE = (
    "payment_id", "kind", "copy_number", "duplicate", "content", "content_sha256", "created_at",
    "ordered_post_id",
)  # fmt: skip
_GUARD = f"""
CREATE FUNCTION fines_guard_slip() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF ({", ".join(f"NEW.{one}" for one in _WRITTEN_ONCE)})
        IS DISTINCT FROM ({", ".join(f"OLD.{one}" for one in _WRITTEN_ONCE)})
        OR (OLD.printed_at IS NOT NULL AND NEW.printed_at IS DISTINCT FROM OLD.printed_at)
        OR (OLD.paper_id IS NOT NULL AND NEW.paper_id IS DISTINCT FROM OLD.paper_id) THEN
        RAISE EXCEPTION 'the lines of a slip are evidence: they are written once'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$
"""


def upgrade() -> None:
    """Add who ordered a duplicate, widen the kinds, guard the lines."""
    _replace_kinds((*_KINDS, "refund"))
    op.add_column("slips", sa.Column("ordered_post_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_slips_ordered_post_id_posts"), "slips", "posts", ["ordered_post_id"], ["id"]
    )
    op.create_check_constraint(
        op.f("ck_slips_duplicate_is_ordered"),
        "slips",
        "(duplicate = 0) = (ordered_post_id IS NULL)",
    )
    op.execute(sa.text(_GUARD))
    op.execute(
        sa.text(
            "CREATE TRIGGER slips_guard BEFORE UPDATE ON slips "
            "FOR EACH ROW EXECUTE FUNCTION fines_guard_slip()"
        )
    )


def downgrade() -> None:
    """Undo; fails where a refund's slip exists. Who ordered a duplicate stays in the log."""
    op.execute(sa.text("DROP TRIGGER slips_guard ON slips"))
    op.execute(sa.text("DROP FUNCTION fines_guard_slip()"))
    op.drop_constraint(op.f("ck_slips_duplicate_is_ordered"), "slips", type_="check")
    op.drop_constraint(op.f("fk_slips_ordered_post_id_posts"), "slips", type_="foreignkey")
    op.drop_column("slips", "ordered_post_id")
    _replace_kinds(_KINDS)


def _replace_kinds(kinds: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    op.drop_constraint(op.f("ck_slips_slipkind"), "slips", type_="check")
    op.create_check_constraint(op.f("ck_slips_slipkind"), "slips", f"kind IN ({listed})")
