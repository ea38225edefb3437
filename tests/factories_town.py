"""A simulated town: officers, agents, terminals, an acquirer and a server in virtual time.

    town = Town(seed=7, payments=20)
    town.live()             # until every payment has its end and every fault is over
    town.account()          # raises AssertionError where a tenge is not explained

Real: the agent with its driver, journal and desk, both ends of ZVT, ISO 8583, the device
protocol's messages, the server's rules, the bytes of the slips. Played: time, the lines, the
server's store (``factories_town_server``), paper.
"""

import functools
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

from fines.field.agent import Agent, AgentSettings
from fines.field.escpos import render
from fines.field.journal import Journal
from fines.field.line import Line, Timers
from fines.field.printer import PrinterFault
from fines.field.zvt_driver import ZvtDriver
from fines.rules.payment import PaymentStatus
from fines.wire import settlement
from fines.wire.protocol import Reason
from fines.wire.settlement import RowKind
from sim.acquirer import Fault, Switch
from sim.district import CARDS, DRIVER, EXPIRED_CARD, FRIEND, POOR_CARD
from sim.terminal import TerminalTimers
from sim.terminal.host import Host, NoAnswer
from sim.terminal.iso import LinkDown
from sim.terminal.machine import Machine
from sim.terminal.memory import Memory
from sim.terminal.slot import Slot
from sim.terminal.wire import FaultyWire
from sim.virtual import Event, Killed, World
from tests.factories_town_lines import Cable, WayToHost, WayToServer, Weather
from tests.factories_town_server import Refused, TownServer

OWN = replace(DRIVER.card, balance_tiyn=10**15)
AMOUNT = 1_081_250
ENDED = {
    PaymentStatus.SLIPS_PRINTED, PaymentStatus.FILED, PaymentStatus.DECLINED,
    PaymentStatus.REVERSED,
}  # fmt: skip
_HOST_FAULTS = [
    Fault.NO_ANSWER, Fault.BOOKED_NO_ANSWER, Fault.LATE, Fault.WRONG_STAN, Fault.DUPLICATE,
    Fault.STALE, Fault.DOWN, Fault.PARTIAL, Fault.LOST_REVERSAL_ANSWER,
]  # fmt: skip
_SETTINGS = AgentSettings(
    poll_seconds=10,
    retry_seconds=1.0,
    card_timeout_seconds=15,
    approval_wait_seconds=1.0,
    approval_waits_max=4,
    settle_patience_seconds=20.0,
)
_HOUR = 3600.0
_ANSWER_SECONDS = 0.05  # of a printer, to GS r behind the paper


class TownPrinter:
    """The printer: real bytes, no drawing. ``rows_left`` of them come out."""

    def __init__(self, world, name):
        self._world, self._name = world, name
        self.rows_left = 10**9
        self.out = Counter()  # papers, torn ones too

    def check_paper(self):
        self._world.sleep(0.01)
        if self.rows_left <= 0:
            raise PrinterFault(Reason.NO_PAPER)

    def print_slip(self, slip, *, begin):
        job = render(slip)
        self.check_paper()
        begin()
        seconds = len(job) * 10 / 115200
        whole = self.rows_left > 0
        self.rows_left -= 1
        # What was sent comes out, whoever dies meanwhile: its bytes are in the printer.
        self._world.after(seconds, lambda: self._come_out(slip, whole=whole))
        self._world.sleep(seconds + _ANSWER_SECONDS)
        if not whole:
            raise PrinterFault(Reason.NO_PAPER)

    def _come_out(self, slip, *, whole):
        self.out[slip.slip_id] += 1
        word = "paper" if whole else "torn"
        self._world.tell(self._name, f"{word} {slip.slip_id} {slip.kind.value} {slip.copy_number}")


class Post:
    """One officer's terminal with its agent beside it."""

    def __init__(self, town, number):
        self.town, self.world = town, town.world
        self.number = f"{5250 + number:04d}{1000 + number:04d}"
        name = f"post{number}"
        self.cable = Cable(self.world, town.weather, name)
        self.printer = TownPrinter(self.world, name)
        self.way = WayToServer(self.world, town.weather, town.server, terminal=self.number)
        self.slot = Slot()
        self.kept = []  # receipts the terminal stored
        self._state = town.folder / f"{name}.json"
        self._journal_path = town.folder / f"{name}.journal"
        self._journal = None
        self._lives = []
        self._name = name
        self._switch_on()
        self.start_agent()

    # -- the terminal

    def host(self):
        return Host(
            address=("", 0),
            terminal_number=self.number,
            merchant_number="398000000000104",
            answer_seconds=8.0,
            connect=lambda: WayToHost(self.world, self.town.weather, self.town.switch, self._name),
            clock=self.world.clock,
        )

    def _switch_on(self):
        self._terminal = self.world.begin(self._terminal_lives, f"{self._name} terminal")

    def _terminal_lives(self):
        self.memory = Memory.load(self._state)
        machine = Machine(
            wire=FaultyWire(self.cable.wire, seed=1),
            timers=TerminalTimers(t1_seconds=0.2, t2_seconds=1.0, t3_seconds=4.0),
            host=self.host(),
            memory=self.memory,
            slot=self.slot,
            powered=lambda: True,  # without power the actor is gone
            told=lambda step: self.world.tell(self._name, step),
            card_seconds=15.0,
            ask_again_seconds=0.5,
            clock=self.world.clock,
        )
        machine.live()

    def power_cut(self, seconds):
        """Take the battery out, wherever it stands; only what it saved is left."""
        if self._terminal is not None:
            self._terminal.kill()
            self._terminal = None
            self.world.after(seconds, self._switch_on)

    # -- the agent

    def start_agent(self):
        self._journal = Journal(self._journal_path)
        agent = Agent(
            settings=_SETTINGS,
            connect=self._driver,
            server=self.way,
            printer=self.printer,
            journal=self._journal,
            now=self.world.now,
            stop=Event(self.world),
            begin=self._begin,
        )
        self._lives = [self.world.begin(agent.run, f"{self._name} agent")]

    def _begin(self, work, name):
        beside = self.world.begin(work, name)
        self._lives.append(beside)
        return beside

    def _driver(self):
        timers = Timers(t1_seconds=0.2, t2_seconds=1.0, t3_seconds=4.0, t4_seconds=40.0, repeats=2)
        line = Line(
            url="cable",
            timers=timers,
            open_port=self.cable.open_port,
            monotonic=self.world.clock.monotonic,
        )
        self.driver = ZvtDriver(
            line=line, timers=timers, card_ref_key=b"k" * 32, now=self.world.now
        )
        return self.driver

    def kill_agent(self, seconds):
        """Pull its plug; it starts again, perhaps over a torn end of its journal."""
        if self._journal is None:
            return
        self.world.tell(self._name, "agent killed")
        if self.cable.port is not None:
            self.cable.port.close()
        for one in self._lives:
            one.kill()
        journal, self._journal = self._journal, None
        self.world.soon(journal.close)
        if self.world.random.random() < 0.3:
            with self._journal_path.open("ab") as file:
                file.write(b'{"v":1,"at":"2026-11-2')
        self.world.after(seconds, self.start_agent)

    @property
    def is_idle(self):
        journal = self._journal
        return (
            self._terminal is not None
            and journal is not None
            and not journal.open_orders()
            and not self.memory.owed
            and self.memory.in_flight is None
        )


@dataclass
class Counts:
    """What happened, to be sure that something did."""

    payments: int = 0
    paid: int = 0
    unknown: int = 0
    faults: int = 0


class Town:
    """``payments`` are shared out among ``posts``. ``storm`` 0 is a quiet day, 1 a terrible one."""

    def __init__(self, *, seed, payments, folder: Path, posts=2, storm=None):
        self.world = World(seed=seed)
        dice = self.world.random
        self.folder = folder
        self.storm = dice.choice([0.0, 0.2, 1.0]) if storm is None else storm
        self.weather = Weather(
            bent=0.03 * self.storm,
            lost=0.03 * self.storm,
            doubled=0.03 * self.storm,
            late=0.03 * self.storm,
            kills_a_minute=8.0 * self.storm,
        )
        self.switch = Switch(
            cards=[OWN, *(card for card in CARDS if card.key != OWN.key)],
            now=self.world.now,
            late_seconds=12.0,
        )
        self.server = self._open_server(posts)
        self.counts = Counts()
        self._working = 0
        self._cases = 0
        self._shared = [f"shared {number}" for number in range(3)]
        self.posts = [Post(self, number) for number in range(posts)]
        for number, post in enumerate(self.posts):
            mine = payments // posts + (number < payments % posts)
            self._working += 1
            self.world.begin(lambda post=post, mine=mine: self._work(post, mine), "officer")
            self.world.begin(lambda post=post: self._break(post), "chaos")
        self.world.begin(self._sweep, "worker")

    def _open_server(self, _posts):
        return TownServer(new_id=self._new_id, now=self.world.now, wake=self._wake)

    def _new_id(self):
        return UUID(int=self.world.random.getrandbits(128), version=4)

    def _wake(self, terminal, seconds):
        for post in getattr(self, "posts", ()):
            if post.number == terminal:
                self.world.after(seconds + 0.01, post.way.wake)

    # ------------------------------------------------------------------ people

    def _work(self, post, payments):
        dice = self.world.random
        for _ in range(payments):
            shared = dice.random() < 0.1
            self._cases += 1
            record = dice.choice(self._shared) if shared else f"case {self._cases}"
            self._collect(post, record)
        self._working -= 1
        if self._working == 0:
            self.weather.clear()
            for one in self.posts:
                one.cable.is_cut = one.way.is_down = False
                one.printer.rows_left = 10**9

    def _collect(self, post, record):
        """One case: cards are tried until one pays or the officer gives up."""
        dice = self.world.random
        for attempt in range(4):
            key = f"{record} {post.number} {attempt} {self._cases}"
            card = OWN if attempt else dice.choice([OWN, OWN, OWN, FRIEND.card, POOR_CARD,
                                                    EXPIRED_CARD, None])  # fmt: skip
            if card is not None:
                post.slot.put(card)
            payment = self._begin_payment(post, record, key)
            if payment is None:
                post.slot.put(None)
                return
            self.counts.payments += 1
            status = self._wait_for(payment)
            post.slot.put(None)
            if status is PaymentStatus.SLIPS_PRINTED:
                self.counts.paid += 1
                self.world.sleep(dice.random() * 5)
                self.server.file(payment)
                return
            if status is PaymentStatus.FILED:
                return

    def _begin_payment(self, post, record, key):
        told = {"record": record, "terminal": post.number, "iin": DRIVER.iin,
                "amount_tiyn": AMOUNT, "key": key}  # fmt: skip
        for _ in range(200):
            try:
                payment = self.server.pay(**told)
                if self.world.random.random() < 0.2:  # the tablet asks again
                    assert self.server.pay(**told) is payment
            except Refused as refusal:
                if str(refusal) in ("already_paid", "payment_in_flight"):
                    return None
                self.world.sleep(5)
            else:
                return payment
        raise AssertionError("the terminal stays busy")

    def _wait_for(self, payment):
        waited = 0.0
        while payment.status not in ENDED:
            if payment.status is PaymentStatus.UNKNOWN:
                self.counts.unknown += 1
            self.world.sleep(0.5)
            waited += 0.5
            assert waited < 2 * _HOUR, f"payment stuck as {payment.status}"
        return payment.status

    def _sweep(self):
        while True:
            self.world.sleep(5)
            self.server.expire()

    def _break(self, post):
        dice = self.world.random
        while self.weather.kills_a_minute:
            self.world.sleep(dice.expovariate(self.weather.kills_a_minute / 60))
            if not self.weather.kills_a_minute:
                return
            self.counts.faults += 1
            self._strike(post, dice.randrange(7), 0.5 + dice.random() * 15)

    def _strike(self, post, what, seconds):
        world = self.world
        world.tell("chaos", f"{post.number} {what} {seconds:.3f}")
        match what:
            case 0:
                post.kill_agent(seconds)
            case 1:
                post.power_cut(seconds)
            case 2:
                post.cable.is_cut = True
                world.after(seconds, lambda: setattr(post.cable, "is_cut", False))
            case 3:
                post.way.is_down = True
                world.after(seconds, lambda: setattr(post.way, "is_down", False))
            case 4:
                post.printer.rows_left = world.random.randrange(3)
                world.after(seconds, lambda: setattr(post.printer, "rows_left", 10**9))
            case _:
                self.switch.fault(world.random.choice(_HOST_FAULTS))

    # ------------------------------------------------------------------ the end of the day

    def live(self):
        """Let the day pass until nothing is open anywhere."""
        self.world.run(until=self._is_over, seconds_max=400 * _HOUR)
        return self.world.trace

    def _is_over(self):
        return (
            self._working == 0 and self.server.is_idle and all(post.is_idle for post in self.posts)
        )

    @functools.cached_property
    def day_file(self):
        """The acquirer's file of the day; it tells each transaction once."""
        return self.switch.end_of_day(day=self.world.now().date())

    def account(self):
        """Match our rows, the terminals, the acquirer's file and its count: all explained."""
        book, payments = self.switch.book, self.server.payments.values()
        paid = {one.approval.rrn: one for one in payments if one.confirmed}
        standing = {debit.rrn: debit for debit in book.standing}
        rows = settlement.read(self.day_file)
        ours, theirs = paid.keys() - standing.keys(), standing.keys() - paid.keys()
        assert not ours | theirs, f"ours only {ours}, theirs only {theirs}"
        assert set(standing) == {row.rrn for row in rows}
        assert {row.kind for row in rows} <= {RowKind.SALE}
        for row in rows:
            ours = paid[row.rrn]
            assert row.amount_tiyn == standing[row.rrn].amount_tiyn == ours.amount_tiyn
            assert (row.terminal_number, row.stan) == (ours.terminal, ours.approval.trace_number)
            assert ours.status is PaymentStatus.FILED
            copies = {slip.copy_number for slip in ours.slips if slip.slip_id in ours.printed}
            assert copies == {1, 2}
        records = [one.record for one in paid.values()]
        assert len(records) == len(set(records)), "a fine was paid twice"
        assert {debit.card for debit in book.debits} <= {OWN.key}, "another's card was debited"
        assert sum(one.amount_tiyn for one in paid.values()) == book.debited_tiyn
        papers = Counter()
        for post in self.posts:
            papers += post.printer.out
        twice = [slip for slip, count in papers.items() if count > 1]
        assert not twice, f"came out twice with the same number: {twice}"
        for one in payments:
            numbers = [(slip.kind, slip.copy_number, slip.duplicate) for slip in one.slips]
            assert len(set(numbers)) == len(numbers), numbers
            assert one.confirmed == (one.status is PaymentStatus.FILED), one.status
            assert one.confirmed or one.printed or one.reason is Reason.ABORTED
        self._balance(paid)

    def _balance(self, paid):
        """0500 of each terminal, with the sums of our rows: host and books count the same."""
        results = []

        def say(post):
            ours = [one.amount_tiyn for one in paid.values() if one.terminal == post.number]
            for number in range(999_000, 999_050):
                try:
                    told = post.host().reconcile(
                        count=len(ours), sum_tiyn=sum(ours), trace_number=number
                    )
                except (NoAnswer, LinkDown):
                    continue
                results.append(told)
                return

        for post in self.posts:
            self.world.begin(lambda post=post: say(post), "reconciliation")
        self.world.run(until=lambda: len(results) == len(self.posts), seconds_max=_HOUR)
        assert results == [True] * len(self.posts)

    def close(self):
        """Let every actor go."""
        self.world.close()
        for post in self.posts:
            if post._journal is not None:
                post._journal.close()


__all__ = ["Counts", "Killed", "Post", "Town"]
