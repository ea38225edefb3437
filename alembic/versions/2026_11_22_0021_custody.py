"""Footage: coverage, retention and hold.

Revision 0021_custody. Additive: older code runs against it; what it announces has the
least category and no known predecessor.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0021_custody"
down_revision = "0020_footage"
branch_labels = None
depends_on = None

_CATEGORIES = ("crime", "administrative", "other")
_REASONS = (
    "handed_over", "docking", "seam", "not_docked", "not_uploaded", "unreadable", "damaged",
    "black", "silent", "missing_predecessor", "memory_changed", "clock_leap", "low_battery",
    "lost", "not_recording",
)  # fmt: skip


def _id(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Uuid(), nullable=nullable)


def _instant(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _choice(kind: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=kind, native_enum=False, create_constraint=True, length=32)


def upgrade() -> None:
    _recordings()
    _ledgers()
    _intervals()
    _cases()
    _holds()
    _changes()
    op.execute(
        sa.text(
            "CREATE TRIGGER tombstones_append_only BEFORE UPDATE OR DELETE OR TRUNCATE"
            " ON tombstones FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()"
        )
    )


def _recordings() -> None:
    op.add_column(
        "recordings", sa.Column("previous_manifest_sha256", sa.LargeBinary(), nullable=True)
    )
    op.add_column(
        "recordings",
        sa.Column(
            "category", _choice("category", *_CATEGORIES), server_default="other", nullable=False
        ),
    )
    op.add_column("recordings", sa.Column("keep_until", sa.Date(), nullable=True))
    op.add_column("recordings", _instant("expiring_since", nullable=True))
    op.add_column("recordings", _id("deletion_permitted_by", nullable=True))
    op.add_column("recordings", _instant("deletion_permitted_at", nullable=True))
    op.add_column("recordings", _instant("destruction_begun_at", nullable=True))
    op.add_column("recordings", _instant("scrubbed_at", nullable=True))
    op.create_index(
        op.f("ix_recordings_status_ended_at"), "recordings", ["status", "ended_at"], unique=False
    )
    op.create_foreign_key(
        op.f("fk_recordings_deletion_permitted_by"),
        "recordings",
        "people",
        ["deletion_permitted_by"],
        ["id"],
    )
    op.execute(
        sa.text(
            "UPDATE recordings SET previous_manifest_sha256 = decode("
            "convert_from(manifest, 'UTF8')::jsonb ->> 'previous_manifest_sha256', 'hex')"
        )
    )


def _ledgers() -> None:
    op.create_table(
        "recording_examinations",
        _id("recording_id"),
        _instant("examined_at"),
        sa.Column("stretches", postgresql.JSONB(), nullable=False),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("fk_recording_examinations_recording_id")
        ),
        sa.PrimaryKeyConstraint("recording_id", name=op.f("pk_recording_examinations")),
    )
    op.create_table(
        "camera_pauses",
        _id("id"),
        _id("assignment_id"),
        _id("department_id"),
        sa.Column("reason", sa.String(length=16), nullable=False),
        _instant("starts_at"),
        _instant("ends_at"),
        _id("permitted_by_post_id"),
        _id("ended_by_post_id", nullable=True),
        sa.CheckConstraint("reason IN ('rest', 'meal')", name=op.f("ck_camera_pauses_reason")),
        sa.CheckConstraint("starts_at <= ends_at", name=op.f("ck_camera_pauses_order")),
        sa.ForeignKeyConstraint(
            ["assignment_id"], ["assignments.id"], name=op.f("fk_camera_pauses_assignment_id")
        ),
        sa.ForeignKeyConstraint(
            ["department_id"], ["departments.id"], name=op.f("fk_camera_pauses_department_id")
        ),
        sa.ForeignKeyConstraint(
            ["ended_by_post_id"], ["posts.id"], name=op.f("fk_camera_pauses_ended_by_post_id")
        ),
        sa.ForeignKeyConstraint(
            ["permitted_by_post_id"],
            ["posts.id"],
            name=op.f("fk_camera_pauses_permitted_by_post_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_camera_pauses")),
    )
    op.create_index(
        op.f("ix_camera_pauses_assignment_id"), "camera_pauses", ["assignment_id"], unique=False
    )
    op.create_table(
        "coverage_ledgers",
        _id("assignment_id"),
        _id("camera_id"),
        _id("department_id"),
        _id("post_id"),
        _instant("starts_at"),
        _instant("ends_at"),
        sa.Column(
            "ending", _choice("ending", "still_out", "docked", "returned", "lost"), nullable=False
        ),
        sa.Column("settled", sa.Boolean(), nullable=False),
        sa.Column("examined", sa.Boolean(), nullable=False),
        sa.Column("findings", postgresql.JSONB(), nullable=False),
        _instant("computed_at"),
        sa.ForeignKeyConstraint(
            ["assignment_id"], ["assignments.id"], name=op.f("fk_coverage_ledgers_assignment_id")
        ),
        sa.ForeignKeyConstraint(
            ["camera_id"], ["devices.id"], name=op.f("fk_coverage_ledgers_camera_id")
        ),
        sa.ForeignKeyConstraint(
            ["department_id"], ["departments.id"], name=op.f("fk_coverage_ledgers_department_id")
        ),
        sa.ForeignKeyConstraint(
            ["post_id"], ["posts.id"], name=op.f("fk_coverage_ledgers_post_id")
        ),
        sa.PrimaryKeyConstraint("assignment_id", name=op.f("pk_coverage_ledgers")),
    )
    op.create_index(
        op.f("ix_coverage_ledgers_camera_id"), "coverage_ledgers", ["camera_id"], unique=False
    )
    op.create_index(
        op.f("ix_coverage_ledgers_department_id_starts_at"),
        "coverage_ledgers",
        ["department_id", "starts_at"],
        unique=False,
    )
    op.create_index(
        "ix_coverage_ledgers_unsettled",
        "coverage_ledgers",
        ["starts_at"],
        unique=False,
        postgresql_where=sa.text("NOT settled"),
    )


def _intervals() -> None:
    op.create_table(
        "coverage_intervals",
        _id("assignment_id"),
        _instant("starts_at"),
        _instant("ends_at"),
        sa.Column("kind", _choice("coveragekind", "recorded", "paused", "gap"), nullable=False),
        sa.Column("reason", _choice("gapreason", *_REASONS), nullable=True),
        _id("recording_id", nullable=True),
        postgresql.ExcludeConstraint(
            (sa.column("assignment_id"), "="),
            (sa.text("tstzrange(starts_at, ends_at)"), "&&"),
            using="gist",
            name="ex_coverage_intervals_assignment_id_times",
        ),
        sa.CheckConstraint(
            "(CAST(kind AS TEXT) = 'gap') = (reason IS NOT NULL)",
            name=op.f("ck_coverage_intervals_gap_has_reason"),
        ),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_coverage_intervals_order")),
        sa.ForeignKeyConstraint(
            ["assignment_id"],
            ["coverage_ledgers.assignment_id"],
            name=op.f("fk_coverage_intervals_assignment_id"),
        ),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("fk_coverage_intervals_recording_id")
        ),
        sa.PrimaryKeyConstraint("assignment_id", "starts_at", name=op.f("pk_coverage_intervals")),
    )


def _cases() -> None:
    op.create_table(
        "coverage_cases",
        _id("id"),
        _id("assignment_id"),
        _id("department_id"),
        sa.Column(
            "status",
            _choice("casestatus", "opened", "explained", "closed", "resolved"),
            nullable=False,
        ),
        sa.Column("reason", _choice("gapreason", *_REASONS), nullable=False),
        _instant("starts_at"),
        _instant("ends_at"),
        _instant("opened_at"),
        sa.Column("explanation", sa.String(length=2000), nullable=True),
        _id("explained_by", nullable=True),
        _instant("explained_at", nullable=True),
        sa.Column("conclusion", sa.String(length=2000), nullable=True),
        _id("closed_by", nullable=True),
        _instant("closed_at", nullable=True),
        sa.CheckConstraint(
            "CAST(status AS TEXT) <> 'closed' OR (explained_by IS NOT NULL"
            " AND closed_by IS NOT NULL AND closed_at IS NOT NULL)",
            name=op.f("ck_coverage_cases_closed_by_two"),
        ),
        sa.CheckConstraint(
            "closed_by IS NULL OR explained_by IS NULL OR closed_by <> explained_by",
            name=op.f("ck_coverage_cases_closed_by_another"),
        ),
        sa.CheckConstraint("starts_at <= ends_at", name=op.f("ck_coverage_cases_order")),
        sa.ForeignKeyConstraint(
            ["assignment_id"], ["assignments.id"], name=op.f("fk_coverage_cases_assignment_id")
        ),
        sa.ForeignKeyConstraint(
            ["closed_by"], ["people.id"], name=op.f("fk_coverage_cases_closed_by")
        ),
        sa.ForeignKeyConstraint(
            ["department_id"], ["departments.id"], name=op.f("fk_coverage_cases_department_id")
        ),
        sa.ForeignKeyConstraint(
            ["explained_by"], ["people.id"], name=op.f("fk_coverage_cases_explained_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coverage_cases")),
    )
    op.create_index(
        op.f("ix_coverage_cases_assignment_id"), "coverage_cases", ["assignment_id"], unique=False
    )
    op.create_index(
        op.f("ix_coverage_cases_department_id_opened_at"),
        "coverage_cases",
        ["department_id", "opened_at"],
        unique=False,
    )


def _holds() -> None:
    op.create_table(
        "legal_holds",
        _id("id"),
        _id("recording_id"),
        _id("department_id"),
        sa.Column(
            "reason",
            _choice(
                "holdreason",
                "court",
                "criminal_case",
                "administrative_case",
                "internal_investigation",
                "prosecutor",
            ),
            nullable=False,
        ),
        sa.Column("case_number", sa.String(length=64), nullable=False),
        _id("placed_by"),
        _instant("placed_at"),
        _id("released_by", nullable=True),
        _instant("released_at", nullable=True),
        sa.CheckConstraint(
            "(released_by IS NULL) = (released_at IS NULL)", name=op.f("ck_legal_holds_released")
        ),
        sa.CheckConstraint(
            "released_by IS NULL OR released_by <> placed_by",
            name=op.f("ck_legal_holds_released_by_another"),
        ),
        sa.ForeignKeyConstraint(
            ["department_id"], ["departments.id"], name=op.f("fk_legal_holds_department_id")
        ),
        sa.ForeignKeyConstraint(
            ["placed_by"], ["people.id"], name=op.f("fk_legal_holds_placed_by")
        ),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("fk_legal_holds_recording_id")
        ),
        sa.ForeignKeyConstraint(
            ["released_by"], ["people.id"], name=op.f("fk_legal_holds_released_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legal_holds")),
    )
    op.create_index(
        op.f("ix_legal_holds_recording_id"), "legal_holds", ["recording_id"], unique=False
    )
    op.create_table(
        "storage_faults",
        _id("id"),
        _id("recording_id"),
        _id("department_id"),
        sa.Column("blocks", postgresql.JSONB(), nullable=False),
        _instant("found_at"),
        sa.ForeignKeyConstraint(
            ["department_id"], ["departments.id"], name=op.f("fk_storage_faults_department_id")
        ),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("fk_storage_faults_recording_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_storage_faults")),
        sa.UniqueConstraint("recording_id", name=op.f("uq_storage_faults_recording_id")),
    )
    op.create_index(
        op.f("ix_storage_faults_department_id"), "storage_faults", ["department_id"], unique=False
    )


def _changes() -> None:
    op.create_table(
        "category_changes",
        _id("id"),
        _id("recording_id"),
        _id("department_id"),
        sa.Column("from_category", _choice("from_category", *_CATEGORIES), nullable=False),
        sa.Column("to_category", _choice("to_category", *_CATEGORIES), nullable=False),
        sa.Column("grounds", sa.String(length=1000), nullable=False),
        sa.Column("shortens", sa.Boolean(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=True),
        _id("proposed_by"),
        _instant("proposed_at"),
        _id("first_signature_id", nullable=True),
        _id("second_by", nullable=True),
        _id("second_signature_id", nullable=True),
        _instant("applied_at", nullable=True),
        sa.CheckConstraint(
            "NOT shortens OR applied_at IS NULL OR (first_signature_id IS NOT NULL"
            " AND second_signature_id IS NOT NULL)",
            name=op.f("ck_category_changes_shortened_by_two"),
        ),
        sa.CheckConstraint(
            "second_by IS NULL OR second_by <> proposed_by",
            name=op.f("ck_category_changes_two_people"),
        ),
        sa.ForeignKeyConstraint(
            ["department_id"], ["departments.id"], name=op.f("fk_category_changes_department_id")
        ),
        sa.ForeignKeyConstraint(
            ["first_signature_id"],
            ["signatures.id"],
            name=op.f("fk_category_changes_first_signature_id"),
        ),
        sa.ForeignKeyConstraint(
            ["proposed_by"], ["people.id"], name=op.f("fk_category_changes_proposed_by")
        ),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("fk_category_changes_recording_id")
        ),
        sa.ForeignKeyConstraint(
            ["second_by"], ["people.id"], name=op.f("fk_category_changes_second_by")
        ),
        sa.ForeignKeyConstraint(
            ["second_signature_id"],
            ["signatures.id"],
            name=op.f("fk_category_changes_second_signature_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_category_changes")),
    )
    op.create_index(
        op.f("ix_category_changes_recording_id"), "category_changes", ["recording_id"], unique=False
    )
    op.create_table(
        "tombstones",
        _id("recording_id"),
        sa.Column("manifest_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("merkle_root", sa.LargeBinary(), nullable=False),
        sa.Column("stored_root", sa.LargeBinary(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("category", _choice("category", *_CATEGORIES), nullable=False),
        sa.Column("rule", sa.String(length=64), nullable=False),
        _instant("expired_at"),
        _id("permitted_by"),
        _instant("permitted_at"),
        _instant("destroyed_at"),
        _id("event_id"),
        sa.ForeignKeyConstraint(
            ["permitted_by"], ["people.id"], name=op.f("fk_tombstones_permitted_by")
        ),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("fk_tombstones_recording_id")
        ),
        sa.PrimaryKeyConstraint("recording_id", name=op.f("pk_tombstones")),
        sa.UniqueConstraint("event_id", name=op.f("uq_tombstones_event_id")),
    )


def downgrade() -> None:
    op.drop_constraint(
        op.f("fk_recordings_deletion_permitted_by"), "recordings", type_="foreignkey"
    )
    op.drop_index(op.f("ix_recordings_status_ended_at"), table_name="recordings")
    op.drop_column("recordings", "scrubbed_at")
    op.drop_column("recordings", "destruction_begun_at")
    op.drop_column("recordings", "deletion_permitted_at")
    op.drop_column("recordings", "deletion_permitted_by")
    op.drop_column("recordings", "expiring_since")
    op.drop_column("recordings", "keep_until")
    op.drop_column("recordings", "category")
    op.drop_column("recordings", "previous_manifest_sha256")
    op.drop_table("coverage_intervals")
    op.drop_index(
        "ix_coverage_ledgers_unsettled",
        table_name="coverage_ledgers",
        postgresql_where=sa.text("NOT settled"),
    )
    op.drop_index(
        op.f("ix_coverage_ledgers_department_id_starts_at"), table_name="coverage_ledgers"
    )
    op.drop_index(op.f("ix_coverage_ledgers_camera_id"), table_name="coverage_ledgers")
    op.drop_table("coverage_ledgers")
    op.drop_index(op.f("ix_coverage_cases_department_id_opened_at"), table_name="coverage_cases")
    op.drop_index(op.f("ix_coverage_cases_assignment_id"), table_name="coverage_cases")
    op.drop_table("coverage_cases")
    op.drop_index(op.f("ix_camera_pauses_assignment_id"), table_name="camera_pauses")
    op.drop_table("camera_pauses")
    op.drop_table("tombstones")
    op.drop_index(op.f("ix_storage_faults_department_id"), table_name="storage_faults")
    op.drop_table("storage_faults")
    op.drop_table("recording_examinations")
    op.drop_index(op.f("ix_legal_holds_recording_id"), table_name="legal_holds")
    op.drop_table("legal_holds")
    op.drop_index(op.f("ix_category_changes_recording_id"), table_name="category_changes")
    op.drop_table("category_changes")
