"""The simulated card terminal: what it does with each ZVT command.

Rule A (PA00P015 2.2.8) is its heart: a sale is kept only after the cash register's 80 00 to the
status information; any other answer, or none, sends a reversal, which survives a power cut.
"""

import base64
import contextlib
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final
from zoneinfo import ZoneInfo

from fines.wire import zvt, zvt_fields
from fines.wire.zvt import Apdu, Code, Command, Progress
from fines.wire.zvt_errors import ZvtMalformed
from fines.wire.zvt_status import StatusInformation
from sim.clock import SYSTEM, Clock
from sim.district import Card
from sim.terminal import iso
from sim.terminal.blocks import Blocks, TerminalTimers
from sim.terminal.dialogue import Dialogue, sequence_of
from sim.terminal.host import Host, NoAnswer
from sim.terminal.memory import Memory
from sim.terminal.slot import Slot
from sim.terminal.wire import FaultyWire

_ZONE: Final = ZoneInfo("Asia/Almaty")
_ASK_AGAIN_SECONDS: Final = 2.0  # after 84 9C (PA00P015 2.2.8)
_OWED_EVERY_SECONDS: Final = 1.0
_BRANDS: Final = {"VISA": (10, "A0000000031010"), "MASTERCARD": (6, "A0000000041010")}
_HOST_OWN_CODES: Final = range(0x01, 0x64)


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

    def __post_init__(self) -> None:
        blocks = Blocks(wire=self.wire, timers=self.timers, alive=self._alive, clock=self.clock)
        self._blocks = blocks
        self._talk = Dialogue(blocks=blocks, t3_seconds=self.timers.t3_seconds, clock=self.clock)
        self._registered = False
        self._seen_sequence: int | None = None
        self._turn = 0  # which insertion of a card this sale has read
        self._owed_next = 0.0

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
            elif self.clock.monotonic() >= self._owed_next:
                self._settle_owed()

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
            Command.AUTHORISATION: self._authorise,
            Command.REPEAT_RECEIPT: self._repeat_receipt,
            Command.READ_CARD: self._read_card,
            Command.ABORT: self._talk.good,
            Command.LOG_OFF: self._log_off,
        }
        order = orders.get(message.command)
        if order is None:
            self._talk.refuse(Code.NOT_POSSIBLE)
        elif message.command == Command.REGISTRATION or self._registered:
            order(message)
        else:
            self._talk.refuse(Code.NOT_REGISTERED)

    def _log_off(self, message: Apdu) -> None:
        self._registered = False
        self._talk.good(message)

    def _register(self, message: Apdu) -> None:
        self._seen_sequence = sequence_of(message)
        self._registered = True
        self._talk.good(message)
        with contextlib.suppress(iso.LinkDown, NoAnswer):  # it will show at the first sale
            self.host.sign_on(trace_number=self.memory.trace_number)
        bmps = {
            zvt_fields.PAYMENT_TYPE: b"\0",
            zvt_fields.TERMINAL_ID: zvt_fields.bcd(self.host.terminal_number, 4),
            zvt_fields.CURRENCY: zvt_fields.bcd(zvt.KZT, 2),
        }
        self._talk.ask(Command.COMPLETION, zvt_fields.Fields(bmps))

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
        seconds = float(message.data[0]) if message.data else self.card_seconds
        self._talk.good(message)
        card = self._wait_for_card(seconds)
        if card is None:
            self._talk.end(Code.ABORTED)
            return
        self._talk.tell(replace(_card_facts(card), result=Code.OK))

    # ------------------------------------------------------------------ the sale

    def _authorise(self, message: Apdu) -> None:
        fields = zvt.body_of(message)
        sequence = zvt.sequence_of(fields)
        if sequence is not None and sequence == self._seen_sequence:
            self._talk.good(message)  # the same command come twice: one sale
            return
        self._seen_sequence = sequence
        amount = fields.number(zvt_fields.AMOUNT)
        currency = fields.bmps.get(zvt_fields.CURRENCY, b"")
        iin = fields.tlv(zvt.TAG_PAYER_IIN)
        if amount is None or currency != zvt_fields.bcd(zvt.KZT, 2):
            self._talk.refuse(Code.WRONG_CURRENCY)
            return
        self._talk.good(message)
        self._step("authorisation")
        self._talk.aborted = False
        self._turn = 0
        asked = fields.bmps.get(zvt_fields.TIMEOUT)
        status_infos = fields.bmps.get(zvt_fields.MAX_STATUS_INFOS, b"\x0a")[0]
        try:
            self._sell(
                amount_tiyn=amount,
                payer_iin=zvt_fields.digits(iin) if iin else "",
                reference=fields.tlv(zvt.TAG_REFERENCE) or b"",
                card_seconds=min(self.card_seconds, float(asked[0]) if asked else 60.0),
                status_infos=status_infos,
            )
        finally:
            self.slot.take_out(self._turn)
        self._step("idle")

    def _sell(
        self,
        *,
        amount_tiyn: int,
        payer_iin: str,
        reference: bytes,
        card_seconds: float,
        status_infos: int,
    ) -> None:
        if not self._settle_owed():
            self._fail(host_result=Code.HOST_NO_LINE)  # first what is owed, then anything new
            return
        card = self._wait_for_card(card_seconds)
        if card is None:
            self._fail(result=Code.ABORTED)
            return
        self.memory.trace_number = self.memory.trace_number % 999_999 + 1
        sale = self.host.sale(
            card=card,
            amount_tiyn=amount_tiyn,
            payer_iin=payer_iin,
            trace_number=self.memory.trace_number,
        )
        self.memory.in_flight = self.host.reversal_of(sale, reason=iso.LATE)
        self.memory.save()
        self._talk.progress(Progress.WAITING_FOR_HOST)
        self._step("host_asking")
        try:
            answer = self.host.exchange(sale, expected=iso.SALE_ANSWER)
        except iso.LinkDown:
            self.memory.in_flight = None
            self.memory.save()
            self._fail(host_result=Code.HOST_NO_LINE)
            return
        except NoAnswer:
            self._reverse()
            self._fail(host_result=Code.HOST_NO_ANSWER)
            return
        self._step("host_answered")
        if answer["39"] == iso.DUPLICATE:
            # It was booked by a message of ours whose answer we do not have.
            self._reverse()
            self._fail(host_result=Code.HOST_NO_ANSWER)
            return
        status = self._status_of(sale, answer, card, reference)
        if answer["39"] != "00":
            self.memory.in_flight = None
            self.memory.save()
            self._talk.progress(Progress.DECLINED)
            self._talk.tell(status)
            self._talk.end(status.result or status.host_result or Code.SYSTEM_ERROR)
            return
        self._keep_or_reverse(status, status_infos)

    def _keep_or_reverse(self, status: StatusInformation, status_infos: int) -> None:
        """Show the approval to the cash register; only its 80 00 makes it last."""
        for _ in range(max(1, status_infos)):
            self._step("status_sending")
            answer = self._talk.tell(status)
            self._step("status_answered")
            if answer is None or answer.refusal not in (None, Code.PLEASE_WAIT):
                break
            if answer.good:
                self.memory.receipt_number = status.receipt_number or 0
                self.memory.last = status
                self.memory.in_flight = None
                self.memory.save()
                self._step("stored")
                self._talk.progress(Progress.REMOVE_CARD)
                self._talk.ask(Command.COMPLETION)
                return
            self._talk.sleep(self.ask_again_seconds)
        self._talk.progress(Progress.REVERSING)
        self._reverse()
        self._fail(result=Code.ABORTED)

    def _status_of(
        self, sale: iso.Message, answer: iso.Message, card: Card, reference: bytes
    ) -> StatusInformation:
        code = int(answer["39"], 16)
        own = code in _HOST_OWN_CODES or code == 0
        try:
            owner = iso.parse_private(answer.get("48", "")).get(iso.OWNER, "")
        except iso.LinkDown:
            owner = ""
        return replace(
            _card_facts(card),
            result=code if own else Code.OK,
            host_result=None if own else code,  # what is not 01..63 comes in field A0
            amount_tiyn=int(sale["4"]),
            currency=iso.KZT,
            terminal_number=self.host.terminal_number,
            merchant_number=self.host.merchant_number,
            receipt_number=self.memory.receipt_number % 9999 + 1,
            trace_number=int(sale["11"]),
            time=sale["12"],
            date=sale["13"],
            approval_code=answer.get("38", ""),
            rrn=answer.get("37", ""),
            owner=owner,
            reference=reference,
        )

    def _fail(self, *, result: int = Code.OK, host_result: int | None = None) -> None:
        now = self.clock.now().astimezone(_ZONE)
        status = StatusInformation(
            result=result,
            host_result=host_result,
            terminal_number=self.host.terminal_number,
            time=f"{now:%H%M%S}",
            date=f"{now:%m%d}",
        )
        self._talk.tell(status)
        self._talk.end(result or host_result or Code.SYSTEM_ERROR)

    def _wait_for_card(self, seconds: float) -> Card | None:
        self._talk.progress(Progress.INSERT_CARD)
        self._step("card_waiting")
        end = self.clock.monotonic() + seconds
        card, self._turn = self.slot.look()
        while card is None and self.clock.monotonic() < end and not self._talk.aborted:
            message = self._blocks.receive(0.05)
            if message is not None:
                self._talk.interrupted_by(message)
            card, self._turn = self.slot.look()
        return None if self._talk.aborted else card

    # ------------------------------------------------------------------ reversals

    def _reverse(self) -> None:
        self.memory.owe_reversal()
        self._step("reversal_owed")
        self._settle_owed()

    def _settle_owed(self) -> bool:
        """Send every owed reversal; ``False`` while one is still unanswered."""
        self._owed_next = self.clock.monotonic() + _OWED_EVERY_SECONDS
        while self.memory.owed:
            reversal = self.memory.owed[0]
            try:
                self.host.exchange(reversal, expected=iso.REVERSAL_ANSWER)
            except iso.LinkDown:
                return False
            except NoAnswer:
                reversal["t"] = iso.REVERSAL_REPEAT
                self.memory.save()
                return False
            self.memory.owed.pop(0)
            self.memory.save()
            self._step("reversed")
        return True


def _card_facts(card: Card) -> StatusInformation:
    kind, aid = _BRANDS.get(card.brand, (0xFF, ""))
    # Like a real PAR: names the account, opens nothing, and does not give the number away.
    digest = hashlib.blake2b(card.pan.encode(), key=b"simulated token service").digest()
    return StatusInformation(
        result=Code.OK,
        card_type=kind,
        card_name=card.brand,
        card_masked=zvt_fields.masked(card.pan),
        cardholder_check=0x02,
        technology=0x01,
        aid=aid,
        par=f"S001{base64.b32encode(digest).decode()[:25]}",
    )
