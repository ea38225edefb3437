"""Departmental control: monthly reports, marks, signed reviews, escalations.

Revision 0013_control. Additive: older code runs against it unchanged.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013_control"
down_revision = "0012_requests"
branch_labels = None
depends_on = None

_WRITTEN_ONCE = (
    "control_reports",
    "control_officers",
    "control_spans",
    "control_marks",
    "control_reviews",
    "escalations",
)


def _id(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Uuid(), nullable=nullable)


def _instant(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def _choice(name: str, kind: str, *values: str) -> sa.Column[object]:
    of = sa.Enum(*values, name=kind, native_enum=False, create_constraint=True, length=32)
    return sa.Column(name, of, nullable=False)


def _key(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"))


def upgrade() -> None:
    _reports()
    _reviews()
    op.create_index(
        "ix_register_requests_standing_out",
        "register_requests",
        ["person_id", "month", "number"],
        postgresql_where=sa.text(
            "cardinality(flags) > 0 OR CAST(basis AS TEXT) = 'INTERNATIONAL_ORDER'"
            " OR extended_asked"
        ),
    )
    for table in _WRITTEN_ONCE:
        op.execute(
            sa.text(
                f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE"
                f" ON {table} FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()"
            )
        )


def _reports() -> None:
    op.create_table(
        "control_reports",
        _id("id"),
        sa.Column("month", sa.String(7), nullable=False),
        _id("official_id", nullable=True),
        sa.Column("due_on", sa.Date(), nullable=False),
        _instant("opened_at"),
        _id("event_id"),
        _key("control_reports", "official_id", "people"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_control_reports")),
    )
    op.create_index(op.f("ix_control_reports_official_id"), "control_reports", ["official_id"])
    op.create_index(
        "uq_control_reports_month_official_id",
        "control_reports",
        ["month", "official_id"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )
    op.create_table(
        "control_officers",
        _id("report_id"),
        _id("person_id"),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("last_number", sa.BigInteger(), nullable=False),
        sa.Column("closing_leaf_index", sa.BigInteger(), nullable=True),
        _key("control_officers", "report_id", "control_reports"),
        _key("control_officers", "person_id", "people"),
        sa.PrimaryKeyConstraint("report_id", "person_id", name=op.f("pk_control_officers")),
    )
    op.create_table(
        "control_spans",
        _id("id"),
        _id("report_id"),
        _id("person_id"),
        _instant("begin_at"),
        _instant("end_at"),
        sa.CheckConstraint("begin_at < end_at", name=op.f("ck_control_spans_order")),
        _key("control_spans", "report_id", "control_reports"),
        _key("control_spans", "person_id", "people"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_control_spans")),
        postgresql.ExcludeConstraint(
            (sa.column("person_id"), "="),
            (sa.text("tstzrange(begin_at, end_at, '[)')"), "&&"),
            name="ex_control_spans_person_id_times",
            using="gist",
        ),
    )
    op.create_index(
        op.f("ix_control_spans_report_id_person_id"), "control_spans", ["report_id", "person_id"]
    )


def _reviews() -> None:
    op.create_table(
        "control_marks",
        _id("id"),
        sa.Column("position", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        _id("report_id"),
        _id("request_id"),
        _choice("mark", "mark", "in_order", "to_clarify", "violation"),
        sa.Column("text", sa.String(1000), nullable=False),
        _id("person_id"),
        _id("post_id"),
        _instant("at"),
        _id("event_id"),
        _key("control_marks", "report_id", "control_reports"),
        _key("control_marks", "request_id", "register_requests"),
        _key("control_marks", "person_id", "people"),
        _key("control_marks", "post_id", "posts"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_control_marks")),
    )
    op.create_index(
        op.f("ix_control_marks_report_id_request_id_position"),
        "control_marks",
        ["report_id", "request_id", "position"],
    )
    op.create_table(
        "control_reviews",
        _id("id"),
        _id("report_id"),
        sa.Column("version", sa.Integer(), nullable=False),
        _id("person_id"),
        _id("post_id"),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("document_sha256", sa.String(64), nullable=False),
        _id("signature_id"),
        _instant("signed_at"),
        _id("event_id"),
        _key("control_reviews", "report_id", "control_reports"),
        _key("control_reviews", "person_id", "people"),
        _key("control_reviews", "post_id", "posts"),
        _key("control_reviews", "signature_id", "signatures"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_control_reviews")),
        sa.UniqueConstraint(
            "report_id", "version", name=op.f("uq_control_reviews_report_id_version")
        ),
    )
    op.create_table(
        "escalations",
        _id("id"),
        _id("report_id"),
        _id("to_person_id", nullable=True),
        _choice("reason", "escalationreason", "overdue", "official_left"),
        _instant("at"),
        _id("event_id"),
        _key("escalations", "report_id", "control_reports"),
        _key("escalations", "to_person_id", "people"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_escalations")),
    )
    op.create_index(op.f("ix_escalations_to_person_id"), "escalations", ["to_person_id"])
    op.create_index(
        "uq_escalations_report_id_to_person_id",
        "escalations",
        ["report_id", "to_person_id"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )


def downgrade() -> None:
    op.drop_index("ix_register_requests_standing_out", "register_requests")
    for table in reversed(_WRITTEN_ONCE):
        op.drop_table(table)
