"""The books: told with the payment, balanced always, never changed, and no payment without them."""

import itertools
import random
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from app.db import transaction
from benchmarks.money_rows import put_sent
from fines import models
from fines.repository import ledger
from fines.rules.ledger import Account, PostingKind
from fines.rules.payment import PaymentStatus
from fines.service.bookkeeping import book_approval, book_confirmation, book_reversal
from fines.wire.protocol import OwnerVerdict, Reason, Result
from tests import factories_fines as make

STEPS = {
    ("created", "sent"), ("created", "declined"),
    ("sent", "approved"), ("sent", "declined"), ("sent", "reversed"), ("sent", "unknown"),
    ("approved", "slips_printed"), ("approved", "reversed"), ("approved", "unknown"),
    ("slips_printed", "signed"), ("signed", "filed"), ("filed", "settled"),
    ("unknown", "approved"), ("unknown", "reversed"),
}  # fmt: skip


@pytest.fixture
async def record_id(sessions, keys, officer):
    return await make.with_receipt(sessions, keys, officer)


async def posted(sessions):
    async with transaction(sessions) as session:
        found = await session.scalars(
            sa.select(models.LedgerPosting).order_by(models.LedgerPosting.id)
        )
        return [(one.kind, one.amount_tiyn) for one in found]


async def balances(sessions):
    async with transaction(sessions) as session:
        return await ledger.balances(session)


async def test_a_kept_sale_charges_the_fine_and_pays_or_forgives_all_of_it(
    officer, record_id, sessions
):
    await make.begun(officer, record_id)
    order, _ = await make.approved(officer)
    before = await posted(sessions)
    await make.ended(officer, order, make.outcome(Result.COMPLETED))

    half = order.amount_tiyn
    assert before == [(PostingKind.APPROVAL, half)]
    assert await posted(sessions) == [
        (PostingKind.APPROVAL, half),
        (PostingKind.CHARGE, 2 * half),
        (PostingKind.PAYMENT, half),
        (PostingKind.DISCOUNT, half),
    ]
    books = await balances(sessions)
    assert sum(books.values()) == 0
    assert (books[Account.RECEIVABLE], books[Account.UNCONFIRMED]) == (0, 0)
    assert books[Account.ACQUIRER_CLEARING] == half


async def test_a_reversed_sale_leaves_every_account_at_nought(officer, record_id, sessions):
    await make.begun(officer, record_id)
    order, _ = await make.approved(officer)
    await make.ended(officer, order, make.outcome(Result.REVERSED, Reason.HOST_UNREACHABLE))

    assert [kind for kind, _ in await posted(sessions)] == [
        PostingKind.APPROVAL,
        PostingKind.REVERSAL,
    ]
    assert set((await balances(sessions)).values()) == {0}


async def test_a_declined_sale_is_in_no_book(officer, record_id, sessions):
    await make.begun(officer, record_id)
    order = await make.started(officer)
    await make.ended(officer, order, make.outcome(Result.DECLINED, Reason.INSUFFICIENT_FUNDS))

    assert await posted(sessions) == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_postings SET amount_tiyn = 1",
        "DELETE FROM ledger_postings",
        "TRUNCATE ledger_postings",
        (
            "INSERT INTO ledger_postings (kind, debit, credit, amount_tiyn, payment_number, at) "
            "SELECT kind, debit, credit, amount_tiyn, payment_number, at FROM ledger_postings"
        ),
        (
            "INSERT INTO ledger_postings (kind, debit, credit, amount_tiyn, payment_number, at) "
            "SELECT 'settlement', 'treasury', 'fines', 1, number, now() FROM payments"
        ),
        (
            "INSERT INTO ledger_postings (kind, debit, credit, amount_tiyn, payment_number, at) "
            "SELECT 'settlement', 'treasury_due', 'acquirer_clearing', 1, number, now() "
            "FROM payments"
        ),
        (
            "INSERT INTO ledger_postings (kind, debit, credit, amount_tiyn, payment_number, at) "
            "SELECT 'reversal', 'unconfirmed', 'acquirer_clearing', amount_tiyn, number, now() "
            "FROM payments"
        ),
        "UPDATE payments SET status = 'reversed' WHERE confirmed_at IS NULL",
        "UPDATE payments SET confirmed_at = now()",
    ],
)
async def test_the_database_keeps_the_books_whole(officer, record_id, sessions, statement):
    await make.begun(officer, record_id)
    await make.approved(officer)

    with pytest.raises(DBAPIError):
        async with transaction(sessions) as session:
            await session.execute(sa.text(statement))

    assert [kind for kind, _ in await posted(sessions)] == [PostingKind.APPROVAL]


async def test_the_database_knows_only_the_listed_steps_of_a_payment(officer, record_id, parts):
    await make.begun(officer, record_id)
    moved, refusals = set(), set()
    async with parts.direct.connection() as connection:
        for current, target in itertools.product([one.value for one in PaymentStatus], repeat=2):
            step = connection.transaction()
            await step.start()
            await connection.execute("SET LOCAL session_replication_role = replica")
            await connection.execute(
                "UPDATE payments SET status = $1, rrn = '1', approval_code = '1', "
                "owner_verdict = 'match', confirmed_at = now(), "
                "filing_confirmed_by_post_id = "
                "(SELECT id FROM posts WHERE id <> post_id LIMIT 1)",
                current,
            )
            await connection.execute("SET LOCAL session_replication_role = origin")
            try:
                await connection.execute("UPDATE payments SET status = $1", target)
                moved.add((current, target))
            except asyncpg.CheckViolationError as refusal:
                refusals.add(str(refusal).split(":")[0])
            await step.rollback()

    assert {pair for pair in moved if pair[0] != pair[1]} == STEPS
    assert refusals == {"payment"}


async def test_a_payment_is_born_as_created(officer, record_id, sessions):
    await make.begun(officer, record_id)
    kept = models.Payment.__table__.columns
    columns = [one.name for one in kept if one.name != "number" and one.computed is None]
    changed = {"id": "gen_random_uuid()", "idempotency_key": "'copied'", "status": "'sent'"}
    values = ", ".join(changed.get(one, one) for one in columns)

    with pytest.raises(DBAPIError, match="begins as created"):
        async with transaction(sessions) as session:
            await session.execute(
                sa.text(
                    f"INSERT INTO payments ({', '.join(columns)}) SELECT {values} FROM payments"
                )
            )


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(4))
async def test_the_books_add_up_to_nought_after_any_history(parts, sessions, seed, request):
    await make.district_with_catalogue(sessions)
    luck = random.Random(seed)
    count = 25 * request.config.getoption("--rounds")
    async with parts.direct.connection() as connection:
        numbers = await put_sent(
            connection, count=count, department_id=UUID(int=1), post_id=UUID(int=2)
        )
    kept = 0
    for number in numbers:
        kept += await _lived(sessions, number, luck)

    books = await balances(sessions)
    assert sum(books.values()) == 0
    assert books.get(Account.UNCONFIRMED, 0) <= 0
    assert books.get(Account.RECEIVABLE, 0) == 0
    assert -books.get(Account.FINES, 0) == books.get(Account.DISCOUNT, 0) + kept


async def _lived(sessions, number, luck):
    """Let a payment live a random life in steps of its own; return what of it was kept."""
    now = datetime.now(UTC)
    life = luck.choice(["declined", "approved", "reversed", "kept", "unknown_kept", "unknown_back"])
    if life == "declined":
        await _move(sessions, number, status=PaymentStatus.DECLINED)
        return 0
    proof = {
        "rrn": f"{number:012d}",
        "approval_code": "A1B2C3",
        "owner_verdict": OwnerVerdict.MATCH,
        "approved_at": now,
    }
    await _move(sessions, number, book_approval, status=PaymentStatus.APPROVED, **proof)
    if life.startswith("unknown"):
        await _move(sessions, number, status=PaymentStatus.UNKNOWN)
        if life == "unknown_kept":
            await _move(sessions, number, status=PaymentStatus.APPROVED)
    if life in {"reversed", "unknown_back"}:
        await _move(sessions, number, book_reversal, status=PaymentStatus.REVERSED)
        return 0
    if life == "approved":
        return 0
    return await _move(sessions, number, book_confirmation, confirmed_at=now)


async def _move(sessions, number, book=None, **values):
    async with transaction(sessions) as session:
        payment = await session.scalar(
            sa.select(models.Payment).where(models.Payment.number == number)
        )
        for name, value in values.items():
            setattr(payment, name, value)
        if book is not None:
            await book(session, payment, now=datetime.now(UTC))
        return payment.amount_tiyn
