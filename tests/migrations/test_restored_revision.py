"""Revision 0037 with rows in it: what played plays on, and no way down loses a restored one."""

from uuid import UUID

import alembic.command
import pytest
import sqlalchemy as sa

from app.runtime.migrate import configuration
from tests.migrations.test_penalties_revision import ask

BEFORE, AFTER = "0036_whole_tenge", "0037_restored"
KEPT = "SELECT form FROM recording_indexes ORDER BY recording_id"


@pytest.fixture
def upgraded(cluster):
    name = cluster.create(template="template0")
    config, url = configuration(database_url=cluster.url(name)), cluster.url(name)
    alembic.command.upgrade(config, BEFORE)
    yield config, url
    cluster.drop(name)


def put(url, number, form, front=None):
    """Put an index into the table; its recording is not what is tried here."""
    engine = sa.create_engine(url)
    columns = "recording_id, packed, form" + (", front" if front is not None else "")
    values = ":id, ''::bytea, :form" + (", :front" if front is not None else "")
    try:
        with engine.begin() as connection:
            connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
            connection.execute(
                sa.text(f"INSERT INTO recording_indexes ({columns}) VALUES ({values})"),
                {"id": UUID(int=number), "form": form, "front": front},
            )
    finally:
        engine.dispose()


def test_what_played_plays_on_up_and_down(upgraded):
    config, url = upgraded
    put(url, 1, "fragmented")
    put(url, 2, "plain")

    alembic.command.upgrade(config, AFTER)
    assert ask(url, KEPT) == [("fragmented",), ("plain",)]
    alembic.command.downgrade(config, BEFORE)

    assert ask(url, KEPT) == [("fragmented",), ("plain",)]


def test_the_way_down_is_refused_where_a_recording_is_restored(upgraded):
    config, url = upgraded
    alembic.command.upgrade(config, AFTER)
    put(url, 1, "plain")
    put(url, 2, "restored", b"made")

    with pytest.raises(RuntimeError, match="1 restored recordings"):
        alembic.command.downgrade(config, BEFORE)

    assert ask(url, KEPT) == [("plain",), ("restored",)]


@pytest.mark.parametrize(("form", "front"), [("restored", None), ("plain", b"made")])
def test_what_stands_before_the_bytes_is_of_a_restored_one_alone(upgraded, form, front):
    config, url = upgraded
    alembic.command.upgrade(config, AFTER)

    with pytest.raises(sa.exc.IntegrityError, match="ck_recording_indexes_front"):
        put(url, 1, form, front)
