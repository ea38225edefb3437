"""The exchange: requests to registers and their sealed answers.

Revision 0005_exchange. First release: no older code runs against it.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005_exchange"
down_revision = "0004_devices"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "register_requests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "received",
                "refused",
                "asked",
                "sequenced",
                "released",
                "withheld",
                name="requeststatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "basis",
            sa.Enum(
                "PRIMARY_CHECK", name="basis", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("stop_ground", sa.String(length=32), nullable=False),
        sa.Column("rule_set", sa.String(length=32), nullable=False),
        sa.Column("snapshot_sha256", sa.String(length=64), nullable=False),
        sa.Column(
            "gate",
            sa.Enum(
                "AUTH",
                "DEVICE",
                "USER",
                "ROLE",
                "LIST",
                "FIELDS",
                "LIMIT",
                name="gate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column(
            "refusal",
            sa.Enum(
                "AUTH_NO_SESSION",
                "AUTH_UNKNOWN",
                "DEVICE_ABSENT",
                "DEVICE_KIND",
                "DEVICE_UNIT",
                "DEVICE_NOT_YOURS",
                "DEVICE_OUT_OF_SERVICE",
                "DEVICE_UNKNOWN",
                "USER_NO_POST",
                "USER_UNKNOWN",
                "ROLE_NO_RIGHT",
                "LIST_NOT_PRIMARY",
                "FIELDS_SUBJECT",
                "FIELDS_PLATE",
                "FIELDS_STOP_GROUND",
                "LIMIT_HOUR",
                "LIMIT_DAY",
                "LIMIT_UNKNOWN",
                name="refusalcode",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.Column("department_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=True),
        sa.Column("subject_index", sa.LargeBinary(), nullable=True),
        sa.Column("parts", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("answer_sha256", sa.String(length=64), nullable=True),
        sa.Column("decision_leaf_index", sa.BigInteger(), nullable=True),
        sa.Column("answer_leaf_index", sa.BigInteger(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["department_id"], ["departments.id"], name=op.f("fk_register_requests_department_id")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_register_requests_person_id")
        ),
        sa.ForeignKeyConstraint(
            ["post_id"], ["posts.id"], name=op.f("fk_register_requests_post_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_register_requests")),
    )
    op.create_index(
        op.f("ix_register_requests_department_id"),
        "register_requests",
        ["department_id"],
        unique=False,
    )
    op.create_index(
        "ix_register_requests_person_id_received_at",
        "register_requests",
        ["person_id", "received_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_register_requests_subject_index"),
        "register_requests",
        ["subject_index"],
        unique=False,
    )


def downgrade() -> None:
    op.drop_table("register_requests")
