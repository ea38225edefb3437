"""What the dock shows: each bay, how far it is, how fast, and when it will be ready."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

_TELL_SECONDS: Final = 1.0
_MEGABYTE: Final = 1e6


@dataclass(frozen=True, kw_only=True)
class BayLine:
    """One bay as it is shown.

    Attributes:
        state: in words, for a person.
        total_bytes: size of the recording; 0 where none is being taken.
        done_bytes: acknowledged by the server.
        bytes_per_second: of what was sent since the bay was taken up; 0 before the first part.
    """

    bay: str
    state: str
    total_bytes: int = 0
    done_bytes: int = 0
    bytes_per_second: float = 0.0

    @property
    def percent(self) -> int:
        """How much of the recording is acknowledged."""
        return 100 * self.done_bytes // max(self.total_bytes, 1)

    def ready_at(self, now: datetime) -> datetime | None:
        """Return when the last part should be there; ``None`` where nobody can tell."""
        if not self.bytes_per_second or self.done_bytes >= self.total_bytes:
            return None
        left = self.total_bytes - self.done_bytes
        return now + timedelta(seconds=left / self.bytes_per_second)


class Board:
    """The lines of all bays. Written by the threads that take cameras, read by the screen."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._lock = threading.Lock()
        self._lines: dict[str, BayLine] = {}

    def listen(self, tell: Callable[[str], None]) -> None:
        """Let somebody else take the lines that are told from now on."""
        self._tell = tell

    def tell(self, line: str) -> None:
        """Say something that a person at the dock should read."""
        self._tell(line)

    def show(self, bay: str, state: str) -> None:
        """Show a bay's state; what was counted of it stays."""
        with self._lock:
            known = self._lines.get(bay) or BayLine(bay=bay, state=state)
            self._lines[bay] = replace(known, state=state)

    def count(self, line: BayLine) -> None:
        """Show how far a bay is."""
        with self._lock:
            self._lines[line.bay] = line

    def forget(self, bays: set[str]) -> None:
        """Drop the bays that are no longer there."""
        with self._lock:
            for gone in set(self._lines) - bays:
                del self._lines[gone]

    def lines(self) -> list[BayLine]:
        """Return what is shown, by the name of the bay."""
        with self._lock:
            return [self._lines[bay] for bay in sorted(self._lines)]


class Progress:
    """Counts the parts of one recording; several threads may add."""

    def __init__(self, board: Board, *, bay: str, total_bytes: int) -> None:
        self._board = board
        self._bay = bay
        self._total = total_bytes
        self._lock = threading.Lock()
        self._done = 0
        self._sent = 0
        self._began = self._told = time.monotonic()

    @property
    def sent(self) -> int:
        """Bytes that went in this run."""
        return self._sent

    def resumed(self, done_bytes: int) -> None:
        """Set how much the server holds by its own word."""
        with self._lock:
            self._done = done_bytes
        self._board.count(self._line(0.0))

    def add(self, count: int) -> None:
        """Count an acknowledged part; tell of it about once a second and at the end."""
        with self._lock:
            self._done += count
            self._sent += count
            now = time.monotonic()
            line = self._line(self._sent / max(now - self._began, 1e-6))
            due = now - self._told >= _TELL_SECONDS or self._done >= self._total
            if due:
                self._told = now
        self._board.count(line)
        if due:
            rate = line.bytes_per_second / _MEGABYTE
            told = f"{line.percent} % ({line.done_bytes / _MEGABYTE:.0f} MB, {rate:.0f} MB/s)"
            self._board.tell(f"{self._bay}: {told}")

    def _line(self, rate: float) -> BayLine:
        return BayLine(
            bay=self._bay,
            state="uploading",
            total_bytes=self._total,
            done_bytes=self._done,
            bytes_per_second=rate,
        )
