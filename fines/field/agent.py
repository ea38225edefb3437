"""The terminal agent: takes orders from the server, sells once, tells honestly how it ended."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from fines.field.closing import Closing
from fines.field.connection import Connection
from fines.field.desk import Begin, begin_thread
from fines.field.driver import TerminalDriver, TerminalRefused
from fines.field.journal import Journal, JournalFull, Stage
from fines.field.line import LineSilent
from fines.field.printer import Printer
from fines.field.recovery import Recovery, needs_line
from fines.field.reports import Reporter, Stopped
from fines.field.selling import Patience, Seller
from fines.field.server import ServerClient, ServerRefused, ServerSilent
from fines.wire.protocol import Hello, Order, OrderKind
from fines.wire.zvt_errors import ZvtMalformed

log = logging.getLogger(__name__)

AGENT_VERSION: Final = "1.2"


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

    def __post_init__(self) -> None:
        settings = self.settings
        self._reporter = Reporter(
            server=self.server,
            printer=self.printer,
            journal=self.journal,
            now=self.now,
            stop=self.stop,
            retry_seconds=settings.retry_seconds,
        )
        self._connection = Connection(connect=self.connect, journal=self.journal, now=self.now)
        self._recovery = Recovery(
            connection=self._connection,
            server=self.server,
            journal=self.journal,
            reporter=self._reporter,
            now=self.now,
            settle_patience_seconds=settings.settle_patience_seconds,
        )
        self._closing = Closing(
            connection=self._connection,
            server=self.server,
            journal=self.journal,
            reporter=self._reporter,
            now=self.now,
        )
        self._seller = Seller(
            connection=self._connection,
            server=self.server,
            printer=self.printer,
            journal=self.journal,
            reporter=self._reporter,
            now=self.now,
            begin=self.begin,
            patience=Patience(
                card_timeout_seconds=settings.card_timeout_seconds,
                approval_wait_seconds=settings.approval_wait_seconds,
                approval_waits_max=settings.approval_waits_max,
            ),
        )

    def run(self) -> None:
        """Work until stopped. Silence of the line or the server is waited out."""
        try:
            while not self.stop.is_set():
                try:
                    self._work()
                except (LineSilent, TerminalRefused, ZvtMalformed) as error:
                    log.warning("terminal: %s", error)
                    self._connection.drop()
                    self._without_line()
                except ServerSilent as error:
                    log.warning("server: %s", error)
                except ServerRefused as error:
                    log.error("server: %s", error)  # noqa: TRY400 - it says all
                except JournalFull as error:
                    # Nothing is begun that cannot be written down; the line is opened anew, so
                    # that a sale in the terminal's hands is taken back.
                    log.error("journal: %s", error)  # noqa: TRY400 - it says all
                    self._connection.drop()
                self.stop.wait(self.settings.retry_seconds)
        except Stopped:
            pass
        finally:
            self._connection.drop()

    def request_stop(self) -> None:
        """End soon: a card not yet read is not waited for; safe from a signal handler."""
        self.stop.set()
        self._connection.abort()

    def _work(self) -> None:
        for state in self.journal.open_orders():
            if not needs_line(state):
                self._recovery.resume(state)
        driver = self._connection.driver()
        self.server.hello(
            Hello(
                agent_version=AGENT_VERSION,
                terminal_number=self._connection.terminal_number,
                driver=driver.name,
            )
        )
        for state in self.journal.open_orders():
            self._recovery.resume(state)
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
            self._recovery.give_up_on_silent_sales()
            order = self.server.next_order(wait_seconds=0)
            if order is None or self.stop.is_set():
                return
            if order.kind is OrderKind.PRINT:
                self._print(order)
            elif order.kind is OrderKind.SALE and order.order_id not in self.journal.orders:
                self._seller.refuse_without_line(order)
            # What only the terminal can do is left for later: the server gives the order again.
        except ServerSilent as error:
            log.warning("server: %s", error)
        except (ServerRefused, JournalFull) as error:
            log.error("%s", error)  # noqa: TRY400 - it says all

    def _do(self, order: Order) -> None:
        known = self.journal.orders.get(order.order_id)
        if order.kind is OrderKind.SALE and known is not None:
            # Whatever the journal knows, it is never sold a second time.
            self._recovery.resume(known)
            self._reporter.pause()  # given again at once, it would be again and again
            return
        acts: dict[OrderKind, Callable[[Order], None]] = {
            OrderKind.SALE: self._seller.sell,
            OrderKind.LAST_RESULT: self._recovery.answer_last_result,
            OrderKind.REVERSAL: self._recovery.take_back,
            OrderKind.RECONCILE: self._closing.reconcile,
            OrderKind.PRINT: self._print,
        }
        acts[order.kind](order)

    def _print(self, order: Order) -> None:
        state = self.journal.orders.get(order.order_id) or self.journal.note(
            order.order_id,
            Stage.INTENT,
            at=self.now(),
            facts={"kind": order.kind.value, "slips": len(order.slips)},
        )
        self._reporter.print(state, order.slips)
