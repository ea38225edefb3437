"""Catalogue, offence records and proceedings in full; people in records are sealed.

Revision 0015_law. Older code cannot run against it: who a record is about is no longer in clear.

Records from before are sealed here, each under a key of its own, with the server's vault and
subject keys: they are read from the keys folder of the settings (``SAQSHY_KEYS_DIR``). Where
there are records and no keys, the revision refuses and changes nothing. What is sealed holds the
same values as before, so that the way down puts them back. Cases already in ordinary proceedings
begin there with the clock of their record; those whose three days are over show as overdue.
"""

import hashlib
import hmac
import json
import os
from uuid import UUID

import sqlalchemy as sa
from alembic import op
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy.dialects.postgresql import JSONB

from app import keys
from app.settings import Settings

revision = "0015_law"
down_revision = "0014_courts"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
_STATUSES = (
    "draft", "drawn_up", "reduced_agreed", "receipt_issued", "paid_half", "lapsed", "ordinary",
    "enforcement", "warned",
)  # fmt: skip
# The life cycle of fines.rules.offence_record, written out again.
_OFFENCE_STEPS_BEFORE = """
    ('draft', 'drawn_up'), ('draft', 'warned'),
    ('drawn_up', 'reduced_agreed'), ('drawn_up', 'ordinary'),
    ('reduced_agreed', 'receipt_issued'),
    ('receipt_issued', 'paid_half'), ('receipt_issued', 'lapsed'),
    ('lapsed', 'ordinary'), ('ordinary', 'enforcement')
"""
_OFFENCE_STEPS = f"{_OFFENCE_STEPS_BEFORE}, ('ordinary', 'paid_full'), ('enforcement', 'paid_full')"
_COURSE_STEPS = """
    ('to_hand_on', 'with_body'), ('with_body', 'decided'), ('with_body', 'closed'),
    ('decided', 'to_enforce'), ('decided', 'closed'),
    ('to_enforce', 'with_enforcement'), ('to_enforce', 'closed')
"""
_COURSE = (
    "status", "receipt_number", "receipt_issued_at", "discount_last_day", "discount_until",
)  # fmt: skip
_KEY_LABEL = b"saqshy fines record key v1 "
_RECORD_LABEL = b"saqshy fines record v1 "
_INDEX_LABEL = b"saqshy fines offender index v1 "
_NONCE_BYTES = 12
_LIVE = (
    "status IN ('created', 'sent', 'approved', 'slips_printed', 'signed', 'filed', 'settled', "
    "'unknown')"
)


def upgrade() -> None:
    _create_tables()
    _seal_records()
    _change_catalogue()
    _change_payments()
    _replace_status(("paid_full", *_STATUSES))
    op.execute(sa.text(_guard_record(_OFFENCE_STEPS)))
    _guard_new_tables()
    _begin_ordinary_cases()


def downgrade() -> None:
    _refuse_what_would_be_lost()
    op.execute(sa.text("DROP TRIGGER payments_guard_split ON payments"))
    op.execute(sa.text("DROP FUNCTION fines_guard_split"))
    op.execute(sa.text("DROP TRIGGER ordinary_cases_guard ON ordinary_cases"))
    op.execute(sa.text("DROP FUNCTION fines_guard_ordinary_case"))
    op.execute(sa.text(_guard_record(_OFFENCE_STEPS_BEFORE)))
    _replace_status(_STATUSES)
    _change_payments_back()
    _change_catalogue_back()
    _unseal_records()
    for table in ("record_entries", "ordinary_cases", "register_fines"):
        op.drop_table(table)


def _enum(name: str, values: str) -> sa.Enum:
    return sa.Enum(*values.split(), name=name, native_enum=False, create_constraint=True, length=32)


def _fk(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"))


def _need(name: str, type_: sa.types.TypeEngine) -> sa.Column:
    return sa.Column(name, type_, nullable=False)


def _create_tables() -> None:
    op.create_table(
        "register_fines",
        _need("id", sa.Uuid()),
        _need("check_id", sa.Uuid()),
        _need("department_id", sa.Uuid()),
        _need("post_id", sa.Uuid()),
        _need("decision_number", sa.String(64)),
        _need("citation", sa.String(64)),
        _need("decided_on", sa.Date()),
        _need("amount_tiyn", sa.BigInteger()),
        _need("offender_index", sa.LargeBinary()),
        _need("wrapped_key", sa.LargeBinary()),
        _need("sealed", sa.LargeBinary()),
        _need("added_at", _INSTANT),
        sa.CheckConstraint("amount_tiyn > 0", name=op.f("ck_register_fines_amount_positive")),
        _fk("register_fines", "check_id", "register_requests"),
        _fk("register_fines", "department_id", "departments"),
        _fk("register_fines", "post_id", "posts"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_register_fines")),
        sa.UniqueConstraint(
            "offender_index",
            "decision_number",
            name=op.f("uq_register_fines_offender_index_decision_number"),
        ),
    )
    op.create_table(
        "record_entries",
        _need("id", sa.Uuid()),
        _need("offence_record_id", sa.Uuid()),
        _need(
            "kind",
            _enum(
                "entrykind",
                "copy_handed correction handed_on decided appealed appeal_ended to_enforcement "
                "handed_over",
            ),
        ),
        _need("at", _INSTANT),
        sa.Column("post_id", sa.Uuid(), nullable=True),
        sa.Column("device_id", sa.Uuid(), nullable=True),
        _need("sealed", sa.LargeBinary()),
        _fk("record_entries", "offence_record_id", "offence_records"),
        _fk("record_entries", "post_id", "posts"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_record_entries")),
    )
    op.create_index(
        op.f("ix_record_entries_offence_record_id_at"),
        "record_entries",
        ["offence_record_id", "at"],
    )
    _create_ordinary_cases()


def _create_ordinary_cases() -> None:
    op.create_table(
        "ordinary_cases",
        _need("offence_record_id", sa.Uuid()),
        _need("department_id", sa.Uuid()),
        _need("ground", _enum("ordinaryground", "not_admitted not_eligible lapsed")),
        _need(
            "stage",
            _enum(
                "coursestage",
                "to_hand_on with_body decided to_enforce with_enforcement closed",
            ),
        ),
        _need("began_at", _INSTANT),
        sa.Column("due_at", _INSTANT, nullable=True),
        sa.Column("overdue_noted_at", _INSTANT, nullable=True),
        sa.Column("handed_on_at", _INSTANT, nullable=True),
        sa.Column("decision_number", sa.String(64), nullable=True),
        sa.Column("decided_on", sa.Date(), nullable=True),
        sa.Column("fine_tiyn", sa.BigInteger(), nullable=True),
        sa.Column("in_force_on", sa.Date(), nullable=True),
        _need("suspended", sa.Boolean()),
        sa.CheckConstraint(
            "(handed_on_at IS NULL) = (stage = 'to_hand_on')",
            name=op.f("ck_ordinary_cases_handed_on"),
        ),
        sa.CheckConstraint(
            "(decision_number IS NULL) = (decided_on IS NULL) AND "
            "(decision_number IS NULL) = (fine_tiyn IS NULL)",
            name=op.f("ck_ordinary_cases_decision_whole"),
        ),
        sa.CheckConstraint("fine_tiyn >= 0", name=op.f("ck_ordinary_cases_fine_not_negative")),
        _fk("ordinary_cases", "offence_record_id", "offence_records"),
        _fk("ordinary_cases", "department_id", "departments"),
        sa.PrimaryKeyConstraint("offence_record_id", name=op.f("pk_ordinary_cases")),
    )
    op.create_index(
        op.f("ix_ordinary_cases_department_id_stage_due_at"),
        "ordinary_cases",
        ["department_id", "stage", "due_at"],
    )


def _server_keys(count: int) -> tuple[bytes, bytes]:
    """Return the vault key and the subject key, or refuse with what to do."""
    folder = Settings().keys
    try:
        found = keys.load(folder)
    except keys.KeysMissing as error:
        raise RuntimeError(
            f"{count} offence records are to be sealed or opened, and the server's keys are not "
            f"whole ({error}): set SAQSHY_KEYS_DIR to the folder of this server's keys and "
            "migrate again; nothing was changed"
        ) from error
    return found.vault, found.subject


_READ = sa.text("SELECT id, offender_iin, offender, vehicle, essence, details FROM offence_records")
_PERSON = ("offender_iin", "offender", "vehicle", "essence", "details")


def _seal_records() -> None:
    for column in ("offender_index", "wrapped_key", "sealed"):
        op.add_column("offence_records", sa.Column(column, sa.LargeBinary(), nullable=True))
    connection = op.get_bind()
    rows = connection.execute(_READ).mappings().all()
    if rows:
        vault, subject = _server_keys(len(rows))
        op.execute(sa.text("ALTER TABLE offence_records DISABLE TRIGGER offence_records_guard"))
        for row in rows:
            connection.execute(
                sa.text(
                    "UPDATE offence_records SET offender_index = :index, wrapped_key = :key,"
                    " sealed = :sealed WHERE id = :id"
                ),
                _sealed(row, vault, subject),
            )
        op.execute(sa.text("ALTER TABLE offence_records ENABLE TRIGGER offence_records_guard"))
    for column in ("offender_index", "wrapped_key", "sealed"):
        op.alter_column("offence_records", column, nullable=False)
    for column in _PERSON:
        op.drop_column("offence_records", column)
    op.create_index(
        op.f("ix_offence_records_offender_index"), "offence_records", ["offender_index"]
    )


def _sealed(row: sa.RowMapping, vault: bytes, subject: bytes) -> dict[str, object]:
    key, owner = AESGCM.generate_key(256), row["id"].bytes
    values = {
        "iin": row["offender_iin"],
        "papers": row["offender"],
        "vehicle": row["vehicle"],
        "essence": row["essence"],
        "details": row["details"],
    }
    plaintext = json.dumps(values, ensure_ascii=False, sort_keys=True).encode()
    iin = row["offender_iin"].encode()
    return {
        "id": row["id"],
        "index": hmac.new(subject, _INDEX_LABEL + iin, hashlib.sha256).digest(),
        "key": _encrypt(vault, key, _KEY_LABEL + owner),
        "sealed": _encrypt(key, plaintext, _RECORD_LABEL + owner),
    }


def _encrypt(key: bytes, plaintext: bytes, associated: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, associated)


def _decrypt(key: bytes, content: bytes, associated: bytes) -> bytes:
    return AESGCM(key).decrypt(content[:_NONCE_BYTES], content[_NONCE_BYTES:], associated)


def _opened(row_id: UUID, wrapped: bytes, sealed: bytes, vault: bytes) -> dict[str, object]:
    key = _decrypt(vault, wrapped, _KEY_LABEL + row_id.bytes)
    values: dict[str, object] = json.loads(_decrypt(key, sealed, _RECORD_LABEL + row_id.bytes))
    return values


def _unseal_records() -> None:
    for column, kind in (
        ("offender_iin", sa.String(12)),
        ("offender", JSONB()),
        ("vehicle", JSONB()),
        ("essence", sa.String(2000)),
        ("details", JSONB()),
    ):
        op.add_column("offence_records", sa.Column(column, kind, nullable=True))
    connection = op.get_bind()
    rows = connection.execute(sa.text("SELECT id, wrapped_key, sealed FROM offence_records")).all()
    if rows:
        vault, _subject = _server_keys(len(rows))
        op.execute(sa.text("ALTER TABLE offence_records DISABLE TRIGGER offence_records_guard"))
        for row_id, wrapped, sealed in rows:
            values = _opened(row_id, wrapped, sealed, vault)
            connection.execute(
                sa.text(
                    "UPDATE offence_records SET offender_iin = :iin, offender = :papers,"
                    " vehicle = :vehicle, essence = :essence, details = :details WHERE id = :id"
                ).bindparams(
                    sa.bindparam("papers", type_=JSONB()),
                    sa.bindparam("vehicle", type_=JSONB()),
                    sa.bindparam("details", type_=JSONB()),
                ),
                {name: values[name] for name in ("iin", "papers", "vehicle", "essence", "details")}
                | {"id": row_id},
            )
        op.execute(sa.text("ALTER TABLE offence_records ENABLE TRIGGER offence_records_guard"))
    for column in _PERSON:
        op.alter_column("offence_records", column, nullable=False)
    op.drop_index(op.f("ix_offence_records_offender_index"), "offence_records")
    for column in ("offender_index", "wrapped_key", "sealed"):
        op.drop_column("offence_records", column)


def _change_catalogue() -> None:
    empty_object, empty_list = sa.text("'{}'::jsonb"), sa.text("'[]'::jsonb")
    op.add_column(
        "offence_articles",
        sa.Column("mrp_of_others", JSONB(), nullable=False, server_default=empty_object),
    )
    op.add_column(
        "offence_articles",
        sa.Column("repeat_of", JSONB(), nullable=False, server_default=empty_list),
    )
    op.add_column(
        "offence_articles",
        sa.Column("repeat_window", _enum("repeatwindow", "imposed term_expired"), nullable=True),
    )
    for table in ("offence_articles", "mrp_values"):
        op.add_column(
            table,
            sa.Column(
                "origin",
                _enum("origin", "shipped imported"),
                nullable=False,
                server_default="shipped",
            ),
        )
    op.add_column(
        "special_days",
        sa.Column("imported", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    for table, column in (
        ("offence_articles", "mrp_of_others"),
        ("offence_articles", "repeat_of"),
        ("offence_articles", "origin"),
        ("mrp_values", "origin"),
        ("special_days", "imported"),
    ):
        op.alter_column(table, column, server_default=None)


def _change_catalogue_back() -> None:
    op.drop_column("special_days", "imported")
    op.drop_column("mrp_values", "origin")
    for column in ("origin", "repeat_window", "repeat_of", "mrp_of_others"):
        op.drop_column("offence_articles", column)


def _change_payments() -> None:
    for table in ("payments", "papers"):
        op.add_column(table, sa.Column("register_fine_id", sa.Uuid(), nullable=True))
        op.alter_column(table, "offence_record_id", nullable=True)
        op.create_foreign_key(
            op.f(f"fk_{table}_register_fine_id"),
            table,
            "register_fines",
            ["register_fine_id"],
            ["id"],
        )
        op.create_check_constraint(
            op.f(f"ck_{table}_one_debt"),
            table,
            "num_nonnulls(offence_record_id, register_fine_id) = 1",
        )
        op.create_index(op.f(f"ix_{table}_register_fine_id"), table, ["register_fine_id"])
    op.create_index(
        "uq_payments_one_live_per_register_fine",
        "payments",
        ["register_fine_id"],
        unique=True,
        postgresql_where=sa.text(_LIVE),
    )
    for column in ("full_tiyn", "discount_tiyn"):
        op.add_column("payments", sa.Column(column, sa.BigInteger(), nullable=True))
    # Every payment so far was of half the fine of its record.
    op.execute(
        sa.text(
            "UPDATE payments SET full_tiyn = offence_records.fine_full_tiyn,"
            " discount_tiyn = offence_records.fine_full_tiyn - payments.amount_tiyn"
            " FROM offence_records WHERE offence_records.id = payments.offence_record_id"
        )
    )
    for column in ("full_tiyn", "discount_tiyn"):
        op.alter_column("payments", column, nullable=False)
    op.create_check_constraint(
        op.f("ck_payments_split_adds_up"),
        "payments",
        "discount_tiyn >= 0 AND amount_tiyn = full_tiyn - discount_tiyn",
    )


def _change_payments_back() -> None:
    op.drop_constraint(op.f("ck_payments_split_adds_up"), "payments")
    for column in ("full_tiyn", "discount_tiyn"):
        op.drop_column("payments", column)
    op.drop_index("uq_payments_one_live_per_register_fine", "payments")
    for table in ("payments", "papers"):
        op.drop_index(op.f(f"ix_{table}_register_fine_id"), table)
        op.drop_constraint(op.f(f"ck_{table}_one_debt"), table)
        op.drop_constraint(op.f(f"fk_{table}_register_fine_id"), table)
        op.drop_column(table, "register_fine_id")
        op.alter_column(table, "offence_record_id", nullable=False)


def _replace_status(values: tuple[str, ...]) -> None:
    name = op.f("ck_offence_records_offencestatus")
    op.drop_constraint(name, "offence_records")
    listed = ", ".join(f"'{one}'" for one in values)
    op.create_check_constraint(name, "offence_records", f"status IN ({listed})")


def _guard_record(steps: str) -> str:
    course = ", ".join(f"'{one}'" for one in _COURSE)
    return f"""
CREATE OR REPLACE FUNCTION fines_guard_offence_record() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status <> OLD.status
        AND (OLD.status, NEW.status) NOT IN (VALUES {steps}) THEN
        RAISE EXCEPTION 'offence record: % -> %', OLD.status, NEW.status
            USING ERRCODE = 'check_violation';
    END IF;
    IF to_jsonb(NEW) - ARRAY[{course}] <> to_jsonb(OLD) - ARRAY[{course}]
        OR (OLD.receipt_number IS NOT NULL AND (NEW.receipt_number, NEW.discount_until)
            IS DISTINCT FROM (OLD.receipt_number, OLD.discount_until)) THEN
        RAISE EXCEPTION 'an offence record is written once' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$
"""


_GUARD_SPLIT = """
CREATE FUNCTION fines_guard_split() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.register_fine_id, NEW.full_tiyn, NEW.discount_tiyn)
        IS DISTINCT FROM (OLD.register_fine_id, OLD.full_tiyn, OLD.discount_tiyn) THEN
        RAISE EXCEPTION 'what a payment was begun with never changes'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$
"""
_GUARD_ORDINARY_CASE = f"""
CREATE FUNCTION fines_guard_ordinary_case() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.stage <> OLD.stage
        AND (OLD.stage, NEW.stage) NOT IN (VALUES {_COURSE_STEPS}) THEN
        RAISE EXCEPTION 'ordinary case: % -> %', OLD.stage, NEW.stage
            USING ERRCODE = 'check_violation';
    END IF;
    IF (NEW.offence_record_id, NEW.department_id, NEW.ground, NEW.began_at) IS DISTINCT FROM
        (OLD.offence_record_id, OLD.department_id, OLD.ground, OLD.began_at)
        OR (OLD.handed_on_at IS NOT NULL AND NEW.handed_on_at IS DISTINCT FROM OLD.handed_on_at)
        OR (OLD.decision_number IS NOT NULL AND (NEW.decision_number, NEW.decided_on,
            NEW.fine_tiyn) IS DISTINCT FROM (OLD.decision_number, OLD.decided_on, OLD.fine_tiyn))
    THEN
        RAISE EXCEPTION 'what an ordinary case was begun with never changes'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$
"""


def _guard_new_tables() -> None:
    op.execute(sa.text(_GUARD_SPLIT))
    op.execute(sa.text(_GUARD_ORDINARY_CASE))
    triggers = (
        ("payments_guard_split BEFORE UPDATE ON payments", "fines_guard_split"),
        ("ordinary_cases_guard BEFORE UPDATE ON ordinary_cases", "fines_guard_ordinary_case"),
        ("ordinary_cases_no_change BEFORE DELETE ON ordinary_cases", "fines_no_change"),
        ("record_entries_no_change BEFORE UPDATE OR DELETE ON record_entries", "fines_no_change"),
        ("register_fines_no_change BEFORE UPDATE OR DELETE ON register_fines", "fines_no_change"),
    )
    for trigger, function in triggers:
        op.execute(sa.text(f"CREATE TRIGGER {trigger} FOR EACH ROW EXECUTE FUNCTION {function}()"))


def _begin_ordinary_cases() -> None:
    op.execute(
        sa.text(
            "INSERT INTO ordinary_cases (offence_record_id, department_id, ground, stage,"
            " began_at, due_at, suspended)"
            " SELECT id, department_id, CASE WHEN receipt_number IS NOT NULL THEN 'lapsed'"
            " WHEN reduced_reason = 'eligible' THEN 'not_admitted' ELSE 'not_eligible' END,"
            " 'to_hand_on', coalesce(discount_until, drawn_up_at),"
            " coalesce(discount_until, drawn_up_at) + interval '3 days', false"
            " FROM offence_records WHERE status = 'ordinary'"
        )
    )


def _refuse_what_would_be_lost() -> None:
    lost = op.get_bind().scalar(
        sa.text(
            "SELECT (SELECT count(*) FROM register_fines) + (SELECT count(*) FROM record_entries)"
            " + (SELECT count(*) FROM offence_records WHERE status = 'paid_full')"
        )
    )
    if lost:
        raise RuntimeError(
            f"{lost} rows of evidence (entries after records, fines of the register, fines paid "
            "whole) have no place in the revision before: restore a backup instead"
        )
