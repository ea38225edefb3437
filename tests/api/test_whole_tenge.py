"""A terminal that takes whole tenge only is never ordered to sell a sum with tiyn."""

from datetime import UTC, datetime

import sqlalchemy as sa

from app.clock import law_date
from app.db import transaction
from fines import models
from fines.rules.proceedings import CourseStage, DecidedPenalty
from fines.wire import protocol
from tests import factories_fines as make
from tests.api.test_offence_records import events


async def said_hello(officer, driver):
    hello = protocol.Hello(agent_version="1.2", terminal_number="52500042", driver=driver)
    assert (await officer.agent_post(protocol.PATH_HELLO, hello)).status_code == 204


async def decided(sessions, officer, keys, *, fine_tiyn):
    """Draw up a record whose fine was decided and is in force."""
    record = await make.drawn_up(sessions, keys, officer)
    path = f"/api/offence-records/{record['offence_record_id']}/ordinary"
    assert (await officer.post(path)).status_code == 204
    async with transaction(sessions) as session:
        case = await session.get_one(models.OrdinaryCase, record["offence_record_id"])
        case.stage, case.handed_on_at = CourseStage.WITH_BODY, datetime.now(UTC)
        await session.flush()
        case.stage, case.decision_number = CourseStage.DECIDED, "D-1"
        case.penalty, case.fine_tiyn = DecidedPenalty.FINE, fine_tiyn
        case.decided_on = case.in_force_on = law_date(datetime.now(UTC))
    return record["offence_record_id"]


async def test_a_sum_with_tiyn_is_refused_before_an_order_where_the_terminal_takes_none(
    officer, sessions, keys
):
    record_id = await decided(sessions, officer, keys, fine_tiyn=1_081_250)
    await said_hello(officer, "kaspi")
    body = {"offence_record_id": record_id}

    refused = await officer.post("/api/payments", body, headers={"Idempotency-Key": "with-tiyn"})

    problem = refused.json()
    assert (refused.status_code, problem["code"]) == (409, "fines.terminal_takes_no_tiyn")
    assert problem["cure"].startswith("Use another terminal")
    assert await officer.agent_next() is None
    async with transaction(sessions) as session:
        for left in (models.Payment, models.TerminalOrder):
            assert await session.scalar(sa.select(sa.func.count()).select_from(left)) == 0
    assert "fines.payment_refused" in await events(sessions)
    await said_hello(officer, "zvt")  # another terminal: the same fine, under the same key
    done = await officer.post("/api/payments", body, headers={"Idempotency-Key": "with-tiyn"})
    assert (done.status_code, done.json()["amount_tiyn"]) == (202, 1_081_250)


async def test_a_terminal_of_whole_tenge_takes_a_sum_of_whole_tenge(officer, sessions, keys):
    record_id = await decided(sessions, officer, keys, fine_tiyn=1_081_200)
    await said_hello(officer, "kaspi")

    done = await officer.post(
        "/api/payments",
        {"offence_record_id": record_id},
        headers={"Idempotency-Key": "whole-tenge"},
    )

    assert done.status_code == 202
