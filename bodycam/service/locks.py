"""Telling the stores that can lock what may not be deleted: holds, and terms where configured.

A job that compares what stands with what was told last: a store that was silent is told later,
and every step may be repeated. What a store cannot lock is kept by our own rules alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.clock import law_date
from app.db import Sessions, transaction
from bodycam.errors import LocksNotOffered, ObjectAbsent, StoreSilent
from bodycam.models import RecordingRow
from bodycam.repository import custody, tiers
from bodycam.rules.retention import standing_of
from bodycam.service.custody import kept_of
from bodycam.storage import ObjectStore, tier_named, tiers_of

log = structlog.get_logger(__name__)

_AT_ONCE: Final = 200
_SILENT_MAX: Final = 5  # a store that is away costs a minute each time: it is left for this run


async def keep_locks(
    sessions: Sessions, *, store: ObjectStore, retained_in: Iterable[str], now: datetime
) -> int:
    """Tell each store what has changed since it was told last; return how many were told.

    ``retained_in`` names the stores that are told an instant too. A store without locks, and one
    that is silent, is passed over.
    """
    able = [name for name, one in tiers_of(store).items() if await _offers(name, one)]
    told, silent, after = 0, 0, None
    while able:
        async with transaction(sessions) as session:
            found = await tiers.to_lock(
                session,
                tiers=able,
                retained_in=[name for name in retained_in if name in able],
                now=now,
                after=after,
                limit=_AT_ONCE,
            )
            wanted = [await _wanted(session, row, held=held, now=now) for row, held in found]
        for one in wanted:
            if silent < _SILENT_MAX:
                done = await _tell(sessions, store, one, now=now)
                told, silent = told + done, silent + (not done)
        if len(found) < _AT_ONCE or silent >= _SILENT_MAX:
            break
        after = found[-1][0].id
    return told


async def _offers(name: str, store: ObjectStore) -> bool:
    try:
        return await store.offers_locks()
    except StoreSilent:
        log.warning("a store could not be asked for its locks", tier=name)
        return False


@dataclass(frozen=True)
class _Wanted:
    recording_id: UUID
    key: str
    tier: str
    category: str
    held: bool
    until: date | None


async def _wanted(
    session: AsyncSession, row: RecordingRow, *, held: bool, now: datetime
) -> _Wanted:
    holds = await custody.holds_of(session, recording_id=row.id, standing=True)
    complained = await custody.complained_of(session, row=row)
    until = standing_of(kept_of(row, holds=holds, complained=complained), now=now).kept_until
    return _Wanted(row.id, row.object_key, row.tier, row.category.value, held, until)


async def _tell(sessions: Sessions, store: ObjectStore, wanted: _Wanted, *, now: datetime) -> bool:
    over = None
    if wanted.until is not None and wanted.until >= law_date(now):
        # The day after the last day, by UTC: some hours longer than the law's zone, never less.
        over = datetime.combine(wanted.until + timedelta(days=1), time(), UTC)
    try:
        place = tier_named(store, wanted.tier)
        await place.keep(key=wanted.key, held=wanted.held, until=over)
    except (LocksNotOffered, ObjectAbsent, StoreSilent) as error:
        log.warning(
            "a store was not told what to keep",
            recording=str(wanted.recording_id),
            code=error.code,
        )
        return False
    async with transaction(sessions) as session:
        await tiers.note_lock(
            session,
            {
                "recording_id": wanted.recording_id,
                "tier": wanted.tier,
                "held": wanted.held,
                "category": wanted.category,
                "retain_until": wanted.until,
                "told_at": now,
            },
        )
    return True
