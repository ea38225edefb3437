"""Hours of sales in real time: eight agents as processes, real lines, faults now and then.

What an agent adds to a sale is measured here in processor time, which neighbours do not change; by
the clock it is measured alone, by ``python -m benchmarks --only fines``.

``--soak-payments`` says how many; a night takes two thousand with one fault in a hundred. The same
day in virtual time, two hundred times over: ``tests/unit/simulation/test_town.py``.
"""

import os
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from uuid import UUID

import pytest

from fines.wire.protocol import Result
from sim.acquirer import Fault
from sim.district import DRIVER
from tests.factories_terminal import Roadside, journal_lines

pytestmark = [pytest.mark.enable_socket, pytest.mark.nightly]

TERMINALS = 8
AMOUNT = 10_000  # small: a card holds enough for hundreds
FAULTS_MIN = 12  # a short soak has them all the same
STEPS = ("authorisation", "host_asking", "host_answered", "status_sending", "stored")
HOST = (Fault.NO_ANSWER, Fault.BOOKED_NO_ANSWER, Fault.DOWN, Fault.DUPLICATE, Fault.STALE)
HOLD_SECONDS_MAX = 0.05  # of an agent's processor, while a terminal holds its approval
GROWTH_KB_MAX = 24_000  # of an agent, from its first sales to its last
ROAD_SECONDS = 240.0


class Road:
    """One post of the soak: pays its share, strikes where told, keeps what it measured."""

    def __init__(self, road, *, payments, faults, seed):
        self.road, self.payments, self.seed = road, payments, seed
        self.dice = random.Random(seed)
        self.struck_at = set(self.dice.sample(range(payments), min(faults, payments)))
        self.holds = []
        self.begun = []
        self.memory_kb = []
        road.terminal.on_step = self._step
        self._shown = 0.0

    def live(self):
        self.road.start_agent()
        for number in range(self.payments):
            self._pay(number)
        self._until(self._all_closed)

    def _pay(self, number):
        road = self.road
        road.terminal.insert_card(DRIVER.card)
        if number in self.struck_at:
            self._plan()
        payment = road.server.order(amount_tiyn=AMOUNT)
        self.begun.append(payment)
        self._until(lambda: payment.outcomes)
        road.strikes.clear()
        road.terminal.line.is_cut = False
        road.terminal.power_on()
        road.terminal.remove_card()
        if number in (self.payments // 4, self.payments - 1):
            self.memory_kb.append(_memory_kb(road.agent.pid))

    def _plan(self):
        road = self.road
        what = self.dice.randrange(5)
        if what == 0:
            road.acquirer.fault(self.dice.choice(HOST))
            return
        acts = {
            1: road.kill_agent,
            2: lambda: setattr(road.terminal.line, "lost_acks", 1),
            3: lambda: _for_a_moment(road.terminal.power_cut, road.terminal.power_on),
            4: lambda: _for_a_moment(
                lambda: setattr(road.terminal.line, "is_cut", True),
                lambda: setattr(road.terminal.line, "is_cut", False),
            ),
        }
        road.strikes[self.dice.choice(STEPS)] = acts[what]

    def _step(self, name):
        if name == "status_sending":
            self._shown = _processor_seconds(self.road.agent.pid)
        elif name == "status_answered":
            used = _processor_seconds(self.road.agent.pid) - self._shown
            self.holds.append(max(used, 0.0))  # a new agent counts from nought
        self.road._step(name)

    def _until(self, done):
        deadline = time.monotonic() + ROAD_SECONDS
        while not done():
            if time.monotonic() > deadline:
                raise AssertionError(
                    f"seed {self.seed} stuck, the agent says:\n{self.road.log[-2000:]}"
                )
            if self.road.agent.poll() is not None:
                self.road.start_agent()
            time.sleep(0.01)

    def _all_closed(self):
        stages = {}
        for line in journal_lines(self.road.journal):
            if line["stage"] not in ("printing", "printed"):
                stages[line["order"]] = line["stage"]
        orders = {str(one.order.order_id) for one in self.begun}
        return orders <= stages.keys() and set(stages.values()) == {"closed"}

    def paid(self):
        return [one for one in self.begun if one.outcomes[0].result is Result.COMPLETED]

    def papers_begun(self):
        lines = journal_lines(self.road.journal)
        return [UUID(line["slip"]) for line in lines if line["stage"] == "printing"]


def _for_a_moment(begin, end):
    begin()
    threading.Timer(0.7, end).start()


def _processor_seconds(pid):
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except FileNotFoundError:  # killed and gone
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory_kb(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


@pytest.fixture
def payments(request):
    return request.config.getoption("--soak-payments")


def test_eight_terminals_go_on_for_hours_without_a_tenge_or_a_paper_astray(payments, tmp_path):
    faults = max(payments // 100, FAULTS_MIN)
    with ExitStack() as stack:
        roads = [
            Road(
                stack.enter_context(Roadside(tmp_path / str(number))),
                payments=payments // TERMINALS,
                faults=-(-faults // TERMINALS),
                seed=number,
            )
            for number in range(TERMINALS)
        ]
        with ThreadPoolExecutor(TERMINALS) as together:
            list(together.map(Road.live, roads))

        for one in roads:
            # A reversal is repeated each second until the host has answered.
            one.road.server.wait(lambda one=one: one.road.terminal.owed_reversals == 0, 60)
            standing = one.road.acquirer.book.standing
            begun = one.papers_begun()
            assert len(standing) == len(one.paid())
            assert one.road.steps.count("authorisation") <= len(one.begun)
            assert len(begun) == len(set(begun)), "a paper was begun twice"
            assert len(one.road.printer.papers) <= 2 * len(one.paid())
            assert one.road.terminal.owed_reversals == 0
            assert max(one.memory_kb) - min(one.memory_kb) < GROWTH_KB_MAX
    holds = sorted(hold for one in roads for hold in one.holds)
    assert holds[len(holds) * 95 // 100] < HOLD_SECONDS_MAX
