"""The roll ends at any line of either slip: what came out whole is known, the rest comes later.

A real printer driver on a pseudo-terminal, the agent's real reporter and journal, the server's
rules; only the roll is played (``sim.printer``).
"""

import functools
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from PIL import Image

from fines.field.driver import SaleEnd
from fines.field.escpos import render
from fines.field.journal import Journal, JournalFull, Stage
from fines.field.printer import Printer
from fines.field.reports import Reporter
from fines.rules.payment import PaymentStatus
from fines.wire.protocol import Approval, OrderKind, OwnerVerdict, Reason, Result, Started
from sim.district import DRIVER
from sim.printer import ENDLESS, Interpreter, SimPrinter
from tests.factories_town_server import TownServer
from tests.unit.fines.test_slip_papers import sale

LINES = 30
TERMINAL = "52500042"
BEGIN = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


class Server(TownServer):
    """The town's server with slips as the real one makes them, and a clock to turn."""

    def __init__(self):
        self.at = BEGIN
        super().__init__(new_id=uuid4, now=lambda: self.at, wake=lambda *_: None)

    def _make(self, payment, _kind, copy_number):
        named = {"slip_id": uuid4(), "payment_id": payment.payment_id}
        payment.slips.append(sale()[copy_number - 1].model_copy(update=named))


def approval(amount_tiyn):
    return Approval(
        amount_tiyn=amount_tiyn, terminal_number=TERMINAL, merchant_number="1", receipt_number=1,
        trace_number=1, rrn="632612000034", approval_code="A1B2C3", card_brand="VISA",
        card_masked="400000******1045", card_ref="", card_ref_kind="par",
        owner_verdict=OwnerVerdict.MATCH, entry_mode="chip", cardholder_check="online_pin",
        terminal_at=BEGIN,
    )  # fmt: skip


def height_of(slip):
    papers = []
    interpreter = Interpreter(cut=papers.append, reply=lambda _: None)
    job, at = render(slip), 0
    while at < len(job):
        at += interpreter.step(job[at:])
    return papers[0].height


@functools.cache
def heights():
    """Return the heights of both slips; they are drawn once."""
    return [height_of(one) for one in sale()]


def run_out(folder, *, slip_number, line):
    """Sell, lose the paper at a line of a slip, put a roll in, print what is wanted again."""
    before = heights()[0] if slip_number == 2 else 0
    rows = before + max(1, heights()[slip_number - 1] * line // LINES)
    server = Server()
    with (
        SimPrinter(link=folder / "printer", folder=folder / "paper", paper_rows=rows) as roll,
        Journal(folder / "journal") as journal,
    ):
        reporter = Reporter(
            server=server,
            printer=Printer(url=str(folder / "printer"), baud=1_000_000, answer_seconds=20.0),
            journal=journal,
            now=lambda: server.at,
            stop=threading.Event(),
            retry_seconds=0.01,
        )
        payment = server.pay(
            record="1", terminal=TERMINAL, iin=DRIVER.iin, amount_tiyn=2_162_500, key="k"
        )
        order = server.next_order(TERMINAL)
        server.started(order.order_id, Started(at=BEGIN))
        answer = server.approval(order.order_id, approval(order.amount_tiyn))
        state = journal.note(order.order_id, Stage.INTENT, at=BEGIN, facts={"kind": "sale"})
        ended = SaleEnd(result=Result.COMPLETED, owner_verdict=OwnerVerdict.MATCH)
        reporter.finish(state, ended, slips=answer.slips)
        between = payment.status, len(roll.papers)

        roll.load_paper(ENDLESS)
        server.at += timedelta(minutes=1)
        again = server.next_order(TERMINAL)
        state = journal.note(again.order_id, Stage.INTENT, at=BEGIN, facts={"kind": "print"})
        reporter.print(state, again.slips)
        torn = sorted((folder / "paper").glob("*-torn.png"))
        return between, again, payment, list(roll.papers), torn


@pytest.mark.parametrize("slip_number", [1, 2])
def test_wherever_the_roll_ends_both_slips_come_out_whole_once(slip_number, tmp_path):
    def one(line):
        folder = tmp_path / str(line)
        folder.mkdir()
        return run_out(folder, slip_number=slip_number, line=line)

    heights()  # before the threads, which would each draw them
    with ThreadPoolExecutor(LINES) as together:
        runs = list(together.map(one, range(LINES)))

    for between, again, payment, papers, torn in runs:
        assert between == (PaymentStatus.APPROVED, slip_number - 1)
        assert again.kind is OrderKind.PRINT
        assert [slip.copy_number for slip in again.slips] == [1, 2][slip_number - 1 :]
        # The torn one may hold all but its foot: what comes instead has a number.
        assert [slip.duplicate for slip in again.slips] == [1, 0][: len(again.slips)]
        assert payment.status is PaymentStatus.SLIPS_PRINTED
        wanted = [*sale()[: slip_number - 1], *again.slips]
        assert [size(paper) for paper in papers] == [height_of(slip) for slip in wanted]
        assert len(torn) == 1
        assert size(torn[0]) <= heights()[slip_number - 1]


def size(paper):
    with Image.open(paper) as picture:
        return picture.height - 2 * 24


class Heard:
    """A server that notes what is reported as printed."""

    def __init__(self):
        self.reports = []

    def printed(self, _order_id, report):
        self.reports.append(report)


def reporter_at(folder, journal, server):
    return Reporter(
        server=server,
        printer=Printer(url=str(folder / "printer"), baud=1_000_000, answer_seconds=8.0),
        journal=journal,
        now=lambda: BEGIN,
        stop=threading.Event(),
        retry_seconds=0.01,
    )


def test_what_an_older_agent_noted_as_printed_is_not_printed_again(tmp_path):
    slips, order_id, server = sale(), uuid4(), Heard()
    with Journal(tmp_path / "journal") as journal:
        journal.note(order_id, Stage.INTENT, at=BEGIN, facts={"kind": "print", "slips": 2})
        journal.note(order_id, Stage.PRINTED, at=BEGIN, facts={"slip": str(slips[0].slip_id)})

    with (
        SimPrinter(link=tmp_path / "printer", folder=tmp_path / "paper") as roll,
        Journal(tmp_path / "journal") as journal,
    ):
        reporter_at(tmp_path, journal, server).print(journal.orders[order_id], slips)

    (report,) = server.reports
    assert len(roll.papers) == 1
    assert list(report.slip_ids) == [slip.slip_id for slip in slips]
    assert report.doubtful_slip_ids == ()


def test_what_cannot_be_written_down_is_not_begun(tmp_path):
    def no_room():
        raise JournalFull("no room")

    with SimPrinter(link=tmp_path / "printer", folder=tmp_path / "paper") as roll:
        printer = Printer(url=str(tmp_path / "printer"), baud=1_000_000, answer_seconds=8.0)
        before = roll.paper_rows
        with pytest.raises(JournalFull):
            printer.print_slip(sale()[0], begin=no_room)

        assert (roll.papers, roll.paper_rows) == ([], before)


class Impatient(Printer):
    """Gives a printer its time to say that it has paper, and hardly any once the bytes are out."""

    def _in_turn(self, port, _seconds):
        self._answer_seconds = 0.3
        return super()._in_turn(port, 0.3)


def test_a_printer_that_falls_silent_behind_the_bytes_leaves_a_doubt(tmp_path):
    slips, order_id, server = sale(), uuid4(), Heard()
    with (
        SimPrinter(link=tmp_path / "printer", folder=tmp_path / "paper") as roll,
        Journal(tmp_path / "journal") as journal,
    ):
        state = journal.note(order_id, Stage.INTENT, at=BEGIN, facts={"kind": "print"})
        reporter = replace(
            reporter_at(tmp_path, journal, server),
            printer=Impatient(url=str(tmp_path / "printer"), baud=1_000_000, answer_seconds=8.0),
        )
        roll.on_paper = lambda _: setattr(roll, "silent", True)
        roll.on_input = lambda data: setattr(roll, "silent", len(data) > 3)

        reporter.print(state, slips)

    (report,) = server.reports
    assert report.slip_ids == ()
    assert list(report.doubtful_slip_ids) == [slips[0].slip_id]
    assert report.reason is Reason.PRINTER_SILENT
