"""Whole days in virtual time whose books PostgreSQL keeps: no tenge astray there either.

What ``tests/unit/simulation`` plays with a store in memory is played here over the use cases, the
statements and the constraints themselves. ``--towns N`` plays N days.
"""

import logging
import tempfile
from pathlib import Path

import pytest

from fines.rules.ledger import Account
from fines.rules.reconciliation_words import Verdict
from sim.virtual import Stuck
from tests.factories_town_postgres import PostgresTown, opened

PAYMENTS = 5


@pytest.fixture(autouse=True)
def quiet():
    """Thousands of lost messages are not worth a line each."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def day(cluster, keys, settings, seed):
    """Live one day on a database of its own and account for it.

    Return what ended how, every account's balance, and the hash of each step of the day.
    """
    name = cluster.create()
    try:
        with (
            opened(cluster.url(name), keys, settings, seed=seed) as store,
            tempfile.TemporaryDirectory() as folder,
        ):
            town = PostgresTown(store, seed=seed, payments=PAYMENTS, folder=Path(folder))
            try:
                trace = town.live()
                town.account()
                done, books = town.settle()
            except (AssertionError, Stuck) as error:
                steps = "\n".join(list(town.world.last)[-40:])
                error.add_note(f"seed {seed}, last steps:\n{steps}")
                raise
            finally:
                town.close()
            paid = [one for one in town.server.payments.values() if one.confirmed]
            assert {kind: count for kind, count in done.verdicts.items() if count} == (
                {Verdict.MATCHED: len(paid)} if paid else {}
            )
            assert sum(books.values()) == 0
            assert books.get(Account.UNCONFIRMED, 0) == 0
            assert books.get(Account.ACQUIRER_CLEARING, 0) == 0
            assert books.get(Account.TREASURY_DUE, 0) == sum(one.amount_tiyn for one in paid)
            return town.history(), sorted((one.value, tiyn) for one, tiyn in books.items()), trace
    finally:
        cluster.drop(name)


@pytest.mark.nightly
def test_every_tenge_is_explained_by_the_books_and_each_day_repeats(
    cluster, keys, settings, request
):
    towns = request.config.getoption("--towns")

    days = [day(cluster, keys, settings, seed) for seed in range(towns)]
    again = day(cluster, keys, settings, 0)

    assert again == days[0]
    assert sum(len(history[0]) for history, *_ in days) >= PAYMENTS * towns * 0.8
    assert sum(history[1].paid for history, *_ in days) > 0
