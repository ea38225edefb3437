"""Which bodies are read now: as many as keep this process busy; the others wait in the kernel.

Parts that come all at once take turns through memory, caches and disk for nothing: sixty-four at a
time went slower than four. So a few are read, whole, one after the other, in the order they came;
and where that leaves the processor idle, because the senders are slow, one more and one more.
"""

import asyncio
import time
from collections import deque
from typing import Final, Protocol

_LOOK_SECONDS: Final = 0.02
_BUSY_CORES: Final = 1.0  # an event loop and what it hands to threads use more when they can


class Waiter(Protocol):
    """A connection with a body to read."""

    def begin_body(self) -> None:
        """Read on: it is your turn."""


class Turns:
    """Lends turns. Belongs to one loop.

    Args:
        count: turns that are always lent.
        busy_cores: from so much processor time of this process on there are no more than those.
    """

    def __init__(self, count: int, *, busy_cores: float = _BUSY_CORES) -> None:
        self._count, self._busy_cores = count, busy_cores
        self._more = 0  # turns lent beyond the count
        self._queue: deque[Waiter] = deque()
        self._holders: set[Waiter] = set()
        self._looking: asyncio.TimerHandle | None = None
        self._looked = self._used = 0.0

    @property
    def reading(self) -> int:
        """How many bodies may be read now."""
        return len(self._holders)

    def ask(self, one: Waiter) -> bool:
        """Return whether it is the turn of ``one``; if not, it is called when it is."""
        if len(self._holders) < self._count + self._more:
            self._holders.add(one)
            return True
        self._queue.append(one)
        if self._looking is None:
            self._look_later()
        return False

    def done(self, one: Waiter) -> None:
        """Take back the turn of ``one``, or its wish."""
        if one in self._queue:
            self._queue.remove(one)
        self._holders.discard(one)
        self._lend()

    def _lend(self) -> None:
        while self._queue and len(self._holders) < self._count + self._more:
            one = self._queue.popleft()
            self._holders.add(one)
            one.begin_body()

    def _look_later(self) -> None:
        self._looked, self._used = time.monotonic(), time.process_time()
        self._looking = asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._look)

    def _look(self) -> None:
        self._looking = None
        passed, used = time.monotonic() - self._looked, time.process_time() - self._used
        self._more = max(0, self._more + (1 if used < self._busy_cores * passed else -1))
        self._lend()
        if self._queue or self._more:
            self._look_later()
