"""Requests: objections, holds, positions; declared relatives; boundaries of departments.

Revision 0019_orders. Additive: older code runs against it unchanged.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0019_orders"
down_revision = "0018_slips"
branch_labels = None
depends_on = None


def _id(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Uuid(), nullable=nullable)


def _key(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"))


def upgrade() -> None:
    op.add_column("register_requests", sa.Column("objection_sealed", sa.LargeBinary()))
    op.add_column("register_requests", sa.Column("latitude_e2", sa.SmallInteger()))
    op.add_column("register_requests", sa.Column("longitude_e2", sa.SmallInteger()))
    _holds()
    _relatives()
    _boundaries()


def _holds() -> None:
    reasons = sa.Enum(
        "complaint", "case", "inspection", "other",
        name="holdreason", native_enum=False, create_constraint=True, length=32,
    )  # fmt: skip
    op.create_table(
        "request_holds",
        _id("id"),
        _id("request_id"),
        sa.Column("reason", reasons, nullable=False),
        sa.Column("text", sa.String(1000), nullable=False),
        _id("held_by"),
        sa.Column("held_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("release_text", sa.String(1000)),
        _id("released_by", nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint(
            "(released_at IS NULL) = (released_by IS NULL)"
            " AND (released_at IS NULL) = (release_text IS NULL)",
            name=op.f("ck_request_holds_release"),
        ),
        _key("request_holds", "request_id", "register_requests"),
        _key("request_holds", "held_by", "people"),
        _key("request_holds", "released_by", "people"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request_holds")),
    )
    op.create_index(op.f("ix_request_holds_request_id"), "request_holds", ["request_id"])
    op.create_index(
        "ix_request_holds_lasting",
        "request_holds",
        ["request_id"],
        postgresql_where=sa.text("released_at IS NULL"),
    )


def _relatives() -> None:
    op.create_table(
        "declared_relatives",
        _id("id"),
        _id("person_id"),
        sa.Column("relative_index", sa.LargeBinary(), nullable=False),
        sa.Column("declared_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True)),
        _key("declared_relatives", "person_id", "people"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_declared_relatives")),
    )
    op.create_index(
        "uq_declared_relatives_person_id_relative_index",
        "declared_relatives",
        ["person_id", "relative_index"],
        unique=True,
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )


def _boundaries() -> None:
    op.create_table(
        "department_boundaries",
        _id("id"),
        _id("department_id"),
        sa.Column("ring", JSONB(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date()),
        sa.Column("source", sa.String(300), nullable=False),
        sa.Column("verified", sa.Boolean(), nullable=False),
        _key("department_boundaries", "department_id", "departments"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_department_boundaries")),
        sa.UniqueConstraint(
            "department_id",
            "valid_from",
            name=op.f("uq_department_boundaries_department_id_valid_from"),
        ),
    )


def downgrade() -> None:
    for table in ("department_boundaries", "declared_relatives", "request_holds"):
        op.drop_table(table)
    for column in ("longitude_e2", "latitude_e2", "objection_sealed"):
        op.drop_column("register_requests", column)
