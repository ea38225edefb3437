"""Revisions 0035 and 0036 with rows in them: new words are taken, and no way down loses one."""

from uuid import UUID

import alembic.command
import pytest

from app.runtime.migrate import configuration
from tests.migrations.test_money_acts_revision import put
from tests.migrations.test_penalties_revision import ask

KEPT = "SELECT reduced_reason FROM offence_records ORDER BY number"


@pytest.fixture
def upgraded(cluster):
    name = cluster.create(template="template0")
    config, url = configuration(database_url=cluster.url(name)), cluster.url(name)
    alembic.command.upgrade(config, "0036_whole_tenge")
    yield config, url
    cluster.drop(name)


def drawn_up(url, number, reason, rounding="exact_tiyn_payers_favour"):
    put(
        url, "offence_records", id=UUID(int=number), number=f"N{number}", status="drawn_up",
        check_id=UUID(int=number), language="kk", rounding=rounding, reduced_reason=reason,
    )  # fmt: skip


def test_the_way_down_leaves_other_records(upgraded):
    config, url = upgraded
    drawn_up(url, 1, "eligible")

    alembic.command.downgrade(config, "0034_lost_stretches")

    assert ask(url, KEPT) == [("eligible",)]


def test_the_way_down_is_refused_where_somebody_did_not_admit(upgraded):
    config, url = upgraded
    drawn_up(url, 1, "eligible")
    drawn_up(url, 2, "warning_not_admitted")

    with pytest.raises(RuntimeError, match="1 records"):
        alembic.command.downgrade(config, "0034_lost_stretches")

    assert ask(url, KEPT) == [("eligible",), ("warning_not_admitted",)]


def test_the_way_down_is_refused_where_half_was_rounded_to_whole_tenge(upgraded):
    config, url = upgraded
    drawn_up(url, 1, "eligible", rounding="whole_tenge_payers_favour")

    with pytest.raises(RuntimeError, match="1 records and payments"):
        alembic.command.downgrade(config, "0035_warning_not_admitted")
