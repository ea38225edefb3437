"""Several stores as one: what is new goes to the first, what is read is looked for in all.

Objects never change, and a copy is complete before it can be seen: wherever the bytes are found,
they are the right ones. So a reader needs no row to find them, and one whose store loses the
object while he reads goes on where he was, in the next.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import TypeVar

from app.errors import DomainError
from bodycam.errors import ObjectAbsent, ObjectDamaged, StoreSilent
from bodycam.rules.tiers import HOT
from bodycam.storage.port import ObjectStore, PartAsked, PartTarget, PartWriter, ReadAt

_T = TypeVar("_T")
_NEXT = (ObjectAbsent, ObjectDamaged, StoreSilent)


def tiers_of(store: ObjectStore) -> Mapping[str, ObjectStore]:
    """Return the stores by name; the first is ``HOT``."""
    return store.stores if isinstance(store, TieredStore) else {HOT: store}


def tier_named(store: ObjectStore, name: str) -> ObjectStore:
    """Return the store of that name.

    Raises:
        StoreSilent: none is set; what lies there cannot be read until one is.
    """
    found = tiers_of(store).get(name)
    if found is None:
        raise StoreSilent(f"no store is named {name}: see SAQSHY_STORES")
    return found


class TieredStore:
    """See ``ObjectStore`` for what the methods promise."""

    def __init__(self, stores: Mapping[str, ObjectStore]) -> None:
        self.stores = dict(stores)
        self._hot = self.stores[HOT]

    @property
    def takes_parts_itself(self) -> bool:
        """As the first store."""
        return self._hot.takes_parts_itself

    async def begin(self, *, key: str, size_bytes: int) -> str:
        """Make room in the first store."""
        return await self._hot.begin(key=key, size_bytes=size_bytes)

    async def part_targets(
        self, *, key: str, upload: str, parts: Sequence[PartAsked]
    ) -> list[PartTarget]:
        """Return where the first store takes the parts."""
        return await self._hot.part_targets(key=key, upload=upload, parts=parts)

    async def checks_parts(self) -> bool | None:
        """Whether the first store does; ask each by its name."""
        return await self._hot.checks_parts()

    async def vouches_for(self, *, key: str, upload: str, size_bytes: int) -> bool:
        """Whether the first store does."""
        return await self._hot.vouches_for(key=key, upload=upload, size_bytes=size_bytes)

    def unvouched(self, *, upload: str) -> str:
        """As the first store names it."""
        return self._hot.unvouched(upload=upload)

    def open_part(
        self, *, key: str, number: int, size_bytes: int, upload: str = ""
    ) -> AbstractAsyncContextManager[PartWriter]:
        """Open the part in the first store."""
        return self._hot.open_part(key=key, number=number, size_bytes=size_bytes, upload=upload)

    async def put_part(self, *, key: str, upload: str, number: int, block: bytes) -> None:
        """Store the part in the first store."""
        await self._hot.put_part(key=key, upload=upload, number=number, block=block)

    async def stored_parts(self, *, key: str, upload: str) -> dict[int, int]:
        """Return the parts that the first store holds."""
        return await self._hot.stored_parts(key=key, upload=upload)

    async def lost_parts(
        self, *, key: str, numbers: Sequence[int], size_bytes: int
    ) -> list[int] | None:
        """Return what the first store has lost."""
        return await self._hot.lost_parts(key=key, numbers=numbers, size_bytes=size_bytes)

    async def seal(self, *, key: str, upload: str, size_bytes: int) -> None:
        """Make the parts one object of the first store."""
        await self._hot.seal(key=key, upload=upload, size_bytes=size_bytes)

    async def discard(self, *, key: str, upload: str) -> None:
        """Forget an upload of the first store."""
        await self._hot.discard(key=key, upload=upload)

    async def destroy(self, *, key: str, upload: str = "") -> None:
        """Delete the object wherever it is; an upload is one of the first store."""
        for store in [self._hot] if upload else self.stores.values():
            await store.destroy(key=key, upload=upload)

    async def size_of(self, *, key: str) -> int:
        """Return the size, from the first store that has it."""
        return await self._anywhere(lambda store: store.size_of(key=key))

    async def read(self, *, key: str, start: int, length: int) -> bytes:
        """Read from the first store that can."""
        return await self._anywhere(lambda store: store.read(key=key, start=start, length=length))

    async def reading(self, *, key: str, act: Callable[[ReadAt], _T]) -> _T:
        """Run ``act`` over the first store that can; over the next from the start, if it fails."""
        return await self._anywhere(lambda store: store.reading(key=key, act=act))

    async def open_range(self, *, key: str, start: int, length: int) -> AsyncIterator[bytes]:
        """Yield the range; a store that fails on the way is followed by the next."""
        refusals: list[DomainError] = []
        end = start + length
        for store in self.stores.values():
            try:
                async for chunk in store.open_range(key=key, start=start, length=end - start):
                    start += len(chunk)
                    yield chunk
            except _NEXT as refusal:
                refusals.append(refusal)
                continue
            return
        raise _most_telling(refusals)

    async def open_arriving(self, *, key: str, start: int, length: int) -> AsyncIterator[bytes]:
        """Yield a range of what the first store is receiving."""
        async for chunk in self._hot.open_arriving(key=key, start=start, length=length):
            yield chunk

    async def offers_locks(self) -> bool:
        """Whether the first store can lock; ask each by its name."""
        return await self._hot.offers_locks()

    async def keep(self, *, key: str, held: bool, until: datetime | None) -> None:
        """Lock in the first store; ask each by its name."""
        await self._hot.keep(key=key, held=held, until=until)

    async def _anywhere(self, act: Callable[[ObjectStore], Awaitable[_T]]) -> _T:
        refusals: list[DomainError] = []
        for store in self.stores.values():
            try:
                return await act(store)
            except _NEXT as refusal:
                refusals.append(refusal)
        raise _most_telling(refusals)


def _most_telling(refusals: list[DomainError]) -> DomainError:
    """Return why it failed: that one store has no such object says nothing beside a silent one."""
    return next((one for one in refusals if not isinstance(one, ObjectAbsent)), refusals[0])
