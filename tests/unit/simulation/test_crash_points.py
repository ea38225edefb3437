"""One sale, struck at every point: the agent dies, the terminal loses power, an ACK goes astray.

The agent, both ends of ZVT, ISO 8583 and the server's rules are real, time is not: see
``tests.factories_town``. The same points are struck with ``kill -9`` of a real agent process in
``tests/e2e/test_terminal_line.py``. ``--rounds N`` takes N times as many seeds.
"""

import logging
import tempfile
from pathlib import Path

import pytest

from fines.rules.payment import PaymentStatus
from fines.wire import zvt_frame
from fines.wire.protocol import Reason
from sim.acquirer import Fault
from sim.virtual import Stuck
from tests.factories_town import OWN, Town

SEEDS = 20
# What is told just before the strike; by whom does not matter, there is one post.
POINTS = {
    "1 announced": "started ",
    "2 sent": "authorisation",
    "3 before the card": "card_waiting",
    "4 host asked": "host_asking",
    "5 host booked, answer lost": "host > 30323030",  # 0200 reached the host
    "6 host answered": "host_answered",
    "7 approval shown": "status_sending",
    "8 committed": "approval ",
    "9 on paper": "paper ",
    "10 stored": "stored",
    "11 outcome told": "outcome ",
    "12 papers told": "printed ",
}
_LENGTH_HEX = 4  # two bytes of length before an ISO 8583 message


class OneSale(Town):
    """One post, one case, the driver's own card, a quiet day but for what a test does to it."""

    def __init__(self, seed, folder):
        super().__init__(seed=seed, payments=1, folder=folder, posts=1, storm=0.0)
        self.post = self.posts[0]
        self.struck = 0

    def _collect(self, post, record):
        for attempt in range(20):
            post.slot.put(OWN)
            payment = self._begin_payment(post, record, f"{record} {attempt}")
            self.counts.payments += 1
            if self._wait_for(payment) is PaymentStatus.SLIPS_PRINTED:
                self.server.file(payment)
                return
            self.world.sleep(3)
        raise AssertionError("a quiet day, and the case is not paid")

    def strike_at(self, mark, act, *, after):
        """Do ``act`` once, ``after`` seconds behind the first step that begins with ``mark``."""
        tell = self.world.tell

        def told(who, what):
            tell(who, what)
            plain = what.replace("host > " + what[7 : 7 + _LENGTH_HEX], "host > ", 1)
            if not self.struck and (what.startswith(mark) or plain.startswith(mark)):
                self.struck += 1
                self.world.after(after, act)

        self.world.tell = told


@pytest.fixture(autouse=True)
def quiet():
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def seeds(request):
    return range(SEEDS * request.config.getoption("--rounds"))


def live(seed, prepare):
    """Live one sale as ``prepare`` spoils it, and account for every tenge; return the town."""
    with tempfile.TemporaryDirectory() as folder:
        town = OneSale(seed, Path(folder))
        try:
            prepare(town)
            town.live()
            town.account()
        except (AssertionError, Stuck) as error:
            error.add_note(f"seed {seed}, last steps:\n" + "\n".join(list(town.world.last)[-60:]))
            raise
        finally:
            town.close()
        return town


def accounted(town):
    paid = [one for one in town.server.payments.values() if one.confirmed]
    assert town.struck == 1
    assert len(paid) == len(town.switch.book.standing) == 1


@pytest.mark.parametrize("point", POINTS)
def test_an_agent_killed_anywhere_leaves_one_payment_or_none(point, seeds):
    for seed in seeds:

        def prepare(town):
            late = town.world.random.random() * 0.4
            kill = lambda: town.post.kill_agent(0.5 + 5 * town.world.random.random())  # noqa: E731 - used before the next turn
            if point.startswith("5"):
                town.switch.fault(Fault.BOOKED_NO_ANSWER)
            town.strike_at(POINTS[point], kill, after=late)

        accounted(live(seed, prepare))


@pytest.mark.parametrize("point", POINTS)
def test_a_terminal_without_power_anywhere_leaves_one_payment_or_none(point, seeds):
    for seed in seeds:

        def prepare(town):
            late = town.world.random.random() * 0.4
            cut = lambda: town.post.power_cut(0.5 + 20 * town.world.random.random())  # noqa: E731 - used before the next turn
            if point.startswith("5"):
                town.switch.fault(Fault.BOOKED_NO_ANSWER)
            town.strike_at(POINTS[point], cut, after=late)

        accounted(live(seed, prepare))


def test_an_agent_killed_between_the_paper_and_its_note_prints_no_second_original(seeds):
    numbers = set()
    for seed in seeds:

        def prepare(town):
            kill = lambda: town.post.kill_agent(0.5 + 5 * town.world.random.random())  # noqa: E731 - used before the next turn
            # The printer answers 50 ms behind the paper: the note cannot have been written.
            town.strike_at("paper ", kill, after=town.world.random.random() * 0.04)

        town = live(seed, prepare)
        accounted(town)
        (paid,) = (one for one in town.server.payments.values() if one.confirmed)
        assert len(paid.doubtful) == 1
        numbers |= {(one.copy_number, one.duplicate) for one in paid.slips}

    assert numbers == {(1, 0), (2, 0), (1, 1)}


# ---------------------------------------------------------------------- acknowledgements


class Spoiler:
    """Spoils the ACK number ``which`` of the sale, counted over both directions."""

    def __init__(self, town, *, which, how):
        self._town, self._which, self._how = town, which, how
        self._carry = town.post.cable.carry
        self.count = 0
        self._held = None
        town.post.cable.carry = self.carry

    def carry(self, data, *, to_agent):
        if data == zvt_frame.ACK:
            self.count += 1
            if self.count == self._which:
                self._town.struck += 1
                self._spoil(to_agent)
                return
        self._carry(data, to_agent=to_agent)
        if self._held is not None and self._held == to_agent:
            self._held = None
            self._carry(zvt_frame.ACK, to_agent=to_agent)

    def _spoil(self, to_agent):
        carry, world = self._carry, self._town.world
        match self._how:
            case "lost":
                pass
            case "doubled":
                carry(zvt_frame.ACK, to_agent=to_agent)
                carry(zvt_frame.ACK, to_agent=to_agent)
            case "late":  # T2 is a second here: the block is repeated before it comes
                world.after(1.5, lambda: carry(zvt_frame.ACK, to_agent=to_agent))
            case "reordered":
                self._held = to_agent  # behind the next block of the same direction


@pytest.mark.parametrize("how", ["lost", "doubled", "late", "reordered"])
def test_an_acknowledgement_gone_astray_at_any_message_sells_once(how):
    whole = []
    live(1, lambda town: whole.append(Spoiler(town, which=0, how="")))
    messages = whole[0].count

    assert messages > 20
    for which in range(1, messages + 1):
        town = live(1, lambda town, which=which: Spoiler(town, which=which, how=how))
        accounted(town)


# ---------------------------------------------------------------------- cancelled meanwhile


@pytest.mark.parametrize("part", range(4))
def test_a_sale_cancelled_at_any_moment_is_paid_or_is_not_and_never_both(part):
    ends = set()
    for turn in range(50):
        moment = (part * 50 + turn) * 0.01  # through two seconds: the card comes after one

        def prepare(town, moment=moment):
            def card_comes_late():
                town.post.slot.put(None)
                town.world.after(1.0, lambda: town.post.slot.put(OWN))
                town.world.after(moment, town.post.driver.abort)

            town.strike_at("authorisation", card_comes_late, after=0)

        town = live(turn, prepare)
        accounted(town)
        ends |= {one.reason for one in town.server.payments.values()}

    # Before the card it is always cancelled; once money has moved it never is.
    assert Reason.NONE in ends  # in the end the officer is paid
    assert ends <= {Reason.NONE, Reason.ABORTED}
    assert part > 1 or Reason.ABORTED in ends
    assert part != 3 or Reason.ABORTED not in ends
