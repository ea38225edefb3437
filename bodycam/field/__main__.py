"""Runs the dock agent: ``python -m bodycam.field --help``."""

import argparse
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from bodycam.field.agent import CAMERAS_AT_ONCE, Agent, NotTheServer
from bodycam.field.board import Board
from bodycam.field.journal import Journal, JournalFull, JournalNotValid
from bodycam.field.screen import shown
from bodycam.field.server import NotAdmitted, Server, Throttle

CREDENTIAL_BYTES_MAX = 1024
EXIT_GOOD, EXIT_LEFT, EXIT_UNUSABLE = 0, 1, 2
_MEGABYTE = 1_000_000


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bodycam.field",
        description="Takes recordings off docked cameras; wipes a camera only against a receipt.",
        epilog=f"Ends with {EXIT_GOOD}; with {EXIT_LEFT} where a camera had to be left as it is.",
    )
    add = parser.add_argument
    add("--server", required=True, metavar="URL", help="the server; https outside of this machine")
    add("--credential-file", required=True, type=Path, metavar="F", help="the dock's credential")
    add("--bays", required=True, type=Path, metavar="DIR", help="holds one folder for each bay")
    add("--journal", required=True, type=Path, metavar="FILE", help="durable; keep it")
    add("--once", action="store_true", help="end when every bay has been looked into")
    add("--bandwidth-mb-s", type=float, default=0, metavar="N", help="megabytes a second; 0: all")
    add("--cameras", type=int, default=CAMERAS_AT_ONCE, metavar="N", help="taken at once")
    add("--plain", action="store_true", help="lines only, no screen, also on a terminal")
    add("--retry-refused", action="store_true", help="try again what the server has refused")
    return parser


def _tell(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - the person at the dock reads it


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the agent until its bays are done or it is stopped; return the exit code."""
    given = _parser().parse_args(arguments)
    stop = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    try:
        with given.credential_file.open("rb") as file:
            credential = file.read(CREDENTIAL_BYTES_MAX).decode("ascii").strip()
        journal = Journal(given.journal)
        if given.retry_refused:
            journal.retry_refused()
    except (OSError, UnicodeDecodeError, JournalNotValid, JournalFull) as error:
        _tell(f"cannot start: {error}")
        return EXIT_UNUSABLE
    if not given.bays.is_dir():
        _tell(f"cannot start: {given.bays} is not a folder")
        return EXIT_UNUSABLE
    throttle = Throttle(given.bandwidth_mb_s * _MEGABYTE)
    server = Server(url=given.server, credential=credential, throttle=throttle)
    board = Board(_tell)
    agent = Agent(
        server=server,
        bays=given.bays,
        journal=journal,
        board=board,
        stop=stop,
        cameras_at_once=max(given.cameras, 1),
    )
    try:
        with shown(board, plain=given.plain):
            return EXIT_GOOD if agent.run(once=given.once) else EXIT_LEFT
    except (NotTheServer, NotAdmitted) as error:
        _tell(f"stopped: {error}")
        return EXIT_UNUSABLE
    finally:
        server.close()


if __name__ == "__main__":
    sys.exit(main())
