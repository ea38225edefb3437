"""The ZVT driver: nexo-like verbs over PA00P015 messages.

The rule that everything here serves (PA00P015 2.2.8): the terminal keeps a sale only after 80 00
to its status information; any other answer, or none, makes it reverse the sale by itself.
"""

import hashlib
import hmac
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from pydantic import ValidationError

from fines.field.driver import (
    CardSeen,
    Decision,
    SaleEnd,
    SaleRequest,
    StoredSale,
    TerminalRefused,
)
from fines.field.line import Line, LineSilent, Timers
from fines.field.reasons import OWNERS, reason_of_refusal
from fines.field.zvt_sale import SaleDialogue, sequence_of
from fines.wire import zvt, zvt_status
from fines.wire.protocol import Approval, OwnerVerdict, Reason, Result
from fines.wire.zvt import Apdu, Code, Command
from fines.wire.zvt_errors import ZvtMalformed
from fines.wire.zvt_fields import TERMINAL_ID, digits
from fines.wire.zvt_status import StatusInformation

log = logging.getLogger(__name__)

_DRAIN_SECONDS = 0.3  # longer than T1: a block on its way is heard to its end
_STRAYS_MAX = 64
_UUID_BYTES = 16


@dataclass(kw_only=True)
class ZvtDriver:
    """Drives one terminal. ``card_ref_key`` keys the terminal's card item where it gives no PAR.

    ``max_status_infos`` bounds how often the terminal asks again while the server thinks.
    """

    line: Line
    timers: Timers
    card_ref_key: bytes = field(repr=False)
    now: Callable[[], datetime]
    password: str = "000000"  # noqa: S105 - the maker's default, not a secret: it opens no money
    max_status_infos: int = 8
    name: str = "zvt"
    _sequence: int = 0
    _abort: threading.Event = field(default_factory=threading.Event)

    def close(self) -> None:
        """Let the line go."""
        self.line.close()

    def abort(self) -> None:
        """Ask the terminal to give up as soon as the sale loop looks up."""
        self._abort.set()

    def login(self) -> str:
        """Register, barring amounts and voids keyed on the terminal; return its number."""
        self._drain()
        try:
            self._command(self._registration)
        except TerminalRefused as refusal:
            if refusal.code != Code.PLEASE_WAIT:
                raise
            # A sale of an earlier run still waits for a card: nobody would commit it.
            self.line.send(Apdu(Command.ABORT))
            self._drain()
            self._command(self._registration)
        number = ""
        for message in self._messages():
            self._answer(message, zvt.good)
            if message.command == Command.COMPLETION:
                packed = zvt.body_of(message).bmps.get(TERMINAL_ID)
                number = digits(packed) if packed else ""
                break
            if message.command == Command.ABORTED:
                raise TerminalRefused(message.data[0] if message.data else Code.SYSTEM_ERROR)
        return number

    def _registration(self, number: int) -> Apdu:
        return zvt.registration(password=self.password, config=zvt.Config.OURS, sequence=number)

    def status(self) -> int:
        """Return the status code of 05 01; 0 is ready."""
        self._command(lambda _number: Apdu(Command.STATUS_ENQUIRY))
        for message in self._messages():
            self._answer(message, zvt.good)
            if message.command == Command.COMPLETION:
                return _status_byte(message.data)
        raise LineSilent("no end of the status enquiry")

    def card_acquisition(self, *, timeout_seconds: int) -> CardSeen | None:
        """Read the card by 06 C0; ``None`` when none came or the terminal cannot."""
        try:
            self._command(
                lambda number: zvt.read_card(timeout_seconds=timeout_seconds, sequence=number)
            )
        except TerminalRefused:
            return None
        for message in self._messages(timeout_seconds=timeout_seconds + self.timers.t3_seconds):
            self._answer(message, zvt.good)
            if message.command == Command.STATUS_INFORMATION:
                status = zvt_status.parse_status(message)
                if not status.approved:
                    return None
                reference, kind = self._card_ref(status)
                return CardSeen(
                    brand=status.brand,
                    card_masked=status.card_masked,
                    card_ref=reference,
                    card_ref_kind=kind,
                )
            if message.command == Command.ABORTED:
                return None
        return None

    def last_result(self) -> StoredSale | None:
        """Ask 06 20 with service 03: the last sale the terminal keeps, without printing it."""
        self._command(lambda number: zvt.repeat_receipt(password=self.password, sequence=number))
        stored: StoredSale | None = None
        for message in self._messages():
            self._answer(message, zvt.good)
            if message.command == Command.STATUS_INFORMATION:
                stored = self._stored(message)
            if message.command == Command.COMPLETION:
                return stored
            if message.command == Command.ABORTED:
                code = message.data[0] if message.data else Code.SYSTEM_ERROR
                if code == Code.NOT_POSSIBLE:
                    return None
                raise TerminalRefused(code)
        raise LineSilent("no end of the repeated receipt")

    def sale(
        self,
        request: SaleRequest,
        *,
        decide: Callable[[Approval], Decision],
        progress: Callable[[str], None],
    ) -> SaleEnd:
        """Sell once by 06 01. Never called again for the same order, whatever happens."""
        self._abort.clear()
        try:
            self._command(
                lambda number: zvt.authorisation(
                    amount_tiyn=request.amount_tiyn,
                    payer_iin=request.payer_iin,
                    reference=request.order_id.bytes,
                    max_status_infos=self.max_status_infos,
                    card_timeout_seconds=request.card_timeout_seconds,
                    sequence=number,
                )
            )
            return SaleDialogue(
                line=self.line,
                t4_seconds=self.timers.t4_seconds,
                request=request,
                decide=decide,
                progress=progress,
                approval_of=self.approval_of,
                abort_wanted=lambda: self._abort.is_set() or self.now() >= request.expires_at,
            ).run()
        except LineSilent:
            return SaleEnd(result=Result.UNKNOWN, reason=Reason.LINE_SILENT)
        except TerminalRefused as refusal:
            return SaleEnd(
                result=Result.DECLINED,
                reason=reason_of_refusal(refusal.code),
                terminal_code=f"{refusal.code:02X}",
            )

    def approval_of(self, status: StatusInformation) -> Approval | None:
        """Return an approval as the server wants it; ``None`` where the terminal left gaps."""
        reference, kind = self._card_ref(status)
        try:
            return Approval(
                amount_tiyn=status.amount_tiyn or 0,
                currency=status.currency or zvt.KZT,
                terminal_number=status.terminal_number,
                merchant_number=status.merchant_number,
                receipt_number=_present(status.receipt_number),
                trace_number=_present(status.trace_number),
                rrn=status.rrn,
                approval_code=status.approval_code,
                card_brand=status.brand,
                card_masked=status.card_masked,
                card_ref=reference,
                card_ref_kind=kind,
                owner_verdict=OWNERS.get(status.owner, OwnerVerdict.UNKNOWN),
                entry_mode=zvt_status.TECHNOLOGIES.get(_present(status.technology), "unknown"),
                cardholder_check=zvt_status.CARDHOLDER_CHECKS.get(
                    _present(status.cardholder_check), "unknown"
                ),
                aid=status.aid,
                terminal_at=status.terminal_time(near=self.now()),
            )
        except (ValidationError, ZvtMalformed):
            log.warning("the terminal's approval lacks or mangles a field")
            return None

    def _card_ref(self, status: StatusInformation) -> tuple[str, str]:
        if status.par:
            return status.par, "par"
        if not status.card_item:
            return "", "par"
        # An unkeyed hash of a card number is found by trying: it is keyed before it is kept.
        keyed = hmac.new(self.card_ref_key, status.card_item, hashlib.sha256)
        return keyed.hexdigest(), "item"

    def _stored(self, message: Apdu) -> StoredSale | None:
        try:
            status = zvt_status.parse_status(message)
        except ZvtMalformed:
            log.warning("the repeated receipt cannot be read")
            return None
        if not status.approved or status.receipt_number is None or status.trace_number is None:
            return None
        known = len(status.reference) == _UUID_BYTES
        return StoredSale(
            receipt_number=status.receipt_number,
            trace_number=status.trace_number,
            amount_tiyn=status.amount_tiyn or 0,
            terminal_number=status.terminal_number,
            order_id=UUID(bytes=status.reference) if known else None,
            approval=self.approval_of(status),
        )

    def _drain(self) -> None:
        """Answer what a terminal still sends for a command nobody waits for any more."""
        for _ in range(_STRAYS_MAX):
            message = self.line.receive(timeout_seconds=_DRAIN_SECONDS)
            if message is None:
                return
            self._answer_stray(message)

    def _answer_stray(self, message: Apdu) -> None:
        """Refuse an approval that nobody has committed; everything else is merely noted."""
        if message.answer:
            return
        if message.command == Command.STATUS_INFORMATION and _grants(message):
            self.line.send(zvt.refuse(Code.PROCESSING_ERROR))
        else:
            self._answer(message, zvt.good)

    def _command(self, build: Callable[[int], Apdu]) -> None:
        """Send a command and wait for 80 00.

        Raises:
            TerminalRefused: 84 xx, the command had no effect. LineSilent: nothing came.
        """
        self._sequence += 1
        self.line.send(build(self._sequence))
        for _ in range(_STRAYS_MAX):
            answer = self.line.receive(timeout_seconds=self.timers.t3_seconds)
            if answer is None:
                break
            if not answer.answer:
                self._answer_stray(answer)
                continue
            if sequence_of(answer) not in (None, self._sequence):
                continue  # the answer to an earlier message, come late
            if answer.refusal is not None:
                raise TerminalRefused(answer.refusal)
            return
        raise LineSilent("no answer to a command")

    def _messages(self, *, timeout_seconds: float | None = None) -> "_Messages":
        seconds = self.timers.t3_seconds if timeout_seconds is None else timeout_seconds
        return _Messages(self.line, seconds)

    def _answer(self, message: Apdu, build: Callable[..., Apdu]) -> None:
        self.line.send(build(sequence=sequence_of(message)))


class _Messages:
    """Iterates over the terminal's commands until it falls silent, which raises."""

    def __init__(self, line: Line, seconds: float) -> None:
        self._line, self._seconds = line, seconds
        self._left = _STRAYS_MAX

    def __iter__(self) -> "_Messages":
        return self

    def __next__(self) -> Apdu:
        self._left -= 1
        message = self._line.receive(timeout_seconds=self._seconds) if self._left > 0 else None
        if message is None:
            raise LineSilent("the terminal fell silent inside a command")
        return next(self) if message.answer else message


def _present(number: int | None) -> int:
    """Return a number that must be there; -1 fails the field's limits, or names no kind."""
    return -1 if number is None else number


def _grants(message: Apdu) -> bool:
    try:
        return zvt_status.parse_status(message).approved
    except ZvtMalformed:
        return True  # unreadable is treated as the dangerous case


def _status_byte(data: bytes) -> int:
    """Return the byte behind the software version (LLLVAR) that opens 06 0F of 05 01."""
    size = 3 + sum(10**place * (byte & 0xF) for place, byte in enumerate(reversed(data[:3])))
    return data[size] if len(data) > size else Code.SYSTEM_ERROR
