"""Where an approval waits for the server's commit while the terminal holds its breath."""

import logging
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Protocol
from uuid import UUID

from fines.field.driver import Decision
from fines.field.journal import Journal, Stage
from fines.field.server import ServerClient, ServerRefused, ServerSilent
from fines.wire.protocol import Approval, ApprovalAnswer, Reason
from fines.wire.slip import Slip

log = logging.getLogger(__name__)


class Running(Protocol):
    """Work under way beside the line; a thread."""

    def join(self, timeout: float | None = None) -> None:
        """Wait for its end."""

    def is_alive(self) -> bool:
        """Return whether it still runs."""


Begin = Callable[[Callable[[], None], str], Running]  # the work and its name


def begin_thread(work: Callable[[], None], name: str) -> Running:
    """Do ``work`` in a thread."""
    thread = threading.Thread(target=work, name=name)
    thread.start()
    return thread


class ApprovalDesk:
    """Asks the server once and answers the terminal as often as it asks.

    ``wait_seconds`` is how long one answer may be held back, less than the terminal's T3;
    ``waits_max`` how often "ask again" is said before the sale is taken back.
    """

    def __init__(
        self,
        *,
        order_id: UUID,
        server: ServerClient,
        journal: Journal,
        now: Callable[[], datetime],
        wait_seconds: float,
        waits_max: int,
        begin: Begin,
    ) -> None:
        self._order_id, self._server, self._journal, self._now = order_id, server, journal, now
        self._wait_seconds, self._waits_left = wait_seconds, waits_max
        self._begin = begin
        self._thread: Running | None = None
        self._answer: ApprovalAnswer | None = None
        self._accepted = False

    @property
    def slips(self) -> tuple[Slip, ...]:
        """The papers the server wants for an accepted approval."""
        return self._answer.slips if self._answer is not None and self._accepted else ()

    @property
    def reason(self) -> Reason:
        """Why the approval was not accepted, as far as the server said."""
        if self._answer is None or self._answer.reason is Reason.NONE:
            return Reason.SERVER_REFUSED
        return self._answer.reason

    def decide(self, approval: Approval) -> Decision:
        """Return what to tell the terminal now. ``ACCEPT`` only after the server's commit."""
        if self._accepted:
            return Decision.ACCEPT
        if self._thread is None:
            facts = {"receipt": approval.receipt_number, "trace": approval.trace_number}
            self._journal.note(self._order_id, Stage.APPROVED, at=self._now(), facts=facts)
            self._thread = self._begin(lambda: self._ask(approval), f"approval {self._order_id}")
        self._thread.join(self._wait_seconds)
        if self._thread.is_alive():
            self._waits_left -= 1
            return Decision.WAIT if self._waits_left >= 0 else Decision.REFUSE
        if self._answer is None or not self._answer.accepted:
            return Decision.REFUSE
        self._journal.note(self._order_id, Stage.ACKNOWLEDGED, at=self._now())
        self._accepted = True
        return Decision.ACCEPT

    def close(self) -> None:
        """Wait for the server's answer, so that no approval arrives after the outcome."""
        if self._thread is not None:
            self._thread.join()

    def _ask(self, approval: Approval) -> None:
        try:
            self._answer = self._server.approval(self._order_id, approval)
        except (ServerSilent, ServerRefused) as error:
            log.warning("approval of order %s not accepted: %s", self._order_id, error)
