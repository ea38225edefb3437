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


@pytest.fixture
async def officer(sessions, client):
    await make.district_with_catalogue(sessions)
    return await make.officer(sessions, client)


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


async def test_another_officer_gets_no_copy(sessions, keys, officer, client):
    record = await make.drawn_up(sessions, keys, officer)
    other = await make.officer(sessions, client, SECOND_OFFICER, terminal_number="")

    answer = await other.get(f"/api/offence-records/{record['offence_record_id']}/record.pdf")

    assert answer.status_code == 404


async def test_whoever_holds_the_record_may_ask_and_the_answer_names_nobody(
    sessions, keys, officer, client
):
    record = await make.drawn_up(sessions, keys, officer)
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
    assert "Протокол подлинный" in page.text
    wrong = await client.get(f"/v/{path[:-1]}A", headers={"Accept": "application/json"})
    assert wrong.json()["known"] in {False, code.endswith("A")}
