"""How long the dock waits before it tries again, and what it remembers of what it left."""

import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from bodycam.field.bay import BlocksNotReadable, trace_of

READS_MAX: Final = 3  # takings that fail on a block before it counts as lost


@dataclass(frozen=True, kw_only=True)
class Pace:
    """Seconds between attempts; of several the n-th counts for the n-th, the last for the rest.

    Attributes:
        server_seconds: where the server is silent or busy and names no time itself.
        left_seconds: where a camera had to be left as it is: a whole card may be read each time.
        ask_again_seconds: how old the server's word on a waiting recording may become.
    """

    server_seconds: tuple[float, ...] = (1, 2, 4, 8, 15, 30)
    left_seconds: tuple[float, ...] = (2, 4, 8, 15, 30, 60, 120, 300)
    ask_again_seconds: float = 60

    def after_failures(self, count: int) -> float:
        """Return the pause after so many failures of the server in a row before this one."""
        return self.server_seconds[min(count, len(self.server_seconds) - 1)]

    def after_leaving(self, count: int) -> float:
        """Return the pause after a camera was left so many times in a row before."""
        return self.left_seconds[min(count, len(self.left_seconds) - 1)]


class Left:
    """The places that were left as they are, how often, and until when."""

    def __init__(self, bays: Path, pace: Pace) -> None:
        self._bays = bays
        self._pace = pace
        self._times: Counter[str] = Counter()
        self._until: dict[str, float] = {}
        self._traces: dict[str, tuple[int, ...] | None] = {}

    def leave(self, name: str) -> float:
        """Leave a place once more; return for how many seconds."""
        pause = self._pace.after_leaving(self._times[name])
        self._times[name] += 1
        self._until[name] = time.monotonic() + pause
        self._traces[name] = trace_of(self._bays / name)
        return pause

    def forget(self, name: str) -> None:
        """Begin anew with a place: it went well, or nothing lies there."""
        self._times.pop(name, None)
        self._until.pop(name, None)
        self._traces.pop(name, None)

    def still(self, names: set[str]) -> dict[str, float]:
        """Return which are to be left alone now, and until when; another camera never is."""
        for name in list(self._until):
            if name not in names or self._traces[name] != trace_of(self._bays / name):
                self.forget(name)
        now = time.monotonic()
        return {name: until for name, until in self._until.items() if until > now}


class Reads:
    """How often which blocks of which recording could not be read."""

    def __init__(self) -> None:
        self._failed: dict[UUID, Counter[int]] = {}

    def failed(self, reason: BlocksNotReadable) -> bool:
        """Count; return whether all of them have failed often enough to be lost."""
        counted = self._failed.setdefault(reason.found.manifest.recording_id, Counter())
        counted.update(reason.numbers)
        return min(counted[number] for number in reason.numbers) >= READS_MAX
