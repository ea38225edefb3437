"""What the dock agent must still know after a power cut: one line of JSON for each fact, synced.

The server is the truth about parts; the journal holds what the server cannot tell: its pinned
key, and which receipt gave leave to wipe.
"""

import contextlib
import json
import os
import threading
from pathlib import Path
from typing import Any, Final
from uuid import UUID

_LINE_BYTES_MAX: Final = 64 << 10


class JournalNotValid(Exception):
    """The journal is damaged before its last line: a person must look at it."""


class JournalFull(Exception):
    """A fact could not be written down, so the step must not be taken; what was noted is whole."""


class Journal:
    """An append-only file. A torn last line is what a power cut leaves, and is cut off.

    What notes a fact raises ``JournalFull`` where it is not on the disk.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self.receipt_key: str | None = None
        self._receipts: dict[UUID, dict[str, Any]] = {}
        self._wiped: set[UUID] = set()
        self._refused: dict[UUID, str] = {}
        self._announced: set[UUID] = set()
        self._unreadable: dict[UUID, frozenset[int]] = {}
        self._lock = threading.Lock()  # several cameras are taken at once
        self._end = 0  # of the last whole line
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._load()

    def _load(self) -> None:
        with self._path.open("rb") as lines:
            good = 0
            for line in lines:
                if not line.endswith(b"\n"):
                    break
                try:
                    self._take(json.loads(line))
                except (ValueError, KeyError, TypeError) as error:
                    raise JournalNotValid(f"{self._path} is damaged at byte {good}") from error
                good += len(line)
        os.ftruncate(self._handle, good)
        self._end = good

    def _take(self, fact: dict[str, Any]) -> None:
        match fact["fact"]:
            case "pinned":
                self.receipt_key = str(fact["receipt_key"])
            case "receipt":
                self._receipts[UUID(fact["recording_id"])] = dict(fact["receipt"])
            case "wiped":
                self._wiped.add(UUID(fact["recording_id"]))
            case "refused":
                self._refused[UUID(fact["recording_id"])] = str(fact["code"])
            case "retry":
                self._refused.clear()
            case "announced":
                self._announced.add(UUID(fact["recording_id"]))
                if "unreadable" in fact:
                    self._unreadable[UUID(fact["recording_id"])] = frozenset(fact["unreadable"])
            case _:
                raise ValueError("a fact of another release")

    def _append(self, **fact: object) -> None:
        line = json.dumps(fact, separators=(",", ":")).encode() + b"\n"
        if len(line) > _LINE_BYTES_MAX:
            raise ValueError("a fact too long for the journal")
        with self._lock:
            try:
                self._write(line)
            except OSError as error:
                # Half a line would spoil the next one, and with it the next start.
                with contextlib.suppress(OSError):
                    os.ftruncate(self._handle, self._end)
                raise JournalFull(
                    f"the journal {self._path} takes no line ({error.strerror}); make room there"
                ) from error
            self._end += len(line)

    def _write(self, line: bytes) -> None:
        if os.fstat(self._handle).st_size > self._end:
            os.ftruncate(self._handle, self._end)  # what a cut that failed has left
        os.lseek(self._handle, self._end, os.SEEK_SET)
        rest = memoryview(line)
        while rest:
            rest = rest[os.write(self._handle, rest) :]
        os.fsync(self._handle)

    def pin(self, receipt_key: str) -> None:
        """Remember the server's receipt key: the first is believed, another never."""
        self._append(fact="pinned", receipt_key=receipt_key)
        self.receipt_key = receipt_key

    def announced(self, recording_id: UUID, *, bay: str) -> None:
        """Note that the recording is being taken; once, however often that is tried."""
        if recording_id not in self._announced:
            self._append(fact="announced", recording_id=str(recording_id), bay=bay)
            self._announced.add(recording_id)

    def unreadable(self, recording_id: UUID, *, bay: str, blocks: frozenset[int]) -> None:
        """Note that the card does not give back these blocks, and that they are declared so."""
        # No fact of a new name: an older agent would refuse the journal.
        self._append(
            fact="announced", recording_id=str(recording_id), bay=bay, unreadable=sorted(blocks)
        )
        self._unreadable[recording_id] = blocks

    def unreadable_of(self, recording_id: UUID) -> frozenset[int]:
        """Return the recording's blocks that are declared as not readable."""
        return self._unreadable.get(recording_id, frozenset())

    def keep_receipt(self, recording_id: UUID, receipt: dict[str, Any]) -> None:
        """Keep the checked receipt; it must be on disk before anything is wiped."""
        if self._receipts.get(recording_id) == receipt:
            return
        self._append(fact="receipt", recording_id=str(recording_id), receipt=receipt)
        self._receipts[recording_id] = receipt

    def receipt_of(self, recording_id: UUID) -> dict[str, Any] | None:
        """Return the receipt kept for the recording."""
        return self._receipts.get(recording_id)

    def wiped(self, recording_id: UUID) -> None:
        """Note that the camera no longer holds the recording."""
        self._append(fact="wiped", recording_id=str(recording_id))
        self._wiped.add(recording_id)

    def refused(self, recording_id: UUID, code: str) -> None:
        """Note that the server will never take the recording as it is."""
        self._append(fact="refused", recording_id=str(recording_id), code=code)
        self._refused[recording_id] = code

    def retry_refused(self) -> None:
        """Forget the refusals: the keeper has cured what was wrong."""
        self._append(fact="retry")
        self._refused.clear()

    def is_wiped(self, recording_id: UUID) -> bool:
        """Return whether the wipe was noted as done."""
        return recording_id in self._wiped

    def refusal_of(self, recording_id: UUID) -> str | None:
        """Return the code of a lasting refusal."""
        return self._refused.get(recording_id)
