"""Turns of bodies: in the order they asked, and more of them while the processor is idle."""

import asyncio

from app.runtime.bodies.turns import Turns

ALWAYS_BUSY, NEVER_BUSY = 0.0, 1e9


class One:
    """Notes that its turn has come."""

    def __init__(self, come):
        self._come, self.has_turn = come, asyncio.Event()

    def begin_body(self):
        self._come.append(self)
        self.has_turn.set()


def asked(turns, count):
    come = []
    ones = [One(come) for _ in range(count)]
    return come, ones, [turns.ask(one) for one in ones]


async def test_turns_are_lent_in_the_order_they_were_asked_for():
    turns = Turns(2, busy_cores=ALWAYS_BUSY)
    come, ones, at_once = asked(turns, 5)

    assert (at_once, come, turns.reading) == ([True, True, False, False, False], [], 2)
    turns.done(ones[1])
    assert come == [ones[2]]
    turns.done(ones[3])  # it left before its turn came
    turns.done(ones[0])
    assert come == [ones[2], ones[4]]
    for one in (ones[2], ones[4]):
        turns.done(one)
    assert turns.reading == 0


async def test_a_busy_process_lends_no_more():
    turns = Turns(1, busy_cores=ALWAYS_BUSY)
    come, _, _ = asked(turns, 4)

    await asyncio.sleep(0.2)

    assert (come, turns.reading) == ([], 1)


async def test_an_idle_one_lends_more():
    turns = Turns(1, busy_cores=NEVER_BUSY)
    come, ones, _ = asked(turns, 4)

    async with asyncio.timeout(20):
        await ones[3].has_turn.wait()

    assert come == ones[1:]
    assert turns.reading == 4
