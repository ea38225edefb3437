"""Keys under which systems of another make encrypt, and what opens each of their clips.

Revision 0028_axis_keys. Older code still runs against it: new tables, and a column that may be
empty; it shows encrypted recordings as bytes that are no video.
"""

import sqlalchemy as sa
from alembic import op

revision = "0028_axis_keys"
down_revision = "0027_stores"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables, and the size of the clear view."""
    op.add_column("recordings", sa.Column("clear_bytes", sa.BigInteger(), nullable=True))
    op.create_table(
        "axis_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("department_id", sa.Uuid(), nullable=False),
        sa.Column("public_key", sa.String(2048), nullable=False),
        sa.Column("sealed_private", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["department_id"],
            ["departments.id"],
            name=op.f("fk_axis_keys_department_id_departments"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_axis_keys")),
    )
    op.create_index(
        op.f("ix_axis_keys_department_id_made_at"), "axis_keys", ["department_id", "made_at"]
    )
    op.create_table(
        "axis_encryption",
        sa.Column("dock_id", sa.Uuid(), nullable=False),
        sa.Column("key_id", sa.Uuid(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["dock_id"], ["devices.id"], name=op.f("fk_axis_encryption_dock_id_devices")
        ),
        sa.ForeignKeyConstraint(
            ["key_id"], ["axis_keys.id"], name=op.f("fk_axis_encryption_key_id_axis_keys")
        ),
        sa.PrimaryKeyConstraint("dock_id", name=op.f("pk_axis_encryption")),
    )
    op.create_table(
        "clip_keys",
        sa.Column("recording_id", sa.Uuid(), nullable=False),
        sa.Column("object_key", sa.String(200), nullable=False),
        sa.Column("key_id", sa.Uuid(), nullable=False),
        sa.Column("encrypted_key", sa.LargeBinary(), nullable=False),
        sa.Column("iv", sa.LargeBinary(), nullable=False),
        sa.Column("clear_bytes", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("fk_clip_keys_recording_id_recordings")
        ),
        sa.ForeignKeyConstraint(
            ["key_id"], ["axis_keys.id"], name=op.f("fk_clip_keys_key_id_axis_keys")
        ),
        sa.PrimaryKeyConstraint("recording_id", name=op.f("pk_clip_keys")),
        sa.UniqueConstraint("object_key", name=op.f("uq_clip_keys_object_key")),
    )


def downgrade() -> None:
    """Drop them; refused while a key is needed to read what came."""
    op.execute(
        "DO $$ BEGIN IF EXISTS (SELECT 1 FROM axis_keys) THEN "
        "RAISE EXCEPTION 'without its keys encrypted footage is lost'; END IF; END $$"
    )
    op.drop_table("clip_keys")
    op.drop_table("axis_encryption")
    op.drop_table("axis_keys")
    op.drop_column("recordings", "clear_bytes")
