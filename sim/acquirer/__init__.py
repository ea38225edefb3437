"""The simulated acquirer and issuer: an ISO 8583 host on TCP that knows whose card it is.

    with SimAcquirer(cards=CARDS) as acquirer:
        terminal = SimTerminal(link=path, acquirer=acquirer.address, ...)
        ...
        assert acquirer.book.debited_tiyn == 0
        settlement = acquirer.end_of_day(day=date(2026, 11, 23))

``acquirer.fault(Fault.NO_ANSWER)`` makes the next sale misbehave. Every card and person is
invented (``sim.district``).
"""

import contextlib
import socket
import socketserver
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final, Self
from uuid import UUID

from fines.wire.instruction import SheetNotValid
from sim.acquirer.book import Book, Debit, Fault, Refund
from sim.acquirer.switch import Answer, Switch
from sim.district import CARDS, LAW_ZONE, Card
from sim.terminal import iso

__all__ = [
    "Answer",
    "Book",
    "Debit",
    "Fault",
    "Refund",
    "SimAcquirer",
    "Switch",
    "run",
    "take_instructions",
]

READ_SECONDS: Final = 30.0
_DAY_POLL_SECONDS: Final = 5.0


def _now() -> datetime:
    return datetime.now(UTC)


class SimAcquirer:
    """The host on a TCP port; what it answers is ``switch``'s."""

    def __init__(
        self,
        *,
        cards: Iterable[Card] = CARDS,
        host: str = "127.0.0.1",
        port: int = 0,
        late_seconds: float = 2.0,
        now: Callable[[], datetime] = _now,
    ) -> None:
        self.switch = Switch(cards=cards, now=now, late_seconds=late_seconds)
        self._closing = threading.Event()
        self._server = _Server((host, port), self.switch, self._closing)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="acquirer"
        )

    @property
    def book(self) -> Book:
        """What it has booked; a fresh one may be put in its place."""
        return self.switch.book

    @book.setter
    def book(self, book: Book) -> None:
        self.switch.book = book

    @property
    def ownership(self) -> dict[str, str]:
        """What the issuer says of cards by their key instead of the truth (U, S, N, ...)."""
        return self.switch.ownership

    @property
    def approves_unchecked(self) -> bool:
        """Whether cards of issuers that have no check of the owner are approved."""
        return self.switch.approves_unchecked

    @approves_unchecked.setter
    def approves_unchecked(self, value: bool) -> None:
        self.switch.approves_unchecked = value

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that the terminal connects to."""
        host, port = self._server.server_address[:2]
        return str(host), int(port)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self.address[1]

    def start(self) -> Self:
        """Listen."""
        self._thread.start()
        return self

    def close(self) -> None:
        """Stop listening and end every connection."""
        self._closing.set()
        if self._thread.ident is not None:
            self._server.shutdown()
            self._thread.join()
        self._server.hang_up()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def fault(self, *faults: Fault) -> None:
        """Misbehave with the next messages, one fault each."""
        self.switch.fault(*faults)

    def answer(self, message: iso.Message) -> list[iso.Message]:
        """Return what goes back for a message, however late."""
        return [answer.message for answer in self.switch.answer(message)]

    def refund(self, *, instruction: str, rrn: str, amount_tiyn: int) -> tuple[str, Refund | None]:
        """Carry out an instructed refund; see ``Switch.refund``."""
        return self.switch.refund(instruction=instruction, rrn=rrn, amount_tiyn=amount_tiyn)

    def carry_out(self, content: bytes) -> dict[UUID, str]:
        """Carry out a refund instruction file; see ``Switch.carry_out``."""
        return self.switch.carry_out(content)

    def end_of_day(self, *, day: date, fee_basis_points: int = 0) -> bytes:
        """Close the day and return its settlement file."""
        return self.switch.end_of_day(day=day, fee_basis_points=fee_basis_points)


class _Handler(socketserver.BaseRequestHandler):
    server: "_Server"

    def handle(self) -> None:
        connection: socket.socket = self.request
        connection.settimeout(READ_SECONDS)
        self.server.open.add(connection)
        try:
            with contextlib.suppress(OSError, iso.LinkDown):
                while (message := iso.receive(connection)) is not None:
                    for answer in self.server.switch.answer(message):
                        self.server.closing.wait(answer.after_seconds)
                        iso.send(connection, answer.message)
        finally:
            self.server.open.discard(connection)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = False
    block_on_close = True

    def __init__(self, address: tuple[str, int], switch: Switch, closing: threading.Event) -> None:
        self.switch, self.closing = switch, closing
        self.open: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def hang_up(self) -> None:
        for connection in list(self.open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def run(
    *,
    port: int = 8712,
    settlements: Path | None = None,
    instructions: Path | None = None,
    stop: threading.Event,
) -> None:
    """Serve until ``stop`` is set; at the end of each day write its file into ``settlements``.

    What appears in ``instructions`` as ``*.csv`` is carried out and told by the next file.
    """
    with SimAcquirer(port=port) as acquirer:
        print(f"acquirer: ISO 8583 on {acquirer.address[0]}:{acquirer.address[1]}", flush=True)
        if settlements is not None:
            print(f"settlement files in {settlements}", flush=True)
            settlements.mkdir(parents=True, exist_ok=True)
        day = datetime.now(LAW_ZONE).date()
        if instructions is not None:
            print(f"refund instructions from {instructions}", flush=True)
            instructions.mkdir(parents=True, exist_ok=True)
        while not stop.wait(_DAY_POLL_SECONDS):
            if instructions is not None:
                take_instructions(instructions, acquirer)
            today = datetime.now(LAW_ZONE).date()
            if settlements is not None and today != day:
                _write_file(settlements, acquirer, day)
                day = today
        if instructions is not None:
            take_instructions(instructions, acquirer)
        if settlements is not None:
            _write_file(settlements, acquirer, day)


def take_instructions(folder: Path, acquirer: SimAcquirer | Switch) -> None:
    """Carry out each instruction in ``folder`` and put it aside as ``.done`` or ``.refused``."""
    for file in sorted(folder.glob("*.csv")):
        try:
            codes = acquirer.carry_out(file.read_bytes())
        except SheetNotValid as error:
            print(f"instruction {file.name}: refused: {error}", flush=True)
            file.rename(file.with_suffix(".refused"))
            continue
        for refund_id, code in codes.items():
            print(f"refund {refund_id}: {code}", flush=True)
        file.rename(file.with_suffix(".done"))


def _write_file(folder: Path, acquirer: SimAcquirer, day: date) -> None:
    file = folder / f"settlement-{day}-{datetime.now(UTC):%H%M%S}.csv"
    fresh = file.with_suffix(".part")
    fresh.write_bytes(acquirer.end_of_day(day=day))
    fresh.replace(file)
