"""The ZVT driver: nexo-like verbs over PA00P015 messages.

The rule that everything here serves (PA00P015 2.2.8): the terminal keeps a sale only after 80 00
to its status information; any other answer, or none, makes it reverse the sale by itself.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from fines.field.driver import (
    CardNotRead,
    CardSeen,
    Counted,
    Decision,
    SaleEnd,
    SaleRequest,
    StoredSale,
    TerminalRefused,
)
from fines.field.line import LineSilent, Timers
from fines.field.names import NameVerdict, compare_names
from fines.field.reasons import reason_of_refusal
from fines.field.terminal_paper import TerminalPaper
from fines.field.zvt_approval import Reader
from fines.field.zvt_sale import SaleDialogue
from fines.field.zvt_session import Transport, ZvtSession
from fines.wire import zvt, zvt_card, zvt_day, zvt_status
from fines.wire.protocol import Approval, PayerName, Reason, Result
from fines.wire.slip import LINE_COLUMNS
from fines.wire.zvt import Apdu, Code, Command
from fines.wire.zvt_day import DayTotals
from fines.wire.zvt_errors import ZvtMalformed
from fines.wire.zvt_fields import TERMINAL_ID, digits

log = logging.getLogger(__name__)

_DIGIT_ZERO, _DIGIT_NINE = 0xF0, 0xF9  # how a variable length writes its digits
_UNSUPPORTED = frozenset({Code.NOT_POSSIBLE, Code.PROTOCOL_ERROR})


@dataclass(kw_only=True)
class ZvtDriver:
    """Drives one terminal. ``card_ref_key`` keys the terminal's card item where it gives no PAR.

    ``max_status_infos`` bounds how often the terminal asks again while the server thinks;
    ``paper`` is where the terminal prints what it must print itself.
    """

    line: Transport
    timers: Timers
    card_ref_key: bytes = field(repr=False)
    now: Callable[[], datetime]
    password: str = "000000"  # noqa: S105 - the maker's default, not a secret: it opens no money
    max_status_infos: int = 8
    paper: TerminalPaper = field(default_factory=TerminalPaper)
    name: str = "zvt"
    _abort: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._session = ZvtSession(line=self.line, timers=self.timers, paper=self.paper)
        self._reader = Reader(card_ref_key=self.card_ref_key)

    def close(self) -> None:
        """Let the line go."""
        self.line.close()

    def abort(self) -> None:
        """Ask the terminal to give up as soon as the sale loop looks up."""
        self._abort.set()

    def login(self) -> str:
        """Register, barring amounts and voids keyed on the terminal; return its number."""
        self._session.drain()
        registration = zvt.registration(
            password=self.password, config=zvt.Config.OURS, line_width=LINE_COLUMNS
        )
        try:
            completion = self._session.register(registration)
        except TerminalRefused as refusal:
            if refusal.code != Code.PLEASE_WAIT:
                raise
            # A sale of an earlier run still waits for a card: nobody would commit it.
            self.line.send(Apdu(Command.ABORT))
            self._session.drain()
            completion = self._session.register(registration)
        packed = zvt.body_of(completion).bmps.get(TERMINAL_ID)
        return digits(packed) if packed else ""

    def status(self) -> int:
        """Return the status code of 05 01; 0 is ready."""
        return _status_byte(self._session.run(lambda _number: Apdu(Command.STATUS_ENQUIRY)).data)

    def card_acquisition(
        self,
        *,
        timeout_seconds: int,
        payer_name: PayerName | None = None,
        until: datetime | None = None,
    ) -> CardSeen | None:
        """Read the card by 06 C0; ``None`` where the terminal cannot.

        Raises:
            CardNotRead: no card came in time, or it cannot be read. Nothing was charged.
        """
        self._abort.clear()
        try:
            self._session.command(
                lambda number: zvt.read_card(timeout_seconds=timeout_seconds, sequence=number)
            )
        except TerminalRefused as refusal:
            if refusal.code in _UNSUPPORTED:
                return None
            raise CardNotRead(reason_of_refusal(refusal.code)) from refusal
        return self._card(timeout_seconds, payer_name, until)

    def _card(
        self, timeout_seconds: int, payer_name: PayerName | None, until: datetime | None
    ) -> CardSeen:
        def unwanted() -> bool:
            return self._abort.is_set() or (until is not None and self.now() >= until)

        aborted = False
        patience = timeout_seconds + self.timers.t3_seconds
        while True:
            message = self.line.receive(
                timeout_seconds=patience, until=None if aborted else unwanted
            )
            if message is None:
                if aborted or not unwanted():
                    raise LineSilent("the terminal fell silent while it read a card")
                aborted = True
                self.line.send(Apdu(Command.ABORT))
                continue
            if message.answer:
                continue
            self._session.answer(message)
            if message.command == Command.STATUS_INFORMATION:
                return self._seen(message, payer_name)
            if message.command == Command.ABORTED:
                code = message.data[0] if message.data else Code.SYSTEM_ERROR
                raise CardNotRead(Reason.ABORTED if aborted else reason_of_refusal(code))

    def _seen(self, message: Apdu, payer_name: PayerName | None) -> CardSeen:
        try:
            status = zvt_status.parse_status(message)
            holder = zvt_card.holder_name(message) if payer_name else ""
        except ZvtMalformed as error:
            raise CardNotRead(Reason.CARD_UNREADABLE) from error
        if not status.approved:
            raise CardNotRead(reason_of_refusal(status.result))
        verdict: NameVerdict | None = compare_names(holder, payer_name) if payer_name else None
        return self._reader.card(status, name_verdict=verdict)

    def last_result(self) -> StoredSale | None:
        """Ask 06 20 with service 03: the last sale the terminal keeps, without printing it.

        Only its refusal says that it keeps none. A terminal whose status is not acknowledged ends
        the dialogue without one: that says nothing, as a status does that cannot be read.

        Raises:
            LineSilent: it did not tell.
        """
        told: list[StoredSale | None] = []

        def take(message: Apdu) -> Apdu:
            try:
                told.append(self._reader.stored(message, now=self.now()))
            except ZvtMalformed:
                log.warning("the repeated receipt cannot be read")
            return self._session.routine(message)

        try:
            self._session.run(
                lambda number: zvt.repeat_receipt(password=self.password, sequence=number),
                on_status=take,
            )
        except TerminalRefused as refusal:
            if refusal.code == Code.NOT_POSSIBLE:
                return None
            raise
        if not told:
            raise LineSilent("the last sale was not told")
        return told[-1]

    def turnover(self) -> Counted | None:
        """Ask 06 10: what the open batch holds; ``None`` where the terminal cannot tell."""
        try:
            return self._totals(zvt.turnover)
        except TerminalRefused as refusal:
            if refusal.code in _UNSUPPORTED:
                return None
            raise

    def reconcile(self) -> Counted:
        """Close the day by 06 50 and return what the terminal counted.

        Raises:
            TerminalRefused: it could not; LineSilent: whether it did is not known.
        """
        return self._totals(zvt.end_of_day)

    def _totals(self, build: Callable[..., Apdu]) -> Counted:
        told: list[DayTotals] = []

        def take(message: Apdu) -> Apdu:
            try:
                told.append(zvt_day.parse_day(message))
            except ZvtMalformed:
                log.warning("the totals cannot be read")
            return self._session.routine(message)

        self._session.run(
            lambda number: build(password=self.password, sequence=number),
            on_status=take,
            timeout_seconds=self.timers.t4_seconds,  # it may speak with its host first
        )
        if not told:
            raise LineSilent("the day ended without totals")
        day = told[-1]
        if day.result:
            raise TerminalRefused(day.result)
        return Counted(
            terminal_number=day.terminal_number,
            receipt_from=day.receipt_from,
            receipt_to=day.receipt_to,
            count=day.count,
            sum_tiyn=day.sum_tiyn,
            brands=day.brands,
        )

    def reversal(self, receipt_number: int) -> Result:
        """Take one kept sale back by 06 30: only on the server's order, never a person's.

        ``REVERSED`` also where it had been before: a repeat does no harm. ``UNKNOWN`` where the
        terminal or its host would not: the sale stands.
        """
        reversed_ = [False]

        def take(message: Apdu) -> Apdu:
            try:
                reversed_[0] = zvt_status.parse_status(message).approved
            except ZvtMalformed:
                log.warning("the reversal's status cannot be read")
            return self._session.routine(message)

        try:
            self._session.run(
                lambda number: zvt.reversal(
                    password=self.password, receipt_number=receipt_number, sequence=number
                ),
                on_status=take,
                timeout_seconds=self.timers.t4_seconds,
            )
        except TerminalRefused as refusal:
            again = refusal.code == Code.ALREADY_REVERSED
            return Result.REVERSED if again else Result.UNKNOWN
        return Result.REVERSED if reversed_[0] else Result.UNKNOWN

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
            self._session.command(
                lambda number: zvt.authorisation(
                    amount_tiyn=request.amount_tiyn,
                    payer_iin=request.payer_iin,
                    reference=request.order_id.bytes,
                    max_status_infos=self.max_status_infos,
                    card_timeout_seconds=request.card_timeout_seconds,
                    known_receipt=request.known_receipt,
                    sequence=number,
                )
            )
            return SaleDialogue(
                line=self.line,
                t4_seconds=self.timers.t4_seconds,
                request=request,
                decide=decide,
                progress=progress,
                approval_of=lambda status: self._reader.approval(status, now=self.now()),
                routine=self._session.routine,
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


def _status_byte(data: bytes) -> int:
    """Return the byte behind the software version (LLLVAR) that opens 06 0F of 05 01.

    Some terminals leave the version out and send the status alone.
    """
    at = 0
    if len(data) > 1 and all(_DIGIT_ZERO <= byte <= _DIGIT_NINE for byte in data[:3]):
        at = 3 + sum(10**place * (byte & 0xF) for place, byte in enumerate(reversed(data[:3])))
    return data[at] if len(data) > at else Code.SYSTEM_ERROR
