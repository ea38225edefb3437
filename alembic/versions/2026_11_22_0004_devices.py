"""Tables of devices: inventory, shifts, assignments, journal.

Revision 0004_devices. First release: no older code runs against it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004_devices"
down_revision = "0003_calendar"
branch_labels = None
depends_on = None


# A journal is corrected by a further line: nobody, the server included, changes or erases one.
_APPEND_ONLY = """
CREATE FUNCTION device_journal_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the journal of devices is append-only' USING ERRCODE = 'restrict_violation';
END
$$
"""
_NO_CHANGE = """
CREATE TRIGGER device_journal_no_change BEFORE UPDATE OR DELETE ON device_journal
FOR EACH ROW EXECUTE FUNCTION device_journal_append_only()
"""
_NO_TRUNCATE = """
CREATE TRIGGER device_journal_no_truncate BEFORE TRUNCATE ON device_journal
FOR EACH STATEMENT EXECUTE FUNCTION device_journal_append_only()
"""


def upgrade() -> None:
    op.create_table(
        "devices",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "tablet",
                "terminal",
                "camera",
                "dock",
                name="devicekind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("inventory_number", sa.String(length=32), nullable=False),
        sa.Column("serial_number", sa.String(length=64), nullable=False),
        sa.Column("department_id", sa.Uuid(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "registered",
                "enrolled",
                "in_store",
                "issued",
                "docked",
                "returned",
                "suspended",
                "lost",
                "retired",
                name="devicestatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("credential_sha256", sa.LargeBinary(), nullable=True),
        sa.Column("public_key_pem", sa.Text(), nullable=True),
        sa.Column("terminal_number", sa.String(length=8), nullable=True),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("enrolled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["department_id"], ["departments.id"], name=op.f("fk_devices_department_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_devices")),
        sa.UniqueConstraint("inventory_number", name=op.f("uq_devices_inventory_number")),
        sa.UniqueConstraint("terminal_number", name=op.f("uq_devices_terminal_number")),
    )
    op.create_index(op.f("ix_devices_department_id"), "devices", ["department_id"], unique=False)
    op.create_table(
        "shifts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("department_id", sa.Uuid(), nullable=False),
        sa.Column("opened_by_post_id", sa.Uuid(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["department_id"], ["departments.id"], name=op.f("fk_shifts_department_id")
        ),
        sa.ForeignKeyConstraint(
            ["opened_by_post_id"], ["posts.id"], name=op.f("fk_shifts_opened_by_post_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_shifts_person_id")),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name=op.f("fk_shifts_post_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shifts")),
    )
    op.create_index(op.f("ix_shifts_department_id"), "shifts", ["department_id"], unique=False)
    op.create_index(
        "uq_shifts_open_post_id",
        "shifts",
        ["post_id"],
        unique=True,
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "assignments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("shift_id", sa.Uuid(), nullable=False),
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("department_id", sa.Uuid(), nullable=False),
        sa.Column("sheet", sa.Text(), nullable=False),
        sa.Column("sheet_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("issued_by_post_id", sa.Uuid(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("issue_signature_id", sa.Uuid(), nullable=True),
        sa.Column("docked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("returned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("returned_to_post_id", sa.Uuid(), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("written_off_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(issued_at IS NULL) = (issue_signature_id IS NULL)",
            name=op.f("ck_assignments_issued_against_signature"),
        ),
        sa.CheckConstraint(
            "returned_at IS NULL OR issued_at IS NOT NULL",
            name=op.f("ck_assignments_returned_only_issued"),
        ),
        sa.CheckConstraint(
            "withdrawn_at IS NULL OR issued_at IS NULL",
            name=op.f("ck_assignments_withdrawn_only_unsigned"),
        ),
        sa.ForeignKeyConstraint(
            ["department_id"], ["departments.id"], name=op.f("fk_assignments_department_id")
        ),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.id"], name=op.f("fk_assignments_device_id")
        ),
        sa.ForeignKeyConstraint(
            ["issue_signature_id"],
            ["signatures.id"],
            name=op.f("fk_assignments_issue_signature_id"),
        ),
        sa.ForeignKeyConstraint(
            ["issued_by_post_id"], ["posts.id"], name=op.f("fk_assignments_issued_by_post_id")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_assignments_person_id")
        ),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name=op.f("fk_assignments_post_id")),
        sa.ForeignKeyConstraint(
            ["returned_to_post_id"], ["posts.id"], name=op.f("fk_assignments_returned_to_post_id")
        ),
        sa.ForeignKeyConstraint(["shift_id"], ["shifts.id"], name=op.f("fk_assignments_shift_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assignments")),
    )
    op.create_index(
        "ix_assignments_device_id_issued_at",
        "assignments",
        ["device_id", "issued_at"],
        unique=False,
    )
    op.create_index(op.f("ix_assignments_post_id"), "assignments", ["post_id"], unique=False)
    op.create_index(op.f("ix_assignments_shift_id"), "assignments", ["shift_id"], unique=False)
    op.create_index(
        "uq_assignments_open_device_id",
        "assignments",
        ["device_id"],
        unique=True,
        postgresql_where=sa.text(
            "returned_at IS NULL AND withdrawn_at IS NULL AND written_off_at IS NULL"
        ),
    )
    op.create_table(
        "device_journal",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("assignment_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "sheet_made",
                "sheet_withdrawn",
                "issued",
                "docked",
                "uploaded",
                "returned",
                "lost",
                "note",
                "correction",
                name="journalentrykind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_post_id", sa.Uuid(), nullable=True),
        sa.Column("by_device_id", sa.Uuid(), nullable=True),
        sa.Column("signature_id", sa.Uuid(), nullable=True),
        sa.Column("corrects_entry_id", sa.Uuid(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["assignment_id"], ["assignments.id"], name=op.f("fk_device_journal_assignment_id")
        ),
        sa.ForeignKeyConstraint(
            ["by_device_id"], ["devices.id"], name=op.f("fk_device_journal_by_device_id")
        ),
        sa.ForeignKeyConstraint(
            ["by_post_id"], ["posts.id"], name=op.f("fk_device_journal_by_post_id")
        ),
        sa.ForeignKeyConstraint(
            ["corrects_entry_id"],
            ["device_journal.id"],
            name=op.f("fk_device_journal_corrects_entry_id"),
        ),
        sa.ForeignKeyConstraint(
            ["signature_id"], ["signatures.id"], name=op.f("fk_device_journal_signature_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_journal")),
        sa.UniqueConstraint("number", name=op.f("uq_device_journal_number")),
    )
    op.create_index(
        op.f("ix_device_journal_assignment_id"), "device_journal", ["assignment_id"], unique=False
    )
    op.execute(sa.text(_APPEND_ONLY))
    op.execute(sa.text(_NO_CHANGE))
    op.execute(sa.text(_NO_TRUNCATE))


def downgrade() -> None:
    op.drop_table("device_journal")
    op.execute(sa.text("DROP FUNCTION device_journal_append_only()"))
    op.drop_table("assignments")
    op.drop_table("shifts")
    op.drop_table("devices")
