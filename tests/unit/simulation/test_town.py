"""Whole days of a simulated town in virtual time: no tenge astray, and each day repeats exactly.

``--rounds N`` plays N times as many days, ``--town-payments`` makes them longer: the night's run,
``make nightly-towns``, is ten thousand days of five hundred payments, one in five lived twice.
"""

import gc
import logging
import os
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from fines.rules.payment import PaymentStatus
from sim.virtual import Event, Killed, Stuck, World
from tests.factories_town import Town

DAYS = 200  # of the quick run; nightly: --rounds 50
_BATCH = 25
_AGAIN = 5  # one of so many days, as long as the others, is lived again: all would take two nights
_MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


@pytest.fixture
def rounds(request):
    return request.config.getoption("--rounds")


@pytest.fixture
def town_payments(request):
    return request.config.getoption("--town-payments")


@pytest.fixture(autouse=True)
def quiet():
    """Thousands of lost messages are not worth a line each."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def day(seed, *, payments, **more):
    """Live one day and account for it; return its trace and what happened."""
    with tempfile.TemporaryDirectory(dir=_MEMORY) as folder:
        town = Town(seed=seed, payments=payments, folder=Path(folder), **more)
        try:
            trace = town.live()
            town.account()
        except (AssertionError, Stuck) as error:
            error.add_note(f"seed {seed}, last steps:\n" + "\n".join(list(town.world.last)[-40:]))
            raise
        finally:
            town.close()
        return trace, town.counts


@pytest.mark.parametrize("first", range(0, DAYS, _BATCH))
def test_every_tenge_is_explained_after_any_day_and_it_repeats(first, rounds, town_payments):
    seeds = [first + turn * DAYS + one for turn in range(rounds) for one in range(_BATCH)]
    counts = []

    for seed in seeds:
        trace, happened = day(seed, payments=town_payments)
        counts.append(happened)
        if seed % _AGAIN == 0:
            assert day(seed, payments=town_payments)[0] == trace, f"seed {seed}"

    assert sum(one.payments for one in counts) >= town_payments * len(seeds) * 0.8
    assert sum(one.paid for one in counts) > 0
    assert sum(one.faults for one in counts) > 0


def test_terrible_days_lead_through_unknown_outcomes(rounds):
    counts = [day(10_000 + seed, payments=20, storm=1.0)[1] for seed in range(5 * rounds)]

    assert sum(one.faults for one in counts) > 100 * rounds
    assert sum(one.unknown for one in counts) > 0


def test_eight_terminals_go_on_all_day_and_leave_nothing_behind(rounds):
    payments = 2000 if rounds > 1 else 200  # the longer one is the night's
    before = _belongings()

    _, counts = day(7, payments=payments, posts=8, storm=0.33)  # one message in a hundred

    assert counts.payments >= payments
    assert counts.faults > 0

    assert _belongings() - before == set()


def _belongings():
    """Return the open files and the threads of this process."""
    gc.collect()  # what others have left goes now, not while a day is lived
    found = set(threading.enumerate())
    for one in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # it was open for this very look
            found.add((one.name, str(one.readlink())))
    return found


@pytest.mark.parametrize("first", range(0, DAYS, _BATCH))
def test_each_short_day_repeats_byte_for_byte(first, rounds):
    seeds = [first + turn * DAYS + one for turn in range(rounds) for one in range(_BATCH)]

    traces = [[day(seed, payments=4)[0] for _ in range(2)] for seed in seeds]

    assert all(one == again for one, again in traces)
    assert len({one for one, _ in traces}) == len(seeds)


def test_a_day_repeats_in_another_process_with_other_hashes():
    traces = {
        subprocess.run(
            [sys.executable, "-m", "tests.unit.simulation.day", "6", "10"],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }

    assert len(traces) == 1


# ---------------------------------------------------------------------- what accounts must see


@pytest.fixture
def town(tmp_path):
    town = Town(seed=1, payments=6, folder=tmp_path, storm=0.0)
    town.live()
    yield town
    town.close()


def test_a_debit_without_a_payment_is_seen(town):
    payment = next(one for one in town.server.payments.values() if one.confirmed)
    payment.confirmed = False

    with pytest.raises(AssertionError, match="theirs only"):
        town.account()


def test_a_payment_without_a_debit_is_seen(town):
    town.switch.book.standing[0].reversed = True

    with pytest.raises(AssertionError, match="ours only"):
        town.account()


def test_a_sum_that_differs_is_seen(town):
    town.switch.book.standing[0].amount_tiyn += 1

    with pytest.raises(AssertionError):
        town.account()


def test_a_payment_that_is_not_filed_is_seen(town):
    payment = next(one for one in town.server.payments.values() if one.confirmed)
    payment.status = PaymentStatus.SLIPS_PRINTED

    with pytest.raises(AssertionError):
        town.account()


# ---------------------------------------------------------------------- virtual time itself


def test_actors_wait_for_one_another_in_virtual_time():
    world = World(seed=1)
    told, event = [], Event(world)

    def first():
        world.sleep(3600)
        told.append(("first", world.seconds))
        event.set()

    def second():
        told.append(("second", event.wait(10), event.wait(10_000), world.seconds))

    world.begin(first, "first")
    actor = world.begin(second, "second")
    world.run(until=lambda: not actor.is_alive(), seconds_max=10_000)

    assert told == [("first", 3600.0), ("second", False, True, 3600.0)]


def test_a_killed_actor_does_nothing_more():
    world = World(seed=1)
    told = []

    def work():
        try:
            world.sleep(5)
            told.append("worked")
        finally:
            with pytest.raises(Killed):
                world.sleep(1)
            told.append("gone")

    actor = world.begin(work, "work")
    world.after(2, actor.kill)
    world.run(until=lambda: not actor.is_alive(), seconds_max=100)
    unborn = world.begin(lambda: told.append("born"), "unborn")
    unborn.kill()
    world.run(until=lambda: not unborn.is_alive(), seconds_max=100)

    assert told == ["gone"]
    assert world.seconds == 2.0


def test_time_that_leads_nowhere_is_said_so():
    world = World(seed=1)

    with pytest.raises(Stuck):
        world.run(until=lambda: False, seconds_max=10)
