"""Requests that wait, and answers whose person lost the right while registers were asked."""

import asyncio
import base64
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa
from pydantic import HttpUrl

from app.clock import utc_now
from app.db import transaction
from app.exchange import service
from app.exchange.register import CaseReply
from app.exchange.rules.cases import CaseVerdict
from app.exchange.wire.cases import CaseRegister, CaseState
from app.identity import service as identity
from app.identity.rules.blocking import BlockReason
from sim import case_records as held
from sim.authority import Use
from sim.cases import CaseBehaviour, SimCases
from sim.district import DRIVER, INVESTIGATOR, OFFICIAL, OPERATOR
from sim.registers import SimRegisters
from tests.factories_devices import audited
from tests.factories_exchange import JUSTIFICATION, TrailThatFallsSilent
from tests.factories_identity import authority, signed_in, trust_the_authority
from tests.factories_requests import (
    CRIMINAL,
    INTERNATIONAL,
    SECOND,
    Clock,
    attach,
    body,
    give_cases,
    people,
    person_id_of,
    ports_of,
    rows,
    seed_that,
    signature,
)

LATER = timedelta(minutes=1)  # the first wait is half of it


@pytest.fixture
def registers():
    with SimRegisters() as registers:
        yield registers


@pytest.fixture
def cases():
    with SimCases() as cases:
        give_cases(cases.world)
        yield cases


@pytest.fixture
def settings(settings, registers, cases):
    return settings.model_copy(
        update={
            "registers_url": HttpUrl(registers.url),
            "case_registers_url": HttpUrl(cases.url),
            "register_timeout_seconds": 10,
            "register_failures_max": 1000,  # the breaker is another test's
            "audit_wait_seconds": 20,
        }
    )


@pytest.fixture
async def investigator(settings, sessions, client):
    trust_the_authority(settings)
    await people(sessions)
    return await signed_in(client, INVESTIGATOR)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def worker(parts, clock):
    return ports_of(parts, clock=clock)


async def ask(client, headers, basis=CRIMINAL, **changed):
    answer = await client.post("/api/requests", json=body(basis, **changed), headers=headers)
    assert answer.status_code < 500, answer.text
    return answer.json()


async def waiting(client, headers, cases, **changed):
    """Return the id of a request that waits for a register of cases that was silent."""
    cases.behave(None, CaseBehaviour.DOWN)
    told = await ask(client, headers, **changed)
    assert told["status"] == "pending_verification"
    cases.behave(None, CaseBehaviour.NORMAL)
    cases.asked.clear()
    return told["request_id"]


async def look(client, headers, request_id):
    return (await client.get(f"/api/requests/{request_id}", headers=headers)).json()


async def end_sessions(sessions, staff):
    person_id = await person_id_of(sessions, staff)
    async with transaction(sessions) as session:
        await session.execute(
            sa.text("UPDATE sessions SET ended_at = now() WHERE person_id = :id"),
            {"id": person_id},
        )


async def block(sessions, staff):
    person_id = await person_id_of(sessions, staff)
    official = await person_id_of(sessions, OFFICIAL)
    async with transaction(sessions) as session:
        await identity.block_person(
            session,
            person_id=person_id,
            reason=BlockReason.VIOLATION,
            text="-",
            by=official,
            now=utc_now(),
        )


async def test_a_register_that_comes_back_releases_the_request_to_who_asks_for_it(
    client, investigator, cases, registers, worker, clock, sessions
):
    request_id = await waiting(client, investigator, cases)
    clock.ahead = LATER

    tried = await service.verify_waiting(worker)

    told = await look(client, investigator, request_id)
    assert (tried, told["status"]) == (1, "released")
    assert told["answer"]["parts"][0]["data"]["surname"] == DRIVER.surname
    assert len(cases.asked) == len(registers.asked) == 1
    (row,) = await rows(sessions)
    assert (row.attempts, row.next_attempt_at, row.dies_at) == (2, None, None)
    assert len(await audited(sessions, "exchange.answer_viewed")) == 1


async def test_nobody_is_asked_before_the_time_has_come(client, investigator, cases, worker):
    await waiting(client, investigator, cases)

    assert await service.verify_waiting(worker) == 0
    assert len(cases.asked) == 0


async def test_a_register_that_stays_silent_is_asked_ever_less_often_until_the_request_dies(
    client, investigator, cases, worker, clock, sessions
):
    request_id = await waiting(client, investigator, cases)
    cases.behave(None, CaseBehaviour.DOWN)
    waits = []
    async with transaction(sessions) as session:  # a session as long as the test's day
        await session.execute(
            sa.text(
                "UPDATE sessions SET expires_at = now() + interval '3 days',"
                " last_seen_at = now() + interval '3 days'"
            )
        )
    for _ in range(4):
        (row,) = await rows(sessions)
        clock.ahead = row.next_attempt_at - utc_now() + timedelta(seconds=1)
        await service.verify_waiting(worker)
        waits.append((await rows(sessions))[0].next_attempt_at - row.next_attempt_at)
    clock.ahead = timedelta(hours=24)

    ended = await service.end_overdue(worker)

    assert waits == sorted(waits)
    assert waits[-1] > 3 * waits[0]
    assert ended == 1
    (row,) = await rows(sessions)
    assert (row.status, row.next_attempt_at) == ("expired", None)
    (leaf,) = await audited(sessions, "exchange.request_expired")
    assert (leaf["fields"]["check_id"], leaf["fields"]["was"]) == (
        request_id,
        "pending_verification",
    )
    assert (await look(client, investigator, request_id))["status"] == "expired"


@pytest.mark.parametrize(
    ("spoil", "refusal"),
    [
        (lambda world: world.move(held.HELD.number, CaseState.CLOSED), "RECON_CLOSED"),
        (lambda world: world.hand_over(held.HELD.number, DRIVER.iin), "RECON_NOT_YOURS"),
    ],
)
async def test_what_the_register_says_at_last_decides(
    client, investigator, cases, registers, worker, clock, spoil, refusal
):
    request_id = await waiting(client, investigator, cases)
    spoil(cases.world)
    clock.ahead = LATER

    await service.verify_waiting(worker)

    told = await look(client, investigator, request_id)
    assert (told["status"], told["refusal"]["code"]) == ("refused", refusal)
    assert len(registers.asked) == 0


@pytest.mark.parametrize(
    ("statement", "refusal"),
    [
        ("DELETE FROM access_grants WHERE person_id = :person", "USER_NOT_REGISTERED"),
        ("DELETE FROM agreement_signatures WHERE person_id = :person", "AGREEMENT_MISSING"),
        (
            "UPDATE access_grants SET services = '{vehicle}' WHERE person_id = :person",
            "ROLE_NO_SERVICE",
        ),
    ],
)
async def test_every_gate_is_asked_again_on_fresh_facts(
    client, investigator, cases, registers, worker, clock, sessions, statement, refusal
):
    request_id = await waiting(client, investigator, cases)
    async with transaction(sessions) as session:
        await session.execute(
            sa.text(statement), {"person": await person_id_of(sessions, INVESTIGATOR)}
        )
    clock.ahead = LATER

    await service.verify_waiting(worker)

    told = await look(client, investigator, request_id)
    assert (told["status"], told["refusal"]["code"]) == ("refused", refusal)
    assert len(cases.asked) == len(registers.asked) == 0


async def test_a_user_blocked_meanwhile_is_refused_and_nobody_is_asked(
    client, investigator, cases, registers, worker, clock, sessions
):
    await waiting(client, investigator, cases)
    await block(sessions, INVESTIGATOR)
    clock.ahead = LATER

    await service.verify_waiting(worker)

    (row,) = await rows(sessions)
    assert (row.status, row.refusal) == ("refused", "AUTH_NO_SESSION")
    assert len(cases.asked) == len(registers.asked) == 0


async def test_without_a_living_session_the_request_waits_and_nobody_is_asked(
    client, investigator, cases, registers, worker, clock, sessions
):
    request_id = await waiting(client, investigator, cases)
    await end_sessions(sessions, INVESTIGATOR)
    clock.ahead = LATER
    await service.verify_waiting(worker)
    (row,) = await rows(sessions)
    asked = len(cases.asked) + len(registers.asked)
    back = await signed_in(client, INVESTIGATOR)
    clock.ahead += LATER * 5

    await service.verify_waiting(worker)

    assert (row.status, asked) == ("pending_verification", 0)
    assert (await look(client, back, request_id))["status"] == "released"


async def test_two_workers_at_once_ask_and_release_once(
    client, investigator, cases, registers, parts, clock, sessions
):
    await waiting(client, investigator, cases)
    clock.ahead = LATER

    tried = await asyncio.gather(
        *(service.verify_waiting(ports_of(parts, clock=clock)) for _ in range(4))
    )

    assert sum(tried) == 1
    assert len(cases.asked) == len(registers.asked) == 1
    assert (await rows(sessions))[0].status == "released"


@dataclass
class CasesThatKill:
    """A register of cases during whose question the process is killed."""

    questions: list = field(default_factory=list)

    async def confirm(self, question):
        self.questions.append(question)
        raise asyncio.CancelledError


async def test_a_worker_killed_in_the_middle_gives_the_request_back(
    client, investigator, cases, parts, clock, sessions
):
    request_id = await waiting(client, investigator, cases)
    clock.ahead = LATER
    killed = CasesThatKill()
    with pytest.raises(asyncio.CancelledError):
        await service.verify_waiting(ports_of(parts, clock=clock, cases=killed))

    at_once = await service.verify_waiting(ports_of(parts, clock=clock))
    clock.ahead += timedelta(minutes=3)
    later = await service.verify_waiting(ports_of(parts, clock=clock))

    assert (len(killed.questions), at_once, later) == (1, 0, 1)
    assert (await look(client, investigator, request_id))["status"] == "released"
    assert (await rows(sessions))[0].attempts == 3


async def test_a_process_killed_past_the_gates_leaves_nothing_to_show(
    app, client, investigator, worker, clock, sessions, keys, parts
):
    app.state.trail = TrailThatFallsSilent(subject_key=keys.subject, leaves=[None])
    answer = await client.post("/api/requests", json=body(), headers=investigator)
    app.state.trail = parts.trail
    async with transaction(sessions) as session:  # as a kill would have left it
        await session.execute(sa.text("UPDATE register_requests SET status = 'asked'"))
    clock.ahead = timedelta(minutes=6)

    ended = await service.end_overdue(worker)

    (row,) = await rows(sessions)
    told = await look(client, investigator, row.id)
    assert (answer.status_code, ended) == (503, 1)
    assert (told["status"], told["answer"]) == ("withheld", None)
    assert len(await audited(sessions, "exchange.request_given_up")) == 1


async def test_a_drawn_request_that_nobody_justified_dies_marked_as_drawn(
    app, client, investigator, worker, clock, sessions
):
    person_id = await person_id_of(sessions, INVESTIGATOR)
    app.state.seeds = seed_that(draws=True, person_id=person_id)
    answer = await client.post("/api/requests", json=body(justification=None), headers=investigator)
    clock.ahead = timedelta(hours=24)

    await service.end_overdue(worker)

    (leaf,) = await audited(sessions, "exchange.request_expired")
    assert (answer.status_code, leaf["fields"]["drawn"]) == (409, True)
    assert (await rows(sessions))[0].extended_asked


@pytest.mark.parametrize("justified", [False, True])
async def test_only_a_draw_that_was_never_justified_is_flagged_abandoned(
    app, client, investigator, cases, worker, clock, sessions, justified
):
    person_id = await person_id_of(sessions, INVESTIGATOR)
    app.state.seeds = seed_that(draws=True, person_id=person_id)
    cases.behave(None, CaseBehaviour.DOWN)  # a justified one waits for the register, and dies too
    text = JUSTIFICATION if justified else None
    await client.post("/api/requests", json=body(justification=text), headers=investigator)
    if not justified:
        await execute(
            sessions,
            "UPDATE register_requests SET status = 'needs_justification' WHERE person_id = :id",
        )
    clock.ahead = timedelta(hours=24)

    ended = await service.end_overdue(worker)

    (row,) = await rows(sessions)
    (leaf,) = await audited(sessions, "exchange.request_expired")
    assert (ended, row.status) == (1, "expired")
    assert ("abandoned" in row.flags, "abandoned" in leaf["fields"]["flags"]) == (
        not justified,
        not justified,
    )


# The second person of an international order.


async def order(client, headers):
    told = await ask(client, headers, INTERNATIONAL)
    assert told["status"] == "needs_second_person"
    assert (await attach(client, headers, told["request_id"])).status_code == 200
    return told["request_id"]


async def document_of(client, headers, request_id):
    listed = (await client.get("/api/requests/to-confirm", headers=headers)).json()["orders"]
    (document,) = [
        base64.b64decode(one["document_base64"])
        for one in listed
        if one["request_id"] == request_id
    ]
    return document


async def confirm(client, headers, request_id, signed):
    return await client.post(
        f"/api/requests/{request_id}/confirmation", json=signed, headers=headers
    )


async def test_an_international_order_is_released_after_another_investigators_signature(
    client, investigator, worker, registers, cases, sessions
):
    request_id = await order(client, investigator)
    second = await signed_in(client, SECOND)
    document = await document_of(client, second, request_id)
    asked_before = len(registers.asked)

    confirmed = await confirm(client, second, request_id, signature(SECOND, document))
    await service.verify_waiting(worker)

    told = await look(client, investigator, request_id)
    assert confirmed.status_code == 200
    assert (told["status"], asked_before, len(cases.asked)) == ("released", 0, 0)
    (row,) = await rows(sessions)
    assert row.second_person_id == await person_id_of(sessions, SECOND)
    assert row.second_signature_id is not None
    (leaf,) = await audited(sessions, "exchange.order_confirmed")
    assert leaf["fields"]["signature_id"] == str(row.second_signature_id)
    assert DRIVER.iin.encode() not in document


async def test_who_asks_cannot_confirm_himself(client, investigator, sessions):
    request_id = await order(client, investigator)
    second = await signed_in(client, SECOND)
    document = await document_of(client, second, request_id)

    answer = await confirm(client, investigator, request_id, signature(INVESTIGATOR, document))
    listed = await client.get("/api/requests/to-confirm", headers=investigator)

    assert (answer.status_code, answer.json()["code"]) == (
        403,
        "exchange.not_the_second_person",
    )
    assert listed.json()["orders"] == []
    (leaf,) = await audited(sessions, "exchange.confirmation_refused")
    assert leaf["fields"]["code"] == "exchange.not_the_second_person"


async def test_a_subordinate_of_who_asks_cannot_confirm(client, investigator, sessions):
    request_id = await order(client, investigator)
    second = await signed_in(client, SECOND)
    document = await document_of(client, second, request_id)
    async with transaction(sessions) as session:
        await session.execute(
            sa.text(
                "INSERT INTO superiors VALUES"
                " (gen_random_uuid(), :below, :above, '2026-01-01', NULL)"
            ),
            {
                "below": await person_id_of(sessions, SECOND),
                "above": await person_id_of(sessions, INVESTIGATOR),
            },
        )

    answer = await confirm(client, second, request_id, signature(SECOND, document))

    assert answer.json()["code"] == "exchange.not_the_second_person"
    assert (await rows(sessions))[0].status == "needs_second_person"


@pytest.mark.parametrize("wrong", ["another document", "another signer", "sign-in key"])
async def test_a_wrong_signature_confirms_nothing(client, investigator, sessions, wrong):
    request_id = await order(client, investigator)
    second = await signed_in(client, SECOND)
    document = await document_of(client, second, request_id)
    login = authority().sign(SECOND, document, Use.AUTH)
    signed = {
        "another document": signature(SECOND, document + b" "),
        "another signer": signature(INVESTIGATOR, document),
        "sign-in key": {"cms": base64.b64encode(login).decode()},
    }[wrong]

    answer = await confirm(client, second, request_id, signed)

    assert answer.status_code in {403, 422}
    assert answer.json()["code"].startswith("identity.")
    assert (await rows(sessions))[0].status == "needs_second_person"


async def test_a_signature_is_good_for_its_own_order_alone_and_once(client, investigator, sessions):
    first, other = await order(client, investigator), await order(client, investigator)
    second = await signed_in(client, SECOND)
    signed = signature(SECOND, await document_of(client, second, first))

    elsewhere = await confirm(client, second, other, signed)
    here = await confirm(client, second, first, signed)
    again = await confirm(client, second, first, signed)

    assert [one.status_code for one in (elsewhere, here, again)] == [422, 200, 409]
    assert [row.status for row in await rows(sessions)] == [
        "pending_verification",
        "needs_second_person",
    ]


async def test_an_order_of_another_department_is_as_good_as_absent(client, investigator):
    request_id = await order(client, investigator)
    stranger = await signed_in(client, OPERATOR)

    answer = await confirm(client, stranger, request_id, signature(OPERATOR, b"-"))

    assert answer.status_code == 403  # the operator is no investigator: not admitted at all


# The right lost while registers are asked.


@dataclass
class RegistersWhile:
    """Registers during whose question something happens."""

    registers: object
    happens: object
    done: bool = False

    async def ask(self, *, register, request):
        if not self.done:
            self.done = True
            await self.happens()
        return await self.registers.ask(register=register, request=request)


LOSSES = {
    "blocked": lambda sessions: block(sessions, INVESTIGATOR),
    "session ended": lambda sessions: end_sessions(sessions, INVESTIGATOR),
    "rights cut": lambda sessions: execute(
        sessions, "UPDATE access_grants SET services = '{}' WHERE person_id = :id"
    ),
    "post ended": lambda sessions: execute(
        sessions, "UPDATE posts SET valid_to = '2026-01-02' WHERE person_id = :id"
    ),
}


async def execute(sessions, statement):
    person_id = await person_id_of(sessions, INVESTIGATOR)
    async with transaction(sessions) as session:
        await session.execute(sa.text(statement), {"id": person_id})


@pytest.mark.parametrize("loss", LOSSES)
async def test_a_right_lost_while_registers_are_asked_withholds_the_answer(
    app, client, investigator, sessions, parts, loss
):
    app.state.registers = RegistersWhile(parts.registers, lambda: LOSSES[loss](sessions))

    answer = await client.post("/api/requests", json=body(), headers=investigator)

    # Where the watch over sessions was first, it has cut the call already.
    told = (answer.status_code, answer.json()["code"])
    assert told in {(403, "exchange.answer_withheld"), (401, "identity.session_over")}
    assert DRIVER.surname not in answer.text
    (row,) = await rows(sessions)
    assert (row.status, row.released_at) == ("withheld", None)
    (leaf,) = await audited(sessions, "exchange.answer_withheld")
    assert leaf["fields"]["check_id"] == str(row.id)


async def test_a_release_waits_for_a_block_under_way_and_then_sees_it(
    app, client, investigator, sessions, parts
):
    person_id = await person_id_of(sessions, INVESTIGATOR)
    official = await person_id_of(sessions, OFFICIAL)
    blocking = sessions()

    async def block_begins():
        now, reason = utc_now(), BlockReason.VIOLATION
        await identity.block_person(
            blocking, person_id=person_id, reason=reason, text="-", by=official, now=now
        )

    app.state.registers = RegistersWhile(parts.registers, block_begins)
    asking = asyncio.create_task(client.post("/api/requests", json=body(), headers=investigator))
    async with asyncio.timeout(30):
        while [one.status for one in await rows(sessions)] != ["asked"]:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.05)
    await asyncio.sleep(2)  # long enough for a release that would not wait
    (before,) = await rows(sessions)

    await blocking.commit()
    await blocking.close()
    answer = await asking

    assert before.status == "asked"
    assert answer.status_code in {401, 403}
    assert (await rows(sessions))[0].status == "withheld"


@pytest.mark.parametrize("race", range(6))
async def test_nothing_is_released_after_a_block_has_been_committed(
    client, investigator, sessions, race
):
    async def blocked_a_little_later():
        await asyncio.sleep(0.01 * race)
        await block(sessions, INVESTIGATOR)
        return utc_now()

    answer, committed_at = await asyncio.gather(
        client.post("/api/requests", json=body(), headers=investigator), blocked_a_little_later()
    )

    released = [row.released_at for row in await rows(sessions) if row.status == "released"]
    assert all(at <= committed_at for at in released)
    assert released or answer.status_code in {401, 403}


@dataclass
class CasesSay:
    """A register of cases that gives one verdict after something has happened."""

    happens: object

    async def confirm(self, question):
        await self.happens()
        del question
        return CaseReply(verdict=CaseVerdict.CONFIRMED, message_id=uuid4())


async def test_a_user_blocked_while_his_case_is_verified_is_refused(
    client, investigator, cases, parts, clock, sessions, registers
):
    await waiting(client, investigator, cases)
    clock.ahead = LATER
    slow = CasesSay(lambda: block(sessions, INVESTIGATOR))

    await service.verify_waiting(ports_of(parts, clock=clock, cases=slow))

    (row,) = await rows(sessions)
    assert (row.status, row.refusal) == ("refused", "USER_BLOCKED")
    assert len(registers.asked) == 0
    assert CaseRegister.ERDR.value == row.case_register
