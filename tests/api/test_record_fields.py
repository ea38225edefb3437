"""Every field of article 803, copies, corrections by a superior, repeats found by ourselves."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from app.clock import law_date
from app.db import transaction
from fines import models
from sim.district import OFFICIAL, SECOND_OFFICER
from tests import factories_fines as make
from tests.api.test_offence_records import events

FULL = {
    "interpreter": {"name": "Қасымов Ержан", "into": "орыс тілі"},
    "explanation": "Асықтым, кінәмді мойындаймын.",
    "signature": "refused",
    "refusal_motives": "Заңгермен сөйлесемін",
    "workplace": "Жеке кәсіпкер",
    "contact": "+77010000001",
    "contact_confirmed": True,
    "people": [
        {"name": "Ахметов Болат", "address": "Алматы қ., Абай даңғылы, 1"},
        {"name": "Ким Ольга", "address": "Алматы қ., Сейфуллин, 2", "role": "victim"},
    ],
    "technical_device": {
        "name": "Визир 2М",
        "serial": "0901234",
        "verification_number": "KZ-77-1042",
        "verified_on": "2026-01-15",
        "verified_until": "2030-01-14",
        "reading": "92 км/сағ",
    },
    "examination": {
        "place": "Алматы қ., Масанчи көшесі, 57а",
        "at": "2030-02-03T05:30:00+00:00",
    },
    "additional": "Қар жауып тұрды",
    "attachments": ["Бейнежазба", "Сурет"],
}


async def refused(officer, sessions, keys, **changed):
    check_id = await make.check(sessions, keys, officer)
    answer = await officer.post("/api/offence-records", make.offence(check_id, **changed))
    return answer.status_code, answer.json()


async def test_every_field_is_kept_and_none_of_it_in_clear(sessions, keys, officer):
    record = await make.drawn_up(sessions, keys, officer, **FULL)

    seen = (await officer.get(f"/api/offence-records/{record['offence_record_id']}")).json()
    details = seen["details"]
    assert {name: details[name] for name in FULL if name != "people"} == {
        name: value for name, value in FULL.items() if name != "people"
    }
    assert [one["role"] for one in details["people"]] == ["witness", "victim"]
    async with transaction(sessions) as session:
        rows = await session.execute(
            sa.text("SELECT to_jsonb(offence_records) FROM offence_records")
        )
        stored = json.dumps(rows.scalars().all(), ensure_ascii=False)
    secrets = ("Ахметов", "Ким", "Асықтым", make.DRIVER.iin, make.DRIVER.surname, "777ABC02")
    assert [one for one in secrets if one in stored] == []


async def test_without_the_mark_that_rights_were_explained_there_is_no_record(
    sessions, keys, officer
):
    status, problem = await refused(officer, sessions, keys, rights_explained=False)

    assert (status, problem["code"]) == (422, "fines.rights_not_explained")


@pytest.mark.parametrize(
    "term",
    [
        {"verified_until": "2026-01-01"},
        {"verified_until": None},
        {"verified_on": "2099-01-01", "verified_until": "2099-12-31"},
    ],
)
async def test_a_reading_outside_the_term_of_verification_is_no_evidence(
    sessions, keys, officer, term
):
    device = FULL["technical_device"] | term

    status, problem = await refused(officer, sessions, keys, technical_device=device)

    assert (status, problem["code"]) == (422, "fines.device_not_verified")


async def test_a_camera_without_a_reading_needs_no_verification(sessions, keys, officer):
    device = {"name": "Видеожетон", "serial": "77"}

    record = await make.drawn_up(sessions, keys, officer, technical_device=device)

    assert record["details"]["technical_device"]["serial"] == "77"


async def test_the_copy_is_handed_once_and_its_way_is_told(sessions, keys, officer):
    record = await make.drawn_up(sessions, keys, officer)
    path = f"/api/offence-records/{record['offence_record_id']}"

    for _ in range(2):
        assert (await officer.post(f"{path}/copies", {"way": "paper"})).status_code == 204
    email = {"way": "email", "address": "n@example.kz"}
    assert (await officer.post(f"{path}/copies", email)).status_code == 204

    entries = (await officer.get(path)).json()["entries"]
    assert [one["body"]["way"] for one in entries] == ["paper", "email"]
    assert "fines.copy_handed" in await events(sessions)


async def test_a_superior_corrects_beside_the_record_and_the_original_stays(
    sessions, keys, officer, client
):
    record = await make.drawn_up(sessions, keys, officer)
    path = f"/api/offence-records/{record['offence_record_id']}"
    superior = await make.officer(sessions, client, OFFICIAL, terminal_number="")

    answer = await superior.post(f"{path}/corrections", {"text": "Үй нөмірі 14 емес, 41"})

    assert answer.status_code == 204, answer.text
    seen = (await officer.get(path)).json()
    assert [one["kind"] for one in seen["entries"]] == ["correction"]
    assert seen["entries"][0]["post_id"] == str(superior.post_id)
    same = {name: seen[name] for name in record if name != "entries"}
    assert same == {name: record[name] for name in record if name != "entries"}


async def test_the_author_and_his_colleague_correct_nothing(sessions, keys, officer, client):
    record = await make.drawn_up(sessions, keys, officer)
    path = f"/api/offence-records/{record['offence_record_id']}/corrections"
    colleague = await make.officer(sessions, client, SECOND_OFFICER, terminal_number="")

    answers = [await one.post(path, {"text": "..."}) for one in (officer, colleague)]

    assert [one.status_code for one in answers] == [403, 403]


@pytest.mark.parametrize(
    "change",
    [
        sa.update(models.OffenceRecord).values(sealed=b"0" * 64),
        sa.update(models.OffenceRecord).values(wrapped_key=b"0" * 60),
        sa.update(models.OffenceRecord).values(place="басқа жер"),
        sa.update(models.RecordEntry).values(kind="correction"),
        sa.update(models.RecordEntry).values(sealed=b"0" * 64),
        sa.delete(models.RecordEntry),
    ],
)
async def test_the_database_lets_nobody_edit_what_was_entered(sessions, keys, officer, change):
    record = await make.drawn_up(sessions, keys, officer)
    path = f"/api/offence-records/{record['offence_record_id']}/copies"
    await officer.post(path, {"way": "paper"})

    with pytest.raises(DBAPIError):
        async with transaction(sessions) as session:
            await session.execute(change)


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
async def test_no_route_edits_or_cancels_a_record(sessions, keys, officer, client, method):
    record = await make.drawn_up(sessions, keys, officer)
    path = f"/api/offence-records/{record['offence_record_id']}"

    answer = await getattr(client, method)(path, headers=officer.headers)

    assert answer.status_code == 405


async def test_a_repeat_is_found_in_our_own_history(sessions, keys, officer):
    await make.paid(officer, await make.with_receipt(sessions, keys, officer))

    status, problem = await refused(officer, sessions, keys)
    record = await make.drawn_up(sessions, keys, officer, part="4")

    assert (status, problem["code"]) == (409, "fines.repeat_found")
    assert (problem["part"], problem["source"]) == ("4", "own")
    assert record["details"]["repeat"]["citation"] == "592(2)"
    assert record["fine_full_tiyn"] == 30 * make.MRP_2026_TIYN


async def test_a_record_that_imposed_nothing_yet_makes_no_repeat(sessions, keys, officer):
    await make.with_receipt(sessions, keys, officer)

    record = await make.drawn_up(sessions, keys, officer)

    assert record["part"] == "2"


async def test_a_repeat_is_found_in_the_register(sessions, keys, officer):
    owed = make.OWED | {
        "article": "592(2)",
        "decided_on": f"{law_date(datetime.now(UTC)) - timedelta(days=9)}",
    }
    check_id = await make.check(sessions, keys, officer, owes=[owed])

    answer = await officer.post("/api/offence-records", make.offence(check_id))

    assert answer.json()["code"] == "fines.repeat_found"
    assert answer.json()["source"] == "register"


async def test_a_qualified_part_needs_an_earlier_penalty_known_or_named(sessions, keys, officer):
    status, problem = await refused(officer, sessions, keys, part="4")
    record = await make.drawn_up(
        sessions, keys, officer, part="4", earlier_decision="№ 123 от 01.10.2026"
    )

    assert (status, problem["code"]) == (409, "fines.repeat_not_found")
    assert record["details"]["earlier_decision"] == "№ 123 от 01.10.2026"


async def test_a_warning_is_chosen_where_the_law_demands_it(sessions, keys, officer):
    record = await make.drawn_up(sessions, keys, officer, article="612", part="1")

    assert (record["status"], record["fine_full_tiyn"]) == ("warned", 0)


async def test_a_recent_penalty_of_the_article_lifts_the_warning(sessions, keys, officer):
    owed = make.OWED | {"article": "612(2)", "decided_on": "2026-11-02"}
    check_id = await make.check(sessions, keys, officer, owes=[owed])

    answer = await officer.post(
        "/api/offence-records", make.offence(check_id, article="612", part="1")
    )

    assert answer.status_code == 201, answer.text
    assert answer.json()["status"] == "drawn_up"
    assert answer.json()["details"]["recurrence"]["source"] == "register"


async def test_a_sanction_without_a_fine_for_a_person_makes_no_record(sessions, keys, officer):
    status, problem = await refused(officer, sessions, keys, article="590", part="8")

    assert (status, problem["code"]) == (422, "fines.no_fine_in_sanction")


async def test_the_record_of_an_altered_row_is_not_shown(sessions, keys, officer):
    record = await make.drawn_up(sessions, keys, officer)
    async with transaction(sessions) as session:
        await session.execute(sa.text("ALTER TABLE offence_records DISABLE TRIGGER ALL"))
        await session.execute(
            sa.text("UPDATE offence_records SET sealed = set_byte(sealed, 20, 0)")
        )
        await session.execute(
            sa.text("UPDATE offence_records SET sealed = set_byte(sealed, 21, 0)")
        )

    answer = await officer.get(f"/api/offence-records/{record['offence_record_id']}")

    assert (answer.status_code, answer.json()["code"]) == (409, "fines.record_damaged")
