"""End of day at a terminal: ordered by the unit's keeper or clerk, told once, kept as told."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from app.db import transaction
from fines import models
from fines.service import totals as service
from fines.wire import protocol
from fines.wire.protocol import BrandTotals, OrderKind, Totals
from sim.district import KEEPER
from tests import factories_fines as make
from tests.api.test_offence_records import desk_of
from tests.factories_bodycam import principal_of
from tests.factories_devices import audited

AT = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)
TOTALS = Totals(
    terminal_number=make.TERMINAL_NUMBER,
    closed_at=AT,
    receipt_from=1,
    receipt_to=3,
    count=3,
    sum_tiyn=3_243_750,
    brands={"VISA": BrandTotals(count=3, sum_tiyn=3_243_750)},
)


@pytest.fixture
async def keeper(sessions, officer):
    assert officer.terminal_id
    return await principal_of(sessions, KEEPER)


async def want(app, keeper, officer, *, now=None):
    return await service.want_totals(
        desk_of(app), caller=keeper, device_id=officer.terminal_id, now=now or datetime.now(UTC)
    )


async def test_the_agent_is_ordered_to_close_the_day_and_its_totals_are_kept(
    app, officer, keeper, sessions
):
    wanted = await want(app, keeper, officer)

    order = await officer.agent_next()
    answers = [
        await officer.agent_post(protocol.PATH_TOTALS, TOTALS, order.order_id) for _ in range(2)
    ]

    assert (order.kind, order.order_id) == (OrderKind.RECONCILE, wanted["order_id"])
    assert (order.payment_id, order.payer_iin, order.amount_tiyn) == (None, "", 0)
    assert [one.status_code for one in answers] == [200, 200]
    assert await officer.agent_next() is None
    read = await service.read_totals(desk_of(app), caller=keeper, device_id=officer.terminal_id)
    assert [(one["count"], one["sum_tiyn"], one["receipt_to"]) for one in read] == [
        (3, 3_243_750, 3)
    ]
    async with transaction(sessions) as session:
        assert await session.scalar(sa.select(sa.func.count(models.TerminalTotals.id))) == 1
    assert len(await audited(sessions, "fines.totals_wanted")) == 1
    assert len(await audited(sessions, "fines.totals_taken")) == 1


async def test_other_totals_for_the_same_order_are_refused(app, officer, keeper):
    await want(app, keeper, officer)
    order = await officer.agent_next()
    await officer.agent_post(protocol.PATH_TOTALS, TOTALS, order.order_id)

    other = TOTALS.model_copy(update={"sum_tiyn": TOTALS.sum_tiyn - 1})
    answer = await officer.agent_post(protocol.PATH_TOTALS, other, order.order_id)

    assert (answer.status_code, answer.json()["code"]) == (409, "fines.report_differs")


async def test_totals_kept_are_never_changed(app, officer, keeper, sessions):
    await want(app, keeper, officer)
    order = await officer.agent_next()
    await officer.agent_post(protocol.PATH_TOTALS, TOTALS, order.order_id)

    with pytest.raises(DBAPIError):
        async with transaction(sessions) as session:
            await session.execute(sa.update(models.TerminalTotals).values(sum_tiyn=1))


async def test_many_who_want_totals_at_once_give_one_order(app, officer, keeper):
    orders = await asyncio.gather(*(want(app, keeper, officer) for _ in range(6)))

    assert len({one["order_id"] for one in orders}) == 1


async def test_an_order_nobody_answered_in_time_gives_way_to_a_new_one(app, officer, keeper):
    stale = await want(app, keeper, officer, now=datetime.now(UTC) - timedelta(days=1))

    fresh = await want(app, keeper, officer)

    order = await officer.agent_next()
    assert order.order_id == fresh["order_id"] != stale["order_id"]


@pytest.mark.parametrize("which", ["tablet", "nobody's", "another unit's"])
async def test_only_a_terminal_of_the_own_unit_has_totals(app, officer, keeper, which):
    device_id = {"tablet": officer.tablet_id, "nobody's": uuid4()}.get(which, officer.terminal_id)
    caller = keeper
    if which == "another unit's":
        caller = type(keeper)(department_id=uuid4(), post_id=keeper.post_id)

    with pytest.raises(service.TerminalNotFound):
        await service.want_totals(
            desk_of(app), caller=caller, device_id=device_id, now=datetime.now(UTC)
        )


async def test_an_order_of_another_kind_or_terminal_takes_no_totals(officer, sessions, keys):
    record_id = await make.with_receipt(sessions, keys, officer)
    await make.begun(officer, record_id)
    sale = await officer.agent_next()

    answer = await officer.agent_post(protocol.PATH_TOTALS, TOTALS, sale.order_id)

    assert (answer.status_code, answer.json()["code"]) == (404, "fines.order_not_found")


async def test_a_sale_is_ordered_before_the_day_is_closed(app, officer, keeper, sessions, keys):
    await want(app, keeper, officer)
    record_id = await make.with_receipt(sessions, keys, officer)
    await make.begun(officer, record_id)

    assert (await officer.agent_next()).kind is OrderKind.SALE
