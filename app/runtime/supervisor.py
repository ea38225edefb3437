"""One machine, one command: PostgreSQL, the server and the worker, watched and restarted.

Children die with this program even when it is killed; PostgreSQL goes last, so that nobody
loses the database while it still answers.
"""

import contextlib
import ctypes
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Final

from app.runtime.postgres import EmbeddedPostgres

_PR_SET_PDEATHSIG: Final = 1
_STOP_SECONDS: Final = 15.0
_RESTART_PAUSE_SECONDS: Final = 0.4
_RESTART_PAUSE_SECONDS_MAX: Final = 10.0
_CALM_SECONDS: Final = 30.0  # a child that ran this long starts again without a longer pause
_TICK_SECONDS: Final = 0.1

# The door for parts is a program of its own, not a command: it is there to be small.
DOOR: Final = (sys.executable, "-m", "app.door")


class PortInUse(Exception):
    """Another program listens where we must; the message names the address and the setting."""


class AlreadyRunning(Exception):
    """Another ``up`` owns this folder."""


class NotHealthy(Exception):
    """The server did not answer in time; the message names its log."""


@contextlib.contextmanager
def sole_owner(var_dir: Path) -> Iterator[None]:
    """Hold ``var_dir`` for one program at a time.

    Raises:
        AlreadyRunning: somebody else holds it.
    """
    var_dir.mkdir(parents=True, exist_ok=True)
    with (var_dir / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise AlreadyRunning(f"another program already runs on {var_dir}: stop it") from error
        yield


def refuse_used_port(*, host: str, port: int, setting: str) -> None:
    """Raise ``PortInUse`` where ``port`` is taken: sooner and clearer than a dying child."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            message = f"{host}:{port} is taken by another program; stop it or change {setting}"
            raise PortInUse(message) from error


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclass
class Child:
    """One program that must run: its name, its arguments and how it has fared."""

    name: str
    arguments: Sequence[str]
    environment: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    restarts: int = 0
    not_before: float = field(default=0.0)

    def start(self) -> None:
        """Start the program in a process group of its own, its output going to the log."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - our own programs
                list(self.arguments),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env=os.environ | self.environment,
                process_group=0,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - one thread at this point
            )
        self.started = time.monotonic()

    def stop(self) -> None:
        """Ask it to end, then make it."""
        process, self.process = self.process, None
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Supervisor:
    """Keeps the children running until it is told to stop.

    Args:
        children: started in order, stopped in reverse.
        postgres: the embedded database, or ``None`` where another one serves.
        say: receives one line for each thing that happens.
    """

    def __init__(
        self,
        *,
        children: Sequence[Child],
        postgres: EmbeddedPostgres | None,
        say: Callable[[str], None],
    ) -> None:
        self._children = list(children)
        self._postgres = postgres
        self._say = say
        self._stopping = False

    def start(self, *, health_url: str, timeout_seconds: float) -> None:
        """Start the children and return when the server answers.

        Raises:
            NotHealthy: it did not within ``timeout_seconds``.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        for child in self._children:
            child.start()
        deadline = time.monotonic() + timeout_seconds
        while not _answers(health_url):
            dead = [c for c in self._children if c.process is not None and c.process.poll()]
            if dead or time.monotonic() > deadline or self._stopping:
                names = ", ".join(str(c.log) for c in dead or self._children)
                self.stop()
                raise NotHealthy(f"the server does not answer; see {names}")
            time.sleep(0.05)

    def watch(self) -> None:
        """Restart whatever ends by itself; return once told to stop."""
        while not self._stopping:
            for child in self._children:
                self._mend(child)
            if self._postgres is not None and self._postgres.poll() is not None:
                self._say("PostgreSQL ended; starting it again")
                self._postgres.start()
            time.sleep(_TICK_SECONDS)

    def stop(self) -> None:
        """Stop the children; PostgreSQL is stopped by whoever started it."""
        for child in reversed(self._children):
            child.stop()

    def _mend(self, child: Child) -> None:
        now = time.monotonic()
        if child.process is not None and child.process.poll() is not None:
            code, child.process = child.process.returncode, None
            calm = now - child.started > _CALM_SECONDS
            child.restarts = 0 if calm else child.restarts + 1
            pause = min(_RESTART_PAUSE_SECONDS * 2**child.restarts, _RESTART_PAUSE_SECONDS_MAX)
            child.not_before = now + pause
            self._say(f"{child.name} ended with {code}; starting it again in {pause:.1f} s")
        if child.process is None and now >= child.not_before:
            child.start()

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True


def program(*arguments: str) -> tuple[str, ...]:
    """Return the command line of one of our own commands, under this interpreter."""
    return (sys.executable, "-m", "app", *arguments)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own loopback
            return bool(answer.status == 200)  # noqa: PLR2004 - HTTP's word for good
    except (urllib.error.URLError, OSError):
        return False
