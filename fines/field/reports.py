"""Telling the server how an order ended, and printing the papers it wants for that."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeVar
from uuid import UUID

from fines.field.driver import SaleEnd
from fines.field.journal import Journal, OrderState, Stage
from fines.field.printer import Printer, PrinterFault
from fines.field.server import ServerClient, ServerRefused, ServerSilent
from fines.wire.protocol import Approval, Outcome, OwnerVerdict, Printed, Reason, Result
from fines.wire.slip import Slip

log = logging.getLogger(__name__)

Told = TypeVar("Told")


class Stopped(Exception):
    """The agent was asked to end; the journal holds what is left to do."""


@dataclass(kw_only=True)
class Reporter:
    """Reports an order's end until the server has it, prints, reports the papers, closes.

    Every method may raise ``Stopped``.
    """

    server: ServerClient
    printer: Printer
    journal: Journal
    now: Callable[[], datetime]
    stop: threading.Event
    retry_seconds: float

    def finish(
        self,
        state: OrderState,
        end: SaleEnd,
        *,
        slips: tuple[Slip, ...] = (),
        approval: Approval | None = None,
    ) -> None:
        """Write the end down, tell it, print ``slips`` and those the server answers with."""
        facts: dict[str, object] = {
            "result": end.result.value,
            "reason": end.reason.value,
            "owner": end.owner_verdict.value,
            "host_code": end.host_code,
            "terminal_code": end.terminal_code,
            "ended": self.now().isoformat(),
        }
        self.journal.note(state.order_id, Stage.ENDED, at=self.now(), facts=facts)
        log.info("order %s: %s %s", state.order_id, end.result.value, end.reason.value)
        self.report(state, slips=slips, approval=approval)

    def report(
        self,
        state: OrderState,
        *,
        slips: tuple[Slip, ...] = (),
        approval: Approval | None = None,
    ) -> None:
        """Tell an end that the journal already holds; may be repeated."""
        outcome = Outcome(
            result=Result(state.text("result")),
            reason=Reason(state.text("reason")),
            owner_verdict=OwnerVerdict(state.text("owner")),
            host_code=state.text("host_code"),
            terminal_code=state.text("terminal_code"),
            approval=approval,
            at=datetime.fromisoformat(state.text("ended")),
        )
        wanted: dict[UUID, Slip] = {}
        try:
            answer = self.insist(lambda: self.server.outcome(state.order_id, outcome))
            completed = outcome.result is Result.COMPLETED
            wanted = {slip.slip_id: slip for slip in (slips if completed else ())}
            wanted |= {slip.slip_id: slip for slip in answer.slips}
        except ServerRefused as error:
            log.error("outcome of order %s: %s", state.order_id, error)  # noqa: TRY400 - it says all
        self.journal.note(
            state.order_id, Stage.REPORTED, at=self.now(), facts={"slips": len(wanted)}
        )
        self.print(state, tuple(wanted.values()))

    def print(self, state: OrderState, slips: tuple[Slip, ...]) -> None:
        """Print what was never begun, tell what came out, close the order.

        A paper that was begun is not sent again: the server has a numbered duplicate made of it.
        """
        reason = Reason.NONE
        for slip in slips:
            if slip.slip_id in (*state.begun, *state.slips):
                continue
            begin = partial(self._note_paper, state, Stage.PRINTING, slip)
            try:
                self.printer.print_slip(slip, begin=begin)
            except PrinterFault as fault:
                reason = fault.reason
                break
            self._note_paper(state, Stage.PRINTED, slip)
        self.tell_printed(state, reason=reason, any_wanted=bool(slips))

    def _note_paper(self, state: OrderState, stage: Stage, slip: Slip) -> None:
        self.journal.note(state.order_id, stage, at=self.now(), facts={"slip": str(slip.slip_id)})

    def tell_printed(self, state: OrderState, *, reason: Reason, any_wanted: bool) -> None:
        """Tell which papers came out, surely or perhaps, if any were wanted; close the order."""
        if any_wanted:
            report = Printed(
                slip_ids=tuple(state.slips),
                doubtful_slip_ids=tuple(state.doubtful),
                reason=reason,
                at=self.now(),
            )
            try:
                self.insist(lambda: self.server.printed(state.order_id, report))
            except ServerRefused as error:
                log.error("papers of order %s: %s", state.order_id, error)  # noqa: TRY400 - it says all
        self.journal.note(state.order_id, Stage.CLOSED, at=self.now())

    def insist(self, report: Callable[[], Told]) -> Told:
        """Repeat a report until the server takes or refuses it."""
        while True:
            try:
                return report()
            except ServerSilent as error:
                log.warning("server: %s; repeating", error)
                self.pause()

    def pause(self) -> None:
        """Wait a little before a repeat."""
        if self.stop.wait(self.retry_seconds):
            raise Stopped
