"""One fine, one payment, however many ask at once (T10, T11, T12)."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa

from app.db import transaction
from devices.models import Assignment, Device
from fines import models
from fines.service import expire_orders
from fines.wire.protocol import Result
from sim.district import SECOND_OFFICER
from tests import factories_fines as make
from tests.api.test_offence_records import desk_of

AT_ONCE = 50
KEYS = 5  # rounds here; `make nightly` asks for --rounds 20, so the hundred of T10
BODIES = 20
PAIRS = 50
FINES = 5  # that two officers want paid at one time; --rounds 20 makes it a hundred


@pytest.fixture
def rounds(request):
    return request.config.getoption("--rounds")


@pytest.fixture
async def other(sessions, client, officer):
    """A second officer with a terminal of his own."""
    assert officer
    return await make.officer(
        sessions, client, SECOND_OFFICER, terminal_number=make.OTHER_TERMINAL_NUMBER
    )


@pytest.fixture
async def record_id(sessions, keys, officer):
    return await make.with_receipt(sessions, keys, officer)


async def pay(officer, record_id, key):
    body = {"offence_record_id": record_id}
    return await officer.post("/api/payments", body, headers={"Idempotency-Key": key})


async def payments(sessions):
    async with transaction(sessions) as session:
        return await session.scalar(sa.select(sa.func.count(models.Payment.id)))


async def withdraw(app):
    """Let the sale that no agent takes run out, so that the record is payable again."""
    await expire_orders(desk_of(app), datetime.now(UTC) + timedelta(minutes=2))


@pytest.mark.nightly
async def test_fifty_requests_with_one_key_make_one_payment_each_round(
    app, officer, record_id, sessions, rounds
):
    for number in range(1, KEYS * rounds + 1):
        key = uuid4().hex

        answers = await asyncio.gather(*(pay(officer, record_id, key) for _ in range(AT_ONCE)))

        assert {one.status_code for one in answers} == {202}
        assert len({one.text for one in answers}) == 1
        assert await payments(sessions) == number
        await withdraw(app)


async def test_a_key_with_another_body_or_another_officer_is_refused(
    officer, other, record_id, sessions, keys
):
    others_record = await make.with_receipt(sessions, keys, other)
    own_other = await make.with_receipt(sessions, keys, officer)
    key = uuid4().hex
    first = await pay(officer, record_id, key)

    tries = [
        asyncio.gather(
            pay(officer, own_other, key),
            pay(other, others_record, key),
            pay(other, record_id, key),
            pay(officer, str(uuid4()), key),
        )
        for _ in range(BODIES // 4)
    ]
    answers = [answer for four in await asyncio.gather(*tries) for answer in four]

    assert len(answers) == BODIES
    assert {one.status_code for one in answers} == {409}
    assert {one.json()["code"] for one in answers} == {"fines.idempotency_key_reused"}
    assert (await pay(officer, record_id, key)).json() == first.json()
    assert await payments(sessions) == 1


async def test_of_two_sales_of_one_fine_one_wins_and_the_other_sees_no_card(
    app, officer, record_id, sessions, rounds
):
    outcomes = []
    for _ in range(PAIRS * rounds):
        answers = await asyncio.gather(
            pay(officer, record_id, uuid4().hex), pay(officer, record_id, uuid4().hex)
        )
        outcomes.append(sorted(one.status_code for one in answers))
        refused = [one.json()["code"] for one in answers if one.status_code == 409]
        assert refused == ["fines.payment_in_flight"]
        await withdraw(app)

    assert outcomes == [[202, 409]] * (PAIRS * rounds)
    assert await orders(sessions) == PAIRS * rounds


async def another_terminal(officer, sessions):
    """Put another terminal into the officer's hands instead of his own, by rows."""
    async with transaction(sessions) as session:
        first = await session.get_one(Device, officer.terminal_id)
        second = Device(
            **{
                one.key: getattr(first, one.key)
                for one in Device.__table__.columns
                if one.key not in {"id", "inventory_number", "serial_number", "terminal_number"}
            },
            id=uuid4(),
            inventory_number=uuid4().hex[:20],
            serial_number=uuid4().hex[:20],
            terminal_number=make.OTHER_TERMINAL_NUMBER,
        )
        session.add(second)
        await session.flush()
        await session.execute(
            sa.update(Assignment)
            .where(Assignment.device_id == first.id)
            .values(device_id=second.id)
        )


async def test_two_terminals_in_one_hand_do_not_pay_one_fine_twice(officer, record_id, sessions):
    await make.begun(officer, record_id)
    order, answer = await make.approved(officer)
    await another_terminal(officer, sessions)

    second = await pay(officer, record_id, uuid4().hex)
    await make.ended(officer, order, make.outcome(Result.COMPLETED))
    third = await pay(officer, record_id, uuid4().hex)

    assert answer.accepted
    assert second.json()["code"] == "fines.payment_in_flight"
    assert third.json()["code"] == "fines.already_paid"


@pytest.mark.nightly
@pytest.mark.parametrize("kind", ["record", "register fine"])
async def test_of_two_officers_with_a_terminal_each_one_takes_the_fine(
    officer, other, sessions, keys, rounds, kind
):
    pairs = FINES * rounds
    decisions = [f"26475{number:010d}" for number in range(pairs)]
    owes = [make.OWED | {"decision_number": one} for one in decisions]
    checks = {}
    for one in (officer, other):
        checks[one.post_id] = str(await make.check(sessions, keys, one, owes=owes))
    for number, decision in enumerate(decisions):
        fine = {"decision_number": decision}
        if kind == "record":
            record = await make.with_receipt(sessions, keys, officer, **make.PLAIN)
            fine = {"offence_record_id": record}
        turn = [officer, other][:: 1 if number % 2 else -1]

        answers = await asyncio.gather(*(want(one, fine, checks) for one in turn))

        assert sorted(one.status_code for one in answers) == [202, 409]
        winner, loser = turn if answers[0].status_code == 202 else turn[::-1]
        refused = next(one.json() for one in answers if one.status_code == 409)
        assert refused["code"] == "fines.payment_in_flight"
        assert await loser.agent_next() is None  # no card is asked for at his terminal
        await sold(winner, number)
        late = await want(loser, fine, checks)
        assert late.json()["code"] == "fines.already_paid"

    assert await payments(sessions) == await orders(sessions) == pairs


async def want(officer, fine, checks):
    """Ask for a fine to be paid on the strength of the officer's own check of the person."""
    body = fine | {"check_id": checks[officer.post_id]}
    return await officer.post("/api/payments", body, headers={"Idempotency-Key": uuid4().hex})


async def sold(officer, number):
    """Let the officer's terminal sell what it was ordered to, to both papers."""
    proof = {"rrn": f"{number:012d}", "receipt_number": number + 1, "trace_number": number + 1}
    order, answer = await make.approved(officer, **proof)
    slips = await make.ended(officer, order, make.outcome(Result.COMPLETED))
    await make.printed(officer, order, slips)
    assert answer.accepted


async def orders(sessions):
    async with transaction(sessions) as session:
        return await session.scalar(sa.select(sa.func.count(models.TerminalOrder.id)))
