"""The document of an international order: attached, read, signed for, kept and destroyed."""

import asyncio
import base64
import hashlib
import json
from datetime import timedelta

import pytest
import sqlalchemy as sa
from pydantic import HttpUrl

from app.db import transaction
from app.exchange import service
from app.exchange.rules.documents import DOCUMENT_BYTES_MAX, VERSIONS_MAX
from sim.cases import SimCases
from sim.district import DRIVER, INVESTIGATOR, OTHER_DEPARTMENT_BIN, STAFF, Staff
from sim.registers import SimRegisters
from tests.factories_access import iin
from tests.factories_devices import audited
from tests.factories_identity import district, signed_in, trust_the_authority
from tests.factories_requests import (
    CRIMINAL,
    INTERNATIONAL,
    PDF,
    SECOND,
    Clock,
    attach,
    body,
    give_cases,
    ports_of,
    rows,
    signature,
)

OTHER = PDF.replace(b"Catalog", b"CATALOG")
STRANGER = Staff(
    "stranger-investigator", iin(7301), "СЕРІКОВ", "Асан", "", "investigator",
    "Следователь", "AST-0007", OTHER_DEPARTMENT_BIN,
)  # fmt: skip
COLLEAGUE = Staff(
    "third-investigator", iin(7302), "ЖҮНІСОВ", "Дәулет", "", "investigator",
    "Следователь", "AST-0008",
)  # fmt: skip


def sha256(content):
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def registers():
    with SimRegisters() as registers:
        yield registers


@pytest.fixture
def settings(settings, registers):
    with SimCases() as cases:
        give_cases(cases.world)
        yield settings.model_copy(
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
    await district(sessions, staff=(*STAFF, SECOND, STRANGER, COLLEAGUE))
    return await signed_in(client, INVESTIGATOR)


@pytest.fixture
async def order(client, investigator):
    """Return the id of an order that waits for its second person, no document attached."""
    answer = await client.post("/api/requests", json=body(INTERNATIONAL), headers=investigator)
    assert answer.json()["status"] == "needs_second_person", answer.text
    return answer.json()["request_id"]


@pytest.fixture
async def second(client, order):  # noqa: ARG001 - the staff must be there to sign in
    return await signed_in(client, SECOND)


async def to_sign(client, headers):
    (shown,) = (await client.get("/api/requests/to-confirm", headers=headers)).json()["orders"]
    return shown, base64.b64decode(shown["document_base64"])


async def confirm(client, headers, order, document):
    path = f"/api/requests/{order}/confirmation"
    return await client.post(path, json=signature(SECOND, document), headers=headers)


async def read(client, headers, order):
    return await client.get(f"/api/requests/{order}/document", headers=headers)


async def stored(sessions):
    async with transaction(sessions) as session:
        return (await session.execute(sa.text("SELECT * FROM request_documents"))).one_or_none()


async def status(sessions):
    return (await rows(sessions))[0].status


async def execute(sessions, statement, **values):
    async with transaction(sessions) as session:
        await session.execute(sa.text(statement), values)


def told(answer):
    return answer.status_code, answer.json()["code"]


async def test_an_order_is_released_once_its_document_was_attached_read_and_signed_for(
    client, investigator, second, order, parts, sessions
):
    attached = await attach(client, investigator, order)
    shown, document = await to_sign(client, second)
    seen = await read(client, second, order)

    confirmed = await confirm(client, second, order, document)
    await service.verify_waiting(ports_of(parts))

    assert attached.status_code == 200
    assert attached.json()["sha256"] == shown["order_document"]["sha256"] == sha256(PDF)
    assert (seen.status_code, seen.content) == (200, PDF)
    assert json.loads(document)["order_document_sha256"] == sha256(PDF)
    assert (confirmed.status_code, await status(sessions)) == (200, "released")
    (leaf,) = await audited(sessions, "exchange.order_confirmed")
    assert leaf["fields"]["order_document_sha256"] == sha256(PDF)


async def test_the_document_is_on_the_log_by_its_hash_and_lies_sealed(
    client, investigator, order, sessions
):
    await attach(client, investigator, order)

    row = await stored(sessions)
    assert (row.sha256, row.size_bytes, row.version) == (sha256(PDF), len(PDF), 1)
    assert PDF[:20] not in row.sealed
    (leaf,) = await audited(sessions, "exchange.order_document_attached")
    assert leaf["fields"] == {
        "check_id": order,
        "document_sha256": sha256(PDF),
        "size_bytes": len(PDF),
        "version": 1,
        "replaces": None,
    }


async def test_a_look_is_a_file_to_save_and_has_its_leaf_with_the_subject_first(
    client, investigator, second, order, sessions
):
    await attach(client, investigator, order)

    seen = await read(client, second, order)

    (leaf,) = await audited(sessions, "exchange.order_document_viewed")
    assert (leaf["fields"]["check_id"], leaf["fields"]["report_id"]) == (order, None)
    assert leaf["subject"] is not None
    assert DRIVER.iin not in str(leaf)
    assert seen.headers["content-type"] == "application/pdf"
    assert seen.headers["cache-control"] == "no-store"
    assert seen.headers["content-disposition"].startswith("attachment;")
    async with transaction(sessions) as session:
        kinds = await session.scalars(sa.text("SELECT kind FROM request_disclosures"))
    assert list(kinds) == ["document"]


async def test_without_a_document_an_order_is_neither_read_nor_confirmed(
    client, second, order, sessions
):
    shown, document = await to_sign(client, second)

    seen = await read(client, second, order)
    answer = await confirm(client, second, order, document)

    assert shown["order_document"] is None
    for one in (seen, answer):
        assert told(one) == (409, "exchange.order_document_missing")
    assert answer.json()["item"] == "22"
    assert set(answer.json()["texts"]) == set(answer.json()["cures"]) == {"kk", "ru", "en"}
    assert await status(sessions) == "needs_second_person"
    refused = await audited(sessions, "exchange.confirmation_refused")
    assert [one["fields"]["code"] for one in refused] == ["exchange.order_document_missing"] * 2


@pytest.mark.parametrize("replaced", ["after the signature was made", "and put back"])
async def test_a_signature_names_the_document_that_was_read_and_no_other(
    client, investigator, second, order, sessions, replaced
):
    await attach(client, investigator, order)
    _, document = await to_sign(client, second)
    await attach(client, investigator, order, OTHER)

    answer = await confirm(client, second, order, document)

    assert answer.status_code == 422
    assert answer.json()["code"].startswith("identity.")
    assert await status(sessions) == "needs_second_person"
    if replaced == "and put back":
        await attach(client, investigator, order, PDF)
        assert (await confirm(client, second, order, document)).status_code == 200


async def test_a_document_may_be_replaced_each_is_on_the_log_and_the_last_counts(
    client, investigator, second, order, sessions
):
    await attach(client, investigator, order)
    await attach(client, investigator, order, OTHER)
    again = await attach(client, investigator, order, OTHER)

    seen = await read(client, second, order)

    assert (again.status_code, again.json()["version"], seen.content) == (200, 2, OTHER)
    leaves = await audited(sessions, "exchange.order_document_attached")
    assert [one["fields"]["replaces"] for one in leaves] == [None, sha256(PDF)]


async def test_a_document_is_replaced_only_so_often(client, investigator, order, sessions):
    await attach(client, investigator, order)
    await execute(sessions, "UPDATE request_documents SET version = :most", most=VERSIONS_MAX)

    answer = await attach(client, investigator, order, OTHER)
    same = await attach(client, investigator, order)

    assert told(answer) == (409, "exchange.order_document_limit")
    assert same.status_code == 200
    assert (await stored(sessions)).sha256 == sha256(PDF)


@pytest.mark.parametrize("ended", ["confirmed", "objected", "dead"])
async def test_nothing_is_attached_to_an_order_that_waits_no_longer(
    client, investigator, second, order, sessions, ended
):
    await attach(client, investigator, order)
    if ended == "confirmed":
        _, document = await to_sign(client, second)
        assert (await confirm(client, second, order, document)).status_code == 200
    elif ended == "objected":
        reason = {"reason": "Поручение адресовано другому органу."}
        path = f"/api/requests/{order}/objection"
        paper = (await client.post(f"{path}-paper", json=reason, headers=second)).json()
        signed = signature(SECOND, base64.b64decode(paper["document_base64"]))
        assert paper["order_document"]["sha256"] == sha256(PDF)
        assert (await client.post(path, json=reason | signed, headers=second)).status_code == 200
    else:
        await execute(
            sessions,
            "UPDATE register_requests SET received_at = received_at - interval '25 hours'",
        )

    answer = await attach(client, investigator, order, OTHER)

    assert told(answer) == (409, "exchange.request_not_waiting")
    assert (await stored(sessions)).sha256 == sha256(PDF)
    (leaf,) = await audited(sessions, "exchange.order_document_refused")
    assert leaf["fields"]["code"] == "exchange.request_not_waiting"


async def test_a_request_on_another_basis_takes_no_document(client, investigator):
    made = (await client.post("/api/requests", json=body(CRIMINAL), headers=investigator)).json()

    answer = await attach(client, investigator, made["request_id"])

    assert told(answer) == (409, "exchange.request_not_waiting")


@pytest.mark.parametrize("who", [SECOND, STRANGER])
async def test_who_does_not_ask_attaches_nothing(client, order, sessions, who):
    headers = await signed_in(client, who)

    answer = await attach(client, headers, order)

    assert told(answer) == (404, "exchange.request_not_found")
    assert await stored(sessions) is None


async def test_who_attached_it_reads_it_back_and_each_look_has_its_leaf(
    client, investigator, second, order, sessions
):
    await attach(client, investigator, order)
    waiting = await read(client, investigator, order)
    _, document = await to_sign(client, second)
    await confirm(client, second, order, document)

    afterwards = await read(client, investigator, order)

    assert (waiting.content, afterwards.content) == (PDF, PDF)
    leaves = await audited(sessions, "exchange.order_document_viewed")
    assert [one["fields"]["document_sha256"] for one in leaves] == [sha256(PDF)] * 2
    assert None not in [one["subject"] for one in leaves]


async def test_of_the_unit_only_who_signed_reads_it_when_it_waits_no_longer(
    client, investigator, second, order, sessions
):
    await attach(client, investigator, order)
    _, document = await to_sign(client, second)
    colleague = await signed_in(client, COLLEAGUE)
    before = await read(client, colleague, order)
    await confirm(client, second, order, document)

    signed = await read(client, second, order)
    after = await read(client, colleague, order)

    assert (before.content, signed.content) == (PDF, PDF)
    assert told(after) == (409, "exchange.request_not_waiting")
    assert len(await audited(sessions, "exchange.order_document_viewed")) == 2


async def test_who_asked_and_went_to_another_unit_reads_it_no_more(
    client, investigator, order, sessions
):
    await attach(client, investigator, order)
    await execute(
        sessions,
        "UPDATE register_requests SET department_id ="
        " (SELECT id FROM departments WHERE id <> register_requests.department_id LIMIT 1)",
    )

    answer = await read(client, investigator, order)

    assert told(answer) == (404, "exchange.request_not_found")
    assert await audited(sessions, "exchange.order_document_viewed") == []


async def test_who_asks_is_told_where_nothing_is_attached(client, investigator, order):
    assert told(await read(client, investigator, order)) == (409, "exchange.order_document_missing")


async def test_who_is_of_another_unit_does_not_read_it(client, investigator, order):
    await attach(client, investigator, order)
    stranger = await signed_in(client, STRANGER)

    assert told(await read(client, stranger, order)) == (404, "exchange.request_not_found")


@pytest.mark.parametrize(
    ("content", "fault"),
    [(b"", "not_pdf"), (b"PK\x03\x04" + PDF, "not_pdf"), (PDF[:-8], "cut_short")],
)
async def test_what_is_no_whole_pdf_is_refused_and_nothing_is_kept(
    client, investigator, order, sessions, content, fault
):
    answer = await attach(client, investigator, order, content)

    assert told(answer) == (422, "exchange.order_document_not_valid")
    assert answer.json()["fault"] == fault
    assert set(answer.json()["texts"]) == {"kk", "ru", "en"}
    assert await stored(sessions) is None
    (leaf,) = await audited(sessions, "exchange.order_document_refused")
    assert leaf["fields"]["code"] == "exchange.order_document_not_valid"


async def test_ten_mebibytes_are_taken_and_read_again_and_a_byte_more_is_not(
    client, investigator, second, order
):
    largest = PDF[:9] + b"x" * (DOCUMENT_BYTES_MAX - len(PDF)) + PDF[9:]

    taken = await attach(client, investigator, order, largest)
    over = await attach(client, investigator, order, largest[:9] + b"x" + largest[9:])

    assert (taken.status_code, over.status_code) == (200, 413)
    assert (await read(client, second, order)).content == largest


@pytest.mark.parametrize("place", [0, 20, -1])
async def test_one_changed_byte_in_what_is_stored_is_neither_shown_nor_signed_for(
    client, investigator, second, order, sessions, place
):
    await attach(client, investigator, order)
    sealed = bytearray((await stored(sessions)).sealed)
    sealed[place] ^= 1
    await execute(sessions, "UPDATE request_documents SET sealed = :one", one=bytes(sealed))
    _, document = await to_sign(client, second)

    seen = await read(client, second, order)
    answer = await confirm(client, second, order, document)

    for one in (seen, answer):
        assert told(one) == (503, "exchange.answer_damaged")
    assert await audited(sessions, "exchange.order_document_viewed") == []
    assert await status(sessions) == "needs_second_person"


async def test_a_changed_hash_beside_a_whole_document_is_not_signed_for(
    client, investigator, second, order, sessions
):
    await attach(client, investigator, order)
    await execute(sessions, "UPDATE request_documents SET sha256 = :one", one=sha256(OTHER))
    _, document = await to_sign(client, second)

    answer = await confirm(client, second, order, document)

    assert told(answer) == (503, "exchange.answer_damaged")
    assert await status(sessions) == "needs_second_person"


async def test_a_document_of_another_order_does_not_open_in_its_place(
    client, investigator, second, order, sessions
):
    other = (
        await client.post("/api/requests", json=body(INTERNATIONAL), headers=investigator)
    ).json()["request_id"]
    await attach(client, investigator, order)
    await attach(client, investigator, other, OTHER)
    await execute(
        sessions,
        "UPDATE request_documents AS mine SET sealed = theirs.sealed, sha256 = theirs.sha256"
        " FROM request_documents AS theirs"
        " WHERE mine.request_id = :mine AND theirs.request_id = :theirs",
        mine=order,
        theirs=other,
    )

    assert told(await read(client, second, order)) == (503, "exchange.answer_damaged")


async def test_replacing_while_the_second_person_confirms_never_parts_the_two(
    client, investigator, second, order, sessions
):
    await attach(client, investigator, order)
    _, document = await to_sign(client, second)

    replaced, confirmed = await asyncio.gather(
        attach(client, investigator, order, OTHER), confirm(client, second, order, document)
    )

    kept = (await stored(sessions)).sha256
    outcome = (replaced.status_code, confirmed.status_code, kept)
    assert outcome in {(409, 200, sha256(PDF)), (200, 422, sha256(OTHER))}


async def reviewed(_session, *, person_id, month):
    return bool(person_id and month)


async def test_the_document_is_destroyed_with_the_key_of_its_request(
    client, investigator, second, order, parts, sessions
):
    await attach(client, investigator, order)
    _, document = await to_sign(client, second)
    await read(client, second, order)
    await confirm(client, second, order, document)
    clock = Clock()
    worker = ports_of(parts, clock=clock)
    await service.verify_waiting(worker)
    clock.ahead = timedelta(days=365 * 4)
    await service.destroy_overdue(worker, reviewed_of=reviewed)
    kept = await stored(sessions)
    clock.ahead = timedelta(days=365 * 6)

    await service.destroy_overdue(worker, reviewed_of=reviewed)

    row = await stored(sessions)
    assert kept.sealed is not None
    assert (row.sealed, row.sha256) == (None, sha256(PDF))
    assert (await rows(sessions))[0].wrapped_key is None
    async with transaction(sessions) as session:
        assert await session.scalar(sa.text("SELECT count(*) FROM audit_subjects")) == 0
    assert await service.destroy_overdue(worker, reviewed_of=reviewed) == 0


async def test_a_held_order_keeps_its_document_past_its_term(
    client, investigator, order, parts, sessions
):
    await attach(client, investigator, order)
    await execute(sessions, "UPDATE register_requests SET status = 'expired'")
    await execute(
        sessions,
        "INSERT INTO request_holds (id, request_id, reason, text, held_by, held_at)"
        " SELECT gen_random_uuid(), id, 'case', '-', person_id, received_at FROM register_requests",
    )

    await service.destroy_overdue(
        ports_of(parts, clock=Clock(timedelta(days=365 * 6))), reviewed_of=reviewed
    )

    assert (await stored(sessions)).sealed is not None
