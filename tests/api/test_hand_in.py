"""A terminal is handed in only when its own totals fit our rows, or a superior answers for it."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from app.db import transaction
from devices.models import Assignment
from fines import models
from fines.rules.reconciliation_words import Detail, Source, Verdict
from fines.service.hand_in import override_hand_in
from fines.service.totals import want_totals
from fines.wire import protocol
from fines.wire.protocol import Result, Totals
from sim.district import KEEPER, OFFICIAL
from tests import factories_fines as make
from tests.api.test_offence_records import desk_of
from tests.factories_bodycam import principal_of


@pytest.fixture
async def desk(sessions, client, keys, app):
    await make.district_with_catalogue(sessions)
    officer = await make.officer(sessions, client)
    keeper = await make.officer(sessions, client, KEEPER, terminal_number=None)
    async with transaction(sessions) as session:
        assignment_id = await session.scalar(
            sa.select(Assignment.id).where(Assignment.device_id == officer.terminal_id)
        )
    return SimpleNamespace(
        app=app,
        sessions=sessions,
        keys=keys,
        officer=officer,
        keeper=keeper,
        path=f"/api/assignments/{assignment_id}/return",
    )


async def hand_in(desk):
    answer = await desk.keeper.post(desk.path, {"good": True})
    return answer.status_code, answer.json().get("code", "")


async def pay(desk):
    record_id = await make.with_receipt(desk.sessions, desk.keys, desk.officer)
    await make.begun(desk.officer, record_id)
    order, _ = await make.approved(desk.officer)
    slips = await make.ended(desk.officer, order, make.outcome(Result.COMPLETED))
    await make.printed(desk.officer, order, slips)
    return order.amount_tiyn


async def close_day(desk, *, count, sum_tiyn, receipts=(12, 12)):
    caller = await principal_of(desk.sessions, KEEPER)
    await want_totals(
        desk_of(desk.app),
        caller=caller,
        device_id=desk.officer.terminal_id,
        now=datetime.now(UTC),
    )
    order = await desk.officer.agent_next()
    totals = Totals(
        terminal_number=desk.officer.terminal_number,
        closed_at=datetime.now(UTC),
        receipt_from=receipts[0],
        receipt_to=receipts[1],
        count=count,
        sum_tiyn=sum_tiyn,
    )
    answer = await desk.officer.agent_post(protocol.PATH_TOTALS, totals, order.order_id)
    assert answer.status_code == 200, answer.text


async def batches(desk):
    async with transaction(desk.sessions) as session:
        found = await session.scalars(
            sa.select(models.ReconciliationItem).where(
                models.ReconciliationItem.source == Source.TERMINAL
            )
        )
        return [(one.verdict, one.detail) for one in found]


async def test_a_terminal_that_sold_nothing_is_handed_in(desk):
    assert await hand_in(desk) == (200, "")


async def test_a_terminal_comes_back_after_its_day_is_closed_and_fits(desk):
    amount = await pay(desk)
    before = await hand_in(desk)
    await close_day(desk, count=1, sum_tiyn=amount)

    assert before == (409, "fines.terminal_not_matched")
    assert await batches(desk) == [(Verdict.MATCHED, Detail.NONE)]
    assert await hand_in(desk) == (200, "")


async def test_a_sale_after_the_closing_needs_another_closing(desk):
    await close_day(desk, count=0, sum_tiyn=0, receipts=(None, None))
    await pay(desk)

    assert await hand_in(desk) == (409, "fines.terminal_not_matched")


async def test_a_sale_that_is_not_settled_keeps_the_terminal_out(desk):
    record_id = await make.with_receipt(desk.sessions, desk.keys, desk.officer)
    await make.begun(desk.officer, record_id)
    await make.started(desk.officer)

    assert await hand_in(desk) == (409, "fines.terminal_not_matched")


@pytest.mark.parametrize(
    ("count", "more_tiyn", "detail"), [(1, 1, Detail.NONE), (2, 0, Detail.COUNT_DIFFERS)]
)
async def test_totals_that_differ_keep_the_terminal_out_until_a_superior_answers(
    desk, count, more_tiyn, detail
):
    amount = await pay(desk)
    await close_day(desk, count=count, sum_tiyn=amount + more_tiyn)
    refused = await hand_in(desk)
    superior = await principal_of(desk.sessions, OFFICIAL)

    await override_hand_in(
        desk_of(desk.app),
        caller=superior,
        device_id=desk.officer.terminal_id,
        text="The paper roll shows one sale; the totals are looked into.",
        now=datetime.now(UTC),
    )

    assert refused == (409, "fines.terminal_not_matched")
    assert await batches(desk) == [(Verdict.AMOUNT_DIFFERS, detail)]
    assert await hand_in(desk) == (200, "")
    async with transaction(desk.sessions) as session:
        cases = (await session.scalars(sa.select(models.ReconciliationCase))).all()
    assert [one.device_id for one in cases] == [desk.officer.terminal_id]
