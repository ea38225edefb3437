"""Revision 0025 with rows in it: slips and papers are sealed, and put back on the way down."""

import base64
import hashlib
import json
from uuid import UUID

import alembic.command
import psycopg
import pytest
from psycopg.types.json import Jsonb

from app.runtime.migrate import configuration
from fines import storage

RECORD, PAYMENT, SLIP, PAPER = (UUID(int=number) for number in range(1, 5))
IIN = "950817301017"
LINES = {"slip_id": str(SLIP), "lines": [{"text": f"ИИН {IIN}"}]}
PDF = b"%PDF-1.7 " + IIN.encode()


def put(url, table, **values):
    """Put a row of which only some columns matter here."""
    with psycopg.connect(url) as connection:
        columns = connection.execute(
            "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = %s "
            "AND is_nullable = 'NO' AND column_default IS NULL AND is_identity = 'NO'",
            [table],
        ).fetchall()
        filler = {
            "uuid": UUID(int=9), "bytea": b"", "jsonb": Jsonb({}), "boolean": False, "date":
            "2026-11-20", "timestamp with time zone": "2026-11-20T06:00:00Z",
        }  # fmt: skip
        row = {name: filler.get(kind, 1) for name, kind in columns} | values
        connection.execute("SET session_replication_role = replica")
        names, places = ", ".join(row), ", ".join(["%s"] * len(row))
        connection.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", list(row.values()))


@pytest.fixture
def before(cluster, keys, keys_dir, monkeypatch):
    monkeypatch.setenv("SAQSHY_KEYS_DIR", str(keys_dir))
    name = cluster.create(template="template0")
    config, url = configuration(database_url=cluster.url(name)), cluster.url(name)
    alembic.command.upgrade(config, "0024_slip_fields")
    key = storage.new_key(vault=keys.vault, owner=RECORD)
    put(
        url, "offence_records", id=RECORD, wrapped_key=key.wrapped, status="paid_half",
        language="kk", rounding="exact_tiyn_payers_favour",
        reduced_reason="eligible",
    )  # fmt: skip
    put(
        url, "payments", id=PAYMENT, offence_record_id=RECORD, status="filed", reason="none",
        full_tiyn=2, discount_tiyn=1, amount_tiyn=1, rrn="632612000034", approval_code="A1",
        owner_verdict="match", confirmed_at="2026-11-20T06:00:00Z",
        rounding="exact_tiyn_payers_favour",
    )  # fmt: skip
    put(url, "slips", id=SLIP, payment_id=PAYMENT, kind="sale", duplicate=0, content=Jsonb(LINES))
    put(url, "papers", id=PAPER, offence_record_id=RECORD, content=PDF,
        sha256=hashlib.sha256(PDF).digest())  # fmt: skip
    yield config, url, key
    cluster.drop(name)


def contents(url):
    with psycopg.connect(url) as connection:
        return connection.execute(
            "SELECT slips.content, papers.content FROM slips, papers"
        ).fetchone()


def test_slips_and_papers_are_sealed_under_the_key_of_their_record(before):
    config, url, key = before

    alembic.command.upgrade(config, "0025_money_acts")

    slip, paper = contents(url)
    opened = key.unseal_bytes(storage.Content.SLIP, base64.b64decode(slip["sealed"]), of=SLIP)
    assert json.loads(opened) == LINES
    assert key.unseal_bytes(storage.Content.PAPER, paper, of=PAPER) == PDF
    assert IIN not in json.dumps(slip)
    assert IIN.encode() not in paper


def test_the_way_down_puts_them_back(before):
    config, url, _ = before
    alembic.command.upgrade(config, "0025_money_acts")

    alembic.command.downgrade(config, "0024_slip_fields")

    assert contents(url) == (LINES, PDF)


def test_without_the_keys_nothing_is_changed_and_the_cure_is_told(before, tmp_path, monkeypatch):
    config, url, _ = before
    monkeypatch.setenv("SAQSHY_KEYS_DIR", str(tmp_path / "nowhere"))

    with pytest.raises(RuntimeError, match="SAQSHY_KEYS_DIR"):
        alembic.command.upgrade(config, "0025_money_acts")

    assert contents(url) == (LINES, PDF)
