"""Duplicates of slips: numbered, marked, the officer's own, and never a second original."""

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from app.db import transaction
from fines.rules.duplicates import DUPLICATES_MAX
from fines.rules.slips import plain_lines
from fines.wire.protocol import OrderKind, Reason, Result
from sim.district import SECOND_OFFICER
from tests import factories_fines as make
from tests.api.test_offence_records import events


@pytest.fixture
async def record_id(sessions, keys, officer):
    return await make.with_receipt(sessions, keys, officer)


async def order(officer, payment_id, slip_id):
    return await officer.post(f"/api/payments/{payment_id}/slips/{slip_id}/duplicate")


async def printed_duplicate(officer, payment_id, slip_id):
    answer = await order(officer, payment_id, slip_id)
    assert answer.status_code == 202, answer.text
    given = await officer.agent_next()
    await make.printed(officer, given, given.slips)
    return answer.json(), given


async def test_a_duplicate_is_printed_marked_and_numbered(officer, record_id, sessions):
    payment_id, slips = await make.paid(officer, record_id)

    first, paper = await printed_duplicate(officer, payment_id, slips[1].slip_id)
    second, _ = await printed_duplicate(officer, payment_id, slips[1].slip_id)

    (slip,) = paper.slips
    assert paper.kind is OrderKind.PRINT
    assert (slip.duplicate, slip.copy_number) == (1, 2)
    assert "ДУБЛИКАТ № 1" in " ".join(plain_lines(slip))
    assert "ALA-1042" in " ".join(plain_lines(slip)[:3])
    assert [first["duplicate"], second["duplicate"]] == [1, 2]
    view = (await officer.get(f"/api/payments/{payment_id}")).json()
    assert [one["duplicate"] for one in view["slips"]] == [0, 0, 1, 2]
    assert view["status"] == "slips_printed"
    assert (await events(sessions)).count("fines.duplicate_ordered") == 2
    pdf = await officer.get(f"/api/payments/{payment_id}/slips/{slip.slip_id}.pdf")
    assert pdf.content.startswith(b"%PDF-")


async def test_pressed_twice_it_is_one_duplicate(officer, record_id):
    payment_id, slips = await make.paid(officer, record_id)

    answers = [await order(officer, payment_id, slips[0].slip_id) for _ in range(3)]

    assert len({one.json()["slip_id"] for one in answers}) == 1
    assert {one.json()["duplicate"] for one in answers} == {1}


async def test_of_a_duplicate_the_original_is_duplicated(officer, record_id):
    payment_id, slips = await make.paid(officer, record_id)
    first, _ = await printed_duplicate(officer, payment_id, slips[0].slip_id)

    second, paper = await printed_duplicate(officer, payment_id, first["slip_id"])

    text = " ".join(plain_lines(paper.slips[0]))
    assert second["duplicate"] == 2
    assert "ДУБЛИКАТ № 1" not in text


async def test_what_has_not_come_out_yet_has_no_duplicate(officer, record_id):
    payment_id = await make.begun(officer, record_id)
    sale, _ = await make.approved(officer)
    slips = await make.ended(officer, sale, make.outcome(Result.COMPLETED))
    await make.printed(officer, sale, slips[:1], Reason.NO_PAPER)

    refused = await order(officer, payment_id, slips[1].slip_id)

    assert (refused.status_code, refused.json()["code"]) == (409, "fines.slip_not_printed")


async def test_duplicates_come_to_an_end(officer, record_id, sessions):
    payment_id, slips = await make.paid(officer, record_id)
    for _ in range(DUPLICATES_MAX):
        await printed_duplicate(officer, payment_id, slips[0].slip_id)

    refused = await order(officer, payment_id, slips[0].slip_id)

    assert (refused.status_code, refused.json()["code"]) == (409, "fines.duplicates_exhausted")
    assert "fines.duplicate_refused" in await events(sessions)


async def test_a_duplicate_without_paper_comes_when_there_is_some(officer, record_id, sessions):
    payment_id, slips = await make.paid(officer, record_id)
    await order(officer, payment_id, slips[0].slip_id)
    given = await officer.agent_next()
    await make.printed(officer, given, (), Reason.NO_PAPER)
    async with transaction(sessions) as session:
        await session.execute(sa.text("UPDATE terminal_orders SET not_before = now()"))

    again = await officer.agent_next()

    assert again.slips == given.slips
    assert again.order_id != given.order_id


async def test_another_officers_slip_is_not_there(officer, record_id, sessions, client):
    payment_id, slips = await make.paid(officer, record_id)
    other = await make.officer(
        sessions, client, SECOND_OFFICER, terminal_number=make.OTHER_TERMINAL_NUMBER
    )

    refused = await order(other, payment_id, slips[0].slip_id)

    assert (refused.status_code, refused.json()["code"]) == (404, "fines.payment_not_found")


async def test_a_declined_attempt_has_duplicates_too(officer, record_id):
    payment_id = await make.begun(officer, record_id)
    sale = await make.started(officer)
    message = make.outcome(Result.DECLINED, Reason.THIRD_PARTY_CARD)
    slips = await make.ended(officer, sale, message)
    await make.printed(officer, sale, slips)

    _, paper = await printed_duplicate(officer, payment_id, slips[0].slip_id)

    text = " ".join(plain_lines(paper.slips[0]))
    assert "НЕ ОПЛАЧЕНО" in text
    assert "ДУБЛИКАТ № 1" in text


@pytest.mark.parametrize(
    "change",
    [
        "content = '{}'",
        "content_sha256 = 'x'",
        "copy_number = 1",
        "duplicate = 1",
        "kind = 'declined'",
        "printed_at = NULL",
        "printed_at = now() + interval '1 day'",
        "ordered_post_id = gen_random_uuid()",
    ],
)
async def test_the_lines_of_a_slip_are_written_once(officer, record_id, sessions, change):
    _, slips = await make.paid(officer, record_id)

    with pytest.raises(DBAPIError, match=r"written once|violates"):
        async with transaction(sessions) as session:
            await session.execute(
                sa.text(f"UPDATE slips SET {change} WHERE id = :id"), {"id": slips[1].slip_id}
            )


async def test_a_second_original_cannot_be_kept(officer, record_id, sessions):
    _, slips = await make.paid(officer, record_id)

    again = sa.text(
        "INSERT INTO slips SELECT (jsonb_populate_record(s, "
        "jsonb_build_object('id', gen_random_uuid(), 'paper_id', NULL))).* FROM slips s "
        "WHERE id = :id"
    )
    with pytest.raises(DBAPIError, match="uq_slips"):
        async with transaction(sessions) as session:
            await session.execute(again, {"id": slips[0].slip_id})


# ---------------------------------------------------------------------- perhaps it came out


async def wanted_again(officer, sessions):
    """Return the order for the papers that are still wanted, without the wait for new paper."""
    async with transaction(sessions) as session:
        await session.execute(sa.text("UPDATE terminal_orders SET not_before = created_at"))
    return await officer.agent_next()


async def test_what_may_have_come_out_comes_again_with_a_number_and_can_be_signed(
    officer, record_id, sessions
):
    payment_id = await make.begun(officer, record_id)
    sale, _ = await make.approved(officer)
    slips = await make.ended(officer, sale, make.outcome(Result.COMPLETED))

    for _ in range(2):  # a report may be repeated
        await make.printed(officer, sale, slips[:1], Reason.ABORTED, doubtful=slips[1:])
    given = await wanted_again(officer, sessions)
    await make.printed(officer, given, given.slips)

    (slip,) = given.slips
    assert (slip.copy_number, slip.duplicate) == (2, 1)
    assert "ДУБЛИКАТ № 1" in " ".join(plain_lines(slip))
    assert "Оригинал мог не выйти" in " ".join(plain_lines(slip))
    assert any(line.signature for line in slip.lines)
    view = (await officer.get(f"/api/payments/{payment_id}")).json()
    assert view["status"] == "slips_printed"
    assert [(one["copy_number"], one["duplicate"]) for one in view["slips"]] == [
        (1, 0), (2, 0), (2, 1)
    ]  # fmt: skip
    assert [bool(one["printed_at"]) for one in view["slips"]] == [True, False, True]
    assert [bool(one["doubted_at"]) for one in view["slips"]] == [False, True, False]
    assert (await events(sessions)).count("fines.slip_doubtful") == 1


async def test_a_replacement_that_may_have_come_out_gets_the_next_number(
    officer, record_id, sessions
):
    payment_id = await make.begun(officer, record_id)
    sale, _ = await make.approved(officer)
    slips = await make.ended(officer, sale, make.outcome(Result.COMPLETED))
    await make.printed(officer, sale, slips[:1], Reason.ABORTED, doubtful=slips[1:])
    first = await wanted_again(officer, sessions)

    await make.printed(officer, first, (), Reason.PRINTER_SILENT, doubtful=first.slips)
    second = await wanted_again(officer, sessions)
    await make.printed(officer, second, second.slips)
    ordered, paper = await printed_duplicate(officer, payment_id, slips[1].slip_id)

    assert [one.duplicate for one in (*first.slips, *second.slips)] == [1, 2]
    assert any(line.signature for line in second.slips[0].lines)
    assert " ".join(plain_lines(second.slips[0])).count("ДУБЛИКАТ №") == 2
    assert ordered["duplicate"] == 3
    assert not any(line.signature for line in paper.slips[0].lines)


async def test_an_older_agent_that_knows_no_doubt_is_answered_as_before(officer, record_id):
    payment_id = await make.begun(officer, record_id)
    sale, _ = await make.approved(officer)
    slips = await make.ended(officer, sale, make.outcome(Result.COMPLETED))

    await make.printed(officer, sale, slips[:1], Reason.NO_PAPER)
    view = (await officer.get(f"/api/payments/{payment_id}")).json()

    assert [one["duplicate"] for one in view["slips"]] == [0, 0]
    assert view["status"] == "approved"
