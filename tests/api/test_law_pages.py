"""The pages of dated law and of ordinary proceedings, in three languages, each for its roles."""

from datetime import UTC, datetime

import pytest

from app.clock import law_date
from sim.district import ADMINISTRATOR, KEEPER, OFFICIAL
from tests import factories_fines as make
from tests.factories_pages import BROWSER, OWN_PAGE, look

LAW = {"kk": "Мерзімді құқық", "ru": "Право по датам", "en": "Dated law"}
CASES = {"kk": "Жалпы іс жүргізу", "ru": "Общее производство", "en": "Ordinary proceedings"}


async def enter(sessions, client, staff):
    """Let ``staff`` look at pages with this client."""
    one = await make.officer(sessions, client, staff, terminal_number="")
    client.headers.update(BROWSER | OWN_PAGE | one.headers)
    return one


async def case_of(sessions, keys, officer):
    record = await make.drawn_up(sessions, keys, officer)
    await officer.post(f"/api/offence-records/{record['offence_record_id']}/ordinary")
    return record


@pytest.mark.usefixtures("officer")
@pytest.mark.parametrize("language", LAW)
async def test_an_administrator_sees_what_nobody_verified(sessions, client, language):
    await enter(sessions, client, ADMINISTRATOR)
    client.headers["Accept-Language"] = language

    page = await look(client, "/console/catalogue")

    assert LAW[language] in page.text
    assert "603(1)" in page.text
    assert "2121" in page.text  # the index of 2016


@pytest.mark.parametrize("language", CASES)
async def test_a_superior_sees_the_cases_of_the_unit_with_their_clocks(
    sessions, keys, client, officer, language
):
    record = await case_of(sessions, keys, officer)
    await enter(sessions, client, OFFICIAL)
    client.headers["Accept-Language"] = language

    page = await look(client, "/console/proceedings")

    assert CASES[language] in page.text
    assert record["number"] in page.text
    personal = (make.DRIVER.iin, make.DRIVER.surname, make.DRIVER.plate)
    assert [one for one in personal if one in page.text] == []


async def test_a_case_is_handed_on_by_the_form_of_the_page(sessions, keys, client, officer):
    record = await case_of(sessions, keys, officer)
    await enter(sessions, client, OFFICIAL)
    page = await look(client, "/console/proceedings")
    form = page.one(
        "form", method="post", action=f"/console/proceedings/{record['offence_record_id']}/hand-on"
    )

    done = await client.post(form["action"], data={"outgoing_number": "7", "addressee": "court"})
    again = await client.post(form["action"], data={"outgoing_number": "7", "addressee": "court"})

    assert (done.status_code, again.status_code) == (303, 409)
    assert "/hand-on" not in (await look(client, "/console/proceedings")).text


async def test_a_day_in_force_is_entered_by_the_form_of_the_page(sessions, keys, client, officer):
    record = await case_of(sessions, keys, officer)
    await enter(sessions, client, OFFICIAL)
    case = f"/console/proceedings/{record['offence_record_id']}"
    await client.post(f"{case}/hand-on", data={"outgoing_number": "7", "addressee": "police"})
    today = law_date(datetime.now(UTC)).isoformat()
    decision = {"decision_number": "D-1", "decided_on": today, "tenge": "43250"}
    assert (await client.post(f"{case}/decision", data=decision)).status_code == 303
    form = (await look(client, "/console/proceedings")).one(
        "form", method="post", action=f"{case}/in-force"
    )

    done = await client.post(form["action"], data={"in_force_on": today})

    shown = (await look(client, "/console/proceedings")).text
    assert done.status_code == 303
    assert "/in-force" not in shown
    assert "/appeal" in shown


@pytest.mark.usefixtures("officer")
@pytest.mark.parametrize("path", ["/console/catalogue", "/console/proceedings"])
async def test_others_are_shown_neither(sessions, client, path):
    await enter(sessions, client, KEEPER)

    assert (await client.get(path)).status_code == 403
