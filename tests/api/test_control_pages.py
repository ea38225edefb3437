"""The pages of monthly control and of the log, read by a strict reader in three languages."""

import pytest

from app.audit.rules.reading import may_read
from sim.district import KEEPER, OFFICER, OFFICIAL
from tests.factories_control import AUDITOR, CHIEF, SUBJECT, Month, minutes
from tests.factories_identity import answer_challenge, trust_the_authority
from tests.factories_pages import BROWSER, OWN_PAGE, look


@pytest.fixture
async def month(parts, settings, client):
    trust_the_authority(settings)
    made = await Month.create(parts)
    await made.usual()
    await made.request(flags=["self", "night"], said="<b>Обоснование</b>")
    await made.request(at=minutes(1))
    await made.close()
    client.headers.update(BROWSER | OWN_PAGE)
    return made


async def enter(browser, staff):
    answer = await answer_challenge(browser, staff, cookie=True)
    assert answer.status_code == 200, answer.text


async def report_of(browser):
    page = await look(browser, "/console/control")
    (address,) = [
        one["href"] for one in page.all("a") if one.get("href", "").startswith("/console/control/")
    ]
    return address


@pytest.mark.parametrize(
    ("language", "words"),
    [("kk", "Айлық бақылау"), ("ru", "Ежемесячный контроль"), ("en", "Monthly control")],
)
async def test_every_page_of_control_reads_in_three_languages(client, month, language, words):
    await enter(client, OFFICIAL)
    await client.post("/language", data={"language": language, "next": "/"})
    address = await report_of(client)

    home = await look(client, "/")
    report = await look(client, address)
    request = await look(client, f"{address}/requests/{month.planted[0]}")
    log = await look(client, "/console/log?entry=0")

    assert all(words in page.text for page in (home, report, request, log))
    assert home.one("a", **{"href": "/console/control", "class": "task"})
    assert "&lt;b&gt;Обоснование&lt;/b&gt;" in report.text
    assert SUBJECT not in report.text + request.text


async def test_the_subject_is_shown_to_the_form_alone(client, month):
    await enter(client, OFFICIAL)
    address = f"{await report_of(client)}/requests/{month.planted[0]}"

    shown = await client.post(f"{address}/subject")
    afterwards = await look(client, address)

    assert SUBJECT in shown.text
    assert shown.headers["Cache-Control"] == "no-store"
    assert SUBJECT not in afterwards.text


async def test_a_doubt_without_words_comes_back_with_a_word_at_the_field(client, month):
    await enter(client, OFFICIAL)
    address = f"{await report_of(client)}/requests/{month.planted[0]}"

    answer = await client.post(f"{address}/mark", data={"mark": "violation", "text": " "})

    assert answer.status_code == 422
    assert 'aria-describedby="text-error"' in answer.text


@pytest.mark.parametrize(
    "query", ["?officer=x", "?flag=<b>", "?after=1", "?after=x:1", "?show=%00"]
)
async def test_a_mistyped_filter_is_answered_by_a_page(client, month, query):  # noqa: ARG001 - the month must be there
    await enter(client, OFFICIAL)

    await look(client, f"{await report_of(client)}{query}", status=422)


async def test_nobody_else_finds_the_report(client, month):  # noqa: ARG001 - the month must be there
    await enter(client, OFFICIAL)
    address = await report_of(client)
    await enter(client, CHIEF)

    await look(client, address, status=404)


async def test_a_role_without_control_is_refused_by_a_page(client, month):  # noqa: ARG001 - the staff must be there
    await enter(client, KEEPER)

    await look(client, "/console/control", status=403)


async def test_an_auditor_sees_no_button_that_is_not_his(client, month):
    await enter(client, AUDITOR)
    page = await look(client, "/console/control")
    address = next(
        one["href"] for one in page.all("a") if one.get("href", "").startswith("/console/control/")
    )

    report = await look(client, address)

    assert [one for one in report.all("button") if one.get("id") == "sign"] == []
    assert month.planted


async def test_an_entry_that_is_not_ones_own_looks_like_none(client, month):
    await enter(client, OFFICER)
    await month.settle()

    others = await look(client, "/console/log?entry=0")
    absent = await look(client, "/console/log?entry=999999")

    assert "читать её не вам" in others.text
    assert "читать её не вам" in absent.text
    assert (await client.get("/console/log/leaf?entry=0")).status_code == 404


OWN, OTHER = "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002"
UNIT, AWAY = "00000000-0000-0000-0000-00000000000a", "00000000-0000-0000-0000-00000000000b"


@pytest.mark.parametrize(
    ("role", "event", "person", "department", "wanted"),
    [
        ("patrol_officer", "exchange.answer_viewed", OWN, UNIT, True),
        ("patrol_officer", "exchange.answer_viewed", OTHER, UNIT, False),
        ("responsible_official", "exchange.answer_viewed", OTHER, UNIT, True),
        ("responsible_official", "exchange.answer_viewed", OTHER, AWAY, False),
        ("responsible_official", "audit.stream_closed", None, None, True),
        ("exchange_controller", "exchange.answer_viewed", OTHER, AWAY, True),
        ("exchange_controller", "fines.payment_sent", OTHER, AWAY, False),
        ("auditor", "fines.payment_sent", OTHER, AWAY, True),
        ("administrator", "exchange.answer_viewed", OTHER, UNIT, False),
    ],
)
def test_who_may_read_an_entry(role, event, person, department, wanted):
    content = {"event": event, "person": person, "department": department}

    assert may_read(content, role=role, person_id=OWN, department_id=UNIT) is wanted
