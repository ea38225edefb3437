"""The second person of an international order says no, and why."""

import base64

import pytest
from pydantic import HttpUrl

from app.db import transaction
from app.exchange import service
from app.exchange.models import RegisterRequestRow
from app.exchange.storage import Content, open_key
from sim.cases import SimCases
from sim.district import DRIVER, INVESTIGATOR
from sim.registers import SimRegisters
from tests.factories_devices import audited
from tests.factories_identity import signed_in, trust_the_authority
from tests.factories_requests import (
    INTERNATIONAL,
    SECOND,
    attach,
    body,
    people,
    person_id_of,
    ports_of,
    rows,
    signature,
)

REASON = "Поручение адресовано другому органу: Үшінші бөлім."


@pytest.fixture
def registers():
    with SimRegisters() as registers:
        yield registers


@pytest.fixture
def settings(settings, registers):
    with SimCases() as cases:
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
    await people(sessions)
    return await signed_in(client, INVESTIGATOR)


@pytest.fixture
async def order(client, investigator):
    """Return the path of an order that waits for its second person."""
    answer = await client.post("/api/requests", json=body(INTERNATIONAL), headers=investigator)
    assert answer.json()["status"] == "needs_second_person", answer.text
    attached = await attach(client, investigator, answer.json()["request_id"])
    assert attached.status_code == 200, attached.text
    return f"/api/requests/{answer.json()['request_id']}"


@pytest.fixture
async def second(client, order):  # noqa: ARG001 - the staff must be there to sign in
    return await signed_in(client, SECOND)


async def paper_of(client, headers, order, reason=REASON):
    answer = await client.post(f"{order}/objection-paper", json={"reason": reason}, headers=headers)
    assert answer.status_code == 200, answer.text
    return base64.b64decode(answer.json()["document_base64"])


async def object_to(client, headers, order, document, *, reason=REASON, signer=SECOND):
    sent = {"reason": reason, **signature(signer, document)}
    return await client.post(f"{order}/objection", json=sent, headers=headers)


async def test_an_objection_ends_the_order_and_no_register_is_ever_asked(
    client, investigator, second, order, parts, sessions, registers
):
    document = await paper_of(client, second, order)

    answer = await object_to(client, second, order, document)
    await service.verify_waiting(ports_of(parts))

    assert (answer.status_code, answer.json()["status"]) == (200, "refused")
    (row,) = await rows(sessions)
    told = (await client.get(order, headers=investigator)).json()
    assert (told["status"], told["refusal"]["code"]) == ("refused", "SECOND_PERSON_REFUSED")
    assert (row.gate, row.dies_at, len(registers.asked)) == ("RECON", None, 0)
    assert row.second_person_id == await person_id_of(sessions, SECOND)
    (leaf,) = await audited(sessions, "exchange.order_objected")
    assert leaf["fields"]["signature_id"] == str(row.second_signature_id)
    assert leaf["fields"]["refusal"] == "SECOND_PERSON_REFUSED"
    assert REASON not in str(leaf)
    assert DRIVER.iin.encode() not in document


async def test_the_reason_lies_sealed_with_the_request(client, second, order, parts, sessions):
    await object_to(client, second, order, await paper_of(client, second, order))

    (found,) = await rows(sessions)
    async with transaction(sessions) as session:
        row = await session.get(RegisterRequestRow, found.id)
    key = open_key(vault=parts.keys.vault, owner=row.id, wrapped=row.wrapped_key)
    assert REASON.encode() not in row.objection_sealed
    assert key.unseal(Content.OBJECTION, row.objection_sealed).decode() == REASON


@pytest.mark.parametrize("wrong", ["reason", "confirmation", "signer", "one byte"])
async def test_a_signature_over_anything_else_objects_to_nothing(
    client, second, order, sessions, wrong
):
    document = await paper_of(client, second, order)
    listed = (await client.get("/api/requests/to-confirm", headers=second)).json()["orders"]
    sent = {
        "reason": {"reason": "Другая причина."},
        "confirmation": {},
        "signer": {"signer": INVESTIGATOR},
        "one byte": {},
    }[wrong]
    signed = {
        "confirmation": base64.b64decode(listed[0]["document_base64"]),
        "one byte": document[:-3] + b"0" + document[-2:],
    }.get(wrong, document)

    answer = await object_to(client, second, order, signed, **sent)

    assert answer.status_code in {403, 422}
    assert answer.json()["code"].startswith("identity.")
    assert (await rows(sessions))[0].status == "needs_second_person"
    assert len(await audited(sessions, "exchange.confirmation_refused")) == 1


async def test_an_objection_is_no_confirmation_and_is_said_once(client, second, order):
    document = await paper_of(client, second, order)

    confirmed = await client.post(
        f"{order}/confirmation", json=signature(SECOND, document), headers=second
    )
    here = await object_to(client, second, order, document)
    again = await object_to(client, second, order, document)

    assert [one.status_code for one in (confirmed, here, again)] == [422, 200, 409]


async def test_who_asks_cannot_object_to_himself(client, investigator, order, sessions):
    answer = await client.post(
        f"{order}/objection-paper", json={"reason": REASON}, headers=investigator
    )

    assert answer.json()["code"] == "exchange.not_the_second_person"
    assert (await rows(sessions))[0].status == "needs_second_person"


@pytest.mark.parametrize("reason", ["", "   ", "х" * 1001])
async def test_an_objection_without_a_reason_is_none(client, second, order, reason):
    answer = await client.post(f"{order}/objection-paper", json={"reason": reason}, headers=second)

    assert answer.status_code == 422
