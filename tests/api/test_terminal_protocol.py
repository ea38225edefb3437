"""The server's side of the terminal agent's protocol: every report repeatable, fail closed."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa

from app.db import transaction
from fines import models
from fines.service import expire_orders
from fines.wire import protocol
from fines.wire.protocol import OrderKind, OwnerVerdict, Reason, Result
from fines.wire.slip import SlipKind
from sim.district import SECOND_OFFICER
from tests import factories_fines as make
from tests.api.test_offence_records import desk_of
from tests.api.test_payments import view

STARTED = protocol.Started(at=datetime(2026, 11, 22, 6, 0, tzinfo=UTC))


@pytest.fixture
async def payment_id(sessions, keys, officer):
    record_id = await make.with_receipt(sessions, keys, officer)
    return await make.begun(officer, record_id)


async def due_now(sessions):
    """Bring every waiting order forward to now."""
    async with transaction(sessions) as session:
        await session.execute(
            sa.update(models.TerminalOrder).values(
                not_before=datetime.now(UTC) - timedelta(seconds=1)
            )
        )


async def test_hello_is_kept(officer, sessions):
    message = protocol.Hello(agent_version="1.0", terminal_number="52500042", driver="zvt")

    for _ in range(2):
        answer = await officer.agent_post(protocol.PATH_HELLO, message)
        assert answer.status_code == 204

    async with transaction(sessions) as session:
        assert await session.scalar(sa.select(models.TerminalHello.driver)) == "zvt"


async def test_without_an_order_the_answer_is_empty_after_the_wait(officer):
    before = time.monotonic()

    order = await officer.agent_next(wait_seconds=0.4)

    assert order is None
    assert 0.3 < time.monotonic() - before < 20  # as long as it waits when nothing is said


async def test_a_waiting_agent_holds_no_connection(officer, app):
    pool = app.state.sessions.kw["bind"].pool
    waiting = asyncio.create_task(officer.agent_next(wait_seconds=1))
    samples = []

    for _ in range(20):
        await asyncio.sleep(0.03)
        samples.append(pool.checkedout())

    assert await waiting is None
    # The sequencer keeps one; a poll takes one for an instant, and never keeps it.
    assert min(samples) <= 1


async def test_an_order_made_while_waiting_arrives(officer, sessions, keys):
    record_id = await make.with_receipt(sessions, keys, officer)
    waiting = asyncio.create_task(officer.agent_next(wait_seconds=20))
    await asyncio.sleep(0.3)

    payment_id = await make.begun(officer, record_id)

    order = await asyncio.wait_for(waiting, 30)
    assert (order.kind, str(order.payment_id)) == (OrderKind.SALE, payment_id)


@pytest.mark.usefixtures("payment_id")
async def test_an_order_is_given_again_until_it_is_started(officer):
    first, again = await officer.agent_next(), await officer.agent_next()
    await officer.agent_post(protocol.PATH_STARTED, STARTED, first.order_id)

    after = await officer.agent_next()

    assert first == again
    assert after is None


@pytest.mark.usefixtures("payment_id")
async def test_started_is_answered_the_same_twice(officer):
    order = await officer.agent_next()

    answers = [
        await officer.agent_post(protocol.PATH_STARTED, STARTED, order.order_id) for _ in range(2)
    ]

    assert [one.json() for one in answers] == [{"may_start": True}] * 2


async def test_a_withdrawn_sale_may_not_start(officer, payment_id, app):
    order = await officer.agent_next()
    await expire_orders(desk_of(app), datetime.now(UTC) + timedelta(minutes=2))

    answer = await officer.agent_post(protocol.PATH_STARTED, STARTED, order.order_id)

    assert answer.json() == {"may_start": False}
    assert (await view(officer, payment_id))["status"] == "declined"


async def test_an_approval_is_committed_before_it_is_accepted(officer, payment_id):
    order, answer = await make.approved(officer)

    assert answer.accepted
    assert [slip.copy_number for slip in answer.slips] == [1, 2]
    seen = await view(officer, payment_id)
    assert (seen["status"], seen["paid"]) == ("approved", False)
    assert order.amount_tiyn == seen["amount_tiyn"]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"owner_verdict": OwnerVerdict.NO_MATCH}, Reason.THIRD_PARTY_CARD),
        ({"owner_verdict": OwnerVerdict.UNKNOWN}, Reason.OWNERSHIP_UNPROVEN),
        ({"owner_verdict": OwnerVerdict.NOT_SUPPORTED}, Reason.OWNERSHIP_UNPROVEN),
        ({"amount_tiyn": 1}, Reason.SERVER_REFUSED),
        ({"currency": "840"}, Reason.SERVER_REFUSED),
        ({"terminal_number": "99999999"}, Reason.SERVER_REFUSED),
        ({"rrn": ""}, Reason.SERVER_REFUSED),
        ({"approval_code": " "}, Reason.SERVER_REFUSED),
    ],
)
async def test_what_is_not_proven_is_not_accepted(officer, payment_id, changed, reason):
    order, answer = await make.approved(officer, **changed)
    slips = await make.ended(officer, order, make.outcome(Result.REVERSED, Reason.SERVER_REFUSED))

    assert (answer.accepted, answer.reason, answer.slips) == (False, reason, ())
    seen = await view(officer, payment_id)
    assert (seen["status"], seen["reason"], seen["paid"]) == ("reversed", reason.value, False)
    assert [slip.kind for slip in slips] == [SlipKind.REVERSED]


@pytest.mark.usefixtures("payment_id")
async def test_an_approval_is_answered_the_same_twice_and_another_is_refused(officer):
    order, first = await make.approved(officer)
    message = make.approval(order.amount_tiyn)

    again = await officer.agent_post(protocol.PATH_APPROVAL, message, order.order_id)
    other = await officer.agent_post(
        protocol.PATH_APPROVAL,
        message.model_copy(update={"rrn": "632612000099"}),
        order.order_id,
    )

    assert protocol.ApprovalAnswer.model_validate_json(again.content) == first
    assert (other.status_code, other.json()["code"]) == (409, "fines.report_differs")


@pytest.mark.usefixtures("payment_id")
async def test_an_approval_of_a_sale_never_started_is_not_accepted(officer):
    order = await officer.agent_next()

    answer = await officer.agent_post(
        protocol.PATH_APPROVAL, make.approval(order.amount_tiyn), order.order_id
    )

    assert answer.json()["accepted"] is False


async def test_an_approval_after_the_sale_was_given_up_is_taken_back(officer, payment_id, app):
    order = await make.started(officer)
    await expire_orders(desk_of(app), datetime.now(UTC) + timedelta(minutes=5))

    answer = await officer.agent_post(
        protocol.PATH_APPROVAL, make.approval(order.amount_tiyn), order.order_id
    )
    await make.ended(officer, order, make.outcome(Result.REVERSED))

    assert answer.json()["accepted"] is False
    assert (await view(officer, payment_id))["status"] == "reversed"


@pytest.mark.usefixtures("payment_id")
async def test_an_outcome_is_answered_the_same_twice_and_another_is_refused(officer):
    order, _ = await make.approved(officer)

    first = await make.ended(officer, order, make.outcome(Result.COMPLETED))
    again = await make.ended(officer, order, make.outcome(Result.COMPLETED))
    other = await officer.agent_post(
        protocol.PATH_OUTCOME, make.outcome(Result.REVERSED), order.order_id
    )

    assert first == again
    assert (other.status_code, other.json()["code"]) == (409, "fines.report_differs")


async def test_a_sale_reversed_after_its_approval_is_not_paid(officer, payment_id):
    order, answer = await make.approved(officer)

    slips = await make.ended(officer, order, make.outcome(Result.REVERSED, Reason.LINE_SILENT))

    assert answer.accepted
    seen = await view(officer, payment_id)
    assert (seen["status"], seen["paid"], seen["reason"]) == ("reversed", False, "line_silent")
    assert {one["kind"] for one in seen["slips"]} == {"reversed"}
    words = " ".join(line.text for line in slips[0].lines)
    assert "ТӨЛЕНГЕН ЖОҚ" in words


async def test_completed_without_an_approval_is_unknown_until_the_memory_proves_it(
    officer, payment_id, sessions
):
    order = await make.started(officer)
    await make.ended(officer, order, make.outcome(Result.COMPLETED))
    unknown = await view(officer, payment_id)
    settle = await officer.agent_next()
    proof = make.approval(order.amount_tiyn)
    at_once = await make.ended(officer, settle, make.outcome(Result.COMPLETED, approval=proof))
    await due_now(sessions)
    papers = await officer.agent_next()
    await make.printed(officer, papers, papers.slips)

    assert unknown["status"] == "unknown"
    assert (settle.kind, settle.original_order_id) == (OrderKind.LAST_RESULT, order.order_id)
    assert at_once == ()
    assert (papers.kind, len(papers.slips)) == (OrderKind.PRINT, 2)
    seen = await view(officer, payment_id)
    assert (seen["status"], seen["paid"]) == ("slips_printed", True)


@pytest.mark.parametrize("result", [Result.REVERSED, Result.DECLINED])
async def test_unknown_is_settled_as_not_paid_by_the_memory(officer, payment_id, sessions, result):
    order = await make.started(officer)
    await make.ended(officer, order, make.outcome(Result.UNKNOWN, Reason.LINE_SILENT))
    settle = await officer.agent_next()

    await make.ended(officer, settle, make.outcome(result, Reason.LINE_SILENT))
    await due_now(sessions)
    papers = await officer.agent_next()

    assert (await view(officer, payment_id))["status"] == "reversed"
    assert [slip.kind for slip in papers.slips] == [SlipKind.REVERSED]


async def test_a_memory_that_does_not_know_is_asked_again(officer, payment_id, sessions):
    order = await make.started(officer)
    await make.ended(officer, order, make.outcome(Result.UNKNOWN))
    settle = await officer.agent_next()
    await make.ended(officer, settle, make.outcome(Result.UNKNOWN))
    pause = await officer.agent_next()
    await due_now(sessions)

    again = await officer.agent_next()

    assert pause is None
    assert again.kind is OrderKind.LAST_RESULT
    assert again.order_id != settle.order_id
    assert (await view(officer, payment_id))["status"] == "unknown"


async def test_a_strangers_card_in_the_memory_stays_unknown(officer, payment_id):
    order = await make.started(officer)
    await make.ended(officer, order, make.outcome(Result.UNKNOWN))
    settle = await officer.agent_next()
    proof = make.approval(order.amount_tiyn, owner_verdict=OwnerVerdict.NO_MATCH)

    await make.ended(officer, settle, make.outcome(Result.COMPLETED, approval=proof))

    seen = await view(officer, payment_id)
    assert (seen["status"], seen["reason"]) == ("unknown", "third_party_card")
    assert seen["paid"] is False


async def test_slips_without_paper_are_wanted_again(officer, payment_id, sessions):
    order, _ = await make.approved(officer)
    slips = await make.ended(officer, order, make.outcome(Result.COMPLETED))
    await make.printed(officer, order, slips[:1], Reason.NO_PAPER)
    half = await view(officer, payment_id)
    await due_now(sessions)

    papers = await officer.agent_next()
    await make.printed(officer, papers, papers.slips)
    await make.printed(officer, papers, papers.slips)

    assert (half["status"], half["paid"]) == ("approved", True)
    assert (papers.kind, papers.slips) == (OrderKind.PRINT, slips[1:])
    assert (await view(officer, payment_id))["status"] == "slips_printed"
    assert await officer.agent_next() is None


@pytest.mark.usefixtures("payment_id")
async def test_another_terminals_order_is_as_if_it_were_not_there(officer, sessions, client):
    order = await officer.agent_next()
    other = await make.officer(
        sessions, client, SECOND_OFFICER, terminal_number=make.OTHER_TERMINAL_NUMBER
    )
    reports = [
        (protocol.PATH_STARTED, STARTED),
        (protocol.PATH_APPROVAL, make.approval(1)),
        (protocol.PATH_OUTCOME, make.outcome(Result.UNKNOWN)),
        (protocol.PATH_PRINTED, protocol.Printed(slip_ids=(), at=STARTED.at)),
    ]

    answers = [await other.agent_post(path, body, order.order_id) for path, body in reports]

    assert {one.status_code for one in answers} == {404}
    assert {one.json()["code"] for one in answers} == {"fines.order_not_found"}
    assert await other.agent_next() is None


async def test_a_tablet_is_no_terminal_and_nobody_is_neither(officer, client):
    order_id = uuid4()
    tablet = {"Device-Credential": officer.headers["Device-Credential"]}
    path = protocol.PATH_STARTED.format(order_id=order_id)

    as_tablet = await client.post(path, json=STARTED.model_dump(mode="json"), headers=tablet)
    as_nobody = await client.post(path, json=STARTED.model_dump(mode="json"))

    assert (as_tablet.status_code, as_nobody.status_code) == (403, 401)
