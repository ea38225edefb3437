"""The register is told of every payment, refund and correction: once, or people hear of it."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from app.db import transaction
from app.exchange.register import open_notices
from app.exchange.rules.notices import NoticeOf, NoticeOutcome, NoticeReply
from app.exchange.wire.notices import NoticeRegister
from app.exchange.wire.registers import Query, RegisterName
from fines import models
from fines.errors.money import NoticeNotFound, NoticeStepRefused
from fines.rules.notices import (
    ATTEMPTS_MAX,
    NoticeKind,
    NoticeStatus,
    pause_after,
)
from fines.rules.reconciliation_words import CaseKind
from fines.rules.terms import end_of_term, parse_terms
from fines.service import tell_register
from fines.service.notices import send_again
from sim.district import CLERK, DRIVER, OFFICIAL
from sim.registers import Behaviour, SimRegisters
from tests import factories_fines as make
from tests.api.test_offence_records import desk_of
from tests.factories_bodycam import principal_of
from tests.factories_devices import audited

TERMS = parse_terms("2026-01-01=24")


@pytest.fixture
def register():
    with SimRegisters() as running:
        yield running


@pytest.fixture
async def tell(settings, register):
    address = settings.model_copy(update={"registers_url": register.url})
    async with open_notices(address) as telling:
        yield telling


@pytest.fixture
async def payment_id(sessions, keys, officer):
    record_id = await make.with_receipt(sessions, keys, officer)
    payment_id, _ = await make.paid(officer, record_id)
    return payment_id


async def run(app, tell, *, after=timedelta()):
    now = datetime.now(UTC) + after
    return await tell_register(desk_of(app), tell=tell, terms=TERMS, now=now)


async def notices(sessions):
    async with transaction(sessions) as session:
        found = await session.scalars(
            sa.select(models.RegisterNotice).order_by(models.RegisterNotice.created_at)
        )
        return found.all()


async def cases(sessions):
    async with transaction(sessions) as session:
        return (await session.scalars(sa.select(models.ReconciliationCase))).all()


def test_terms_are_dated_and_pauses_grow_to_a_bound():
    terms = parse_terms("2026-01-01=24,2027-01-01=1")

    assert end_of_term(terms, since=datetime(2027, 1, 2, tzinfo=UTC)).hour == 1
    assert end_of_term(terms, since=datetime(2026, 1, 2, tzinfo=UTC)).day == 3
    assert [pause_after(one).total_seconds() for one in (1, 2, 3, 9)] == [10, 20, 40, 900]
    assert pause_after(ATTEMPTS_MAX) == timedelta(minutes=15)


@pytest.mark.parametrize("text", ["2026-01-01=0", "2026-02-01=1,2026-01-01=2", "x=1", ""])
def test_terms_that_are_none_are_refused(text):
    with pytest.raises(ValueError, match=r".+"):
        parse_terms(text)


@pytest.mark.usefixtures("payment_id")
async def test_a_payment_is_told_once_whoever_runs_and_how_often(app, tell, register, sessions):
    done = await asyncio.gather(*(run(app, tell) for _ in range(5)))
    again = await run(app, tell, after=timedelta(hours=1))
    (told,) = register.world.notices.values()
    (row,) = await notices(sessions)

    assert (sum(done), again) == (1, 0)
    assert (told.kind, told.iin, told.message_id) == (NoticeOf.PAID, DRIVER.iin, row.id)
    assert (told.amount_tiyn * 2, told.full_tiyn) == (told.full_tiyn, 10 * make.MRP_2026_TIYN)
    assert (row.status, row.attempts, row.kind) == (NoticeStatus.TOLD, 1, NoticeKind.PAID)
    assert len(await audited(sessions, "fines.register_notice_sent")) == 1
    assert len(await audited(sessions, "fines.register_told")) == 1


async def test_an_old_fine_paid_here_is_no_longer_named_by_the_register(
    app, tell, register, sessions, keys, officer
):
    register.world.owing_iins.add(DRIVER.iin)
    check_id = await make.check(sessions, keys, officer, owes=[make.OWED])
    answer = await officer.post(
        "/api/payments",
        {"check_id": str(check_id), "decision_number": make.OWED["decision_number"]},
        headers={"Idempotency-Key": "old-fine-told"},
    )
    assert answer.status_code == 202, answer.text
    order, _ = await make.approved(officer)
    await make.ended(officer, order, make.outcome(make.protocol.Result.COMPLETED))
    today, asked = datetime.now(UTC).date(), Query(iin=DRIVER.iin)
    before = register.world.record(RegisterName.UNPAID_FINES, asked, today)

    await run(app, tell)

    assert before is not None
    assert register.world.record(RegisterName.UNPAID_FINES, asked, today) is None


@pytest.mark.usefixtures("payment_id")
async def test_a_crash_after_the_call_sends_the_same_notice_and_it_counts_once(
    app, tell, register, sessions
):
    async def killed(notice):
        await tell(notice)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await run(app, killed)
    (left,) = await notices(sessions)
    await run(app, tell, after=timedelta(seconds=11))
    (row,) = await notices(sessions)

    assert (left.status, left.attempts) == (NoticeStatus.WAITING, 1)
    assert (row.status, row.attempts) == (NoticeStatus.TOLD, 2)
    assert len(register.world.notices) == 1


@pytest.mark.parametrize(
    "behaviour",
    [Behaviour.DOWN, Behaviour.GARBAGE, Behaviour.TRUNCATED, Behaviour.ENDLESS, Behaviour.STALE],
)
@pytest.mark.usefixtures("payment_id")
async def test_what_is_no_acknowledgement_is_silence_and_is_tried_again(
    app, tell, register, sessions, behaviour
):
    register.behave(NoticeRegister.ERAP, behaviour)
    first = await run(app, tell)
    at_once = await run(app, tell)
    register.behave(NoticeRegister.ERAP, Behaviour.NORMAL)
    later = await run(app, tell, after=timedelta(seconds=11))
    (row,) = await notices(sessions)

    assert (first, at_once, later) == (0, 0, 1)
    assert (row.status, row.attempts) == (NoticeStatus.TOLD, 2)


@pytest.mark.parametrize(
    ("outcome", "after"),
    [(NoticeOutcome.REFUSED, timedelta()), (NoticeOutcome.SILENT, timedelta(hours=25))],
)
@pytest.mark.usefixtures("payment_id")
async def test_a_notice_given_up_is_one_case_and_may_be_sent_again_by_its_unit(
    app, sessions, tell, outcome, after
):
    async def deaf(_notice):
        return NoticeReply(outcome=outcome, fault="test")

    await run(app, deaf, after=after)
    (row,) = await notices(sessions)
    (case,) = await cases(sessions)
    clerk = await principal_of(sessions, CLERK)
    await send_again(desk_of(app), caller=clerk, notice_id=row.id, now=datetime.now(UTC))
    await run(app, deaf, after=after)
    twice = await cases(sessions)
    await send_again(desk_of(app), caller=clerk, notice_id=row.id, now=datetime.now(UTC))
    await run(app, tell)
    (told,) = await notices(sessions)

    assert (row.status, row.fault) == (NoticeStatus.DEAD, "test")
    assert (case.kind, case.notice_id) == (CaseKind.REGISTER_NOTICE, row.id)
    assert len(twice) == 1
    assert told.status is NoticeStatus.TOLD
    with pytest.raises(NoticeStepRefused):
        await send_again(desk_of(app), caller=clerk, notice_id=row.id, now=datetime.now(UTC))
    with pytest.raises(NoticeNotFound):
        await send_again(desk_of(app), caller=clerk, notice_id=case.id, now=datetime.now(UTC))


async def test_silence_ends_a_run_so_that_an_outage_burns_no_attempts(app, sessions, keys, officer):
    for rrn in ("632612000034", "632612000035"):
        record_id = await make.with_receipt(sessions, keys, officer, **make.PLAIN)
        await make.begun(officer, record_id)
        order, _ = await make.approved(officer, rrn=rrn)
        slips = await make.ended(officer, order, make.outcome(make.protocol.Result.COMPLETED))
        await make.printed(officer, order, slips)
    asked = []

    async def deaf(notice):
        asked.append(notice.notice_id)
        return NoticeReply(outcome=NoticeOutcome.SILENT, fault="timed_out")

    await run(app, deaf)

    assert len(asked) == 1
    assert sorted(one.attempts for one in await notices(sessions)) == [0, 1]


async def test_a_correction_by_a_superior_is_told_without_its_words(
    app, tell, register, sessions, keys, officer, client
):
    view = await make.drawn_up(sessions, keys, officer)
    official = await make.officer(sessions, client, OFFICIAL, terminal_number=None)
    answer = await official.post(
        f"/api/offence-records/{view['offence_record_id']}/corrections",
        {"text": "The place was Abay avenue 12."},
    )
    assert answer.status_code in (201, 204), answer.text

    await run(app, tell)
    (told,) = register.world.notices.values()

    assert (told.kind, told.decision_number) == (NoticeOf.CORRECTED, view["number"])
    assert told.amount_tiyn is None


async def test_a_told_notice_and_what_it_is_about_never_change(app, tell, sessions, payment_id):
    await run(app, tell)

    for change in ("attempts = 9", "kind = 'corrected'", "status = 'waiting', told_at = NULL"):
        with pytest.raises(sa.exc.DBAPIError):
            async with transaction(sessions) as session:
                await session.execute(sa.text(f"UPDATE register_notices SET {change}"))
    with pytest.raises(sa.exc.DBAPIError):
        async with transaction(sessions) as session:
            await session.execute(sa.text("DELETE FROM register_notices"))
    assert payment_id
