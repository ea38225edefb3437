"""The simulated acquirer and issuer: an ISO 8583 host on TCP that knows whose card it is.

    with SimAcquirer(cards=CARDS) as acquirer:
        terminal = SimTerminal(link=path, acquirer=acquirer.address, ...)
        ...
        assert acquirer.book.debited_tiyn == 0

``acquirer.fault(Fault.NO_ANSWER)`` makes the next sale misbehave. Every card and person is
invented (``sim.district``).
"""

import contextlib
import enum
import socket
import socketserver
import threading
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Self

from sim.district import CARDS, Card
from sim.terminal import iso

READ_SECONDS: Final = 30.0
_NO_MATCH, _UNPROVEN, _NO_CHECK = "N", frozenset("UD"), "S"
# What an issuer cannot attest, in words of the street; "slow" is its check, given up in time.
_TOLD: Final = {"joint account": "U", "wallet token": "U", "check down": "D", "check slow": "D"}
_CHECK_SECONDS: Final = 0.05


class Fault(enum.Enum):
    """What the host does wrong with the next message of its kind."""

    DOWN = "down"  # DE39 91
    NO_ANSWER = "no_answer"  # nothing booked, nothing said
    BOOKED_NO_ANSWER = "booked_no_answer"  # the money moves, the answer is lost
    LATE = "late"  # booked, answered after ``late_seconds``
    WRONG_STAN = "wrong_stan"
    PARTIAL = "partial"  # DE39 10
    LOST_REVERSAL_ANSWER = "lost_reversal_answer"  # of the next 0420


@dataclass
class Debit:
    """One booked sale. The card is named by its key, never by its number."""

    key: tuple[str, str, str]
    card: str
    amount_tiyn: int
    rrn: str
    approval_code: str
    reversed: bool = False


@dataclass
class Book:
    """What the issuer has booked and refused; tests read it."""

    debits: list[Debit] = field(default_factory=list)
    declines: list[tuple[str, str]] = field(default_factory=list)  # card key, DE39
    reversal_messages: int = 0  # 0420 and 0421 received, repeats too
    sign_ons: int = 0

    @property
    def standing(self) -> list[Debit]:
        """Debits that were not taken back."""
        return [debit for debit in self.debits if not debit.reversed]

    @property
    def debited_tiyn(self) -> int:
        """Money taken and kept."""
        return sum(debit.amount_tiyn for debit in self.standing)


class SimAcquirer:
    """The host. ``ownership`` overrides the issuer's answer about a card by its key (U, S, ...)."""

    def __init__(
        self,
        *,
        cards: Iterable[Card] = CARDS,
        host: str = "127.0.0.1",
        port: int = 0,
        late_seconds: float = 2.0,
    ) -> None:
        self._cards = {card.pan: card for card in cards}
        self._balances = {card.pan: card.balance_tiyn for card in self._cards.values()}
        self.ownership: dict[str, str] = {}
        self.approves_unchecked = False  # cards of issuers that have no check of the owner
        self.book = Book()
        self.late_seconds = late_seconds
        self._faults: deque[Fault] = deque()
        self._dead_keys: set[tuple[str, str, str]] = set()  # reversed before they came
        self._serial = 0
        self._lock = threading.Lock()
        self._server = _Server((host, port), self)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="acquirer"
        )

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
        with self._lock:
            self._faults.extend(faults)

    def answer(self, message: iso.Message) -> list[iso.Message]:
        """Return what goes back for a message: usually one answer, under a fault none."""
        if message["t"] == iso.NETWORK:
            with self._lock:
                self.book.sign_ons += 1
            return [_reply(message, iso.NETWORK_ANSWER, "00")]
        if message["t"] in (iso.REVERSAL, iso.REVERSAL_REPEAT):
            return self._reverse(message)
        if message["t"] == iso.SALE:
            return self._sell(message)
        return [_reply(message, message["t"][:2] + "30", "12")]

    def _take_fault(self, *, reversal: bool) -> Fault | None:
        if self._faults and (self._faults[0] is Fault.LOST_REVERSAL_ANSWER) is reversal:
            return self._faults.popleft()
        return None

    def _sell(self, message: iso.Message) -> list[iso.Message]:
        with self._lock:
            fault = self._take_fault(reversal=False)
            if fault is Fault.NO_ANSWER:
                return []
            if fault in (Fault.DOWN, Fault.PARTIAL):
                return [_reply(message, iso.SALE_ANSWER, "91" if fault is Fault.DOWN else "10")]
            answer = self._decide(message)
        if fault is Fault.BOOKED_NO_ANSWER:
            return []
        if fault is Fault.LATE:
            time.sleep(self.late_seconds)
        if fault is Fault.WRONG_STAN:
            answer["11"] = f"{(int(answer['11']) + 1) % 1_000_000:06d}"
        return [answer]

    def _decide(self, message: iso.Message) -> iso.Message:
        card = self._cards.get(message.get("2", ""))
        owner = self._owner(card, iso.parse_private(message.get("48", "")).get(iso.PAYER_IIN, ""))
        code = self._refusal(message, card, owner)
        private = {"48": iso.pack_private({iso.OWNER: owner})}
        if code is not None or card is None:
            self.book.declines.append((card.key if card else "unknown", code or "14"))
            return _reply(message, iso.SALE_ANSWER, code or "14") | private
        amount = int(message["4"])
        self._balances[card.pan] -= amount
        self._serial += 1
        debit = Debit(
            iso.key_of(message), card.key, amount, f"6{self._serial:011d}", f"A{self._serial:05d}"
        )
        self.book.debits.append(debit)
        approved = {"37": debit.rrn, "38": debit.approval_code}
        return _reply(message, iso.SALE_ANSWER, "00") | private | approved

    def _owner(self, card: Card | None, payer_iin: str) -> str:
        if card is None:
            return "U"
        told = "M" if payer_iin == card.holder_iin else _NO_MATCH
        answer = self.ownership.get(card.key, told)
        if answer == "check slow":
            time.sleep(_CHECK_SECONDS)
        return _TOLD.get(answer, answer)

    def _refusal(self, message: iso.Message, card: Card | None, owner: str) -> str | None:
        """Return DE39 of a refusal. The owner is asked first: nothing else is told of others."""
        if card is None:
            return "14"
        key = iso.key_of(message)
        if key in self._dead_keys or any(debit.key == key for debit in self.book.debits):
            return "94"
        refusals = (
            (message.get("49") != iso.KZT, "12"),
            (owner == _NO_MATCH or owner in _UNPROVEN, "57"),
            (owner == _NO_CHECK and not self.approves_unchecked, "57"),
            (card.expiry < f"{datetime.now(UTC):%y%m}", "54"),
            (self._balances[card.pan] < int(message["4"]), "51"),
        )
        return next((code for refused, code in refusals if refused), None)

    def _reverse(self, message: iso.Message) -> list[iso.Message]:
        """Take a sale back, once however often it is asked; an unknown one can come no more."""
        with self._lock:
            fault = self._take_fault(reversal=True)
            self.book.reversal_messages += 1
            key = iso.key_of(message)
            self._dead_keys.add(key)
            known = [debit for debit in self.book.debits if debit.key == key]
            for debit in known:
                if not debit.reversed:
                    debit.reversed = True
                    pan = next(card.pan for card in self._cards.values() if card.key == debit.card)
                    self._balances[pan] += debit.amount_tiyn
        if fault is not None:
            return []
        return [_reply(message, iso.REVERSAL_ANSWER, "00" if known else "25")]


def _reply(message: iso.Message, kind: str, code: str) -> iso.Message:
    kept = ("3", "4", "7", "11", "12", "13", "41", "42", "49", "70")
    return {"t": kind, **{name: message[name] for name in kept if name in message}, "39": code}


class _Handler(socketserver.BaseRequestHandler):
    server: "_Server"

    def handle(self) -> None:
        connection: socket.socket = self.request
        connection.settimeout(READ_SECONDS)
        self.server.open.add(connection)
        try:
            with contextlib.suppress(OSError, iso.LinkDown):
                while (message := iso.receive(connection)) is not None:
                    for answer in self.server.acquirer.answer(message):
                        iso.send(connection, answer)
        finally:
            self.server.open.discard(connection)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = False
    block_on_close = True

    def __init__(self, address: tuple[str, int], acquirer: SimAcquirer) -> None:
        self.acquirer = acquirer
        self.open: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def hang_up(self) -> None:
        for connection in list(self.open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def run(*, port: int = 8712, stop: threading.Event) -> None:
    """Serve until ``stop`` is set."""
    with SimAcquirer(port=port) as acquirer:
        print(f"acquirer: ISO 8583 on {acquirer.address[0]}:{acquirer.address[1]}", flush=True)
        stop.wait()
