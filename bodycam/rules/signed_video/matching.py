"""Aligns units with the hashes that were signed, so that each unit gets its own verdict."""

import hashlib
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from bodycam.rules.signed_video.claims import combined
from bodycam.rules.signed_video.findings import Verdict


@dataclass(slots=True)
class Waiting:
    """A unit: its digest, that of the first unit of its group, and whether it is that."""

    digest: bytes
    anchor: bytes
    starts: bool

    @property
    def hash(self) -> bytes:
        """The hash as the camera makes it: the first unit's digest binds those behind it."""
        return self.digest if self.starts else combined(self.anchor, self.digest)


@dataclass(frozen=True, kw_only=True)
class Match:
    """What the claim covers: units from ``first`` to ``end``, a verdict each.

    ``missing`` are pairs of a place among the units and how many signed units lack before it.
    """

    first: int
    end: int
    verdicts: tuple[Verdict, ...]
    missing: tuple[tuple[int, int], ...]
    starts_group: bool
    first_hash: bytes


def match(
    units: Sequence[Waiting], hashes: Sequence[bytes], *, partial: bool, anchor: bytes
) -> Match | None:
    """Align ``units`` with the list of hashes; ``None`` where none of them is on it.

    ``anchor`` is the signed digest of the first unit of the group, for a claim that covers a
    later part of it.
    """
    count = len(hashes)
    if len(units) >= count and all(
        unit.hash == expected for unit, expected in zip(units, hashes, strict=False)
    ):
        return _match_whole(units, 0, count)
    places: dict[bytes, list[int]] = defaultdict(list)
    for number in range(count - 1, -1, -1):
        places[hashes[number]].append(number)
    # A changed first unit must not spoil the rest: its true digest heads the list.
    found = [(at, _place(unit, places, hashes[0], anchor)) for at, unit in enumerate(units)]
    hits = [(at, place) for at, place in found if place is not None]
    if not hits:
        return None
    in_order = _longest_rising([place for _, place in hits])
    kept = [hits[number] for number in in_order]
    return _aligned(units, count, hits, kept, partial=partial)


def _place(unit: Waiting, places: dict[bytes, list[int]], head: bytes, anchor: bytes) -> int | None:
    own = [unit.digest] if unit.starts else [unit.hash]
    own += [combined(head, unit.digest)]
    own += [combined(anchor, unit.digest)] if anchor else []
    for candidate in own:
        if places.get(candidate):
            return places[candidate].pop()
    return None


def _aligned(
    units: Sequence[Waiting],
    count: int,
    hits: Sequence[tuple[int, int]],
    kept: Sequence[tuple[int, int]],
    *,
    partial: bool,
) -> Match:
    first, end = _bounds(units, count, hits, kept, partial=partial)
    moved = {place for _, place in hits} - {place for _, place in kept}
    moved_at = {at for at, place in hits if place in moved}
    signed_at = {at for at, _ in kept}
    verdicts = tuple(
        Verdict.SIGNED if at in signed_at else Verdict.MOVED if at in moved_at else Verdict.CHANGED
        for at in range(first, end)
    )
    missing: list[tuple[int, int]] = []
    previous_at, previous_place = first - 1, -1
    for at, place in [*kept, (end, count)]:
        lacking = sum(number not in moved for number in range(previous_place + 1, place))
        strangers = sum(one not in moved_at for one in range(previous_at + 1, at))
        if lacking > strangers:
            missing.append((at - first, lacking - strangers))
        previous_at, previous_place = at, place
    return Match(
        first=first,
        end=end,
        verdicts=verdicts,
        missing=tuple(missing),
        starts_group=units[first].starts,
        first_hash=units[first].hash,
    )


def _bounds(
    units: Sequence[Waiting],
    count: int,
    hits: Sequence[tuple[int, int]],
    kept: Sequence[tuple[int, int]],
    *,
    partial: bool,
) -> tuple[int, int]:
    """Return which units stand where the signed ones stood, those that match none included."""
    first, end = min(at for at, _ in hits), max(at for at, _ in hits) + 1
    leading = kept[0][1]
    while leading and first and not units[first].starts:
        first -= 1
        leading -= 1
    room = count - 1 - kept[-1][1] if partial else len(units)
    while end < len(units) and room > 0 and not units[end].starts:
        end += 1
        room -= 1
    return first, end


def _longest_rising(places: Sequence[int]) -> list[int]:
    """Return which of ``places`` make the longest rising row: those behind it were moved."""
    tails: list[int] = []
    tail_at: list[int] = []
    before: list[int] = []
    for number, place in enumerate(places):
        at = bisect_left(tails, place)
        before.append(tail_at[at - 1] if at else -1)
        if at == len(tails):
            tails.append(place)
            tail_at.append(number)
        else:
            tails[at], tail_at[at] = place, number
    row = []
    number = tail_at[-1]
    while number >= 0:
        row.append(number)
        number = before[number]
    return row[::-1]


def match_group(
    units: Sequence[Waiting],
    count: int,
    group_hash: bytes | None,
    *,
    partial: bool,
    lost: int,
) -> Match | None:
    """Find the group whose units together have ``group_hash``; whole, or not at all.

    Where no group has, the first that waits behind ``lost`` signatures is taken for it, as
    changed: without a list nobody can say which of its units.
    """
    if group_hash is None or not units:
        return None
    starts = [at for at, unit in enumerate(units) if unit.starts or not at]
    for at in starts:
        together = hashlib.sha256(b"".join(unit.hash for unit in units[at : at + count]))
        if together.digest() == group_hash and at + count <= len(units):
            return _match_whole(units, at, count)
    if lost >= len(starts):
        return None
    first = starts[lost]
    end = starts[lost + 1] if len(starts) > lost + 1 else len(units)
    end = min(end, first + count) if partial else end
    there = end - first
    return Match(
        first=first,
        end=end,
        verdicts=(Verdict.CHANGED,) * there,
        missing=((there, count - there),) if count > there else (),
        starts_group=units[first].starts,
        first_hash=units[first].hash,
    )


def _match_whole(units: Sequence[Waiting], at: int, count: int) -> Match:
    return Match(
        first=at,
        end=at + count,
        verdicts=(Verdict.SIGNED,) * count,
        missing=(),
        starts_group=units[at].starts,
        first_hash=units[at].hash,
    )
