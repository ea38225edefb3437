"""Drawing up an offence record, reduced proceedings, the receipt; by the officer alone."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from app.audit.models import Leaf, OutboxRow
from app.clock import law_date
from app.db import transaction
from fines import models
from fines.api import make_desk
from fines.service import lapse_receipts
from sim.district import KEEPER, SECOND_OFFICER, STRANGER
from tests import factories_fines as make


async def events(sessions):
    # In one statement: between two the sequencer may carry an event over, and it counts twice.
    written = sa.union_all(sa.select(OutboxRow.event), sa.select(Leaf.event))
    async with transaction(sessions) as session:
        return list((await session.execute(written)).scalars())


def desk_of(app):
    return make_desk(
        sessions=app.state.sessions,
        trail=app.state.trail,
        keys=app.state.keys,
        settings=app.state.settings,
    )


async def test_a_record_takes_the_person_from_the_check_and_the_sum_from_the_law(
    sessions, keys, officer
):
    record = await make.drawn_up(sessions, keys, officer)

    assert record["status"] == "drawn_up"
    assert record["fine_full_tiyn"] == 10 * make.MRP_2026_TIYN
    assert record["fine_half_tiyn"] == 5 * make.MRP_2026_TIYN
    assert record["reduced_eligible"] is True
    assert record["offender"]["iin"] == make.DRIVER.iin
    assert record["offender"]["surname"] == make.DRIVER.surname
    assert record["vehicle"]["plate"] == make.DRIVER.plate
    assert [one["act"] for one in record["acts"]] == ["entered"]
    assert "fines.offence_record_drawn_up" in await events(sessions)


async def test_numbers_hold_the_year_and_never_repeat(sessions, keys, officer):
    first = await make.drawn_up(sessions, keys, officer)
    second = await make.drawn_up(sessions, keys, officer)

    year = str(law_date(datetime.now(UTC)).year)
    assert first["number"].startswith(f"{year}-")
    assert first["number"] != second["number"]


async def test_the_same_record_sent_again_is_the_same_record(sessions, keys, officer):
    body = make.offence(await make.check(sessions, keys, officer))

    first = await officer.post("/api/offence-records", body)
    again = await officer.post("/api/offence-records", body)

    assert first.json()["offence_record_id"] == again.json()["offence_record_id"]


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"article": "999"}, 422, "fines.article_not_in_force"),
        ({"part": "99"}, 422, "fines.article_not_in_force"),
        ({"occurred_at": "2031-01-01T00:00:00Z"}, 422, "fines.occurred_at_not_possible"),
        ({"occurred_at": "2026-01-01T00:00:00Z"}, 422, "fines.occurred_at_not_possible"),
        ({"article": "612", "part": "1", "penalty": "fine"}, 409, "fines.warning_required"),
        ({"penalty": "warning"}, 409, "fines.warning_not_allowed"),
        ({"check_id": str(uuid4())}, 404, "exchange.check_not_found"),
        ({"latitude": 91}, 422, "app.bad_request"),
        ({"place": ""}, 422, "app.bad_request"),
        ({"article": "592'; --"}, 422, "app.bad_request"),
    ],
)
async def test_a_wrong_record_is_refused_with_its_own_code(
    sessions, keys, officer, changed, status, code
):
    body = make.offence(await make.check(sessions, keys, officer)) | changed

    answer = await officer.post("/api/offence-records", body)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_refused_record_is_audited(sessions, keys, officer):
    body = make.offence(await make.check(sessions, keys, officer), article="999")

    await officer.post("/api/offence-records", body)

    assert "fines.offence_record_refused" in await events(sessions)


async def test_without_the_person_register_nobody_is_established(sessions, keys, officer):
    check_id = await make.check(sessions, keys, officer, registers_answer=False)

    answer = await officer.post("/api/offence-records", make.offence(check_id))

    assert answer.status_code == 409
    assert answer.json()["code"] == "fines.offender_not_established"


async def test_a_warning_is_given_where_the_article_allows_it(sessions, keys, officer):
    record = await make.drawn_up(
        sessions, keys, officer, article="612", part="1", penalty="warning"
    )

    assert (record["status"], record["fine_full_tiyn"]) == ("warned", 0)
    assert "fines.warning_given" in await events(sessions)


async def test_an_aggravating_circumstance_rules_the_warning_out(sessions, keys, officer):
    record = await make.drawn_up(
        sessions, keys, officer, article="612", part="1", aggravating="57(1)2"
    )

    assert record["fine_full_tiyn"] == 5 * make.MRP_2026_TIYN


async def test_the_agreement_issues_one_numbered_receipt_and_reports_no_act(
    sessions, keys, officer
):
    record = await make.drawn_up(sessions, keys, officer)
    path = f"/api/offence-records/{record['offence_record_id']}"
    await make.explained(officer, record["offence_record_id"])

    first = await officer.post(f"{path}/reduced", make.AGREED)
    again = await officer.post(f"{path}/reduced", make.AGREED)

    assert first.status_code == 200, first.text
    assert first.json() == again.json()
    assert first.json()["receipt_number"].startswith("R-")
    assert first.json()["amount_tiyn"] == record["fine_half_tiyn"]
    seen = (await officer.get(path)).json()
    assert [one["act"] for one in seen["acts"]] == ["entered", "announced", "explained"]
    assert seen["status"] == "receipt_issued"


@pytest.mark.parametrize(
    "acts", [(), ("announced",), ("explained",)], ids=["neither", "announced", "explained"]
)
async def test_without_what_comes_before_it_there_is_no_agreement(sessions, keys, officer, acts):
    record = await make.drawn_up(sessions, keys, officer)
    path = f"/api/offence-records/{record['offence_record_id']}"
    await make.acted(officer, record["offence_record_id"], *acts)

    answer = await officer.post(f"{path}/reduced", make.AGREED)

    assert (answer.status_code, answer.json()["code"]) == (409, "fines.acts_not_reported")
    wanted = ("announced", "explained")
    assert answer.json()["missing"] == [one for one in wanted if one not in acts]
    seen = (await officer.get(path)).json()
    assert (seen["status"], seen["receipt_number"]) == ("drawn_up", None)
    assert {one["act"] for one in seen["acts"]} == {"entered", *acts}
    assert "fines.reduced_refused" in await events(sessions)


async def test_a_receipt_is_handed_over_once_it_is_there_and_keeps_its_first_instant(
    sessions, keys, officer
):
    record = await make.drawn_up(sessions, keys, officer)
    path = f"/api/offence-records/{record['offence_record_id']}"
    await make.explained(officer, record["offence_record_id"])

    early = await officer.post(f"{path}/acts", {"act": "receipt_handed"})
    receipt = (await officer.post(f"{path}/reduced", make.AGREED)).json()
    await make.acted(officer, record["offence_record_id"], "receipt_handed")
    first = (await officer.get(path)).json()["acts"]
    await make.acted(officer, record["offence_record_id"], "receipt_handed")
    again = (await officer.get(path)).json()["acts"]

    assert (early.status_code, early.json()["code"]) == (404, "fines.receipt_not_issued")
    assert first == again
    handed = {one["act"]: one for one in first}["receipt_handed"]
    issued = datetime.fromisoformat(receipt["receipt_issued_at"])
    assert datetime.fromisoformat(handed["at"]) > issued
    assert handed["post_id"] == str(officer.post_id)
    assert (await events(sessions)).count("fines.act_done") == 3


@pytest.mark.parametrize(
    "said",
    [
        {"admits": False, "agrees": True, "contests": False},
        {"admits": True, "agrees": False, "contests": False},
        {"admits": True, "agrees": True, "contests": True},
    ],
)
async def test_without_agreement_there_is_no_receipt(sessions, keys, officer, said):
    record = await make.drawn_up(sessions, keys, officer)
    path = f"/api/offence-records/{record['offence_record_id']}"

    answer = await officer.post(f"{path}/reduced", said)

    assert (answer.status_code, answer.json()["code"]) == (409, "fines.reduced_not_agreed")
    assert (await officer.post(f"{path}/ordinary")).status_code == 204
    assert (await officer.get(path)).json()["status"] == "ordinary"


async def test_an_article_with_another_penalty_has_no_reduced_proceedings(sessions, keys, officer):
    record = await make.drawn_up(sessions, keys, officer, article="613", part="1")
    path = f"/api/offence-records/{record['offence_record_id']}"

    answer = await officer.post(f"{path}/reduced", make.AGREED)

    assert answer.json()["code"] == "fines.reduced_not_eligible"
    assert answer.json()["reason"] == "other_penalty_in_sanction"
    assert record["reduced_eligible"] is False


async def test_the_receipt_is_filed_and_given_back_as_filed(sessions, keys, officer):
    record_id = await make.with_receipt(sessions, keys, officer)
    path = f"/api/offence-records/{record_id}/receipt.pdf"

    first, again = await officer.get(path), await officer.get(path)

    assert first.headers["content-type"] == "application/pdf"
    assert first.content.startswith(b"%PDF-")
    assert first.content == again.content


async def test_a_record_without_agreement_has_no_receipt_paper(sessions, keys, officer):
    record = await make.drawn_up(sessions, keys, officer)

    answer = await officer.get(f"/api/offence-records/{record['offence_record_id']}/receipt.pdf")

    assert (answer.status_code, answer.json()["code"]) == (404, "fines.receipt_not_issued")


@pytest.mark.parametrize("staff", [SECOND_OFFICER, STRANGER])
async def test_another_officers_record_is_as_if_it_were_not_there(
    sessions, keys, officer, client, staff
):
    record_id = await make.with_receipt(sessions, keys, officer)
    other = await make.officer(sessions, client, staff, terminal_number="")
    path = f"/api/offence-records/{record_id}"

    answers = [
        await other.get(path),
        await other.get(f"{path}/receipt.pdf"),
        await other.post(f"{path}/acts", {"act": "announced"}),
        await other.post(f"{path}/reduced", make.AGREED),
        await other.post(f"{path}/ordinary"),
    ]

    assert {answer.status_code for answer in answers} == {404}
    assert {answer.json()["code"] for answer in answers} == {"fines.offence_record_not_found"}


@pytest.mark.usefixtures("officer")
async def test_a_keeper_draws_nothing_up(sessions, client):
    keeper = await make.officer(sessions, client, KEEPER, terminal_number="")

    answer = await keeper.post("/api/offence-records", make.offence(uuid4()))

    assert answer.status_code == 403


async def test_nobody_is_asked_to_sign_in(client):
    answer = await client.post("/api/offence-records", json=make.offence(uuid4()))

    assert answer.status_code == 401


async def test_a_receipt_lapses_into_ordinary_proceedings(sessions, keys, officer, app):
    record_id = await make.with_receipt(sessions, keys, officer)

    early = await lapse_receipts(desk_of(app), datetime.now(UTC) + timedelta(days=1))
    late = await lapse_receipts(desk_of(app), datetime.now(UTC) + timedelta(days=40))

    assert (early, late) == (0, 1)
    seen = await officer.get(f"/api/offence-records/{record_id}")
    assert seen.json()["status"] == "ordinary"


@pytest.mark.parametrize(
    "change",
    [
        sa.update(models.OffenceRecord).values(fine_full_tiyn=1, fine_half_tiyn=0),
        sa.update(models.OffenceRecord).values(offender_index=b"0" * 32),
        sa.update(models.OffenceRecord).values(receipt_number="R-1"),
        sa.update(models.OffenceRecord).values(status="drawn_up"),
        sa.delete(models.OffenceRecord),
        sa.update(models.OffenceAct).values(act="explained"),
        sa.delete(models.OffenceAct),
    ],
)
async def test_the_database_lets_nobody_rewrite_a_record(sessions, keys, officer, change):
    await make.with_receipt(sessions, keys, officer)

    with pytest.raises(DBAPIError, match=r"offence record|written once|evidence"):
        async with transaction(sessions) as session:
            await session.execute(change)


async def test_the_catalogue_shows_the_sums_of_today(officer):
    answer = await officer.get("/api/offence-articles")

    rows = {(one["article"], one["part"]): one for one in answer.json()["articles"]}
    assert rows["592", "2"]["mrp_count"] == 10
    assert rows["592", "2"]["mrp_tenge"] == 4325
    assert rows["613", "1"]["reduced_reason"] == "other_penalty_in_sanction"
