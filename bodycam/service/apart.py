"""Whether two stores are two places: an object of a few bytes tells, before anything moves.

Two names may lead to one place by a link, a mount or a second name of a host, and no setting shows
it. There a copy always reads back right, and clearing the old bytes would destroy the only ones.
"""

from typing import Final
from uuid import uuid4

import structlog

from app.errors import DomainError
from bodycam.errors import ObjectAbsent, StoreSilent
from bodycam.storage import ObjectStore, tier_named, tiers_of

log = structlog.get_logger(__name__)

_PROBE: Final = b"saqshy: are these two stores one?\n"


class StoresAreOne(ValueError):
    """What is written through one store can be seen through another: nothing may move or go."""

    def __init__(self, one: str, other: str) -> None:
        super().__init__(
            f"the stores {one} and {other} lie in one place, nothing was moved or cleared:"
            " give each a place of its own in SAQSHY_STORES"
        )


class Apart:
    """What one run has found out about its stores; each pair is tried once."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._proven: set[frozenset[str]] = set()

    async def prove(self, one: str, other: str) -> None:
        """Return where the two stores are seen to be two places.

        Raises:
            StoresAreOne: they are one.
            StoreSilent, StoreFull: it cannot be told now.
        """
        pair = frozenset((one, other))
        if pair in self._proven:
            return
        if one == other:
            raise StoresAreOne(one, other)
        # Through the first of them, which is seldom a store whose locks would keep the probe.
        ranks = list(tiers_of(self._store))
        first, second = sorted(pair, key=lambda name: ranks.index(name) if name in ranks else 0)
        if await _is_seen(tier_named(self._store, first), tier_named(self._store, second)):
            log.error("two stores lie in one place: nothing is moved", tiers=[first, second])
            raise StoresAreOne(first, second)
        self._proven.add(pair)


async def _is_seen(first: ObjectStore, second: ObjectStore) -> bool:
    """Return whether the second store shows what is written through the first."""
    key = f"probes/{uuid4()}"
    upload = await first.begin(key=key, size_bytes=len(_PROBE))
    try:
        await first.put_part(key=key, upload=upload, number=0, block=_PROBE)
        await first.seal(key=key, upload=upload, size_bytes=len(_PROBE))
        if not await _has(first, key):
            raise StoreSilent("the object store does not show what it has taken")
        return await _has(second, key)
    finally:
        await _remove(first, key, upload)


async def _has(store: ObjectStore, key: str) -> bool:
    try:
        await store.size_of(key=key)
    except ObjectAbsent:
        return False
    return True


async def _remove(store: ObjectStore, key: str, upload: str) -> None:
    try:
        await store.discard(key=key, upload=upload)
        await store.destroy(key=key)
    except DomainError as error:  # a few bytes stay: no reason to move nothing
        log.warning("a probe of the stores was not removed", key=key, code=error.code)
