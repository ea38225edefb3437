"""Tables of bodycam.

Revision 0007_bodycam. First release: no older code runs against it.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007_bodycam"
down_revision = "0006_fines"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "recordings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("camera_id", sa.Uuid(), nullable=False),
        sa.Column("dock_id", sa.Uuid(), nullable=False),
        sa.Column("department_id", sa.Uuid(), nullable=False),
        sa.Column("post_id", sa.Uuid(), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "announced",
                "receiving",
                "verified",
                "damaged",
                "quarantined",
                "indexed",
                "reviewable",
                "held",
                "expiring",
                "destroyed",
                name="recordingstatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("clock_drift_ms", sa.Integer(), nullable=False),
        sa.Column("battery_percent", sa.Integer(), nullable=False),
        sa.Column("declared_bytes", sa.BigInteger(), nullable=False),
        sa.Column("found_bytes", sa.BigInteger(), nullable=False),
        sa.Column("block_digests", sa.LargeBinary(), nullable=False),
        sa.Column("merkle_root", sa.LargeBinary(), nullable=False),
        sa.Column("differing", postgresql.JSONB(), nullable=False),
        sa.Column("manifest", sa.LargeBinary(), nullable=False),
        sa.Column("manifest_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("manifest_signature", sa.String(length=88), nullable=False),
        sa.Column("predecessor_known", sa.Boolean(), nullable=False),
        sa.Column("object_key", sa.String(length=200), nullable=False),
        sa.Column("upload_ref", sa.String(length=1024), nullable=False),
        sa.Column("damage", postgresql.JSONB(), nullable=False),
        sa.Column("quarantine_reason", sa.String(length=200), nullable=True),
        sa.Column("duration_ms", sa.BigInteger(), nullable=True),
        sa.Column("stored_root", sa.LargeBinary(), nullable=True),
        sa.Column("announced_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("receipt_signature", sa.String(length=88), nullable=True),
        sa.ForeignKeyConstraint(["camera_id"], ["devices.id"], name="fk_recordings_camera_id"),
        sa.ForeignKeyConstraint(
            ["department_id"], ["departments.id"], name="fk_recordings_department_id"
        ),
        sa.ForeignKeyConstraint(["dock_id"], ["devices.id"], name="fk_recordings_dock_id"),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name="fk_recordings_post_id"),
        sa.PrimaryKeyConstraint("id", name="pk_recordings"),
        sa.UniqueConstraint("manifest_sha256", name="uq_recordings_manifest_sha256"),
    )
    op.create_index("ix_recordings_camera_id_started_at", "recordings", ["camera_id", "started_at"])
    op.create_index(
        "ix_recordings_department_id_started_at", "recordings", ["department_id", "started_at"]
    )
    op.create_index("ix_recordings_dock_id_status", "recordings", ["dock_id", "status"])
    op.create_table(
        "recording_parts",
        sa.Column("recording_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name="fk_recording_parts_recording_id"
        ),
        sa.PrimaryKeyConstraint("recording_id", "number", name="pk_recording_parts"),
    )
    op.create_table(
        "recording_indexes",
        sa.Column("recording_id", sa.Uuid(), nullable=False),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name="fk_recording_indexes_recording_id"
        ),
        sa.PrimaryKeyConstraint("recording_id", name="pk_recording_indexes"),
    )
    op.create_table(
        "track_points",
        sa.Column("recording_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("latitude_e7", sa.Integer(), nullable=False),
        sa.Column("longitude_e7", sa.Integer(), nullable=False),
        sa.Column("cell", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name="fk_track_points_recording_id"
        ),
        sa.PrimaryKeyConstraint("recording_id", "at", name="pk_track_points"),
    )
    op.create_index("ix_track_points_cell_at", "track_points", ["cell", "at"])
    op.create_table(
        "complaint_numbers",
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("year", name="pk_complaint_numbers"),
    )
    op.create_table(
        "complaints",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=16), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "appeal",
                "complaint",
                name="complaintkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "registered",
                "assigned",
                "footage_found",
                "under_review",
                "decided",
                "answered",
                name="complaintstatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("department_id", sa.Uuid(), nullable=False),
        sa.Column("registered_by", sa.Uuid(), nullable=False),
        sa.Column("assigned_to", sa.Uuid(), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("place", sa.String(length=200), nullable=False),
        sa.Column("latitude_e7", sa.Integer(), nullable=False),
        sa.Column("longitude_e7", sa.Integer(), nullable=False),
        sa.Column("radius_meters", sa.Integer(), nullable=False),
        sa.Column("seen_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_to", sa.DateTime(timezone=True), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("complainant_name", sa.String(length=200), nullable=False),
        sa.Column("complainant_contact", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["assigned_to"], ["posts.id"], name="fk_complaints_assigned_to"),
        sa.ForeignKeyConstraint(
            ["department_id"], ["departments.id"], name="fk_complaints_department_id"
        ),
        sa.ForeignKeyConstraint(
            ["registered_by"], ["posts.id"], name="fk_complaints_registered_by"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_complaints"),
        sa.UniqueConstraint("number", name="uq_complaints_number"),
    )
    op.create_index(
        "ix_complaints_department_id_registered_at",
        "complaints",
        ["department_id", "registered_at"],
    )


def downgrade() -> None:
    op.drop_table("complaints")
    op.drop_table("complaint_numbers")
    op.drop_table("track_points")
    op.drop_table("recording_indexes")
    op.drop_table("recording_parts")
    op.drop_table("recordings")
