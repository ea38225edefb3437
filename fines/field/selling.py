"""One sale: announced, the card looked at where it can be, sold once, told as it ended."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from fines.field.connection import Connection
from fines.field.desk import ApprovalDesk, Begin
from fines.field.driver import CardNotRead, CardSeen, SaleEnd, SaleRequest, TerminalRefused
from fines.field.journal import Journal, OrderState, Stage
from fines.field.line import LineSilent
from fines.field.printer import Printer, PrinterFault
from fines.field.reports import Reporter
from fines.field.server import ServerClient, ServerRefused, ServerSilent
from fines.wire.protocol import CardShown, Order, Reason, Result, Started
from fines.wire.slip import Slip

log = logging.getLogger(__name__)

_STARTED_TRIES: Final = 3
_NONE: Final = Reason.NONE


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long a sale waits, in seconds unless the name says otherwise."""

    card_timeout_seconds: int
    approval_wait_seconds: float
    approval_waits_max: int


@dataclass(kw_only=True)
class Seller:
    """Sells on the server's order. Every method may raise ``ServerSilent`` and ``Stopped``."""

    connection: Connection
    server: ServerClient
    printer: Printer
    journal: Journal
    reporter: Reporter
    now: Callable[[], datetime]
    begin: Begin
    patience: Patience

    def sell(self, order: Order) -> None:
        """Sell once.

        Raises:
            LineSilent: how it ended is not known; the journal has what settling needs.
        """
        state = self.intend(order)
        if not self.may_start(order.order_id):
            self.journal.note(order.order_id, Stage.CLOSED, at=self.now())
            return
        if (obstacle := self._obstacle(order)) is not None:
            self._refuse(state, obstacle)
            return
        card, against = self._card_before(order)
        if against is _NONE and self.reporter.stop.is_set():
            against = Reason.ABORTED  # asked to end meanwhile: no card is waited for again
        if against is not _NONE:
            self._refuse(state, against)
            return
        end, slips = self._sale(order, card)
        if end.result is Result.COMPLETED:
            self.connection.kept(state)
        self.reporter.finish(state, end, slips=slips)

    def refuse_without_line(self, order: Order) -> None:
        """End a sale that cannot begin because the terminal is silent; nothing was charged."""
        state = self.intend(order)
        if self.may_start(order.order_id):
            end = SaleEnd(result=Result.DECLINED, reason=Reason.LINE_SILENT)
            self.reporter.finish(state, end)
        else:
            self.journal.note(order.order_id, Stage.CLOSED, at=self.now())

    def intend(self, order: Order) -> OrderState:
        """Write down what is about to be sold, and what the terminal kept before."""
        last = self.connection.last
        facts: dict[str, object] = {
            "kind": order.kind.value,
            "amount": order.amount_tiyn,
            "payment": str(order.payment_id),
            "terminal": self.connection.terminal_number,
            "before": self.connection.is_open,
            "receipt_before": last.receipt_number if last else None,
            "trace_before": last.trace_number if last else None,
        }
        return self.journal.note(order.order_id, Stage.INTENT, at=self.now(), facts=facts)

    def may_start(self, order_id: UUID) -> bool:
        """Announce a sale; it may be withdrawn."""
        for attempt in range(_STARTED_TRIES):
            try:
                return self.server.started(order_id, Started(at=self.now())).may_start
            except ServerRefused as error:
                log.warning("order %s may not start: %s", order_id, error)
                return False
            except ServerSilent:
                if attempt == _STARTED_TRIES - 1:
                    raise  # the journal says INTENT: told as aborted when the server is back
                self.reporter.pause()
        return False

    def _refuse(self, state: OrderState, reason: Reason) -> None:
        self.reporter.finish(state, SaleEnd(result=Result.DECLINED, reason=reason))
        if reason is Reason.LINE_SILENT:
            raise LineSilent("no answer before the sale")

    def _obstacle(self, order: Order) -> Reason | None:
        """Return why the sale must not even begin; nothing was charged."""
        if self.now() >= order.expires_at:
            return Reason.ABORTED
        try:
            self.printer.check_paper()
        except PrinterFault as fault:
            return fault.reason
        try:
            code = self.connection.driver().status()
        except LineSilent:
            return Reason.LINE_SILENT
        except TerminalRefused:
            return Reason.TERMINAL_BUSY
        return None if code == 0 else Reason.TERMINAL_FAULT

    def _card_before(self, order: Order) -> tuple[CardSeen | None, Reason]:
        """Read the card and have the server look at it; silence about a card is a no."""
        if not order.read_card:
            return None, _NONE
        try:
            card = self.connection.driver().card_acquisition(
                timeout_seconds=self.patience.card_timeout_seconds,
                payer_name=order.payer_name,
                until=order.expires_at,
            )
        except CardNotRead as error:
            return None, error.reason
        except LineSilent:
            return None, Reason.LINE_SILENT
        if card is None:
            return None, _NONE  # this terminal cannot: the issuer decides alone
        shown = CardShown(
            card_brand=card.brand,
            card_masked=card.card_masked,
            card_ref=card.card_ref,
            card_ref_kind=card.card_ref_kind,
            name_verdict=card.name_verdict.value if card.name_verdict else "",
        )
        try:
            return card, self.server.card(order.order_id, shown).reason
        except (ServerSilent, ServerRefused) as error:
            log.warning("order %s: the card was not judged: %s", order.order_id, error)
            return card, Reason.OWNERSHIP_NO_ANSWER

    def _sale(self, order: Order, card: CardSeen | None) -> tuple[SaleEnd, tuple[Slip, ...]]:
        order_id = order.order_id
        desk = ApprovalDesk(
            order_id=order_id,
            server=self.server,
            journal=self.journal,
            now=self.now,
            wait_seconds=self.patience.approval_wait_seconds,
            waits_max=self.patience.approval_waits_max,
            begin=self.begin,
        )
        driver = self.connection.driver()
        self.journal.note(order_id, Stage.SENDING, at=self.now())
        try:
            end = driver.sale(
                SaleRequest(
                    order_id=order_id,
                    amount_tiyn=order.amount_tiyn,
                    payer_iin=order.payer_iin,
                    card_timeout_seconds=self.patience.card_timeout_seconds,
                    expires_at=order.expires_at,
                    known_receipt=self.connection.known_receipt(),
                    card_before=card,
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
