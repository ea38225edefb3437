"""The page of one recording's custody: holds, another category, and the store's faults."""

import base64
import dataclasses
import html
import json
from datetime import timedelta

import pytest
from sqlalchemy import text

from sim.district import KEEPER, OFFICER, OFFICIAL, REVIEWER, STAFF, STRANGER
from tests import factories_bodycam as bodycam
from tests.factories_custody import stored_at
from tests.factories_identity import answer_challenge, authority, trust_the_authority
from tests.factories_pages import BROWSER, OWN_PAGE, look

# The same work in another unit.
AWAY_KEEPER = dataclasses.replace(STRANGER, role=KEEPER.role)
TERMS = "/console/custody"


@pytest.fixture
async def yard(client, sessions, tmp_path, settings):
    trust_the_authority(settings)
    people = tuple(one for one in STAFF if one is not STRANGER)
    made = await bodycam.yard(sessions, tmp_path, staff=(*people, AWAY_KEEPER))
    client.headers.update(BROWSER | OWN_PAGE)
    return made


@pytest.fixture
async def recorded(client, yard):
    recorded = yard.record()
    (await bodycam.dock_whole(client, recorded, yard.dock)).raise_for_status()
    return recorded


def page_of(recorded):
    return f"/console/custody/recordings/{recorded.recording_id}"


async def enter(browser, staff):
    browser.cookies.clear()
    assert (await answer_challenge(browser, staff, cookie=True)).is_success


async def hold(client, recorded):
    form = {"reason": "court", "case_number": "7/2026"}
    return await client.post(f"{page_of(recorded)}/holds", data=form)


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
async def test_the_page_reads_in_three_languages(client, recorded, language):
    await enter(client, REVIEWER)
    await hold(client, recorded)
    await client.post("/language", data={"language": language, "next": "/"})

    page = await look(client, page_of(recorded))

    assert "7/2026" in page.text


async def test_who_placed_a_hold_is_not_offered_to_release_it_and_another_is(client, recorded):
    await enter(client, REVIEWER)
    await hold(client, recorded)
    own = await look(client, page_of(recorded))

    await enter(client, KEEPER)
    other = await look(client, page_of(recorded))
    (release,) = [one["action"] for one in other.all("form") if "release" in one.get("action", "")]
    answer = await client.post(release)
    after = await look(client, page_of(recorded))

    assert ">Снять<" not in own.text
    assert ">Снять<" in other.text
    assert (answer.status_code, answer.headers["Location"]) == (303, page_of(recorded))
    assert ">Снять<" not in after.text


async def test_a_longer_term_counts_at_once_and_a_shorter_one_waits(client, recorded):
    await enter(client, REVIEWER)
    form = {"category": "crime", "grounds": "Дело возбуждено"}
    await client.post(f"{page_of(recorded)}/category", data=form)
    longer = await look(client, page_of(recorded))
    form = {"category": "other", "grounds": "Дело прекращено"}
    await client.post(f"{page_of(recorded)}/category", data=form)

    shorter = await look(client, page_of(recorded))

    assert "ждёт двух подписей" not in longer.text
    assert "ждёт двух подписей" in shorter.text


async def test_faults_of_the_store_stand_on_the_page_of_terms(client, recorded, sessions):
    await enter(client, OFFICIAL)
    before = await look(client, "/console/custody")
    async with sessions.begin() as session:
        await session.execute(
            text(
                "INSERT INTO storage_faults (id, recording_id, department_id, blocks, found_at)"
                " SELECT gen_random_uuid(), id, department_id, '[3]', now() FROM recordings"
            )
        )

    after = await look(client, "/console/custody")

    assert page_of(recorded) not in before.text
    assert page_of(recorded) in after.text


async def test_an_officer_sees_no_custody(client, recorded):
    await enter(client, OFFICER)

    assert (await client.get(page_of(recorded))).status_code == 403


# --- a shorter term, signed by two ---------------------------------------------------------------


async def propose(client, recorded):
    """Lengthen the term, and propose to shorten it again; return the address of the change."""
    for category, grounds in (("crime", "Дело возбуждено"), ("other", "Дело <прекращено>")):
        form = {"category": category, "grounds": grounds}
        await client.post(f"{page_of(recorded)}/category", data=form)
    return buttons(await look(client, page_of(recorded)))[0]["data-document"]


def buttons(page):
    return [one for one in page.all("button") if "data-document" in one]


async def sign(client, address, staff):
    """Sign as the page's script does; return the answer."""
    document = base64.b64decode((await client.get(address)).json()["document_base64"])
    cms = base64.b64encode(authority().sign(staff, document)).decode()
    return await client.post(f"{address}/signature", json={"cms": cms})


@pytest.fixture
async def change(client, recorded):
    """Return the address of a change that the keeper has proposed and signed."""
    await enter(client, KEEPER)
    address = await propose(client, recorded)
    (await sign(client, address, KEEPER)).raise_for_status()
    return address


async def test_the_proposer_is_asked_to_sign_first_and_nobody_else_is(client, recorded):
    await enter(client, KEEPER)
    await propose(client, recorded)
    own = await look(client, page_of(recorded))

    await enter(client, OFFICIAL)
    other = await look(client, page_of(recorded))
    terms = await look(client, TERMS)

    assert len(buttons(own)) == 1
    assert buttons(other) == []
    assert page_of(recorded) not in terms.text


async def test_another_person_finds_what_waits_for_him_and_reads_what_he_signs(
    client, sessions, recorded, change
):
    await stored_at(sessions, recorded, bodycam.STARTED_AT + timedelta(hours=9))
    await enter(client, OFFICIAL)
    terms = await look(client, TERMS)
    page = await look(client, page_of(recorded))
    document = base64.b64decode((await client.get(change)).json()["document_base64"]).decode()

    assert page_of(recorded) in terms.text
    assert KEEPER.surname in terms.text
    (button,) = buttons(page)
    assert button["data-signature"] == f"{change}/signature"
    assert document in html.unescape(page.text)
    assert json.loads(document)["grounds"] == "Дело <прекращено>"
    assert "20 января 2027" in page.text


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
async def test_what_waits_reads_in_three_languages(client, recorded, change, language):
    await enter(client, OFFICIAL)
    await client.post("/language", data={"language": language, "next": "/"})

    page = await look(client, page_of(recorded))
    terms = await look(client, TERMS)

    assert f'data-document="{change}"' in page.text
    assert page_of(recorded) in terms.text


async def test_a_second_person_s_signature_shortens_the_term_and_nothing_waits(
    client, recorded, change
):
    await enter(client, OFFICIAL)

    answer = await sign(client, change, OFFICIAL)

    page, terms = await look(client, page_of(recorded)), await look(client, TERMS)
    assert answer.json()["applied"] is True
    assert buttons(page) == []
    assert page_of(recorded) not in terms.text
    assert "выполнено" in page.text


async def test_a_reviewer_may_be_the_second_person(client, recorded, change):
    await enter(client, REVIEWER)

    page = await look(client, page_of(recorded))
    answer = await sign(client, change, REVIEWER)

    assert len(buttons(page)) == 1
    assert answer.json()["applied"] is True


async def test_the_first_person_is_not_offered_the_second_signature_and_is_refused_it(
    client, recorded, change
):
    page, terms = await look(client, page_of(recorded)), await look(client, TERMS)

    answer = await sign(client, change, KEEPER)

    assert buttons(page) == []
    assert page_of(recorded) not in terms.text
    assert (answer.status_code, answer.json()["code"]) == (409, "bodycam.another_person_needed")


async def test_another_unit_sees_and_signs_nothing(client, recorded, change):
    document = base64.b64decode((await client.get(change)).json()["document_base64"])
    await enter(client, AWAY_KEEPER)

    terms = await look(client, TERMS)
    page = await client.get(page_of(recorded))
    read = await client.get(change)
    cms = base64.b64encode(authority().sign(AWAY_KEEPER, document)).decode()
    answer = await client.post(f"{change}/signature", json={"cms": cms})

    assert page_of(recorded) not in terms.text
    assert (page.status_code, read.status_code, answer.status_code) == (404, 404, 404)


async def test_an_officer_neither_reads_nor_signs_a_shorter_term(client, recorded, change):
    document = base64.b64decode((await client.get(change)).json()["document_base64"])
    await enter(client, OFFICER)

    read = await client.get(change)
    cms = base64.b64encode(authority().sign(OFFICER, document)).decode()
    answer = await client.post(f"{change}/signature", json={"cms": cms})
    pages = [(await client.get(one)).status_code for one in (TERMS, page_of(recorded))]

    assert (read.status_code, answer.status_code) == (403, 403)
    assert pages == [403, 403]


async def test_what_was_overtaken_by_another_change_waits_for_nobody(client, recorded, change):
    await enter(client, OFFICIAL)
    again = await client.post(
        f"{page_of(recorded)}/category", data={"category": "administrative", "grounds": "Иное"}
    )
    shorter = [
        one["data-document"]
        for one in buttons(await look(client, page_of(recorded)))
        if one["data-document"] != change
    ]
    await sign(client, shorter[0], OFFICIAL)
    await enter(client, KEEPER)
    await sign(client, shorter[0], KEEPER)

    await enter(client, OFFICIAL)
    page = await look(client, page_of(recorded))

    assert again.status_code == 303
    assert buttons(page) == []
    assert "уже нельзя" in page.text
