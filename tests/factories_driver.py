"""A ZVT driver on a simulated terminal over TCP, in one process: what a line can do, fast."""

import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from fines.field.driver import Decision, SaleRequest
from fines.field.line import Line, Timers
from fines.field.tcp_line import TcpLine
from fines.field.terminal_paper import TerminalPaper
from fines.field.zvt_driver import ZvtDriver
from sim.acquirer import SimAcquirer
from sim.district import CARDS, DRIVER_IIN
from sim.terminal import Abilities, Patience, SimTerminal, TerminalTimers

QUICK = Timers(t1_seconds=0.2, t2_seconds=2.0, t3_seconds=4.0, t4_seconds=10)
QUICK_TERMINAL = TerminalTimers(t1_seconds=0.2, t2_seconds=2.0, t3_seconds=4.0)
AMOUNT = 1_081_250


def now():
    return datetime.now(UTC)


@dataclass
class Till:
    """A cash register of one driver; ``decisions`` are given one after the other, then ACCEPT."""

    driver: ZvtDriver
    terminal: SimTerminal
    acquirer: SimAcquirer
    papers: list = field(default_factory=list)
    has_paper: bool = True
    steps: list = field(default_factory=list)
    approvals: list = field(default_factory=list)
    decisions: list = field(default_factory=list)

    def request(self, **changed):
        values = {
            "order_id": uuid.uuid4(),
            "amount_tiyn": AMOUNT,
            "payer_iin": DRIVER_IIN,
            "card_timeout_seconds": 5,
            "expires_at": now() + timedelta(minutes=5),
        }
        return SaleRequest(**(values | changed))

    def sell(self, card, **changed):
        self.terminal.insert_card(card)
        return self.driver.sale(
            self.request(**changed), decide=self.decide, progress=lambda _step: None
        )

    def decide(self, approval):
        self.approvals.append(approval)
        return self.decisions.pop(0) if self.decisions else Decision.ACCEPT

    def print_lines(self, lines):
        if self.has_paper:
            self.papers.append([line.text for line in lines])
        return self.has_paper


@contextmanager
def till(tmp_path, *, can=None, cards=CARDS, card_seconds=2, timers=QUICK, host_seconds=20):
    can = can or Abilities()
    with (
        SimAcquirer(cards=cards, late_seconds=host_seconds * 2) as acquirer,
        SimTerminal(
            tcp_port=0,
            acquirer=acquirer.address,
            state=tmp_path / "state.json",
            can=can,
            patience=Patience(
                line=QUICK_TERMINAL,
                card_seconds=card_seconds,
                ask_again_seconds=0.05,
                host_seconds=host_seconds,
            ),
        ) as terminal,
    ):
        scheme = "zvt" if can.bare else "socket"
        url = f"{scheme}://127.0.0.1:{terminal.tcp_port}"
        line = TcpLine(url=url, timers=timers) if can.bare else Line(url=url, timers=timers)
        with line:
            made = Till(driver=None, terminal=terminal, acquirer=acquirer)
            terminal.on_step = made.steps.append
            made.driver = ZvtDriver(
                line=line,
                timers=timers,
                card_ref_key=b"k",
                now=now,
                paper=TerminalPaper(ready=lambda: made.has_paper, print_lines=made.print_lines),
            )
            made.driver.login()
            yield made
