"""Uploads by tus, and their door.

Revision 0026_uploads. Older code still runs against it: two new tables, and one door more.
"""

import sqlalchemy as sa
from alembic import op

revision = "0026_uploads"
down_revision = "0025_money_acts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables and the door."""
    op.create_table(
        "uploads",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("dock_id", sa.Uuid(), nullable=False),
        sa.Column("department_id", sa.Uuid(), nullable=False),
        sa.Column("metadata", sa.Text(), nullable=False),
        sa.Column("signed", sa.Boolean(), nullable=False),
        sa.Column("camera_id", sa.Uuid(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("length_bytes", sa.BigInteger(), nullable=True),
        sa.Column("offset_bytes", sa.BigInteger(), nullable=False),
        sa.Column("object_key", sa.String(200), nullable=False),
        sa.Column("upload_ref", sa.String(1024), nullable=False),
        sa.Column("tail_slot", sa.SmallInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("held_by", sa.Uuid(), nullable=True),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("release_wanted", sa.Boolean(), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("taken_in_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recording_id", sa.Uuid(), nullable=True),
        *(
            sa.ForeignKeyConstraint(
                [column], [f"{table}.id"], name=op.f(f"fk_uploads_{column}_{table}")
            )
            for column, table in (
                ("dock_id", "devices"),
                ("department_id", "departments"),
                ("camera_id", "devices"),
                ("recording_id", "recordings"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uploads")),
    )
    op.create_index(op.f("ix_uploads_dock_id"), "uploads", ["dock_id"])
    op.create_index(
        "ix_uploads_open",
        "uploads",
        ["expires_at"],
        postgresql_where=sa.text("taken_in_at IS NULL"),
    )
    op.create_table(
        "upload_parts",
        sa.Column("upload_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["upload_id"],
            ["uploads.id"],
            name=op.f("fk_upload_parts_upload_id_uploads"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("upload_id", "number", name=op.f("pk_upload_parts")),
    )
    _doors("'dock', 'axis', 'tus'")


def downgrade() -> None:
    """Drop them; refused while a recording came through that door."""
    op.execute(
        "DO $$ BEGIN IF EXISTS (SELECT 1 FROM recordings WHERE door = 'tus') THEN "
        "RAISE EXCEPTION 'recordings of another door are kept'; END IF; END $$"
    )
    _doors("'dock', 'axis'")
    op.drop_table("upload_parts")
    op.drop_table("uploads")


def _doors(names: str) -> None:
    op.drop_constraint(op.f("ck_recordings_door"), "recordings", type_="check")
    op.create_check_constraint(op.f("ck_recordings_door"), "recordings", f"door IN ({names})")
