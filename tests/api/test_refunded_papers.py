"""The code of a paper whose payment was given back tells so: whole, in part, and how much."""

from urllib.parse import urlsplit
from uuid import UUID

import pytest

from app.db import transaction
from fines import models
from sim.district import CLERK, DRIVER, SECOND_CLERK
from tests import factories_fines
from tests import factories_money as make
from tests.api.test_refunds import Clerk, amount_of, paid_out
from tests.factories_identity import district
from tests.factories_pages import BROWSER


@pytest.fixture
async def people(sessions, client):
    await district(sessions)
    await factories_fines.catalogue(sessions)
    officer = await factories_fines.officer(sessions, client)
    clerks = [
        Clerk(client, await factories_fines.officer(sessions, client, one, terminal_number=None))
        for one in (CLERK, SECOND_CLERK)
    ]
    return officer, *clerks


@pytest.fixture
async def payment_id(sessions, keys, people):
    record_id = await factories_fines.with_receipt(sessions, keys, people[0])
    payment_id, _ = await factories_fines.paid(people[0], record_id)
    return payment_id


async def told(sessions, parts, client, payment_id):
    """Return what the code of a payment's papers tells a program, and a person's browser."""
    address = urlsplit(
        make.desk_of(parts).paper_url(
            paper="payment",
            object_id=UUID(payment_id),
            amount_tiyn=await amount_of(sessions, payment_id),
        )
    )
    path = f"{address.path}?{address.query}"
    answer = (await client.get(path)).json()
    led = await client.get(path, headers=BROWSER)
    page = await client.get(led.headers["Location"], headers=BROWSER)
    return answer, page.text.replace("\N{NO-BREAK SPACE}", " ")


async def test_the_code_of_a_payment_given_back_whole_says_so_and_not_paid(
    people, payment_id, sessions, parts, client
):
    amount = await amount_of(sessions, payment_id)
    await paid_out(people, payment_id, parts, amount_tiyn=amount)

    answer, page = await told(sessions, parts, client, payment_id)

    assert (answer["refund"], answer["refunded_tiyn"]) == ("full", amount)
    assert answer["refunded_at"] is not None
    assert "Вся сумма возвращена на карту" in page
    assert "Оплачено" not in page
    assert [one for one in (DRIVER.iin, DRIVER.surname, DRIVER.plate) if one in page] == []


async def test_the_code_of_a_payment_given_back_in_part_names_the_sum(
    people, payment_id, sessions, parts, client
):
    await paid_out(people, payment_id, parts, amount_tiyn=1_000_00)

    answer, page = await told(sessions, parts, client, payment_id)

    assert (answer["refund"], answer["refunded_tiyn"]) == ("partial", 1_000_00)
    assert "Оплачено, возвращено частично" in page
    assert "1 000,00" in page
    assert "20 625,00" in page  # what is left of 21 625


async def test_a_refund_that_is_only_asked_for_changes_nothing_on_the_paper(
    people, payment_id, sessions, parts, client
):
    _, clerk, second = people
    asked = await clerk.ask(payment_id)
    await second.decide(asked.json()["refund_id"])

    answer, page = await told(sessions, parts, client, payment_id)

    assert (answer["refund"], answer["refunded_tiyn"], answer["paid"]) == ("none", 0, True)
    assert "Банк подтвердил этот платёж." in page
    assert "Возвращено" not in page


async def test_the_receipt_of_a_fine_names_what_was_given_back(
    people, payment_id, sessions, parts, client
):
    amount = await amount_of(sessions, payment_id)
    await paid_out(people, payment_id, parts, amount_tiyn=amount)
    async with transaction(sessions) as session:
        payment = await session.get_one(models.Payment, UUID(payment_id))
    address = urlsplit(
        make.desk_of(parts).paper_url(
            paper="receipt", object_id=payment.offence_record_id, amount_tiyn=amount
        )
    )

    answer = (await client.get(f"{address.path}?{address.query}")).json()
    page = await client.get(
        f"{address.path}?{address.query}".replace("/v/", "/verify/"), headers=BROWSER
    )

    assert (answer["known"], answer["refunded_tiyn"]) == (True, amount)
    assert "Возвращено из уплаченного" in page.text
