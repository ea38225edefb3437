"""Penalties of ordinary proceedings are earlier penalties, each for as long as the law says."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from app.clock import law_date
from app.db import transaction
from fines import models
from fines.rules.proceedings import CourseStage, DecidedPenalty
from tests import factories_fines as make
from tests.api.test_offence_records import events
from tests.factories_pages import BROWSER, OWN_PAGE, look

DRUNK = {"article": "608", "part": "1"}
NOT_STOPPED = {"article": "613", "part": "1"}
SPEED = {"article": "592", "part": "2"}


def day(days):
    """Return the day so many days from today."""
    return f"{law_date(datetime.now(UTC)) + timedelta(days=days)}"


@pytest.fixture
def handed_on(sessions, keys, officer, superior):
    """Return what draws up a record and hands its case on."""

    async def act(offence):
        record = await make.drawn_up(sessions, keys, officer, **offence)
        record_id = record["offence_record_id"]
        sent = await officer.post(f"/api/offence-records/{record_id}/ordinary")
        body = {"outgoing_number": "1", "addressee": "court"}
        handed = await superior.post(f"/api/proceedings/{record_id}/hand-on", body)
        assert (sent.status_code, handed.status_code) == (204, 204)
        return record

    return act


async def decide(superior, record, **decision):
    body = {"decision_number": "D-1", "decided_on": day(-10), "fine_tiyn": 0} | decision
    path = f"/api/proceedings/{record['offence_record_id']}/decision"
    return await superior.post(path, body)


@pytest.fixture
def sentenced(handed_on, superior):
    """Return what leads a record to a decision in force."""

    async def act(offence, **decision):
        record = await handed_on(offence)
        decision = {"in_force_on": decision.get("decided_on", day(-10))} | decision
        assert (await decide(superior, record, **decision)).status_code == 204
        return record

    return act


async def again(sessions, keys, officer, offence):
    """Draw the same act up again; return the answer's status and body."""
    check_id = await make.check(sessions, keys, officer)
    answer = await officer.post("/api/offence-records", make.offence(check_id, **offence))
    return answer.status_code, answer.json()


async def test_drunk_again_while_the_licence_is_lost_is_a_repeat(
    sessions, keys, officer, sentenced
):
    first = await sentenced(DRUNK, penalty="licence_loss", term_ends_on=day(7 * 365))

    status, problem = await again(sessions, keys, officer, DRUNK)

    assert (status, problem["code"]) == (409, "fines.repeat_found")
    assert (problem["part"], problem["source"]) == ("3-1", "own")
    assert problem["earlier"] == first["number"]


async def test_drunk_again_within_a_year_of_the_end_of_the_term_is_a_repeat(
    sessions, keys, officer, sentenced
):
    await sentenced(DRUNK, penalty="licence_loss", decided_on=day(-3000), term_ends_on=day(-360))

    status, problem = await again(sessions, keys, officer, DRUNK)
    qualified = await make.drawn_up(sessions, keys, officer, article="608", part="3-1")

    assert (status, problem["part"]) == (409, "3-1")
    assert qualified["details"]["repeat"]["citation"] == "608(1)"


async def test_drunk_again_more_than_a_year_after_the_term_is_none(
    sessions, keys, officer, sentenced
):
    await sentenced(DRUNK, penalty="licence_loss", decided_on=day(-3000), term_ends_on=day(-370))

    status, record = await again(sessions, keys, officer, DRUNK)

    assert status == 201
    assert record["details"]["recurrence"] is None


async def test_after_an_arrest_not_stopping_again_is_a_repeat(sessions, keys, officer, sentenced):
    await sentenced(NOT_STOPPED, penalty="arrest", decided_on=day(-360), term_ends_on=day(-357))

    status, problem = await again(sessions, keys, officer, NOT_STOPPED)

    assert (status, problem["code"]) == (409, "fines.repeat_found")
    assert (problem["part"], problem["source"]) == ("3", "own")


async def test_the_year_after_an_arrest_runs_from_its_imposing_and_aggravation_from_its_end(
    sessions, keys, officer, sentenced
):
    await sentenced(NOT_STOPPED, penalty="arrest", decided_on=day(-370), term_ends_on=day(-355))

    status, record = await again(sessions, keys, officer, NOT_STOPPED)

    assert status == 201
    assert record["details"]["recurrence"]["citation"] == "613(1)"


async def test_a_year_after_its_end_an_arrest_aggravates_nothing(
    sessions, keys, officer, sentenced
):
    await sentenced(NOT_STOPPED, penalty="arrest", decided_on=day(-400), term_ends_on=day(-370))

    status, record = await again(sessions, keys, officer, NOT_STOPPED)

    assert status == 201
    assert record["details"]["recurrence"] is None


async def test_a_warning_by_decision_is_an_earlier_penalty(sessions, keys, officer, sentenced):
    await sentenced(SPEED, penalty="warning")

    status, problem = await again(sessions, keys, officer, SPEED)

    assert (status, problem["part"]) == (409, "4")


async def test_a_warning_on_the_spot_is_an_earlier_penalty(sessions, keys, officer):
    crossing = {"article": "594", "part": "1"}
    first = await make.drawn_up(sessions, keys, officer, **crossing)

    status, problem = await again(sessions, keys, officer, crossing)

    assert first["status"] == "warned"
    assert (status, problem["part"]) == (409, "4")


async def test_a_decision_without_a_penalty_makes_no_repeat(sessions, keys, officer, sentenced):
    await sentenced(SPEED, penalty="none")

    status, _ = await again(sessions, keys, officer, SPEED)

    assert status == 201


async def test_a_penalty_counts_from_when_its_day_in_force_is_known(
    sessions, keys, officer, superior, handed_on
):
    record = await handed_on(DRUNK)
    decision = {"penalty": "licence_loss", "term_ends_on": day(2000)}
    assert (await decide(superior, record, **decision)).status_code == 204
    (case,) = (await superior.get("/api/proceedings")).json()["cases"]
    before, _ = await again(sessions, keys, officer, DRUNK)

    path = f"/api/proceedings/{record['offence_record_id']}/in-force"
    early = await superior.post(path, {"in_force_on": day(1)})
    done = await superior.post(path, {"in_force_on": day(0)})

    after, problem = await again(sessions, keys, officer, DRUNK)
    assert (case["stage"], case["due_at"]) == ("decided", None)
    assert (case["penalty"], case["term_ends_on"]) == ("licence_loss", day(2000))
    assert (early.status_code, done.status_code) == (409, 204)
    assert (before, after, problem["part"]) == (201, 409, "3-1")
    assert (await superior.get("/api/proceedings")).json()["cases"] == []


@pytest.mark.parametrize(("upheld", "status"), [(True, 409), (False, 201)])
async def test_a_penalty_counts_if_it_is_upheld_and_never_while_it_is_appealed(
    sessions, keys, officer, superior, handed_on, upheld, status
):
    record = await handed_on(DRUNK)
    await decide(superior, record, penalty="licence_loss", term_ends_on=day(2000))
    path = f"/api/proceedings/{record['offence_record_id']}"
    await superior.post(f"{path}/appeal")
    pending, _ = await again(sessions, keys, officer, DRUNK)

    ended = await superior.post(f"{path}/appeal-end", {"upheld": upheld, "in_force_on": day(0)})

    after, _ = await again(sessions, keys, officer, DRUNK)
    assert (pending, ended.status_code, after) == (201, 204, status)
    async with transaction(sessions) as session:
        case = await session.get_one(models.OrdinaryCase, record["offence_record_id"])
    assert (case.stage, case.cancelled) == (CourseStage.CLOSED, not upheld)


async def test_a_loss_of_the_licence_beside_a_fine_is_paid_and_remembered(
    sessions, keys, officer, superior, sentenced
):
    record = await sentenced(
        NOT_STOPPED, penalty="licence_loss", fine_tiyn=5_000_000, term_ends_on=day(300)
    )
    status, problem = await again(sessions, keys, officer, NOT_STOPPED)

    await make.begun(officer, record["offence_record_id"])
    order, _ = await make.approved(officer)

    (case,) = (await superior.get("/api/proceedings")).json()["cases"]
    assert (case["stage"], order.amount_tiyn) == ("decided", 5_000_000)
    assert (status, problem["part"]) == (409, "3")
    assert "fines.case_decided" in await events(sessions)


@pytest.mark.parametrize(
    "decision",
    [
        {"penalty": "fine"},
        {"penalty": "fine", "fine_tiyn": 1, "term_ends_on": "2099-01-01"},
        {"penalty": "warning", "fine_tiyn": 1},
        {"penalty": "none", "fine_tiyn": 1},
        {"penalty": "arrest"},
        {"penalty": "arrest", "fine_tiyn": 1, "term_ends_on": "2099-01-01"},
        {"penalty": "licence_loss"},
        {"penalty": "licence_loss", "term_ends_on": "2001-01-01"},
        {"penalty": "warning", "in_force_on": "2099-01-01"},
        {"penalty": "warning", "in_force_on": "2001-01-01"},
    ],
    ids=[
        "fine of nothing",
        "fine with a term",
        "warning with a fine",
        "nothing with a fine",
        "arrest without a term",
        "arrest with a fine",
        "loss without a term",
        "term before the decision",
        "closed before it is in force",
        "in force before the decision",
    ],
)
async def test_what_contradicts_itself_is_refused(superior, handed_on, decision):
    record = await handed_on(SPEED)

    answer = await decide(superior, record, **decision)

    assert (answer.status_code, answer.json()["code"]) == (409, "fines.proceedings_refused")


@pytest.mark.parametrize(
    "change",
    [
        {"penalty": DecidedPenalty.WARNING, "term_ends_on": None},
        {"penalty": None, "term_ends_on": None},
        {"term_ends_on": datetime(2098, 1, 1, tzinfo=UTC).date()},
        {"term_ends_on": None},
        {"cancelled": True, "stage": CourseStage.DECIDED},
    ],
    ids=["another penalty", "no penalty", "another term", "no term", "cancelled and open"],
)
async def test_the_database_keeps_what_was_imposed(sessions, superior, handed_on, change):
    record = await handed_on(DRUNK)
    await decide(superior, record, penalty="arrest", term_ends_on=day(5))

    with pytest.raises(DBAPIError):
        async with transaction(sessions) as session:
            await session.execute(sa.update(models.OrdinaryCase).values(**change))


async def test_a_loss_of_the_licence_is_entered_by_the_form_of_the_page(
    client, superior, handed_on
):
    record = await handed_on(DRUNK)
    client.headers.update(BROWSER | OWN_PAGE | superior.headers)
    page = await look(client, "/console/proceedings")
    action = f"/console/proceedings/{record['offence_record_id']}/decision"
    assert page.one("form", method="post", action=action)

    done = await client.post(
        action,
        data={
            "decision_number": "D-9",
            "decided_on": day(-1),
            "penalty": "licence_loss",
            "tenge": "0",
            "term_ends_on": day(2000),
            "in_force_on": "",
        },
    )

    shown = (await look(client, "/console/proceedings")).text
    assert done.status_code == 303
    assert "Лишение права управления, срок до" in shown
    assert "Решено, ещё не в силе" in shown
