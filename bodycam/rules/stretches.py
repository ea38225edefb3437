"""Which stretches of a recording are lost, or show or say nothing.

Lost is what the index and the bytes of the frames lack. The rest is told by small grey pictures
of key frames and by half seconds of sound: a stretch is told from the first look that is so up to
the first that is not. What counts as long is the ledger's business.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from bodycam.rules.box_index import BoxIndex
from bodycam.rules.storyboard import SILENCE_DB

LOST: Final = "damaged"
UNSEEN: Final = "unseen"  # could not be looked at: nothing is known of it
STRETCHES_MAX: Final = 500  # of one recording in the ledger; the longest count
LOOK_WIDTH: Final = 64
LOOK_HEIGHT: Final = 36
LOOK_BYTES: Final = LOOK_WIDTH * LOOK_HEIGHT
LOOKS_MAX: Final = 2_880  # every 10 s of 8 hours, every 30 s of 24
_LOOK_STEP_MS_MIN: Final = 2_000
# Black is 16 in video; a lens under a sleeve gives some 20. **Not verified** on real cameras.
_BLACK_MEAN_MAX: Final = 24.0
_BLACK_BRIGHT_MAX: Final = 40
_BLACK_BRIGHT_SHARE: Final = 0.01
# Each point is the mean of hundreds: the noise of a sensor that sees moves it by less than one.
_FROZEN_STEP_MAX: Final = 1
# The ledger tells silence from a minute on: each step goes into it a whole number of times.
_SOUND_STEPS_MS: Final = (1000, 1500, 2000, 2400, 3000, 4000, 5000, 6000, 7500, 10000, 12000, 15000)
_SOUND_POINTS_MIN: Final = 600  # at least, but no more than one a second
_SOUND_POINTS_MAX: Final = 17_280  # of three days
_SILENT_POINTS_MIN: Final = 2  # half a second without sound is no silence
_SILENT_DB: Final = SILENCE_DB + 16  # -80: a microphone that is there is louder than its noise


@dataclass(frozen=True)
class Stretch:
    """A stretch in milliseconds since the recording's start; ``kind`` as the ledger names it."""

    kind: str
    first_ms: int
    end_ms: int

    def as_json(self) -> dict[str, object]:
        """Return it as it is kept."""
        return {"kind": self.kind, "first_ms": self.first_ms, "end_ms": self.end_ms}


def instants_of_looks(index: BoxIndex) -> list[int]:
    """Return when to look, in milliseconds: at key frames, not too near each other."""
    if not len(index):
        return []
    keys = _keys_ms(index)
    step = max(_LOOK_STEP_MS_MIN, -(-index.duration_ms // LOOKS_MAX))
    found: list[int] = []
    for at in keys:
        if not found or at >= found[-1] + step:
            found.append(at)
    return found[:LOOKS_MAX]


def _keys_ms(index: BoxIndex) -> list[int]:
    """Return when key frames begin, rounded up: rounded down it would be the frame before."""
    origin = index.starts[0]
    return [
        -((origin - start) * 1000 // index.timescale)
        for start, key in zip(index.starts, index.keys, strict=True)
        if key
    ]


def instants_of_sound(duration_ms: int) -> list[int]:
    """Return when to listen, in milliseconds: evenly, every 15 s of a whole day."""
    wide = [one for one in _SOUND_STEPS_MS if one * _SOUND_POINTS_MIN <= duration_ms]
    # Rounded down: the points of a minute must last the whole of it.
    points = max(1, duration_ms // max(wide, default=_SOUND_STEPS_MS[0]))
    points = min(points, _SOUND_POINTS_MAX)
    return [duration_ms * number // points for number in range(points)]


def stretches_lost(index: BoxIndex) -> list[Stretch]:
    """Return the stretches between fragments in which nothing plays.

    What is lost before the first fragment ends at 0 and begins below it.
    """
    if not len(index):
        return []
    origin, scale = index.starts[0], index.timescale
    found: list[Stretch] = []
    if 0 in index.breaks and origin > 0:
        found.append(Stretch(LOST, -(origin * 1000 // scale), 0))
    reached = origin
    for start, duration in zip(index.starts, index.durations, strict=True):
        if start > reached:
            first, end = (reached - origin) * 1000 // scale, (start - origin) * 1000 // scale
            found.append(Stretch(LOST, first, end))
        reached = max(reached, start + duration)
    return found


def kept_losses(index: BoxIndex, *, at_least_ms: Callable[[str], int]) -> list[dict[str, object]]:
    """Return what is lost between the fragments as a recording keeps it."""
    lost = longest(stretches_lost(index), at_least_ms=at_least_ms, limit=STRETCHES_MAX)
    return [one.as_json() for one in lost]


def stretches_broken(broken_ms: Iterable[tuple[int, int]], index: BoxIndex) -> list[Stretch]:
    """Return the stretches that frames without a picture spoil: each up to the next key frame.

    ``broken_ms`` are times of the stream itself, in order.
    """
    if not len(index):
        return []
    origin = index.starts[0] * 1000 // index.timescale
    keys = _keys_ms(index)
    found: list[Stretch] = []
    for begins, ends in broken_ms:
        first, last = max(0, begins - origin), min(ends - origin, index.duration_ms)
        # The frames of a group lean on those before them: up to its end none can be trusted.
        following = bisect_right(keys, max(first, last - 1))
        end = keys[following] if following < len(keys) else index.duration_ms
        if found and first <= found[-1].end_ms:
            found[-1] = Stretch(LOST, found[-1].first_ms, max(found[-1].end_ms, end))
        elif first < end:
            found.append(Stretch(LOST, first, end))
    return found


def is_black(look: bytes) -> bool:
    """Return whether a small grey picture shows nothing."""
    bright = sum(1 for value in look if value > _BLACK_BRIGHT_MAX)
    dark = sum(look) / len(look) <= _BLACK_MEAN_MAX
    return dark and bright <= _BLACK_BRIGHT_SHARE * len(look)


def is_same(look: bytes, other: bytes) -> bool:
    """Return whether nothing at all moved between two small grey pictures."""
    return all(abs(one - two) <= _FROZEN_STEP_MAX for one, two in zip(look, other, strict=True))


def stretches_of_pictures(
    looks: Sequence[tuple[int, bytes | None]], *, duration_ms: int
) -> list[Stretch]:
    """Return black stretches, and frozen ones that are not black.

    ``looks`` are instants and pictures, ``None`` where none could be had: nothing is known there.
    """
    ends = [*(at for at, _ in looks[1:]), duration_ms]
    black = [look is not None and is_black(look) for _, look in looks]
    found = _runs("black", black, [at for at, _ in looks], ends)
    frozen = [
        one is not None and two is not None and not black[number] and is_same(one, two)
        for number, ((_, one), (_, two)) in enumerate(pairwise(looks))
    ]
    starts = [at for at, _ in looks[: len(frozen)]]
    return found + _runs("frozen", frozen, starts, ends[: len(frozen)])


def stretches_of_sound(decibels: Sequence[int | None], *, duration_ms: int) -> list[Stretch]:
    """Return the stretches without any sound, of points spread evenly over the recording.

    One quiet point alone is none: what lies around it was not heard.
    """
    starts = _starts_of(decibels, duration_ms)
    quiet = [level is not None and level <= _SILENT_DB for level in decibels]
    some = [
        flag and any(quiet[max(0, at - 1) : at] + quiet[at + 1 : at + _SILENT_POINTS_MIN])
        for at, flag in enumerate(quiet)
    ]
    return _runs("silent", some, starts, [*starts[1:], duration_ms])


def _starts_of(decibels: Sequence[int | None], duration_ms: int) -> list[int]:
    return [duration_ms * number // len(decibels) for number in range(len(decibels))]


def stretches_unseen(
    looks: Sequence[tuple[int, bytes | None]],
    decibels: Sequence[int | None] | None,
    *,
    duration_ms: int,
    lost: Sequence[Stretch],
) -> list[Stretch]:
    """Return the stretches of which picture or sound could not be examined, merged, in order.

    ``decibels`` are ``None`` where nothing could be heard of all of it, empty where it has no
    sound. What is ``lost`` is told as that.
    """
    ends = [*(at for at, _ in looks[1:]), duration_ms]
    found = _runs(UNSEEN, [one is None for _, one in looks], [at for at, _ in looks], ends)
    if decibels:
        starts = _starts_of(decibels, duration_ms)
        flags = [level is None for level in decibels]
        found += _runs(UNSEEN, flags, starts, [*starts[1:], duration_ms])
    if decibels is None or not looks:
        found = [Stretch(UNSEEN, 0, duration_ms)]
    merged: list[Stretch] = []
    for one in sorted(found, key=lambda one: one.first_ms):
        if any(of.first_ms <= one.first_ms and one.end_ms <= of.end_ms for of in lost):
            continue
        if merged and one.first_ms <= merged[-1].end_ms:
            merged[-1] = Stretch(UNSEEN, merged[-1].first_ms, max(merged[-1].end_ms, one.end_ms))
        elif one.first_ms < one.end_ms:
            merged.append(one)
    if len(merged) > STRETCHES_MAX:
        return [Stretch(UNSEEN, merged[0].first_ms, merged[-1].end_ms)]
    return merged


def _runs(
    kind: str, flags: Iterable[bool], starts: Sequence[int], ends: Sequence[int]
) -> list[Stretch]:
    found: list[Stretch] = []
    running = False
    for number, flag in enumerate(flags):
        if flag and running:
            found[-1] = Stretch(kind, found[-1].first_ms, ends[number])
        elif flag:
            found.append(Stretch(kind, starts[number], ends[number]))
        running = flag
    return found


def longest(
    found: Iterable[Stretch], *, at_least_ms: Callable[[str], int], limit: int
) -> list[Stretch]:
    """Return the longest of the stretches that are long enough, in the order of time."""
    kept = [one for one in found if one.end_ms - one.first_ms >= at_least_ms(one.kind)]
    kept.sort(key=lambda one: one.first_ms - one.end_ms)
    return sorted(kept[:limit], key=lambda one: (one.first_ms, one.kind))
