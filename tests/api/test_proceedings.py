"""Ordinary proceedings: handed on in three days, paid whole in thirty, then enforcement."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from app.calendar.models import SpecialDayRow
from app.clock import law_date
from app.db import transaction
from fines import models
from fines.rules.offence_record import OffenceStatus
from fines.rules.proceedings import CourseStage
from fines.service import end_terms, lapse_receipts
from fines.wire.protocol import Result
from sim.district import DUTY, KEEPER
from tests import factories_fines as make
from tests.api.test_offence_records import desk_of, events

DAY = timedelta(days=1)


@pytest.fixture
async def case_id(sessions, keys, officer):
    record = await make.drawn_up(sessions, keys, officer)
    path = f"/api/offence-records/{record['offence_record_id']}"
    assert (await officer.post(f"{path}/ordinary")).status_code == 204
    return record["offence_record_id"]


async def cases(whose):
    answer = await whose.get("/api/proceedings")
    assert answer.status_code == 200, answer.text
    return answer.json()["cases"]


async def step(whose, case_id, name, **body):
    answer = await whose.post(f"/api/proceedings/{case_id}/{name}", body or None)
    return answer.status_code, answer.json().get("code", "") if answer.content else ""


async def handed_on(whose, case_id):
    done = await step(whose, case_id, "hand-on", outgoing_number="12/1", addressee="police")
    assert done == (204, "")


async def decided(whose, case_id, *, fine_tiyn=4_325_000, in_force=None):
    await handed_on(whose, case_id)
    done = await step(
        whose,
        case_id,
        "decision",
        decision_number="D-77",
        decided_on=f"{law_date(datetime.now(UTC))}",
        fine_tiyn=fine_tiyn,
        in_force_on=f"{in_force or law_date(datetime.now(UTC))}",
    )
    assert done == (204, "")


async def stored(sessions, case_id):
    async with transaction(sessions) as session:
        case = await session.get_one(models.OrdinaryCase, case_id)
        record = await session.get_one(models.OffenceRecord, case_id)
        return case, record


async def test_what_is_not_admitted_waits_to_be_handed_on_with_its_clock(superior, case_id):
    (case,) = await cases(superior)

    assert (case["offence_record_id"], case["stage"]) == (case_id, "to_hand_on")
    assert (case["ground"], case["overdue"]) == ("not_admitted", False)
    due = datetime.fromisoformat(case["due_at"])
    assert datetime.now(UTC) + 2 * DAY < due < datetime.now(UTC) + 15 * DAY


async def test_what_is_not_eligible_goes_on_that_ground(sessions, keys, officer, superior):
    record = await make.drawn_up(sessions, keys, officer, article="613", part="1")
    await officer.post(f"/api/offence-records/{record['offence_record_id']}/ordinary")

    (case,) = await cases(superior)

    assert case["ground"] == "not_eligible"


async def test_a_lapsed_receipt_is_to_be_handed_on_in_three_days_from_its_last_day(
    sessions, keys, officer, superior, app
):
    record_id = await make.with_receipt(sessions, keys, officer)
    receipt = (await officer.get(f"/api/offence-records/{record_id}")).json()
    until = datetime.fromisoformat(receipt["discount_until"])

    assert await lapse_receipts(desk_of(app), until) == 1

    (case,) = await cases(superior)
    assert case["ground"] == "lapsed"
    assert until + 2 * DAY < datetime.fromisoformat(case["due_at"]) <= until + 15 * DAY


async def test_the_whole_course_to_enforcement(sessions, officer, superior, case_id, app):
    await decided(superior, case_id)
    (case,) = await cases(superior)
    due = datetime.fromisoformat(case["due_at"])
    early = await end_terms(desk_of(app), due - timedelta(seconds=1))
    ended = await end_terms(desk_of(app), due)
    again = await end_terms(desk_of(app), due)
    over = await step(superior, case_id, "hand-over", outgoing_number="12/2")

    assert (early, ended, again, over) == (0, 1, 0, (204, ""))
    assert due > datetime.now(UTC) + 30 * DAY  # thirty working days are never fewer
    row, record = await stored(sessions, case_id)
    assert (row.stage, record.status) == (
        CourseStage.WITH_ENFORCEMENT,
        OffenceStatus.ENFORCEMENT,
    )
    entries = (await officer.get(f"/api/offence-records/{case_id}")).json()["entries"]
    assert {one["kind"] for one in entries} == {
        "handed_on",
        "decided",
        "to_enforcement",
        "handed_over",
    }
    assert {
        "fines.case_handed_on",
        "fines.case_decided",
        "fines.term_to_pay_ended",
        "fines.case_handed_over",
    } <= set(await events(sessions))


async def test_a_decided_fine_is_paid_whole_on_the_spot_and_never_enforced(
    sessions, officer, superior, case_id, app
):
    await decided(superior, case_id, fine_tiyn=3_000_000)
    due = datetime.fromisoformat((await cases(superior))[0]["due_at"])

    await make.begun(officer, case_id)
    held_back = await end_terms(desk_of(app), due + DAY)
    order, _ = await make.approved(officer)
    await make.ended(officer, order, make.outcome(Result.COMPLETED))

    assert (order.amount_tiyn, held_back) == (3_000_000, 0)
    row, record = await stored(sessions, case_id)
    assert (row.stage, record.status) == (CourseStage.CLOSED, OffenceStatus.PAID_FULL)
    assert await cases(superior) == []
    assert await end_terms(desk_of(app), due + DAY) == 0


async def without_calendar(sessions):
    """Take every special day away, as in a year whose holidays nobody has entered."""
    async with transaction(sessions) as session:
        await session.execute(sa.delete(SpecialDayRow))


async def test_a_term_to_pay_is_reckoned_once_the_calendar_is_entered(
    sessions, superior, case_id, app
):
    await without_calendar(sessions)
    await decided(superior, case_id)
    unknown = (await cases(superior))[0]["due_at"]

    too_early = await end_terms(desk_of(app), datetime.now(UTC))
    await make.catalogue(sessions)
    reckoned = await end_terms(desk_of(app), datetime.now(UTC))
    again = await end_terms(desk_of(app), datetime.now(UTC))

    due = datetime.fromisoformat((await cases(superior))[0]["due_at"])
    assert (unknown, too_early, reckoned, again) == (None, 0, 1, 0)
    assert due > datetime.now(UTC) + 30 * DAY
    assert (await events(sessions)).count("fines.term_reckoned") == 1
    assert await end_terms(desk_of(app), due) == 1
    assert (await stored(sessions, case_id))[0].stage is CourseStage.TO_ENFORCE


async def test_a_term_long_over_when_it_is_reckoned_goes_to_enforcement_at_once(
    sessions, superior, case_id, app
):
    await without_calendar(sessions)
    await decided(superior, case_id)
    await make.catalogue(sessions)

    done = await end_terms(desk_of(app), datetime.now(UTC) + 300 * DAY)

    row, record = await stored(sessions, case_id)
    assert done == 3  # reckoned, sent to enforcement, overdue there
    assert (row.stage, record.status) == (CourseStage.TO_ENFORCE, OffenceStatus.ENFORCEMENT)


async def test_the_term_to_enforce_is_reckoned_once_the_calendar_is_entered(
    sessions, superior, case_id, app
):
    await decided(superior, case_id)
    paying_until = datetime.fromisoformat((await cases(superior))[0]["due_at"])
    await without_calendar(sessions)
    await end_terms(desk_of(app), paying_until)
    unknown = (await cases(superior))[0]["due_at"]

    await make.catalogue(sessions)
    reckoned = await end_terms(desk_of(app), paying_until)

    (case,) = await cases(superior)
    assert (unknown, reckoned, case["stage"]) == (None, 1, "to_enforce")
    due = datetime.fromisoformat(case["due_at"])
    assert paying_until + 10 * DAY <= due < paying_until + 30 * DAY


async def test_a_decision_upheld_beyond_the_calendar_gets_its_term_later(
    sessions, superior, case_id, app
):
    await decided(superior, case_id)
    await step(superior, case_id, "appeal")
    await without_calendar(sessions)
    today = law_date(datetime.now(UTC))
    await step(superior, case_id, "appeal-end", upheld=True, in_force_on=f"{today}")

    await make.catalogue(sessions)
    reckoned = await end_terms(desk_of(app), datetime.now(UTC))

    assert reckoned == 1
    assert (await stored(sessions, case_id))[0].due_at is not None


async def test_no_term_is_reckoned_while_an_appeal_is_pending(sessions, superior, case_id, app):
    await decided(superior, case_id)
    await step(superior, case_id, "appeal")

    assert await end_terms(desk_of(app), datetime.now(UTC)) == 0
    assert (await stored(sessions, case_id))[0].due_at is None


async def decided_without_day(whose, case_id, **changed):
    """Enter a decision of today whose day of force is not known yet."""
    await handed_on(whose, case_id)
    body = {
        "decision_number": "D-78",
        "decided_on": f"{law_date(datetime.now(UTC))}",
        "fine_tiyn": 3_000_000,
    }
    assert await step(whose, case_id, "decision", **body | changed) == (204, "")


async def test_the_day_in_force_is_entered_later_and_the_fine_is_payable(
    sessions, officer, superior, case_id
):
    await decided_without_day(superior, case_id)
    today = law_date(datetime.now(UTC))
    before = await officer.post(
        "/api/payments", {"offence_record_id": case_id}, headers={"Idempotency-Key": "too-early"}
    )

    done = await step(superior, case_id, "in-force", in_force_on=f"{today}")

    assert (before.json()["reason"], done) == ("not_in_force", (204, ""))
    (case,) = await cases(superior)
    assert case["in_force_on"] == f"{today}"
    assert datetime.fromisoformat(case["due_at"]) > datetime.now(UTC) + 30 * DAY
    assert "fines.decision_in_force" in await events(sessions)
    entries = (await officer.get(f"/api/offence-records/{case_id}")).json()["entries"]
    assert entries[-1]["body"] == {"decision_number": "D-78", "in_force_on": f"{today}"}
    await make.begun(officer, case_id)
    order, _ = await make.approved(officer)
    assert order.amount_tiyn == 3_000_000


async def test_a_day_in_force_is_entered_once(superior, case_id):
    await decided(superior, case_id)

    again = await step(
        superior, case_id, "in-force", in_force_on=f"{law_date(datetime.now(UTC)) + DAY}"
    )

    assert again == (409, "fines.proceedings_refused")


async def test_no_decision_is_in_force_before_it_was_made(superior, case_id):
    await decided_without_day(superior, case_id)

    refused = await step(
        superior, case_id, "in-force", in_force_on=f"{law_date(datetime.now(UTC)) - DAY}"
    )

    assert refused == (409, "fines.proceedings_refused")


async def test_no_day_in_force_is_entered_while_an_appeal_is_pending(superior, case_id):
    await decided_without_day(superior, case_id)
    await step(superior, case_id, "appeal")

    refused = await step(
        superior, case_id, "in-force", in_force_on=f"{law_date(datetime.now(UTC))}"
    )

    assert refused == (409, "fines.proceedings_refused")


async def test_the_officer_enters_no_day_in_force(officer, superior, case_id):
    await decided_without_day(superior, case_id)

    status, _ = await step(
        officer, case_id, "in-force", in_force_on=f"{law_date(datetime.now(UTC))}"
    )

    assert status == 403


async def test_an_appeal_stops_the_clock_and_the_payment(sessions, officer, superior, case_id, app):
    await decided(superior, case_id)
    assert await step(superior, case_id, "appeal") == (204, "")

    refused = await officer.post(
        "/api/payments",
        {"offence_record_id": case_id},
        headers={"Idempotency-Key": "while-appealed"},
    )
    assert refused.json()["reason"] == "suspended"
    assert await end_terms(desk_of(app), datetime.now(UTC) + 300 * DAY) == 0
    today = law_date(datetime.now(UTC))
    assert await step(superior, case_id, "appeal-end", upheld=True, in_force_on=f"{today}") == (
        204,
        "",
    )

    row, _ = await stored(sessions, case_id)
    assert (row.suspended, row.in_force_on) == (False, today)
    assert row.due_at is not None


async def test_a_decision_cancelled_on_appeal_is_owed_by_nobody(officer, superior, case_id):
    await decided(superior, case_id)
    await step(superior, case_id, "appeal")

    await step(
        superior, case_id, "appeal-end", upheld=False, in_force_on=f"{law_date(datetime.now(UTC))}"
    )

    assert await cases(superior) == []
    answer = await officer.post(
        "/api/payments", {"offence_record_id": case_id}, headers={"Idempotency-Key": "cancelled"}
    )
    assert answer.json()["code"] == "fines.not_payable"


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("decision", {"decision_number": "1", "decided_on": "2026-11-20", "fine_tiyn": 1}),
        ("in-force", {"in_force_on": "2026-11-20"}),
        ("appeal", {}),
        ("appeal-end", {"upheld": True, "in_force_on": "2026-11-20"}),
        ("hand-over", {"outgoing_number": "1"}),
    ],
)
async def test_a_step_out_of_turn_is_refused(superior, case_id, name, body):
    assert await step(superior, case_id, name, **body) == (409, "fines.proceedings_refused")


async def test_a_case_is_handed_on_once(superior, case_id):
    await handed_on(superior, case_id)

    again = await step(superior, case_id, "hand-on", outgoing_number="2", addressee="court")

    assert again == (409, "fines.proceedings_refused")


async def test_a_decision_of_tomorrow_is_refused(superior, case_id):
    await handed_on(superior, case_id)

    refused = await step(
        superior,
        case_id,
        "decision",
        decision_number="1",
        decided_on=f"{law_date(datetime.now(UTC)) + DAY}",
        fine_tiyn=1,
    )

    assert refused == (409, "fines.proceedings_refused")


@pytest.mark.usefixtures("case_id")
async def test_what_is_late_is_noted_once(sessions, app):
    late = datetime.now(UTC) + 30 * DAY

    noted = [await end_terms(desk_of(app), late) for _ in range(2)]

    assert noted == [1, 0]
    assert (await events(sessions)).count("fines.case_overdue") == 1


async def test_the_officer_and_others_do_not_hand_on(sessions, client, officer, case_id):
    keeper = await make.officer(sessions, client, KEEPER, terminal_number="")
    duty = await make.officer(sessions, client, DUTY, terminal_number="")
    body = {"outgoing_number": "1", "addressee": "court"}

    tried = [await step(one, case_id, "hand-on", **body) for one in (officer, keeper, duty)]

    assert [status for status, _ in tried] == [403, 403, 204]


@pytest.mark.parametrize(
    "change",
    [
        sa.update(models.OrdinaryCase).values(stage="closed"),
        sa.update(models.OrdinaryCase).values(stage="to_hand_on", handed_on_at=None),
        sa.update(models.OrdinaryCase).values(fine_tiyn=1),
        sa.update(models.OrdinaryCase).values(ground="lapsed"),
        sa.update(models.OrdinaryCase).values(handed_on_at=None),
        sa.delete(models.OrdinaryCase),
    ],
)
async def test_the_database_keeps_the_course(sessions, superior, case_id, app, change):
    await decided(superior, case_id)
    due = datetime.fromisoformat((await cases(superior))[0]["due_at"])
    await end_terms(desk_of(app), due)
    await step(superior, case_id, "hand-over", outgoing_number="12/2")

    with pytest.raises(DBAPIError):
        async with transaction(sessions) as session:
            await session.execute(change)
