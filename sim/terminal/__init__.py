"""The simulated card terminal: the other end of the same ZVT bytes, on a real serial line.

    with SimTerminal(link=Path("/tmp/terminal"), acquirer=acquirer.address) as terminal:
        terminal.insert_card(DRIVER.card)  # the cash register opens /tmp/terminal

It can be told to misbehave: ``terminal.line.is_cut``, ``terminal.line.flip_rate``,
``terminal.power_cut()``.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from sim.district import Card
from sim.printer import SimPrinter
from sim.terminal.abilities import Abilities, Printing
from sim.terminal.blocks import TerminalTimers
from sim.terminal.control import Control
from sim.terminal.host import Host
from sim.terminal.machine import Machine, PowerLost
from sim.terminal.memory import Memory
from sim.terminal.roll import Roll
from sim.terminal.slot import Slot
from sim.terminal.wire import FaultyWire, PtyWire, TcpWire, Wire

__all__ = ["Abilities", "Patience", "Printing", "SimTerminal", "TerminalTimers", "run"]

TERMINAL_NUMBER = "00001042"
MERCHANT_NUMBER = "398000000000104"


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long the terminal waits, in seconds: on the line, for the host, for a card."""

    line: TerminalTimers = field(default_factory=TerminalTimers)
    host_seconds: float = 30.0
    card_seconds: float = 60.0
    ask_again_seconds: float = 2.0  # after 84 9C


class SimTerminal:
    """A terminal in a thread of its own.

    Args:
        link: where the serial line appears as a pseudo-terminal; or ``tcp_port``, 0 for any.
        acquirer: host and port of the ISO 8583 host.
        patience: its timers.
        state: file for what survives a power cut; ``None`` keeps it in memory.
        can: which maker's terminal it is.
        on_step: hears each step by name in the terminal's thread, to strike at the right moment.
        roll: folder for the slips of its own printer; without one it prints none itself.
        seed: of the line's faults.
    """

    def __init__(  # noqa: PLR0913 - a terminal has that many knobs
        self,
        *,
        acquirer: tuple[str, int],
        link: Path | None = None,
        tcp_port: int | None = None,
        state: Path | None = None,
        patience: Patience | None = None,
        terminal_number: str = TERMINAL_NUMBER,
        merchant_number: str = MERCHANT_NUMBER,
        control_port: int | None = None,
        on_step: Callable[[str], None] | None = None,
        can: Abilities | None = None,
        roll: Path | None = None,
        seed: int = 1,
    ) -> None:
        if (link is None) == (tcp_port is None):
            raise ValueError("a terminal hangs on a link or on a TCP port")
        wire: Wire = (
            PtyWire(link) if link is not None else TcpWire(host="127.0.0.1", port=tcp_port or 0)
        )
        self.tcp_port = wire.port if isinstance(wire, TcpWire) else None
        self.line = FaultyWire(wire, seed=seed)
        self.on_step = on_step
        self._can = can or Abilities()
        self._roll = Roll(roll) if roll is not None else None
        self._slot = Slot()
        self._state = state
        self._memory = Memory.load(state)
        self._patience = patience or Patience()
        self._host = Host(
            address=acquirer,
            terminal_number=terminal_number,
            merchant_number=merchant_number,
            answer_seconds=self._patience.host_seconds,
        )
        self._power = threading.Event()
        self._power.set()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._live, name="terminal")
        self._control = Control(self, port=control_port) if control_port is not None else None

    def start(self) -> Self:
        """Switch on."""
        self._thread.start()
        if self._control is not None:
            self._control.start()
        return self

    def close(self) -> None:
        """Switch off and take the line away."""
        self._closing.set()
        if self._control is not None:
            self._control.close()
        if self._thread.ident is not None:
            self._thread.join()
        self.line.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def control_port(self) -> int | None:
        """The port of the loopback control, where there is one."""
        return self._control.port if self._control is not None else None

    def insert_card(self, card: Card) -> None:
        """Put a card into the slot; it is taken out when the sale has ended."""
        self._slot.put(card)

    def remove_card(self) -> None:
        """Take the card out."""
        self._slot.put(None)

    @property
    def card(self) -> Card | None:
        """The card in the slot."""
        return self._slot.card

    @property
    def owed_reversals(self) -> int:
        """How many reversals the acquirer has not answered yet."""
        return len(self._memory.owed)

    @property
    def last_receipt_number(self) -> int:
        """Of the last sale it keeps; 0 before the first."""
        return self._memory.receipt_number

    def power_cut(self) -> None:
        """Take the battery out; ``power_on`` puts it back. Only ``state`` survives."""
        self._power.clear()

    def power_on(self) -> None:
        """Put the battery back."""
        self._power.set()

    def _live(self) -> None:
        while not self._closing.is_set():
            if not self._power.wait(0.05):
                self.line.read(0)  # bytes to a dead terminal are lost
                continue
            if self._state is not None:
                self._memory = Memory.load(self._state)
            machine = Machine(
                wire=self.line,
                timers=self._patience.line,
                host=self._host,
                memory=self._memory,
                slot=self._slot,
                powered=lambda: self._power.is_set() and not self._closing.is_set(),
                told=self._told,
                card_seconds=self._patience.card_seconds,
                ask_again_seconds=self._patience.ask_again_seconds,
                can=self._can,
                roll=self._roll,
            )
            try:
                machine.live()
            except PowerLost:
                continue

    def _told(self, step: str) -> None:
        if self.on_step is not None:
            self.on_step(step)


def run(
    *,
    link: Path,
    acquirer: tuple[str, int],
    paper: Path,
    control_port: int = 0,
    stop: threading.Event | None = None,
) -> None:
    """Play a terminal at ``link`` and a slip printer beside it at ``link`` + ``-printer``."""
    ending = stop or threading.Event()
    printer_link = link.with_name(f"{link.name}-printer")
    with (
        SimPrinter(link=printer_link, folder=paper),
        SimTerminal(
            link=link,
            acquirer=acquirer,
            state=paper / "terminal.json",
            control_port=control_port,
            roll=paper,
        ) as terminal,
    ):
        print(f"terminal: ZVT on {link}", flush=True)
        print(f"printer:  ESC/POS on {printer_link}, papers in {paper}", flush=True)
        print(
            f'cards:    curl -d \'{{"card":"own"}}\' http://127.0.0.1:{terminal.control_port}/card',
            flush=True,
        )
        ending.wait()
