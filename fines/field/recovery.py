"""After a crash or silence: bring what the journal knows to its end, without selling again."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from fines.field.connection import IN_FLIGHT, Connection, is_totals
from fines.field.driver import SaleEnd
from fines.field.journal import Journal, OrderState, Stage
from fines.field.reports import Reporter
from fines.field.server import ServerClient, ServerSilent
from fines.field.settle import Remembered, is_ours, remembered, settle
from fines.wire.protocol import (
    Approval,
    Order,
    OrderKind,
    Outcome,
    OwnerVerdict,
    Reason,
    Result,
)

log = logging.getLogger(__name__)


@dataclass(kw_only=True)
class Recovery:
    """Settles by the terminal's memory. Every method may raise ``LineSilent``, ``Stopped``."""

    connection: Connection
    server: ServerClient
    journal: Journal
    reporter: Reporter
    now: Callable[[], datetime]
    settle_patience_seconds: float

    def resume(self, state: OrderState) -> None:
        """Bring an order the journal knows to its end, without selling again."""
        if is_totals(state):
            return  # the server gives it again until it has the totals
        if state.stage is Stage.INTENT and state.text("kind") == OrderKind.SALE.value:
            self.reporter.finish(state, SaleEnd(result=Result.DECLINED, reason=Reason.ABORTED))
        elif state.stage in IN_FLIGHT:
            result, approval = self._ask_memory(remembered(state))
            self.reporter.finish(state, _settled_end(result), approval=approval)
        elif state.stage is Stage.ENDED:
            approval = None
            if state.text("result") == Result.COMPLETED.value:
                _, approval = self._ask_memory(remembered(state))
            self.reporter.report(state, slips=(), approval=approval)
        elif state.stage is Stage.CLOSED:
            if state.text("result"):
                self.reporter.report(state, slips=(), approval=None)
        else:  # the papers were interrupted: say which came out, the server orders the rest
            wanted = bool(state.number("slips")) or bool(state.begun or state.slips)
            self.reporter.tell_printed(state, reason=Reason.ABORTED, any_wanted=wanted)

    def give_up_on_silent_sales(self) -> None:
        """Tell the server "unknown" for sales in flight once the line was silent long enough."""
        if self.connection.silent_seconds() < self.settle_patience_seconds:
            return
        for state in self.journal.open_orders():
            if state.stage in IN_FLIGHT and not is_totals(state):
                try:
                    self.reporter.finish(state, _settled_end(Result.UNKNOWN))
                except ServerSilent as error:
                    log.warning("server: %s", error)

    def answer_last_result(self, order: Order) -> None:
        """Answer an order LAST_RESULT from the terminal's memory and our own."""
        sale, state = self._sale_of(order)
        result, approval = self._ask_memory(sale)
        noted = state.text("settled") or state.text("result") if state is not None else ""
        if noted and noted != Result.UNKNOWN.value:
            result = Result(noted)  # seen then; a later sale may hide it now
        self._tell(order, result, approval)

    def take_back(self, order: Order) -> None:
        """Take back a sale the server has not committed: the machine's act, on its order only.

        Only a sale that is certainly ours and the terminal's last: receipt numbers are used again.
        """
        sale, _state = self._sale_of(order)
        stored = self.connection.ask_last()
        result = settle(sale, stored)
        if stored is not None and is_ours(sale, stored):
            result = self.connection.driver().reversal(stored.receipt_number)
            log.info("order %s: reversal of receipt %s: %s", order.order_id,
                     stored.receipt_number, result.value)  # fmt: skip
            self.connection.ask_last()
        self._tell(order, Result.UNKNOWN if result is Result.COMPLETED else result, None)

    def _sale_of(self, order: Order) -> tuple[Remembered, OrderState | None]:
        original_id = order.original_order_id or order.order_id
        state = self.journal.orders.get(original_id)
        if state is not None and state.number("amount") is not None:
            return remembered(state), state
        # The journal is another one: what the server knows must do.
        return Remembered(
            order_id=original_id,
            amount_tiyn=order.amount_tiyn,
            receipt_number=order.original_receipt_number,
        ), state

    def _ask_memory(self, sale: Remembered) -> tuple[Result, Approval | None]:
        stored = self.connection.ask_last()
        result = settle(sale, stored)
        kept = stored is not None and result is Result.COMPLETED
        return result, stored.approval if stored is not None and kept else None

    def _tell(self, order: Order, result: Result, approval: Approval | None) -> None:
        outcome = Outcome(
            result=result,
            reason=Reason.NONE if result is Result.COMPLETED else Reason.LINE_SILENT,
            owner_verdict=approval.owner_verdict if approval else OwnerVerdict.UNKNOWN,
            approval=approval,
            at=self.now(),
        )
        self.reporter.insist(lambda: self.server.outcome(order.order_id, outcome))


def needs_line(state: OrderState) -> bool:
    """Return whether only the terminal can tell how the order ended."""
    completed = state.stage is Stage.ENDED and state.text("result") == Result.COMPLETED.value
    return completed or state.stage in IN_FLIGHT


def _settled_end(result: Result) -> SaleEnd:
    reason = Reason.NONE if result is Result.COMPLETED else Reason.LINE_SILENT
    owner = OwnerVerdict.MATCH if result is Result.COMPLETED else OwnerVerdict.UNKNOWN
    return SaleEnd(result=result, reason=reason, owner_verdict=owner)
