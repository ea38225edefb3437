"""A payment closes by the photograph of the signed slip, or by a second person who saw it filed."""

import asyncio
from uuid import uuid4

import pytest
import sqlalchemy as sa

from app.db import transaction
from fines import models
from fines.repository import ledger
from fines.rules.ledger import Posting, PostingKind
from fines.rules.payment import PaymentStatus
from sim.district import CLERK, DUTY, OFFICIAL, SECOND_OFFICER
from tests import factories_fines as make
from tests.api.test_payments import picture
from tests.factories_devices import audited
from tests.factories_pages import BROWSER, OWN_PAGE, look

TITLES = {"kk": "Қол қойылған чектер", "ru": "Подписанные чеки", "en": "Signed slips"}
NOT_YOU = {
    "kk": "Бұл төлемді өзіңіз қабылдағансыз",
    "ru": "Вы сами приняли этот платёж",
    "en": "You took this payment yourself",
}


@pytest.fixture
async def record_id(sessions, keys, officer):
    return await make.with_receipt(sessions, keys, officer)


@pytest.fixture
async def paid(officer, record_id):
    payment_id, _ = await make.paid(officer, record_id)
    return payment_id


async def person(sessions, client, staff):
    return await make.officer(sessions, client, staff, terminal_number=None)


async def row_of(sessions, payment_id):
    async with transaction(sessions) as session:
        return await session.scalar(
            sa.select(models.Payment).where(models.Payment.id == sa.cast(payment_id, sa.Uuid))
        )


@pytest.mark.parametrize("staff", [OFFICIAL, DUTY])
async def test_without_a_photograph_a_second_person_closes(sessions, client, paid, staff):
    second = await person(sessions, client, staff)

    listed = (await second.get("/api/unfiled-slips")).json()["payments"]
    done = await second.post(f"/api/payments/{paid}/filed")
    again = await second.post(f"/api/payments/{paid}/filed")

    assert [(one["payment_id"], one["confirmable"]) for one in listed] == [(paid, True)]
    assert (done.status_code, done.json()["status"]) == (200, "filed")
    assert again.json() == done.json()
    row = await row_of(sessions, paid)
    assert (row.filing_confirmed_by_post_id, row.signed_paper_id) == (second.post_id, None)
    (event,) = await audited(sessions, "fines.slip_filed")
    assert event["fields"]["by"] == "second_person"
    assert (await second.get("/api/unfiled-slips")).json() == {"payments": []}


async def test_the_photograph_closes_by_itself(officer, sessions, paid):
    done = await officer.post(f"/api/payments/{paid}/signed-slip", content=picture())

    row = await row_of(sessions, paid)
    assert done.json()["status"] == "filed"
    assert (row.filed_at == row.signed_at, row.filing_confirmed_by_post_id) == (True, None)
    (event,) = await audited(sessions, "fines.slip_filed")
    assert event["fields"]["by"] == "photograph"


async def test_the_photograph_of_a_settled_sale_settles_the_payment(officer, sessions, paid):
    row = await row_of(sessions, paid)
    async with transaction(sessions) as session:
        await ledger.post(
            session,
            [Posting(kind=PostingKind.SETTLEMENT, amount_tiyn=row.amount_tiyn)],
            payment_number=row.number,
            at=row.confirmed_at,
        )

    done = await officer.post(f"/api/payments/{paid}/signed-slip", content=picture())

    assert done.json()["status"] == "settled"


async def test_the_officers_word_closes_nothing(officer, sessions, paid):
    answer = await officer.post(f"/api/payments/{paid}/filed")

    assert answer.status_code == 403
    assert (await row_of(sessions, paid)).status is PaymentStatus.SLIPS_PRINTED


async def promoted(sessions, officer, second):
    """Let the officer's former post be the second person's: he took the payment himself."""
    async with transaction(sessions) as session:
        await session.execute(
            sa.text(
                "UPDATE posts SET person_id = :second, valid_from = '2020-01-01', "
                "valid_to = '2020-12-31' WHERE id = :post"
            ),
            {"second": second.person_id, "post": officer.post_id},
        )


async def test_who_took_the_payment_does_not_confirm_it_from_another_post(
    officer, sessions, client, paid
):
    second = await person(sessions, client, OFFICIAL)
    await promoted(sessions, officer, second)

    listed = (await second.get("/api/unfiled-slips")).json()["payments"]
    answer = await second.post(f"/api/payments/{paid}/filed")

    assert [one["confirmable"] for one in listed] == [False]
    assert (answer.status_code, answer.json()["code"]) == (403, "fines.filing_not_by_you")
    (event,) = await audited(sessions, "fines.filing_refused")
    assert event["fields"]["code"] == "fines.filing_not_by_you"
    assert (await row_of(sessions, paid)).filed_at is None


@pytest.mark.parametrize("staff", [CLERK, SECOND_OFFICER])
async def test_it_is_closed_to_every_other_role(sessions, client, paid, staff):
    other = await person(sessions, client, staff)

    answers = [
        await other.get("/api/unfiled-slips"),
        await other.post(f"/api/payments/{paid}/filed"),
    ]

    assert [one.status_code for one in answers] == [403, 403]


async def test_a_slip_that_is_not_printed_is_not_filed(officer, record_id, sessions, client):
    payment_id = await make.begun(officer, record_id)
    second = await person(sessions, client, OFFICIAL)

    answers = [
        await second.post(f"/api/payments/{payment_id}/filed"),
        await second.post(f"/api/payments/{uuid4()}/filed"),
    ]

    assert [one.json()["code"] for one in answers] == [
        "fines.transition_refused",
        "fines.payment_not_found",
    ]


async def test_photograph_and_confirmation_at_once_close_it_once(officer, sessions, client, paid):
    second = await person(sessions, client, OFFICIAL)

    answers = await asyncio.gather(
        officer.post(f"/api/payments/{paid}/signed-slip", content=picture()),
        *(second.post(f"/api/payments/{paid}/filed") for _ in range(4)),
    )

    assert {one.status_code for one in answers[1:]} == {200}
    assert answers[0].status_code in {200, 409}
    assert len(await audited(sessions, "fines.slip_filed")) == 1
    row = await row_of(sessions, paid)
    assert (row.signed_paper_id is None) != (row.filing_confirmed_by_post_id is None)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE payments SET status = 'filed', filed_at = now()",
        "UPDATE payments SET filing_confirmed_by_post_id = post_id",
    ],
)
async def test_the_database_closes_nothing_without_paper_or_second_person(
    sessions, paid, statement
):
    async with transaction(sessions) as session:
        await session.execute(sa.text("UPDATE payments SET status = 'signed', signed_at = now()"))

    with pytest.raises(sa.exc.IntegrityError):
        async with transaction(sessions) as session:
            await session.execute(sa.text(statement))

    assert (await row_of(sessions, paid)).filed_at is None


@pytest.mark.parametrize("language", TITLES)
async def test_the_page_lists_what_is_not_in_and_takes_the_confirmation(
    sessions, client, paid, language
):
    second = await person(sessions, client, DUTY)
    client.headers.update(BROWSER | OWN_PAGE | second.headers)
    client.headers["Accept-Language"] = language
    before = await look(client, "/console/slips")
    form = before.one("form", method="post", action=f"/console/slips/{paid}/filed")

    done = await client.post(form["action"])

    after = await look(client, "/console/slips")
    personal = (make.DRIVER.iin, make.DRIVER.surname)
    assert TITLES[language] in before.text
    assert [one for one in personal if one in before.text] == []
    assert (done.status_code, f"{paid}/filed" in after.text) == (303, False)
    assert (await row_of(sessions, paid)).status is PaymentStatus.FILED


@pytest.mark.parametrize("language", NOT_YOU)
async def test_the_page_says_why_the_officer_himself_cannot(
    officer, sessions, client, paid, language
):
    second = await person(sessions, client, OFFICIAL)
    await promoted(sessions, officer, second)
    client.headers.update(BROWSER | OWN_PAGE | second.headers)
    client.headers["Accept-Language"] = language

    page = await look(client, "/console/slips")
    answer = await client.post(f"/console/slips/{paid}/filed")

    assert f"{paid}/filed" not in page.text
    assert (answer.status_code, NOT_YOU[language] in answer.text) == (403, True)
