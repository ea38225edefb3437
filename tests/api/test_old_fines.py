"""Old fines at the roadside: ours by any officer and the register's, paid whole by own card."""

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from app.db import transaction
from fines import models
from fines.rules.offence_record import OffenceStatus
from fines.rules.proceedings import CourseStage, OrdinaryGround
from fines.wire.protocol import Result
from sim.district import SECOND_OFFICER
from tests import factories_fines as make

AGO = timedelta(days=1)
OLD = make.OWED["decision_number"]


@pytest.fixture
async def other(sessions, client, officer):
    assert officer
    return await make.officer(
        sessions, client, SECOND_OFFICER, terminal_number=make.OTHER_TERMINAL_NUMBER
    )


async def listed(whose, check_id):
    answer = await whose.get(f"/api/checks/{check_id}/old-fines")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def pay(whose, **body):
    return await whose.post(
        "/api/payments", body, headers={"Idempotency-Key": body.pop("key", uuid4().hex)}
    )


async def decided(sessions, record_id, **changed):
    """Put the decision of ordinary proceedings on a record that was not admitted."""
    values = {
        "ground": OrdinaryGround.NOT_ADMITTED,
        "stage": CourseStage.DECIDED,
        "began_at": datetime.now(UTC) - 9 * AGO,
        "due_at": datetime.now(UTC) + 9 * AGO,
        "handed_on_at": datetime.now(UTC) - 8 * AGO,
        "decision_number": "D-1",
        "decided_on": date(2026, 11, 10),
        "fine_tiyn": 3_000_000,
        "in_force_on": date(2026, 11, 20),
        "suspended": False,
    } | changed
    async with transaction(sessions) as session:
        record = await session.get_one(models.OffenceRecord, record_id)
        record.status = OffenceStatus.ORDINARY
        await session.flush()
        session.add(
            models.OrdinaryCase(
                offence_record_id=record.id, department_id=record.department_id, **values
            )
        )


async def sold(whose):
    order, answer = await make.approved(whose)
    slips = await make.ended(whose, order, make.outcome(Result.COMPLETED))
    await make.printed(whose, order, slips)
    assert answer.accepted
    return order, slips


def text_of(slip):
    return "\n".join(f"{line.text} {line.right}" for line in slip.lines)


async def test_a_fine_of_the_register_is_listed_and_paid_whole(sessions, keys, officer):
    check_id = await make.check(sessions, keys, officer, owes=[make.OWED])

    (fine,) = (await listed(officer, check_id))["fines"]
    begun = await pay(officer, check_id=str(check_id), decision_number=OLD)
    order, slips = await sold(officer)

    assert (fine["source"], fine["payable"], fine["amount_tiyn"]) == ("register", True, 4_325_000)
    assert begun.status_code == 202, begun.text
    assert begun.json()["amount_tiyn"] == order.amount_tiyn == 4_325_000
    assert order.payer_iin == make.DRIVER.iin
    assert "Жеңілдік" not in text_of(slips[1])
    assert OLD in text_of(slips[1])
    seen = (await officer.get(f"/api/payments/{begun.json()['payment_id']}")).json()
    assert (seen["full_tiyn"], seen["discount_tiyn"], seen["paid"]) == (4_325_000, 0, True)
    pdf = await officer.get(seen["slips"][0]["pdf_url"])
    assert pdf.content.startswith(b"%PDF-")


async def test_a_paid_fine_of_the_register_is_never_sold_again(sessions, keys, officer, other):
    check_id = await make.check(sessions, keys, officer, owes=[make.OWED])
    await pay(officer, check_id=str(check_id), decision_number=OLD)
    meanwhile = await make.check(sessions, keys, other, owes=[make.OWED])
    second = await pay(other, check_id=str(meanwhile), decision_number=OLD)
    await sold(officer)

    third = await pay(other, check_id=str(meanwhile), decision_number=OLD)

    assert second.json()["code"] == "fines.payment_in_flight"
    assert third.json()["code"] == "fines.already_paid"
    assert (await listed(other, meanwhile))["fines"] == []


async def test_another_officer_takes_the_half_of_a_fresh_record(sessions, keys, officer, other):
    record_id = await make.with_receipt(sessions, keys, officer)
    check_id = await make.check(sessions, keys, other)

    (fine,) = (await listed(other, check_id))["fines"]
    begun = await pay(other, offence_record_id=record_id, check_id=str(check_id))

    assert (fine["offence_record_id"], fine["payable"]) == (record_id, True)
    assert begun.json()["amount_tiyn"] == fine["amount_tiyn"] == 5 * make.MRP_2026_TIYN


async def test_a_decided_fine_is_paid_whole_and_its_case_is_closed(sessions, keys, officer, other):
    record = await make.drawn_up(sessions, keys, officer)
    record_id = record["offence_record_id"]
    await decided(sessions, record_id)
    check_id = await make.check(sessions, keys, other)

    begun = await pay(other, offence_record_id=record_id, check_id=str(check_id))
    await sold(other)

    assert begun.json()["amount_tiyn"] == 3_000_000
    async with transaction(sessions) as session:
        case = await session.get_one(models.OrdinaryCase, record_id)
        assert (case.stage, case.due_at) == (CourseStage.CLOSED, None)
        row = await session.get_one(models.OffenceRecord, record_id)
        assert row.status is OffenceStatus.PAID_FULL


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"suspended": True}, "suspended"),
        ({"in_force_on": None}, "not_in_force"),
        ({"stage": CourseStage.WITH_ENFORCEMENT}, "with_enforcement"),
        ({"fine_tiyn": 0}, "no_fine"),
    ],
)
async def test_a_decision_that_does_not_stand_takes_no_money(
    sessions, keys, officer, changed, reason
):
    record_id = (await make.drawn_up(sessions, keys, officer))["offence_record_id"]
    await decided(sessions, record_id, **changed)

    answer = await pay(officer, offence_record_id=record_id)

    assert (answer.status_code, answer.json()["code"]) == (409, "fines.not_payable")
    assert answer.json()["reason"] == reason


async def test_a_check_of_somebody_else_opens_no_record(sessions, keys, officer, other):
    record_id = await make.with_receipt(sessions, keys, officer)
    check_id = await make.check(sessions, keys, other, driver=make.FRIEND)

    answer = await pay(other, offence_record_id=record_id, check_id=str(check_id))

    assert (answer.status_code, answer.json()["code"]) == (404, "fines.offence_record_not_found")


async def test_a_check_of_another_officer_is_none(sessions, keys, officer, other):
    check_id = await make.check(sessions, keys, officer, owes=[make.OWED])

    answers = [
        await other.get(f"/api/checks/{check_id}/old-fines"),
        await pay(other, check_id=str(check_id), decision_number=OLD),
    ]

    assert {one.status_code for one in answers} == {404}


async def test_a_check_of_yesterday_tells_nothing_of_what_is_owed(sessions, keys, officer):
    check_id = await make.check(sessions, keys, officer, owes=[make.OWED], ago=AGO)

    answer = await pay(officer, check_id=str(check_id), decision_number=OLD)

    assert (answer.status_code, answer.json()["code"]) == (409, "fines.check_too_old")


async def test_a_silent_register_is_told_as_such(sessions, keys, officer):
    check_id = await make.check(sessions, keys, officer, owes=None)

    assert await listed(officer, check_id) == {"fines": [], "register_silent": True}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"decision_number": OLD},
        {"check_id": str(uuid4())},
        {"offence_record_id": str(uuid4()), "decision_number": OLD},
        {
            "offence_record_id": str(uuid4()),
            "check_id": str(uuid4()),
            "decision_number": OLD,
        },
        {"check_id": str(uuid4()), "decision_number": OLD, "amount_tiyn": 1},
    ],
)
async def test_a_payment_names_one_fine_and_no_sum(officer, body):
    assert (await pay(officer, **body)).status_code == 422


@pytest.mark.parametrize(
    "change",
    [
        sa.update(models.Payment).values(discount_tiyn=0, full_tiyn=models.Payment.amount_tiyn),
        sa.update(models.Payment).values(discount_tiyn=models.Payment.discount_tiyn + 1),
        sa.update(models.Payment).values(offence_record_id=None),
        sa.update(models.RegisterFine).values(amount_tiyn=1),
        sa.delete(models.RegisterFine),
    ],
)
async def test_the_database_keeps_the_split_and_what_the_register_said(
    sessions, keys, officer, other, change
):
    await make.begun(officer, await make.with_receipt(sessions, keys, officer))
    check_id = await make.check(sessions, keys, other, owes=[make.OWED])
    assert (await pay(other, check_id=str(check_id), decision_number=OLD)).status_code == 202

    with pytest.raises(DBAPIError):
        async with transaction(sessions) as session:
            await session.execute(change)
