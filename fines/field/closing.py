"""End of day: close the terminal's batch once and tell its totals, whatever dies in between.

Closing empties the terminal's counters, so what they held is written down before. A terminal that
cannot tell its counters without closing (no 06 10) loses them if the power goes in that instant;
the acquirer's file still has every sale.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from fines.field.connection import Connection
from fines.field.driver import Counted, TerminalRefused
from fines.field.journal import Journal, OrderState, Stage
from fines.field.reports import Reporter
from fines.field.server import ServerClient, ServerRefused
from fines.wire.protocol import BrandTotals, Order, Totals

log = logging.getLogger(__name__)


@dataclass(kw_only=True)
class Closing:
    """Answers RECONCILE; may raise ``LineSilent`` and ``Stopped``."""

    connection: Connection
    server: ServerClient
    journal: Journal
    reporter: Reporter
    now: Callable[[], datetime]

    def reconcile(self, order: Order) -> None:
        """Close the day, unless it was closed for this very order; tell what was counted."""
        state = self.journal.orders.get(order.order_id)
        if state is None or "totals" not in state.facts:
            try:
                state = self._close(order, state)
            except TerminalRefused as refusal:
                # Its host is away, or it has no such act: the server gives the order again.
                log.warning("order %s: the day is not closed: %s", order.order_id, refusal)
                self.reporter.pause()
                return
        totals = Totals.model_validate(state.facts["totals"])
        try:
            self.reporter.insist(lambda: self.server.totals(order.order_id, totals))
        except ServerRefused as error:
            log.error("totals of order %s: %s", order.order_id, error)  # noqa: TRY400 - it says all
        self.journal.note(order.order_id, Stage.CLOSED, at=self.now())

    def _close(self, order: Order, state: OrderState | None) -> OrderState:
        driver = self.connection.driver()
        seen = driver.turnover()
        before = _noted(state) if state is not None and state.stage is Stage.SENDING else None
        if before is not None and before.receipt_from is not None and seen is not None:
            if seen.receipt_from != before.receipt_from:  # it was closed before we fell
                return self._ended(order, before)
        else:
            before = None
        facts: dict[str, object] = {"kind": order.kind.value}
        if before is None and seen is not None:
            facts["turnover"] = self._totals(seen).model_dump(mode="json")
        self.journal.note(order.order_id, Stage.SENDING, at=self.now(), facts=facts)
        return self._ended(order, self._totals(driver.reconcile()))

    def _ended(self, order: Order, totals: Totals) -> OrderState:
        facts = {"totals": totals.model_dump(mode="json")}
        log.info("order %s: the day is closed, %s sales", order.order_id, totals.count)
        return self.journal.note(order.order_id, Stage.ENDED, at=self.now(), facts=facts)

    def _totals(self, counted: Counted) -> Totals:
        return Totals(
            terminal_number=counted.terminal_number or self.connection.terminal_number,
            closed_at=self.now(),
            receipt_from=counted.receipt_from,
            receipt_to=counted.receipt_to,
            count=counted.count,
            sum_tiyn=counted.sum_tiyn,
            brands={
                name: BrandTotals(count=count, sum_tiyn=sum_tiyn)
                for name, (count, sum_tiyn) in counted.brands.items()
            },
        )


def _noted(state: OrderState) -> Totals | None:
    raw = state.facts.get("turnover")
    return Totals.model_validate(raw) if raw else None
