"""The roadside check over HTTP, with simulated registers over a real line."""

import time
from uuid import UUID

import pytest
import sqlalchemy as sa
from pydantic import HttpUrl

from app.access import DeviceKind, Principal, Role
from app.clock import utc_now
from app.db import transaction
from app.exchange import service
from app.exchange.errors import CheckNotFound
from app.exchange.wire.registers import RegisterName
from sim.district import DRIVER, FRIEND, KEEPER, OFFICER, SECOND_OFFICER
from sim.register_records import card_mrz
from sim.registers import Behaviour, SimRegisters
from tests.factories_devices import audited, enrolled, issued
from tests.factories_exchange import CARD, JUSTIFICATION, TrailThatFallsSilent
from tests.factories_identity import district, signed_in, trust_the_authority

PERSON = {"person_documents", "driver_licence", "wanted_persons", "unpaid_fines"}
VEHICLE = {"vehicle", "insurance", "inspection", "wanted_vehicles"}


@pytest.fixture
def registers():
    with SimRegisters() as registers:
        yield registers


@pytest.fixture
def limit_seconds():
    return 10  # never reached by a register that is well, however busy this machine is


@pytest.fixture
def settings(settings, registers, limit_seconds):
    return settings.model_copy(
        update={
            "registers_url": HttpUrl(registers.url),
            "register_timeout_seconds": limit_seconds,
            "audit_wait_seconds": 20,
        }
    )


@pytest.fixture
async def keeper(settings, sessions, client):
    trust_the_authority(settings)
    await district(sessions)
    return await signed_in(client, KEEPER)


@pytest.fixture
async def tablet(client, keeper):
    return await enrolled(client, keeper, "tablet")


@pytest.fixture
async def officer(client, tablet):
    return await signed_in(client, OFFICER, headers=tablet.headers)


def question(**changed):
    body = {
        "identity": {"iin": DRIVER.iin},
        "plate": DRIVER.plate,
        "stop_ground": "traffic_violation",
        "justification": JUSTIFICATION,  # whether the draw falls on it or not
    }
    return {name: value for name, value in (body | changed).items() if value is not None}


async def check(client, officer, **changed):
    return await client.post("/api/checks", json=question(**changed), headers=officer)


def statuses(answer):
    return {part["register"]: part["status"] for part in answer.json()["parts"]}


async def test_a_driver_is_checked_by_the_identity_card_alone(client, officer, registers):
    answer = await check(client, officer, identity={"mrz": list(card_mrz(DRIVER))})

    body = answer.json()
    assert answer.status_code == 200
    assert (body["verdict"], body["basis"]) == ("allowed", "PRIMARY_CHECK")
    assert body["rule_set"] == "151-2021-02-15"
    assert (body["iin"], body["document_number"]) == (DRIVER.iin, DRIVER.document_number)
    assert statuses(answer) == dict.fromkeys(PERSON | VEHICLE, "found") | {
        "wanted_persons": "not_found",
        "wanted_vehicles": "not_found",
        "unpaid_fines": "not_found",
    }
    assert (body["complete"], body["cautions"]) == (True, [])
    assert body["decision_leaf_index"] < body["leaf_index"]
    documents = body["parts"][0]
    assert documents["data"]["surname"] == DRIVER.surname
    assert documents["asked_ms"] > 0
    assert {one.basis for one in registers.asked} == {"PRIMARY_CHECK"}
    assert len(registers.asked) == 8


async def test_without_a_plate_no_register_of_vehicles_is_asked(client, officer, registers):
    answer = await check(client, officer, plate=None)

    assert {name for name, status in statuses(answer).items() if status == "not_asked"} == VEHICLE
    assert {one.register.value for one in registers.asked} == PERSON


async def test_a_plate_typed_in_cyrillic_is_the_same_plate(client, officer):
    answer = await check(client, officer, plate="777 авс-02")

    assert answer.json()["plate"] == DRIVER.plate
    assert statuses(answer)["vehicle"] == "found"


async def test_an_unknown_plate_and_person_are_told_as_such(client, officer):
    answer = await check(client, officer, plate="999ZZZ02", identity={"iin": "061211600012"})

    assert set(statuses(answer).values()) == {"not_found"}
    assert answer.json()["complete"] is True


async def test_a_wanted_person_and_vehicle_are_told(client, officer, registers):
    registers.world.wanted_iins.add(DRIVER.iin)
    registers.world.wanted_plates.add(DRIVER.plate)

    answer = await check(client, officer)

    assert answer.json()["cautions"] == ["person_wanted", "vehicle_wanted"]


async def test_somebody_elses_vehicle_and_fines_are_told(client, officer):
    answer = await check(client, officer, identity={"iin": FRIEND.iin})

    assert answer.json()["cautions"] == ["owner_is_another_person"]
    assert statuses(answer)["unpaid_fines"] == "found"


@pytest.mark.parametrize(
    ("behaviour", "status"),
    [
        (Behaviour.DOWN, "unavailable"),
        (Behaviour.GARBAGE, "unavailable"),
        (Behaviour.TRUNCATED, "unavailable"),
        (Behaviour.ENDLESS, "unavailable"),
        (Behaviour.ANOTHER_SUBJECT, "unavailable"),
        (Behaviour.STALE, "unavailable"),
        (Behaviour.REFUSES, "refused"),
    ],
)
async def test_a_register_that_fails_is_named_and_hides_no_other(
    client, officer, registers, behaviour, status
):
    registers.behave(RegisterName.PERSON_DOCUMENTS, behaviour)

    answer = await check(client, officer)

    found = statuses(answer)
    assert answer.status_code == 200
    assert found.pop("person_documents") == status
    assert set(found.values()) == {"found", "not_found"}
    assert answer.json()["complete"] is False
    assert "answer_incomplete" in answer.json()["cautions"]
    assert answer.json()["parts"][0]["data"] is None


@pytest.mark.parametrize("limit_seconds", [5])
async def test_a_slow_register_is_waited_for_to_its_limit(
    client, officer, registers, limit_seconds
):
    registers.behave(RegisterName.DRIVER_LICENCE, Behaviour.SLOW, seconds=60)

    answer = await check(client, officer)

    found = statuses(answer)
    part = answer.json()["parts"][1]
    assert (part["register"], part["status"]) == ("driver_licence", "timed_out")
    assert limit_seconds * 1000 <= part["asked_ms"] < 20_000  # its answer takes a minute
    assert (found["person_documents"], found["vehicle"]) == ("found", "found")


@pytest.mark.parametrize("limit_seconds", [3])
async def test_all_registers_slow_take_one_limit_and_not_eight(
    client, officer, registers, limit_seconds
):
    registers.behave(None, Behaviour.SLOW, seconds=60)

    began = time.monotonic()
    answer = await check(client, officer)
    took = time.monotonic() - began

    assert set(statuses(answer).values()) == {"timed_out"}
    assert took < limit_seconds * 8  # eight limits, one after the other


async def test_registers_that_are_gone_leave_every_part_unavailable(client, officer, registers):
    registers.stop()

    answer = await check(client, officer)

    assert answer.status_code == 200
    assert set(statuses(answer).values()) == {"unavailable"}


@pytest.mark.parametrize(
    ("changed", "code", "refusal"),
    [
        ({"identity": {"iin": "950817301018"}}, "iin.not_valid", "FIELDS_SUBJECT"),
        ({"identity": {"iin": "12"}}, "iin.not_valid", "FIELDS_SUBJECT"),
        (
            {"identity": {"mrz": [CARD[0], CARD[1][:-1] + "9", CARD[2]]}},
            "exchange.mrz_not_valid",
            "FIELDS_SUBJECT",
        ),
        ({"identity": {"mrz": [CARD[0]]}}, "exchange.mrz_not_valid", "FIELDS_SUBJECT"),
        ({"identity": {}}, "exchange.fields_refused", "FIELDS_SUBJECT"),
        (
            {"identity": {"iin": DRIVER.iin, "mrz": list(CARD)}},
            "exchange.fields_refused",
            "FIELDS_SUBJECT",
        ),
        ({"plate": "777ABCD02"}, "exchange.plate_not_valid", "FIELDS_PLATE"),
        ({"stop_ground": "because"}, "exchange.fields_refused", "FIELDS_STOP_GROUND"),
        ({"stop_ground": None}, "exchange.fields_refused", "FIELDS_STOP_GROUND"),
        ({"stop_ground": DRIVER.iin}, "exchange.fields_refused", "FIELDS_STOP_GROUND"),
    ],
)
async def test_what_is_misread_is_refused_and_audited(
    client, officer, registers, sessions, changed, code, refusal
):
    answer = await check(client, officer, **changed)

    body = answer.json()
    assert (answer.status_code, body["code"], body["refusal"]) == (422, code, refusal)
    assert (body["item"], body["rule_set"]) == ("20", "151-2021-02-15")
    assert set(body["texts"]) == {"kk", "ru", "en"}
    assert body["cure"]
    (leaf,) = await audited(sessions, "exchange.request_refused")
    assert leaf["fields"]["refusal"] == refusal
    assert leaf["fields"]["check_id"] == body["check_id"]
    assert DRIVER.iin not in str(leaf)
    assert len(registers.asked) == 0


@pytest.mark.parametrize("identity", [{}, {"iin": "12"}])
async def test_the_leaf_of_a_refusal_without_a_subject_tells_of_nobody(
    client, officer, sessions, identity
):
    answer = await check(client, officer, identity=identity, plate=None)

    (leaf,) = await audited(sessions, "exchange.request_refused")
    row = await row_of(sessions)
    async with transaction(sessions) as session:
        salts = await session.scalar(
            sa.text("SELECT count(*) FROM audit_subjects WHERE event_id = ANY(:ids)"),
            {"ids": row.event_ids},
        )
    assert (answer.status_code, leaf["fields"]["check_id"]) == (422, str(row.id))
    assert (leaf["subject"], leaf["fields"]["plate_commitment"]) == (None, None)
    assert (salts, len(row.event_ids)) == (0, 1)
    kept = (row.subject_kind, row.subject_index, row.subject_sealed, row.wrapped_key)
    assert kept == (None,) * 4


async def test_a_tablet_issued_to_another_officer_asks_nothing(
    client, keeper, tablet, officer, registers, sessions
):
    await issued(client, keeper, SECOND_OFFICER, tablet.device_id)

    answer = await check(client, officer)

    assert (answer.status_code, answer.json()["code"]) == (403, "exchange.device_refused")
    assert answer.json()["refusal"] == "DEVICE_NOT_YOURS"
    assert len(await audited(sessions, "exchange.request_refused")) == 1
    assert len(registers.asked) == 0


async def test_where_nobody_tells_of_devices_everything_is_refused(app, client, officer, registers):
    app.state.device_standing = None

    answer = await check(client, officer)

    assert answer.json()["refusal"] == "DEVICE_UNKNOWN"
    assert len(registers.asked) == 0


async def test_the_officers_limit_is_kept(client, officer, registers, sessions):
    await check(client, officer)
    async with transaction(sessions) as session:
        await session.execute(
            sa.text("""
                INSERT INTO register_requests SELECT (r).* FROM (
                    SELECT jsonb_populate_record(row, jsonb_build_object(
                        'id', gen_random_uuid(), 'number', 1000 + place
                    )) AS r FROM register_requests AS row, generate_series(1, 119) AS place
                ) AS copies
            """)
        )
    registers.asked.clear()

    answer = await check(client, officer)

    assert (answer.status_code, answer.json()["code"]) == (409, "exchange.limit_refused")
    assert answer.json()["refusal"] == "LIMIT_HOUR"
    assert len(registers.asked) == 0


async def row_of(sessions):
    async with transaction(sessions) as session:
        return (await session.execute(sa.text("SELECT * FROM register_requests"))).one()


async def test_where_the_log_is_silent_nobody_is_asked(
    app, client, officer, registers, keys, sessions
):
    app.state.trail = TrailThatFallsSilent(subject_key=keys.subject)

    answer = await check(client, officer)

    assert (answer.status_code, answer.json()["code"]) == (503, "audit.silent")
    assert answer.headers["Retry-After"]
    assert len(registers.asked) == 0
    assert (await row_of(sessions)).status == "withheld"


async def test_where_the_log_falls_silent_after_the_question_nothing_is_released(
    app, client, officer, registers, keys, sessions, parts
):
    app.state.trail = TrailThatFallsSilent(subject_key=keys.subject, leaves=[None])

    answer = await check(client, officer)
    row = await row_of(sessions)
    app.state.trail = parts.trail
    again = await client.get(f"/api/checks/{row.id}", headers=officer)

    assert answer.status_code == 503
    assert DRIVER.surname not in answer.text
    assert len(registers.asked) == 8
    assert row.status == "withheld"
    assert (again.status_code, again.json()["code"]) == (409, "exchange.check_not_released")


async def test_nothing_of_the_answer_lies_in_the_database_in_clear(client, officer, sessions):
    answer = await check(client, officer)

    row = await row_of(sessions)
    assert answer.status_code == 200
    assert row.status == "released"
    for secret in (DRIVER.iin, DRIVER.surname, DRIVER.plate, DRIVER.document_number):
        assert secret.encode() not in row.answer
        assert secret not in str([value for value in row if not isinstance(value, bytes)])


async def test_the_log_tells_of_each_register_and_nothing_of_the_person(client, officer, sessions):
    answer = await check(client, officer)

    (decided,) = await audited(sessions, "exchange.request_decided")
    (recorded,) = await audited(sessions, "exchange.answer_recorded")
    row = await row_of(sessions)
    assert decided["fields"]["snapshot_sha256"] == row.snapshot_sha256
    assert recorded["fields"]["answer_sha256"] == row.answer_sha256
    hits = {part["register"]: part["hit"] for part in recorded["fields"]["parts"]}
    assert hits["vehicle"] is True
    assert hits["wanted_persons"] is False
    assert decided["subject"] is not None
    for secret in (DRIVER.iin, DRIVER.plate, DRIVER.surname):
        assert secret not in f"{decided}{recorded}"
    assert answer.json()["check_id"] == decided["fields"]["check_id"]


async def test_an_officer_sees_his_check_again_and_each_look_is_audited(
    client, officer, sessions, registers
):
    first = (await check(client, officer)).json()
    asked = len(registers.asked)

    seen = [
        (await client.get(f"/api/checks/{first['check_id']}", headers=officer)).json()
        for _ in range(2)
    ]

    assert seen == [first, first]
    assert len(await audited(sessions, "exchange.answer_viewed")) == 2
    assert len(registers.asked) == asked


async def test_a_look_is_not_given_while_the_log_is_silent(app, client, officer, keys):
    first = (await check(client, officer)).json()
    app.state.trail = TrailThatFallsSilent(subject_key=keys.subject)

    answer = await client.get(f"/api/checks/{first['check_id']}", headers=officer)

    assert answer.status_code == 503
    assert DRIVER.surname not in answer.text


async def test_another_officers_check_is_as_good_as_absent(client, keeper, officer, sessions):
    first = (await check(client, officer)).json()
    other = await enrolled(client, keeper, "tablet")
    second = await signed_in(client, SECOND_OFFICER, headers=other.headers)

    theirs = await client.get(f"/api/checks/{first['check_id']}", headers=second)
    absent = await client.get("/api/checks/00000000-0000-4000-8000-000000000000", headers=second)

    assert (theirs.status_code, theirs.json()["code"]) == (404, "exchange.check_not_found")
    assert absent.json() | {"title": ""} == theirs.json() | {"title": ""}
    assert len(await audited(sessions, "exchange.view_refused")) == 2


async def test_a_damaged_answer_is_told_and_not_shown(client, officer, sessions):
    first = (await check(client, officer)).json()
    async with transaction(sessions) as session:
        await session.execute(
            sa.text("UPDATE register_requests SET answer = set_byte(answer, 40, 7)")
        )

    answer = await client.get(f"/api/checks/{first['check_id']}", headers=officer)

    assert (answer.status_code, answer.json()["code"]) == (503, "exchange.answer_damaged")


async def test_a_fine_takes_over_what_the_officers_own_check_found(
    client, officer, sessions, keys, parts
):
    first = (await check(client, officer)).json()
    row = await row_of(sessions)
    caller = Principal(
        department_id=row.department_id,
        person_id=row.person_id,
        post_id=row.post_id,
        role=Role.PATROL_OFFICER,
        device_kind=DeviceKind.TABLET,
    )
    stranger = Principal(department_id=row.department_id, person_id=row.department_id)

    async with transaction(sessions) as session:
        facts = await service.check_facts(
            session,
            check_id=UUID(first["check_id"]),
            caller=caller,
            keys=keys,
            trail=parts.trail,
            now=utc_now(),
        )
        with pytest.raises(CheckNotFound):
            await service.check_facts(
                session,
                check_id=UUID(first["check_id"]),
                caller=stranger,
                keys=keys,
                trail=parts.trail,
                now=utc_now(),
            )

    assert facts.driver.surname == DRIVER.surname
    assert facts.driver.document_number == DRIVER.document_number
    assert facts.vehicle is not None
    assert facts.vehicle.vin == DRIVER.vin
    assert len(await audited(sessions, "exchange.answer_used")) == 1


ROUTES = [("POST", "/api/checks"), ("GET", "/api/checks/00000000-0000-4000-8000-000000000000")]


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_who_is_not_an_officer_on_a_tablet_is_not_admitted(
    client, keeper, tablet, officer, registers, method, path
):
    terminal = await enrolled(client, keeper, "terminal")
    other_tablet = await enrolled(client, keeper, "tablet")
    person_only = {name: value for name, value in officer.items() if name == "Authorization"}
    callers = {
        "nobody": ({}, 401),
        "an officer without a device": (person_only, 401),
        "a tablet without an officer": (tablet.headers, 401),
        "an officer on a tablet he did not sign in on": (person_only | other_tablet.headers, 403),
        "an officer with a terminal": (person_only | terminal.headers, 403),
        "the keeper on a tablet": (
            await signed_in(client, KEEPER, headers=other_tablet.headers),
            403,
        ),
    }

    for who, (headers, status) in callers.items():
        answer = await client.request(method, path, json=question(), headers=headers)
        assert answer.status_code == status, who
    assert len(registers.asked) == 0


@pytest.mark.parametrize(
    "body",
    [
        {"identity": {"iin": "9" * 33}},
        {"identity": {"mrz": ["x" * 65]}},
        {"identity": {"mrz": ["x"] * 5}},
        {"identity": {"passport": "x"}},
        {"plate": "7" * 49},
        {"basis": "CRIMINAL_CASE"},
    ],
)
async def test_what_has_not_the_form_is_refused_without_repeating_it(client, officer, body):
    answer = await client.post("/api/checks", json=body, headers=officer)

    assert (answer.status_code, answer.json()["code"]) == (422, "app.bad_request")
    assert "9" * 33 not in answer.text


async def test_a_body_over_the_limit_is_refused(client, officer):
    answer = await client.post("/api/checks", content=b" " * 17000, headers=officer)

    assert answer.status_code == 413
