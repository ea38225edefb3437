"""The agent's durable memory: what it was about to do and what it has done, one JSON line each.

Every line is on the disk before the step it announces is taken, so that a restart after any
crash knows which sale may have reached the terminal. No IIN, no card number, masked or not, no
name and no slip text is ever written here; numbers of receipts, orders and papers are.
"""

import contextlib
import enum
import fcntl
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from uuid import UUID

VERSION: Final = 1
KEPT_ORDERS: Final = 500  # closed orders remembered, so that a repeated order is known
COMPACT_BYTES: Final = 1_000_000
_MODE: Final = 0o600


class JournalUnusable(Exception):
    """The journal is held by another agent, or a line in its middle cannot be read.

    Cure: stop the other agent; otherwise keep the file for the investigation and let the finance
    clerk settle its open orders before a new one is begun.
    """

    code = "fines.journal_unusable"


class JournalFull(Exception):
    """A step could not be written down, so it must not be taken. What was noted before is whole."""

    code = "fines.journal_full"


class Stage(enum.Enum):
    """How far an order got; written before the step is taken, in this order."""

    INTENT = "intent"  # before the server is told
    SENDING = "sending"  # before 06 01: from here the card may be charged
    APPROVED = "approved"  # the terminal said yes, before the server is told
    ACKNOWLEDGED = "acknowledged"  # the server committed, before 80 00
    ENDED = "ended"  # before the outcome is told
    REPORTED = "reported"  # the server has the outcome
    PRINTING = "printing"  # before a paper's first byte: from here it may come out
    PRINTED = "printed"  # one paper came out whole
    CLOSED = "closed"  # nothing is left to do


@dataclass
class OrderState:
    """What the journal knows of one order."""

    order_id: UUID
    stage: Stage
    facts: dict[str, object] = field(default_factory=dict)
    slips: list[UUID] = field(default_factory=list)  # papers that came out whole
    begun: list[UUID] = field(default_factory=list)  # papers whose bytes went to the printer

    @property
    def doubtful(self) -> list[UUID]:
        """Papers of which nobody knows whether they came out: never printed again as they are."""
        return [slip for slip in self.begun if slip not in self.slips]

    def number(self, name: str) -> int | None:
        """Return a fact that is a number, ``None`` where it is not known."""
        value = self.facts.get(name)
        return value if isinstance(value, int) else None

    def text(self, name: str) -> str:
        """Return a fact that is text, empty where it is not known."""
        value = self.facts.get(name)
        return value if isinstance(value, str) else ""


class Journal:
    """An append-only file, owned by one process at a time.

    Raises:
        JournalUnusable: on opening, see there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, _MODE)
        self.orders: dict[UUID, OrderState] = {}
        try:
            self._lock()
            self._read()
            if os.fstat(self._file).st_size > COMPACT_BYTES:
                with contextlib.suppress(OSError):  # no room to rewrite it: the long one will do
                    self._compact()
        except BaseException:
            os.close(self._file)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the file and its lock go; harmless twice."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def note(
        self,
        order_id: UUID,
        stage: Stage,
        *,
        at: datetime,
        facts: Mapping[str, object] | None = None,
    ) -> OrderState:
        """Write a step down; it is on the disk when this returns. Returns the order as known.

        Raises:
            JournalFull: it is not on the disk; do not take the step.
        """
        record = {
            "v": VERSION,
            "at": at.isoformat(),
            "order": str(order_id),
            "stage": stage.value,
            **(facts or {}),
        }
        self._append(json.dumps(record, separators=(",", ":")).encode() + b"\n")
        return self._apply(record)

    def _append(self, line: bytes) -> None:
        """Put a line on the disk, whole or not at all: half a line would spoil the next one."""
        size = os.fstat(self._file).st_size
        try:
            _write_all(self._file, line)
            os.fdatasync(self._file)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, size)
            raise JournalFull(f"the journal takes no line: {error.strerror}") from error

    def open_orders(self) -> list[OrderState]:
        """Return the orders that are not closed, oldest first."""
        return [state for state in self.orders.values() if state.stage is not Stage.CLOSED]

    def last_known_sale(self) -> tuple[int | None, int | None]:
        """Return receipt and trace number of the last sale known to be kept by the terminal."""
        for state in reversed(self.orders.values()):
            if state.text("result") == "completed" and state.number("receipt") is not None:
                return state.number("receipt"), state.number("trace")
        return None, None

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise JournalUnusable("another agent holds this journal") from error

    def _read(self) -> None:
        raw = self._path.read_bytes()
        whole, _, torn = raw.rpartition(b"\n")
        if b"\0" in whole[whole.rfind(b"\n") + 1 :]:
            # The last line has an end and a hole: its pages were not on the disk alike.
            whole, _, hole = whole.rpartition(b"\n")
            torn = hole + b"\n" + torn
        if torn:  # the power went in mid-write: the step it announced was not taken
            os.ftruncate(self._file, len(raw) - len(torn))
            os.fsync(self._file)
        for number, line in enumerate(whole.splitlines(), start=1):
            try:
                self._apply(json.loads(line))
            except (ValueError, KeyError, TypeError) as error:
                raise JournalUnusable(f"line {number} of the journal cannot be read") from error

    def _apply(self, record: Mapping[str, object]) -> OrderState:
        if record["v"] != VERSION:
            raise ValueError("another version of the journal")
        order_id, stage = UUID(str(record["order"])), Stage(record["stage"])
        state = self.orders.setdefault(order_id, OrderState(order_id, stage))
        if stage is Stage.PRINTED:
            state.slips.append(UUID(str(record["slip"])))
        elif stage is Stage.PRINTING:
            state.begun.append(UUID(str(record["slip"])))
        else:
            state.stage = stage
        for name, value in record.items():
            if name not in ("v", "order", "stage", "slip"):
                state.facts[name] = value
        return state

    def _compact(self) -> None:
        """Rewrite the file with the open orders and the last ``KEPT_ORDERS`` closed ones."""
        closed = [s for s in self.orders.values() if s.stage is Stage.CLOSED][-KEPT_ORDERS:]
        kept = {s.order_id: s for s in self.orders.values() if s.stage is not Stage.CLOSED}
        kept.update({s.order_id: s for s in closed})
        self.orders = {key: state for key, state in self.orders.items() if key in kept}
        fresh = self._path.with_suffix(".new")
        with contextlib.suppress(FileNotFoundError):
            fresh.unlink()
        file = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_EXCL, _MODE)
        for state in self.orders.values():
            head = {"v": VERSION, "order": str(state.order_id)}
            lines: list[dict[str, object]] = [
                {**head, "stage": state.stage.value, **state.facts},
                *({**head, "stage": "printing", "slip": str(slip)} for slip in state.begun),
                *({**head, "stage": "printed", "slip": str(slip)} for slip in state.slips),
            ]
            for line in lines:
                _write_all(file, json.dumps(line, separators=(",", ":")).encode() + b"\n")
        os.fsync(file)
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fresh.replace(self._path)
        os.close(self._file)
        self._file = file
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _write_all(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]
