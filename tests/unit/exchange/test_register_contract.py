"""What every register adapter promises, in whichever protocol: one suite for both."""

import pytest
from pydantic import ValidationError

from app.exchange.register import open_case_registers, open_registers
from app.exchange.register.addresses import RegisterNotKnown
from app.exchange.register.smartbridge import BusNotReady
from app.exchange.rules.cases import CaseVerdict
from app.exchange.rules.requests import PartStatus
from app.exchange.wire.cases import CaseKind, CaseRegister
from app.exchange.wire.registers import Query, RegisterName
from sim import case_records as held
from sim.cases import CaseBehaviour
from sim.district import DRIVER, FIRM, FRIEND, SECOND_OFFICER, STRANGER
from sim.faults import Fault
from tests.factories_registers import case_question, far_end, request_to

pytestmark = pytest.mark.sockets


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with far_end(tmp_path_factory.mktemp("far-end")) as running:
        yield running


@pytest.fixture
def far(running):
    yield running
    running.break_lines(None, Fault.NONE)
    running.cases.behave(None, CaseBehaviour.NORMAL)
    running.cases.world.__init__()
    running.registers.world.__init__()
    running.bus.spoil = lambda sealed: sealed


@pytest.fixture(params=["http", "smartbridge"])
def settings(request, far):
    return far.settings(request.param)


async def confirmed(settings, question):
    async with open_case_registers(settings) as registers:
        return await registers.confirm(question)


async def asked(settings, register, **changed):
    async with open_registers(settings) as registers:
        return await registers.ask(register=register, request=request_to(register, **changed))


@pytest.mark.parametrize("register", CaseRegister)
async def test_a_case_in_the_persons_work_is_confirmed(settings, register):
    reply = await confirmed(settings, case_question(register))

    assert (reply.verdict, reply.fault) == (CaseVerdict.CONFIRMED, "")
    assert reply.asked_ms >= 0


@pytest.mark.parametrize(
    ("changed", "verdict"),
    [
        ({"number": "267500031000777"}, CaseVerdict.NO_CASE),
        ({"number": held.CLOSED_CASE.number}, CaseVerdict.CLOSED),
        ({"number": held.ANOTHERS.number}, CaseVerdict.NOT_YOURS),
        ({"number": held.BEFORE_COURT.number}, CaseVerdict.CLOSED),
        ({"officer_iin": SECOND_OFFICER.iin}, CaseVerdict.CONFIRMED),
        ({"officer_iin": STRANGER.iin}, CaseVerdict.NOT_YOURS),
        ({"kind": CaseKind.SEARCH}, CaseVerdict.NO_CASE),
        (
            {"number": held.ORDERED.number, "order_number": held.ORDER_NUMBER},
            CaseVerdict.CONFIRMED,
        ),
        (
            {"number": held.ORDERED.number, "order_number": "12-3/1043"},
            CaseVerdict.ORDER_NOT_ADDRESSED,
        ),
        (
            {"number": held.BEFORE_COURT.number, "order_number": "7-14/88"},
            CaseVerdict.CONFIRMED,
        ),
    ],
)
async def test_the_registers_answer_decides(settings, changed, verdict):
    reply = await confirmed(settings, case_question(**changed))

    assert reply.verdict is verdict


async def test_articles_are_told_of_a_confirmed_case_alone(settings):
    ours = await confirmed(settings, case_question())
    theirs = await confirmed(settings, case_question(number=held.ANOTHERS.number))

    assert (ours.articles, theirs.articles) == (("188", "190"), ())


async def test_one_article_and_one_holder_are_read_as_lists_of_one(settings, far):
    case = held.HELD.model_copy(update={"articles": ("188",), "holders": held.HELD.holders[:1]})
    far.cases.world.add(CaseRegister.ERDR, case)

    assert (await confirmed(settings, case_question())).articles == ("188",)


async def test_a_case_of_another_court_or_year_is_no_case(settings):
    question = case_question(CaseRegister.EAIAS, year=2025)
    other = case_question(CaseRegister.EAIAS, court="Бостандыкский районный суд города Алматы")

    assert (await confirmed(settings, question)).verdict is CaseVerdict.NO_CASE
    assert (await confirmed(settings, other)).verdict is CaseVerdict.NO_CASE


async def test_a_court_asks_of_its_own_cases_alone(settings):
    question = case_question(CaseRegister.EAIAS, number=held.COURT_OF_ANOTHER.number)

    assert (await confirmed(settings, question)).verdict is CaseVerdict.NOT_YOURS


@pytest.mark.parametrize(
    ("behaviour", "verdict"),
    [
        (CaseBehaviour.ANOTHER_CASE, CaseVerdict.UNAVAILABLE),
        (CaseBehaviour.STALE, CaseVerdict.UNAVAILABLE),
        (CaseBehaviour.REFUSES, CaseVerdict.REFUSED),
    ],
)
async def test_an_answer_to_another_question_confirms_nothing(settings, far, behaviour, verdict):
    far.cases.behave(CaseRegister.ERDR, behaviour)

    assert (await confirmed(settings, case_question())).verdict is verdict


@pytest.mark.parametrize("number", ["", "9" * 65, "a\x00b", "\x1b[31m", "\ud800", "\uffff", "1\n2"])
async def test_a_number_that_can_be_none_is_refused_unasked(settings, far, number):
    before = len(far.cases.asked)

    reply = await confirmed(settings, case_question(number=number))

    assert (reply.verdict, reply.fault) == (CaseVerdict.REFUSED, "question_not_valid")
    assert len(far.cases.asked) == before


@pytest.mark.parametrize("text", ['<x a="1">&amp;', "]]>", "'\"&<>", "Сәуле\u2028"])
async def test_no_number_changes_the_form_of_the_question(settings, far, text):
    far.cases.world.add(CaseRegister.ERDR, held.HELD.model_copy(update={"number": text}))

    reply = await confirmed(settings, case_question(number=text))

    assert reply.verdict is CaseVerdict.CONFIRMED
    assert far.cases.asked[-1].number == text


@pytest.mark.parametrize("register", RegisterName)
async def test_every_service_answers(settings, far, register):
    far.registers.world.wanted_iins.add(DRIVER.iin)
    far.registers.world.wanted_plates.add(DRIVER.plate)
    far.registers.world.owing_iins.add(DRIVER.iin)

    part = await asked(settings, register)

    assert (part.status, part.fault) == (PartStatus.FOUND, "")
    about = {part.record.get(name) for name in ("iin", "plate", "bin")}
    assert about & {DRIVER.iin, DRIVER.plate, FIRM.bin}


async def test_lists_and_numbers_arrive_as_they_are(settings, far):
    far.registers.world.owing_iins.add(DRIVER.iin)

    fines = await asked(settings, RegisterName.UNPAID_FINES)
    licence = await asked(settings, RegisterName.DRIVER_LICENCE)
    vehicle = await asked(settings, RegisterName.VEHICLE)

    assert [one["amount_tiyn"] for one in fines.record["fines"]] == [4_325_000]
    assert licence.record["categories"] == ["B", "B1"]
    assert vehicle.record["year"] == 2019


async def test_an_unknown_subject_is_not_found(settings):
    part = await asked(settings, RegisterName.LEGAL_ENTITY, query=Query(bin="210340000999"))

    assert part.status is PartStatus.NOT_FOUND


async def test_many_are_asked_at_once(settings):
    async with open_registers(settings) as registers:
        requests = [(name, request_to(name)) for name in RegisterName] * 3
        parts = [registers.ask(register=name, request=one) for name, one in requests]
        statuses = [(await part).status for part in parts]

    assert set(statuses) <= {PartStatus.FOUND, PartStatus.NOT_FOUND}


async def test_a_photograph_is_of_the_person_asked_for(settings):
    part = await asked(settings, RegisterName.PERSON_PHOTO, query=Query(iin=FRIEND.iin))

    assert part.record["iin"] == FRIEND.iin
    assert part.record["portrait_png_base64"].startswith("iVBOR")


async def test_registers_of_one_process_may_speak_either_protocol(far):
    settings = far.settings("http", **far.on_bus(["legal_entity", "erdr"]))
    before = len(far.bus.refused)

    entity = await asked(settings, RegisterName.LEGAL_ENTITY)
    vehicle = await asked(settings, RegisterName.VEHICLE)
    case = await confirmed(settings, case_question())

    assert {entity.status, vehicle.status} == {PartStatus.FOUND}
    assert case.verdict is CaseVerdict.CONFIRMED
    assert len(far.bus.refused) == before


async def test_a_register_without_an_address_is_not_asked(far):
    settings = far.settings("http", case_registers_url=None, registers_url=None)

    case = await confirmed(settings, case_question())
    part = await asked(settings, RegisterName.VEHICLE)

    assert (case.verdict, case.fault) == (CaseVerdict.UNAVAILABLE, "not_configured")
    assert (part.status, part.fault) == (PartStatus.UNAVAILABLE, "not_configured")


async def test_an_address_for_no_register_stops_the_start(far):
    settings = far.settings("http", register_addresses={"gbd": {"address": "http://127.0.0.1:9"}})

    with pytest.raises(RegisterNotKnown):
        await confirmed(settings, case_question())


@pytest.mark.parametrize("content", [b"", b"no key here"])
async def test_a_key_that_is_none_stops_the_start(far, tmp_path, content):
    file = tmp_path / "system.pem"
    file.write_bytes(content)
    settings = far.settings("smartbridge", smartbridge_key_file=file)

    with pytest.raises(BusNotReady):
        await confirmed(settings, case_question())


@pytest.mark.parametrize(
    "own",
    [
        {"kind": "smartbridge", "address": "http://127.0.0.1:9"},
        {
            "kind": "http",
            "address": "http://127.0.0.1:9",
            "service_id": "x",
            "signer_bin": "1" * 12,
        },
        {"address": "file:///etc/passwd"},
        {"address": "http://127.0.0.1:9", "more": 1},
    ],
)
def test_an_address_that_is_not_whole_is_refused(far, own):
    with pytest.raises(ValidationError):
        far.settings("http", register_addresses={"erdr": own})


def test_half_an_account_on_the_bus_is_refused(far):
    with pytest.raises(ValidationError):
        far.settings("smartbridge", smartbridge_sender_id=None)
