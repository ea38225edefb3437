"""The fine: its papers, what our driver adds to a sale, and how soon two slips are on paper."""

import io
import itertools
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import serial

from benchmarks.figures import Figure, percentile
from benchmarks.papers import AMOUNT_TIYN, median_ms, papers, slips
from benchmarks.world import World
from fines.field.driver import Decision, SaleRequest
from fines.field.escpos import render
from fines.field.journal import Journal, Stage
from fines.field.line import Line, Timers
from fines.field.zvt_driver import ZvtDriver
from fines.wire import zvt, zvt_frame
from fines.wire.protocol import Result
from fines.wire.slip import Slip
from sim.acquirer import SimAcquirer
from sim.district import DRIVER, Card
from sim.patrol import TerminalAgent
from sim.printer import Interpreter, SimPrinter
from sim.terminal import SimTerminal

_SALES: Final = 200
_PAID: Final = 6
_PAPER_SECONDS: Final = 20.0
_SETTLED: Final = frozenset({"slips_printed", "declined", "reversed", "unknown", "aborted"})
_BAUD: Final = 115_200
_BITS: Final = 10  # a byte on an 8N1 line
_LINE_SECONDS_MAX: Final = 1.5  # from the approval to two slips on paper
_POLL_SECONDS: Final = 0.02


def measure(world: World) -> list[Figure]:
    """Draw the papers, sell through the driver and beside it, pay through the whole system."""
    first, second = slips()
    return [
        *papers(first),
        *_driver(world.folder / "line"),
        *_journal(world.folder / "line" / "agent.journal"),
        *_paid(world, first, second),
    ]


# ---------------------------------------------------------------------- the driver


def _driver(folder: Path) -> Iterator[Figure]:
    """Sell by turns through our driver and through a script that only acknowledges.

    Each has a terminal of its own that keeps its memory in RAM: what a terminal writes to its
    disk is not ours, and on a busy disk it hides what is.
    """
    ours: list[float] = []
    used: list[float] = []
    script: list[float] = []
    with ExitStack() as stack:
        enter = stack.enter_context
        acquirer = enter(SimAcquirer(cards=[_RICH]))
        first, second = (
            enter(
                SimTerminal(link=folder / name, acquirer=acquirer.address, terminal_number=number)
            )
            for name, number in (("driven", "00001042"), ("scripted", "00001043"))
        )
        driver = enter(closing(_registered(folder / "driven")))
        sell_by_script = enter(_script(folder / "scripted"))
        for turn in range(_SALES + 2):
            first.insert_card(_RICH)
            spent, cpu = _sold_by_driver(driver)
            second.insert_card(_RICH)
            beside = sell_by_script()
            if turn >= 2:  # noqa: PLR2004 - the first two warm up
                ours.append(spent)
                used.append(cpu)
                script.append(beside)
    added = [one - other for one, other in zip(ours, script, strict=True)]
    for percent in (50, 95):
        yield Figure(
            name=f"fines.sale_p{percent}",
            value=percentile(ours, percent),
            unit="ms",
            peer="the same sale answered by a script that only acknowledges",
            peer_value=percentile(script, percent),
            note="on a pseudo-terminal, which has no speed of its own; terminal and acquirer"
            " simulated, their memory in RAM",
        )
    for percent, target in ((50, ""), (95, "<= 50 ms")):
        yield Figure(
            name=f"fines.driver_overhead_p{percent}",
            value=percentile(added, percent),
            unit="ms",
            target=target,
            note=f"the driver's sale less the script's beside it, {len(added)} pairs",
        )
    yield Figure(
        name="fines.driver_cpu_p95",
        value=percentile(used, 95),
        unit="ms",
        note="CPU of the driver's thread in one sale",
    )


def _journal(path: Path) -> Iterator[Figure]:
    """Write a sale's steps down: each is on the disk before it is taken."""
    spent: list[float] = []
    with Journal(path) as journal:
        for _ in range(_SALES):
            order_id = uuid4()
            for stage in (Stage.SENDING, Stage.APPROVED, Stage.ACKNOWLEDGED):
                began = time.perf_counter()
                journal.note(order_id, stage, at=datetime.now(UTC))
                spent.append((time.perf_counter() - began) * 1000)
    for percent in (50, 95):
        yield Figure(
            name=f"fines.journal_step_p{percent}",
            value=percentile(spent, percent),
            unit="ms",
            note=f"one step of the agent's journal on this disk, {len(spent)} of them; two lie"
            " between a terminal's approval and our 80 00",
        )


_RICH: Final = Card("rich", DRIVER.card.pan, "2909", "VISA", DRIVER.iin, balance_tiyn=10**12)


def _registered(link: Path) -> ZvtDriver:
    timers = Timers()
    driver = ZvtDriver(
        line=Line(url=str(link), timers=timers),
        timers=timers,
        card_ref_key=bytes(32),
        now=lambda: datetime.now(UTC),
    )
    driver.login()
    return driver


def _sold_by_driver(driver: ZvtDriver) -> tuple[float, float]:
    """Sell once; return how long it took and how much CPU the driver used, in ms."""
    request = SaleRequest(
        order_id=uuid4(),
        amount_tiyn=AMOUNT_TIYN,
        payer_iin=DRIVER.iin,
        card_timeout_seconds=30,
        expires_at=datetime.now(UTC) + timedelta(minutes=1),
    )
    began, used = time.perf_counter(), time.thread_time()
    end = driver.sale(request, decide=lambda _: Decision.ACCEPT, progress=lambda _: None)
    spent, cpu = time.perf_counter() - began, time.thread_time() - used
    if end.result is not Result.COMPLETED:
        raise RuntimeError(f"the sale ended as {end}")
    return spent * 1000, cpu * 1000


@contextmanager
def _script(link: Path) -> Iterator[Callable[[], float]]:
    """Yield what sells with prepared bytes: an ACK to each block, 80 00 to each command."""
    _registered(link).close()
    numbers = itertools.count(1000)
    with serial.serial_for_url(str(link), timeout=5, exclusive=True) as port:
        port.reset_input_buffer()
        yield lambda: _sold_by_script(port, next(numbers))


def _sold_by_script(port: serial.SerialBase, number: int) -> float:
    order = zvt.authorisation(
        amount_tiyn=AMOUNT_TIYN,
        payer_iin=DRIVER.iin,
        reference=uuid4().bytes,
        max_status_infos=8,
        card_timeout_seconds=30,
        sequence=number,
    )
    good = zvt_frame.encode(zvt.pack(zvt.good()))
    ending = bytes([zvt.Command.COMPLETION >> 8, zvt.Command.COMPLETION & 0xFF])
    ended = False
    began = time.perf_counter()
    port.write(zvt_frame.encode(zvt.pack(order)))
    held = b""
    while True:
        received = port.read(1)
        if not received:
            raise RuntimeError("the terminal fell silent")
        held += received + port.read(port.in_waiting)
        while (taken := zvt_frame.decode(held))[1] is not None:
            used, event = taken
            held = held[used:]
            if not isinstance(event, zvt_frame.Block):
                if ended:  # its ACK
                    return (time.perf_counter() - began) * 1000
                continue
            port.write(zvt_frame.ACK)
            if event.apdu[0] != 0x80:  # noqa: PLR2004 - 80 00, to our order
                port.write(good)
                ended = event.apdu[:2] == ending


# ---------------------------------------------------------------------- the whole system


@dataclass
class _Clock:
    """When the terminal did what, and when papers came out."""

    steps: dict[str, float] = field(default_factory=dict)
    papers: list[float] = field(default_factory=list)
    came: threading.Condition = field(default_factory=threading.Condition)

    def step(self, name: str) -> None:
        self.steps[name] = time.monotonic()

    def paper(self, _path: Path) -> None:
        with self.came:
            self.papers.append(time.monotonic())
            self.came.notify_all()


def _paid(world: World, *slips: Slip) -> Iterator[Figure]:
    clock = _Clock()
    with ExitStack() as stack:
        enter = stack.enter_context
        line = world.folder / "road"
        terminal = enter(
            SimTerminal(
                link=line / "terminal",
                acquirer=world.acquirer.address,
                state=line / "state.json",
                on_step=clock.step,
            )
        )
        enter(SimPrinter(link=line / "printer", folder=line / "paper", on_paper=clock.paper))
        agent = TerminalAgent(
            world,
            world.issued.terminal,
            terminal=line / "terminal",
            printer=line / "printer",
            folder=line / "agent",
        )
        agent.start()
        stack.callback(agent.stop)
        sales = [_sale(world, terminal, clock) for _ in range(_PAID + 1)][1:]
    job_bytes = sum(len(render(slip)) for slip in slips)
    on_the_line = job_bytes * _BITS / _BAUD * 1000
    drawing = sum(_drawing_ms(slip) for slip in slips)
    papers = [one["papers"] for one in sales]
    yield Figure(
        name="fines.payment_started_to_printed",
        value=statistics.median(one["whole"] for one in sales),
        unit="ms",
        note=f"POST of the payment until its slips are known to be printed, {_PAID} payments",
    )
    yield Figure(
        name="fines.commit_held",
        value=statistics.median(one["commit"] for one in sales),
        unit="ms",
        note="from the terminal's status until our 80 00: the server's commit lies in between",
    )
    for percent in (50, 95):
        yield Figure(
            name=f"fines.two_slips_p{percent}",
            value=percentile(papers, percent),
            unit="ms",
            note="from the host's approval to the second paper, on a pseudo-terminal without"
            f" a speed of its own; {drawing:.0f} ms of it draw the simulated paper",
        )
    yield Figure(
        name="fines.slip_bytes",
        value=job_bytes / 1000,
        unit="kB",
        target=f"< {_LINE_SECONDS_MAX * _BAUD / _BITS / 1000:.1f} kB: all that the line carries"
        f" in {_LINE_SECONDS_MAX} s",
        note="both slips, as they are sent to the printer",
    )
    yield Figure(
        name="fines.two_slips_with_line_p95",
        value=percentile(papers, 95) + on_the_line,
        unit="ms",
        target="<= 1500 ms",
        note=f"reckoned: the figure above and {on_the_line:.0f} ms for the bytes at {_BAUD} baud",
    )


def _sale(world: World, terminal: SimTerminal, clock: _Clock) -> dict[str, float]:
    officer = world.own_officer()
    check = officer.check({"iin": DRIVER.iin}, DRIVER.plate)
    record = officer.draw_up(
        check["check_id"], article="593", part="1-2", essence="Кабинадан тыс жүрді."
    )
    record_id = record["offence_record_id"]
    officer.agree(record_id)
    terminal.insert_card(DRIVER.card)
    clock.steps.clear()
    clock.papers.clear()
    api: Any = officer._api  # noqa: SLF001 - polled quicker than an officer's tablet does
    began = time.monotonic()
    key = {"Idempotency-Key": str(uuid4())}
    answer = api.post("/api/payments", {"offence_record_id": record_id}, headers=key)
    deadline = began + _PAPER_SECONDS
    while answer["status"] not in _SETTLED and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
        answer = api.get(f"/api/payments/{answer['payment_id']}")
    ended = time.monotonic()
    if answer["status"] != "slips_printed":
        raise RuntimeError(f"the payment ended as {answer['status']}: {answer['reason']}")
    with clock.came:
        clock.came.wait_for(lambda: len(clock.papers) > 1, _PAPER_SECONDS)
    return {
        "whole": (ended - began) * 1000,
        "commit": (clock.steps["status_answered"] - clock.steps["status_sending"]) * 1000,
        "papers": (clock.papers[1] - clock.steps["host_answered"]) * 1000,
    }


def _drawing_ms(slip: Slip) -> float:
    """Return what the simulated printer itself needs to draw a slip's paper."""
    job = render(slip)

    def draw() -> bytes:
        content = io.BytesIO()
        interpreter = Interpreter(cut=lambda _paper: None, reply=lambda _answer: None)
        at = 0
        while at < len(job):
            at += interpreter.step(job[at:])
        return content.getvalue()

    return median_ms(draw)
