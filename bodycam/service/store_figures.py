"""What lies in which store, as metrics."""

import asyncio
from typing import Final

import structlog
from prometheus_client import Gauge
from sqlalchemy.exc import SQLAlchemyError

from app.clock import utc_now
from app.db import Sessions
from app.errors import DomainError
from bodycam.service.tiers import figures_of
from bodycam.storage import ObjectStore

log = structlog.get_logger(__name__)

_EVERY_SECONDS: Final = 300  # the sums read every recording's row
_BYTES: Final = Gauge("saqshy_tier_bytes", "Bytes of stored recordings", ("tier",))
_RECORDINGS: Final = Gauge("saqshy_tier_recordings", "Stored recordings", ("tier",))
_LOCKS: Final = Gauge(
    "saqshy_tier_locks", "1 where the store can lock objects, 0 where not, -1 silent", ("tier",)
)
_CHECKS: Final = Gauge(
    "saqshy_tier_checks_parts",
    "1 where the store was seen to refuse wrong parts, 0 where it takes them, -1 not known",
    ("tier",),
)
_WAITING: Final = Gauge("saqshy_tier_moves_waiting", "Moves begun and not done")
_LAG: Final = Gauge("saqshy_tier_moves_lag_seconds", "Age of the oldest of them")


async def measure_stores(sessions: Sessions, *, store: ObjectStore) -> None:
    """Measure for ever; the first time say of each store whether it can lock."""
    said: set[str] = set()
    while True:
        try:
            await _measure(sessions, store, said)
        except (DomainError, OSError, SQLAlchemyError) as error:
            log.warning("the stores were not measured", why=type(error).__name__)
        await asyncio.sleep(_EVERY_SECONDS)


async def _measure(sessions: Sessions, store: ObjectStore, said: set[str]) -> None:
    figures, waiting, oldest = await figures_of(sessions, store=store)
    for one in figures:
        _BYTES.labels(one.name).set(one.size_bytes)
        _RECORDINGS.labels(one.name).set(one.recordings)
        _LOCKS.labels(one.name).set(-1 if one.locks is None else int(one.locks))
        _CHECKS.labels(one.name).set(-1 if one.checks_parts is None else int(one.checks_parts))
        if one.name not in said and one.locks is not None:
            said.add(one.name)
            log.info("a store of recordings", tier=one.name, locks_objects=one.locks)
    _WAITING.set(waiting)
    _LAG.set((utc_now() - oldest).total_seconds() if oldest is not None else 0)
