"""The page of one recording's custody: holds, another category, and the store's faults."""

import pytest
from sqlalchemy import text

from sim.district import KEEPER, OFFICER, OFFICIAL, REVIEWER
from tests import factories_bodycam as bodycam
from tests.factories_identity import answer_challenge, trust_the_authority
from tests.factories_pages import BROWSER, OWN_PAGE, look


@pytest.fixture
async def yard(client, sessions, tmp_path, settings):
    trust_the_authority(settings)
    made = await bodycam.yard(sessions, tmp_path)
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
