"""Paying half the fine by card: one payment per record, the server's sum, his own terminal."""

import asyncio
import io
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa
from PIL import Image
from sqlalchemy.exc import DBAPIError

from app.db import transaction
from fines import models
from fines.service import expire_orders
from fines.wire.protocol import OrderKind, OwnerVerdict, Reason, Result
from fines.wire.slip import SlipKind
from sim.district import SECOND_OFFICER, STRANGER
from tests import factories_fines as make
from tests.api.test_offence_records import desk_of, events


@pytest.fixture
async def record_id(sessions, keys, officer):
    return await make.with_receipt(sessions, keys, officer)


async def view(officer, payment_id):
    answer = await officer.get(f"/api/payments/{payment_id}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def picture():
    content = io.BytesIO()
    Image.new("RGB", (64, 64), "white").save(content, "JPEG")
    return content.getvalue()


async def test_the_whole_road_from_the_order_to_the_filed_slip(officer, record_id, sessions):
    payment_id = await make.begun(officer, record_id)
    order, answer = await make.approved(officer)
    slips = await make.ended(officer, order, make.outcome(Result.COMPLETED))
    await make.printed(officer, order, slips)
    path = f"/api/payments/{payment_id}"
    signed = await officer.post(f"{path}/signed-slip", content=picture())

    assert order.amount_tiyn == 5 * make.MRP_2026_TIYN
    assert order.payer_iin == make.DRIVER.iin
    assert answer.accepted
    assert [slip.copy_number for slip in slips] == [1, 2]
    assert signed.json()["status"] == "filed"
    seen = await view(officer, payment_id)
    assert (seen["status"], seen["paid"], seen["owner_verdict"]) == ("filed", True, "match")
    assert (seen["rrn"], seen["approval_code"]) == ("632612000034", "A1B2C3")
    record = await officer.get(f"/api/offence-records/{record_id}")
    assert record.json()["status"] == "paid_half"
    assert {
        "fines.payment_created",
        "fines.payment_sent",
        "fines.payment_approved",
        "fines.payment_confirmed",
        "fines.slip_printed",
        "fines.slip_signed",
        "fines.slip_filed",
    } <= set(await events(sessions))


async def test_the_same_key_replays_the_first_answer(officer, record_id):
    body = {"offence_record_id": record_id}
    key = {"Idempotency-Key": "key-of-this-test"}

    first = await officer.post("/api/payments", body, headers=key)
    await make.started(officer)
    again = await officer.post("/api/payments", body, headers=key)

    assert (again.status_code, again.json()) == (202, first.json())


async def test_fifty_requests_with_one_key_make_one_payment(officer, record_id, sessions):
    body = {"offence_record_id": record_id}
    key = {"Idempotency-Key": "fifty-at-once"}

    answers = await asyncio.gather(
        *(officer.post("/api/payments", body, headers=key) for _ in range(50))
    )

    assert {one.status_code for one in answers} == {202}
    assert len({one.json()["payment_id"] for one in answers}) == 1
    async with transaction(sessions) as session:
        assert await session.scalar(sa.select(sa.func.count(models.Payment.id))) == 1


async def test_a_key_with_another_body_or_officer_is_refused(
    officer, record_id, sessions, keys, client
):
    await make.begun(officer, record_id, key="one-key-only")
    other = await make.officer(
        sessions, client, SECOND_OFFICER, terminal_number=make.OTHER_TERMINAL_NUMBER
    )
    key = {"Idempotency-Key": "one-key-only"}
    others_record = await make.with_receipt(sessions, keys, other)
    own_other_record = await make.with_receipt(sessions, keys, officer)

    answers = [
        await other.post("/api/payments", {"offence_record_id": others_record}, headers=key),
        await other.post("/api/payments", {"offence_record_id": record_id}, headers=key),
        await officer.post("/api/payments", {"offence_record_id": own_other_record}, headers=key),
    ]

    assert [one.json()["code"] for one in answers] == ["fines.idempotency_key_reused"] * 3
    assert {one.status_code for one in answers} == {409}


async def test_a_payment_without_a_key_is_no_payment(officer, record_id):
    answer = await officer.post("/api/payments", {"offence_record_id": record_id})

    assert answer.status_code == 422


async def test_a_sum_cannot_be_sent(officer, record_id):
    body = {"offence_record_id": record_id, "amount_tiyn": 1}

    answer = await officer.post("/api/payments", body, headers={"Idempotency-Key": "k" * 8})

    assert answer.status_code == 422


async def test_one_payment_under_way_and_none_after_it_is_paid(officer, record_id):
    body = {"offence_record_id": record_id}
    await make.begun(officer, record_id)
    second = await officer.post("/api/payments", body, headers={"Idempotency-Key": "second-key"})
    order, _ = await make.approved(officer)
    await make.ended(officer, order, make.outcome(Result.COMPLETED))

    third = await officer.post("/api/payments", body, headers={"Idempotency-Key": "third-key"})

    assert second.json()["code"] == "fines.payment_in_flight"
    assert third.json()["code"] == "fines.already_paid"


async def test_one_terminal_sells_once_at_a_time(officer, record_id, sessions, keys):
    await make.begun(officer, record_id)
    other_record = await make.with_receipt(sessions, keys, officer)

    answer = await officer.post(
        "/api/payments",
        {"offence_record_id": other_record},
        headers={"Idempotency-Key": "other-record"},
    )

    assert (answer.status_code, answer.json()["code"]) == (409, "fines.terminal_busy")


async def test_without_a_terminal_of_his_own_an_officer_takes_no_money(
    sessions, keys, client, officer
):
    assert officer
    other = await make.officer(sessions, client, SECOND_OFFICER, terminal_number="")
    record_id = await make.with_receipt(sessions, keys, other)

    answer = await other.post(
        "/api/payments",
        {"offence_record_id": record_id},
        headers={"Idempotency-Key": "no-terminal"},
    )

    assert (answer.status_code, answer.json()["code"]) == (409, "fines.terminal_not_assigned")
    assert "fines.payment_refused" in await events(sessions)


async def test_without_a_receipt_there_is_nothing_to_pay(sessions, keys, officer):
    record = await make.drawn_up(sessions, keys, officer)

    answer = await officer.post(
        "/api/payments",
        {"offence_record_id": record["offence_record_id"]},
        headers={"Idempotency-Key": "no-receipt"},
    )

    assert (answer.status_code, answer.json()["code"]) == (404, "fines.receipt_not_issued")


@pytest.mark.parametrize("staff", [SECOND_OFFICER, STRANGER])
async def test_another_officers_payment_is_as_if_it_were_not_there(
    officer, record_id, sessions, client, staff
):
    payment_id, slips = await make.paid(officer, record_id)
    other = await make.officer(sessions, client, staff, terminal_number="")
    path = f"/api/payments/{payment_id}"

    answers = [
        await other.get(path),
        await other.get(f"{path}/slips/{slips[0].slip_id}.pdf"),
        await other.get(f"{path}/slips/{slips[0].slip_id}.png"),
        await other.post(f"{path}/signed-slip", content=picture()),
    ]

    assert {one.status_code for one in answers} == {404}
    assert {one.json()["code"] for one in answers} == {"fines.payment_not_found"}


async def test_slips_are_filed_and_given_back_as_filed(officer, record_id, sessions):
    payment_id, slips = await make.paid(officer, record_id)
    path = f"/api/payments/{payment_id}/slips/{slips[1].slip_id}"

    first, again = await officer.get(f"{path}.pdf"), await officer.get(f"{path}.pdf")
    shown = await officer.get(f"{path}.png")

    assert first.content.startswith(b"%PDF-")
    assert first.content == again.content
    assert shown.content.startswith(b"\x89PNG")
    async with transaction(sessions) as session:
        kinds = (await session.scalars(sa.select(models.Paper.kind))).all()
    assert list(kinds) == ["slip"]


async def test_a_changed_slip_is_not_shown(officer, record_id, sessions):
    payment_id, slips = await make.paid(officer, record_id)
    async with transaction(sessions) as session:
        # As somebody with the keys of the database itself: its trigger lets nobody else.
        await session.execute(sa.text("SET LOCAL session_replication_role = replica"))
        row = await session.get_one(models.SlipRow, slips[0].slip_id)
        sealed = row.content["sealed"]
        row.content = {
            "sealed": ("B" if sealed[40] == "A" else "A").join((sealed[:40], sealed[41:]))
        }

    answer = await officer.get(f"/api/payments/{payment_id}/slips/{slips[0].slip_id}.pdf")

    assert (answer.status_code, answer.json()["code"]) == (409, "fines.paper_altered")


@pytest.mark.parametrize("image", [b"", b"GIF89a", picture()[:200], b"\x00" * 1000])
async def test_what_is_no_picture_is_no_signed_slip(officer, record_id, image):
    payment_id, _ = await make.paid(officer, record_id)

    answer = await officer.post(f"/api/payments/{payment_id}/signed-slip", content=image)

    assert (answer.status_code, answer.json()["code"]) == (422, "fines.image_not_valid")


async def test_the_same_photograph_again_changes_nothing_and_another_is_refused(officer, record_id):
    payment_id, _ = await make.paid(officer, record_id)
    path = f"/api/payments/{payment_id}/signed-slip"
    content = io.BytesIO()
    Image.new("RGB", (32, 32)).save(content, "PNG")

    first = await officer.post(path, content=picture())
    again = await officer.post(path, content=picture())
    other = await officer.post(path, content=content.getvalue())

    assert first.json() == again.json()
    assert (other.status_code, other.json()["code"]) == (409, "fines.transition_refused")


async def test_an_order_nobody_takes_is_withdrawn_and_the_officer_may_try_anew(
    officer, record_id, app
):
    payment_id = await make.begun(officer, record_id)

    count = await expire_orders(desk_of(app), datetime.now(UTC) + timedelta(minutes=2))

    seen = await view(officer, payment_id)
    assert (count, seen["status"], seen["reason"]) == (1, "declined", "aborted")
    assert seen["reason_ru"]
    assert await make.begun(officer, record_id) != payment_id


async def test_a_started_sale_that_falls_silent_is_unknown_and_its_last_result_is_wanted(
    officer, record_id, app
):
    payment_id = await make.begun(officer, record_id)
    sale = await make.started(officer)

    early = await expire_orders(desk_of(app), datetime.now(UTC) + timedelta(minutes=2))
    late = await expire_orders(desk_of(app), datetime.now(UTC) + timedelta(minutes=5))

    assert (early, late) == (0, 1)
    assert (await view(officer, payment_id))["status"] == "unknown"
    blocked = await officer.post(
        "/api/payments",
        {"offence_record_id": record_id},
        headers={"Idempotency-Key": "try-again"},
    )
    assert blocked.json()["code"] == "fines.payment_in_flight"
    async with transaction(app.state.sessions) as session:
        await session.execute(
            sa.update(models.TerminalOrder)
            .where(models.TerminalOrder.kind == OrderKind.LAST_RESULT)
            .values(not_before=datetime.now(UTC) - timedelta(seconds=1))
        )
    order = await officer.agent_next()
    assert (order.kind, order.original_order_id) == (OrderKind.LAST_RESULT, sale.order_id)


async def test_a_paper_can_be_asked_about_by_its_code_and_by_nothing_else(
    officer, record_id, client
):
    _, slips = await make.paid(officer, record_id)
    address = next(line.qr for line in slips[0].lines if line.qr)
    path = address[address.index("/v/") :]

    good = await client.get(path)
    bad = await client.get(path[:-1] + ("A" if path[-1] != "A" else "B"))
    absent = await client.get(f"/v/payment/{uuid4()}?c=AAAAAAAAAAAAAAAA")

    assert good.json()["paid"] is True
    assert good.json()["amount_tiyn"] == 5 * make.MRP_2026_TIYN
    assert bad.json() == absent.json()
    assert bad.json()["known"] is False
    assert make.DRIVER.iin not in good.text


async def test_a_third_partys_card_leaves_a_paper_that_says_not_paid(officer, record_id, sessions):
    payment_id = await make.begun(officer, record_id)
    order = await make.started(officer)

    slips = await make.ended(
        officer,
        order,
        make.outcome(
            Result.DECLINED,
            Reason.THIRD_PARTY_CARD,
            owner_verdict=OwnerVerdict.NO_MATCH,
            host_code="57",
        ),
    )

    seen = await view(officer, payment_id)
    assert (seen["status"], seen["reason"]) == ("declined", "third_party_card")
    assert (seen["owner_verdict"], seen["paid"]) == ("no_match", False)
    assert [slip.kind for slip in slips] == [SlipKind.DECLINED]
    words = " ".join(line.text for line in slips[0].lines)
    assert "ТӨЛЕНГЕН ЖОҚ" in words
    assert "НЕ ОПЛАЧЕНО" in words
    assert "fines.outcome_taken" in await events(sessions)


@pytest.mark.parametrize(
    "change",
    [
        sa.update(models.Payment).values(amount_tiyn=1),
        sa.update(models.Payment).values(status="created"),
        sa.update(models.Payment).values(status="declined"),
        sa.update(models.Payment).values(rrn="000000000000"),
        sa.delete(models.Payment),
        sa.delete(models.SlipRow),
    ],
)
async def test_the_database_lets_nobody_rewrite_a_payment(officer, record_id, sessions, change):
    await make.paid(officer, record_id)

    with pytest.raises(DBAPIError, match=r"payment|evidence"):
        async with transaction(sessions) as session:
            await session.execute(change)
