"""The record as a paper: both languages, filed once, checked by anybody without naming anybody."""

import hashlib
from uuid import UUID

import pytest
import sqlalchemy as sa

from app.db import transaction
from fines import models
from fines.rules.verification import paper_code, paper_key
from sim.district import DRIVER, SECOND_OFFICER
from tests import factories_fines as make
from tests.api.test_record_fields import FULL
from tests.factories_pages import BROWSER, look
from tests.factories_pdf import pdf_text

WITNESS, VICTIM = (one["name"] for one in FULL["people"])
ATTESTING = {"name": "Нұрлан Айгүл", "address": "Алматы қ., Төле би, 3", "role": "attesting"}


async def test_the_record_is_drawn_once_and_given_back_as_filed(sessions, keys, officer):
    record = await make.drawn_up(sessions, keys, officer, **FULL)
    path = f"/api/offence-records/{record['offence_record_id']}/record.pdf"

    first, again = await officer.get(path), await officer.get(path)

    assert first.content.startswith(b"%PDF-")
    assert first.content == again.content
    async with transaction(sessions) as session:
        papers = (await session.scalars(sa.select(models.Paper))).all()
    assert [(one.kind, one.sha256) for one in papers] == [
        ("record", hashlib.sha256(first.content).digest())
    ]


async def test_the_longest_record_has_its_paper_too(sessions, keys, officer):
    person = {"name": "Ә" * 200, "address": "Қ" * 300}
    long = {
        "essence": "Ө" * 2000,
        "explanation": "Ғ" * 2000,
        "additional": "Ү" * 2000,
        "people": [person] * 10,
    }
    record = await make.drawn_up(sessions, keys, officer, **(FULL | long))

    answer = await officer.get(f"/api/offence-records/{record['offence_record_id']}/record.pdf")

    assert answer.content.startswith(b"%PDF-")


async def paper(sessions, keys, officer, **changed):
    """Draw up a record and return what its paper says; the blanks at ends of lines are lost."""
    record = await make.drawn_up(sessions, keys, officer, **changed)
    answer = await officer.get(f"/api/offence-records/{record['offence_record_id']}/record.pdf")
    return pdf_text(answer.content).replace(" ", "")


async def test_a_measuring_device_has_number_date_and_term_of_its_verification(
    sessions, keys, officer
):
    text = await paper(sessions, keys, officer, **FULL)

    assert "№KZ-77-1042,15.01.2026жүргізілді/проведена,14.01.2030дейін/до" in text


async def test_whoever_is_on_the_record_has_a_line_to_sign(sessions, keys, officer):
    people = [*FULL["people"], ATTESTING]

    text = await paper(sessions, keys, officer, people=people)

    line = "_" * 20
    named = [f"{line}Куә/Свидетель:{WITNESS}", f"{line}Жәбірленуші/Потерпевший:{VICTIM}"]
    named += [f"{line}Куәгер/Понятой:{ATTESTING['name']}"]
    assert [one for one in named if one.replace(" ", "") not in text] == []
    assert text.count(line) == 3 + len(people)


async def test_with_nobody_beside_only_officer_and_person_sign(sessions, keys, officer):
    text = await paper(sessions, keys, officer)

    assert text.count("_" * 20) == 3


async def test_ten_people_have_their_lines_on_a_page_more(sessions, keys, officer):
    person = {"name": "Ә" * 200, "address": "Қ" * 300}

    text = await paper(sessions, keys, officer, people=[person] * 10)

    assert text.count("_" * 20) == 13


async def test_the_paper_tells_where_and_when_the_case_will_be_examined(sessions, keys, officer):
    text = await paper(sessions, keys, officer, **FULL)
    silent = await paper(sessions, keys, officer)

    assert "03.02.203010:30,Алматық.,Масанчикөшесі,57а" in text
    assert "Рассмотрение" not in silent


async def test_a_warning_is_a_resolution_and_no_record(sessions, keys, officer):
    text = await paper(sessions, keys, officer, article="612", part="1")

    assert "ЕСКЕРТУТҮРІНДЕГІӘКІМШІЛІКЖАЗАҚОЛДАНУТУРАЛЫҚАУЛЫ" in text
    assert "ПОСТАНОВЛЕНИЕОНАЛОЖЕНИИАДМИНИСТРАТИВНОГОВЗЫСКАНИЯВВИДЕПРЕДУПРЕЖДЕНИЯ" in text
    assert "подписьнавторомэкземпляре" in text
    words = ("ХАТТАМА", "ПРОТОКОЛ", "Составил", "спротоколом", "хаттамамен")
    assert [one for one in words if one in text] == []


async def test_a_record_that_is_no_warning_is_no_resolution(sessions, keys, officer):
    text = await paper(sessions, keys, officer)

    assert "ТУРАЛЫХАТТАМА" in text
    assert "ПРОТОКОЛОБАДМИНИСТРАТИВНОМПРАВОНАРУШЕНИИ" in text
    assert [one for one in ("ҚАУЛЫ", "ПОСТАНОВЛЕНИЕ") if one in text] == []


async def test_another_officer_gets_no_copy(sessions, keys, officer, client):
    record = await make.drawn_up(sessions, keys, officer)
    other = await make.officer(sessions, client, SECOND_OFFICER, terminal_number="")

    answer = await other.get(f"/api/offence-records/{record['offence_record_id']}/record.pdf")

    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, "Протокол подлинный"),
        ({"article": "612", "part": "1"}, "Постановление подлинное"),
    ],
    ids=["record", "warning"],
)
async def test_whoever_holds_the_record_may_ask_and_the_answer_names_nobody(
    sessions, keys, officer, client, changed, said
):
    record = await make.drawn_up(sessions, keys, officer, **changed)
    code = paper_code(
        key=paper_key(keys.subject),
        paper="record",
        object_id=UUID(record["offence_record_id"]),
        amount_tiyn=record["fine_full_tiyn"],
    )
    path = f"record/{record['offence_record_id']}?c={code}"

    answer = await client.get(f"/v/{path}")
    client.headers.update(BROWSER)
    page = await look(client, f"/verify/{path}")

    assert answer.json()["known"] is True
    assert answer.json()["record_number"] == record["number"]
    for text in (answer.text, page.text):
        personal = (DRIVER.iin, DRIVER.surname, DRIVER.plate, DRIVER.document_number)
        assert [one for one in personal if one in text] == []
    assert said in page.text
    wrong = await client.get(f"/v/{path[:-1]}A", headers={"Accept": "application/json"})
    assert wrong.json()["known"] in {False, code.endswith("A")}
