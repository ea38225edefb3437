"""Statements on the driver itself: their transactions, and those they share with a session."""

import asyncio
from uuid import uuid4

import asyncpg
import psycopg
import pytest
import sqlalchemy as sa

from app.access import Role
from app.db import Hoisted, driver_of, make_engine, make_sessions, open_direct
from app.db import transaction as session_transaction
from app.identity.models import Department, Post

COUNT = "SELECT count(*) FROM departments"
SLEEPING = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND state = 'active' AND query = 'SELECT pg_sleep(30)'
"""
ADD = "INSERT INTO departments (id, bin, name_kk, name_ru) VALUES ($1, $2, 'а', 'а')"


@pytest.fixture
async def direct(database_url):
    with psycopg.connect(database_url, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = on')
    async with open_direct(database_url, pool_size=1) as direct:
        yield direct


async def add(connection, number=1):
    await connection.execute(ADD, uuid4(), f"{number:012d}")


async def count(direct):
    return (await direct.row(COUNT))[0]


async def test_what_was_done_together_is_there_together(direct):
    async with direct.transaction() as connection:
        await add(connection, 1)
        await add(connection, 2)

    assert await count(direct) == 2


@pytest.mark.parametrize("error", [ValueError, asyncio.CancelledError])
async def test_nothing_is_left_of_what_failed_and_the_connection_is_good(direct, error):
    async def act():
        async with direct.transaction() as connection:
            await add(connection)
            raise error

    with pytest.raises(error):
        await act()

    assert await count(direct) == 0


async def test_a_wrong_statement_undoes_the_others(direct):
    async def act():
        async with direct.transaction() as connection:
            await add(connection, 1)
            await add(connection, 1)

    with pytest.raises(asyncpg.UniqueViolationError):
        await act()

    assert await count(direct) == 0


async def test_who_is_cancelled_in_mid_statement_leaves_no_transaction_behind(direct):
    async def wait():
        async with direct.transaction() as connection:
            await add(connection)
            await connection.fetchval("SELECT pg_sleep(30)")

    for _ in range(3):
        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0.2)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

    assert await count(direct) == 0
    async with direct.connection() as connection:
        assert not connection.is_in_transaction()


async def test_a_statement_that_is_given_up_ends_in_the_database_too(direct):
    waiting = asyncio.create_task(direct.row("SELECT pg_sleep(30)"))
    await asyncio.sleep(0.5)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)

    async with asyncio.timeout(10):
        while (await direct.row(SLEEPING))[0]:  # noqa: ASYNC110 - another process ends it
            await asyncio.sleep(0.1)


async def test_a_transaction_left_open_is_never_lent_to_the_next(direct):
    async with direct.connection() as connection:
        await connection.execute("BEGIN")
        await add(connection)

    async with direct.connection() as connection:
        assert not connection.is_in_transaction()
    assert await count(direct) == 0


async def test_a_statement_compares_with_what_it_was_written_with(direct):
    named = sa.select(
        sa.literal(Role.COURT, Post.__table__.c.role.type).label("role"),
        sa.bindparam("number", type_=sa.BigInteger).label("number"),
    )

    async with direct.connection() as connection:
        row = await Hoisted(named).row(connection, {"number": 7})

    assert (row["role"], row["number"]) == ("court", 7)


async def test_the_driver_of_a_session_sees_and_ends_with_its_transaction(database_url):
    engine = make_engine(database_url)
    sessions = make_sessions(engine)
    async with sessions() as session, session.begin() as begun:
        session.add(Department(id=uuid4(), bin="1" * 12, name_kk="а", name_ru="а"))
        driver = await driver_of(session)
        seen = await driver.fetchval(COUNT)
        await add(driver, 2)
        await begun.rollback()
    async with session_transaction(sessions) as session:
        left = await (await driver_of(session)).fetchval(COUNT)
    await engine.dispose()

    assert (seen, left) == (1, 0)
