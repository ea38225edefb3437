"""The revision of the courts' channel: every act and the new role fit, and the way down."""

import alembic.command
import psycopg
import pytest

from app.access import Role
from app.exchange.rules.courts import CourtAct
from app.runtime.migrate import configuration

PERSON = "00000000-0000-4000-8000-000000000001"


@pytest.fixture
def fresh_url(cluster):
    name = cluster.create(template="template0")
    yield cluster.url(name)
    cluster.drop(name)


def put_person(connection, role):
    connection.execute(
        "INSERT INTO departments (id, bin, name_kk, name_ru) VALUES (%s, '980440000016', '-', '-')",
        [PERSON],
    )
    connection.execute(
        "INSERT INTO people (id, iin, surname, given_name, patronymic, sort_key)"
        " VALUES (%s, '760320401050', '-', '-', '', '')",
        [PERSON],
    )
    connection.execute(
        "INSERT INTO posts (id, person_id, department_id, role, title, badge, valid_from)"
        " VALUES (%s, %s, %s, %s, '-', '-', '2026-01-01')",
        [PERSON, PERSON, PERSON, role],
    )


@pytest.mark.parametrize("role", Role)
def test_every_role_fits_a_post(database_url, role):
    with psycopg.connect(database_url) as connection:
        put_person(connection, role.value)
        connection.rollback()


def test_every_act_fits_a_message(database_url):
    checks = (
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE conrelid = 'courts_messages'::regclass AND contype = 'c'"
    )
    with psycopg.connect(database_url) as connection:
        (definition,) = connection.execute(checks).fetchone()

    assert all(f"'{act.value}'" in definition for act in CourtAct)


def test_the_way_down_stands_once_nobody_is_of_a_court(fresh_url):
    config = configuration(database_url=fresh_url)
    alembic.command.upgrade(config, "0014_courts")
    with psycopg.connect(fresh_url) as connection:
        put_person(connection, "court")
        connection.execute("DELETE FROM posts")

    alembic.command.downgrade(config, "-1")

    with psycopg.connect(fresh_url) as connection:
        connection.execute("DELETE FROM people")
        connection.execute("DELETE FROM departments")
        with pytest.raises(psycopg.errors.CheckViolation):
            put_person(connection, "court")
