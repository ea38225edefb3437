"""The door for body-worn systems of another make: containers, their objects, and whose door.

Revision 0022_axis. Older code still runs against it: ``door`` has a default.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022_axis"
down_revision = "0021_custody"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables, and the door that a recording came through."""
    op.add_column(
        "recordings",
        sa.Column("door", sa.String(32), nullable=False, server_default=sa.text("'dock'")),
    )
    op.create_check_constraint(op.f("ck_recordings_door"), "recordings", "door IN ('dock', 'axis')")
    op.create_table(
        "axis_containers",
        sa.Column("dock_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(256), nullable=False),
        sa.Column("metadata", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["dock_id"], ["devices.id"], name=op.f("fk_axis_containers_dock_id_devices")
        ),
        sa.PrimaryKeyConstraint("dock_id", "name", name=op.f("pk_axis_containers")),
    )
    op.create_table(
        "axis_objects",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("dock_id", sa.Uuid(), nullable=False),
        sa.Column("container", sa.String(256), nullable=False),
        sa.Column("name", sa.String(256), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("metadata", postgresql.JSONB(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("md5", sa.LargeBinary(), nullable=False),
        sa.Column("block_digests", sa.LargeBinary(), nullable=False),
        sa.Column("object_key", sa.String(200), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_in_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recording_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["dock_id", "container"],
            ["axis_containers.dock_id", "axis_containers.name"],
            name=op.f("fk_axis_objects_dock_id_axis_containers"),
        ),
        sa.ForeignKeyConstraint(
            ["recording_id"],
            ["recordings.id"],
            name=op.f("fk_axis_objects_recording_id_recordings"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_axis_objects")),
        sa.UniqueConstraint(
            "dock_id",
            "container",
            "name",
            "version",
            name=op.f("uq_axis_objects_dock_id_container_name_version"),
        ),
    )
    op.create_index(
        "ix_axis_objects_not_taken_in",
        "axis_objects",
        ["dock_id", "container"],
        postgresql_where=sa.text("taken_in_at IS NULL"),
    )


def downgrade() -> None:
    """Drop them; refused while a recording came through that door."""
    op.execute(
        "DO $$ BEGIN IF EXISTS (SELECT 1 FROM recordings WHERE door <> 'dock') THEN "
        "RAISE EXCEPTION 'recordings of another door are kept'; END IF; END $$"
    )
    op.drop_table("axis_objects")
    op.drop_table("axis_containers")
    op.drop_constraint(op.f("ck_recordings_door"), "recordings", type_="check")
    op.drop_column("recordings", "door")
