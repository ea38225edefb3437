"""Connections lent one by one: never more than there are, never one that is in the middle."""

import asyncio
from dataclasses import dataclass

import pytest

from app.lending import Connections


@dataclass(eq=False)
class Made:
    """A connection that remembers what it was told."""

    closed: bool = False
    in_transaction: bool = False

    def is_closed(self):
        return self.closed

    def is_in_transaction(self):
        return self.in_transaction

    def terminate(self):
        self.closed = True

    async def close(self, *, timeout):  # noqa: ASYNC109 - asyncpg's own word
        del timeout
        self.closed = True


@pytest.fixture
def made():
    return []


@pytest.fixture
def connections(made):
    async def connect():
        made.append(Made())
        return made[-1]

    return Connections(connect, size=2)


async def two(connections):
    return [await connections.acquire(timeout=1) for _ in range(2)]


async def test_one_that_came_back_is_lent_again(connections, made):
    first = await connections.acquire(timeout=1)
    connections.release(first, interrupted=False)

    assert await connections.acquire(timeout=1) is first
    assert len(made) == 1


async def test_who_waits_is_served_in_order_and_nobody_overtakes(connections):
    lent = await two(connections)
    waiting = [asyncio.create_task(connections.acquire(timeout=1)) for _ in range(2)]
    await asyncio.sleep(0)

    for one in lent:
        connections.release(one, interrupted=False)
    late = asyncio.create_task(connections.acquire(timeout=0.05))

    assert await asyncio.gather(*waiting) == lent
    with pytest.raises(TimeoutError):
        await late


@pytest.mark.parametrize(("interrupted", "in_transaction"), [(True, False), (False, True)])
async def test_one_that_is_in_the_middle_is_closed_and_its_place_is_free(
    connections, made, interrupted, in_transaction
):
    first, _ = await two(connections)
    waiting = asyncio.create_task(connections.acquire(timeout=1))
    await asyncio.sleep(0)
    first.in_transaction = in_transaction

    connections.release(first, interrupted=interrupted)

    assert await waiting is made[2]
    assert first.closed


async def test_one_that_the_far_end_closed_is_not_lent(connections, made):
    first = await connections.acquire(timeout=1)
    connections.release(first, interrupted=False)
    first.closed = True

    assert await connections.acquire(timeout=1) is made[1]


async def test_who_gives_up_as_his_turn_comes_passes_it_on(connections):
    lent = await two(connections)
    gives_up, waits = (asyncio.create_task(connections.acquire(timeout=1)) for _ in range(2))
    await asyncio.sleep(0)

    connections.release(lent[0], interrupted=False)
    gives_up.cancel()

    assert await waits is lent[0]
    with pytest.raises(asyncio.CancelledError):
        await gives_up


async def test_a_connection_that_could_not_be_made_takes_no_place():
    faults = [OSError("away")] * 3

    async def connect():
        if faults:
            raise faults.pop()
        return Made()

    connections = Connections(connect, size=1)
    for _ in range(3):
        with pytest.raises(OSError, match="away"):
            await connections.acquire(timeout=1)

    assert not (await connections.acquire(timeout=1)).closed


async def test_at_the_end_all_are_closed(connections, made):
    first, _ = await two(connections)
    connections.release(first, interrupted=False)

    await connections.close()

    assert [one.closed for one in made] == [True, True]
