"""Places for parts in flight: whoever has the nearest deadline goes first."""

import heapq
import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

Urgency = tuple[datetime, datetime, str]  # until when it is wanted; when it began; its bay


class Slots:
    """At most ``count`` parts travel at once; a free place goes to the most urgent that waits."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._serial = itertools.count()
        self._waiting: list[tuple[Urgency, int]] = []
        self._changed = threading.Condition()

    @contextmanager
    def place(self, urgency: Urgency) -> Iterator[None]:
        """Wait for a place, hold it, and give it back."""
        ticket = (urgency, next(self._serial))
        with self._changed:
            heapq.heappush(self._waiting, ticket)
            while not self._free or self._waiting[0] != ticket:
                self._changed.wait()
            heapq.heappop(self._waiting)
            self._free -= 1
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._free += 1
                self._changed.notify_all()
