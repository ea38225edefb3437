"""Revision 0012 with rows in it: what stood before gets its place, and nothing is lost."""

import alembic.command
import psycopg
import pytest

from app.exchange.models import RegisterRequestRow, RequestDisclosureRow, SanctionStepRow
from app.runtime.migrate import configuration

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
    SELECT gen_random_uuid(), status, 'PRIMARY_CHECK', '', 'x', '',
        '00000000-0000-4000-8000-000000000002', '00000000-0000-4000-8000-000000000003',
        '00000000-0000-4000-8000-000000000001', subject, parts::jsonb, at::timestamptz
    FROM (VALUES
        ('released', '1'::bytea, '[{"register": "vehicle", "status": "found", "hit": true}]',
         '2026-10-31T18:59:59Z'),
        ('released', '1'::bytea, '[{"register": "person_documents", "status": "found"},
         {"register": "vehicle", "status": "not_asked"}]', '2026-10-31T19:00:01Z'),
        ('refused', NULL, NULL, '2026-10-31T19:00:00Z')
    ) AS rows (status, subject, parts, at)
"""


@pytest.fixture
def before(cluster):
    name = cluster.create(template="template0")
    config = configuration(database_url=cluster.url(name))
    alembic.command.upgrade(config, "0011_access")
    with psycopg.connect(cluster.url(name)) as connection:
        connection.execute(_ROWS)
    yield config, cluster.url(name)
    cluster.drop(name)


def rows(url, columns):
    with psycopg.connect(url) as connection:
        return connection.execute(
            f"SELECT {columns} FROM register_requests ORDER BY received_at"
        ).fetchall()


def test_requests_from_before_get_their_month_a_place_below_zero_and_their_services(before):
    config, url = before

    alembic.command.upgrade(config, "0012_requests")

    assert rows(url, "month, number, services, subject_kind, hit") == [
        ("2026-10", -1, ["vehicle"], "person_and_vehicle", True),
        ("2026-11", -2, [], None, None),
        ("2026-11", -1, ["person_documents"], "person", False),
    ]


def test_going_back_keeps_every_request_and_shows_none_that_waited(before):
    config, url = before
    alembic.command.upgrade(config, "0012_requests")
    with psycopg.connect(url) as connection:
        connection.execute(
            "UPDATE register_requests SET status = 'pending_verification', gate = 'RECON',"
            " basis = 'CRIMINAL_CASE' WHERE status = 'refused'"
        )

    alembic.command.downgrade(config, "0011_access")

    assert rows(url, "status, basis") == [
        ("released", "PRIMARY_CHECK"),
        ("withheld", "CRIMINAL_CASE"),
        ("released", "PRIMARY_CHECK"),
    ]


def _listed(definition):
    return {text for text in definition.split("'")[1::2] if text and "::" not in text}


@pytest.mark.parametrize(
    ("place", "column"),
    [
        ("{}, NULL, NULL, NULL, NULL", RegisterRequestRow.status),
        ("NULL, {}, NULL, NULL, NULL", RegisterRequestRow.basis),
        ("NULL, NULL, {}, NULL, NULL", RegisterRequestRow.gate),
        ("NULL, NULL, NULL, {}, NULL", RegisterRequestRow.refusal),
        ("NULL, NULL, NULL, NULL, {}", RegisterRequestRow.subject_kind),
    ],
)
def test_the_schema_admits_every_member_of_a_requests_kinds_and_no_other(
    database_url, place, column
):
    members = [member.value for member in column.type.enum_class]
    with psycopg.connect(database_url) as connection:
        known = [
            connection.execute(
                f"SELECT register_request_is_known({place.format('%s')})", (word,)
            ).fetchone()[0]
            for word in [*members, "another"]
        ]

    assert known == [True] * len(members) + [False]


@pytest.mark.parametrize(
    ("table", "name", "column"),
    [
        ("request_disclosures", "disclosurekind", RequestDisclosureRow.kind),
        ("sanction_steps", "sanctionstatus", SanctionStepRow.status),
    ],
)
def test_the_schema_admits_every_member_of_each_kind(database_url, table, name, column):
    with psycopg.connect(database_url) as connection:
        definition = connection.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s",
            (f"ck_{table}_{name}",),
        ).fetchone()[0]

    assert {member.value for member in column.type.enum_class} <= _listed(definition)
