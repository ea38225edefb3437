"""The acquirer's settlement file against our rows: paired, booked, settled, or kept in sight."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from app.db import transaction
from fines import models
from fines.errors.money import SettlementFileNotValid
from fines.repository import ledger
from fines.rules.ledger import Account
from fines.rules.payment import PaymentStatus
from fines.rules.reconciliation_words import Detail, Verdict
from fines.service.reconciling import import_settlement
from fines.wire import settlement
from fines.wire.protocol import Reason, Result
from fines.wire.settlement import RowKind
from tests import factories_fines
from tests import factories_money as make


@pytest.fixture
async def parts(parts, sessions):
    await factories_fines.district_with_catalogue(sessions)
    return parts


async def items(sessions):
    async with transaction(sessions) as session:
        found = await session.scalars(
            sa.select(models.ReconciliationItem)
            .where(models.ReconciliationItem.source == "acquirer")
            .order_by(models.ReconciliationItem.id)
        )
        return found.all()


async def statuses(sessions):
    async with transaction(sessions) as session:
        found = await session.scalars(
            sa.select(models.Payment.status).order_by(models.Payment.number)
        )
        return found.all()


async def balances(sessions):
    async with transaction(sessions) as session:
        return await ledger.balances(session)


async def test_an_honest_file_settles_every_payment_and_empties_the_clearing(parts):
    rows = await make.paid_day(parts, count=20)

    done = await make.import_rows(parts, rows)

    assert done.verdicts == {Verdict.MATCHED: 20}
    assert set(await statuses(parts.sessions)) == {PaymentStatus.SETTLED}
    books = await balances(parts.sessions)
    assert sum(books.values()) == 0
    assert books[Account.ACQUIRER_CLEARING] == 0
    assert books[Account.RECEIVABLE] == 0
    assert books[Account.TREASURY_DUE] == sum(one.amount_tiyn for one in rows)


async def test_what_is_filed_while_its_settlement_is_booked_is_settled_too(parts):
    (row,) = await make.paid_day(parts, count=1)
    async with transaction(parts.sessions) as session:
        await session.execute(sa.text("SET LOCAL session_replication_role = replica"))
        await session.execute(sa.update(models.Payment).values(status=PaymentStatus.SIGNED))
    async with transaction(parts.sessions) as filing:
        await filing.execute(sa.update(models.Payment).values(status=PaymentStatus.FILED))

        taking = asyncio.create_task(make.import_rows(parts, [row]))
        waited, _ = await asyncio.wait([taking], timeout=0.5)
        await filing.commit()
    await taking

    assert waited == set()
    assert await statuses(parts.sessions) == [PaymentStatus.SETTLED]


async def test_no_index_of_payments_stands_on_a_status_so_that_settling_touches_none(parts):
    async with transaction(parts.sessions) as session:
        found = await session.scalars(
            sa.text(
                "SELECT indexname FROM pg_indexes WHERE tablename = 'payments' "
                "AND indexdef ~ '\\mstatus\\M'"
            )
        )
        assert list(found) == []


async def test_the_same_file_again_changes_nothing(parts):
    rows = await make.paid_day(parts, count=3)
    first = await make.import_rows(parts, rows)

    again = await make.import_rows(parts, rows, now=make.IN_TIME + timedelta(hours=1))

    assert (again.file_id, again.again) == (first.file_id, True)
    assert len(await items(parts.sessions)) == 3


async def test_a_changed_file_is_refused_and_nothing_of_it_is_kept(parts):
    rows = await make.paid_day(parts, count=3)
    content = settlement.write(rows).replace(b",4000", b",4001", 1)

    with pytest.raises(SettlementFileNotValid):
        await import_settlement(make.desk_of(parts), content=content, caller=None, now=make.IN_TIME)

    async with transaction(parts.sessions) as session:
        assert await session.scalar(sa.select(sa.func.count(models.AcquirerRow.id))) == 0
        assert await session.scalar(sa.select(sa.func.count(models.AcquirerFile.id))) == 0


async def test_each_difference_is_told_by_its_name(parts):
    rows = await make.paid_day(parts, count=8)
    stranger = replace(rows[0], rrn="999900000001")
    late = make.SETTLED_ON + timedelta(days=5)
    told = [
        rows[0],  # matched
        replace(rows[1], amount_tiyn=rows[1].amount_tiyn + 1),
        rows[2],
        rows[2],  # twice
        replace(rows[3], approval_code="ZZZZZZ"),
        replace(rows[4], settlement_date=late),
        rows[6],
        replace(rows[6], kind=RowKind.REVERSAL),
        stranger,
    ]  # rows 5 and 7 are missing

    await make.import_rows(parts, told, now=make.AFTER_T2)

    found = [(one.verdict, one.detail) for one in await items(parts.sessions)]
    assert found[:8] == [
        (Verdict.MATCHED, Detail.NONE),
        (Verdict.AMOUNT_DIFFERS, Detail.NONE),
        (Verdict.MATCHED, Detail.NONE),
        (Verdict.ONLY_OURS, Detail.KEY_DIFFERS),
        (Verdict.LATE, Detail.NONE),
        (Verdict.ONLY_OURS, Detail.NONE),
        (Verdict.ONLY_OURS, Detail.TAKEN_BACK_THERE),
        (Verdict.ONLY_OURS, Detail.NONE),
    ]
    assert sorted(found[8:], key=str) == sorted(
        [
            (Verdict.DUPLICATE, Detail.NONE),
            (Verdict.ONLY_THEIRS, Detail.KEY_DIFFERS),
            (Verdict.WITHDRAWN, Detail.TAKEN_BACK),
            (Verdict.WITHDRAWN, Detail.TAKEN_BACK),
            (Verdict.ONLY_THEIRS, Detail.NONE),
        ],
        key=str,
    )


async def test_every_row_of_a_file_is_told_of_exactly_once(parts):
    rows = await make.paid_day(parts, count=5)
    told = [*rows, rows[0], replace(rows[1], kind=RowKind.REVERSAL), rows[0]]

    await make.import_rows(parts, told, now=make.AFTER_T2)

    rows_told = [one.acquirer_row_id for one in await items(parts.sessions)]
    of_rows = [one for one in rows_told if one is not None]
    assert sorted(of_rows) == sorted(set(of_rows))
    assert len(of_rows) == len(told)


async def test_a_row_that_comes_in_a_later_file_finds_its_pair(parts):
    rows = await make.paid_day(parts, count=3)
    await make.import_rows(parts, rows[:2], now=make.AFTER_T2)
    missing = make.AFTER_T2.date()

    await make.import_rows(
        parts, [replace(rows[2], settlement_date=missing)], now=make.AFTER_T2 + timedelta(days=1)
    )

    assert await make.verdicts(parts.sessions) == {Verdict.MATCHED: 2, Verdict.LATE: 1}
    assert (await balances(parts.sessions))[Account.ACQUIRER_CLEARING] == 0


async def test_a_row_repeated_by_a_later_file_is_a_duplicate(parts):
    rows = await make.paid_day(parts, count=2)
    await make.import_rows(parts, rows)

    await make.import_rows(parts, [rows[0]])

    assert await make.verdicts(parts.sessions) == {Verdict.MATCHED: 2, Verdict.DUPLICATE: 1}


async def test_a_difference_opens_a_case_by_the_second_working_day_and_no_sooner(parts):
    rows = await make.paid_day(parts, count=2)

    await make.import_rows(parts, rows[:1], now=make.IN_TIME + timedelta(days=1))
    async with transaction(parts.sessions) as session:
        soon = await session.scalar(sa.select(sa.func.count(models.ReconciliationCase.id)))
    await make.import_rows(parts, [], now=make.AFTER_T2)

    async with transaction(parts.sessions) as session:
        cases = (await session.scalars(sa.select(models.ReconciliationCase))).all()
    assert soon == 0
    assert [one.status.value for one in cases] == ["open"]


async def test_what_is_matched_stays_matched(parts):
    rows = await make.paid_day(parts, count=1)
    await make.import_rows(parts, rows)

    with pytest.raises(sa.exc.DBAPIError, match="stays matched"):
        async with transaction(parts.sessions) as session:
            await session.execute(sa.text("UPDATE reconciliation_items SET verdict = 'only_ours'"))


@pytest.fixture
async def dark(parts, sessions, client, keys):
    """A sale approved by the issuer whose terminal has never told how it ended."""
    officer = await factories_fines.officer(sessions, client)
    record_id = await factories_fines.with_receipt(sessions, keys, officer)
    await factories_fines.begun(officer, record_id)
    order, _ = await factories_fines.approved(officer)
    outcome = factories_fines.outcome(Result.UNKNOWN, Reason.LINE_SILENT)
    await factories_fines.ended(officer, order, outcome)
    told = factories_fines.approval(order.amount_tiyn)
    now = datetime.now(UTC)
    row = settlement.SettlementRow(
        kind=RowKind.SALE,
        rrn=told.rrn,
        approval_code=told.approval_code,
        terminal_number=told.terminal_number,
        merchant_number=told.merchant_number,
        stan=told.trace_number,
        amount_tiyn=told.amount_tiyn,
        fee_tiyn=0,
        transacted_at=now,
        settlement_date=now.date(),
        card_masked=told.card_masked,
    )
    return SimpleNamespace(parts=parts, officer=officer, record_id=record_id, row=row, now=now)


async def record_status(dark):
    answer = await dark.officer.get(f"/api/offence-records/{dark.record_id}")
    return answer.json()["status"]


async def test_a_sale_left_in_the_dark_is_paid_when_the_acquirer_has_booked_it(dark, sessions):
    await make.import_rows(dark.parts, [dark.row], now=dark.now)

    assert await statuses(sessions) == [PaymentStatus.APPROVED]
    assert await record_status(dark) == "paid_half"
    books = await balances(sessions)
    assert (books[Account.ACQUIRER_CLEARING], books[Account.UNCONFIRMED]) == (0, 0)
    assert await make.verdicts(sessions) == {Verdict.MATCHED: 1}


async def test_a_sale_left_in_the_dark_is_reversed_when_the_acquirer_took_it_back(dark, sessions):
    back = replace(dark.row, kind=RowKind.REVERSAL)

    await make.import_rows(dark.parts, [dark.row, back], now=dark.now)

    assert await statuses(sessions) == [PaymentStatus.REVERSED]
    assert await record_status(dark) == "receipt_issued"
    assert set((await balances(sessions)).values()) == {0}
    assert await make.verdicts(sessions) == {Verdict.WITHDRAWN: 3}


async def test_a_sale_left_in_the_dark_and_unknown_to_the_acquirer_stays_unknown(dark, sessions):
    await make.import_rows(dark.parts, [], now=dark.now)

    assert await statuses(sessions) == [PaymentStatus.UNKNOWN]
    assert await make.verdicts(sessions) == {Verdict.WAITING: 1}
