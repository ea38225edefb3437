"""Looking at a recording's pictures and listening to its sound, in batches, point by point.

What cannot be decoded stays unknown for its own point: it hides nothing of what lies around it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from bodycam.errors import MediaToolFailed
from bodycam.media import Sandbox, Tries, grey_looks, loudness
from bodycam.rules.box_index import BoxIndex
from bodycam.rules.key_frames import choose_looks, choose_sound
from bodycam.rules.stretches import (
    STRETCHES_MAX,
    instants_of_looks,
    instants_of_sound,
    longest,
    stretches_broken,
    stretches_of_pictures,
    stretches_of_sound,
    stretches_unseen,
)
from bodycam.service.axis_keys import ObjectReader
from bodycam.service.coverage import least_ms_of

_LOOKS_AT_ONCE: Final = 96  # key frames of 500 kB stay under what a tool may be given
_POINTS_AT_ONCE: Final = 600  # of sound: some 10 MB decoded
_TRIES_MORE_MAX: Final = 200  # of one recording, beside one for each batch
_Chosen = TypeVar("_Chosen")


@dataclass(frozen=True, kw_only=True)
class Looking:
    """A recording to be looked at, and what that needs."""

    store: ObjectReader
    sandbox: Sandbox
    object_key: str
    size_bytes: int
    index: BoxIndex
    plain: bool


async def hear(looking: Looking) -> list[int | None] | None:
    """Return how loud it is at each point, ``None`` where that cannot be told.

    ``None`` altogether: it has no sound that is read here.

    Raises:
        BoxesBroken: the boxes do not fit.
        MediaToolFailed: nothing of the sound decodes.
        MediaToolRefused: there is no sandbox.
    """
    instants = instants_of_sound(looking.index.duration_ms)
    tries = Tries(_TRIES_MORE_MAX + -(-len(instants) // _POINTS_AT_ONCE))
    levels: list[int | None] = []
    for first in range(0, len(instants), _POINTS_AT_ONCE):
        chosen = await _chosen(choose_sound, looking, instants[first : first + _POINTS_AT_ONCE])
        if chosen.set_up is None:
            return None
        levels += await loudness(
            sandbox=looking.sandbox, set_up=chosen.set_up, groups=chosen.groups, tries=tries
        )
    if all(level is None for level in levels):
        raise MediaToolFailed("the sound does not decode")
    return levels


async def look(looking: Looking) -> list[tuple[int, bytes | None]]:
    """Return a small grey picture at each instant, ``None`` where none can be had.

    Raises:
        BoxesBroken: there is no H.264 or H.265.
        MediaToolRefused: there is no sandbox.
    """
    instants = instants_of_looks(looking.index)
    tries = Tries(_TRIES_MORE_MAX + -(-len(instants) // _LOOKS_AT_ONCE))
    looks: list[tuple[int, bytes | None]] = []
    for first in range(0, len(instants), _LOOKS_AT_ONCE):
        some = instants[first : first + _LOOKS_AT_ONCE]
        chosen = await _chosen(choose_looks, looking, some)
        made = await grey_looks(
            sandbox=looking.sandbox,
            codec=chosen.codec,
            set_up=chosen.set_up,
            frames=chosen.frames,
            tries=tries,
        )
        looks += zip(some, made, strict=True)
    return looks


async def _chosen(
    choose: Callable[..., _Chosen], looking: Looking, instants_ms: Sequence[int]
) -> _Chosen:
    """Return what a rule chooses to decode of the recording for these instants."""
    return await looking.store.reading(
        key=looking.object_key,
        act=lambda read_at: choose(
            read_at=read_at,
            size_bytes=looking.size_bytes,
            index=looking.index,
            plain=looking.plain,
            instants_ms=instants_ms,
        ),
    )


def told_of(
    index: BoxIndex,
    *,
    looks: Sequence[tuple[int, bytes | None]],
    decibels: Sequence[int | None] | None,
    broken: Sequence[tuple[int, int]],
) -> list[dict[str, object]]:
    """Return what the ledger is told: gaps, and what nothing is known of.

    ``decibels`` are ``None`` where nothing could be heard, empty where there is no sound.
    """
    duration_ms = index.duration_ms
    lost = stretches_broken(broken, index)
    found = lost + stretches_of_pictures(looks, duration_ms=duration_ms)
    if decibels:
        found += stretches_of_sound(decibels, duration_ms=duration_ms)
    kept = longest(found, at_least_ms=least_ms_of, limit=STRETCHES_MAX)
    told_lost = [one for one in kept if one in lost]
    kept += stretches_unseen(looks, decibels, duration_ms=duration_ms, lost=told_lost)
    return [one.as_json() for one in kept]
