"""Stored objects with what was made to stand before them: a restored recording as it is played."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import TypeVar

from bodycam.rules.frames import ReadAt
from bodycam.rules.made_description import fronted
from bodycam.service.axis_keys import ObjectReader

_T = TypeVar("_T")


@dataclass(frozen=True)
class FrontedObjects:
    """Objects behind what was made to stand before them; see ``rules.made_description``."""

    store: ObjectReader
    front: bytes

    async def open_range(self, *, key: str, start: int, length: int) -> AsyncIterator[bytes]:
        """Yield a range of front and object, joined."""
        made = self.front[start : start + length]
        if made:
            yield made
        if len(made) < length:
            rest = max(start - len(self.front), 0)
            async for piece in self.store.open_range(
                key=key, start=rest, length=length - len(made)
            ):
                yield piece

    async def reading(self, *, key: str, act: Callable[[ReadAt], _T]) -> _T:
        """Run ``act`` over front and object, joined."""
        front = self.front
        return await self.store.reading(key=key, act=lambda read_at: act(fronted(front, read_at)))
