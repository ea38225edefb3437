"""Courts ask and answer over their own channel, with the person behind the call."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa
from pydantic import HttpUrl

from app.access import Principal, Role
from app.clock import utc_now
from app.db import transaction
from app.exchange.api import make_ports
from app.exchange.models import CourtSanctionRow, RegisterRequestRow
from app.exchange.rules.sanctions import SanctionStatus
from app.exchange.service import SanctionInput, draft_sanction, end_overdue, verify_waiting
from app.exchange.wire.cases import CaseRegister
from app.identity.models import BlockRow, Person
from app.identity.rules.blocking import BlockReason
from app.identity.service import post_of_iin
from sim.case_records import COURT_CRIMINAL, COURT_OF_ANOTHER
from sim.cases import CaseBehaviour, SimCases
from sim.district import ADMINISTRATOR, COURT, COURT_STAFF, FIRM, JUDGE, KEEPER, OFFICER
from sim.registers import SimRegisters
from tests.factories_access import iin
from tests.factories_courts import court, eaias, request
from tests.factories_devices import enrolled
from tests.factories_identity import signed_in, trust_the_authority

FUTURE = "2099-01-01T00:00:00Z"
COLLEAGUE = replace(JUDGE, key="judge-2", iin=iin(7001), badge="COURT-12")


@pytest.fixture(scope="module")
def registers():
    with SimRegisters() as running:
        yield running


@pytest.fixture
def cases():
    with SimCases() as running:
        yield running


@pytest.fixture
def settings(settings, registers, cases):
    return settings.model_copy(
        update={
            "registers_url": HttpUrl(registers.url),
            "case_registers_url": HttpUrl(cases.url),
            "register_timeout_seconds": 5,
            "audit_wait_seconds": 20,
        }
    )


@pytest.fixture
async def system(client, settings, sessions):
    trust_the_authority(settings)
    await court(sessions, staff=(*COURT_STAFF, COLLEAGUE))
    return await eaias(client, settings)


@pytest.fixture
def ports(parts):
    return make_ports(
        sessions=parts.sessions,
        direct=parts.direct,
        trail=parts.trail,
        keys=parts.keys,
        settings=parts.settings,
        registers=parts.registers,
        cases=parts.case_registers,
        seeds=parts.seeds,
        surroundings=parts.surroundings,
        device_standing=None,
    )


async def rows(sessions):
    async with transaction(sessions) as session:
        ordered = sa.select(RegisterRequestRow).order_by(RegisterRequestRow.received_at)
        return list(await session.scalars(ordered))


async def block(sessions, staff):
    async with transaction(sessions) as session:
        person = await session.scalar(sa.select(Person).where(Person.iin == staff.iin))
        by = await session.scalar(sa.select(Person).where(Person.iin == OFFICER.iin))
        blocked = BlockRow(
            id=uuid4(),
            person_id=person.id,
            reason=BlockReason.VIOLATION,
            text="-",
            blocked_at=datetime.now(UTC),
            blocked_by=by.id,
        )
        session.add(blocked)


def code(answer):
    body = answer.json()
    return body.get("refusal") or body["code"]


async def test_a_judge_asks_in_a_case_of_his_court(system, sessions, cases):
    answer = await system.ask()

    (row,) = await rows(sessions)
    body = answer.json()
    assert (answer.status_code, body["status"]) == (200, "released")
    assert body["answer"]["bin"] == FIRM.bin
    assert body["answer"]["parts"][0]["data"]["name_ru"] == FIRM.name_ru
    assert (row.basis.value, row.case_register, row.hit) == ("CIVIL_COURT", "eaias", True)
    assert [one.number for one in cases.asked] == ["7527-26-00-2/303"]


async def test_the_register_is_told_of_the_person_and_not_of_the_system(system, registers):
    await system.ask()

    assert registers.asked[-1].basis == "CIVIL_COURT"


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({"case_number": COURT_OF_ANOTHER.number}, "RECON_NOT_YOURS"),
        ({"case_number": "7527-26-00-2/999"}, "RECON_NO_CASE"),
        ({"case_number": COURT_CRIMINAL.number}, "RECON_NO_CASE"),
        ({"year": 2025}, "RECON_NO_CASE"),
        ({"year": None}, "FIELDS_YEAR"),
        ({"court": ""}, "FIELDS_COURT"),
        ({"basis": "CRIMINAL_CASE", "year": None, "court": ""}, "LIST_NOT_FOR_COURTS"),
        ({"basis": "PRIMARY_CHECK", "year": None, "court": ""}, "LIST_NOT_FOR_COURTS"),
        ({"basis": "COURT_OTHER"}, "BASIS_CLOSED"),
    ],
)
async def test_the_same_gates_stand_in_a_courts_way(system, sessions, registers, changed, refusal):
    before = len(registers.asked)

    answer = await system.ask(request=request(**changed))

    (row,) = await rows(sessions)
    assert code(answer) == refusal
    assert (row.status.value, row.refusal.value) == ("refused", refusal)
    assert len(registers.asked) == before


async def test_a_replay_asks_nobody(system, registers, cases):
    body = system.body()
    first = await system.send(body)
    before = len(registers.asked), len(cases.asked)

    second = await system.send(body)

    assert first.status_code == 200
    assert (second.status_code, code(second)) == (409, "exchange.court_message_replayed")
    assert (len(registers.asked), len(cases.asked)) == before


async def test_nobody_but_the_system_brings_a_message(system, client):
    body = system.body()
    tablet = await enrolled(client, await signed_in(client, KEEPER), "tablet")
    strangers = [
        {},
        await signed_in(client, ADMINISTRATOR),
        tablet.headers,
        {"System-Credential": system.credential[:-1]},
        {"Device-Credential": system.credential},
        {"Authorization": f"Bearer {system.credential}"},
    ]

    for headers in strangers:
        answer = await client.post("/api/courts/requests", json=body, headers=headers)
        assert (answer.status_code, code(answer)) == (401, "access.system_not_known")
    assert (await system.send(body)).status_code == 200  # nothing of it used the message up


async def test_a_system_opens_no_other_door(system, client):
    for path in ("/api/me", "/api/requests", "/api/courts/systems", "/api/staff"):
        answer = await client.get(path, headers=system.headers)
        assert answer.status_code in {401, 404}, path


async def test_a_withdrawn_system_brings_nothing(system, client):
    headers = await signed_in(client, ADMINISTRATOR)
    await client.post(f"/api/courts/systems/{system.system_id}/withdrawal", headers=headers)

    answer = await system.ask()

    assert (answer.status_code, code(answer)) == (401, "access.system_not_known")


async def test_without_a_person_nothing_is_asked(system, cases):
    answer = await system.send(system.body() | {"cms": ""})

    assert (answer.status_code, code(answer)) == (401, "NO_PERSON")
    assert len(cases.asked) == 0


async def test_garbage_is_refused_with_a_problem(system, client):
    for body in (None, [], {}, {"message": 1, "cms": ""}, {"message": {}, "cms": "?"}, {"cms": ""}):
        answer = await client.post(
            "/api/courts/requests", content=json.dumps(body), headers=system.headers
        )
        assert answer.status_code == 422
    nested = '{"message":' + '{"a":' * 20_000 + "1" + "}" * 20_000 + "}"
    answer = await client.post("/api/courts/requests", content=nested, headers=system.headers)
    assert answer.status_code in {400, 413, 422}


# -- waiting ---------------------------------------------------------------------------------------


async def test_where_the_courts_register_is_silent_the_request_waits_and_is_answered_later(
    system, cases, ports
):
    cases.behave(None, CaseBehaviour.DOWN)
    waiting = await system.ask()
    cases.behave(None, CaseBehaviour.NORMAL)

    await verify_waiting(replace(ports, clock=lambda: utc_now() + timedelta(minutes=2)))
    request_id = waiting.json()["request_id"]
    seen = await system.send(
        system.body(act="view", request_id=request_id),
        path=f"/api/courts/requests/{request_id}/view",
    )

    assert (waiting.status_code, waiting.json()["status"]) == (202, "pending_verification")
    assert waiting.json()["answer"] is None
    assert (seen.status_code, seen.json()["status"]) == (200, "released")
    assert seen.json()["answer"]["bin"] == FIRM.bin


async def test_a_judge_blocked_while_his_request_waits_is_told_nothing(
    system, sessions, cases, registers, ports
):
    cases.behave(None, CaseBehaviour.DOWN)
    await system.ask()
    cases.behave(None, CaseBehaviour.NORMAL)
    before = len(registers.asked)
    await block(sessions, JUDGE)

    await verify_waiting(replace(ports, clock=lambda: utc_now() + timedelta(minutes=2)))

    (row,) = await rows(sessions)
    assert (row.status.value, row.refusal.value) == ("refused", "USER_BLOCKED")
    assert len(registers.asked) == before


async def test_a_request_that_waited_a_day_is_dead(system, sessions, cases, ports):
    cases.behave(None, CaseBehaviour.DOWN)
    await system.ask()

    await end_overdue(replace(ports, clock=lambda: utc_now() + timedelta(hours=25)))

    (row,) = await rows(sessions)
    assert row.status.value == "expired"


async def test_a_colleagues_request_is_not_found(system):
    request_id = (await system.ask()).json()["request_id"]
    path = f"/api/courts/requests/{request_id}/view"
    body = system.body(COLLEAGUE, act="view", request_id=request_id)

    answer = await system.send(body, path=path)

    assert (answer.status_code, code(answer)) == (404, "exchange.request_not_found")


async def test_a_message_serves_the_object_it_names(system):
    request_id = (await system.ask()).json()["request_id"]
    body = system.body(act="view", request_id=str(uuid4()))

    answer = await system.send(body, path=f"/api/courts/requests/{request_id}/view")

    assert (answer.status_code, code(answer)) == (422, "exchange.court_message_not_for_us")


# -- sanctions -------------------------------------------------------------------------------------


async def sanction(sessions, ports, *, court=COURT, status="sent"):
    """Put a sanction there as an investigator has sent it."""
    async with transaction(sessions) as session:
        card = await post_of_iin(session, iin=OFFICER.iin, now=datetime.now(UTC))
    caller = Principal(
        department_id=card.department_id,
        person_id=card.person_id,
        post_id=card.post_id,
        role=Role.INVESTIGATOR,
    )
    sent = SanctionInput(
        register=CaseRegister.AIS_SU,
        case_number="2675000310003511",
        court=court,
        services=("legal_entity", "vehicle"),
        bin=FIRM.bin,
        grounds="В ходе розыска установлено, что имущество оформлено на это юридическое лицо.",
    )
    sanction_id = await draft_sanction(ports, caller=caller, sent=sent)
    async with transaction(sessions) as session:
        row = await session.get(CourtSanctionRow, sanction_id)
        row.status = SanctionStatus(status)
    return str(sanction_id)


def granted(**changed):
    now = datetime.now(UTC)
    values = {
        "decision": "granted",
        "decision_number": "7527-26-00-4к/11",
        "decided_at": (now - timedelta(minutes=5)).isoformat(),
        "valid_until": (now + timedelta(days=10)).isoformat(),
        "services": ["legal_entity"],
    }
    return values | changed


async def answered(system, sanction_id, answer, staff=JUDGE):
    body = system.body(staff, act="sanction_answer", sanction_id=sanction_id, answer=answer)
    return await system.send(body, path=f"/api/courts/sanctions/{sanction_id}/answer")


async def stored(sessions, sanction_id):
    async with transaction(sessions) as session:
        return await session.get(CourtSanctionRow, sanction_id)


async def test_a_court_fetches_what_was_sent_to_it_and_grants_it(system, sessions, ports):
    sanction_id = await sanction(sessions, ports)
    await sanction(sessions, ports, court="Другой суд")

    fetched = await system.send(system.body(act="sanctions"), path="/api/courts/sanctions")
    receipt = await answered(
        system, sanction_id, {"decision": "received", "eaias_number": "7527-26-11"}
    )
    answer = await answered(system, sanction_id, granted())

    (one,) = fetched.json()["sanctions"]
    document = json.loads(base64.b64decode(one["document_base64"]))
    row = await stored(sessions, sanction_id)
    assert (one["sanction_id"], document["sanction_id"]) == (sanction_id, sanction_id)
    assert (receipt.status_code, answer.status_code) == (200, 200)
    assert (row.status.value, row.eaias_number, row.services) == (
        "granted", "7527-26-11", ["legal_entity"],
    )  # fmt: skip


async def test_a_court_refuses(system, sessions, ports):
    sanction_id = await sanction(sessions, ports)

    await answered(system, sanction_id, {"decision": "refused", "decision_number": "12"})

    assert (await stored(sessions, sanction_id)).status.value == "refused"


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (granted(valid_until=None), "term"),
        (granted(decision_number=""), "no_number"),
        (granted(services=["person_photo"]), "beyond_request"),
        (granted(services=[]), "no_service"),
        (
            granted(decided_at="2099-01-01T00:00:00Z", valid_until="2099-02-01T00:00:00Z"),
            "in_future",
        ),
    ],
)
async def test_an_answer_that_grants_nothing_changes_nothing(
    system, sessions, ports, answer, fault
):
    sanction_id = await sanction(sessions, ports)

    refused = await answered(system, sanction_id, answer)

    assert (refused.status_code, refused.json()["fault"]) == (422, fault)
    assert (await stored(sessions, sanction_id)).status.value == "sent"


async def test_another_courts_sanction_is_not_found(system, sessions, ports):
    theirs = await sanction(sessions, ports, court="Другой суд")

    for sanction_id in (theirs, str(uuid4())):
        answer = await answered(system, sanction_id, granted())
        assert (answer.status_code, code(answer)) == (404, "exchange.sanction_not_found")
    assert (await stored(sessions, theirs)).status.value == "sent"


async def test_a_sanction_is_decided_once(system, sessions, ports):
    sanction_id = await sanction(sessions, ports)
    await answered(system, sanction_id, {"decision": "refused", "decision_number": "12"})

    again = await answered(system, sanction_id, granted())

    assert (again.status_code, code(again)) == (409, "exchange.step_refused")
