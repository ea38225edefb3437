"""The terminal agent: takes orders from the server, sells once, tells honestly how it ended."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from fines.field.desk import ApprovalDesk, Begin, begin_thread
from fines.field.driver import (
    SaleEnd,
    SaleRequest,
    StoredSale,
    TerminalDriver,
    TerminalRefused,
)
from fines.field.journal import Journal, OrderState, Stage
from fines.field.line import LineSilent
from fines.field.printer import Printer, PrinterFault
from fines.field.reports import Reporter, Stopped
from fines.field.server import ServerClient, ServerRefused, ServerSilent
from fines.field.settle import Remembered, remembered, settle
from fines.wire.protocol import (
    Approval,
    Hello,
    Order,
    OrderKind,
    Outcome,
    OwnerVerdict,
    Reason,
    Result,
    Started,
)
from fines.wire.slip import Slip
from fines.wire.zvt_errors import ZvtMalformed

log = logging.getLogger(__name__)

AGENT_VERSION: Final = "1.0"
_IN_FLIGHT: Final = frozenset({Stage.SENDING, Stage.APPROVED, Stage.ACKNOWLEDGED})
_STARTED_TRIES: Final = 3


@dataclass(frozen=True, kw_only=True)
class AgentSettings:
    """How patient the agent is, in seconds unless the name says otherwise."""

    poll_seconds: int = 20  # one long poll for an order
    retry_seconds: float = 2.0  # between tries after silence of the server or the line
    card_timeout_seconds: int = 60  # for the card to be presented
    approval_wait_seconds: float = 2.5  # one hold of the terminal; under its T3
    approval_waits_max: int = 6  # "ask again" before the sale is taken back
    settle_patience_seconds: float = 60.0  # for the line to come back before "unknown" is told


@dataclass(kw_only=True)
class Agent:
    """One terminal, one printer, one server. Runs until ``stop`` is set."""

    settings: AgentSettings
    connect: Callable[[], TerminalDriver]
    server: ServerClient
    printer: Printer
    journal: Journal
    now: Callable[[], datetime]
    stop: threading.Event = field(default_factory=threading.Event)
    begin: Begin = begin_thread
    idle: bool = False  # nothing but waiting for an order: may be interrupted at once
    _driver: TerminalDriver | None = None
    _terminal_number: str = ""
    _last: StoredSale | None = None  # what the terminal kept when last asked
    _silent_since: datetime | None = None

    def __post_init__(self) -> None:
        self._reporter = Reporter(
            server=self.server,
            printer=self.printer,
            journal=self.journal,
            now=self.now,
            stop=self.stop,
            retry_seconds=self.settings.retry_seconds,
        )

    def run(self) -> None:
        """Work until stopped. Silence of the line or the server is waited out."""
        try:
            while not self.stop.is_set():
                try:
                    self._work()
                except (LineSilent, TerminalRefused, ZvtMalformed) as error:
                    log.warning("terminal: %s", error)
                    self._drop_line()
                    self._without_line()
                except ServerSilent as error:
                    log.warning("server: %s", error)
                except ServerRefused as error:
                    log.error("server: %s", error)  # noqa: TRY400 - it says all
                self.stop.wait(self.settings.retry_seconds)
        except Stopped:
            pass
        finally:
            self._drop_line()

    def request_stop(self) -> None:
        """End soon: a card not yet read is not waited for; safe from a signal handler."""
        self.stop.set()
        if self._driver is not None:
            self._driver.abort()

    # ------------------------------------------------------------------ one connection

    def _work(self) -> None:
        for state in self.journal.open_orders():
            if not _needs_line(state):
                self._resume(state)
        driver = self._connected()
        self.server.hello(
            Hello(
                agent_version=AGENT_VERSION,
                terminal_number=self._terminal_number,
                driver=driver.name,
            )
        )
        for state in self.journal.open_orders():
            self._resume(state)
        while not self.stop.is_set():
            self.idle = True
            try:
                order = self.server.next_order(wait_seconds=self.settings.poll_seconds)
            finally:
                self.idle = False
            if order is not None:
                self._do(order)

    def _without_line(self) -> None:
        """While the terminal is silent: refuse new sales, print, and at last tell "unknown"."""
        try:
            self._give_up_on_silent_sales()
            order = self.server.next_order(wait_seconds=0)
            if order is None or self.stop.is_set():
                return
            if order.kind is OrderKind.PRINT:
                self._print_order(order)
            elif order.kind is OrderKind.SALE and order.order_id not in self.journal.orders:
                state = self._intend(order)
                if self._may_start(order.order_id):
                    self._reporter.finish(
                        state, SaleEnd(result=Result.DECLINED, reason=Reason.LINE_SILENT)
                    )
                else:
                    self.journal.note(order.order_id, Stage.CLOSED, at=self.now())
            # A last result is left for later: the server gives the order again.
        except ServerSilent as error:
            log.warning("server: %s", error)
        except ServerRefused as error:
            log.error("server: %s", error)  # noqa: TRY400 - it says all

    def _connected(self) -> TerminalDriver:
        if self._driver is None:
            driver = self.connect()
            try:
                self._terminal_number = driver.login()
                self._last = driver.last_result()
            except BaseException:
                driver.close()
                raise
            self._driver = driver
            self._silent_since = None
            self._settle_unknown()
        return self._driver

    def _drop_line(self) -> None:
        if self._driver is not None:
            self._driver.close()
            self._driver = None

    def _do(self, order: Order) -> None:
        if order.kind is OrderKind.SALE:
            known = self.journal.orders.get(order.order_id)
            if known is None:
                self._sell(order)
            else:
                # Whatever the journal knows, it is never sold a second time.
                self._resume(known)
                self._reporter.pause()  # given again at once, it would be again and again
        elif order.kind is OrderKind.LAST_RESULT:
            self._answer_last_result(order)
        else:
            self._print_order(order)

    # ------------------------------------------------------------------ a sale

    def _intend(self, order: Order) -> OrderState:
        last = self._last
        facts: dict[str, object] = {
            "kind": order.kind.value,
            "amount": order.amount_tiyn,
            "payment": str(order.payment_id),
            "terminal": self._terminal_number,
            "before": self._driver is not None,
            "receipt_before": last.receipt_number if last else None,
            "trace_before": last.trace_number if last else None,
        }
        return self.journal.note(order.order_id, Stage.INTENT, at=self.now(), facts=facts)

    def _sell(self, order: Order) -> None:
        state = self._intend(order)
        if not self._may_start(order.order_id):
            self.journal.note(order.order_id, Stage.CLOSED, at=self.now())
            return
        if (obstacle := self._obstacle(order)) is not None:
            self._reporter.finish(state, SaleEnd(result=Result.DECLINED, reason=obstacle))
            if obstacle is Reason.LINE_SILENT:
                raise LineSilent("no answer before the sale")
            return
        end, slips = self._sale(order)
        if end.result is Result.COMPLETED:
            self._remember_last(state)
        self._reporter.finish(state, end, slips=slips)

    def _sale(self, order: Order) -> tuple[SaleEnd, tuple[Slip, ...]]:
        """Let the terminal sell, once.

        Raises:
            LineSilent: how it ended is not known; the journal has what settling needs.
        """
        order_id = order.order_id
        desk = ApprovalDesk(
            order_id=order_id,
            server=self.server,
            journal=self.journal,
            now=self.now,
            wait_seconds=self.settings.approval_wait_seconds,
            waits_max=self.settings.approval_waits_max,
            begin=self.begin,
        )
        self.journal.note(order_id, Stage.SENDING, at=self.now())
        try:
            end = self._connected().sale(
                SaleRequest(
                    order_id=order_id,
                    amount_tiyn=order.amount_tiyn,
                    payer_iin=order.payer_iin,
                    card_timeout_seconds=self.settings.card_timeout_seconds,
                    expires_at=order.expires_at,
                ),
                decide=desk.decide,
                progress=lambda step: log.info("order %s: %s", order_id, step),
            )
        finally:
            desk.close()
        if end.result is Result.UNKNOWN:
            raise LineSilent(f"order {order_id} went silent")  # the journal settles it
        if end.reason is Reason.SERVER_REFUSED:
            end = replace(end, reason=desk.reason)
        return end, desk.slips

    def _remember_last(self, state: OrderState) -> None:
        receipt, trace = state.number("receipt"), state.number("trace")
        if receipt is not None and trace is not None:
            self._last = StoredSale(
                receipt_number=receipt,
                trace_number=trace,
                amount_tiyn=state.number("amount") or 0,
                terminal_number=self._terminal_number,
                order_id=state.order_id,
                approval=None,
            )

    def _may_start(self, order_id: UUID) -> bool:
        for attempt in range(_STARTED_TRIES):
            try:
                return self.server.started(order_id, Started(at=self.now())).may_start
            except ServerRefused as error:
                log.warning("order %s may not start: %s", order_id, error)
                return False
            except ServerSilent:
                if attempt == _STARTED_TRIES - 1:
                    raise  # the journal says INTENT: told as aborted when the server is back
                self._reporter.pause()
        return False

    def _obstacle(self, order: Order) -> Reason | None:
        """Return why the sale must not even begin; nothing was charged."""
        if self.now() >= order.expires_at:
            return Reason.ABORTED
        try:
            self.printer.check_paper()
        except PrinterFault as fault:
            return fault.reason
        try:
            code = self._connected().status()
        except LineSilent:
            return Reason.LINE_SILENT
        except TerminalRefused:
            return Reason.TERMINAL_BUSY
        return None if code == 0 else Reason.TERMINAL_FAULT

    # ------------------------------------------------------------------ after a crash or silence

    def _resume(self, state: OrderState) -> None:
        """Bring an order the journal knows to its end, without selling again."""
        if state.stage is Stage.INTENT and state.text("kind") == OrderKind.SALE.value:
            self._reporter.finish(state, SaleEnd(result=Result.DECLINED, reason=Reason.ABORTED))
        elif state.stage in _IN_FLIGHT:
            result, approval = self._ask_memory(remembered(state))
            self._reporter.finish(state, _settled_end(result), approval=approval)
        elif state.stage is Stage.ENDED:
            approval = None
            if state.text("result") == Result.COMPLETED.value:
                _, approval = self._ask_memory(remembered(state))
            self._reporter.report(state, slips=(), approval=approval)
        elif state.stage is Stage.CLOSED:
            if state.text("result"):
                self._reporter.report(state, slips=(), approval=None)
        else:  # the papers were interrupted: say which came out, the server orders the rest
            wanted = bool(state.number("slips")) or bool(state.slips)
            self._reporter.tell_printed(state, reason=Reason.ABORTED, any_wanted=wanted)

    def _ask_memory(self, sale: Remembered) -> tuple[Result, Approval | None]:
        stored = self._connected().last_result()
        self._last = stored
        result = settle(sale, stored)
        kept = stored is not None and result is Result.COMPLETED
        return result, stored.approval if stored is not None and kept else None

    def _settle_unknown(self) -> None:
        """Note what the terminal says of sales told as unknown, before a later sale hides it."""
        for state in self.journal.orders.values():
            if state.text("result") != Result.UNKNOWN.value or state.text("settled"):
                continue
            result = settle(remembered(state), self._last)
            if result is not Result.UNKNOWN:
                self.journal.note(
                    state.order_id, state.stage, at=self.now(), facts={"settled": result.value}
                )

    def _give_up_on_silent_sales(self) -> None:
        """Tell the server "unknown" for sales in flight once the line was silent long enough."""
        now = self.now()
        self._silent_since = self._silent_since or now
        if (now - self._silent_since).total_seconds() < self.settings.settle_patience_seconds:
            return
        for state in self.journal.open_orders():
            if state.stage in _IN_FLIGHT:
                try:
                    self._reporter.finish(state, _settled_end(Result.UNKNOWN))
                except ServerSilent as error:
                    log.warning("server: %s", error)

    def _answer_last_result(self, order: Order) -> None:
        original_id = order.original_order_id or order.order_id
        state = self.journal.orders.get(original_id)
        if state is not None and state.number("amount") is not None:
            sale = remembered(state)
        else:  # the journal is another one: what the server knows must do
            sale = Remembered(
                order_id=original_id,
                amount_tiyn=order.amount_tiyn,
                receipt_number=order.original_receipt_number,
            )
        result, approval = self._ask_memory(sale)
        noted = state.text("settled") or state.text("result") if state is not None else ""
        if noted and noted != Result.UNKNOWN.value:
            result = Result(noted)  # seen then; a later sale may hide it now
        outcome = Outcome(
            result=result,
            reason=Reason.NONE if result is Result.COMPLETED else Reason.LINE_SILENT,
            owner_verdict=approval.owner_verdict if approval else OwnerVerdict.UNKNOWN,
            approval=approval,
            at=self.now(),
        )
        self._reporter.insist(lambda: self.server.outcome(order.order_id, outcome))

    def _print_order(self, order: Order) -> None:
        state = self.journal.orders.get(order.order_id) or self.journal.note(
            order.order_id,
            Stage.INTENT,
            at=self.now(),
            facts={"kind": order.kind.value, "slips": len(order.slips)},
        )
        self._reporter.print(state, order.slips)


def _needs_line(state: OrderState) -> bool:
    completed = state.stage is Stage.ENDED and state.text("result") == Result.COMPLETED.value
    return completed or state.stage in _IN_FLIGHT


def _settled_end(result: Result) -> SaleEnd:
    reason = Reason.NONE if result is Result.COMPLETED else Reason.LINE_SILENT
    owner = OwnerVerdict.MATCH if result is Result.COMPLETED else OwnerVerdict.UNKNOWN
    return SaleEnd(result=result, reason=reason, owner_verdict=owner)
