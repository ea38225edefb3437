"""The courts' channel: systems that bring messages, messages taken, and the role of a court.

Revision 0014_courts. Older code still runs against it while nobody holds the new role; the way
down is refused as long as somebody does.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014_courts"
down_revision = "0013_control"
branch_labels = None
depends_on = None

_OLD_ROLES = (
    "patrol_officer",
    "investigator",
    "device_keeper",
    "duty_officer",
    "complaints_reviewer",
    "responsible_official",
    "exchange_operator",
    "exchange_controller",
    "finance_clerk",
    "auditor",
    "administrator",
)
_ROLES = (*_OLD_ROLES, "court")
_WITH_ROLES = ("posts", "access_requests", "access_grants")
_ACTS = ("request", "view", "justification", "sanctions", "sanction_answer")


def _allow_roles(roles: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{role}'" for role in roles)
    for table in _WITH_ROLES:
        op.drop_constraint(op.f(f"ck_{table}_role"), table, type_="check")
        op.create_check_constraint(op.f(f"ck_{table}_role"), table, f"role IN ({listed})")


def upgrade() -> None:
    _allow_roles(_ROLES)
    op.create_table(
        "courts_systems",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("department_id", sa.Uuid, nullable=False),
        sa.Column("credential_sha256", sa.LargeBinary, nullable=False),
        sa.Column("issued_by", sa.Uuid, nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_by", sa.Uuid),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_courts_systems")),
        sa.ForeignKeyConstraint(
            ["department_id"], ["departments.id"],
            name=op.f("fk_courts_systems_department_id"),
        ),
        sa.ForeignKeyConstraint(
            ["issued_by"], ["people.id"], name=op.f("fk_courts_systems_issued_by")
        ),
        sa.ForeignKeyConstraint(
            ["withdrawn_by"], ["people.id"], name=op.f("fk_courts_systems_withdrawn_by")
        ),
    )  # fmt: skip
    op.create_index(op.f("ix_courts_systems_department_id"), "courts_systems", ["department_id"])
    op.create_table(
        "courts_messages",
        sa.Column("message_id", sa.Uuid, nullable=False),
        sa.Column("system_id", sa.Uuid, nullable=False),
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("signature_id", sa.Uuid, nullable=False),
        sa.Column(
            "act",
            sa.Enum(*_ACTS, name="courtact", native_enum=False, length=32, create_constraint=True),
            nullable=False,
        ),
        sa.Column("content_sha256", sa.LargeBinary, nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_courts_messages")),
        sa.ForeignKeyConstraint(
            ["system_id"], ["courts_systems.id"], name=op.f("fk_courts_messages_system_id")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_courts_messages_person_id")
        ),
        sa.ForeignKeyConstraint(
            ["signature_id"], ["signatures.id"], name=op.f("fk_courts_messages_signature_id")
        ),
    )
    op.create_index(op.f("ix_courts_messages_system_id"), "courts_messages", ["system_id"])
    op.create_index(op.f("ix_courts_messages_person_id"), "courts_messages", ["person_id"])


def downgrade() -> None:
    op.drop_table("courts_messages")
    op.drop_table("courts_systems")
    _allow_roles(_OLD_ROLES)
