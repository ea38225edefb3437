"""The world round a terminal agent: a small server that speaks the device protocol and keeps
state, and the real agent as a process on real serial lines."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

from fines.wire.protocol import (
    CREDENTIAL_HEADER,
    PREFIX,
    Approval,
    ApprovalAnswer,
    CardAnswer,
    CardShown,
    Hello,
    Order,
    OrderKind,
    Outcome,
    OutcomeAnswer,
    Printed,
    Reason,
    Result,
    Started,
    StartedAnswer,
    Totals,
    TotalsAnswer,
)
from fines.wire.slip import Align, Slip, SlipKind, SlipLine
from sim.acquirer import Book, SimAcquirer
from sim.district import DRIVER_IIN
from sim.printer import SimPrinter
from sim.terminal import Abilities, Patience, SimTerminal, TerminalTimers

CREDENTIAL = "4be2c1aa-0000-4000-8000-000000000001.not-a-secret-of-anybody"
KAZAKH = "ӘәҒғҚқҢңӨөҰұҮүҺһІі"


def sale_slip(payment_id: uuid.UUID, copy_number: int) -> Slip:
    """A slip as the server makes it: both languages, every Kazakh letter, amount, QR, signature."""
    centre = Align.CENTER
    mark = "1/2 — бұзушыға · нарушителю" if copy_number == 1 else "2/2 — іске тігіледі · в дело"
    lines = (
        SlipLine(text="Қазақстан Республикасының", align=centre),
        SlipLine(text="Ішкі істер министрлігі", align=centre),
        SlipLine(text="Министерство внутренних дел", align=centre),
        SlipLine(rule=True),
        SlipLine(text="ТӨЛЕМ ЧЕГІ", align=centre, bold=True, large=True),
        SlipLine(text="ЧЕК ОБ ОПЛАТЕ", align=centre, bold=True),
        SlipLine(rule=True),
        SlipLine(text="Терминал", right="00001042"),
        SlipLine(text="Чек / чек №", right="0001"),
        SlipLine(text="Карта", right="VISA 400000******1042"),
        SlipLine(text="Хаттама · Протокол", right="KZ-2026-0000042"),
        SlipLine(text="Бұзушы", right="ҮСЕНОВ Нұрлан Ыбырайұлы"),
        SlipLine(text="Орны: Абай даңғылы – Байтұрсынов көшесі, Әуезов ауданы, Құрманғазы"),
        SlipLine(text=KAZAKH),
        SlipLine(text="Сумма · Сома", right="10 812,50 ₸", bold=True),
        SlipLine(text="ТӨЛЕНДІ", align=centre, bold=True, large=True),
        SlipLine(text="Өз картаммен төлеймін, құқық бұзушылықты мойындаймын."),
        SlipLine(text="Плачу своей картой, факт признаю и не оспариваю."),
        SlipLine(signature=True, text="Қолы · Подпись"),
        SlipLine(qr=f"https://saqshy.example/v/{payment_id}"),
        SlipLine(text=mark, align=centre),
    )
    return Slip(
        slip_id=uuid.uuid4(),
        payment_id=payment_id,
        kind=SlipKind.SALE,
        copy_number=copy_number,
        lines=lines,
    )


@dataclass
class Payment:
    """What the little server knows of one order."""

    order: Order
    committed: bool = False
    approval: Approval | None = None
    outcomes: list[Outcome] = field(default_factory=list)
    slips: tuple[Slip, ...] = ()
    printed: tuple[uuid.UUID, ...] = ()
    doubtful: tuple[uuid.UUID, ...] = ()
    print_reason: Reason = Reason.NONE
    started: int = 0
    card: CardShown | None = None
    totals: list[Totals] = field(default_factory=list)
    closed: bool = False  # no more given out


class LittleServer:
    """Speaks ``fines.wire.protocol`` over HTTP. ``before`` strikes at a named request."""

    def __init__(self) -> None:
        self.payments: dict[uuid.UUID, Payment] = {}
        self.hellos: list[Hello] = []
        self.accept = True
        self.approval_seconds = 0.0
        self.withdrawn = False
        self.card_reason = Reason.NONE
        self.credentials: set[str] = set()
        self.strikes: dict[str, Callable[[], None]] = {}
        self.changed = threading.Condition()
        self._http = _Http(("127.0.0.1", 0), _Handler)
        self._http.little = self
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, name="little server"
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def order(
        self,
        *,
        amount_tiyn: int = 1_081_250,
        iin: str = DRIVER_IIN,
        kind: OrderKind = OrderKind.SALE,
        slips: tuple[Slip, ...] = (),
        original: uuid.UUID | None = None,
        seconds: float = 60,
        **more: object,
    ) -> Payment:
        payment_id = uuid.uuid4()
        order = Order(
            order_id=uuid.uuid4(),
            kind=kind,
            payment_id=payment_id,
            amount_tiyn=amount_tiyn,
            payer_iin=iin,
            original_order_id=original,
            slips=slips,
            expires_at=datetime.now(UTC) + timedelta(seconds=seconds),
            **more,
        )
        payment = Payment(order)
        with self.changed:
            self.payments[order.order_id] = payment
            self.changed.notify_all()
        return payment

    def wait(self, done: Callable[[], bool], seconds: float = 90) -> None:
        deadline = time.monotonic() + seconds
        while not done():
            if time.monotonic() > deadline:
                raise AssertionError("the agent did not get there in time")
            time.sleep(0.01)

    def wait_outcome(self, payment: Payment, seconds: float = 90) -> Outcome:
        self.wait(lambda: bool(payment.outcomes), seconds)
        return payment.outcomes[0]

    def wait_printed(self, payment: Payment, seconds: float = 90) -> None:
        self.wait(lambda: payment.closed and (bool(payment.printed) or not payment.slips), seconds)

    # -- what each path answers; the lock is held except where a strike or a delay waits

    def next_order(self, wait_seconds: int) -> bytes | None:
        def waiting() -> list[Payment]:
            return [one for one in self.payments.values() if not one.closed]

        with self.changed:
            self.changed.wait_for(waiting, min(wait_seconds, 0.3))
            found = waiting()
        return found[0].order.model_dump_json().encode() if found else None

    def report(self, step: str, order_id: uuid.UUID, body: bytes) -> bytes:
        payment = self.payments[order_id]
        self._strike(f"before {step}")
        if step == "started":
            Started.model_validate_json(body)
            payment.started += 1
            answer: object = StartedAnswer(may_start=not self.withdrawn)
            payment.closed = payment.closed or self.withdrawn
        elif step == "approval":
            answer = self._approve(payment, Approval.model_validate_json(body))
        elif step == "outcome":
            answer = self._end(payment, Outcome.model_validate_json(body))
        elif step == "card":
            payment.card = CardShown.model_validate_json(body)
            answer = CardAnswer(reason=self.card_reason)
        elif step == "totals":
            payment.totals.append(Totals.model_validate_json(body))
            payment.closed = True
            answer = TotalsAnswer()
        else:
            self._printed(payment, Printed.model_validate_json(body))
            answer = None
        self._strike(f"after {step}")
        with self.changed:
            self.changed.notify_all()
        return answer.model_dump_json().encode() if answer is not None else b"{}"

    def _approve(self, payment: Payment, approval: Approval) -> ApprovalAnswer:
        time.sleep(self.approval_seconds)
        if not self.accept:
            return ApprovalAnswer(accepted=False, reason=Reason.SERVER_REFUSED)
        payment.committed, payment.approval = True, approval
        self._strike("committed")
        return ApprovalAnswer(accepted=True, slips=self._slips(payment))

    def _slips(self, payment: Payment) -> tuple[Slip, ...]:
        if not payment.slips:
            number = payment.order.payment_id
            payment.slips = (sale_slip(number, 1), sale_slip(number, 2))
        return payment.slips

    def _end(self, payment: Payment, outcome: Outcome) -> OutcomeAnswer:
        payment.outcomes.append(outcome)
        slips = self._slips(payment) if outcome.result is Result.COMPLETED else ()
        if payment.order.kind is not OrderKind.SALE:
            slips = ()
        payment.slips = slips
        payment.closed = True
        return OutcomeAnswer(slips=slips)

    def _printed(self, payment: Payment, printed: Printed) -> None:
        payment.printed, payment.print_reason = printed.slip_ids, printed.reason
        payment.doubtful = printed.doubtful_slip_ids
        payment.closed = True

    def _strike(self, name: str) -> None:
        strike = self.strikes.pop(name, None)
        if strike is not None:
            strike()


class _Http(ThreadingHTTPServer):
    daemon_threads = False
    little: LittleServer

    def handle_error(self, request: object, client_address: object) -> None:
        """A killed agent hangs up in mid-answer; that is what the tests are about."""


class _Handler(BaseHTTPRequestHandler):
    server: _Http

    def do_GET(self) -> None:
        wait = int(self.path.rpartition("=")[2])
        body = self.server.little.next_order(wait)
        self._answer(204 if body is None else 200, body or b"")

    def do_POST(self) -> None:
        little = self.server.little
        little.credentials.add(self.headers[CREDENTIAL_HEADER])
        body = self.rfile.read(int(self.headers["Content-Length"]))
        parts = self.path.removeprefix(PREFIX).strip("/").split("/")
        if parts == ["hello"]:
            little.hellos.append(Hello.model_validate_json(body))
            self._answer(200, b"{}")
            return
        self._answer(200, little.report(parts[2], uuid.UUID(parts[1]), body))

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


HURRIED = TerminalTimers(t1_seconds=0.2, t2_seconds=1.0, t3_seconds=2.0)


class Roadside:
    """Server, terminal, acquirer, printer and the agent; all but the agent in this process."""

    def __init__(
        self, folder: Path, *, host_seconds: float = 1.0, can: Abilities | None = None
    ) -> None:
        self.folder = folder
        self._stack = ExitStack()
        enter = self._stack.enter_context
        try:
            self.server = enter(LittleServer())
            self.acquirer = enter(SimAcquirer(late_seconds=2.0))
            self.printer = enter(SimPrinter(link=folder / "printer", folder=folder / "paper"))
            self.terminal = enter(
                SimTerminal(
                    link=folder / "terminal",
                    acquirer=self.acquirer.address,
                    state=folder / "terminal.json",
                    patience=Patience(
                        line=HURRIED,
                        host_seconds=host_seconds,
                        card_seconds=3.0,
                        ask_again_seconds=0.2,
                    ),
                    on_step=self._step,
                    can=can,
                )
            )
        except BaseException:
            self._stack.close()
            raise
        self.steps: list[str] = []
        self.strikes: dict[str, Callable[[], None]] = {}
        self.agent: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_agent()
        self._stack.close()

    def clear(self) -> None:
        """Forget what earlier sales left, but not what the programs themselves remember."""
        if self.server.payments:
            self.server.wait(lambda: journal_lines(self.journal)[-1]["stage"] == "closed")
        self.server.accept, self.server.approval_seconds = True, 0.0
        self.acquirer.book = Book()
        self.acquirer.ownership.clear()
        self.printer.papers.clear()
        self.printer.silent = False
        self.printer.load_paper()
        self.terminal.remove_card()
        self.steps.clear()

    @property
    def log(self) -> str:
        return (self.folder / "agent.log").read_text(encoding="utf-8")

    @property
    def journal(self) -> str:
        return (self.folder / "agent.journal").read_text(encoding="utf-8")

    def start_agent(self, *more: str) -> None:
        credential = self.folder / "credential"
        credential.write_text(CREDENTIAL + "\n", encoding="ascii")
        command = [
            sys.executable, "-m", "fines.field",
            "--server", self.server.url,
            "--credential-file", str(credential),
            "--terminal", str(self.folder / "terminal"),
            "--printer", str(self.folder / "printer"),
            "--journal", str(self.folder / "agent.journal"),
            "--t1-seconds", "0.2", "--t2-seconds", "1.0", "--t3-seconds", "1.5",
            "--t4-seconds", "4", "--card-timeout-seconds", "5", "--poll-seconds", "1",
            "--retry-seconds", "0.2", "--server-answer-seconds", "5",
            "--approval-wait-seconds", "0.4", "--approval-waits-max", "4",
            "--settle-patience-seconds", "20",
            *more,
        ]  # fmt: skip
        with (self.folder / "agent.log").open("ab") as log:
            self.agent = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def kill_agent(self) -> None:
        """Pull the plug: no handler runs, no buffer is written."""
        if self.agent is not None:
            os.kill(self.agent.pid, signal.SIGKILL)
            self.agent.wait()

    def stop_agent(self) -> int | None:
        if self.agent is None:
            return None
        if self.agent.poll() is None:
            self.agent.terminate()
        code = self.agent.wait(20)
        self.agent = None
        return code

    def _step(self, name: str) -> None:
        self.steps.append(name)
        strike = self.strikes.pop(name, None)
        if strike is not None:
            strike()


def journal_lines(text: str) -> list[dict[str, object]]:
    whole = text.rpartition("\n")[0]  # the last line may be half written
    return [json.loads(line) for line in whole.splitlines()]
