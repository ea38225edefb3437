"""The day of a terminal closes itself, once; a terminal silent about it becomes a case."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa

from app.clock import LAW_ZONE, law_date
from app.db import transaction
from devices.models import Assignment
from fines import models
from fines.repository.hand_in import overridden_since
from fines.rules.closing import last_closing, last_missed, parse_hours
from fines.rules.payment import RECONCILE_LIFE
from fines.rules.reconciliation_words import CaseKind
from fines.service import close_days
from fines.wire.protocol import OrderKind
from sim.district import KEEPER
from tests import factories_fines as make
from tests.api.test_offence_records import desk_of
from tests.factories_devices import audited

HOURS = {
    "closing_hours": parse_hours("2026-01-01=22"),
    "missing_hours": parse_hours("2026-01-01=8"),
}


def at(hour, *, days=1):
    """Return an hour of the law's clock, by default of tomorrow: after all that a test did."""
    day = law_date(datetime.now(UTC)) + timedelta(days=days)
    return datetime(day.year, day.month, day.day, hour, tzinfo=LAW_ZONE)


@pytest.fixture
async def officer(sessions, client):
    await make.district_with_catalogue(sessions)
    officer = await make.officer(sessions, client)
    async with transaction(sessions) as session:  # so that no earlier closing concerns it
        await session.execute(sa.update(Assignment).values(issued_at=at(21)))
    return officer


@pytest.fixture
async def on_the_road(sessions, officer):
    """Return the officer, his terminal issued before he sold with it."""
    async with transaction(sessions) as session:
        await session.execute(
            sa.update(Assignment).values(issued_at=datetime.now(UTC) - timedelta(minutes=5))
        )
    return officer


async def close(app, now):
    return await close_days(desk_of(app), now=now, **HOURS)


async def tell(sessions, officer, now):
    """Put totals as told at ``now``."""
    async with transaction(sessions) as session:
        session.add(
            models.TerminalTotals(
                id=uuid4(),
                device_id=officer.terminal_id,
                terminal_number=officer.terminal_number,
                closed_at=now,
                receipt_from=None,
                receipt_to=None,
                count=0,
                sum_tiyn=0,
                brands={},
                reported_at=now,
            )
        )


async def hand_in(sessions):
    """Take the terminal back by rows, as before it was issued."""
    async with transaction(sessions) as session:
        await session.execute(
            sa.update(Assignment).values(
                returned_at=Assignment.issued_at, returned_to_post_id=Assignment.post_id
            )
        )


async def orders(sessions):
    async with transaction(sessions) as session:
        found = await session.scalars(
            sa.select(models.TerminalOrder).where(models.TerminalOrder.kind == OrderKind.RECONCILE)
        )
        return found.all()


async def cases(sessions):
    async with transaction(sessions) as session:
        return (await session.scalars(sa.select(models.ReconciliationCase))).all()


def test_the_hour_of_closing_is_the_law_s_and_dated():
    hours = parse_hours("2026-01-01=22,2026-12-01=23")

    assert last_closing(hours, now=datetime(2026, 11, 30, 16, 59, tzinfo=UTC)) == datetime(
        2026, 11, 29, 17, 0, tzinfo=UTC
    )
    assert last_closing(hours, now=datetime(2026, 11, 30, 17, 0, tzinfo=UTC)) == datetime(
        2026, 11, 30, 17, 0, tzinfo=UTC
    )
    assert last_closing(hours, now=datetime(2026, 12, 1, 17, 59, tzinfo=UTC)) == datetime(
        2026, 11, 30, 17, 0, tzinfo=UTC
    )
    assert last_closing(hours, now=datetime(2026, 1, 1, 1, 0, tzinfo=UTC)) is None


def test_totals_are_missing_from_the_next_morning_on():
    before = datetime(2026, 11, 30, 2, 59, tzinfo=UTC)
    hours = HOURS["closing_hours"], HOURS["missing_hours"]

    assert last_missed(*hours, now=before) == datetime(2026, 11, 28, 17, 0, tzinfo=UTC)
    assert last_missed(*hours, now=before + timedelta(minutes=1)) == datetime(
        2026, 11, 29, 17, 0, tzinfo=UTC
    )


@pytest.mark.parametrize("text", ["2026-01-01=24", "2026-02-01=1,2026-01-01=2", "x=1", ""])
def test_hours_that_are_none_are_refused(text):
    with pytest.raises(ValueError, match=r".+"):
        parse_hours(text)


@pytest.mark.usefixtures("officer")
async def test_a_terminal_in_an_officer_s_hands_is_ordered_to_close_once(app, sessions):
    early = await close(app, at(22) - timedelta(minutes=1))
    done = await asyncio.gather(*(close(app, at(22)) for _ in range(5)))
    again = await close(app, at(23))

    assert early[0] == 0
    assert sum(ordered for ordered, _ in done) == 1
    assert again == (0, 0)
    assert len(await orders(sessions)) == 1
    assert len(await audited(sessions, "fines.totals_wanted")) == 1


@pytest.mark.usefixtures("officer")
async def test_an_order_that_nobody_took_is_made_again_until_the_totals_are_told(app, sessions):
    now = at(22)
    await close(app, now)
    expired = await close(app, now + RECONCILE_LIFE)
    (first,) = [one for one in await orders(sessions) if one.created_at == now]

    assert expired == (1, 1)
    assert first.status.value == "expired"


async def test_totals_told_after_the_hour_end_it(app, officer, sessions):
    await close(app, at(22))
    await tell(sessions, officer, at(22) + timedelta(minutes=3))

    assert await close(app, at(8, days=2)) == (0, 0)
    assert await cases(sessions) == []


async def test_totals_missing_in_the_morning_open_one_case_that_lets_nothing_be_handed_in(
    app, officer, sessions
):
    await close(app, at(22))
    before = await close(app, at(7, days=2))
    done = await asyncio.gather(*(close(app, at(8, days=2)) for _ in range(5)))
    (case,) = await cases(sessions)

    assert before == (0, 0)
    assert sum(opened for _, opened in done) == 1
    assert (case.kind, case.device_id, case.day) == (
        CaseKind.TOTALS_MISSING, officer.terminal_id, law_date(at(22)),
    )  # fmt: skip
    async with transaction(sessions) as session:
        since = datetime.now(UTC) - timedelta(days=1)
        assert not await overridden_since(session, device_id=officer.terminal_id, since=since)
    assert len(await audited(sessions, "fines.case_opened")) == 1


async def test_a_terminal_in_store_is_left_alone_unless_it_kept_a_sale(
    app, on_the_road, sessions, keys
):
    record_id = await make.with_receipt(sessions, keys, on_the_road)
    await make.paid(on_the_road, record_id)
    await hand_in(sessions)
    sold = await close(app, at(22))
    await tell(sessions, on_the_road, at(22) + timedelta(minutes=3))

    assert sold[0] == 1
    assert await close(app, at(22, days=2)) == (0, 0)


async def test_a_keeper_s_refused_hand_in_orders_the_closing(on_the_road, sessions, keys, client):
    keeper = await make.officer(sessions, client, KEEPER, terminal_number=None)
    record_id = await make.with_receipt(sessions, keys, on_the_road)
    await make.paid(on_the_road, record_id)
    async with transaction(sessions) as session:
        assignment_id = await session.scalar(
            sa.select(Assignment.id).where(Assignment.device_id == on_the_road.terminal_id)
        )
    path = f"/api/assignments/{assignment_id}/return"

    answers = [await keeper.post(path, {"good": True}) for _ in range(2)]

    assert [one.json()["code"] for one in answers] == ["fines.terminal_not_matched"] * 2
    assert len(await orders(sessions)) == 1
    order = await on_the_road.agent_next()
    assert order.kind is OrderKind.RECONCILE
