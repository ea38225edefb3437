"""Cases by kind, the outbox of the register, slips of refunds, sealed papers, indexes of payments.

Revision 0025_money_acts. Older code cannot run against it: slips and papers no longer lie in clear.

They are sealed here under the key of their record or fine, with the server's vault key from the
keys folder of the settings (``SAQSHY_KEYS_DIR``). Where there are any and no keys, the revision
refuses and changes nothing; the way down puts them back. The table of payments is written anew:
nobody pays while that lasts.
"""

import base64
import json
import os

import sqlalchemy as sa
from alembic import op
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.elements import conv

from app import keys
from app.settings import Settings

revision = "0025_money_acts"
down_revision = "0024_slip_fields"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
_CASE_STEPS = "('open', 'explained'), ('explained', 'closed'), ('explained', 'open')"
_NOTICE_STEPS = "('waiting', 'told'), ('waiting', 'dead'), ('dead', 'waiting')"
_CASE_WRITTEN_ONCE = ("item_id", "device_id", "opened_at", "opened_because")
_NOTICE_WRITTEN_ONCE = (
    "id", "kind", "payment_number", "refund_id", "entry_id", "department_id", "created_at",
)  # fmt: skip
_ABOUT_ONE_THING = conv("ck_reconciliation_cases_about_one_thing")

_SLIP_KEY = "uq_slips_payment_id_kind_copy_number_duplicate"


def _row(side: str, columns: tuple[str, ...]) -> str:
    return ", ".join(f"{side}.{one}" for one in columns)


def _guard_case(columns: tuple[str, ...]) -> str:
    return f"""
CREATE OR REPLACE FUNCTION fines_guard_case() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status <> OLD.status AND (OLD.status, NEW.status) NOT IN (VALUES {_CASE_STEPS}) THEN
        RAISE EXCEPTION 'case: % -> %', OLD.status, NEW.status USING ERRCODE = 'check_violation';
    END IF;
    IF ({_row("NEW", columns)}) IS DISTINCT FROM ({_row("OLD", columns)})
        OR OLD.status = 'closed' THEN
        RAISE EXCEPTION 'why a case was opened never changes' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$
"""


_GUARD_NOTICE = f"""
CREATE FUNCTION fines_guard_notice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status <> OLD.status
        AND (OLD.status, NEW.status) NOT IN (VALUES {_NOTICE_STEPS}) THEN
        RAISE EXCEPTION 'notice: % -> %', OLD.status, NEW.status USING ERRCODE = 'check_violation';
    END IF;
    IF ({_row("NEW", _NOTICE_WRITTEN_ONCE)}) IS DISTINCT FROM ({_row("OLD", _NOTICE_WRITTEN_ONCE)})
        OR OLD.status = 'told' THEN
        RAISE EXCEPTION 'what the register is told of never changes'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$
"""


def upgrade() -> None:
    """Add the outbox, and say of each case what it is about."""
    _create_notices()
    _name_cases()
    _name_refunds_of_slips()
    _index_payments()
    _seal()


def downgrade() -> None:
    """Take both away; refused where a case has no place in the revision before."""
    lost = op.get_bind().scalar(
        sa.text(
            "SELECT count(*) FROM reconciliation_cases "
            "WHERE kind IN ('totals_missing', 'register_notice')"
        )
    ) + op.get_bind().scalar(sa.text("SELECT count(*) FROM slips WHERE kind = 'refund'"))
    if lost:
        raise RuntimeError(
            f"{lost} rows (cases of missing totals and of what the register was not told, slips "
            "of refunds) have no place in the revision before: restore a backup instead"
        )
    _unseal()
    _index_payments_back()
    op.drop_index("ix_slips_refunds_unfiled", "slips")
    op.drop_constraint(op.f("ck_slips_refund_is_named"), "slips")
    op.drop_constraint(op.f(f"{_SLIP_KEY}_refund_id"), "slips")
    op.drop_column("slips", "refund_id")
    op.create_unique_constraint(
        op.f(_SLIP_KEY), "slips", ["payment_id", "kind", "copy_number", "duplicate"]
    )
    op.execute(sa.text(_guard_case(_CASE_WRITTEN_ONCE)))
    op.drop_index("uq_reconciliation_cases_totals_missing", "reconciliation_cases")
    op.drop_constraint(_ABOUT_ONE_THING, "reconciliation_cases")
    op.create_check_constraint(
        _ABOUT_ONE_THING, "reconciliation_cases", "(item_id IS NULL) <> (device_id IS NULL)"
    )
    for column in ("notice_id", "day", "kind"):
        op.drop_column("reconciliation_cases", column)
    op.drop_table("register_notices")
    op.execute(sa.text("DROP FUNCTION fines_guard_notice"))


def _name_refunds_of_slips() -> None:
    op.add_column("slips", sa.Column("refund_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f("fk_slips_refund_id"), "slips", "refunds", ["refund_id"], ["id"])
    op.drop_constraint(op.f(_SLIP_KEY), "slips")
    op.create_unique_constraint(
        op.f(f"{_SLIP_KEY}_refund_id"),
        "slips",
        ["payment_id", "kind", "copy_number", "duplicate", "refund_id"],
        postgresql_nulls_not_distinct=True,
    )
    op.create_check_constraint(
        op.f("ck_slips_refund_is_named"), "slips", "(kind = 'refund') = (refund_id IS NOT NULL)"
    )
    op.create_index(
        "ix_slips_refunds_unfiled",
        "slips",
        ["created_at"],
        postgresql_where=sa.text("kind = 'refund' AND paper_id IS NULL"),
    )


# Written out again of fines.models.payments.
_LIVE = "status::text <> 'declined'::text AND status::text <> 'reversed'::text"
_UNENDED = (
    "status::text = 'created'::text OR status::text = 'sent'::text OR "
    "status::text = 'unknown'::text OR status::text = 'approved'::text AND confirmed_at IS NULL"
)
_LIVE_BEFORE = (
    "status IN ('created', 'sent', 'approved', 'slips_printed', 'signed', 'filed', 'settled', "
    "'unknown')"
)
_ONE_LIVE = (
    ("uq_payments_one_live_per_record", "offence_record_id"),
    ("uq_payments_one_live_per_register_fine", "register_fine_id"),
)


def _index_payments() -> None:
    # The table is written anew: some twenty seconds for each million rows, with nobody paying.
    op.execute(sa.text("SET LOCAL statement_timeout = 0"))
    # Each page keeps room for one more version of each of its rows: a day is settled at once.
    op.execute(sa.text("ALTER TABLE payments SET (fillfactor = 50)"))
    op.execute(
        sa.text(
            f"ALTER TABLE payments ADD COLUMN live boolean GENERATED ALWAYS AS ({_LIVE}) STORED, "
            f"ADD COLUMN unended boolean GENERATED ALWAYS AS ({_UNENDED}) STORED"
        )
    )
    # Never null: a status and an instant decide.
    for column in ("live", "unended"):
        op.alter_column("payments", column, nullable=False)
    # What was filed while its settlement was booked; from here on locks see to it.
    op.execute(
        sa.text(
            "UPDATE payments p SET status = 'settled' WHERE status = 'filed' AND EXISTS (SELECT 1 "
            "FROM ledger_postings l WHERE l.payment_number = p.number AND l.refund_id IS NULL "
            "AND l.kind = 'settlement')"
        )
    )
    op.execute(sa.text("SET CONSTRAINTS ALL IMMEDIATE"))
    for name in ("ix_payments_terminal_device_id_status", "ix_payments_filed"):
        op.drop_index(name, "payments")
    _create_one_live("live")
    op.create_index(
        "ix_payments_unended",
        "payments",
        ["terminal_device_id"],
        postgresql_where=sa.text("unended"),
    )
    op.create_index(
        "ix_payments_of_terminal",
        "payments",
        ["terminal_device_id", "approved_at"],
        postgresql_where=sa.text("approved_at IS NOT NULL"),
    )
    op.create_index(
        op.f("ix_payments_rrn"), "payments", ["rrn"], postgresql_where=sa.text("rrn IS NOT NULL")
    )


def _create_one_live(where: str) -> None:
    for name, column in _ONE_LIVE:
        op.drop_index(name, "payments")
        op.create_index(name, "payments", [column], unique=True, postgresql_where=sa.text(where))


def _index_payments_back() -> None:
    op.execute(sa.text("SET LOCAL statement_timeout = 0"))
    for name in ("ix_payments_unended", "ix_payments_of_terminal", "ix_payments_rrn"):
        op.drop_index(name, "payments")
    _create_one_live(_LIVE_BEFORE)
    op.create_index(
        "ix_payments_terminal_device_id_status", "payments", ["terminal_device_id", "status"]
    )
    op.create_index(
        "ix_payments_filed", "payments", ["number"], postgresql_where=sa.text("status = 'filed'")
    )
    op.drop_column("payments", "unended")
    op.drop_column("payments", "live")
    op.execute(sa.text("ALTER TABLE payments RESET (fillfactor)"))


# Written out again of fines.storage.
_KEY_LABEL = b"saqshy fines record key v1 "
_PAPER_LABEL = b"saqshy fines paper v1 "
_SLIP_LABEL = b"saqshy fines slip v1 "
_NONCE_BYTES = 12
_OWNER = "coalesce(r.id, f.id), coalesce(r.wrapped_key, f.wrapped_key)"
_OF_PAPER = f"""
    SELECT p.id, {_OWNER} FROM papers p
    LEFT JOIN offence_records r ON r.id = p.offence_record_id
    LEFT JOIN register_fines f ON f.id = p.register_fine_id
"""  # noqa: S608 - only fixed words are put in
_OF_SLIP = f"""
    SELECT s.id, {_OWNER} FROM slips s JOIN payments p ON p.id = s.payment_id
    LEFT JOIN offence_records r ON r.id = p.offence_record_id
    LEFT JOIN register_fines f ON f.id = p.register_fine_id
"""  # noqa: S608 - only fixed words are put in


def _encrypt(key: bytes, plaintext: bytes, associated: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, associated)


def _decrypt(key: bytes, content: bytes, associated: bytes) -> bytes:
    return AESGCM(key).decrypt(content[:_NONCE_BYTES], content[_NONCE_BYTES:], associated)


def _rows(query: str) -> list[tuple[str, object, bytes]]:
    """Return the id of each row with its label's end and the clear key of what it belongs to."""
    found = op.get_bind().execute(sa.text(query)).all()
    if not found:
        return []
    try:
        vault = keys.load(Settings().keys).vault
    except keys.KeysMissing as error:
        raise RuntimeError(
            f"{len(found)} slips or papers are to be sealed or opened, and the server's keys are "
            f"not whole ({error}): set SAQSHY_KEYS_DIR to the folder of this server's keys and "
            "migrate again; nothing was changed"
        ) from error
    return [
        (row_id, row_id.bytes, _decrypt(vault, wrapped, _KEY_LABEL + owner.bytes))
        for row_id, owner, wrapped in found
    ]


def _content(table: str, row_id: object) -> object:
    # One at a time: a photograph has megabytes.
    query = sa.text(f"SELECT content FROM {table} WHERE id = :id")  # noqa: S608 - fixed words
    return op.get_bind().scalar(query, {"id": row_id})


def _put(table: str, row_id: object, content: object) -> None:
    update = sa.text(f"UPDATE {table} SET content = :content WHERE id = :id")  # noqa: S608 - too
    if table == "slips":
        update = update.bindparams(sa.bindparam("content", type_=JSONB()))
    op.get_bind().execute(update, {"id": row_id, "content": content})


def _guards(what: str) -> None:
    for table, trigger in (("slips", "slips_guard"), ("papers", "papers_no_change")):
        op.execute(sa.text(f"ALTER TABLE {table} {what} TRIGGER {trigger}"))


def _seal() -> None:
    _guards("DISABLE")
    for row_id, place, key in _rows(_OF_SLIP):
        plaintext = json.dumps(_content("slips", row_id), ensure_ascii=False).encode()
        sealed = _encrypt(key, plaintext, _SLIP_LABEL + place)
        _put("slips", row_id, {"sealed": base64.b64encode(sealed).decode()})
    for row_id, place, key in _rows(_OF_PAPER):
        _put("papers", row_id, _encrypt(key, _content("papers", row_id), _PAPER_LABEL + place))
    _guards("ENABLE")


def _unseal() -> None:
    _guards("DISABLE")
    for row_id, place, key in _rows(_OF_SLIP):
        sealed = base64.b64decode(_content("slips", row_id)["sealed"])
        _put("slips", row_id, json.loads(_decrypt(key, sealed, _SLIP_LABEL + place)))
    for row_id, place, key in _rows(_OF_PAPER):
        _put("papers", row_id, _decrypt(key, _content("papers", row_id), _PAPER_LABEL + place))
    _guards("ENABLE")


def _enum(name: str, values: str) -> sa.Enum:
    return sa.Enum(*values.split(), name=name, native_enum=False, create_constraint=True, length=32)


def _fk(column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_register_notices_{column}"))


def _create_notices() -> None:
    op.create_table(
        "register_notices",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", _enum("noticekind", "paid refunded corrected"), nullable=False),
        sa.Column("status", _enum("noticestatus", "waiting told dead"), nullable=False),
        sa.Column("payment_number", sa.BigInteger(), nullable=True),
        sa.Column("refund_id", sa.Uuid(), nullable=True),
        sa.Column("entry_id", sa.Uuid(), nullable=True),
        sa.Column("department_id", sa.Uuid(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("fault", sa.String(64), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("next_at", _INSTANT, nullable=False),
        sa.Column("tried_since", _INSTANT, nullable=False),
        sa.Column("told_at", _INSTANT, nullable=True),
        sa.CheckConstraint(
            "(kind IN ('paid', 'refunded')) = (payment_number IS NOT NULL) AND "
            "(kind = 'refunded') = (refund_id IS NOT NULL) AND "
            "(kind = 'corrected') = (entry_id IS NOT NULL)",
            name=op.f("ck_register_notices_about_one_thing"),
        ),
        sa.CheckConstraint(
            "(status = 'told') = (told_at IS NOT NULL)", name=op.f("ck_register_notices_told_when")
        ),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_register_notices_attempts_not_negative")),
        _fk("payment_number", "payments.number"),
        _fk("refund_id", "refunds.id"),
        _fk("entry_id", "record_entries.id"),
        _fk("department_id", "departments.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_register_notices")),
        sa.UniqueConstraint("refund_id", name=op.f("uq_register_notices_refund_id")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_register_notices_entry_id")),
    )
    op.create_index(
        "uq_register_notices_payment",
        "register_notices",
        ["payment_number"],
        unique=True,
        postgresql_where=sa.text("kind = 'paid'"),
    )
    op.create_index(
        "ix_register_notices_waiting",
        "register_notices",
        ["next_at"],
        postgresql_where=sa.text("status = 'waiting'"),
    )
    op.execute(sa.text(_GUARD_NOTICE))
    for trigger, each, function in (
        ("register_notices_guard BEFORE UPDATE", "ROW", "fines_guard_notice"),
        ("register_notices_no_change BEFORE DELETE", "ROW", "fines_no_change"),
        ("register_notices_no_truncate BEFORE TRUNCATE", "STATEMENT", "fines_no_change"),
    ):
        op.execute(
            sa.text(
                f"CREATE TRIGGER {trigger} ON register_notices "
                f"FOR EACH {each} EXECUTE FUNCTION {function}()"
            )
        )


def _name_cases() -> None:
    op.add_column(
        "reconciliation_cases",
        sa.Column(
            "kind",
            _enum("casekind", "difference hand_in totals_missing register_notice"),
            nullable=False,
            server_default="difference",
        ),
    )
    op.add_column("reconciliation_cases", sa.Column("day", sa.Date(), nullable=True))
    op.add_column("reconciliation_cases", sa.Column("notice_id", sa.Uuid(), nullable=True))
    # Closed cases too: the guard would refuse them, and says nothing of the new column yet.
    op.execute(
        sa.text("ALTER TABLE reconciliation_cases DISABLE TRIGGER reconciliation_cases_guard")
    )
    op.execute(
        sa.text("UPDATE reconciliation_cases SET kind = 'hand_in' WHERE device_id IS NOT NULL")
    )
    op.execute(
        sa.text("ALTER TABLE reconciliation_cases ENABLE TRIGGER reconciliation_cases_guard")
    )
    op.create_foreign_key(
        op.f("fk_reconciliation_cases_notice_id"),
        "reconciliation_cases",
        "register_notices",
        ["notice_id"],
        ["id"],
    )
    op.create_unique_constraint(
        op.f("uq_reconciliation_cases_notice_id"), "reconciliation_cases", ["notice_id"]
    )
    op.drop_constraint(_ABOUT_ONE_THING, "reconciliation_cases")
    op.create_check_constraint(
        _ABOUT_ONE_THING,
        "reconciliation_cases",
        "(kind = 'difference') = (item_id IS NOT NULL) AND "
        "(kind IN ('hand_in', 'totals_missing')) = (device_id IS NOT NULL) AND "
        "(kind = 'totals_missing') = (day IS NOT NULL) AND "
        "(kind = 'register_notice') = (notice_id IS NOT NULL)",
    )
    op.create_index(
        "uq_reconciliation_cases_totals_missing",
        "reconciliation_cases",
        ["device_id", "day"],
        unique=True,
        postgresql_where=sa.text("kind = 'totals_missing'"),
    )
    op.execute(sa.text(_guard_case((*_CASE_WRITTEN_ONCE, "kind", "day", "notice_id"))))
