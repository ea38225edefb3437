"""The simulated terminal's sale.

Rule A (PA00P015 2.2.8) is its heart: a sale is kept only after the cash register's 80 00 to the
status information, and to every print command; any other answer, or none, sends a reversal, which
survives a power cut. A terminal that syncs receipts (rule B) lets the next sale settle a lost one.
"""

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, TypedDict
from zoneinfo import ZoneInfo

from fines.wire import zvt, zvt_fields
from fines.wire.zvt import Apdu, Code, Command, Progress
from fines.wire.zvt_status import StatusInformation
from sim.clock import Clock
from sim.district import Card
from sim.terminal import iso
from sim.terminal.abilities import Abilities, Printing
from sim.terminal.bare import BareBlocks
from sim.terminal.blocks import Blocks
from sim.terminal.dialogue import Dialogue
from sim.terminal.host import Host, NoAnswer
from sim.terminal.memory import Memory
from sim.terminal.paper import prints_whole
from sim.terminal.roll import Roll
from sim.terminal.slot import Slot

_ZONE: Final = ZoneInfo("Asia/Almaty")
_OWED_EVERY_SECONDS: Final = 1.0
_BLOCKED_ASKS_MAX: Final = 8
_BRANDS: Final = {"VISA": (10, "A0000000031010"), "MASTERCARD": (6, "A0000000041010")}
_HOST_OWN_CODES: Final = range(0x01, 0x64)


class _Proof(TypedDict):
    application_label: str
    tvr: str
    tsi: str
    cryptogram: str
    terminal_serial: str
    batch_number: int


@dataclass(kw_only=True)
class Sales:
    """Sells, keeps or takes back. ``step`` hears each step by name and may end any of them."""

    blocks: Blocks | BareBlocks
    talk: Dialogue
    host: Host
    memory: Memory
    slot: Slot
    step: Callable[[str], None]
    card_seconds: float
    ask_again_seconds: float
    can: Abilities
    clock: Clock
    roll: Roll | None = None  # the terminal's own printer

    def __post_init__(self) -> None:
        self.prints_itself = False  # unless the cash register takes the slips upon itself
        self._turn = 0  # which insertion of a card this sale has read
        self.owed_next = 0.0

    def authorise(self, message: Apdu) -> None:
        """Answer 06 01."""
        fields = zvt.body_of(message)
        amount = fields.number(zvt_fields.AMOUNT)
        currency = fields.bmps.get(zvt_fields.CURRENCY, b"")
        iin = fields.tlv(zvt.TAG_PAYER_IIN)
        if amount is None or currency != zvt_fields.bcd(zvt.KZT, 2):
            self.talk.refuse(Code.WRONG_CURRENCY)
            return
        self.talk.good(message)
        self.step("authorisation")
        self.talk.aborted = False
        self._turn = 0
        self._sync_receipts(fields.tlv(zvt.TAG_KNOWN_RECEIPT))
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
        self.step("idle")

    def _sync_receipts(self, known: bytes | None) -> None:
        """Settle the sale that still waits by what the cash register knows (rule B)."""
        if not self.can.syncs_receipts or not known or self.memory.last is None:
            return
        number = int(zvt_fields.digits(known))
        if number == self.memory.receipt_number:
            self.memory.pending = False
            self.memory.save()
        elif number == self.memory.receipt_number - 1:
            self.memory.take_back_last()
            self.step("synced_back")

    def _sell(
        self,
        *,
        amount_tiyn: int,
        payer_iin: str,
        reference: bytes,
        card_seconds: float,
        status_infos: int,
    ) -> None:
        if not self.settle_owed():
            self._fail(host_result=Code.HOST_NO_LINE)  # first what is owed, then anything new
            return
        card = self.wait_for_card(card_seconds)
        if card is None:
            self._fail(result=Code.ABORTED)
            return
        if not self._may_use(card):
            self._fail(result=Code.CARD_BLOCKED)
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
        self.talk.progress(Progress.WAITING_FOR_HOST)
        self.step("host_asking")
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
        self._answered(sale, answer, card, reference, status_infos)

    def _answered(
        self,
        sale: iso.Message,
        answer: iso.Message,
        card: Card,
        reference: bytes,
        status_infos: int,
    ) -> None:
        self.step("host_answered")
        if answer["39"] == iso.DUPLICATE:
            # It was booked by a message of ours whose answer we do not have.
            self._reverse()
            self._fail(host_result=Code.HOST_NO_ANSWER)
            return
        status = self._status_of(sale, answer, card, reference)
        if answer["39"] != "00":
            self.memory.in_flight = None
            self.memory.save()
            self.talk.progress(Progress.DECLINED)
            self.talk.tell(status)
            self.talk.end(status.result or status.host_result or Code.SYSTEM_ERROR)
            return
        self._keep_or_reverse(status, status_infos)

    def _keep_or_reverse(self, status: StatusInformation, status_infos: int) -> None:
        """Show the approval to the cash register; only its 80 00 makes it last."""
        for _ in range(max(1, status_infos)):
            self.step("status_sending")
            answer = self.talk.tell(status)
            self.step("status_answered")
            if answer is None and self.can.syncs_receipts:
                self.memory.keep(status, undo=self.memory.in_flight, pending=True)
                return  # the next sale settles it
            if answer is None or answer.refusal not in (None, Code.PLEASE_WAIT):
                break
            if answer.good:
                if not self._printed(status):
                    break
                self.memory.keep(status, undo=self.memory.in_flight, pending=False)
                self.step("stored")
                if self.roll is not None and self.prints_itself:
                    self.roll.print_sale(status)
                self.talk.progress(Progress.REMOVE_CARD)
                self.talk.ask(Command.COMPLETION)
                return
            self.talk.sleep(self.ask_again_seconds)
        self.talk.progress(Progress.REVERSING)
        self._reverse()
        self._fail(result=Code.ABORTED)

    def _printed(self, status: StatusInformation) -> bool:
        if self.can.printing is Printing.NOT:
            return True
        self.step("printing")
        return prints_whole(self.talk, status, self.can.printing)

    def _may_use(self, card: Card) -> bool:
        """Ask the cash register about the card, 06 E4, where this terminal does."""
        if not self.can.asks_blocked_list:
            return True
        bmps = {zvt_fields.PAN: zvt_fields.masked(card.pan).encode()}
        for _ in range(_BLOCKED_ASKS_MAX):
            answer = self.talk.ask(Command.BLOCKED_LIST, zvt_fields.Fields(bmps))
            if answer is None or answer.refusal != Code.PLEASE_WAIT:
                return answer is not None and answer.good
            self.talk.sleep(self.ask_again_seconds)
        return False

    def _status_of(
        self, sale: iso.Message, answer: iso.Message, card: Card, reference: bytes
    ) -> StatusInformation:
        code = int(answer["39"], 16)
        own = code in _HOST_OWN_CODES or code == 0
        try:
            owner = iso.parse_private(answer.get("48", "")).get(iso.OWNER, "")
        except iso.LinkDown:
            owner = ""
        status = replace(
            self.card_facts(card),
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
            reference=reference if self.can.echoes_reference else b"",
        )
        return replace(status, **self._proof(sale, card)) if self.can.tells_proof else status

    def _proof(self, sale: iso.Message, card: Card) -> _Proof:
        """Return what chip and terminal leave on paper; the chip's secret is invented."""
        signed = "".join(sale[name] for name in ("4", "7", "11", "41")).encode()
        digest = hashlib.blake2b(signed, key=card.pan.encode(), digest_size=8).hexdigest()
        return {
            "application_label": f"{card.brand} DEBIT"[:16],
            "tvr": "0080008000",
            "tsi": "E800",
            "cryptogram": digest.upper(),
            "terminal_serial": f"SIM-{self.host.terminal_number}",
            "batch_number": self.memory.batch_number,
        }

    def _fail(self, *, result: int = Code.OK, host_result: int | None = None) -> None:
        now = self.clock.now().astimezone(_ZONE)
        status = StatusInformation(
            result=result,
            host_result=host_result,
            terminal_number=self.host.terminal_number,
            time=f"{now:%H%M%S}",
            date=f"{now:%m%d}",
        )
        self.talk.tell(status)
        self.talk.end(result or host_result or Code.SYSTEM_ERROR)

    def wait_for_card(self, seconds: float) -> Card | None:
        """Return the card in the slot, ``None`` when none came or 06 B0 did."""
        self.talk.progress(Progress.INSERT_CARD)
        self.step("card_waiting")
        end = self.clock.monotonic() + seconds
        card, self._turn = self.slot.look()
        while card is None and self.clock.monotonic() < end and not self.talk.aborted:
            message = self.blocks.receive(0.05)
            if message is not None:
                self.talk.interrupted_by(message)
            card, self._turn = self.slot.look()
        return None if self.talk.aborted else card

    # ------------------------------------------------------------------ reversals

    def _reverse(self) -> None:
        self.memory.owe_reversal()
        self.step("reversal_owed")
        self.settle_owed()

    def settle_owed(self) -> bool:
        """Send every owed reversal; ``False`` while one is still unanswered."""
        self.owed_next = self.clock.monotonic() + _OWED_EVERY_SECONDS
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
            self.step("reversed")
        return True

    def card_facts(self, card: Card) -> StatusInformation:
        """Return what a card says of itself; its number goes no further than the mask."""
        kind, aid = _BRANDS.get(card.brand, (0xFF, ""))
        # Like a real PAR: names the account, opens nothing, and does not give the number away.
        digest = hashlib.blake2b(card.pan.encode(), key=b"simulated token service").digest()
        par = f"S001{base64.b32encode(digest).decode()[:25]}"
        return StatusInformation(
            result=Code.OK,
            card_type=kind,
            card_name=card.brand,
            card_masked=zvt_fields.masked(card.pan),
            cardholder_check=0x02,
            technology=0x01,
            aid=aid,
            par=par if self.can.gives_par else "",
            card_item=b"" if self.can.gives_par else digest[:20],
        )
