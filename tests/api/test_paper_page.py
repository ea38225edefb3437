"""The page behind the QR code of a slip or receipt, for whoever holds the paper."""

from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from sim.district import DRIVER
from tests import factories_fines as make
from tests.factories_pages import BROWSER, look


@pytest.fixture
async def slip_path(sessions, keys, officer):
    """The path and query in the QR code of a paid slip."""
    record_id = await make.with_receipt(sessions, keys, officer)
    _, slips = await make.paid(officer, record_id)
    address = urlsplit(next(line.qr for line in slips[0].lines if line.qr))
    return f"{address.path}?{address.query}"


@pytest.fixture
def browser(client, slip_path):  # noqa: ARG001 - the officer works before the browser asks
    client.headers.update(BROWSER)
    return client


async def test_the_code_of_a_slip_leads_a_browser_to_a_page_that_says_paid(browser, slip_path):
    led = await browser.get(slip_path)
    page = await look(browser, led.headers["Location"])

    assert led.status_code == 303
    assert "Оплачено" in page.text
    assert "21 625,00" in page.text.replace("\N{NO-BREAK SPACE}", " ")


async def test_the_page_names_nobody(browser, slip_path):
    page = await look(browser, (await browser.get(slip_path)).headers["Location"])

    personal = (DRIVER.iin, DRIVER.surname, DRIVER.plate, DRIVER.document_number)
    assert [one for one in personal if one in page.text] == []


async def test_a_wrong_code_is_answered_as_an_unknown_paper(browser, slip_path):
    wrong = slip_path.replace("/v/", "/verify/").partition("?")[0] + "?c=AAAAAAAAAAAAAAAA"

    page = await look(browser, wrong)

    assert "Такая бумага неизвестна" in page.text


@pytest.mark.parametrize("paper", ["payment", "receipt", "record"])
async def test_a_paper_that_is_not_ours_is_not_known(client, paper):
    client.headers.update(BROWSER)

    page = await look(client, f"/verify/{paper}/{uuid4()}?c=AAAAAAAAAAAAAAAA")

    assert "Такая бумага неизвестна" in page.text
