"""What can be saved of a damaged recording: its whole fragments, in their order."""

from typing import Final

from bodycam.rules.box_index import BoxIndex, DamageKind

_RANGES_MAX: Final = 100_000
_BROKEN_BOXES: Final = frozenset({DamageKind.GAP, DamageKind.TRUNCATED})


def recipe(index: BoxIndex) -> list[tuple[int, int]]:
    """Return offset and length of the ranges that, joined, are a whole file; none needed: empty.

    A file whose boxes are whole needs no salvage, even where bytes inside are not as signed.
    """
    if not any(one.kind in _BROKEN_BOXES for one in index.damage) or not len(index):
        return []
    ranges = [(0, index.init_size)]
    for offset, size in zip(index.offsets, index.sizes, strict=True):
        start, length = ranges[-1]
        if start + length == offset:
            ranges[-1] = (start, length + size)
        else:
            ranges.append((offset, size))
    return ranges[:_RANGES_MAX]
