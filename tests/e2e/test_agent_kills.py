"""SIGKILL of the agent, or darkness at its terminal, at any instant of a sale over a real line.

The named points are in ``test_terminal_line.py``; here the instant is drawn. ``--agent-kills`` says
how many sales are struck, each once; a night takes T6's two hundred and forty.
"""

import random
import threading
import time
from collections import Counter
from uuid import UUID

import pytest

from fines.wire.protocol import Reason, Result
from sim.district import DRIVER
from tests.factories_terminal import Roadside, journal_lines

pytestmark = [pytest.mark.enable_socket, pytest.mark.nightly]

AMOUNT = 10_000  # of the first; each sale has a sum of its own, by which its debit is known
DARK_SHARE = 0.3  # of the strikes: the terminal loses its power and the agent lives on
DARK_SECONDS = 0.7
CARD_SHARE = 0.7  # of the strikes: before the end is told; the papers take most of the time
STUCK_SECONDS = 120.0


class Struck:
    """A post at which every sale is struck once, at an instant drawn by ``seed``."""

    def __init__(self, road, *, seed):
        self.road, self.seed = road, seed
        self.luck = random.Random(seed)
        self.begun = []
        self.strikes = Counter()
        self.seen = 0  # hellos before the agent that runs now
        self.told_at = {}  # seconds by the clock at which the server heard of the last sale
        self.whole = {}  # the same of a sale that nothing struck, from its start

    def sell(self, strike=None):
        """Have one sale made and closed, struck or not."""
        self._until(self._is_up)
        self.road.terminal.insert_card(DRIVER.card)
        self.road.server.strikes = {
            "before started": lambda: self._hear("started", strike),
            "before outcome": lambda: self._hear("outcome"),
        }
        payment = self.road.server.order(amount_tiyn=AMOUNT + len(self.begun))
        self.begun.append(payment)
        self._until(lambda: payment.outcomes)
        if strike is not None and strike.ident is not None:
            strike.join()
        self.road.terminal.remove_card()
        self._until(self._is_closed)
        self.told_at["closed"] = time.monotonic()

    def _hear(self, name, strike=None):
        self.told_at[name] = time.monotonic()
        self.road.steps.append(name)
        if strike is not None:
            strike.start()

    def strike(self):
        """Return what will strike at some instant of a sale like the last whole one."""
        until = "outcome" if self.luck.random() < CARD_SHARE else "closed"
        after = self.luck.uniform(0, self.whole[until])
        act = self._darken if self.luck.random() < DARK_SHARE else self._kill
        return threading.Timer(after, act)

    def measure(self):
        """Make two sales that nothing strikes, and keep how long after its start the second was."""
        self.sell()
        self.sell()
        self.whole = {one: at - self.told_at["started"] for one, at in self.told_at.items()}

    def _kill(self):
        self._note("kill")
        self.road.kill_agent()

    def _darken(self):
        self._note("dark")
        self.road.terminal.power_cut()
        time.sleep(DARK_SECONDS)
        self.road.terminal.power_on()

    def _note(self, what):
        self.strikes[what, self.road.steps[-1]] += 1

    def _is_up(self):
        return len(self.road.server.hellos) > self.seen

    def _is_closed(self):
        order = str(self.begun[-1].order.order_id)
        lines = journal_lines(self.road.journal)
        told = [one["stage"] for one in lines if one["order"] == order]
        return "closed" in told

    def _until(self, done):
        deadline = time.monotonic() + STUCK_SECONDS
        while not done():
            if time.monotonic() > deadline:
                raise AssertionError(
                    f"seed {self.seed} stuck after {self.strikes}, the agent says:\n"
                    + self.road.log[-2000:]
                )
            if self.road.agent is None or self.road.agent.poll() is not None:
                self.seen = len(self.road.server.hellos)
                self.road.start_agent()
            time.sleep(0.01)


@pytest.fixture
def kills(request):
    return request.config.getoption("--agent-kills")


def test_a_strike_at_any_instant_of_a_sale_leaves_no_tenge_and_no_paper_astray(kills, tmp_path):
    with Roadside(tmp_path) as road:
        post = Struck(road, seed=1)
        post.measure()
        for _ in range(3 * kills):  # a sale that the line refused at once was not struck
            if post.strikes.total() < kills:
                post.sell(post.strike())
        road.server.wait(lambda: road.terminal.owed_reversals == 0, 15)

        paid = [one for one in post.begun if one.outcomes[0].result is Result.COMPLETED]
        debits = sorted(one.amount_tiyn for one in road.acquirer.book.standing)
        begun = [
            UUID(one["slip"]) for one in journal_lines(road.journal) if one["stage"] == "printing"
        ]
        told = {one for each in post.begun for one in (*each.printed, *each.doubtful)}
        assert post.strikes.total() == kills
        assert debits == sorted(one.order.amount_tiyn for one in paid), post.strikes
        assert {one.outcomes[0].result for one in post.begun} <= {
            Result.COMPLETED, Result.REVERSED, Result.DECLINED,
        }, post.strikes  # fmt: skip
        assert road.steps.count("authorisation") <= len(post.begun)
        assert len(begun) == len(set(begun)), "a paper was begun twice"
        assert told == set(begun), "a paper came out of which the server does not know"
        assert told <= {one.slip_id for each in paid for one in each.slips}
        assert sum(len(one.printed) for one in post.begun) <= len(road.printer.papers)
        assert len(road.printer.papers) <= len(begun)
        assert all(
            len(one.printed) == len(one.slips)
            or one.doubtful
            or one.print_reason is not Reason.NONE
            for one in paid
        ), post.strikes
