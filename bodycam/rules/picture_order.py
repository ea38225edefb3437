"""The order in which pictures are shown, where a camera codes some before others they follow."""

from array import array
from collections.abc import Sequence as Orders
from heapq import heappop, heappush
from itertools import pairwise
from typing import Final

from bodycam.rules.parameter_sets import Sequence, SequenceH265
from bodycam.rules.slice_headers import Slice

_WAITS_MAX: Final = 64  # pictures after which one that waits had a wrong count
_EPOCH_BITS: Final = 40


class OrderCounts:
    """Whole picture order counts, of which a slice tells the low bits (8.2.1.1 and 8.3.1).

    Where frame numbers show that pictures are lost nothing joins the counts before to those
    behind: they begin anew, else the two sides of the loss would be shown by turns.
    """

    def __init__(self, sequence: Sequence | SequenceH265 | None) -> None:
        self._whole = 1 << (sequence.order_bits if sequence else 0)
        self._numbers = 0
        if isinstance(sequence, Sequence) and not sequence.gaps:
            self._numbers = 1 << sequence.frame_number_bits
        self._epoch = self._anchor = self._last = 0
        self._number: int | None = None

    def of(self, one: Slice) -> int:
        """Return a number by which pictures can be ordered, each in its turn."""
        lost = self._is_lost_before(one)
        self._number = one.number
        if one.restarts or lost:
            self._epoch += 1
            self._anchor = one.order or 0 if lost else 0
            self._last = (self._epoch << _EPOCH_BITS) + self._anchor
        if one.order is not None:
            ahead = (one.order - self._anchor) % self._whole
            count = self._anchor + ahead
            if ahead > self._whole // 2 and not one.restarts:
                count -= self._whole
            if one.anchor:
                self._anchor = count
            self._last = (self._epoch << _EPOCH_BITS) + count
        return self._last

    def _is_lost_before(self, one: Slice) -> bool:
        if one.restarts or one.number is None or self._number is None or not self._numbers:
            return False
        return (one.number - self._number) % self._numbers > 1


def places(orders: Orders[int], *, held_back: int) -> "array[int] | None":
    """Return the place at which each picture is shown; ``None`` where all are as they were coded.

    Works as a decoder does: it holds a few back and lets out the one that is first among them.
    One that should have been let out before says that the counts began anew.
    """
    if all(before <= after for before, after in pairwise(orders)):
        return None
    found, place = array("q", bytes(8 * len(orders))), 0
    waiting: list[tuple[int, int]] = []
    out: int | None = None

    def let_out(least: int) -> None:
        nonlocal place, out
        while len(waiting) > least:
            out, number = heappop(waiting)
            found[number] = place
            place += 1

    for number, order in enumerate(orders):
        stale = waiting and number - min(one for _, one in waiting) > _WAITS_MAX
        if stale or (out is not None and order < out):
            let_out(0)
            out = None
        heappush(waiting, (order, number))
        let_out(held_back)
    let_out(0)
    return found
