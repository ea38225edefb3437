"""The staff pages as a browser asks for them: cookie, forms, redirects, three languages."""

import hashlib
import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest

from app.web.refusals import SIGN_IN_REFUSALS
from bodycam.wire.manifest import TrackPoint
from bodycam.wire.protocol import DifferingBlock
from sim.camera import cut_short
from sim.district import KEEPER, LATITUDE, LONGITUDE, OFFICER, PLACE, REVIEWER
from tests import factories_bodycam as bodycam
from tests.factories_identity import answer_challenge
from tests.factories_pages import BROWSER, OWN_PAGE, Page, check, look

FORM = {
    "kind": "complaint",
    "place": PLACE,
    "latitude": str(LATITUDE),
    "longitude": str(LONGITUDE),
    "radius": "150",
    "seen_from": "2026-11-20T07:55",  # the recording begins at 08:00 in Almaty
    "seen_to": "2026-11-20T08:10",
    "complainant_name": "Серікова Әлия",
    "complainant_contact": "+7 701 999 88 77",
    "text": "Инспектор не назвал себя.",
}


@pytest.fixture
async def browser(client, yard):  # noqa: ARG001 - the staff must be there to sign in
    client.headers.update(BROWSER | OWN_PAGE)
    return client


async def enter(browser, staff):
    answer = await answer_challenge(browser, staff, cookie=True)
    assert answer.status_code == 200, answer.text


async def docked(browser, yard):
    points = [
        TrackPoint(
            at=bodycam.STARTED_AT + timedelta(seconds=seconds),
            latitude_e7=round(LATITUDE * 10**7),
            longitude_e7=round(LONGITUDE * 10**7),
        )
        for seconds in (10, 40)
    ]
    recorded = yard.record(track=points)
    (await bodycam.dock_whole(browser, recorded, yard.dock)).raise_for_status()
    return recorded


async def registered(browser, **changed):
    answer = await browser.post("/console/complaints", data=FORM | changed)
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


async def test_who_is_not_signed_in_is_asked_to_and_comes_back(browser):
    answer = await browser.get("/console/complaints?before=2026-11-22T00:00:00Z")

    sent_to = urlsplit(answer.headers["Location"])
    assert (answer.status_code, sent_to.path) == (303, "/sign-in")
    (wanted,) = parse_qs(sent_to.query)["next"]
    page = await look(browser, answer.headers["Location"])
    assert wanted == "/console/complaints?before=2026-11-22T00:00:00Z"
    assert page.one("form", id="sign-in")["data-next"] == wanted


async def test_the_sign_in_page_sends_nobody_elsewhere(browser):
    page = await look(browser, "/sign-in?next=https://evil.example/")

    assert page.one("form", id="sign-in")["data-next"] == "/"


async def test_the_sign_in_page_names_the_signer_and_keeps_the_iin_out_of_addresses(
    browser, settings
):
    page = await look(browser, "/sign-in")

    assert page.one("meta", name="ncalayer")["content"] == settings.ncalayer_url
    assert page.one("form", id="sign-in")["method"] == "dialog"


async def test_the_sign_in_page_has_words_for_every_refusal_and_a_last_resort(browser):
    page = await look(browser, "/sign-in")

    shown = [one["data-refusal"].split() for one in page.all("div") if "data-refusal" in one]
    assert shown == [list(one.codes) for one in SIGN_IN_REFUSALS]
    assert shown[-1] == ["*"]


async def test_a_session_made_by_signature_opens_the_first_page(browser):
    await enter(browser, REVIEWER)

    page = await look(browser, "/")

    assert REVIEWER.full_name in page.text
    assert REVIEWER.badge in page.text
    assert "Первый батальон" in page.text
    assert page.one("a", **{"href": "/console/complaints/new", "class": "task"})


@pytest.mark.parametrize("staff", [OFFICER, KEEPER], ids=["officer", "keeper"])
async def test_a_role_without_pages_is_told_where_its_work_is(browser, staff):
    await enter(browser, staff)

    page = await look(browser, "/")

    assert "/console/complaints" not in page.text
    assert staff.full_name in page.text


async def test_a_page_of_another_role_is_refused_as_a_page(browser):
    await enter(browser, KEEPER)

    page = await look(browser, "/console/complaints", status=403)

    assert "Вам нельзя открыть эту страницу" in page.text
    assert "access.not_admitted" in page.text


async def test_signing_out_ends_the_session(browser):
    await enter(browser, REVIEWER)

    answer = await browser.post("/sign-out")

    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in")
    assert (await browser.get("/")).headers["Location"] == "/sign-in?next=%2F"


async def test_a_form_of_another_site_does_nothing(browser):
    await enter(browser, REVIEWER)

    foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    answer = await browser.post("/console/complaints", data=FORM, headers=foreign)

    assert answer.status_code == 403
    assert "identity.cross_site" in answer.text


async def test_pages_let_a_browser_name_their_origin_in_forms(browser):
    answer = await browser.get("/sign-in")

    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(("language", "words"), [("kk", "Кіру"), ("ru", "Вход"), ("en", "Sign in")])
async def test_the_chosen_language_is_kept(browser, language, words):
    chosen = await browser.post("/language", data={"language": language, "next": "/sign-in"})

    page = await look(browser, chosen.headers["Location"])

    assert (chosen.status_code, chosen.headers["Location"]) == (303, "/sign-in")
    assert page.one("html")["lang"] == language
    assert f"<h1>{words}</h1>" in page.text


@pytest.mark.parametrize(
    "data", [{"language": "xx", "next": "/sign-in"}, {"language": "ru", "next": "//evil.example"}]
)
async def test_an_unknown_language_or_another_site_is_not_followed(browser, data):
    answer = await browser.post("/language", data=data)

    assert answer.headers["Location"] in {"/", "/sign-in"}
    assert "saqshy_language=xx" not in answer.headers.get("Set-Cookie", "")


async def test_a_complaint_is_registered_and_leads_to_the_second_that_shows_it(browser, yard):
    await enter(browser, REVIEWER)
    recorded = await docked(browser, yard)

    address = await registered(browser)
    page = await look(browser, address)

    complaint_id = address.rsplit("/", 1)[1]
    watch = f"/console/recordings/{recorded.recording_id}?t=10&until=40&complaint={complaint_id}"
    assert page.one("a", href=watch)
    assert OFFICER.full_name in page.text
    assert OFFICER.badge in page.text
    assert "08:00:10" in page.text
    assert FORM["complainant_name"] in page.text


async def test_the_list_shows_number_place_and_what_is_left_of_the_term(browser):
    await enter(browser, REVIEWER)
    address = await registered(browser)

    page = await look(browser, "/console/complaints")

    assert page.one("a", href=address)
    assert PLACE in page.text
    assert "осталось 20 рабочих дней" in page.text


async def test_an_empty_list_says_so(browser):
    await enter(browser, REVIEWER)

    page = await look(browser, "/console/complaints")

    assert "не зарегистрировано ни одной жалобы" in page.text


async def test_a_wrong_form_comes_back_with_everything_typed_and_a_word_at_each_fault(browser):
    await enter(browser, REVIEWER)
    typed = FORM | {"latitude": "91", "seen_to": "2026-11-20T07:00", "text": "<b>Не</b> назвал"}

    answer = await browser.post("/console/complaints", data=typed)

    page = Page(answer.text)
    check(page)
    assert answer.status_code == 422
    assert page.one("input", id="latitude")["aria-invalid"] == "true"
    assert page.one("input", id="latitude")["value"] == "91"
    assert page.one("input", id="longitude")["value"] == FORM["longitude"]
    assert page.one("input", id="seen_to")["aria-describedby"] == "seen_to-hint seen_to-error"
    assert page.one("input", id="complainant_name")["value"] == FORM["complainant_name"]
    assert "&lt;b&gt;Не&lt;/b&gt; назвал</textarea>" in answer.text
    assert [one["href"] for one in page.all("a") if one["href"].startswith("#")] == [
        "#main",
        "#latitude",
        "#seen_to",
    ]


async def test_a_wrong_form_registers_nothing(browser):
    await enter(browser, REVIEWER)

    await browser.post("/console/complaints", data=FORM | {"place": ""})

    assert (await browser.get("/api/complaints")).json() == []


async def test_an_empty_form_is_answered_field_by_field(browser):
    await enter(browser, REVIEWER)

    answer = await browser.post("/console/complaints", data={})

    assert answer.status_code == 422
    assert answer.text.count("Заполните это поле.") == 2 * 8  # above the form and at the field


async def test_the_player_begins_to_load_at_the_second_before_any_module_runs(browser, yard):
    await enter(browser, REVIEWER)
    recorded = await docked(browser, yard)
    complaint_id = (await registered(browser)).rsplit("/", 1)[1]

    page = await look(
        browser,
        f"/console/recordings/{recorded.recording_id}?t=10&until=40&complaint={complaint_id}",
    )

    video = page.one("video", id="player")
    playlist = f"/api/recordings/{recorded.recording_id}/playlist.m3u8?complaint_id={complaint_id}"
    assert video["src"] == f"{playlist}#t=10.0"
    assert video["data-start"].startswith("2026-11-20T03:00:00")
    assert video["data-zones"] == "[[0.0, 18000]]"
    assert "data-broken" not in video
    assert page.one("rect", **{"class": "mark"})
    assert page.one("input", id="seek")["aria-label"]
    assert "Цела" in page.text
    assert (await browser.get(playlist)).status_code == 200


async def test_looking_at_the_player_page_is_not_yet_a_view(browser, yard):
    await enter(browser, REVIEWER)
    recorded = await docked(browser, yard)

    await look(browser, f"/console/recordings/{recorded.recording_id}")

    assert await bodycam.events(yard.sessions, "bodycam.recording_viewed") == []


async def test_a_damaged_recording_says_what_is_wrong_with_it(browser, yard):
    await enter(browser, REVIEWER)
    recorded = yard.record()
    found = recorded.manifest.size_bytes * 2 // 3
    cut_short(recorded, keep_bytes=found)
    digest = hashlib.sha256(bodycam.block(recorded, 0)).hexdigest()
    taken = await bodycam.dock_whole(
        browser,
        recorded,
        yard.dock,
        found_bytes=found,
        differing=(DifferingBlock(number=0, sha256=digest),),
    )
    assert taken.is_success

    page = await look(browser, f"/console/recordings/{recorded.recording_id}")

    assert "data-broken" in page.one("video", id="player")
    assert "на камере было меньше байтов, чем она подписала" in page.text
    assert "Цела" not in page.text


@pytest.mark.parametrize(
    "path",
    [
        "/console/recordings/{id}",
        "/console/complaints/{id}",
        "/nowhere",
    ],
)
async def test_what_is_not_there_is_a_page_that_says_so(browser, path):
    await enter(browser, REVIEWER)

    page = await look(browser, path.format(id=uuid4()), status=404)

    assert "Такой страницы нет" in page.text


@pytest.mark.parametrize(
    "path", ["/console/recordings/x", "/console/recordings/{id}?t=-1", "/console/complaints/x"]
)
async def test_a_mistyped_address_is_answered_by_a_page(browser, path):
    await enter(browser, REVIEWER)

    await look(browser, path.format(id=uuid4()), status=422)


async def test_a_program_gets_problem_details_at_the_same_address(browser):
    answer = await browser.get("/console/complaints", headers={"Accept": "application/json"})

    assert answer.status_code == 401
    assert answer.headers["Content-Type"] == "application/problem+json"


async def test_the_api_answers_problems_even_to_a_browser(browser):
    answer = await browser.get("/api/complaints")

    assert answer.status_code == 401
    assert answer.headers["Content-Type"] == "application/problem+json"


async def test_static_files_named_by_their_content_may_be_kept_for_ever(browser):
    page = await look(browser, "/sign-in")
    (address,) = [one["href"] for one in page.all("link") if one["rel"] == "stylesheet"]

    by_hash = await browser.get(address)
    bare = await browser.get(address.partition("?")[0])
    stale = await browser.get(re.sub("v=.*", "v=0000000000000000", address))

    assert by_hash.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert bare.headers["Cache-Control"] == "no-cache"
    assert stale.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("path", ["/static/", "/static/../pages.py", "/static/nothing.js"])
async def test_nothing_else_is_served_as_a_static_file(browser, path):
    assert (await browser.get(path)).status_code in {403, 404}
