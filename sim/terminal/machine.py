"""The simulated card terminal: what it does with each ZVT command, sales apart."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from fines.wire import zvt, zvt_fields
from fines.wire.zvt import Apdu, Code, Command
from fines.wire.zvt_card import with_name
from fines.wire.zvt_errors import ZvtMalformed
from fines.wire.zvt_status import status_information
from sim.clock import SYSTEM, Clock
from sim.terminal import iso
from sim.terminal.abilities import Abilities
from sim.terminal.bare import BareBlocks
from sim.terminal.blocks import Blocks, TerminalTimers
from sim.terminal.day import Day
from sim.terminal.dialogue import Dialogue, sequence_of
from sim.terminal.host import Host, NoAnswer
from sim.terminal.memory import Memory
from sim.terminal.roll import Roll
from sim.terminal.sales import Sales
from sim.terminal.slot import Slot
from sim.terminal.wire import FaultyWire

_ASK_AGAIN_SECONDS: Final = 2.0  # after 84 9C (PA00P015 2.2.8)


_CONFIG_AT: Final = 3  # of a registration, behind the password


class PowerLost(Exception):
    """The battery is out: everything but ``Memory`` is forgotten."""


@dataclass(kw_only=True)
class Machine:
    """One powered-on life of the terminal. ``told`` hears each step by name, in this thread."""

    wire: FaultyWire
    timers: TerminalTimers
    host: Host
    memory: Memory
    slot: Slot
    powered: Callable[[], bool]
    told: Callable[[str], None]
    card_seconds: float
    ask_again_seconds: float = _ASK_AGAIN_SECONDS
    clock: Clock = SYSTEM
    can: Abilities = field(default_factory=Abilities)
    roll: Roll | None = None

    def __post_init__(self) -> None:
        blocks: Blocks | BareBlocks = (
            BareBlocks(wire=self.wire, alive=self._alive, clock=self.clock)
            if self.can.bare
            else Blocks(wire=self.wire, timers=self.timers, alive=self._alive, clock=self.clock)
        )
        self._blocks = blocks
        self._talk = Dialogue(blocks=blocks, t3_seconds=self.timers.t3_seconds, clock=self.clock)
        self._sales = Sales(
            blocks=blocks,
            talk=self._talk,
            host=self.host,
            memory=self.memory,
            slot=self.slot,
            step=self._step,
            card_seconds=self.card_seconds,
            ask_again_seconds=self.ask_again_seconds,
            can=self.can,
            clock=self.clock,
            roll=self.roll,
        )
        self._day = Day(
            talk=self._talk,
            memory=self.memory,
            terminal_number=self.host.terminal_number,
            settle_owed=self._sales.settle_owed,
            reconcile=self._reconcile,
            step=self._step,
            tells_turnover=self.can.tells_turnover,
        )
        self._registered = False
        self._seen_sequence: int | None = None

    def live(self) -> None:
        """Serve until the power goes.

        Raises:
            PowerLost: it went.
        """
        self.memory.owe_reversal()  # a sale found in flight at start-up was never finished
        while True:
            message = self._blocks.receive(0.1)
            if message is not None and not message.answer:
                try:
                    self._obey(message)
                except ZvtMalformed:
                    self._talk.refuse(Code.PROTOCOL_ERROR)
            elif self.clock.monotonic() >= self._sales.owed_next:
                self._sales.settle_owed()

    def _alive(self) -> None:
        if not self.powered():
            raise PowerLost

    def _step(self, name: str) -> None:
        self.told(name)
        self._alive()

    # ------------------------------------------------------------------ commands

    def _obey(self, message: Apdu) -> None:
        orders: dict[int, Callable[[Apdu], None]] = {
            Command.REGISTRATION: self._register,
            Command.STATUS_ENQUIRY: self._tell_status,
            Command.AUTHORISATION: self._sales.authorise,
            Command.REPEAT_RECEIPT: self._repeat_receipt,
            Command.READ_CARD: self._read_card,
            Command.TURNOVER: self._day.turnover,
            Command.END_OF_DAY: self._day.end,
            Command.REVERSAL: self._day.reverse,
            Command.ABORT: self._talk.good,
            Command.LOG_OFF: self._log_off,
        }
        order = orders.get(message.command)
        if order is None:
            self._talk.refuse(Code.NOT_POSSIBLE)
        elif message.command == Command.REGISTRATION:
            order(message)
        elif not self._registered:
            self._talk.refuse(Code.NOT_REGISTERED)
        elif self._is_repeat(message):
            self._talk.good(message)  # the same command come twice: once is done
        else:
            order(message)

    def _is_repeat(self, message: Apdu) -> bool:
        number = sequence_of(message)
        if number is None or message.command == Command.ABORT:
            return False
        repeated = number == self._seen_sequence
        self._seen_sequence = number
        return repeated

    def _log_off(self, message: Apdu) -> None:
        self._registered = False
        self._talk.good(message)

    def _reconcile(self, count: int, sum_tiyn: int) -> None:
        """Tell the host what the closed day holds; its view is the acquirer's to explain."""
        self.memory.trace_number = self.memory.trace_number % 999_999 + 1
        try:
            balanced = self.host.reconcile(
                count=count, sum_tiyn=sum_tiyn, trace_number=self.memory.trace_number
            )
        except (iso.LinkDown, NoAnswer):
            self._step("day_not_told_to_host")
        else:
            self._step("day_in_balance" if balanced else "day_out_of_balance")

    def _register(self, message: Apdu) -> None:
        asked = zvt.body_of(message)
        numbered = self.can.numbers_messages and asked.tlv(zvt.TAG_SEQUENCE) is not None
        self._talk.numbered = numbered
        config = message.data[_CONFIG_AT] if len(message.data) > _CONFIG_AT else 0
        self._sales.prints_itself = not config & zvt.Config.ECR_PRINTS_SLIPS
        self._seen_sequence = None
        self._registered = True
        self._talk.good(Apdu(message.command))
        with contextlib.suppress(iso.LinkDown, NoAnswer):  # it will show at the first sale
            self.host.sign_on(trace_number=self.memory.trace_number)
        bmps = {
            zvt_fields.PAYMENT_TYPE: b"\0",
            zvt_fields.TERMINAL_ID: zvt_fields.bcd(self.host.terminal_number, 4),
            zvt_fields.CURRENCY: zvt_fields.bcd(zvt.KZT, 2),
        }
        charset = zvt_fields.Tlv(zvt.TAG_CHARSET, bytes([zvt.UTF_8]))
        self._talk.ask(Command.COMPLETION, zvt_fields.Fields(bmps, (charset,)))

    def _tell_status(self, message: Apdu) -> None:
        self._talk.good(message)
        version = b"sim 1.0"
        head = bytes([0xF0, 0xF0, 0xF0 + len(version)]) + version + b"\0"
        if self._blocks.send(Apdu(Command.COMPLETION, head)):
            self._talk.answer_to(None)

    def _repeat_receipt(self, message: Apdu) -> None:
        self._talk.good(message)
        if self.memory.last is None:
            self._talk.end(Code.NOT_POSSIBLE)
            return
        self._talk.tell(self.memory.last)
        self._talk.ask(Command.COMPLETION)

    def _read_card(self, message: Apdu) -> None:
        if not self.can.reads_cards:
            self._talk.refuse(Code.NOT_POSSIBLE)
            return
        seconds = float(message.data[0]) if message.data else self.card_seconds
        self._talk.good(message)
        self._talk.aborted = False
        card = self._sales.wait_for_card(min(seconds, self.card_seconds))
        if card is None:
            self._talk.end(Code.ABORTED)
            return
        told = status_information(self._sales.card_facts(card))
        name = card.holder_name.encode("latin-1", "replace") if self.can.tells_name else b""
        self._talk.tell_raw(lambda number: with_name(told, name, sequence=number))
