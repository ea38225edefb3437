"""Finding out which of many things a media tool cannot read, by halves."""

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from bodycam.errors import MediaToolFailed

_S = TypeVar("_S")
_T = TypeVar("_T")


@dataclass
class Tries:
    """How often tools may still be started; damaged footage must not keep a worker for hours."""

    left: int


async def by_halves(
    things: Sequence[_S],
    run: Callable[[Sequence[_S]], Awaitable[Sequence[_T] | None]],
    *,
    tries: Tries,
) -> list[_T | None]:
    """Return what ``run`` makes of each thing, ``None`` where it makes nothing of it.

    ``run`` says ``None``, or fails, where it cannot tell what is of which: then each half is
    tried. Where no try is left the rest stays unknown.

    Raises:
        MediaToolRefused: there is no sandbox.
    """
    found: list[_T | None] = [None] * len(things)
    waiting = deque([(0, len(things))] if things else [])
    while waiting and tries.left > 0:
        first, end = waiting.popleft()
        tries.left -= 1
        try:
            made = await run(things[first:end])
        except MediaToolFailed:
            made = None
        if made is not None:
            found[first:end] = made
        elif end - first > 1:
            middle = (first + end) // 2
            waiting += [(first, middle), (middle, end)]
    return found
