"""What the terminal keeps through a power cut: numbers, its last sale, reversals still owed.

No card number is kept: the host finds a sale by terminal, STAN and time (DE90).
"""

import json
import os
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from fines.wire.zvt_status import StatusInformation
from sim.terminal import iso

_BINARY = ("card_item", "reference")


@dataclass
class Memory:
    """The terminal's non-volatile state; ``save`` before the step that relies on it."""

    path: Path | None
    receipt_number: int = 0  # of the last kept sale
    trace_number: int = 0  # of the last message to the host
    last: StatusInformation | None = None
    in_flight: iso.Message | None = None  # a 0420 ready to go, should we wake up and find it
    owed: list[iso.Message] = field(default_factory=list)  # reversals not yet answered
    pending: bool = False  # the last sale waits for the cash register's word (rule B)
    undo: iso.Message | None = None  # the 0420 of the last kept sale
    undone: int = 0  # the receipt that was reversed last
    batch: list[tuple[int, str, int]] = field(default_factory=list)  # receipt, brand, amount
    batch_number: int = 1  # of the open batch

    @classmethod
    def load(cls, path: Path | None) -> Self:
        """Return what was kept at ``path``, a new terminal's memory where there is nothing."""
        if path is None or not path.exists():
            return cls(path)
        kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        last = kept.pop("last")
        if last is not None:
            values: dict[str, Any] = {
                name: bytes.fromhex(value) if name in _BINARY else value
                for name, value in last.items()
            }
            last = StatusInformation(**values)
        kept["batch"] = [(receipt, brand, amount) for receipt, brand, amount in kept["batch"]]
        return cls(path, last=last, **kept)

    def save(self) -> None:
        """Write everything down, whole or not at all."""
        if self.path is None:
            return
        last = asdict(replace(self.last, sequence=None)) if self.last is not None else None
        if last is not None:
            last |= {name: last[name].hex() for name in _BINARY}
        kept = {
            "receipt_number": self.receipt_number,
            "trace_number": self.trace_number,
            "last": last,
            "in_flight": self.in_flight,
            "owed": self.owed,
            "pending": self.pending,
            "undo": self.undo,
            "undone": self.undone,
            "batch": self.batch,
            "batch_number": self.batch_number,
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_suffix(".new")
        with fresh.open("w", encoding="utf-8") as file:
            json.dump(kept, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.path)

    def keep(self, status: StatusInformation, *, undo: iso.Message | None, pending: bool) -> None:
        """Store a sale as the last one and count it into the batch."""
        self.receipt_number = status.receipt_number or 0
        self.last = replace(status, sequence=None)
        self.batch.append((self.receipt_number, status.brand, status.amount_tiyn or 0))
        self.undo, self.pending, self.in_flight = undo, pending, None
        self.save()

    def take_back_last(self) -> None:
        """Owe the reversal of the last kept sale and forget it; its number is used again."""
        if self.undo is not None:
            self.owed.append(self.undo)
        self.undone = self.receipt_number
        self.batch = [one for one in self.batch if one[0] != self.receipt_number]
        self.receipt_number = (self.receipt_number - 2) % 9999 + 1 if self.receipt_number > 1 else 0
        self.last, self.undo, self.pending = None, None, False
        self.save()

    def owe_reversal(self) -> None:
        """Turn the sale in flight into a reversal that is owed, durably."""
        if self.in_flight is not None:
            self.owed.append(self.in_flight)
            self.in_flight = None
        self.save()
