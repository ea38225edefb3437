"""Requests of every basis: numbers, subjects, waiting, disclosures, sanctions, daily seeds.

Revision 0012_requests. Older code cannot write requests against it: each now has its number.
Requests from before get numbers below zero, in their order: the log numbers none of them, and
a positive number would look like one that is missing there.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012_requests"
down_revision = "0011_access"
branch_labels = None
depends_on = None

_STATUSES = ("received", "refused", "asked", "sequenced", "released", "withheld")
_STATUSES_NEW = (
    *_STATUSES,
    "pending_verification",
    "needs_second_person",
    "needs_justification",
    "expired",
)
_BASES = ("PRIMARY_CHECK",)
_BASES_NEW = (
    *_BASES,
    "CRIMINAL_CASE",
    "CRIMINAL_ORDER",
    "INTERNATIONAL_ORDER",
    "ADMIN_LE",
    "CRIMINAL_COURT",
    "ADMIN_COURT",
    "CIVIL_COURT",
    "COURT_OTHER",
    "SEARCH_CASE",
    "ENFORCEMENT",
)
_GATES = ("AUTH", "DEVICE", "USER", "ROLE", "LIST", "FIELDS", "LIMIT")
_GATES_NEW = (
    "AUTH",
    "DEVICE",
    "USER",
    "AGREEMENT",
    "ROLE",
    "LIST",
    "ARTICLE",
    "FIELDS",
    "SANCTION",
    "RECON",
    "LIMIT",
    "SAMPLE",
    "LOG",
    "RELEASE",
)
_REFUSALS = (
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
)
_REFUSALS_NEW = (
    *_REFUSALS,
    "NO_PERSON",
    "USER_NOT_REGISTERED",
    "USER_SUSPENDED",
    "USER_BLOCKED",
    "AGREEMENT_MISSING",
    "AGREEMENT_OLD",
    "AGREEMENT_UNKNOWN",
    "ROLE_NO_SERVICE",
    "ROLE_UNKNOWN",
    "LIST_NO_BASIS",
    "BASIS_CLOSED",
    "CHANNEL_ONLY_EAIAS",
    "LIST_NOT_FOR_COURTS",
    "LIST_ROLE",
    "LIST_NOT_GRANTED",
    "LIST_UNKNOWN",
    "LIST_NOT_OPENED",
    "ARTICLE_UNKNOWN",
    "ARTICLE_NOT_LISTED",
    "FIELDS_SUBJECT_KIND",
    "FIELDS_SUBJECT_EXTRA",
    "FIELDS_PLATE_EXTRA",
    "FIELDS_STOP_GROUND_EXTRA",
    "FIELDS_CASE_NO",
    "FIELDS_CASE_NO_EXTRA",
    "FIELDS_CASE_NO_FORM",
    "FIELDS_ORDER_NO",
    "FIELDS_ORDER_NO_EXTRA",
    "FIELDS_ORDER_NO_FORM",
    "FIELDS_INTL_NO",
    "FIELDS_INTL_NO_FORM",
    "FIELDS_INTL_BODY",
    "FIELDS_INTL_BODY_EXTRA",
    "FIELDS_INTL_BODY_FORM",
    "FIELDS_COVER_NO",
    "FIELDS_COVER_NO_EXTRA",
    "FIELDS_COVER_NO_FORM",
    "FIELDS_YEAR",
    "FIELDS_YEAR_EXTRA",
    "FIELDS_YEAR_FORM",
    "FIELDS_COURT",
    "FIELDS_COURT_EXTRA",
    "FIELDS_COURT_FORM",
    "FIELDS_SANCTION_EXTRA",
    "FIELDS_UNKNOWN",
    "SANCTION_NONE",
    "SANCTION_NOT_YET",
    "SANCTION_REFUSED",
    "SANCTION_WITHDRAWN",
    "SANCTION_EXPIRED",
    "SANCTION_SCOPE",
    "SANCTION_UNKNOWN",
    "RECON_NOT_ASKED",
    "RECON_NO_CASE",
    "RECON_CLOSED",
    "RECON_NOT_YOURS",
    "RECON_ORDER_NOT_ADDRESSED",
    "RECON_REFUSED",
    "RECON_ARTICLE",
    "RECON_UNAVAILABLE",
    "NEEDS_SECOND_PERSON",
    "SECOND_PERSON_REFUSED",
    "SECOND_PERSON_SELF",
    "SECOND_PERSON_UNKNOWN",
    "LIMIT_PRIMARY",
    "SAMPLE_JUSTIFICATION",
    "SAMPLE_JUSTIFICATION_FORM",
    "SAMPLE_UNKNOWN",
)
_SANCTION_STATUSES = (
    "draft",
    "signed",
    "sent",
    "received",
    "granted",
    "refused",
    "expired",
    "withdrawn",
)


def _enum(name: str, values: tuple[str, ...]) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def _recheck(column: str, kind: str, values: tuple[str, ...], *, old_rows: bool = True) -> None:
    """Replace the CHECK on an enum; without ``old_rows`` those that stand are not looked at."""
    listed = ", ".join(f"'{value}'" for value in values)
    op.execute(f"ALTER TABLE register_requests DROP CONSTRAINT ck_register_requests_{kind}")
    op.execute(
        f"ALTER TABLE register_requests ADD CONSTRAINT ck_register_requests_{kind}"
        f" CHECK ({column} IN ({listed})){'' if old_rows else ' NOT VALID'}"
    )


def upgrade() -> None:
    _create_sanctions()
    _widen_requests()
    _number_requests()
    _create_disclosures()
    op.create_table(
        "sampling_seeds",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("commitment", sa.String(64), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("committed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("commit_event_id", sa.Uuid(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("day", name="pk_sampling_seeds"),
        sa.UniqueConstraint("commit_event_id", name="uq_sampling_seeds_commit_event_id"),
    )


def _create_sanctions() -> None:
    op.create_table(
        "court_sanctions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", _enum("sanctionstatus", _SANCTION_STATUSES), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("post_id", sa.Uuid(), nullable=False),
        sa.Column("department_id", sa.Uuid(), nullable=False),
        sa.Column("case_register", sa.String(16), nullable=False),
        sa.Column("case_number", sa.String(64), nullable=False),
        sa.Column("court", sa.String(300), nullable=False),
        sa.Column("services", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("subject_index", sa.LargeBinary(), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("document_sha256", sa.LargeBinary(), nullable=True),
        sa.Column("signature_id", sa.Uuid(), nullable=True),
        sa.Column("eaias_number", sa.String(64), nullable=True),
        sa.Column("decision_number", sa.String(64), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_court_sanctions"),
        sa.UniqueConstraint("eaias_number", name="uq_court_sanctions_eaias_number"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_court_sanctions_person_id"),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name="fk_court_sanctions_post_id"),
        sa.ForeignKeyConstraint(
            ["department_id"], ["departments.id"], name="fk_court_sanctions_department_id"
        ),
        sa.ForeignKeyConstraint(
            ["signature_id"], ["signatures.id"], name="fk_court_sanctions_signature_id"
        ),
    )
    for column in ("person_id", "department_id", "subject_index"):
        op.create_index(f"ix_court_sanctions_{column}", "court_sanctions", [column])
    op.create_table(
        "sanction_steps",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sanction_id", sa.Uuid(), nullable=False),
        sa.Column("status", _enum("sanctionstatus", _SANCTION_STATUSES), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sanction_steps"),
        sa.UniqueConstraint("event_id", name="uq_sanction_steps_event_id"),
        sa.ForeignKeyConstraint(
            ["sanction_id"], ["court_sanctions.id"], name="fk_sanction_steps_sanction_id"
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_sanction_steps_person_id"),
    )
    op.create_index("ix_sanction_steps_sanction_id", "sanction_steps", ["sanction_id"])


_NEW_COLUMNS = (
    ("services", postgresql.ARRAY(sa.Text())),
    ("month", sa.CHAR(7)),
    ("number", sa.BigInteger()),
    (
        "subject_kind",
        sa.Enum(
            "person",
            "vehicle",
            "person_and_vehicle",
            "legal_entity",
            name="subjectkind",
            native_enum=False,
            create_constraint=True,
            length=32,
        ),
    ),
    ("subject_sealed", sa.LargeBinary()),
    ("case_register", sa.String(16)),
    ("case_number", sa.String(64)),
    ("case_year", sa.Integer()),
    ("court", sa.String(300)),
    ("order_number", sa.String(64)),
    ("order_body", sa.String(300)),
    ("cover_letter_number", sa.String(64)),
    ("article", sa.String(32)),
    ("sanction_id", sa.Uuid()),
    ("extended_asked", sa.Boolean()),
    ("extended_sealed", sa.LargeBinary()),
    ("flags", postgresql.ARRAY(sa.Text())),
    ("second_person_id", sa.Uuid()),
    ("second_at", sa.DateTime(timezone=True)),
    ("second_signature_id", sa.Uuid()),
    ("next_attempt_at", sa.DateTime(timezone=True)),
    ("attempts", sa.Integer()),
    ("dies_at", sa.DateTime(timezone=True)),
    ("hit", sa.Boolean()),
    ("recon", sa.String(32)),
    ("decided_at", sa.DateTime(timezone=True)),
    ("destroyed_at", sa.DateTime(timezone=True)),
    ("event_ids", postgresql.ARRAY(sa.Uuid())),
)
_REFERENCES = (
    ("sanction_id", "court_sanctions"),
    ("second_person_id", "people"),
    ("second_signature_id", "signatures"),
)


def _widen_requests() -> None:
    for name, kind in _NEW_COLUMNS:
        op.add_column("register_requests", sa.Column(name, kind, nullable=True))
    for name, table in _REFERENCES:
        op.create_foreign_key(
            f"fk_register_requests_{name}", "register_requests", table, [name], ["id"]
        )
    for name in ("next_attempt_at", "dies_at"):
        op.create_index(
            f"ix_register_requests_{name}",
            "register_requests",
            [name],
            postgresql_where=sa.text(f"{name} IS NOT NULL"),
        )
    op.create_index(
        "ix_register_requests_unfinished",
        "register_requests",
        ["decided_at"],
        postgresql_where=sa.text("status IN ('received', 'asked', 'sequenced')"),
    )
    op.create_index(
        "ix_register_requests_kept",
        "register_requests",
        ["received_at"],
        postgresql_where=sa.text("wrapped_key IS NOT NULL"),
    )
    _recheck("status", "requeststatus", _STATUSES_NEW)
    _recheck("basis", "basis", _BASES_NEW)
    _recheck("gate", "gate", _GATES_NEW)
    _recheck("refusal", "refusalcode", _REFUSALS_NEW)


def _number_requests() -> None:
    op.execute("""
        UPDATE register_requests AS request
        SET month = counted.month,
            number = counted.place - counted.of_month - 1,
            attempts = 0,
            decided_at = request.received_at,
            extended_asked = false,
            flags = '{}',
            event_ids = ARRAY(
                SELECT leaf.event_id FROM audit_leaves AS leaf
                WHERE leaf.event IN (
                        'exchange.request_decided', 'exchange.request_refused',
                        'exchange.answer_recorded', 'exchange.answer_viewed',
                        'exchange.answer_used'
                    )
                    AND leaf.at >= request.received_at
                    AND convert_from(leaf.leaf, 'UTF8')::jsonb #>> '{fields,check_id}'
                        = request.id::text
            ),
            services = ARRAY(
                SELECT part->>'register' FROM jsonb_array_elements(coalesce(parts, '[]')) AS part
                WHERE part->>'status' <> 'not_asked'
            ),
            subject_kind = CASE
                WHEN subject_index IS NULL THEN NULL
                WHEN parts @> '[{"register": "vehicle"}]'
                    AND NOT parts @> '[{"register": "vehicle", "status": "not_asked"}]'
                THEN 'person_and_vehicle'
                ELSE 'person'
            END,
            hit = CASE
                WHEN parts IS NOT NULL THEN parts @> '[{"hit": true}]'
            END
        FROM (
            SELECT id, month, row_number() OVER of_person AS place,
                count(*) OVER (PARTITION BY person_id, month) AS of_month
            FROM (
                SELECT id, person_id, received_at,
                    to_char(received_at AT TIME ZONE 'Asia/Almaty', 'YYYY-MM') AS month
                FROM register_requests
            ) AS dated
            WINDOW of_person AS (PARTITION BY person_id, month ORDER BY received_at, id)
        ) AS counted
        WHERE counted.id = request.id
    """)
    for name in (
        "services", "month", "number", "extended_asked", "flags", "attempts", "event_ids",
        "decided_at",
    ):  # fmt: skip
        op.alter_column("register_requests", name, nullable=False)
    op.create_unique_constraint(
        "uq_register_requests_person_id_month_number",
        "register_requests",
        ["person_id", "month", "number"],
    )


def _create_disclosures() -> None:
    op.create_table(
        "request_disclosures",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            _enum("disclosurekind", ("viewed", "printed", "exported", "unmasked")),
            nullable=False,
        ),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("post_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_request_disclosures"),
        sa.UniqueConstraint("event_id", name="uq_request_disclosures_event_id"),
        sa.ForeignKeyConstraint(
            ["request_id"], ["register_requests.id"], name="fk_request_disclosures_request_id"
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name="fk_request_disclosures_person_id"
        ),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name="fk_request_disclosures_post_id"),
    )
    op.create_index("ix_request_disclosures_request_id", "request_disclosures", ["request_id"])
    op.create_index(
        "ix_request_disclosures_person_id_at", "request_disclosures", ["person_id", "at"]
    )


def downgrade() -> None:
    op.drop_table("sampling_seeds")
    op.drop_table("request_disclosures")
    op.drop_constraint("uq_register_requests_person_id_month_number", "register_requests")
    # What older code does not know stays as evidence; it reads none of these rows by itself.
    op.execute("""
        UPDATE register_requests SET status = 'withheld'
        WHERE status IN (
            'pending_verification', 'needs_second_person', 'needs_justification', 'expired'
        )
    """)
    _recheck("status", "requeststatus", _STATUSES)
    _recheck("basis", "basis", _BASES, old_rows=False)
    _recheck("gate", "gate", _GATES, old_rows=False)
    _recheck("refusal", "refusalcode", _REFUSALS, old_rows=False)
    op.drop_index("ix_register_requests_unfinished", "register_requests")
    op.drop_index("ix_register_requests_kept", "register_requests")
    for name, _kind in reversed(_NEW_COLUMNS):
        op.drop_column("register_requests", name)
    op.drop_table("sanction_steps")
    op.drop_table("court_sanctions")
