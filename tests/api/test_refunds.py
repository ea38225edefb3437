"""Refunds: two other people, once, never more than paid, told by the acquirer's file."""

import asyncio
from dataclasses import replace
from uuid import uuid4

import pytest
import sqlalchemy as sa

from app.access import Principal
from app.db import transaction
from app.identity.service import posts_by_id
from fines import models
from fines.repository import ledger
from fines.rules.ledger import Account
from fines.rules.notices import NoticeKind
from fines.rules.reconciliation_words import Verdict
from fines.service.refund_papers import file_refund_slips
from fines.wire import instruction, protocol, settlement
from fines.wire.settlement import RowKind
from fines.wire.slip import SlipKind
from sim.acquirer import Switch
from sim.district import CARDS, CLERK, DRIVER, SECOND_CLERK
from sim.terminal.host import Host
from tests import factories_fines
from tests import factories_money as make
from tests.factories_devices import audited
from tests.factories_identity import district

ASKED = {"amount_tiyn": 1000, "reason": "amount_wrong", "note": "-"}


class Clerk:
    """A finance clerk with a session of his own, by rows."""

    def __init__(self, client, officer):
        self.client, self.headers = client, officer.headers
        self.person_id, self.post_id = officer.person_id, officer.post_id

    async def principal(self, sessions):
        """Return him as use cases see him."""
        async with transaction(sessions) as session:
            card = (await posts_by_id(session, [self.post_id]))[self.post_id]
        return Principal(
            department_id=card.department_id, person_id=self.person_id, post_id=self.post_id
        )

    async def ask(self, payment_id, key=None, **changed):
        return await self.client.post(
            f"/api/payments/{payment_id}/refunds",
            json=ASKED | changed,
            headers=self.headers | {"Idempotency-Key": key or uuid4().hex},
        )

    async def decide(self, refund_id, *, approve=True):
        return await self.client.post(
            f"/api/refunds/{refund_id}/decision", json={"approve": approve}, headers=self.headers
        )

    async def post(self, path, **more):
        return await self.client.post(path, headers=self.headers, **more)

    async def get(self, path):
        return await self.client.get(path, headers=self.headers)


@pytest.fixture
async def people(sessions, client):
    await district(sessions)
    await factories_fines.catalogue(sessions)
    officer = await factories_fines.officer(sessions, client)
    clerks = [
        Clerk(client, await factories_fines.officer(sessions, client, one, terminal_number=None))
        for one in (CLERK, SECOND_CLERK)
    ]
    return officer, *clerks


@pytest.fixture
async def payment_id(sessions, keys, people):
    record_id = await factories_fines.with_receipt(sessions, keys, people[0])
    payment_id, _ = await factories_fines.paid(people[0], record_id)
    return payment_id


async def amount_of(sessions, payment_id):
    async with transaction(sessions) as session:
        return await session.scalar(
            sa.select(models.Payment.amount_tiyn).where(
                models.Payment.id == sa.cast(payment_id, sa.Uuid)
            )
        )


async def refund_rows(sessions):
    async with transaction(sessions) as session:
        return (await session.scalars(sa.select(models.Refund))).all()


async def paid_out(people, payment_id, parts, *, amount_tiyn):
    """Lead a refund to the acquirer's file that pays it; return its id and the answers."""
    _, clerk, second = people
    asked = await clerk.ask(payment_id, amount_tiyn=amount_tiyn)
    refund_id = asked.json()["refund_id"]
    decided = await second.decide(refund_id)
    told = await second.post("/api/refunds/instructions")
    sheet = await second.get(f"/api/refunds/{refund_id}/instruction.csv")
    (order,) = instruction.read(sheet.content)
    sale = settlement.SettlementRow(
        kind=RowKind.SALE,
        rrn=order.rrn,
        approval_code=order.approval_code,
        terminal_number=order.terminal_number,
        merchant_number=order.merchant_number,
        stan=1,
        amount_tiyn=amount_tiyn,
        fee_tiyn=0,
        transacted_at=make.IN_TIME,
        settlement_date=make.SETTLED_ON,
        card_masked="",
    )
    back = replace(sale, kind=RowKind.REFUND, approval_code="R00001")
    done = await make.import_rows(parts, [sale, back])
    return refund_id, (asked, decided, told, done)


async def test_a_refund_goes_from_one_clerk_by_another_to_the_acquirer(
    people, payment_id, sessions, parts
):
    amount = await amount_of(sessions, payment_id)

    _, (asked, decided, told, done) = await paid_out(people, payment_id, parts, amount_tiyn=amount)

    assert (asked.status_code, decided.json()["status"]) == (201, "approved")
    assert told.json()["count"] == 1
    assert done.verdicts == {Verdict.MATCHED: 2}
    assert [one.status.value for one in await refund_rows(sessions)] == ["paid"]
    async with transaction(sessions) as session:
        books = await ledger.balances(session)
    assert sum(books.values()) == 0
    still_open = {one: tiyn for one, tiyn in books.items() if tiyn}
    assert still_open.keys() == {Account.FINES, Account.DISCOUNT, Account.REFUNDED}


async def test_a_refund_paid_out_leaves_a_paper_with_the_record_and_a_notice(
    people, payment_id, sessions, parts
):
    _, clerk, _ = people
    amount = await amount_of(sessions, payment_id)
    refund_id, _ = await paid_out(people, payment_id, parts, amount_tiyn=amount)
    desk = make.desk_of(parts)

    filed = [await file_refund_slips(desk, make.IN_TIME) for _ in range(2)]
    shown = [await clerk.get(f"/api/refunds/{refund_id}/slip.pdf") for _ in range(2)]

    async with transaction(sessions) as session:
        (slip,) = await session.scalars(
            sa.select(models.SlipRow).where(models.SlipRow.kind == SlipKind.REFUND)
        )
        paper = await session.get_one(models.Paper, slip.paper_id)
        kinds = (await session.scalars(sa.select(models.RegisterNotice.kind))).all()
    assert filed == [1, 0]
    assert shown[0].content.startswith(b"%PDF-")
    assert shown[0].content == shown[1].content
    assert (str(slip.refund_id), paper.offence_record_id is None) == (refund_id, False)
    assert set(kinds) == {NoticeKind.PAID, NoticeKind.REFUNDED}
    assert len(await audited(sessions, "fines.refund_slip_read")) == 2


async def test_a_refund_not_paid_out_has_no_paper(people, payment_id):
    officer, clerk, _ = people
    asked = await clerk.ask(payment_id)
    path = f"/api/refunds/{asked.json()['refund_id']}/slip.pdf"

    early = await clerk.get(path)
    foreign = await clerk.get(f"/api/refunds/{uuid4()}/slip.pdf")
    his = await officer.get(path)

    assert (early.status_code, early.json()["code"]) == (409, "fines.refund_step_refused")
    assert (foreign.status_code, his.status_code) == (404, 403)


@pytest.fixture
async def sold(sessions, keys, people):
    """A payment whose money the simulated acquirer has booked; return both."""
    officer = people[0]
    switch = Switch(cards=CARDS, now=lambda: make.IN_TIME)
    record_id = await factories_fines.with_receipt(sessions, keys, officer)
    payment_id = await factories_fines.begun(officer, record_id)
    order = await factories_fines.started(officer)
    host = Host(
        address=("", 0), terminal_number=officer.terminal_number, merchant_number="398104",
        answer_seconds=1,
    )  # fmt: skip
    sale = host.sale(
        card=DRIVER.card, amount_tiyn=order.amount_tiyn, payer_iin=DRIVER.iin, trace_number=34
    )
    (answer,) = switch.answer(sale)
    message = factories_fines.approval(
        order.amount_tiyn,
        terminal_number=officer.terminal_number,
        merchant_number="398104",
        rrn=answer.message["37"],
        approval_code=answer.message["38"],
    )
    await officer.agent_post(protocol.PATH_APPROVAL, message, order.order_id)
    slips = await factories_fines.ended(
        officer, order, factories_fines.outcome(protocol.Result.COMPLETED)
    )
    await factories_fines.printed(officer, order, slips)
    return payment_id, switch


async def test_a_refund_by_two_people_is_carried_out_settled_and_matched(
    people, sold, sessions, parts
):
    _, clerk, second = people
    payment_id, switch = sold
    amount = await amount_of(sessions, payment_id)
    refund_id = (await clerk.ask(payment_id, amount_tiyn=amount)).json()["refund_id"]
    await second.decide(refund_id)
    await second.post("/api/refunds/instructions")
    sheet = await second.get(f"/api/refunds/{refund_id}/instruction.csv")

    codes = switch.carry_out(sheet.content)
    rows = settlement.read(switch.end_of_day(day=make.SETTLED_ON))
    done = await make.import_rows(parts, rows)

    assert list(codes.values()) == ["00"]
    assert [row.kind for row in rows] == [RowKind.SALE, RowKind.REFUND]
    assert {row.rrn for row in rows} == {instruction.read(sheet.content)[0].rrn}
    assert done.verdicts == {Verdict.MATCHED: 2}
    assert [one.status.value for one in await refund_rows(sessions)] == ["paid"]
    assert switch.book.debited_tiyn == 0
    async with transaction(sessions) as session:
        books = await ledger.balances(session)
    assert sum(books.values()) == 0
    assert books[Account.ACQUIRER_CLEARING] == 0


async def test_who_asks_cannot_decide(people, payment_id):
    _, clerk, _ = people
    asked = await clerk.ask(payment_id)

    answer = await clerk.decide(asked.json()["refund_id"])

    assert (answer.status_code, answer.json()["code"]) == (403, "fines.refund_not_by_you")


async def test_the_officer_neither_asks_nor_decides(people, payment_id):
    officer, clerk, _ = people
    asked = await clerk.ask(payment_id)
    same_person = Clerk(clerk.client, officer)

    answers = [
        await same_person.ask(payment_id),
        await same_person.decide(asked.json()["refund_id"]),
    ]

    assert [one.status_code for one in answers] == [403, 403]


async def test_who_took_the_payment_has_no_part_in_its_refund_as_a_clerk_either(
    people, payment_id, sessions
):
    officer, clerk, _ = people
    async with transaction(sessions) as session:
        await session.execute(
            sa.text(
                "UPDATE posts SET person_id = :clerk, valid_from = '2020-01-01', "
                "valid_to = '2020-12-31' WHERE id = :post"
            ),
            {"clerk": clerk.person_id, "post": officer.post_id},
        )

    answer = await clerk.ask(payment_id)

    assert (answer.status_code, answer.json()["code"]) == (403, "fines.refund_not_by_you")


async def test_never_more_goes_back_than_was_paid(people, payment_id, sessions):
    _, clerk, second = people
    amount = await amount_of(sessions, payment_id)
    await clerk.ask(payment_id, amount_tiyn=amount - 1)

    answers = await asyncio.gather(
        clerk.ask(payment_id, amount_tiyn=1),
        clerk.ask(payment_id, amount_tiyn=1),
        second.ask(payment_id, amount_tiyn=1),
    )

    assert sorted(one.status_code for one in answers) == [201, 409, 409]
    assert sum(one.amount_tiyn for one in await refund_rows(sessions)) == amount


async def test_the_same_key_asks_once(people, payment_id, sessions):
    _, clerk, second = people

    answers = await asyncio.gather(*(clerk.ask(payment_id, key="k" * 12) for _ in range(8)))
    other = [
        await clerk.ask(payment_id, key="k" * 12, amount_tiyn=999),
        await second.ask(payment_id, key="k" * 12),
    ]

    assert {one.status_code for one in answers} == {201}
    assert len({one.json()["refund_id"] for one in answers}) == 1
    assert [one.json()["code"] for one in other] == ["fines.idempotency_key_reused"] * 2
    assert len(await refund_rows(sessions)) == 1


async def test_a_refund_is_in_one_instruction_only(people, payment_id):
    _, clerk, second = people
    asked = await clerk.ask(payment_id)
    await second.decide(asked.json()["refund_id"])

    answers = await asyncio.gather(*(second.post("/api/refunds/instructions") for _ in range(4)))

    assert sorted(one.json()["count"] for one in answers) == [0, 0, 0, 1]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE refunds SET amount_tiyn = 1",
        "UPDATE refunds SET status = 'paid', paid_at = now()",
        "UPDATE refunds SET status = 'approved', decided_by_person_id = requested_by_person_id",
        "UPDATE refunds SET status = 'approved', decided_by_person_id = officer_person_id",
        "DELETE FROM refunds",
    ],
)
async def test_the_database_refuses_what_no_rule_allows(people, payment_id, sessions, statement):
    await people[1].ask(payment_id)

    with pytest.raises(sa.exc.DBAPIError):
        async with transaction(sessions) as session:
            await session.execute(sa.text(statement))


async def test_an_unpaid_payment_is_not_refunded(people, sessions, keys):
    officer, clerk, _ = people
    record_id = await factories_fines.with_receipt(sessions, keys, officer)
    payment_id = await factories_fines.begun(officer, record_id)

    answer = await clerk.ask(payment_id)

    assert answer.json()["code"] == "fines.not_refundable"
