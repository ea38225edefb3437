"""Kaspi Smart POS as a ``TerminalDriver``.

It differs from ZVT where it hurts: a sale that succeeded is kept at once, nobody can take it back
from here (a refund is made by two other people), nothing can be cancelled, and a lost answer is
found again only by the number of its process. So the number is on the disk before anything else,
and "unknown" stays unknown until the terminal has actualised it. Whole tenge only.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from pydantic import ValidationError

from fines.field.driver import (
    CardSeen,
    Counted,
    Decision,
    SaleEnd,
    SaleRequest,
    StoredSale,
    TerminalRefused,
)
from fines.field.kaspi_api import (
    CODE_BUSY,
    CODE_UNKNOWN_PROCESS,
    DurableFile,
    KaspiApi,
    KaspiRefused,
)
from fines.field.line import LineSilent
from fines.field.own_card import proven
from fines.field.proof import card_proof
from fines.field.reasons import OWNERS, reason_of
from fines.wire.protocol import Approval, OwnerVerdict, PayerName, Reason, Result
from fines.wire.zvt import Code
from fines.wire.zvt_fields import masked

log = logging.getLogger(__name__)

UNSETTLED_MAX: Final = 1000  # remembered; a terminal that loses more answers is broken
_TIYN: Final = 100
_OWN_CHECK: Final = "payerCheck"  # of deviceinfo, ours: the issuer compares the payer's IIN
_PAYER_HEADER: Final = "payeriin"  # never in the address: addresses are logged
_OWNER: Final = "payerMatch"  # of chequeInfo, ours: M, N, U, S or D as in ZVT's DF51
_PAN_DIGITS_MIN: Final = 12


@dataclass(frozen=True, kw_only=True)
class KaspiPatience:
    """Seconds between looks, and until a sale is told as unknown."""

    look_seconds: float = 1.0
    actualize_seconds: float = 10.0  # not oftener, says the maker
    sale_seconds: float = 180.0


@dataclass(kw_only=True)
class KaspiDriver:
    """Drives one terminal. ``memory`` holds the sale under way and the last one kept."""

    api: KaspiApi
    memory: DurableFile
    now: Callable[[], datetime]
    patience: KaspiPatience = field(default_factory=KaspiPatience)
    sleep: Callable[[float], None] = time.sleep
    name: str = "kaspi"
    _terminal_number: str = ""
    _serial: str = ""
    _checks_owner: bool = False

    def close(self) -> None:
        """Let the line go."""
        self.api.close()

    def abort(self) -> None:
        """Nothing: a sale that was begun can be cancelled at the terminal only."""

    def login(self) -> str:
        """Be admitted, once, on the terminal's screen; return its number."""
        try:
            self.api.register()
            told = self.api.device()
        except KaspiRefused as refusal:
            raise TerminalRefused(_code(refusal)) from refusal
        self._terminal_number = str(told.get("terminalId", ""))[-8:]
        self._serial = str(told.get("serialNum", ""))
        self._checks_owner = told.get(_OWN_CHECK) is True
        return self._terminal_number

    def status(self) -> int:
        """Return 0 while it answers."""
        try:
            self.api.device()
        except KaspiRefused as refusal:
            return _code(refusal)
        return 0

    def card_acquisition(
        self, *, timeout_seconds: int, payer_name: PayerName | None = None,
        until: datetime | None = None,
    ) -> CardSeen | None:  # fmt: skip
        """Return ``None``: it reads no card without a sale."""
        del timeout_seconds, payer_name, until
        return None

    def turnover(self) -> Counted | None:
        """Return ``None``: it tells no totals."""
        return None

    def reconcile(self) -> Counted:
        """Refuse: its day is closed by its bank; the acquirer's file has every sale."""
        raise TerminalRefused(Code.NOT_POSSIBLE)

    def reversal(self, receipt_number: int) -> Result:
        """Return ``UNKNOWN``: what it has kept is given back by two people, never from here."""
        del receipt_number
        return Result.UNKNOWN

    def sale(
        self,
        request: SaleRequest,
        *,
        decide: Callable[[Approval], Decision],
        progress: Callable[[str], None],
    ) -> SaleEnd:
        """Sell once. Never called again for the same order, whatever happens."""
        if request.amount_tiyn % _TIYN:
            return SaleEnd(result=Result.DECLINED, reason=Reason.AMOUNT_UNSUPPORTED)
        if not self._checks_owner:  # it keeps what it sells: there is no late refusal here
            return SaleEnd(result=Result.DECLINED, reason=Reason.OWNERSHIP_UNPROVEN)
        self._note(request, process_id="")
        try:
            begun = self.api.call(
                "payment",
                headers={_PAYER_HEADER: request.payer_iin},
                amount=request.amount_tiyn // _TIYN,
                owncheque="true",
            )
            process_id = str(begun["processId"])
        except (LineSilent, KeyError):
            return SaleEnd(result=Result.UNKNOWN, reason=Reason.LINE_SILENT)
        except KaspiRefused as refusal:
            self._forget()
            busy = refusal.code == CODE_BUSY
            return SaleEnd(
                result=Result.DECLINED,
                reason=Reason.TERMINAL_BUSY if busy else Reason.TERMINAL_FAULT,
                terminal_code=str(refusal.code)[:4],
            )
        self._note(request, process_id=process_id)
        try:
            told = self._ended(process_id, progress)
        except (LineSilent, KaspiRefused):  # begun, and how it ended is not told
            return SaleEnd(result=Result.UNKNOWN, reason=Reason.LINE_SILENT)
        return self._judged(request, told, decide)

    def last_result(self) -> StoredSale | None:
        """Return what is kept; a sale still under way is asked about by its process.

        Raises:
            LineSilent: it is not decided yet.
        """
        kept = self.memory.read()
        under_way = kept.get("open")
        if not under_way:
            return _stored(kept)
        order_id = UUID(under_way["order"])
        if not under_way["process"]:
            return self._untold(order_id)  # the answer with its number was lost
        try:
            told = self._look(under_way["process"], actualize=True)
        except KaspiRefused as refusal:
            if refusal.code == CODE_UNKNOWN_PROCESS:
                return self._untold(order_id)
            raise LineSilent(f"process not told: {refusal.code}") from refusal
        if told["status"] == "success":
            approval = self._approval(told)
            self._keep(order_id, int(under_way["amount"]), approval)
            return _stored(self.memory.read())
        if told["status"] == "fail":
            self._forget()
            return _stored(kept)
        raise LineSilent("the terminal has not decided yet")

    def _untold(self, order_id: UUID) -> StoredSale:
        """Only a person at the terminal, or the acquirer's file, can tell of this sale."""
        return _untold(order_id, _unsettled(self.memory.read()) | {order_id})

    # ------------------------------------------------------------------ a sale under way

    def _ended(self, process_id: str, progress: Callable[[str], None]) -> dict[str, Any]:
        waited, step, looked = 0.0, "", 0.0
        while waited < self.patience.sale_seconds:
            actualize = looked >= self.patience.actualize_seconds
            told = self._look(process_id, actualize=actualize)
            looked = 0.0 if actualize else looked
            if told["status"] in ("success", "fail"):
                return told
            if told.get("subStatus", "") != step:
                step = str(told.get("subStatus", ""))
                progress(step)
            self.sleep(self.patience.look_seconds)
            waited += self.patience.look_seconds
            looked += self.patience.look_seconds if told["status"] == "unknown" else 0.0
        raise LineSilent("the terminal has not decided in time")

    def _look(self, process_id: str, *, actualize: bool) -> dict[str, Any]:
        headers = {"terminalid": self._terminal_number}
        try:
            told = self.api.call("status", headers=headers, processId=process_id)
            if told.get("status") == "unknown" and actualize:
                told = self.api.call("actualize", headers=headers, processId=process_id)
        except KaspiRefused as refusal:
            if refusal.code != CODE_BUSY:
                raise
            return {"status": "wait"}  # with this very sale, as likely as not
        if told.get("status") not in ("wait", "success", "fail", "unknown"):
            raise LineSilent("a status that is none of the four")
        return told

    def _judged(
        self,
        request: SaleRequest,
        told: dict[str, Any],
        decide: Callable[[Approval], Decision],
    ) -> SaleEnd:
        cheque = told.get("chequeInfo") or {}
        owner = OWNERS.get(str(cheque.get(_OWNER, "")), OwnerVerdict.UNKNOWN)
        if told["status"] == "fail":
            self._forget()
            host = str(cheque.get("hostResponseCode", ""))[:2]
            code = int(host, 16) if len(host) == 2 and host.isdecimal() else Code.ABORTED  # noqa: PLR2004 - DE39 has two digits
            return SaleEnd(
                result=Result.DECLINED,
                reason=reason_of(
                    result=code, host_result=None, owner=owner, told=bool(cheque.get(_OWNER))
                ),
                owner_verdict=owner,
                host_code=host,
            )
        approval = self._approval(told)
        self._keep(request.order_id, request.amount_tiyn, approval)
        whole = approval is not None and approval.amount_tiyn == request.amount_tiyn
        allowed = proven(approval, None)[0] if approval is not None and whole else None
        if allowed is None:
            return SaleEnd(result=Result.UNKNOWN, reason=Reason.TERMINAL_FAULT)
        while (decision := decide(allowed)) is Decision.WAIT:
            self.sleep(self.patience.look_seconds)
        if decision is Decision.REFUSE:  # the money has moved: it is settled, not undone
            return SaleEnd(result=Result.UNKNOWN, reason=Reason.SERVER_REFUSED)
        return SaleEnd(result=Result.COMPLETED, owner_verdict=allowed.owner_verdict)

    def _approval(self, told: dict[str, Any]) -> Approval | None:
        cheque = told.get("chequeInfo") or {}
        try:
            rrn = str(cheque["rrn"])
            trace = int(rrn[-6:])  # an RRN ends with the STAN
            return Approval(
                amount_tiyn=int(cheque["amount"]) * _TIYN,
                terminal_number=str(cheque.get("terminalId", self._terminal_number))[-8:],
                merchant_number="",
                receipt_number=trace % 10_000,
                trace_number=trace,
                rrn=rrn,
                approval_code=str(cheque["authorizationCode"]),
                card_brand=str(cheque.get("icc", ""))[:32],
                card_masked=_mask(str(cheque["cardMask"])),
                card_ref="",
                card_ref_kind="par",
                owner_verdict=OWNERS.get(str(cheque.get(_OWNER, "")), OwnerVerdict.UNKNOWN),
                entry_mode=str(cheque.get("method", "unknown"))[:16],
                cardholder_check="unknown",
                proof=card_proof(terminal_serial=self._serial) if self._serial else None,
                terminal_at=self.now(),
            )
        except (KeyError, ValueError, ValidationError):
            log.warning("the terminal's cheque lacks or mangles a field")
            return None

    # ------------------------------------------------------------------ memory

    def _note(self, request: SaleRequest, *, process_id: str) -> None:
        order = {
            "order": str(request.order_id),
            "amount": request.amount_tiyn,
            "process": process_id,
        }
        kept = self.memory.read()
        before = kept.get("open")
        if before and before["order"] != order["order"]:
            # Nobody could tell how it ended; what comes now must not hide that.
            kept["unsettled"] = [*kept.get("unsettled", []), before["order"]][-UNSETTLED_MAX:]
        self.memory.write(kept | {"open": order})

    def _forget(self) -> None:
        self.memory.write(self.memory.read() | {"open": None})

    def _keep(self, order_id: UUID, amount_tiyn: int, approval: Approval | None) -> None:
        kept = {
            "order": str(order_id),
            "amount": amount_tiyn,
            "terminal": self._terminal_number,
            "approval": approval.model_dump(mode="json") if approval is not None else None,
        }
        self.memory.write(self.memory.read() | {"kept": kept, "open": None})


def _unsettled(memory: dict[str, Any]) -> frozenset[UUID]:
    return frozenset(UUID(order) for order in memory.get("unsettled", []))


def _untold(order_id: UUID, unsettled: frozenset[UUID]) -> StoredSale:
    return StoredSale(
        receipt_number=0,
        trace_number=0,
        amount_tiyn=0,
        terminal_number="",
        order_id=order_id,
        approval=None,
        unsettled=unsettled,
    )


def _stored(memory: dict[str, Any]) -> StoredSale | None:
    kept, unsettled = memory.get("kept"), _unsettled(memory)
    if not kept:
        if not unsettled:
            return None
        # It keeps nothing, and yet that says nothing of these.
        return _untold(next(iter(unsettled)), unsettled)
    approval = Approval.model_validate(kept["approval"]) if kept["approval"] else None
    return StoredSale(
        receipt_number=approval.receipt_number if approval else 0,
        trace_number=approval.trace_number if approval else 0,
        amount_tiyn=int(kept["amount"]),
        terminal_number=str(kept["terminal"]),
        order_id=UUID(kept["order"]),
        approval=approval,
        unsettled=unsettled,
    )


def _mask(card: str) -> str:
    """Return a masked number whatever the terminal sent; a whole one is masked here."""
    number = "".join(one if one.isdigit() else "*" for one in card if not one.isspace())
    return masked(number) if len(number) >= _PAN_DIGITS_MIN else number


def _code(refusal: KaspiRefused) -> int:
    return Code.PLEASE_WAIT if refusal.code == CODE_BUSY else Code.SYSTEM_ERROR
