"""The pages of coverage and of terms, read by a strict reader in three languages."""

from datetime import timedelta

import pytest

from app.clock import law_date, utc_now
from bodycam.service import expiry
from sim.district import KEEPER, OFFICER, OFFICIAL
from tests import factories_bodycam as bodycam
from tests import factories_custody as custody
from tests.factories_bodycam import STARTED_AT
from tests.factories_identity import answer_challenge, trust_the_authority
from tests.factories_pages import BROWSER, OWN_PAGE, look

DAY = f"/console/coverage?day={law_date(STARTED_AT)}"


@pytest.fixture
async def yard(client, sessions, tmp_path, settings):
    trust_the_authority(settings)
    made = await bodycam.yard(sessions, tmp_path)
    (await bodycam.dock_whole(client, made.record(), made.dock)).raise_for_status()
    await custody.docked_at(sessions, made.camera.camera_id, STARTED_AT + timedelta(hours=8))
    await custody.kept(sessions, now=STARTED_AT + timedelta(hours=30))
    client.headers.update(BROWSER | OWN_PAGE)
    return made


@pytest.fixture
async def address(sessions, yard):
    return f"/console/coverage/{await custody.assignment_of(sessions, yard.camera.camera_id)}"


async def enter(browser, staff):
    answer = await answer_challenge(browser, staff, cookie=True)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("language", "words", "reason"),
    [
        ("kk", "Жазу толықтығы", "камера жазбаған"),
        ("ru", "Полнота записи", "камера не вела запись"),
        ("en", "Coverage", "the camera was not recording"),
    ],
)
async def test_every_page_reads_in_three_languages(client, address, language, words, reason):
    await enter(client, KEEPER)
    await client.post("/language", data={"language": language, "next": "/"})

    home, day, ledger = [await look(client, one) for one in ("/", DAY, address)]
    empty = await look(client, "/console/coverage?day=2020-01-01")
    terms = await look(client, "/console/custody")

    assert all(words in page.text for page in (home, day, ledger, empty, terms))
    assert reason in day.text
    assert reason in ledger.text


async def test_the_day_links_the_camera_and_its_table(client, address):
    await enter(client, KEEPER)

    page = await look(client, DAY)

    assert page.one("a", href=address)
    csv = page.one("a", href=f"/api/coverage/days/{law_date(STARTED_AT)}/report.csv")
    assert (await client.get(csv["href"])).headers["Content-Type"] == "text/csv; charset=utf-8"


async def test_a_case_is_explained_and_closed_on_the_page(client, address):
    await enter(client, KEEPER)
    page = await look(client, address)
    explain = [one["action"] for one in page.all("form") if "explanation" in one["action"]]
    said = await client.post(explain[0], data={"explanation": "<b>Забыли</b> включить"})
    own = await look(client, address)
    await enter(client, OFFICIAL)
    page = await look(client, address)
    (close,) = [one["action"] for one in page.all("form") if "closing" in one["action"]]
    done = await client.post(close, data={"believed": "true", "conclusion": "Замечание"})

    after = await look(client, address)

    assert (said.status_code, done.status_code) == (303, 303)
    assert not [one for one in own.all("form") if "closing" in one["action"]]
    assert "&lt;b&gt;Забыли&lt;/b&gt;" in after.text
    assert "случай закрыт" in after.text


async def test_the_responsible_person_lets_go_what_is_over(client, parts, sessions, yard):  # noqa: ARG001 - the recording must be there
    now = utc_now() + timedelta(days=90)
    await expiry.expire_recordings(sessions, trail=bodycam.TRAIL, now=now)
    await enter(client, KEEPER)
    page = await look(client, "/console/custody")
    box = page.one("input", name="recording_ids")

    answer = await client.post(
        "/console/custody/permission", data={"recording_ids": [box["value"]]}
    )

    after = await look(client, "/console/custody")
    assert answer.status_code == 303
    assert [one for one in after.all("input") if one.get("name") == "recording_ids"] == []
    later = now + timedelta(days=31)
    gone = await expiry.destroy_expired(sessions, store=parts.store, trail=bodycam.TRAIL, now=later)
    assert gone == 1


async def test_a_patrol_officer_sees_none_of_it(client, address):
    await enter(client, OFFICER)

    answers = [await client.get(one) for one in (DAY, address, "/console/custody")]

    assert [one.status_code for one in answers] == [403, 403, 403]
