"""The terminal's line to the acquirer: one connection per exchange, as mobile terminals do."""

import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import iso8583

from sim.district import Card
from sim.terminal import iso
from sim.terminal.iso import LinkDown

_ZONE = ZoneInfo("Asia/Almaty")


class NoAnswer(Exception):
    """The host was reached and said nothing fitting in time: the outcome is unknown."""


@dataclass(frozen=True, kw_only=True)
class Host:
    """Where the acquirer is and who we are to it."""

    address: tuple[str, int]
    terminal_number: str
    merchant_number: str
    answer_seconds: float

    def sale(
        self, *, card: Card, amount_tiyn: int, payer_iin: str, trace_number: int
    ) -> iso.Message:
        """Return the 0200 for a chip card with online PIN (taken as right)."""
        now = datetime.now(UTC)
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
        message = {
            "t": iso.NETWORK,
            "7": f"{datetime.now(UTC):%m%d%H%M%S}",
            "11": f"{trace_number:06d}",
            "41": self.terminal_number,
            "70": iso.SIGN_ON,
        }
        self.exchange(message, expected=iso.NETWORK_ANSWER)

    def exchange(self, message: iso.Message, *, expected: str) -> iso.Message:
        """Send and return the answer that fits.

        Raises:
            LinkDown: nothing was sent. NoAnswer: it was, and what became of it is unknown.
        """
        try:
            connection = socket.create_connection(self.address, timeout=self.answer_seconds)
        except OSError as error:
            raise LinkDown("the acquirer cannot be reached") from error
        with connection:
            connection.settimeout(self.answer_seconds)
            try:
                iso.send(connection, message)
                answer = iso.receive(connection)
            except (OSError, LinkDown, iso8583.EncodeError) as error:
                raise NoAnswer("the acquirer fell silent") from error
        if answer is None or answer["t"] != expected or answer.get("11") != message["11"]:
            raise NoAnswer("no fitting answer")
        return answer
