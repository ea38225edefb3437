"""Runs the terminal agent: ``python -m fines.field --help``."""

import argparse
import hashlib
import hmac
import logging
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from fines.field.agent import Agent, AgentSettings
from fines.field.driver import TerminalDriver
from fines.field.escpos import Missing
from fines.field.journal import Journal, JournalUnusable
from fines.field.kaspi_api import DurableFile, KaspiApi
from fines.field.kaspi_driver import KaspiDriver
from fines.field.line import Line, Timers
from fines.field.printer import Printer
from fines.field.reports import Stopped
from fines.field.server import ServerClient
from fines.field.tcp_line import SCHEME as TCP_SCHEME
from fines.field.tcp_line import TcpLine
from fines.field.terminal_paper import on_printer
from fines.field.zvt_driver import ZvtDriver
from fines.field.zvt_session import Transport

KASPI = "kaspi+"  # before the https:// address of a Kaspi Smart POS
CREDENTIAL_BYTES_MAX = 1024
EXIT_UNUSABLE = 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m fines.field",
        description="Drives the card terminal and the slip printer beside a tablet.",
        epilog="Timers follow PA00P015; change them only for a terminal whose maker says so.",
    )
    add = parser.add_argument
    add("--server", required=True, metavar="URL", help="https://… (http:// on loopback only)")
    add("--ca-file", metavar="FILE", help="PEM roots to trust instead of the system's")
    add("--credential-file", required=True, type=Path, metavar="F", help="the device credential")
    add(
        "--terminal",
        required=True,
        metavar="URL",
        help="/dev/…, a pty, socket://, rfc2217://, zvt://, kaspi+https://",
    )
    add("--terminal-ca-file", metavar="FILE", help="PEM roots of a terminal that speaks HTTPS")
    add("--terminal-baud", type=int, default=9600, metavar="N")
    add("--printer", required=True, metavar="URL", help="the ESC/POS printer's port, likewise")
    add("--printer-baud", type=int, default=115200, metavar="N")
    add("--printer-answer-seconds", type=float, default=1.0, metavar="S")
    add(
        "--missing-letters",
        choices=[one.value for one in Missing],
        default=Missing.LETTER.value,
        help="how letters beyond code page 866 are printed: each as a picture, or its whole line",
    )
    add("--journal", required=True, type=Path, metavar="FILE", help="durable; keep it")
    timers, agent = Timers(), AgentSettings()
    add("--t1-seconds", type=float, default=timers.t1_seconds, metavar="S", help="quiet in a block")
    add("--t2-seconds", type=float, default=timers.t2_seconds, metavar="S", help="wait for ACK")
    add("--t3-seconds", type=float, default=timers.t3_seconds, metavar="S", help="wait for 80 00")
    add("--t4-seconds", type=float, default=timers.t4_seconds, metavar="S", help="wait for the end")
    add("--card-timeout-seconds", type=int, default=agent.card_timeout_seconds, metavar="S")
    add("--poll-seconds", type=int, default=agent.poll_seconds, metavar="S")
    add("--retry-seconds", type=float, default=agent.retry_seconds, metavar="S")
    add("--server-answer-seconds", type=float, default=15.0, metavar="S")
    add("--approval-wait-seconds", type=float, default=agent.approval_wait_seconds, metavar="S")
    add("--approval-waits-max", type=int, default=agent.approval_waits_max, metavar="N")
    add("--settle-patience-seconds", type=float, default=agent.settle_patience_seconds, metavar="S")
    add("--log-level", default="INFO", choices=("DEBUG", "INFO", "WARNING", "ERROR"))
    return parser


def _credential(path: Path) -> str:
    with path.open("rb") as file:
        text = file.read(CREDENTIAL_BYTES_MAX).decode("ascii").strip()
    if not text:
        raise ValueError("the credential file is empty")
    return text


def build(arguments: argparse.Namespace, *, credential: str, journal: Journal) -> Agent:
    """Return the agent that the command line describes.

    Raises:
        CleartextRefused: the server's address has no TLS and is not this machine.
    """
    timers = Timers(
        t1_seconds=arguments.t1_seconds,
        t2_seconds=arguments.t2_seconds,
        t3_seconds=arguments.t3_seconds,
        t4_seconds=arguments.t4_seconds,
    )
    # One key per terminal: the credential never leaves this machine except to the server.
    card_ref_key = hmac.new(credential.encode(), b"saqshy card reference 1", hashlib.sha256)
    printer = Printer(
        url=arguments.printer,
        baud=arguments.printer_baud,
        answer_seconds=arguments.printer_answer_seconds,
        missing=Missing(arguments.missing_letters),
    )

    return Agent(
        settings=AgentSettings(
            poll_seconds=arguments.poll_seconds,
            retry_seconds=arguments.retry_seconds,
            card_timeout_seconds=arguments.card_timeout_seconds,
            approval_wait_seconds=arguments.approval_wait_seconds,
            approval_waits_max=arguments.approval_waits_max,
            settle_patience_seconds=arguments.settle_patience_seconds,
        ),
        connect=lambda: _terminal(arguments, timers, printer, card_ref_key.digest()),
        server=ServerClient(
            url=arguments.server,
            credential=credential,
            ca_file=arguments.ca_file,
            answer_seconds=arguments.server_answer_seconds,
        ),
        printer=printer,
        journal=journal,
        now=_now,
    )


def _terminal(
    arguments: argparse.Namespace, timers: Timers, printer: Printer, card_ref_key: bytes
) -> TerminalDriver:
    url: str = arguments.terminal
    if url.startswith(KASPI):
        beside: Path = arguments.journal
        return KaspiDriver(
            api=KaspiApi(
                url=url.removeprefix(KASPI),
                client_name="saqshy",
                tokens=beside.with_suffix(".kaspi-tokens"),
                ca_file=arguments.terminal_ca_file,
                seconds=timers.t3_seconds,
            ),
            memory=DurableFile(beside.with_suffix(".kaspi")),
            now=_now,
        )
    line: Transport = (
        TcpLine(url=url, timers=timers)
        if url.startswith(f"{TCP_SCHEME}://")
        else Line(url=url, timers=timers, baud=arguments.terminal_baud)
    )
    return ZvtDriver(
        line=line,
        timers=timers,
        paper=on_printer(printer),
        card_ref_key=card_ref_key,
        now=_now,
        max_status_infos=arguments.approval_waits_max + 2,
    )


def _now() -> datetime:
    return datetime.now(UTC)


def main(argv: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT. Returns the exit status: 2 where it cannot even begin."""
    arguments = _parser().parse_args(argv)
    logging.basicConfig(
        level=arguments.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        journal = Journal(arguments.journal)
        credential = _credential(arguments.credential_file)
        agent = build(arguments, credential=credential, journal=journal)
    except (OSError, ValueError, JournalUnusable) as error:
        sys.stderr.write(f"The terminal agent cannot start: {error}\n")
        return EXIT_UNUSABLE

    def stop(_signal: int, _frame: FrameType | None) -> None:
        agent.request_stop()
        if agent.idle:
            raise Stopped  # the long poll would otherwise go on to its end

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        agent.run()
    finally:
        agent.server.close()
        journal.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
