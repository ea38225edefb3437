"""The treasury's statement closes the way of the money; cases are closed by two people."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.db import transaction
from fines import models
from fines.errors.money import CaseNotFound, CaseStepRefused, SettlementFileNotValid
from fines.repository import ledger
from fines.rules.ledger import Account
from fines.rules.reconciliation_words import CaseStatus, Verdict
from fines.service.cases import close_case, explain_case
from fines.service.reconciling import age_all
from fines.service.treasury import import_treasury
from fines.wire import settlement
from sim.district import CLERK, SECOND_CLERK, STRANGER
from sim.treasury import SimTreasury
from tests import factories_fines
from tests import factories_money as make
from tests.factories_bodycam import principal_of
from tests.factories_identity import district

RECEIVED_ON = make.SETTLED_ON + timedelta(days=1)


@pytest.fixture
async def parts(parts, sessions):
    await district(sessions)
    await factories_fines.catalogue(sessions)
    return parts


@pytest.fixture
def bank():
    return SimTreasury(budget_code="204105", purpose_code="911")


async def settled(parts, bank, *, count=5):
    rows = await make.paid_day(parts, count=count)
    await make.import_rows(parts, rows)
    bank.settle(settlement.write(rows))
    return sum(one.amount_tiyn for one in rows)


async def take(parts, bank, *, received_on=RECEIVED_ON, now=make.IN_TIME):
    content = bank.statement(received_on=received_on)
    return await import_treasury(make.desk_of(parts), content=content, caller=None, now=now)


async def balances(sessions):
    async with transaction(sessions) as session:
        return await ledger.balances(session)


async def test_what_was_settled_arrives_and_nothing_is_left_on_the_way(parts, bank, sessions):
    total = await settled(parts, bank)

    done = await take(parts, bank)

    books = await balances(sessions)
    assert done.verdicts == {Verdict.MATCHED: 1}
    assert books[Account.TREASURY] == total
    assert (books[Account.TREASURY_DUE], books[Account.ACQUIRER_CLEARING]) == (0, 0)


@pytest.mark.parametrize(
    ("spoiled", "verdicts"),
    [
        ({"sum_differs": 1}, {Verdict.AMOUNT_DIFFERS: 1}),
        ({"repeat": 1}, {Verdict.MATCHED: 1, Verdict.DUPLICATE: 1}),
        ({"late_days": 9}, {Verdict.LATE: 1}),
    ],
)
async def test_an_order_that_is_not_right_is_told_by_its_name(parts, bank, spoiled, verdicts):
    await settled(parts, bank)
    bank.spoil(**spoiled)

    done = await take(parts, bank)

    assert done.verdicts == verdicts


async def test_money_of_no_settlement_is_only_theirs(parts, bank):
    rows = await make.paid_day(parts, count=2)
    bank.settle(settlement.write(rows))

    done = await take(parts, bank)

    assert done.verdicts == {Verdict.ONLY_THEIRS: 1}


async def test_money_that_does_not_arrive_opens_a_case(parts, bank, sessions):
    await settled(parts, bank)

    await age_all(make.desk_of(parts), make.AFTER_T2 + timedelta(days=1))

    assert await make.verdicts(sessions, source="treasury") == {Verdict.ONLY_OURS: 1}
    assert len(await cases(sessions)) == 1


async def test_a_changed_statement_is_refused(parts, bank):
    await settled(parts, bank)
    content = bank.statement(received_on=RECEIVED_ON).replace(b"204105", b"204106")

    with pytest.raises(SettlementFileNotValid):
        await import_treasury(make.desk_of(parts), content=content, caller=None, now=make.IN_TIME)


async def cases(sessions):
    async with transaction(sessions) as session:
        return (await session.scalars(sa.select(models.ReconciliationCase))).all()


async def test_a_case_is_explained_by_one_and_closed_by_another(parts, sessions):
    desk = make.desk_of(parts)
    await make.paid_day(parts, count=1)
    await age_all(desk, make.AFTER_T2)
    (case,) = await cases(sessions)
    one = await principal_of(sessions, CLERK)
    other = await principal_of(sessions, SECOND_CLERK)
    stranger = await principal_of(sessions, STRANGER)
    ask = {"case_id": case.id, "text": "The acquirer sends it on Monday.", "now": make.AFTER_T2}

    with pytest.raises(CaseStepRefused):
        await close_case(desk, caller=other, accept=True, **ask)
    with pytest.raises(CaseNotFound):
        await explain_case(desk, caller=stranger, **ask)
    await explain_case(desk, caller=one, **ask)
    with pytest.raises(CaseStepRefused):
        await close_case(desk, caller=one, accept=True, **ask)
    await close_case(desk, caller=other, accept=False, **ask)
    await explain_case(desk, caller=one, **ask)
    await close_case(desk, caller=other, accept=True, **ask)

    (case,) = await cases(sessions)
    assert case.status is CaseStatus.CLOSED
    with pytest.raises(sa.exc.DBAPIError):
        async with transaction(sessions) as session:
            await session.execute(sa.text("UPDATE reconciliation_cases SET explanation = ''"))
