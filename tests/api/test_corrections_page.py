"""A superior sees his subordinates' records and corrects by an entry beside; nobody else does."""

import html
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.clock import utc_now
from app.db import transaction
from sim.district import CLERK, DUTY, OFFICIAL, SECOND_OFFICER
from tests import factories_fines as make
from tests.api.test_offence_records import events
from tests.factories_pages import BROWSER, OWN_PAGE, look

TITLES = {"kk": "Хаттамалар", "ru": "Протоколы", "en": "Offence records"}
WRONG_HOUSE = "Үй нөмірі 14 емес, 41 <b>"


@pytest.fixture
async def record(sessions, keys, client):
    await make.district_with_catalogue(sessions)
    officer = await make.officer(sessions, client)
    return await make.drawn_up(sessions, keys, officer)


@pytest.fixture
async def browser(sessions, client, record):
    """Return the client as the superior's browser."""
    assert record
    superior = await make.officer(sessions, client, OFFICIAL, terminal_number=None)
    client.headers.update(BROWSER | OWN_PAGE | superior.headers)
    return client


@pytest.mark.parametrize("language", TITLES)
async def test_the_list_names_no_offender(browser, record, language):
    browser.headers["Accept-Language"] = language

    page = await look(browser, "/console/records")

    assert TITLES[language] in page.text
    assert record["number"] in page.text
    personal = (make.DRIVER.iin, make.DRIVER.surname, make.DRIVER.plate)
    assert [one for one in personal if one in page.text] == []


@pytest.mark.parametrize("language", TITLES)
async def test_a_correction_stands_beside_the_record(sessions, browser, record, language):
    browser.headers["Accept-Language"] = language
    path = f"/console/records/{record['offence_record_id']}"
    before = await look(browser, path)
    form = before.one("form", method="post", action=f"{path}/corrections")

    done = await browser.post(form["action"], data={"text": WRONG_HOUSE})

    after, listed = await look(browser, path), await look(browser, "/console/records")
    assert (done.status_code, done.headers["location"]) == (303, path)
    assert make.DRIVER.iin in before.text
    assert record["essence"] in after.text
    said = html.escape(WRONG_HOUSE)
    assert (said in before.text, said in after.text) == (False, True)
    assert '">1</td>' in listed.text
    found = await events(sessions)
    assert (found.count("fines.offence_record_read"), found.count("fines.record_corrected")) == (
        2,
        1,
    )


async def test_a_record_is_found_by_its_number_alone(browser, record):
    found = await look(browser, f"/console/records?number={record['number']}")
    missed = await look(browser, "/console/records?number=2026-999999999")

    assert f"/console/records/{record['offence_record_id']}" in found.text
    assert record["number"] not in missed.text


@pytest.mark.parametrize("text", ["", "ж", "ж" * 4001])
async def test_a_correction_that_says_nothing_or_too_much_is_refused(
    sessions, browser, record, text
):
    path = f"/console/records/{record['offence_record_id']}/corrections"

    answer = await browser.post(path, data={"text": text})

    assert answer.status_code == 422
    assert "fines.record_corrected" not in await events(sessions)


@pytest.mark.parametrize("staff", [DUTY, CLERK, SECOND_OFFICER])
async def test_who_is_no_superior_is_not_let_in(sessions, client, record, staff):
    other = await make.officer(sessions, client, staff, terminal_number=None)
    client.headers.update(BROWSER | OWN_PAGE | other.headers)

    answers = [
        await client.get("/console/records"),
        await client.get(f"/console/records/{record['offence_record_id']}"),
    ]

    assert [one.status_code for one in answers] == [403, 403]


async def test_who_is_no_longer_under_him_is_not_shown(sessions, browser, record):
    yesterday = utc_now().date() - timedelta(days=1)
    async with transaction(sessions) as session:
        await session.execute(
            sa.text("UPDATE superiors SET valid_from = :day, valid_to = :day"), {"day": yesterday}
        )

    listed = await look(browser, "/console/records")
    answer = await browser.get(f"/console/records/{record['offence_record_id']}")

    assert record["number"] not in listed.text
    assert answer.status_code == 404
    assert "fines.offence_record_not_read" in await events(sessions)
