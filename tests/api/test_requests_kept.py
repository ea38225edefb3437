"""What is kept of requests and for how long, the draw's seeds, and court sanctions."""

import asyncio
import base64
import hashlib
import json
from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from pydantic import HttpUrl

from app.clock import law_date, utc_now
from app.db import transaction
from app.exchange import service
from app.exchange.errors import SanctionNotFound, SanctionNotValid, StepRefused
from app.exchange.rules.sampling import SampledLeaf, check_day
from app.exchange.rules.sanctions import CourtDecision, SanctionStatus
from app.exchange.service.sampling import seed_of
from app.iin import check_digit
from sim import case_records as held
from sim.cases import SimCases
from sim.district import COURT, DRIVER, FIRM, INVESTIGATOR
from sim.registers import SimRegisters
from tests.factories_devices import audited
from tests.factories_exchange import JUSTIFICATION
from tests.factories_identity import signed_in, trust_the_authority
from tests.factories_requests import (
    ABOUT_FIRM,
    CRIMINAL,
    PRIMARY,
    SEARCH,
    SECOND,
    Clock,
    body,
    give_cases,
    people,
    ports_of,
    rows,
    signature,
)

_ELEVEN = "21034000008"
OTHER_FIRM = f"{_ELEVEN}{check_digit(_ELEVEN)}"


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
    return await client.post("/api/requests", json=body(basis, **changed), headers=headers)


async def reviewed(_session, *, person_id, month):
    return bool(person_id and month)


async def not_reviewed(_session, *, person_id, month):
    return not (person_id and month)


async def salts(sessions):
    async with transaction(sessions) as session:
        return await session.scalar(sa.text("SELECT count(*) FROM audit_subjects"))


async def test_what_is_past_its_term_is_destroyed_and_the_log_stays_whole(
    client, investigator, worker, clock, sessions
):
    told = (await ask(client, investigator)).json()
    path = f"/api/requests/{told['request_id']}"
    await client.get(path, headers=investigator)
    known = await salts(sessions)
    clock.ahead = timedelta(days=365 * 6)

    destroyed = await service.destroy_overdue(worker, reviewed_of=reviewed)

    (row,) = await rows(sessions)
    assert (destroyed, known) == (1, 3)  # of the decision, the answer and the look
    assert (row.answer, row.subject_sealed, row.extended_sealed) == (None, None, None)
    assert (row.wrapped_key, row.subject_index) == (None, None)
    assert await salts(sessions) == 0
    assert len(await audited(sessions, "exchange.request_decided")) == 1
    (leaf,) = await audited(sessions, "exchange.answer_destroyed")
    assert leaf["fields"]["contents"] == ["answer", "justification", "subject"]
    assert (leaf["fields"]["key_destroyed"], leaf["fields"]["salts"]) == (True, 3)
    seen = (await client.get(path, headers=investigator)).json()
    printed = await client.post(f"{path}/print", headers=investigator)
    assert (seen["status"], seen["answer"]) == ("destroyed", None)
    assert (printed.status_code, printed.json()["status"]) == (409, "destroyed")
    assert await service.destroy_overdue(worker, reviewed_of=reviewed) == 0


async def test_an_answer_goes_before_the_subject_it_is_about(
    client, investigator, worker, clock, sessions
):
    await ask(client, investigator)
    clock.ahead = timedelta(days=365 * 3 + 5)

    await service.destroy_overdue(worker, reviewed_of=reviewed)

    (row,) = await rows(sessions)
    assert row.answer is None
    assert row.subject_sealed is not None
    assert row.wrapped_key is not None
    assert await salts(sessions) == 2


@pytest.mark.parametrize("reviewed_of", [None, not_reviewed])
async def test_nothing_is_destroyed_before_its_month_is_reviewed(
    client, investigator, worker, clock, sessions, reviewed_of
):
    await ask(client, investigator)
    clock.ahead = timedelta(days=365 * 20)

    destroyed = await service.destroy_overdue(worker, reviewed_of=reviewed_of)

    assert destroyed == 0
    assert (await rows(sessions))[0].answer is not None


# The seeds of the draw.


async def test_the_draws_of_a_day_can_be_repeated_by_anybody_after_it(
    client, investigator, worker, clock, sessions
):
    for basis in (CRIMINAL, CRIMINAL | {"case_number": "-"}, PRIMARY):
        await ask(client, investigator, basis)
    today = law_date(utc_now())
    before = await audited(sessions, "exchange.seed_opened")
    clock.ahead = timedelta(days=1)

    await service.keep_seeds(worker, now=clock())

    (opened,) = await audited(sessions, "exchange.seed_opened")
    (committed,) = [
        leaf["fields"]["commitment"]
        for leaf in await audited(sessions, "exchange.seed_committed")
        if leaf["fields"]["day"] == today.isoformat()
    ]
    leaves = [
        SampledLeaf(
            person_id=leaf["fields"]["running"]["stream"],
            month=leaf["fields"]["running"]["month"],
            number=leaf["fields"]["running"]["number"],
            drawn=leaf["fields"]["drawn"],
        )
        for event in ("request_decided", "request_refused")
        for leaf in await audited(sessions, f"exchange.{event}")
    ]
    report = check_day(
        commitment=committed,
        seed=bytes.fromhex(opened["fields"]["seed"]),
        day=date.fromisoformat(opened["fields"]["day"]),
        leaves=leaves,
    )
    assert (report.holds, report.leaves, before) == (True, 3, [])


async def test_the_commitment_stands_in_the_log_before_the_first_draw(
    client, investigator, sessions
):
    await ask(client, investigator)

    async with transaction(sessions) as session:
        order = await session.scalars(
            sa.text(
                "SELECT event FROM audit_leaves WHERE event IN"
                " ('exchange.seed_committed', 'exchange.request_decided') ORDER BY index"
            )
        )
    assert list(order) == ["exchange.seed_committed", "exchange.request_decided"]


async def test_two_processes_at_once_make_one_seed(parts, sessions):
    processes = [ports_of(parts, seeds=service.SeedBook()) for _ in range(4)]

    seeds = await asyncio.gather(*(seed_of(one, day=date(2026, 12, 1)) for one in processes))

    assert len(set(seeds)) == 1
    assert len(await audited(sessions, "exchange.seed_committed")) == 1


async def test_a_seed_lies_sealed_and_is_in_no_leaf_before_it_is_opened(
    client, investigator, worker, sessions
):
    await ask(client, investigator)
    seed = await seed_of(worker, day=law_date(utc_now()))

    async with transaction(sessions) as session:
        stored = await session.scalar(sa.text("SELECT sealed FROM sampling_seeds"))
    (leaf,) = await audited(sessions, "exchange.seed_committed")
    assert seed not in stored
    assert seed.hex() not in str(leaf)


# Court sanctions.

DRAFT = {
    "register": "ais_su",
    "case_number": held.SEARCH.number,
    "court": COURT,
    "services": ["legal_entity"],
    "bin": FIRM.bin,
    "grounds": JUSTIFICATION,
}


async def drafted(client, headers, **changed):
    answer = await client.post("/api/sanctions", json=DRAFT | changed, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.json()["sanction_id"]


async def document_of(client, headers, sanction_id):
    view = (await client.get(f"/api/sanctions/{sanction_id}", headers=headers)).json()
    document = base64.b64decode(view["document_base64"])
    assert hashlib.sha256(document).hexdigest() == view["document_sha256"]
    return document


async def sent(client, headers, **changed):
    """Return the id of a sanction that was signed and sent."""
    sanction_id = await drafted(client, headers, **changed)
    document = await document_of(client, headers, sanction_id)
    path = f"/api/sanctions/{sanction_id}"
    signed = await client.post(
        f"{path}/signature", json=signature(INVESTIGATOR, document), headers=headers
    )
    assert signed.status_code == 204, signed.text
    assert (await client.post(f"{path}/sending", headers=headers)).status_code == 204
    return sanction_id


def decision(**changed):
    now = utc_now()
    values = {
        "number": "4-12/26",
        "judge": "Ж. С. Жүнісова",
        "decided_at": now - timedelta(minutes=1),
        "valid_until": now + timedelta(days=10),
        "services": frozenset({"legal_entity"}),
    }
    return CourtDecision(**(values | changed))


async def searched(client, headers, sanction_id, **changed):
    return await ask(
        client,
        headers,
        SEARCH | {"sanction_id": sanction_id},
        **({"services": ["legal_entity"], "subject": ABOUT_FIRM} | changed),
    )


async def test_a_granted_sanction_opens_what_it_covers_and_each_step_is_an_event(
    client, investigator, worker, sessions
):
    sanction_id = await sent(client, investigator)
    (fetched,) = await service.sanctions_for_court(worker, court=COURT)
    await service.record_court_receipt(
        worker, sanction_id=fetched.sanction_id, court=COURT, eaias_number="7527-26/1"
    )
    await service.record_court_answer(
        worker, sanction_id=fetched.sanction_id, court=COURT, decision=decision()
    )

    answer = await searched(client, investigator, sanction_id)

    assert answer.json()["status"] == "released"
    assert json.loads(fetched.document)["subject"]["bin"] == FIRM.bin
    steps = (await client.get(f"/api/sanctions/{sanction_id}", headers=investigator)).json()
    told = [one["status"] for one in steps["steps"]]
    assert told == ["draft", "signed", "sent", "received", "granted"]
    leaves = await audited(sessions, "exchange.sanction_step")
    assert [one["fields"]["status"] for one in leaves] == told
    assert FIRM.bin not in str(leaves)
    (row,) = await rows(sessions)
    assert str(row.sanction_id) == sanction_id


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({"subject": {"bin": OTHER_FIRM}}, "SANCTION_SCOPE"),
        ({"case_number": "2675000310003512"}, "SANCTION_SCOPE"),
    ],
)
async def test_a_sanction_covers_no_other_subject_and_no_other_case(
    client, investigator, worker, changed, refusal
):
    sanction_id = await sent(client, investigator)
    await service.record_court_answer(
        worker, sanction_id=sanction_id, court=COURT, decision=decision()
    )

    answer = await searched(client, investigator, sanction_id, **changed)

    assert (answer.status_code, answer.json()["refusal"]) == (403, refusal)


async def test_a_sanction_that_the_court_has_not_granted_opens_nothing(
    client, investigator, worker
):
    draft = await drafted(client, investigator)
    refused = await sent(client, investigator)
    await service.record_court_answer(
        worker, sanction_id=refused, court=COURT, decision=None, refusal_number="4-13/26"
    )
    withdrawn = await sent(client, investigator)
    await client.post(f"/api/sanctions/{withdrawn}/withdrawal", headers=investigator)
    over = await sent(client, investigator)
    await service.record_court_answer(
        worker,
        sanction_id=over,
        court=COURT,
        decision=decision(
            decided_at=utc_now() - timedelta(days=2), valid_until=utc_now() - timedelta(days=1)
        ),
    )

    codes = [
        (await searched(client, investigator, one)).json()["refusal"]
        for one in (draft, refused, withdrawn, over)
    ]
    marked = await service.expire_sanctions(worker)

    assert codes == [
        "SANCTION_NOT_YET",
        "SANCTION_REFUSED",
        "SANCTION_WITHDRAWN",
        "SANCTION_EXPIRED",
    ]
    assert marked == 1


async def test_another_investigators_sanction_is_as_good_as_absent(
    client, investigator, worker, sessions
):
    sanction_id = await sent(client, investigator)
    await service.record_court_answer(
        worker, sanction_id=sanction_id, court=COURT, decision=decision()
    )
    other = await signed_in(client, SECOND)
    path = f"/api/sanctions/{sanction_id}"

    answers = [
        await client.get(path, headers=other),
        await client.post(f"{path}/sending", headers=other),
        await client.post(f"{path}/withdrawal", headers=other),
        await client.post(f"{path}/signature", json=signature(SECOND, b"-"), headers=other),
    ]
    used = await searched(client, other, sanction_id)

    assert {(one.status_code, one.json()["code"]) for one in answers} == {
        (404, "exchange.sanction_not_found")
    }
    assert used.json()["refusal"] in {"SANCTION_UNKNOWN", "RECON_NOT_YOURS"}
    assert (await rows(sessions))[0].sanction_id is None


async def test_a_courts_answer_grants_no_more_than_was_asked_and_to_no_draft(
    client, investigator, worker
):
    draft = await drafted(client, investigator)
    sanction_id = await sent(client, investigator)
    services = frozenset({"legal_entity", "person_photo"})

    with pytest.raises(SanctionNotValid, match="not valid"):
        await service.record_court_answer(
            worker, sanction_id=sanction_id, court=COURT, decision=decision(services=services)
        )
    with pytest.raises(SanctionNotFound):
        await service.record_court_answer(
            worker, sanction_id=draft, court=COURT, decision=decision()
        )
    with pytest.raises(SanctionNotFound):
        await service.record_court_answer(
            worker, sanction_id=sanction_id, court="Другой суд", decision=decision()
        )
    await service.record_court_answer(
        worker, sanction_id=sanction_id, court=COURT, decision=decision()
    )
    with pytest.raises(StepRefused):
        await service.record_court_answer(
            worker, sanction_id=sanction_id, court=COURT, decision=None
        )
    view = await client.get(f"/api/sanctions/{sanction_id}", headers=investigator)
    assert view.json()["status"] == SanctionStatus.GRANTED.value


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"case_number": "-"}, "case_number"),
        ({"court": " "}, "court"),
        ({"grounds": "needed"}, "grounds"),
        ({"bin": None}, "subject"),
        ({"iin": DRIVER.iin}, "subject"),
    ],
)
async def test_a_sanction_is_not_drawn_up_without_what_a_court_needs(
    client, investigator, changed, fault
):
    answer = await client.post("/api/sanctions", json=DRAFT | changed, headers=investigator)

    assert (answer.status_code, answer.json()["code"]) == (422, "exchange.sanction_not_valid")
    assert answer.json()["fault"] == fault


async def test_a_signed_sanction_cannot_be_signed_again_nor_sent_unsigned(client, investigator):
    unsigned = await drafted(client, investigator)
    sanction_id = await sent(client, investigator)
    document = await document_of(client, investigator, sanction_id)

    early = await client.post(f"/api/sanctions/{unsigned}/sending", headers=investigator)
    again = await client.post(
        f"/api/sanctions/{sanction_id}/signature",
        json=signature(INVESTIGATOR, document),
        headers=investigator,
    )

    assert early.json()["code"] == again.json()["code"] == "exchange.step_refused"
