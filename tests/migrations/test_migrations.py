"""One head; every revision goes up, down and up again; the head equals the models."""

import alembic.command
import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from app.runtime.migrate import configuration
from app.tables import metadata

REVISIONS = [
    revision.revision for revision in ScriptDirectory.from_config(configuration()).walk_revisions()
][::-1]


def test_there_is_one_head():
    script = ScriptDirectory.from_config(configuration())

    assert len(script.get_heads()) == 1


def _ours(_object, name, type_, _reflected, _to):
    return not (type_ == "table" and name.startswith("procrastinate_"))


def test_head_equals_the_models(database_url):
    url = sa.make_url(database_url).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "compare_server_default": True,
                "include_object": _ours,
            },
        )

        difference = compare_metadata(context, metadata)

    engine.dispose()
    assert difference == []


@pytest.fixture
def empty_database_url(cluster):
    name = cluster.create(template="template0")
    yield cluster.url(name)
    cluster.drop(name)


@pytest.mark.parametrize("revision", REVISIONS)
def test_each_revision_goes_up_down_and_up(empty_database_url, revision):
    config = configuration(database_url=empty_database_url)
    alembic.command.upgrade(config, revision)

    alembic.command.downgrade(config, "-1")
    alembic.command.upgrade(config, revision)

    with psycopg.connect(empty_database_url) as connection:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    assert row == (revision,)
