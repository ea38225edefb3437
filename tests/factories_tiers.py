"""Two stores as one, and a store that stops or lies at a chosen instant."""

from datetime import date

from bodycam.rules.retention import Category
from bodycam.rules.tiers import TierRule
from bodycam.service.tiers import Moving, move_due
from bodycam.storage import TieredStore
from tests import factories_bodycam as bodycam


class Stopped(BaseException):
    """The process was killed."""


class Stopping:
    """A store whose process is killed at call number ``at``, before it or after it."""

    def __init__(self, store, *, at, after):
        self._store = store
        self._left = at
        self._after = after

    def _count(self):
        self._left -= 1
        return self._left < 0

    async def open_range(self, **given):
        if self._count():
            raise Stopped
        async for chunk in self._store.open_range(**given):
            yield chunk

    def __getattr__(self, name):
        whole = getattr(self._store, name)

        async def call(**given):
            last = self._count()
            if last and not self._after:
                raise Stopped
            found = await whole(**given)
            if last:
                raise Stopped
            return found

        return call


class Lying:
    """A store that keeps another byte than it was given."""

    def __init__(self, store):
        self._store = store

    def __getattr__(self, name):
        return getattr(self._store, name)

    async def put_part(self, *, block, **given):
        await self._store.put_part(block=block[:-1] + bytes([block[-1] ^ 1]), **given)


def to_cold(*, wanted_too=False, after=30):
    return TierRule(
        valid_from=date(2026, 1, 1),
        to="cold",
        after_days=after,
        categories=frozenset(Category),
        wanted_too=wanted_too,
    )


def two(hot, cold):
    return TieredStore({"hot": hot, "cold": cold})


async def run(sessions, store, *, now, rules=None):
    moving = Moving(
        sessions=sessions,
        store=store,
        trail=bodycam.TRAIL,
        rules=[to_cold()] if rules is None else rules,
    )
    return await move_due(moving, now=now)
