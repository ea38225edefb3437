"""Revision 0015 with rows in it: people are sealed, found again, and put back on the way down."""

import json

import alembic.command
import psycopg
import pytest

from app.runtime.migrate import configuration
from fines import storage
from fines.models import OrdinaryCase, Payment, RecordEntry
from fines.models.records import OffenceRecord

IIN = "950817301017"
_ROWS = """
    INSERT INTO departments VALUES
        ('00000000-0000-4000-8000-000000000001', '000000000000', 'а', 'а', NULL);
    INSERT INTO people VALUES
        ('00000000-0000-4000-8000-000000000002', '000000000000', 'а', 'а', '', 'а');
    INSERT INTO posts VALUES
        ('00000000-0000-4000-8000-000000000003', '00000000-0000-4000-8000-000000000002',
         '00000000-0000-4000-8000-000000000001', 'patrol_officer', '', '', '2020-01-01', NULL);
    INSERT INTO register_requests (
        id, status, basis, stop_ground, rule_set, snapshot_sha256, person_id, post_id,
        department_id, subject_index, parts, received_at)
    VALUES ('00000000-0000-4000-8000-000000000004', 'released', 'PRIMARY_CHECK', '', 'x', '',
        '00000000-0000-4000-8000-000000000002', '00000000-0000-4000-8000-000000000003',
        '00000000-0000-4000-8000-000000000001', '1', '[]', now());
    INSERT INTO offence_articles VALUES
        ('00000000-0000-4000-8000-000000000005', '592', '2', '2026-07-01', NULL, '["fine"]', 10,
         'police', 'а', 'а', 'а', true);
    INSERT INTO offence_records (
        id, number, status, check_id, department_id, post_id, drawn_up_at, offender_iin, offender,
        vehicle, article, part, article_id, occurred_at, place, latitude, longitude, language,
        essence, details, fine_full_tiyn, fine_half_tiyn, rounding, reduced_reason)
    SELECT ('00000000-0000-4000-8000-00000000001' || place)::uuid, place, status,
        '00000000-0000-4000-8000-000000000004', '00000000-0000-4000-8000-000000000001',
        '00000000-0000-4000-8000-000000000003', '2026-11-20T06:00:00Z', '950817301017',
        '{"surname": "Сейтқалиев"}', '{"plate": "777ABC02"}', '592', '2',
        '00000000-0000-4000-8000-000000000005',
        '2026-11-20T06:00:00Z'::timestamptz + place::int * interval '1 minute', 'а', 0, 0, 'kk',
        'асырған', '{"explanation": "асықтым"}', 200, 100, 'exact_tiyn_payers_favour', 'eligible'
    FROM (VALUES ('1', 'drawn_up'), ('2', 'ordinary')) AS rows (place, status)
"""


@pytest.fixture
def before(cluster):
    name = cluster.create(template="template0")
    config = configuration(database_url=cluster.url(name))
    alembic.command.upgrade(config, "0011_access")
    with psycopg.connect(cluster.url(name)) as connection:
        connection.execute(_ROWS)
    alembic.command.upgrade(config, "0014_courts")
    yield config, cluster.url(name)
    cluster.drop(name)


def rows(url, query):
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


def test_people_are_sealed_and_found_by_the_keyed_hash(before, keys, keys_dir, monkeypatch):
    config, url = before
    monkeypatch.setenv("SAQSHY_KEYS_DIR", str(keys_dir))

    alembic.command.upgrade(config, "0015_law")

    found = rows(url, "SELECT id, offender_index, wrapped_key, sealed FROM offence_records")
    assert len({sealed for _, _, _, sealed in found}) == 2
    for record_id, index, wrapped, sealed in found:
        key = storage.open_key(vault=keys.vault, owner=record_id, wrapped=wrapped)
        values = key.unseal(storage.Content.RECORD, sealed)
        assert values["iin"] == IIN
        assert values["papers"] == {"surname": "Сейтқалиев"}
        assert values["details"] == {"explanation": "асықтым"}
        assert index == storage.offender_index(subject_key=keys.subject, iin=IIN)
    whole = json.dumps(rows(url, "SELECT to_jsonb(offence_records) FROM offence_records"))
    assert IIN not in whole
    assert "777ABC02" not in whole


def test_a_case_in_ordinary_proceedings_gets_its_clock(before, keys_dir, monkeypatch):
    config, url = before
    monkeypatch.setenv("SAQSHY_KEYS_DIR", str(keys_dir))

    alembic.command.upgrade(config, "0015_law")

    assert rows(url, "SELECT ground, stage, due_at::date::text FROM ordinary_cases") == [
        ("not_admitted", "to_hand_on", "2026-11-23")
    ]


def test_without_the_keys_nothing_is_changed_and_the_cure_is_told(before, tmp_path, monkeypatch):
    config, url = before
    monkeypatch.setenv("SAQSHY_KEYS_DIR", str(tmp_path / "nowhere"))

    with pytest.raises(RuntimeError, match="SAQSHY_KEYS_DIR"):
        alembic.command.upgrade(config, "0015_law")

    assert rows(url, "SELECT DISTINCT offender_iin FROM offence_records") == [(IIN,)]
    assert rows(url, "SELECT version_num FROM alembic_version") == [("0014_courts",)]


def test_the_way_down_puts_the_people_back(before, keys_dir, monkeypatch):
    config, url = before
    monkeypatch.setenv("SAQSHY_KEYS_DIR", str(keys_dir))
    kept = "SELECT id, offender_iin, offender, vehicle, essence, details FROM offence_records"
    were = rows(url, f"{kept} ORDER BY id")
    alembic.command.upgrade(config, "0015_law")

    alembic.command.downgrade(config, "0014_courts")

    assert rows(url, f"{kept} ORDER BY id") == were


def _listed(definition):
    return {text for text in definition.split("'")[1::2] if text and "::" not in text}


@pytest.mark.parametrize(
    ("table", "name", "column"),
    [
        ("offence_records", "offencestatus", OffenceRecord.status),
        ("offence_records", "reducedreason", OffenceRecord.reduced_reason),
        ("offence_records", "roundingcode", OffenceRecord.rounding),
        ("payments", "roundingcode", Payment.rounding),
        ("record_entries", "entrykind", RecordEntry.kind),
        ("ordinary_cases", "coursestage", OrdinaryCase.stage),
        ("ordinary_cases", "ordinaryground", OrdinaryCase.ground),
        ("ordinary_cases", "decidedpenalty", OrdinaryCase.penalty),
    ],
)
def test_the_schema_admits_every_member_of_each_kind(database_url, table, name, column):
    ((definition,),) = rows(
        database_url,
        f"SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'ck_{table}_{name}'",
    )

    assert {member.value for member in column.type.enum_class} <= _listed(definition)
