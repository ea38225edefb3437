"""Revision 0033 with rows in it: fines are known as such, appeals won as cancelled; and back."""

from uuid import UUID

import alembic.command
import psycopg
import pytest

from app.runtime.migrate import configuration
from tests.migrations.test_money_acts_revision import put

# Stage of the case, its fine, status of the record; then penalty and cancelled by the revision.
CASES = {
    "owed": (("decided", 5, "ordinary"), ("fine", False)),
    "paid": (("closed", 5, "paid_full"), ("fine", False)),
    "cancelled": (("closed", 5, "ordinary"), ("fine", True)),
    "without a fine": (("closed", 0, "ordinary"), (None, False)),
    "undecided": (("with_body", None, "ordinary"), (None, False)),
}


@pytest.fixture
def before(cluster):
    name = cluster.create(template="template0")
    config, url = configuration(database_url=cluster.url(name)), cluster.url(name)
    alembic.command.upgrade(config, "0031_filing_and_limits")
    for number, ((stage, fine, status), _) in enumerate(CASES.values(), start=1):
        put(
            url, "offence_records", id=UUID(int=number), number=f"N{number}", status=status,
            check_id=UUID(int=number),
            language="kk", rounding="exact_tiyn_payers_favour", reduced_reason="eligible",
        )  # fmt: skip
        decided = fine is not None
        put(
            url, "ordinary_cases", offence_record_id=UUID(int=number), ground="not_admitted",
            stage=stage, fine_tiyn=fine, handed_on_at="2026-11-20T06:00:00Z",
            decision_number="D" if decided else None, decided_on="2026-11-20" if decided else None,
        )  # fmt: skip
    yield config, url
    cluster.drop(name)


def ask(url, question):
    with psycopg.connect(url) as connection:
        return connection.execute(question).fetchall()


def test_what_is_known_of_earlier_decisions_is_filled_in(before):
    config, url = before

    alembic.command.upgrade(config, "0033_penalties")

    found = ask(url, "SELECT penalty, cancelled FROM ordinary_cases ORDER BY offence_record_id")
    assert found == [then for _, then in CASES.values()]


def test_the_way_down_leaves_the_decisions(before):
    config, url = before
    kept = "SELECT to_jsonb(ordinary_cases) FROM ordinary_cases ORDER BY offence_record_id"
    were = ask(url, kept)
    alembic.command.upgrade(config, "0033_penalties")

    alembic.command.downgrade(config, "0031_filing_and_limits")

    assert ask(url, kept) == were


def test_the_way_down_is_refused_where_a_licence_was_lost(before):
    config, url = before
    alembic.command.upgrade(config, "0033_penalties")
    put(
        url, "ordinary_cases", offence_record_id=UUID(int=9), ground="not_admitted",
        stage="closed", fine_tiyn=0, handed_on_at="2026-11-20T06:00:00Z", decision_number="D",
        decided_on="2026-11-20", penalty="licence_loss", term_ends_on="2033-11-20",
    )  # fmt: skip

    with pytest.raises(RuntimeError, match="1 decisions imposed something else than a fine"):
        alembic.command.downgrade(config, "0031_filing_and_limits")
