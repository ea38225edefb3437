"""Revision 0032 with rows in it: the new words are taken, and the way down refuses to lose them."""

import alembic.command
import psycopg
import pytest

from app.runtime.migrate import configuration

REVISION, BEFORE = "0032_term_and_signature", "0031_filing_and_limits"
_ID = "00000000-0000-4000-8000-000000000001"
ROWS = {
    "a case": (
        "INSERT INTO ordinary_cases (offence_record_id, department_id, ground, stage, began_at, "
        f"suspended) VALUES ('{_ID}', '{_ID}', 'term_ended', 'to_hand_on', now(), false)"
    ),
    "an entry": (
        "INSERT INTO record_entries (id, offence_record_id, kind, at, sealed) "
        f"VALUES ('{_ID}', '{_ID}', 'signature', now(), '')"
    ),
}


@pytest.fixture
def before(cluster):
    name = cluster.create(template="template0")
    config = configuration(database_url=cluster.url(name))
    alembic.command.upgrade(config, BEFORE)
    yield config, cluster.url(name)
    cluster.drop(name)


def put(url, row):
    with psycopg.connect(url) as connection:
        connection.execute("SET session_replication_role = replica")  # the record itself is not it
        connection.execute(ROWS[row])


@pytest.mark.parametrize("row", ROWS)
def test_a_new_word_is_taken_from_this_revision_on_and_never_lost(before, row):
    config, url = before
    with pytest.raises(psycopg.errors.CheckViolation):
        put(url, row)

    alembic.command.upgrade(config, REVISION)
    put(url, row)

    with pytest.raises(RuntimeError, match="restore a backup"):
        alembic.command.downgrade(config, BEFORE)
