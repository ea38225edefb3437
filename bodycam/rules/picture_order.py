"""The order in which pictures are shown, where a camera codes some before others they follow."""

from array import array
from collections.abc import Sequence
from heapq import heappop, heappush
from itertools import pairwise
from typing import Final

from bodycam.rules.slice_headers import Slice

_WAITING_MAX: Final = 16  # pictures that a decoder holds back (H.264 and H.265, section A.4)
_WAITS_MAX: Final = 64  # pictures after which one that waits had a wrong count
_EPOCH_BITS: Final = 40


class OrderCounts:
    """Whole picture order counts, of which a slice tells the low bits (8.2.1.1 and 8.3.1)."""

    def __init__(self, bits: int) -> None:
        self._whole = 1 << bits
        self._epoch = self._anchor = self._last = 0

    def of(self, one: Slice) -> int:
        """Return a number by which pictures can be ordered, each in its turn."""
        if one.restarts:
            self._epoch += 1
            self._anchor = 0
        if one.order is not None:
            ahead = (one.order - self._anchor) % self._whole
            count = self._anchor + ahead
            if ahead > self._whole // 2 and not one.restarts:
                count -= self._whole
            if one.anchor:
                self._anchor = count
            self._last = (self._epoch << _EPOCH_BITS) + count
        elif one.restarts:
            self._last = self._epoch << _EPOCH_BITS
        return self._last


def places(orders: Sequence[int]) -> "array[int] | None":
    """Return the place at which each picture is shown; ``None`` where all are as they were coded.

    Works as a decoder does: it holds a few back and lets out the one that is first among them.
    """
    if all(before <= after for before, after in pairwise(orders)):
        return None
    found, place = array("q", bytes(8 * len(orders))), 0
    waiting: list[tuple[int, int]] = []

    def let_out(least: int) -> None:
        nonlocal place
        while len(waiting) > least:
            found[heappop(waiting)[1]] = place
            place += 1

    for number, order in enumerate(orders):
        if waiting and number - min(one for _, one in waiting) > _WAITS_MAX:
            let_out(0)
        heappush(waiting, (order, number))
        let_out(_WAITING_MAX)
    let_out(0)
    return found
