"""Tiers: in which store a recording lies, its moves, and what a store was told to keep.

Revision 0027_stores. Older code still runs against it: ``tier`` has a default, and what older code
stores lies in the first store.
"""

import sqlalchemy as sa
from alembic import op

revision = "0027_stores"
down_revision = "0026_uploads"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the place of a recording, and the tables of moves and locks."""
    op.add_column(
        "recordings",
        sa.Column("tier", sa.String(32), nullable=False, server_default=sa.text("'hot'")),
    )
    op.create_index(op.f("ix_recordings_tier_ended_at"), "recordings", ["tier", "ended_at"])
    op.create_table(
        "tier_moves",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("recording_id", sa.Uuid(), nullable=False),
        sa.Column("from_tier", sa.String(32), nullable=False),
        sa.Column("to_tier", sa.String(32), nullable=False),
        sa.Column("attempt", sa.Uuid(), nullable=False),
        sa.Column("upload_ref", sa.String(1024), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("switched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("fk_tier_moves_recording_id_recordings")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tier_moves")),
    )
    op.create_index(
        "uq_tier_moves_open",
        "tier_moves",
        ["recording_id"],
        unique=True,
        postgresql_where=sa.text("cleared_at IS NULL"),
    )
    op.create_table(
        "object_locks",
        sa.Column("recording_id", sa.Uuid(), nullable=False),
        sa.Column("tier", sa.String(32), nullable=False),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("category", sa.String(32), nullable=False),
        sa.Column("retain_until", sa.Date(), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["recording_id"],
            ["recordings.id"],
            name=op.f("fk_object_locks_recording_id_recordings"),
        ),
        sa.PrimaryKeyConstraint("recording_id", name=op.f("pk_object_locks")),
    )


def downgrade() -> None:
    """Take the tables and the column away.

    Refuses where a recording lies elsewhere than in the first store: older code would not find it.
    """
    away = op.get_bind().scalar(sa.text("SELECT count(*) FROM recordings WHERE tier <> 'hot'"))
    if away:
        raise RuntimeError(f"{away} recordings lie in another store: move them back first")
    op.drop_table("object_locks")
    op.drop_table("tier_moves")
    op.drop_index(op.f("ix_recordings_tier_ended_at"), table_name="recordings")
    op.drop_column("recordings", "tier")
