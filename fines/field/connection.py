"""The terminal on its line: opened when needed, let go when silent, asked what it keeps."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from fines.field.driver import StoredSale, TerminalDriver
from fines.field.journal import Journal, OrderState, Stage
from fines.field.settle import remembered, settle
from fines.wire.protocol import OrderKind, Result

log = logging.getLogger(__name__)

IN_FLIGHT = frozenset({Stage.SENDING, Stage.APPROVED, Stage.ACKNOWLEDGED})
_TAKEN_BACK = frozenset({Result.REVERSED.value, Result.DECLINED.value})


@dataclass(kw_only=True)
class Connection:
    """One terminal. ``last`` is what it kept when last asked or last seen to keep."""

    connect: Callable[[], TerminalDriver]
    journal: Journal
    now: Callable[[], datetime]
    terminal_number: str = ""
    last: StoredSale | None = None
    _open: TerminalDriver | None = None
    _silent_since: datetime | None = field(default=None)

    @property
    def is_open(self) -> bool:
        """Whether a driver holds the line."""
        return self._open is not None

    def driver(self) -> TerminalDriver:
        """Return the terminal, registered; opens the line where it is not open.

        Raises:
            LineSilent, TerminalRefused: see ``TerminalDriver``.
        """
        if self._open is None:
            driver = self.connect()
            try:
                self.terminal_number = driver.login()
                self.last = driver.last_result()
            except BaseException:
                driver.close()
                raise
            self._open = driver
            self._silent_since = None
            self._settle_unknown()
        return self._open

    def drop(self) -> None:
        """Let the line go."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def abort(self) -> None:
        """Have a card no longer waited for; safe from a signal handler."""
        if self._open is not None:
            self._open.abort()

    def ask_last(self) -> StoredSale | None:
        """Ask the terminal what it keeps now."""
        self.last = self.driver().last_result()
        return self.last

    def silent_seconds(self) -> float:
        """Return how long the line has been silent; counting begins with the first call."""
        self._silent_since = self._silent_since or self.now()
        return (self.now() - self._silent_since).total_seconds()

    def kept(self, state: OrderState) -> None:
        """Note that the terminal keeps this sale: it need not be asked."""
        receipt, trace = state.number("receipt"), state.number("trace")
        if receipt is not None and trace is not None:
            self.last = StoredSale(
                receipt_number=receipt,
                trace_number=trace,
                amount_tiyn=state.number("amount") or 0,
                terminal_number=self.terminal_number,
                order_id=state.order_id,
                approval=None,
            )

    def known_receipt(self) -> int | None:
        """Return the last receipt that is settled on our side (PA00P015, chapter 4).

        One less than the terminal's where its last sale was told as not paid: then it takes that
        sale back. Never 0, which it might take for receipt 1.
        """
        if self.last is None:
            return None
        order_id = self.last.order_id
        state = self.journal.orders.get(order_id) if order_id is not None else None
        not_paid = state is not None and state.text("result") in _TAKEN_BACK
        return (self.last.receipt_number - not_paid) or None

    def _settle_unknown(self) -> None:
        """Note what the terminal says of sales told as unknown, before a later sale hides it."""
        for state in self.journal.orders.values():
            if state.text("result") != Result.UNKNOWN.value or state.text("settled"):
                continue
            result = settle(remembered(state), self.last)
            if result is not Result.UNKNOWN:
                self.journal.note(
                    state.order_id, state.stage, at=self.now(), facts={"settled": result.value}
                )


def is_totals(state: OrderState) -> bool:
    """Return whether the order is about the terminal's day and about no sale."""
    return state.text("kind") == OrderKind.RECONCILE.value
