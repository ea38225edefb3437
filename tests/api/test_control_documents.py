"""The document of an international order in monthly control: who reads it, and what is told."""

import csv
import hashlib
import io

import pytest
import sqlalchemy as sa

from app.db import transaction
from app.exchange.rules.basis_rules import Basis
from sim.district import OFFICER, OFFICIAL
from tests.factories_control import AUDITOR, CHIEF, CONTROLLER, SUBJECT, Month, minutes
from tests.factories_devices import audited
from tests.factories_identity import signed_in, trust_the_authority
from tests.factories_pdf import pdf_text
from tests.factories_requests import PDF

MONTHS = "/api/control/months"
SHA256 = hashlib.sha256(PDF).hexdigest()


@pytest.fixture
async def month(parts, settings):
    trust_the_authority(settings)
    made = await Month.create(parts)
    await made.usual()
    return made


async def order_of(month, officer=OFFICER.key, **changed):
    """Return an order in a closed month, its document attached."""
    request_id = await month.request(
        officer, basis=Basis.INTERNATIONAL_ORDER, order_number="12/445", **changed
    )
    await month.attach(request_id, PDF)
    return request_id


async def address_of(client, headers):
    (report,) = (await client.get(MONTHS, headers=headers)).json()["reports"]
    return report["report_id"]


async def read(client, headers, report_id, request_id):
    path = f"{MONTHS}/{report_id}/requests/{request_id}/document"
    return await client.get(path, headers=headers)


async def viewed(month):
    await month.settle()
    return await audited(month.parts.sessions, "exchange.order_document_viewed")


async def test_the_official_reads_the_document_and_the_look_is_in_the_log_first(client, month):
    request_id = await order_of(month)
    await month.close()
    official = await signed_in(client, OFFICIAL)
    report_id = await address_of(client, official)

    answer = await read(client, official, report_id, request_id)

    assert (answer.status_code, answer.content) == (200, PDF)
    assert answer.headers["content-disposition"].startswith("attachment;")
    (leaf,) = await viewed(month)
    assert leaf["fields"]["report_id"] == report_id
    assert leaf["subject"] is not None
    assert SUBJECT not in str(leaf)
    lines = (await client.get(f"{MONTHS}/{report_id}", headers=official)).json()["lines"]
    assert [one["order_document_shown"] for one in lines] == [1]
    told = [(one["order_document"], one["order_document_sha256"]) for one in lines]
    assert told == [("attached", SHA256)]


async def test_who_may_not_review_the_report_is_not_shown_the_document(client, month):
    request_id = await order_of(month)
    await month.close()
    report_id = await address_of(client, await signed_in(client, OFFICIAL))

    answers = [
        (await read(client, await signed_in(client, who), report_id, request_id)).status_code
        for who in (AUDITOR, CHIEF, CONTROLLER, OFFICER)
    ]

    assert answers == [403, 404, 404, 403]
    assert await viewed(month) == []


async def test_of_an_order_without_a_document_it_is_said_that_there_is_none(client, month):
    bare = await month.request(basis=Basis.INTERNATIONAL_ORDER, order_number="12/445")
    await month.close()
    official = await signed_in(client, OFFICIAL)
    report_id = await address_of(client, official)

    answer = await read(client, official, report_id, bare)

    assert (answer.status_code, answer.json()["code"]) == (409, "exchange.order_document_missing")
    assert set(answer.json()["texts"]) == {"kk", "ru", "en"}


async def test_a_request_of_another_report_is_not_in_this_one(client, month):
    request_id = await order_of(month, at=minutes(1))
    above = await order_of(month, OFFICIAL.key, at=minutes(2))
    await month.close()
    official = await signed_in(client, OFFICIAL)
    report_id = await address_of(client, official)

    answers = [await read(client, official, report_id, one) for one in (above, request_id)]

    assert [one.status_code for one in answers] == [404, 200]


@pytest.mark.parametrize(
    ("who", "reads"), [(OFFICIAL, True), (AUDITOR, False)], ids=["official", "auditor"]
)
async def test_the_page_of_the_request_leads_to_the_document_of_who_may_read_it(
    client, month, who, reads
):
    request_id, bare = await order_of(month), await month.request(at=minutes(1))
    await month.close()
    report_id = await address_of(client, await signed_in(client, OFFICIAL))
    headers = await signed_in(client, who)

    page = await client.get(f"/console/control/{report_id}/requests/{request_id}", headers=headers)
    other = await client.get(f"/console/control/{report_id}/requests/{bare}", headers=headers)

    link = f"/api/control/months/{report_id}/requests/{request_id}/document"
    assert (page.status_code, link in page.text) == (200, reads)
    assert "Тапсырманың құжаты" in page.text
    assert "Тапсырманың құжаты" not in other.text


@pytest.fixture
async def orders(month):
    """Orders with their document, without one, and with one whose term is over; another request."""
    attached = await order_of(month)
    bare = await month.request(
        basis=Basis.INTERNATIONAL_ORDER, order_number="12/446", at=minutes(1)
    )
    destroyed = await order_of(month, at=minutes(2))
    await month.request(at=minutes(3))
    async with transaction(month.parts.sessions) as session:
        await session.execute(
            sa.text("UPDATE request_documents SET sealed = NULL WHERE request_id = :one"),
            {"one": destroyed},
        )
    await month.close()
    return attached, bare, destroyed


async def test_the_table_says_of_each_order_whether_its_document_is_there(client, orders):
    attached, _, destroyed = orders
    official = await signed_in(client, OFFICIAL)
    address = f"{MONTHS}/{await address_of(client, official)}"

    answer = await client.get(f"{address}/report.csv", headers=official)

    rows = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline=""))
    told = [
        (row["order_document"], row["order_document_name"], row["order_document_sha256"])
        for row in rows
    ]
    assert told == [
        ("attached", f"order-{attached}.pdf", SHA256),
        ("not_attached", "", ""),
        ("destroyed", f"order-{destroyed}.pdf", SHA256),
        ("", "", ""),
    ]


async def test_the_paper_says_of_each_order_whether_its_document_is_there(client, orders):
    attached, _, destroyed = orders
    official = await signed_in(client, OFFICIAL)
    address = f"{MONTHS}/{await address_of(client, official)}"

    answer = await client.get(f"{address}/report.pdf", headers=official)

    said = pdf_text(answer.content)
    assert f"Құжат / Документ / Document: order-{attached}.pdf SHA-256 {SHA256}" in said
    assert "Құжат / Документ / Document: тіркелмеген / не приложен / not attached" in said
    ended = f"жойылған / уничтожен / destroyed order-{destroyed}.pdf SHA-256 {SHA256}"
    assert f"Құжат / Документ / Document: {ended}" in said
    assert said.count("Құжат / Документ / Document:") == 3


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("kk", ["Тапсырманың құжаты: тіркелген", "тіркелмеген", "Тапсырманың құжаты: жойылды"]),
        ("ru", ["Документ поручения: приложен", "не приложен", "Документ поручения: уничтожено"]),
        (
            "en",
            ["Document of the order: attached", "not attached", "Document of the order: destroyed"],
        ),
    ],
)
async def test_the_page_of_the_month_says_it_in_each_language(client, orders, language, said):
    assert orders
    official = await signed_in(client, OFFICIAL)
    report_id = await address_of(client, official)

    page = await client.get(
        f"/console/control/{report_id}",
        headers=official | {"Cookie": f"saqshy_language={language}"},
    )

    assert page.status_code == 200
    assert [one for one in said if one not in page.text] == []
    assert page.text.count(SHA256) == 2
