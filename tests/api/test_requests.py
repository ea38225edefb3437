"""Requests on every basis over HTTP, with simulated registers over a real line."""

import pytest
import sqlalchemy as sa
from pydantic import HttpUrl

from app.db import transaction
from app.exchange.wire.cases import CaseRegister, CaseState
from sim import case_records as held
from sim.cases import CaseBehaviour, SimCases
from sim.district import DRIVER, FIRM, INVESTIGATOR, KEEPER, OFFICER, STRANGER
from sim.registers import SimRegisters
from tests.factories_devices import audited, enrolled
from tests.factories_exchange import TrailThatFallsSilent
from tests.factories_identity import signed_in, trust_the_authority
from tests.factories_requests import (
    ABOUT_FIRM,
    ADMINISTRATIVE,
    CONFIRMED,
    CRIMINAL,
    ENFORCEMENT,
    INTERNATIONAL,
    ORDER,
    PRIMARY,
    SEARCH,
    SECOND,
    body,
    give_cases,
    people,
    person_id_of,
    rows,
    seed_that,
)


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
            "audit_wait_seconds": 20,
            "exports_day_max": 2,
        }
    )


@pytest.fixture
async def staff(settings, sessions):
    trust_the_authority(settings)
    await people(sessions)


@pytest.fixture
async def investigator(staff, client):  # noqa: ARG001 - the people must be there to sign in
    return await signed_in(client, INVESTIGATOR)


async def ask(client, headers, basis=CRIMINAL, **changed):
    return await client.post("/api/requests", json=body(basis, **changed), headers=headers)


@pytest.mark.parametrize("basis", CONFIRMED, ids=lambda one: one["basis"])
async def test_a_case_in_the_users_work_opens_the_registers(
    client, investigator, registers, sessions, basis
):
    answer = await ask(client, investigator, basis)

    told = answer.json()
    assert (answer.status_code, told["status"], told["basis"]) == (200, "released", basis["basis"])
    assert told["case_verdict"] == "confirmed"
    (part,) = told["answer"]["parts"]
    assert (part["register"], part["status"]) == ("person_documents", "found")
    assert part["data"]["surname"] == DRIVER.surname
    assert [one.basis for one in registers.asked] == [basis["basis"]]
    (row,) = await rows(sessions)
    assert (row.case_number, row.hit, row.recon) == (basis["case_number"], True, "confirmed")
    assert (row.month, row.number) == (told["month"], 1)
    (leaf,) = await audited(sessions, "exchange.request_decided")
    assert leaf["fields"]["running"]["number"] == 1
    assert told["answer"]["decision_leaf_index"] < told["answer"]["leaf_index"]


async def test_a_primary_check_from_a_workplace_needs_no_case(client, investigator, cases):
    answer = await ask(client, investigator, PRIMARY)

    assert answer.json()["status"] == "released"
    assert len(cases.asked) == 0


async def test_a_legal_entity_is_asked_by_its_number(client, investigator, sessions):
    answer = await ask(client, investigator, PRIMARY, services=["legal_entity"], subject=ABOUT_FIRM)

    (part,) = answer.json()["answer"]["parts"]
    assert (answer.status_code, part["status"]) == (200, "found")
    assert part["data"]["name_ru"] == FIRM.name_ru
    (row,) = await rows(sessions)
    assert row.subject_kind == "legal_entity"
    assert len(row.event_ids) == 1  # the leaf of the request; it commits to no person


REFUSED = [
    ("no case", CRIMINAL | {"case_number": "267500031000999"}, {}, "RECON_NO_CASE"),
    ("closed", CRIMINAL | {"case_number": held.CLOSED_CASE.number}, {}, "RECON_CLOSED"),
    ("another's", CRIMINAL | {"case_number": held.ANOTHERS.number}, {}, "RECON_NOT_YOURS"),
    ("no number", CRIMINAL | {"case_number": None}, {}, "FIELDS_CASE_NO"),
    ("misformed", CRIMINAL | {"case_number": "-"}, {}, "FIELDS_CASE_NO_FORM"),
    ("order in a case", CRIMINAL | {"order_number": "1-2"}, {}, "FIELDS_ORDER_NO_EXTRA"),
    ("no order", ORDER | {"order_number": None}, {}, "FIELDS_ORDER_NO"),
    ("not addressed", ORDER | {"order_number": "12-3/1043"}, {}, "RECON_ORDER_NOT_ADDRESSED"),
    ("no foreign number", INTERNATIONAL | {"order_number": None}, {}, "FIELDS_INTL_NO"),
    ("no foreign body", INTERNATIONAL | {"order_body": None}, {}, "FIELDS_INTL_BODY"),
    ("no letter", INTERNATIONAL | {"cover_letter": None}, {}, "FIELDS_COVER_NO"),
    ("a search case is none", ADMINISTRATIVE | {"case_number": held.SEARCH.number}, {},
     "RECON_NO_CASE"),
    ("year out of court", ADMINISTRATIVE | {"year": 2026}, {}, "FIELDS_YEAR_EXTRA"),
    ("an administrative case is none", SEARCH | {"case_number": held.ADMINISTRATIVE.number}, {},
     "RECON_NO_CASE"),
    ("court out of court", SEARCH | {"court": "Суд"}, {}, "FIELDS_COURT_EXTRA"),
    ("misformed end-to-end", ENFORCEMENT | {"case_number": "1/2"}, {}, "FIELDS_CASE_NO_FORM"),
    ("no photo in enforcement", ENFORCEMENT, {"services": ["person_photo"]}, "LIST_NOT_OPENED"),
    ("case in a check", PRIMARY | {"case_number": "1"}, {}, "FIELDS_CASE_NO_EXTRA"),
    ("photo in a check", PRIMARY, {"services": ["person_photo"]}, "LIST_NOT_PRIMARY"),
    ("nobody", PRIMARY, {"subject": {}}, "FIELDS_SUBJECT_KIND"),
    ("misread", CRIMINAL, {"subject": {"iin": "950817301018"}}, "FIELDS_SUBJECT"),
    ("both kinds", CRIMINAL, {"subject": {"iin": DRIVER.iin, "bin": FIRM.bin}},
     "FIELDS_SUBJECT_KIND"),
    ("article unlisted", CRIMINAL | {"article": "188"},
     {"services": ["legal_entity"], "subject": ABOUT_FIRM}, "ARTICLE_NOT_LISTED"),
    ("article of no case", CRIMINAL | {"article": "218"},
     {"services": ["legal_entity"], "subject": ABOUT_FIRM}, "RECON_ARTICLE"),
    ("no sanction", SEARCH, {"services": ["legal_entity"], "subject": ABOUT_FIRM},
     "SANCTION_NONE"),
    ("unknown sanction", SEARCH | {"sanction_id": "00000000-0000-4000-8000-000000000000"}, {},
     "SANCTION_UNKNOWN"),
    ("criminal court", {"basis": "CRIMINAL_COURT"}, {}, "CHANNEL_ONLY_EAIAS"),
    ("administrative court", {"basis": "ADMIN_COURT"}, {}, "CHANNEL_ONLY_EAIAS"),
    ("civil court", {"basis": "CIVIL_COURT"}, {}, "CHANNEL_ONLY_EAIAS"),
    ("other court", {"basis": "COURT_OTHER"}, {}, "BASIS_CLOSED"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("basis", "changed", "code"), [one[1:] for one in REFUSED], ids=[one[0] for one in REFUSED]
)
async def test_each_refusal_is_told_recorded_and_asks_no_register(
    client, investigator, registers, sessions, basis, changed, code
):
    answer = await ask(client, investigator, basis, **changed)

    told = answer.json()
    assert answer.status_code in {403, 422}, answer.text
    assert told["refusal"] == code
    assert (set(told["texts"]), set(told["cures"])) == ({"kk", "ru", "en"}, {"kk", "ru", "en"})
    (leaf,) = await audited(sessions, "exchange.request_refused")
    (row,) = await rows(sessions)
    assert (leaf["fields"]["refusal"], row.refusal, row.status) == (code, code, "refused")
    assert leaf["fields"]["running"]["number"] == row.number == 1
    assert leaf["fields"]["check_id"] == told["check_id"]
    for secret in (DRIVER.iin, FIRM.bin):
        assert secret not in f"{leaf}{answer.text}"
    assert len(registers.asked) == 0


async def test_what_an_earlier_gate_refuses_is_not_told_to_the_register_of_cases(
    client, investigator, cases
):
    await ask(client, investigator, CRIMINAL, services=["legal_entity"])

    assert len(cases.asked) == 0


async def test_a_case_that_changed_hands_opens_nothing_any_more(client, investigator, cases):
    before = await ask(client, investigator)
    cases.world.hand_over(held.HELD.number, OFFICER.iin)

    after = await ask(client, investigator)

    assert (before.status_code, after.json()["refusal"]) == (200, "RECON_NOT_YOURS")


async def test_an_article_of_the_case_opens_a_legal_entity(client, investigator):
    basis = CRIMINAL | {"case_number": held.ECONOMIC.number, "article": "218"}

    answer = await ask(client, investigator, basis, services=["legal_entity"], subject=ABOUT_FIRM)

    assert answer.json()["status"] == "released"


@pytest.mark.parametrize("behaviour", [CaseBehaviour.GARBAGE, CaseBehaviour.ANOTHER_CASE])
async def test_a_register_of_cases_that_cannot_be_believed_leaves_the_request_waiting(
    client, investigator, cases, registers, sessions, behaviour
):
    cases.behave(CaseRegister.ERDR, behaviour)

    answer = await ask(client, investigator)

    told = answer.json()
    assert (answer.status_code, told["status"]) == (202, "pending_verification")
    assert told["answer"] is None
    assert told["refusal"]["code"] == "RECON_UNAVAILABLE"
    assert told["dies_at"] > told["next_attempt_at"] > told["received_at"]
    assert len(registers.asked) == 0
    assert len(await audited(sessions, "exchange.request_waits")) == 1


@pytest.mark.usefixtures("staff")
async def test_an_officer_at_a_desk_asks_nothing(client, registers):
    officer = await signed_in(client, OFFICER)

    answer = await ask(client, officer, PRIMARY)

    assert (answer.status_code, answer.json()["refusal"]) == (403, "DEVICE_ABSENT")
    assert len(registers.asked) == 0


@pytest.mark.usefixtures("staff")
async def test_an_officer_on_his_tablet_asks_for_a_person_alone(client, registers):
    keeper = await signed_in(client, KEEPER)
    tablet = await enrolled(client, keeper, "tablet")
    officer = await signed_in(client, OFFICER, headers=tablet.headers)

    answer = await ask(
        client, officer, PRIMARY, services=["driver_licence"], stop_ground="traffic_violation"
    )

    statuses = {one["register"]: one["status"] for one in answer.json()["answer"]["parts"]}
    assert statuses.pop("driver_licence") == "found"
    assert set(statuses.values()) == {"not_asked"}
    assert [one.register.value for one in registers.asked] == ["driver_licence"]


async def change(sessions, statement, **values):
    async with transaction(sessions) as session:
        await session.execute(sa.text(statement), values)


@pytest.mark.parametrize(
    ("statement", "refusal"),
    [
        ("DELETE FROM access_grants WHERE person_id = :person", "USER_NOT_REGISTERED"),
        ("DELETE FROM agreement_signatures WHERE person_id = :person", "AGREEMENT_MISSING"),
        (
            "UPDATE access_grants SET services = '{driver_licence}' WHERE person_id = :person",
            "ROLE_NO_SERVICE",
        ),
        (
            "UPDATE access_grants SET bases = '{PRIMARY_CHECK}' WHERE person_id = :person",
            "LIST_NOT_GRANTED",
        ),
    ],
)
async def test_rights_are_those_of_this_instant(client, investigator, sessions, statement, refusal):
    await change(sessions, statement, person=await person_id_of(sessions, INVESTIGATOR))

    answer = await ask(client, investigator)

    assert (answer.status_code, answer.json()["refusal"]) == (403, refusal)


async def test_numbers_run_without_a_gap_over_refusals_and_bases(client, investigator, sessions):
    for basis in (CRIMINAL, CRIMINAL | {"case_number": "-"}, PRIMARY):
        await ask(client, investigator, basis)

    assert [row.number for row in await rows(sessions)] == [1, 2, 3]


async def test_what_was_searched_lies_sealed_even_of_a_refused_request(
    client, investigator, sessions
):
    await ask(client, investigator, CRIMINAL | {"case_number": held.CLOSED_CASE.number})

    (row,) = await rows(sessions)
    assert row.subject_sealed is not None
    assert DRIVER.iin.encode() not in row.subject_sealed
    assert DRIVER.iin not in str([one for one in row if not isinstance(one, bytes)])


async def test_a_misread_number_is_not_kept(client, investigator, sessions):
    await ask(client, investigator, CRIMINAL | {"case_number": f"{DRIVER.iin}<>"})

    (row,) = await rows(sessions)
    assert (row.refusal, row.case_number) == ("FIELDS_CASE_NO_FORM", None)


@pytest.mark.parametrize(
    ("subject", "flags"),
    [
        ({"iin": INVESTIGATOR.iin}, {"self"}),
        ({"iin": OFFICER.iin}, {"colleague"}),
        ({"iin": STRANGER.iin}, set()),
    ],
)
async def test_who_looks_himself_or_a_colleague_up_is_flagged(
    client, investigator, sessions, subject, flags
):
    await ask(client, investigator, subject=subject)

    (row,) = await rows(sessions)
    assert set(row.flags) - {"night"} == flags
    (leaf,) = await audited(sessions, "exchange.request_decided")
    assert leaf["fields"]["flags"] == row.flags


async def test_one_subject_under_two_bases_and_often_is_flagged(client, investigator, sessions):
    for basis in (CRIMINAL, CRIMINAL, ADMINISTRATIVE):
        await ask(client, investigator, basis)

    assert set((await rows(sessions))[-1].flags) - {"night"} == {"repeat", "several_bases"}


# Seeing, printing, taking out.


async def test_each_look_print_and_export_has_its_own_leaf(client, investigator, sessions):
    told = (await ask(client, investigator)).json()
    path = f"/api/requests/{told['request_id']}"

    seen = await client.get(path, headers=investigator)
    printed = await client.post(f"{path}/print", headers=investigator)
    taken = await client.post(f"{path}/export", headers=investigator)

    assert seen.json() == told
    assert printed.json()["answer"] == taken.json()["answer"] == told["answer"]
    assert printed.json()["disclosure_leaf_index"] < taken.json()["disclosure_leaf_index"]
    assert f"{told['month']}/1" in printed.json()["mark"]
    assert "attachment" in taken.headers["Content-Disposition"]
    assert {one.headers["Cache-Control"] for one in (seen, printed, taken)} == {"no-store"}
    async with transaction(sessions) as session:
        kinds = await session.scalars(sa.text("SELECT kind FROM request_disclosures ORDER BY at"))
        assert list(kinds) == ["viewed", "printed", "exported"]
    for event in ("viewed", "printed", "exported"):
        assert len(await audited(sessions, f"exchange.answer_{event}")) == 1


async def test_nothing_is_shown_while_the_log_is_silent(app, client, investigator, keys):
    told = (await ask(client, investigator)).json()
    app.state.trail = TrailThatFallsSilent(subject_key=keys.subject)
    path = f"/api/requests/{told['request_id']}"

    answers = [
        await client.get(path, headers=investigator),
        await client.post(f"{path}/print", headers=investigator),
        await client.post(f"{path}/export", headers=investigator),
    ]

    assert {one.status_code for one in answers} == {503}
    assert not any(DRIVER.surname in one.text for one in answers)


async def test_an_export_over_the_limit_of_the_day_is_refused_and_recorded(
    client, investigator, sessions
):
    told = (await ask(client, investigator)).json()
    path = f"/api/requests/{told['request_id']}/export"

    answers = [await client.post(path, headers=investigator) for _ in range(3)]

    assert [one.status_code for one in answers] == [200, 200, 409]
    assert answers[-1].json()["code"] == "exchange.export_limit"
    assert len(await audited(sessions, "exchange.export_refused")) == 1


async def test_another_persons_request_is_as_good_as_absent(client, investigator, sessions):
    told = (await ask(client, investigator)).json()
    other = await signed_in(client, SECOND)
    paths = ["", "/print", "/export", "/justification"]
    absent = "00000000-0000-4000-8000-000000000000"

    async def called(request_id, path):
        method = "POST" if path else "GET"
        sent = {"json": {"text": "-"}} if path == "/justification" else {}
        answer = await client.request(
            method, f"/api/requests/{request_id}{path}", headers=other, **sent
        )
        return answer.status_code, answer.json()["code"]

    theirs = [await called(told["request_id"], path) for path in paths]
    missing = [await called(absent, path) for path in paths]
    listed = await client.get("/api/requests", headers=other)
    behind = await client.get("/api/requests", params={"before": told["request_id"]}, headers=other)

    assert theirs == missing == [(404, "exchange.request_not_found")] * 4
    assert listed.json()["requests"] == []
    assert behind.status_code == 404
    assert len(await audited(sessions, "exchange.view_refused")) == 8


async def test_ones_own_requests_are_listed_page_by_page_without_their_answers(
    client, investigator
):
    made = [(await ask(client, investigator)).json()["request_id"] for _ in range(3)]

    first = (await client.get("/api/requests", params={"limit": 2}, headers=investigator)).json()
    second = (
        await client.get(
            "/api/requests", params={"limit": 2, "before": first["before"]}, headers=investigator
        )
    ).json()

    listed = [one["request_id"] for one in first["requests"] + second["requests"]]
    assert listed == made[::-1]
    assert second["before"] is None
    assert DRIVER.surname not in str(first)
    assert DRIVER.iin not in str(first)


# The draw.


async def test_a_drawn_request_waits_for_its_justification_and_is_the_same_then(
    app, client, investigator, registers, sessions
):
    person_id = await person_id_of(sessions, INVESTIGATOR)
    app.state.seeds = seed_that(draws=True, person_id=person_id)
    drawn = await ask(client, investigator, justification=None)
    request_id = drawn.json()["check_id"]
    path = f"/api/requests/{request_id}/justification"
    asked_before = len(registers.asked)

    short = await client.post(path, json={"text": "needed"}, headers=investigator)
    given = await client.post(path, json={"text": body()["justification"]}, headers=investigator)
    again = await client.post(path, json={"text": body()["justification"]}, headers=investigator)

    assert (drawn.status_code, drawn.json()["refusal"]) == (409, "SAMPLE_JUSTIFICATION")
    assert asked_before == 0
    assert (short.status_code, short.json()["refusal"]) == (409, "SAMPLE_JUSTIFICATION_FORM")
    assert (given.status_code, given.json()["status"]) == (200, "released")
    assert (given.json()["request_id"], given.json()["number"]) == (request_id, 1)
    assert (again.status_code, again.json()["code"]) == (409, "exchange.request_not_waiting")
    (row,) = await rows(sessions)
    assert row.extended_asked
    assert body()["justification"].encode() not in row.extended_sealed
    numbered = [
        leaf
        for event in ("request_waits", "request_decided")
        for leaf in await audited(sessions, f"exchange.{event}")
        if "running" in leaf["fields"]
    ]
    assert len(numbered) == 1


async def test_a_new_request_does_not_undo_the_draw(app, client, investigator, sessions):
    person_id = await person_id_of(sessions, INVESTIGATOR)
    app.state.seeds = seed_that(draws=True, person_id=person_id)
    await ask(client, investigator, justification=None)

    await ask(client, investigator, justification=None)

    first, second = await rows(sessions)
    assert (first.status, first.extended_asked) == ("needs_justification", True)
    assert second.number == 2


@pytest.mark.usefixtures("staff")
async def test_a_roadside_check_that_is_drawn_goes_on_as_a_request(app, client, sessions):
    keeper = await signed_in(client, KEEPER)
    tablet = await enrolled(client, keeper, "tablet")
    officer = await signed_in(client, OFFICER, headers=tablet.headers)
    app.state.seeds = seed_that(draws=True, person_id=await person_id_of(sessions, OFFICER))
    sent = {"identity": {"iin": DRIVER.iin}, "stop_ground": "traffic_violation"}
    drawn = await client.post("/api/checks", json=sent, headers=officer)
    check_id = drawn.json()["check_id"]

    given = await client.post(
        f"/api/requests/{check_id}/justification",
        json={"text": body()["justification"]},
        headers=officer,
    )
    shown = await client.get(f"/api/checks/{check_id}", headers=officer)

    assert (drawn.status_code, given.json()["status"]) == (409, "released")
    assert shown.json()["iin"] == DRIVER.iin
    assert shown.json()["leaf_index"] == given.json()["answer"]["leaf_index"]


async def test_a_case_closed_before_the_justification_opens_nothing(
    app, client, investigator, cases, sessions
):
    person_id = await person_id_of(sessions, INVESTIGATOR)
    app.state.seeds = seed_that(draws=True, person_id=person_id)
    drawn = await ask(client, investigator, justification=None)
    cases.world.move(held.HELD.number, CaseState.CLOSED)

    given = await client.post(
        f"/api/requests/{drawn.json()['check_id']}/justification",
        json={"text": body()["justification"]},
        headers=investigator,
    )

    assert (given.status_code, given.json()["refusal"]) == (403, "RECON_CLOSED")


@pytest.mark.parametrize(
    "sent",
    [
        {"services": []},
        {"services": ["person_documents", "person_documents"]},
        {"services": ["everything"]},
        {"basis": "CURIOSITY"},
        {"subject": {"passport": "1"}},
        {"justification": "x" * 10_000},
        {"case_number": "1" * 300},
        {"year": -1},
        {"sanction_id": "x"},
    ],
)
async def test_what_has_not_the_form_is_refused_without_a_number(
    client, investigator, sessions, sent
):
    answer = await client.post("/api/requests", json=body() | sent, headers=investigator)

    assert (answer.status_code, answer.json()["code"]) == (422, "app.bad_request")
    assert await rows(sessions) == []
