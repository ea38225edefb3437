"""The dialogue of one ZVT sale between 80 00 and 06 0F or 06 1E (PA00P015 2.2)."""

from collections.abc import Callable
from dataclasses import dataclass

from fines.field.driver import Decision, SaleEnd, SaleRequest
from fines.field.own_card import proven
from fines.field.reasons import OWNERS, host_code, reason_of, reason_of_refusal
from fines.field.zvt_session import Transport, minutes_of, sequence_of
from fines.wire import zvt, zvt_card, zvt_status
from fines.wire.protocol import Approval, OwnerVerdict, Reason, Result
from fines.wire.zvt import Apdu, Code, Command
from fines.wire.zvt_errors import ZvtMalformed
from fines.wire.zvt_status import StatusInformation

_PRINTS = frozenset({Command.PRINT_LINE, Command.PRINT_TEXT})
_MESSAGES_MAX = 1000  # in one sale; a terminal that talks more is broken


@dataclass(kw_only=True)
class SaleDialogue:
    """The dialogue between 80 00 and 06 0F or 06 1E."""

    line: Transport
    t4_seconds: float
    request: SaleRequest
    decide: Callable[[Approval], Decision]
    progress: Callable[[str], None]
    approval_of: Callable[[StatusInformation], Approval | None]
    routine: Callable[[Apdu], Apdu]
    abort_wanted: Callable[[], bool]
    _abort_sent: bool = False
    _granted: bool = False  # an approval was seen
    _accepted: bool = False  # and acknowledged with 80 00
    _end: SaleEnd | None = None
    _refused_card: Reason | None = None  # we said no when the terminal asked about the card

    def run(self) -> SaleEnd:
        """Answer the terminal until it ends the sale.

        Raises:
            LineSilent: it does not acknowledge our answers; the end is unknown.
        """
        seconds = self.t4_seconds
        for _ in range(_MESSAGES_MAX):
            message = self.line.receive(
                timeout_seconds=seconds,
                until=None if self._abort_sent or self._granted else self.abort_wanted,
            )
            if message is None:
                if not self._abort_sent and not self._granted and self.abort_wanted():
                    self._abort_sent = True
                    self.line.send(Apdu(Command.ABORT))
                    continue
                break
            seconds = max(self.t4_seconds, 60.0 * (minutes_of(message) or 0))
            if (end := self._handle(message)) is not None:
                return end
        return SaleEnd(result=Result.UNKNOWN, reason=Reason.LINE_SILENT)

    def _handle(self, message: Apdu) -> SaleEnd | None:
        if message.answer:
            return None  # to our abort
        if message.command == Command.INTERMEDIATE_STATUS:
            self.progress(_progress_name(message))
            self.line.send(self.routine(message))
        elif message.command == Command.STATUS_INFORMATION:
            self.line.send(self._answer_status(message))
        elif message.command == Command.BLOCKED_LIST:
            self.line.send(self._answer_about_card(message))
        elif message.command in _PRINTS:
            self.line.send(self.routine(message))
        elif message.command == Command.COMPLETION:
            self.line.send(self.routine(message))
            return self._completed()
        elif message.command == Command.ABORTED:
            self.line.send(self.routine(message))
            return self._ended(message.data[0] if message.data else Code.SYSTEM_ERROR)
        else:
            self.line.send(zvt.refuse(Code.NOT_POSSIBLE))
        return None

    def _answer_about_card(self, message: Apdu) -> Apdu:
        """Answer 06 E4: only the card read before may go on; its masked number is all we have."""
        before = self.request.card_before
        try:
            asked = zvt_card.parse_blocked_query(message)
        except ZvtMalformed:
            self._refused_card = Reason.CARD_UNREADABLE
            return zvt.refuse(Code.CARD_NOT_LISTED)
        if before is not None and asked.card_masked not in ("", before.card_masked):
            self._refused_card = Reason.CARD_CHANGED
            return zvt.refuse(Code.CARD_NOT_LISTED)
        return zvt.good(sequence=sequence_of(message))

    def _answer_status(self, message: Apdu) -> Apdu:
        try:
            status = zvt_status.parse_status(message)
        except ZvtMalformed:
            self._granted = True  # it may have been an approval: only the terminal knows
            self._end = SaleEnd(result=Result.REVERSED, reason=Reason.TERMINAL_FAULT)
            return zvt.refuse(Code.PROCESSING_ERROR)
        if not status.approved:
            self._end = self._end or self._declined(status)
            return zvt.good(sequence=status.sequence)
        self._granted = True
        fault = self._fault_of(status)
        approval = self.approval_of(status) if fault is None else None
        if approval is not None:
            approval, fault = proven(approval, self.request.card_before)
        if approval is None:
            self._end = SaleEnd(
                result=Result.REVERSED,
                reason=fault or Reason.TERMINAL_FAULT,
                owner_verdict=OWNERS.get(status.owner, OwnerVerdict.UNKNOWN),
            )
            return zvt.refuse(Code.PROCESSING_ERROR)
        decision = self.decide(approval)
        if decision is Decision.ACCEPT:
            self._accepted = True
            return zvt.good(sequence=status.sequence)
        if decision is Decision.WAIT:
            return zvt.refuse(Code.PLEASE_WAIT)
        self._end = SaleEnd(
            result=Result.REVERSED,
            reason=Reason.SERVER_REFUSED,
            owner_verdict=approval.owner_verdict,
        )
        return zvt.refuse(Code.PROCESSING_ERROR)

    def _fault_of(self, status: StatusInformation) -> Reason | None:
        """Return why an approval must not even be shown to the server."""
        # A partial approval, or another sale's: a fine is paid whole or not at all.
        if status.amount_tiyn != self.request.amount_tiyn:
            return Reason.TERMINAL_FAULT
        return Reason.TERMINAL_FAULT if status.currency not in ("", zvt.KZT) else None

    def _declined(self, status: StatusInformation) -> SaleEnd:
        owner = OWNERS.get(status.owner, OwnerVerdict.UNKNOWN)
        if self._granted:
            # It asked too often, or took back what was acknowledged.
            reason = Reason.TERMINAL_FAULT if self._accepted else Reason.SERVER_REFUSED
            result = Result.REVERSED
        else:
            result = Result.DECLINED
            reason = reason_of(
                result=status.result,
                host_result=status.host_result,
                owner=owner,
                told=bool(status.owner),
            )
        if self._refused_card is not None and not self._granted:
            reason = self._refused_card
        if self._abort_sent and status.result == Code.ABORTED:
            reason = Reason.ABORTED
        return SaleEnd(
            result=result,
            reason=reason,
            owner_verdict=owner,
            host_code=host_code(result=status.result, host_result=status.host_result),
            terminal_code=f"{status.result:02X}",
        )

    def _completed(self) -> SaleEnd | None:
        if self._end is not None:
            return self._end
        if self._accepted:
            return SaleEnd(result=Result.COMPLETED, owner_verdict=OwnerVerdict.MATCH)
        return SaleEnd(result=Result.UNKNOWN, reason=Reason.TERMINAL_FAULT)

    def _ended(self, code: int) -> SaleEnd:
        if self._end is not None:
            return self._end
        if self._accepted:  # acknowledged and yet aborted: let its memory speak
            return SaleEnd(result=Result.UNKNOWN, reason=Reason.TERMINAL_FAULT)
        if self._granted:
            return SaleEnd(result=Result.REVERSED, reason=Reason.SERVER_REFUSED)
        aborted = self._abort_sent and code == Code.ABORTED
        refused = self._refused_card or reason_of_refusal(code)
        return SaleEnd(
            result=Result.DECLINED,
            reason=Reason.ABORTED if aborted else refused,
            terminal_code=f"{code:02X}",
        )


def _progress_name(message: Apdu) -> str:
    code = message.data[0] if message.data else 0xFF
    try:
        return zvt.Progress(code).name.lower()
    except ValueError:
        return f"{code:02x}"
