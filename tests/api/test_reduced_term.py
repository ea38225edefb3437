"""A record nobody finished passes into ordinary proceedings at its term, by itself, once."""

import asyncio
import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from app.db import transaction
from fines import models
from fines.errors import ReducedTermEnded
from fines.rules.terms import parse_terms
from fines.service import agree_reduced, end_reduced_terms
from sim.district import OFFICER
from tests import factories_fines as make
from tests.api.test_offence_records import desk_of, events
from tests.api.test_proceedings import cases
from tests.factories_bodycam import principal_of
from tests.factories_pages import BROWSER, look

DAY = timedelta(days=1)
RACES = 8


def term_of(record):
    return datetime.fromisoformat(record["drawn_up_at"]) + DAY


async def explained(sessions, keys, officer, **changed):
    record = await make.drawn_up(sessions, keys, officer, **changed)
    await make.explained(officer, record["offence_record_id"])
    return record


async def test_it_passes_at_the_term_not_a_second_before_and_not_twice(
    sessions, keys, officer, superior, app
):
    record = await make.drawn_up(sessions, keys, officer)
    end = term_of(record)

    early = await end_reduced_terms(desk_of(app), end - timedelta(seconds=1))
    before = await cases(superior)
    passed = [await end_reduced_terms(desk_of(app), end) for _ in range(2)]

    assert (early, before, passed) == (0, [], [1, 0])
    (case,) = await cases(superior)
    assert (case["offence_record_id"], case["ground"], case["stage"]) == (
        record["offence_record_id"],
        "term_ended",
        "to_hand_on",
    )
    assert datetime.fromisoformat(case["due_at"]) > end  # the three days run from the record
    assert (await events(sessions)).count("fines.reduced_term_ended") == 1


async def test_what_is_not_eligible_passes_on_that_ground(sessions, keys, officer, superior, app):
    record = await make.drawn_up(sessions, keys, officer, article="613", part="1")

    await end_reduced_terms(desk_of(app), term_of(record))

    (case,) = await cases(superior)
    assert case["ground"] == "not_eligible"


async def test_a_damaged_record_holds_no_other_back(sessions, keys, officer, app):
    damaged = await make.drawn_up(sessions, keys, officer)
    record = await make.drawn_up(sessions, keys, officer)
    async with transaction(sessions) as session:
        await session.execute(sa.text("ALTER TABLE offence_records DISABLE TRIGGER USER"))
        await session.execute(
            sa.text("UPDATE offence_records SET sealed = sealed || '\\x00' WHERE id = :one"),
            {"one": damaged["offence_record_id"]},
        )
        await session.execute(sa.text("ALTER TABLE offence_records ENABLE TRIGGER USER"))

    passed = [await end_reduced_terms(desk_of(app), term_of(record)) for _ in range(2)]

    assert passed == [1, 0]
    async with transaction(sessions) as session:
        left = await session.scalars(
            sa.select(models.OffenceRecord.id).where(models.OffenceRecord.status == "drawn_up")
        )
        assert [str(one) for one in left] == [damaged["offence_record_id"]]
    assert (await events(sessions)).count("fines.reduced_term_ended") == 1


async def test_what_was_agreed_or_sent_on_or_warned_stays_as_it_is(sessions, keys, officer, app):
    await make.with_receipt(sessions, keys, officer)
    sent = await make.drawn_up(sessions, keys, officer)
    await officer.post(f"/api/offence-records/{sent['offence_record_id']}/ordinary")
    await make.drawn_up(sessions, keys, officer, article="612", part="1")  # a warning

    passed = await end_reduced_terms(desk_of(app), datetime.now(UTC) + 40 * DAY)

    assert passed == 0


async def agree(app, record, now):
    desk = desk_of(app)
    return await agree_reduced(
        desk,
        caller=await principal_of(desk.sessions, OFFICER),
        offence_record_id=record["offence_record_id"],
        now=now,
        **make.AGREED,
    )


@pytest.mark.parametrize("passed", [False, True], ids=["before the job", "after the job"])
async def test_a_late_agreement_is_refused_with_the_reason(sessions, keys, officer, app, passed):
    record = await explained(sessions, keys, officer)
    end = term_of(record)
    for _ in range(passed):
        await end_reduced_terms(desk_of(app), end)

    with pytest.raises(ReducedTermEnded) as refusal:
        await agree(app, record, end)

    assert refusal.value.fields == {"ended_at": end.isoformat()}
    assert "fines.reduced_refused" in await events(sessions)


async def test_a_second_before_the_term_it_is_agreed(sessions, keys, officer, app):
    record = await explained(sessions, keys, officer)

    receipt = await agree(app, record, term_of(record) - timedelta(seconds=1))

    assert receipt["status"] == "receipt_issued"


async def test_of_an_agreement_and_the_term_one_wins(sessions, keys, officer, app):
    for _ in range(RACES):
        record = await explained(sessions, keys, officer, **make.PLAIN)
        end = term_of(record)

        agreed, passed = await asyncio.gather(
            agree(app, record, end - timedelta(seconds=1)),
            end_reduced_terms(desk_of(app), end),
            return_exceptions=True,
        )

        async with transaction(sessions) as session:
            row = await session.get_one(models.OffenceRecord, record["offence_record_id"])
            case = await session.get(models.OrdinaryCase, record["offence_record_id"])
        seen = (row.status.value, case is not None, row.receipt_number is not None, passed)
        assert seen in {("receipt_issued", False, True, 0), ("ordinary", True, False, 1)}
        assert isinstance(agreed, ReducedTermEnded) is (case is not None)


async def test_the_term_is_the_one_of_the_day_of_the_record(sessions, keys, officer, app):
    record = await make.drawn_up(sessions, keys, officer)
    end = term_of(record)
    today = datetime.fromisoformat(record["drawn_up_at"])
    terms = parse_terms(f"2026-01-01=24,{(today + 2 * DAY):%Y-%m-%d}=1")
    desk = dataclasses.replace(desk_of(app), reduced_terms=terms)

    assert await end_reduced_terms(desk, end - timedelta(seconds=1)) == 0
    assert await end_reduced_terms(desk, end) == 1


async def test_the_page_of_proceedings_names_the_ground(sessions, keys, officer, superior, app):
    record = await make.drawn_up(sessions, keys, officer)
    await end_reduced_terms(desk_of(app), term_of(record))
    superior.client.headers.update(BROWSER | superior.headers)

    page = await look(superior.client, "/console/proceedings")

    assert record["number"] in page.text
    assert "В срок согласие не получено" in page.text
