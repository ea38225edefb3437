"""The terminal's line to the acquirer: one connection per exchange, as mobile terminals do."""

import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol
from zoneinfo import ZoneInfo

import iso8583

from sim.clock import SYSTEM, Clock
from sim.district import Card
from sim.terminal import iso
from sim.terminal.iso import LinkDown

_ZONE = ZoneInfo("Asia/Almaty")
_MESSAGES_MAX = 16  # read in one exchange: late answers to others may come first


class NoAnswer(Exception):
    """The host was reached and said nothing fitting in time: the outcome is unknown."""


class Link(Protocol):
    """One connection to the acquirer."""

    def send(self, message: iso.Message) -> None:
        """Send, or raise ``OSError`` or ``LinkDown``; the host may have it all the same."""

    def receive(self, seconds: float) -> iso.Message | None:
        """Return the next message; ``None`` when the host hung up; ``TimeoutError`` in time."""

    def close(self) -> None:
        """Hang up."""


class TcpLink:
    """A connection over TCP.

    Raises:
        OSError: nobody listens there; nothing was sent.
    """

    def __init__(self, address: tuple[str, int], seconds: float) -> None:
        self._connection = socket.create_connection(address, timeout=seconds)

    def send(self, message: iso.Message) -> None:
        """See ``Link``."""
        iso.send(self._connection, message)

    def receive(self, seconds: float) -> iso.Message | None:
        """See ``Link``."""
        self._connection.settimeout(seconds)
        return iso.receive(self._connection)

    def close(self) -> None:
        """See ``Link``."""
        self._connection.close()


@dataclass(frozen=True, kw_only=True)
class Host:
    """Where the acquirer is and who we are to it. ``connect`` replaces the TCP connection."""

    address: tuple[str, int]
    terminal_number: str
    merchant_number: str
    answer_seconds: float
    connect: Callable[[], Link] | None = None
    clock: Clock = SYSTEM

    def sale(
        self, *, card: Card, amount_tiyn: int, payer_iin: str, trace_number: int
    ) -> iso.Message:
        """Return the 0200 for a chip card with online PIN (taken as right)."""
        now = self.clock.now()
        local = now.astimezone(_ZONE)
        return {
            "t": iso.SALE,
            "2": card.pan,
            "3": iso.PURCHASE,
            "4": f"{amount_tiyn:012d}",
            "7": f"{now:%m%d%H%M%S}",
            "11": f"{trace_number:06d}",
            "12": f"{local:%H%M%S}",
            "13": f"{local:%m%d}",
            "14": card.expiry,
            "18": iso.MERCHANT_CATEGORY_FINES,
            "22": iso.CHIP,
            "25": "00",
            "41": self.terminal_number,
            "42": self.merchant_number.ljust(15),
            "48": iso.pack_private({iso.PAYER_IIN: payer_iin}),
            "49": iso.KZT,
        }

    @staticmethod
    def reversal_of(sale: iso.Message, *, reason: str) -> iso.Message:
        """Return the 0420 that takes ``sale`` back; it names no card."""
        kept = {name: sale[name] for name in ("3", "4", "7", "11", "12", "13", "41", "42", "49")}
        return {"t": iso.REVERSAL, **kept, "39": reason, "90": iso.original(sale)}

    def sign_on(self, *, trace_number: int) -> None:
        """Say 0800.

        Raises:
            LinkDown, NoAnswer: nobody is there.
        """
        self._network(iso.SIGN_ON, trace_number)

    def sign_off(self, *, trace_number: int) -> None:
        """Say 0800 with 002; raises as ``sign_on``."""
        self._network(iso.SIGN_OFF, trace_number)

    def echo(self, *, trace_number: int) -> None:
        """Say 0800 with 301; raises as ``sign_on``."""
        self._network(iso.ECHO, trace_number)

    def reconcile(self, *, count: int, sum_tiyn: int, trace_number: int) -> bool:
        """Say 0500 with the sales that are kept; return whether the host counts the same.

        Owed reversals go first: the host still counts what they take back.

        Raises:
            LinkDown: nothing was sent. NoAnswer: it is to be asked again.
        """
        message = {
            "t": iso.RECONCILIATION,
            "7": f"{self.clock.now():%m%d%H%M%S}",
            "11": f"{trace_number:06d}",
            "41": self.terminal_number,
            "42": self.merchant_number.ljust(15),
            "74": "0" * 10,
            "76": f"{count:010d}",
            "86": "0" * 16,
            "88": f"{sum_tiyn:016d}",
        }
        answer = self.exchange(message, expected=iso.RECONCILIATION_ANSWER)
        return answer.get("39") == "00" and answer.get("66") == iso.IN_BALANCE

    def _network(self, code: str, trace_number: int) -> None:
        message = {
            "t": iso.NETWORK,
            "7": f"{self.clock.now():%m%d%H%M%S}",
            "11": f"{trace_number:06d}",
            "41": self.terminal_number,
            "70": code,
        }
        self.exchange(message, expected=iso.NETWORK_ANSWER)

    def exchange(self, message: iso.Message, *, expected: str) -> iso.Message:
        """Send and return the answer that fits; others that come first are dropped.

        Raises:
            LinkDown: nothing was sent. NoAnswer: it was, and what became of it is unknown.
        """
        try:
            link = self.connect() if self.connect else TcpLink(self.address, self.answer_seconds)
        except OSError as error:
            raise LinkDown("the acquirer cannot be reached") from error
        end = self.clock.monotonic() + self.answer_seconds
        try:
            link.send(message)
            for _ in range(_MESSAGES_MAX):
                left = end - self.clock.monotonic()
                answer = link.receive(left) if left > 0 else None
                if answer is None:
                    break
                if _fits(answer, message, expected):
                    return answer
        except (OSError, LinkDown, iso8583.EncodeError) as error:
            raise NoAnswer("the acquirer fell silent") from error
        finally:
            link.close()
        raise NoAnswer("no fitting answer")


def _fits(answer: iso.Message, message: iso.Message, expected: str) -> bool:
    # The transmission time too: a STAN comes again, after a million messages or a new memory.
    same = all(answer.get(name) == message[name] for name in ("7", "11", "41"))
    return answer["t"] == expected and same and "39" in answer
