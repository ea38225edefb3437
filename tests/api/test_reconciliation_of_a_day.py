"""T20 through the database: 1 % of 10,000 rows made wrong is found, and none matched falsely."""

import pytest
import sqlalchemy as sa

from app.db import transaction
from fines import models
from fines.repository import ledger
from fines.rules.ledger import Account
from fines.rules.reconciliation_words import Verdict
from tests import factories_fines
from tests import factories_money as make
from tests.factories_corruption import corrupted

ROWS = 10_000  # of a day; `make nightly` makes twenty days wrong, each by its own seed


def pytest_generate_tests(metafunc):
    # Each day in a database of its own: on another day's books its rows would be repeats.
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", range(metafunc.config.getoption("--rounds")))


@pytest.fixture
async def parts(parts, sessions):
    await factories_fines.district_with_catalogue(sessions)
    return parts


@pytest.mark.nightly
async def test_a_day_with_one_row_in_a_hundred_wrong_is_told_row_by_row(parts, seed):
    rows = await make.paid_day(parts, count=ROWS)
    told, expected, alone = corrupted(rows, seed=1000 + seed)

    await make.import_rows(parts, told, now=make.AFTER_T2)

    item = models.ReconciliationItem
    async with transaction(parts.sessions) as session:
        ours = await session.execute(
            sa.select(item.verdict, item.ours_tiyn, item.theirs_tiyn)
            .where(item.payment_number.is_not(None))
            .order_by(item.payment_number)
        )
        found = ours.all()
        theirs = await session.scalars(
            sa.select(item.verdict).where(item.payment_number.is_(None), item.source == "acquirer")
        )
        books = await ledger.balances(session)
    assert [one.verdict for one in found] == expected
    assert sorted(one.value for one in theirs) == alone
    matched = [one for one in found if one.verdict in {Verdict.MATCHED, Verdict.LATE}]
    assert all(one.ours_tiyn == one.theirs_tiyn for one in matched)
    assert sum(books.values()) == 0
    unmatched = sum(
        one.ours_tiyn for one in found if one.verdict not in {Verdict.MATCHED, Verdict.LATE}
    )
    assert books[Account.ACQUIRER_CLEARING] >= unmatched
