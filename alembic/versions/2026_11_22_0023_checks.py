"""What a check writes, at less cost: its number in one statement, later versions beside the first.

Revision 0023_checks. Older code still runs against it: it takes numbers by its own statements,
under the same locks, and does without the rest.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0023_checks"
down_revision = "0022_axis"
branch_labels = None
depends_on = None

# Volatile: each statement in it sees what was committed before it, so that the look at closed
# months comes after the wait for whoever is closing one. The lock is ``app.audit.repository.log``'s
# of months, and is kept until the caller's transaction ends.
_TAKE_NUMBER = """
    CREATE FUNCTION audit_take_number(the_stream uuid, the_month text, the_number bigint)
    RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock_shared(1510608154, CAST(replace(the_month, '-', '') AS int));
        PERFORM FROM audit_closed_months AS closed WHERE closed.month = the_month;
        IF FOUND THEN
            RETURN false;
        END IF;
        IF the_number = 1 THEN
            INSERT INTO audit_stream_months (stream, month, last_number)
            VALUES (the_stream, the_month, 1)
            ON CONFLICT (stream, month) DO NOTHING;
        ELSE
            UPDATE audit_stream_months SET last_number = the_number
            WHERE stream = the_stream AND month = the_month AND last_number = the_number - 1;
        END IF;
        RETURN FOUND;
    END
    $$
"""
_KNOWN: Final = {
    "status": (
        "received", "pending_verification", "needs_second_person", "needs_justification",
        "refused", "asked", "sequenced", "released", "withheld", "expired",
    ),
    "basis": (
        "PRIMARY_CHECK", "CRIMINAL_CASE", "CRIMINAL_ORDER", "INTERNATIONAL_ORDER", "ADMIN_LE",
        "CRIMINAL_COURT", "ADMIN_COURT", "CIVIL_COURT", "COURT_OTHER", "SEARCH_CASE",
        "ENFORCEMENT",
    ),
    "gate": (
        "AUTH", "DEVICE", "USER", "AGREEMENT", "ROLE", "LIST", "ARTICLE", "FIELDS", "SANCTION",
        "RECON", "LIMIT", "SAMPLE", "LOG", "RELEASE",
    ),
    "refusal": (
        "AUTH_NO_SESSION", "AUTH_UNKNOWN", "NO_PERSON", "DEVICE_ABSENT", "DEVICE_KIND",
        "DEVICE_UNIT", "DEVICE_NOT_YOURS", "DEVICE_OUT_OF_SERVICE", "DEVICE_UNKNOWN",
        "USER_NO_POST", "USER_NOT_REGISTERED", "USER_SUSPENDED", "USER_BLOCKED", "USER_UNKNOWN",
        "AGREEMENT_MISSING", "AGREEMENT_OLD", "AGREEMENT_UNKNOWN", "ROLE_NO_RIGHT",
        "ROLE_NO_SERVICE", "ROLE_UNKNOWN", "LIST_NO_BASIS", "BASIS_CLOSED", "CHANNEL_ONLY_EAIAS",
        "LIST_NOT_FOR_COURTS", "LIST_ROLE", "LIST_NOT_GRANTED", "LIST_UNKNOWN",
        "LIST_NOT_PRIMARY", "LIST_NOT_OPENED", "ARTICLE_UNKNOWN", "ARTICLE_NOT_LISTED",
        "FIELDS_SUBJECT_KIND", "FIELDS_SUBJECT", "FIELDS_SUBJECT_EXTRA", "FIELDS_PLATE",
        "FIELDS_PLATE_EXTRA", "FIELDS_STOP_GROUND", "FIELDS_STOP_GROUND_EXTRA", "FIELDS_CASE_NO",
        "FIELDS_CASE_NO_EXTRA", "FIELDS_CASE_NO_FORM", "FIELDS_ORDER_NO", "FIELDS_ORDER_NO_EXTRA",
        "FIELDS_ORDER_NO_FORM", "FIELDS_INTL_NO", "FIELDS_INTL_NO_FORM", "FIELDS_INTL_BODY",
        "FIELDS_INTL_BODY_EXTRA", "FIELDS_INTL_BODY_FORM", "FIELDS_COVER_NO",
        "FIELDS_COVER_NO_EXTRA", "FIELDS_COVER_NO_FORM", "FIELDS_YEAR", "FIELDS_YEAR_EXTRA",
        "FIELDS_YEAR_FORM", "FIELDS_COURT", "FIELDS_COURT_EXTRA", "FIELDS_COURT_FORM",
        "FIELDS_SANCTION_EXTRA", "FIELDS_UNKNOWN", "SANCTION_NONE", "SANCTION_NOT_YET",
        "SANCTION_REFUSED", "SANCTION_WITHDRAWN", "SANCTION_EXPIRED", "SANCTION_SCOPE",
        "SANCTION_UNKNOWN", "RECON_NOT_ASKED", "RECON_NO_CASE", "RECON_CLOSED", "RECON_NOT_YOURS",
        "RECON_ORDER_NOT_ADDRESSED", "RECON_REFUSED", "RECON_ARTICLE", "RECON_UNAVAILABLE",
        "NEEDS_SECOND_PERSON", "SECOND_PERSON_REFUSED", "SECOND_PERSON_SELF",
        "SECOND_PERSON_UNKNOWN", "LIMIT_HOUR", "LIMIT_DAY", "LIMIT_PRIMARY", "LIMIT_UNKNOWN",
        "SAMPLE_JUSTIFICATION", "SAMPLE_JUSTIFICATION_FORM", "SAMPLE_UNKNOWN",
    ),
    "subject_kind": (
        "person", "vehicle", "person_and_vehicle", "legal_entity",
    ),
}  # fmt: skip
_CHECKS: Final = {
    "status": "requeststatus",
    "basis": "basis",
    "gate": "gate",
    "refusal": "refusalcode",
    "subject_kind": "subjectkind",
}
_UNFINISHED = "status IN ('received', 'asked', 'sequenced')"


def _listed(values: tuple[str, ...]) -> str:
    return ", ".join(f"'{value}'" for value in values)


def _known_function() -> str:
    kept = [f"({name} IS NULL OR {name} IN ({_listed(_KNOWN[name])}))" for name in _KNOWN]
    arguments = ", ".join(f"{name} text" for name in _KNOWN)
    return (
        f"CREATE FUNCTION register_request_is_known({arguments}) RETURNS boolean"
        f" LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN {' AND '.join(kept)}; END $$"
    )


def upgrade() -> None:
    """Make the functions, and let a request's later versions lie beside its first."""
    op.execute(sa.text(_TAKE_NUMBER))
    # PostgreSQL reads and compiles the text of every CHECK anew in each statement that writes: five
    # lists of words took 0.07 ms of its time, three times a check. A function's body it keeps.
    for name in _CHECKS.values():
        op.drop_constraint(f"ck_register_requests_{name}", "register_requests")
    op.execute(sa.text(_known_function()))
    op.create_check_constraint(
        op.f("ck_register_requests_known"),
        "register_requests",
        f"register_request_is_known({', '.join(_KNOWN)})",
    )
    # An index whose condition names a column that changes makes every index be written anew.
    op.drop_index("ix_register_requests_unfinished", "register_requests")
    op.create_index("ix_register_requests_decided_at", "register_requests", ["decided_at"])
    op.drop_index("ix_register_requests_department_id", "register_requests")
    op.create_table(
        "request_sweeps",
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("finished_until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_request_sweeps"),
    )
    # What is sealed cannot be compressed; out of line it is not copied by later versions.
    op.execute(sa.text("ALTER TABLE register_requests ALTER COLUMN answer SET STORAGE EXTERNAL"))
    op.execute(sa.text("ALTER TABLE register_requests SET (fillfactor = 50)"))


def downgrade() -> None:
    """Put everything back as it was."""
    op.execute(sa.text("ALTER TABLE register_requests RESET (fillfactor)"))
    op.execute(sa.text("ALTER TABLE register_requests ALTER COLUMN answer SET STORAGE EXTENDED"))
    op.drop_table("request_sweeps")
    op.create_index("ix_register_requests_department_id", "register_requests", ["department_id"])
    op.drop_index("ix_register_requests_decided_at", "register_requests")
    op.create_index(
        "ix_register_requests_unfinished",
        "register_requests",
        ["decided_at"],
        postgresql_where=sa.text(_UNFINISHED),
    )
    op.drop_constraint("ck_register_requests_known", "register_requests")
    op.execute(sa.text("DROP FUNCTION register_request_is_known(text, text, text, text, text)"))
    for column, name in _CHECKS.items():
        op.create_check_constraint(
            op.f(f"ck_register_requests_{name}"),
            "register_requests",
            f"{column} IN ({_listed(_KNOWN[column])})",
        )
    op.execute(sa.text("DROP FUNCTION audit_take_number(uuid, text, bigint)"))
