"""The person signs the record, or refuses to, after he was shown it; the paper says which."""

import json

import pytest
import sqlalchemy as sa

from app.db import transaction
from fines import models
from fines.rules.record_fields import SIGNATURE_ENTRIES_MAX
from sim.district import SECOND_OFFICER
from tests import factories_fines as make
from tests.api.test_offence_records import events
from tests.factories_pdf import pdf_text

REFUSED = {
    "signature": "refused",
    "motives": "Хаттамамен келіспеймін",
    "remarks": "Жылдамдық дұрыс өлшенбеді",
    "people": [{"name": "Ахметов Болат", "address": "Абай даңғылы, 1", "role": "attesting"}],
}


@pytest.fixture
async def path(sessions, keys, officer):
    record = await make.drawn_up(sessions, keys, officer)
    return f"/api/offence-records/{record['offence_record_id']}"


async def enter(officer, path, body):
    answer = await officer.post(f"{path}/signatures", body)
    return answer.status_code, answer.json().get("code", "") if answer.content else ""


async def paper(officer, path):
    answer = await officer.get(f"{path}/record.pdf")
    assert answer.status_code == 200, answer.text
    return answer.content


async def entries(officer, path):
    return (await officer.get(path)).json()["entries"]


async def test_nothing_is_said_of_a_signature_before_there_is_a_paper(sessions, officer, path):
    refused = await enter(officer, path, {"signature": "signed"})

    assert refused == (409, "fines.record_not_shown")
    seen = (await officer.get(path)).json()
    assert (seen["entries"], seen["details"]["signature"]) == ([], None)
    assert "fines.signature_not_entered" in await events(sessions)


async def test_a_refusal_is_an_entry_with_motives_and_witnesses_and_the_same_again_is_none(
    sessions, officer, path
):
    await paper(officer, path)

    done = [await enter(officer, path, REFUSED) for _ in range(2)]

    assert done == [(204, "")] * 2
    (entry,) = await entries(officer, path)
    assert (entry["kind"], entry["body"], entry["post_id"]) == (
        "signature",
        REFUSED,
        str(officer.post_id),
    )
    assert (await events(sessions)).count("fines.signature_entered") == 1
    async with transaction(sessions) as session:
        rows = await session.scalars(sa.text("SELECT to_jsonb(record_entries) FROM record_entries"))
        stored = json.dumps(rows.all(), ensure_ascii=False)
    assert [one for one in ("Ахметов", "келіспеймін") if one in stored] == []


async def test_a_correction_is_a_new_entry_and_the_old_stays(officer, path):
    await paper(officer, path)

    for body in (REFUSED, {"signature": "signed"}, REFUSED):
        assert await enter(officer, path, body) == (204, "")

    said = [one["body"]["signature"] for one in await entries(officer, path)]
    assert said == ["refused", "signed", "refused"]


async def test_the_paper_prints_the_last_entry_and_those_before_stay_filed(sessions, officer, path):
    shown = await paper(officer, path)
    await enter(officer, path, REFUSED)
    refused = [await paper(officer, path) for _ in range(2)]
    await enter(officer, path, {"signature": "signed"})
    signed = await paper(officer, path)

    assert refused[0] == refused[1]
    texts = [pdf_text(one) for one in (shown, refused[0], signed)]
    assert ["От подписи отказался" in one for one in texts] == [False, True, False]
    assert ["Лицо подписало" in one for one in texts] == [False, False, True]
    assert [one for one in (REFUSED["motives"], "Ахметов Болат") if one not in texts[1]] == []
    assert len({shown, refused[0], signed}) == 3
    async with transaction(sessions) as session:
        kinds = await session.scalars(sa.select(models.Paper.kind).order_by(models.Paper.kind))
        assert kinds.all() == ["record", "record-1", "record-2"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"signature": "perhaps"},
        {"signature": "signed", "motives": "бас тартты"},
        {"signature": "refused", "people": [{"name": "А", "address": "Б"}] * 11},
    ],
    ids=["nothing", "neither", "motives of no refusal", "too many people"],
)
async def test_what_contradicts_itself_or_is_too_much_is_refused(officer, path, body):
    await paper(officer, path)

    status, _ = await enter(officer, path, body)

    assert status == 422


async def test_entries_of_signatures_are_limited(officer, path):
    await paper(officer, path)
    for number in range(SIGNATURE_ENTRIES_MAX):
        assert await enter(officer, path, REFUSED | {"motives": f"{number}"}) == (204, "")

    refused = await enter(officer, path, {"signature": "signed"})

    assert refused == (409, "fines.signatures_exhausted")


async def test_another_officer_enters_nothing(sessions, client, officer, path):
    await paper(officer, path)
    other = await make.officer(sessions, client, SECOND_OFFICER, terminal_number="")

    refused = await enter(other, path, {"signature": "signed"})

    assert refused == (404, "fines.offence_record_not_found")
