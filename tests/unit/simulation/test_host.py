"""The terminal against a host that is late, silent, doubled, or answers somebody else.

In virtual time over the real codec: the cash register is a few lines here, the terminal is the
simulator's whole machine with its memory on disk, the power goes at every step.
"""

import random

import pytest

from fines.wire import zvt, zvt_status
from fines.wire.zvt import Command
from fines.wire.zvt_errors import ZvtMalformed
from sim.acquirer import Fault, Switch
from sim.district import CARDS, DRIVER
from sim.terminal import TerminalTimers
from sim.terminal.blocks import Blocks
from sim.terminal.host import Host
from sim.terminal.machine import Machine
from sim.terminal.memory import Memory
from sim.terminal.slot import Slot
from sim.terminal.wire import FaultyWire
from sim.virtual import World
from tests.factories_town_lines import Cable, WayToHost, Weather

SEEDS = 50
TIMERS = TerminalTimers(t1_seconds=0.2, t2_seconds=1.0, t3_seconds=4.0)
STEPS = ("authorisation", "card_waiting", "host_asking", "host_answered", "status_sending",
         "status_answered", "reversal_owed", "stored")  # fmt: skip
FAULTS = {
    "late": [Fault.LATE],
    "none": [Fault.NO_ANSWER],
    "booked, none": [Fault.BOOKED_NO_ANSWER],
    "duplicate": [Fault.DUPLICATE],
    "wrong STAN": [Fault.WRONG_STAN],
    "0430 lost": [Fault.BOOKED_NO_ANSWER, *[Fault.LOST_REVERSAL_ANSWER] * 5],
}


class Register:
    """A cash register that sells once and says yes to everything."""

    def __init__(self, world, cable):
        port = cable.open_port()
        wire = _Ported(port)
        self.blocks = Blocks(wire=wire, timers=TIMERS, alive=lambda: None, clock=world.clock)
        self.approved = self.completed = False

    def sell(self, *, amount_tiyn=1_081_250):
        self._say(zvt.registration(password="000000", config=zvt.Config.OURS, line_width=32))
        self._listen(Command.COMPLETION, Command.ABORTED)
        self._say(
            zvt.authorisation(
                amount_tiyn=amount_tiyn,
                payer_iin=DRIVER.iin,
                reference=b"r" * 16,
                max_status_infos=8,
                card_timeout_seconds=5,
                sequence=2,
            )
        )
        self.completed = self._listen(Command.COMPLETION, Command.ABORTED) == Command.COMPLETION

    def end_day(self):
        self._say(zvt.Apdu(Command.END_OF_DAY, bytes(3)))
        self._listen(Command.COMPLETION, Command.ABORTED)

    def _say(self, message):
        for _ in range(20):
            if self.blocks.send(message):
                return

    def _listen(self, *ends):
        for _ in range(60):
            message = self.blocks.receive(15)
            if message is None:
                return None
            if message.answer:
                continue
            if message.command == Command.STATUS_INFORMATION:
                self.approved |= zvt_status.parse_status(message).approved
            self.blocks.send(zvt.good(sequence=_sequence(message)))
            if message.command in ends:
                return message.command
        return None


class _Ported:
    """A port as a wire."""

    def __init__(self, port):
        self._port = port

    def read(self, seconds):
        self._port.timeout = seconds
        return self._port.read(4096)

    def write(self, data):
        self._port.write(data)


def _sequence(message):
    try:
        return zvt.sequence_of(zvt.body_of(message))
    except ZvtMalformed:
        return None


class Counter:
    """A terminal, a host, a register; ``power_at`` is the step at which the battery falls out."""

    def __init__(self, folder, *, seed, power_at=None):
        self.world = World(seed=seed)
        self.weather = Weather()
        self.switch = Switch(cards=CARDS, now=self.world.now, late_seconds=12.0)
        self.cable = Cable(self.world, self.weather, "line")
        self.state = folder / "terminal.json"
        self.slot = Slot()
        self.slot.put(DRIVER.card)
        self._power_at = power_at
        self.power_went = False
        self._switch_on()
        self.register = Register(self.world, self.cable)

    def _switch_on(self):
        self.terminal = self.world.begin(self._live, "terminal")

    def _live(self):
        self.memory = Memory.load(self.state)
        Machine(
            wire=FaultyWire(self.cable.wire, seed=1),
            timers=TIMERS,
            host=Host(
                address=("", 0),
                terminal_number="00001042",
                merchant_number="398104",
                answer_seconds=8.0,
                connect=lambda: WayToHost(self.world, self.weather, self.switch, "host"),
                clock=self.world.clock,
            ),
            memory=self.memory,
            slot=self.slot,
            powered=lambda: True,
            told=self._told,
            card_seconds=5.0,
            clock=self.world.clock,
        ).live()

    def _told(self, step):
        if step == self._power_at and not self.power_went:
            self.power_went = True
            self.world.after(3, self._switch_on)
            self.terminal.kill()

    def run(self):
        sale = self.world.begin(self.register.sell, "register")
        self.world.run(until=lambda: not sale.is_alive(), seconds_max=3600)
        self.world.run(
            until=lambda: (
                self.terminal.is_alive() and not self.memory.owed and self.memory.in_flight is None
            ),
            seconds_max=3600,
        )
        self.world.close()


@pytest.mark.parametrize("faults", FAULTS.values(), ids=FAULTS.keys())
def test_whatever_the_host_does_a_sale_stands_or_is_taken_back_once(faults, tmp_path):
    for seed in range(SEEDS):
        dice = random.Random(seed)
        folder = tmp_path / str(seed)
        folder.mkdir()
        counter = Counter(folder, seed=seed)
        lost = dice.randrange(1, 6) if Fault.LOST_REVERSAL_ANSWER in faults else 0
        counter.switch.fault(*faults[: 1 + lost])

        counter.run()

        book = counter.switch.book
        kept = counter.register.completed
        assert len(book.standing) == kept == counter.register.approved
        assert book.reversal_effects == len(book.debits) - len(book.standing)
        assert kept == (faults == [Fault.DUPLICATE])
        assert book.reversal_messages >= (0 if kept else 1 + lost)
        assert counter.memory.owed == []


@pytest.mark.parametrize("step", STEPS)
def test_a_reversal_outlives_the_battery(step, tmp_path):
    for seed in range(SEEDS):
        folder = tmp_path / str(seed)
        folder.mkdir()
        counter = Counter(folder, seed=seed, power_at=step)
        dice = random.Random(seed)
        fault = dice.choice([None, Fault.BOOKED_NO_ANSWER, Fault.LATE])
        if step == "reversal_owed":
            fault = fault or Fault.NO_ANSWER
        if fault is not None:
            counter.switch.fault(fault)

        counter.run()

        book = counter.switch.book
        stored = counter.memory.receipt_number
        assert len(book.standing) == stored
        assert book.reversal_effects == len(book.debits) - len(book.standing)
        assert counter.register.completed <= stored


def test_what_is_owed_goes_before_anything_new(tmp_path):
    counter = Counter(tmp_path, seed=1)
    counter.switch.fault(Fault.BOOKED_NO_ANSWER, *[Fault.LOST_REVERSAL_ANSWER] * 3)
    said = []
    answer = counter.switch.answer
    counter.switch.answer = lambda message: said.append(message["t"]) or answer(message)

    counter.run()

    money = [kind for kind in said if kind != "0800"]
    assert money == ["0200", "0420", "0421", "0421", "0421"]
    assert counter.switch.book.reversal_effects == 1


def test_the_end_of_day_is_told_to_the_host_and_both_count_the_same(tmp_path):
    counter = Counter(tmp_path, seed=1)
    sell = counter.register.sell
    counter.register.sell = lambda: (sell(), counter.register.end_day())

    counter.run()

    assert counter.register.completed
    assert counter.switch.book.reconciliations == [("00001042", True)]
