"""Moving recordings between stores, so that no reader, no crash and no race loses a byte.

Copy, read back and compare every block, then switch the row, and an hour later clear the old
bytes. Only who holds the move's ``attempt`` may switch. A copy that reads back as it should is
never deleted, whoever has made it; and before the old bytes go, the new are seen once more. Nothing
is touched before the two stores are proven to be two places.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.service import AuditTrail
from app.clock import law_date
from app.db import Sessions, transaction
from app.errors import DomainError
from bodycam import repository
from bodycam.errors import ObjectAbsent, StoreFull, StoreSilent
from bodycam.models import RecordingRow
from bodycam.repository import custody
from bodycam.repository import tiers as moves
from bodycam.rules.retention import Complained
from bodycam.rules.tiers import HOT, Placed, TierRule, rules_on, tier_of
from bodycam.service.apart import Apart
from bodycam.service.scrubbing import Stored, stored_of, wrong_blocks
from bodycam.storage import ObjectStore, tier_named, tiers_of
from bodycam.wire.digests import BLOCK_SIZE_BYTES, block_count, block_size

log = structlog.get_logger(__name__)

_AT_ONCE: Final = 200
_BYTES_AT_ONCE: Final = 64 << 30  # some minutes of one disk; the job comes again in an hour
_SILENT_MAX: Final = 5  # a store that is away costs a minute each time: it is left for this run
# Longer than anybody watches one range or loads one file on a slow line.
_CLEARED_AFTER: Final = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Moving:
    """What moving needs."""

    sessions: Sessions
    store: ObjectStore
    trail: AuditTrail
    rules: Sequence[TierRule]


@dataclass(frozen=True)
class Moved:
    """What one run has done."""

    switched: int
    cleared: int
    failed: int


class CopyDiffers(Exception):
    """The copy did not read back as the recording's digests say: it does not count."""


async def move_due(moving: Moving, *, now: datetime) -> Moved:
    """Finish what was begun, begin what is due, clear what was left; safe to stop and to repeat.

    Raises:
        StoresAreOne: two names of one place; what was to move between them lies where it lay.
    """
    apart = Apart(moving.store)
    cleared, unable = await _clear(moving, apart, now=now)
    await _begin_due(moving, now=now)
    async with transaction(moving.sessions) as session:
        waiting = await moves.waiting(session, limit=_AT_ONCE)
    switched = size = silent = 0
    for move_id, recording_id in waiting:
        if size > _BYTES_AT_ONCE or silent == _SILENT_MAX:
            break
        try:
            carried = await _carry(moving, apart, move_id, recording_id, now=now)
            switched, size = switched + (carried is not None), size + (carried or 0)
        except (DomainError, CopyDiffers) as error:
            unable, silent = unable + 1, silent + isinstance(error, (StoreSilent, StoreFull))
            log.warning("a recording was not moved", recording=str(recording_id), why=str(error))
    return Moved(switched, cleared, unable)


async def _begin_due(moving: Moving, *, now: datetime) -> None:
    """Begin some moves. What is wanted back goes first."""
    leaving = [rule for rule in rules_on(law_date(now), moving.rules) if rule.to != HOT]
    room = _AT_ONCE
    for back in (True, False) if leaving else (True,):
        after: UUID | None = None
        while room > 0:
            async with transaction(moving.sessions) as session:
                if back:
                    rows = await moves.may_come_back(session, after=after, limit=_AT_ONCE)
                else:
                    youngest = min(rule.after_days for rule in leaving)
                    rows = await moves.may_leave(
                        session,
                        ended_before=now - timedelta(days=max(0, youngest - 1)),
                        categories={one for rule in leaving for one in rule.categories},
                        after=after,
                        limit=_AT_ONCE,
                    )
                for row in rows:
                    room -= await _begin_if_due(session, moving, row, now=now)
            if len(rows) < _AT_ONCE:
                break
            after = rows[-1].id


async def _begin_if_due(
    session: AsyncSession, moving: Moving, row: RecordingRow, *, now: datetime
) -> bool:
    target = await _target(session, moving, row, now=now)
    if target == row.tier:
        return False
    move: dict[str, object] = {
        "id": uuid4(),
        "recording_id": row.id,
        "from_tier": row.tier,
        "to_tier": target,
        "attempt": uuid4(),
        "upload_ref": "",
        "begun_at": now,
    }
    return await moves.add_move(session, move)


async def _target(
    session: AsyncSession, moving: Moving, row: RecordingRow, *, now: datetime
) -> str:
    held = await moves.is_held(session, recording_id=row.id)
    wanted = held or await custody.complained_of(session, row=row) is Complained.OPEN
    placed = Placed(category=row.category, ended_at=row.ended_at, wanted=wanted)
    return tier_of(placed, now=now, rules=moving.rules)


@dataclass(frozen=True)
class _Claim:
    """A move that this process has taken up."""

    move_id: UUID
    attempt: UUID
    stored: Stored
    target: ObjectStore = field(repr=False)
    upload: str  # of the attempt before, to be forgotten


async def _carry(
    moving: Moving, apart: Apart, move_id: UUID, recording_id: UUID, *, now: datetime
) -> int | None:
    """Copy one recording and switch to the copy; return its size, or ``None`` if it stays."""
    stored = await stored_of(moving.sessions, recording_id)
    claim = await _claim(moving, apart, move_id, stored, now=now)
    if claim is None:
        return None
    target, key = claim.target, claim.stored.key
    if await wrong_blocks(target, claim.stored) != []:  # else a stop came before the switch
        await target.discard(key=key, upload=claim.upload)
        await target.destroy(key=key)
        upload = await target.begin(key=key, size_bytes=claim.stored.size_bytes)
        async with transaction(moving.sessions) as session:
            move = await moves.move(session, move_id)
            if move is None or move.attempt != claim.attempt:
                return None
            move.upload_ref = upload
        await _copy(moving, claim, upload)
        if await wrong_blocks(target, claim.stored) != []:
            raise CopyDiffers(f"the copy of {recording_id} is not what was read")
    elif not target.takes_parts_itself:
        # Whole, but whoever sealed it may have failed before its name was on the disk.
        await target.seal(key=key, upload="", size_bytes=claim.stored.size_bytes)
    await _switch(moving, claim, now=now)
    return claim.stored.size_bytes


async def _claim(
    moving: Moving, apart: Apart, move_id: UUID, stored: Stored | None, *, now: datetime
) -> _Claim | None:
    """Take the move up, or give it up where the recording is to stay, or is going for good."""
    async with transaction(moving.sessions) as session:
        move = await moves.move(session, move_id)
        if move is None or move.switched_at is not None or move.cleared_at is not None:
            return None
        row = await repository.recording(session, move.recording_id)
        if row is None:
            return None
        move.attempt, key = uuid4(), row.object_key
        stays = stored is None or await _target(session, moving, row, now=now) != move.to_tier
        attempt, upload, name = move.attempt, move.upload_ref, move.to_tier
        source = row.tier
    target = tier_named(moving.store, name)
    if stored is not None:
        await apart.prove(source, name)
    if stored is not None and not stays:
        return _Claim(move_id, attempt, stored, target, upload)
    await target.discard(key=key, upload=upload)
    await target.destroy(key=key)
    async with transaction(moving.sessions) as session:
        move = await moves.move(session, move_id)
        if move is not None and move.attempt == attempt:
            move.cleared_at = now
    return None


async def _copy(moving: Moving, claim: _Claim, upload: str) -> None:
    """Copy block by block, each held against its digest before it is put: one in memory."""
    stored = claim.stored
    source = tier_named(moving.store, stored.tier)
    for number in range(block_count(stored.size_bytes)):
        size = block_size(number=number, size_bytes=stored.size_bytes)
        start = number * BLOCK_SIZE_BYTES
        chunks = source.open_range(key=stored.key, start=start, length=size)
        block = b"".join([chunk async for chunk in chunks])
        digest = await asyncio.to_thread(lambda content: hashlib.sha256(content).digest(), block)
        if digest != stored.expected(number):
            raise CopyDiffers(f"block {number} of {stored.recording_id} is not as it was stored")
        await claim.target.put_part(key=stored.key, upload=upload, number=number, block=block)
    await claim.target.seal(key=stored.key, upload=upload, size_bytes=stored.size_bytes)


async def _switch(moving: Moving, claim: _Claim, *, now: datetime) -> None:
    """Let the copy be the recording: the row, the move and the event in one transaction."""
    async with transaction(moving.sessions) as session:
        move = await moves.move(session, claim.move_id)
        row = await repository.recording(session, claim.stored.recording_id, for_update=True)
        if move is None or move.attempt != claim.attempt or row is None:
            raise CopyDiffers("another process has taken the move up")
        if row.destruction_begun_at is not None:
            raise CopyDiffers("the recording is being destroyed")  # the next run clears the copy
        row.tier, move.switched_at = move.to_tier, now
        await moving.trail.record(
            session,
            event="bodycam.recording_moved",
            at=now,
            who=None,
            fields={
                "recording_id": str(row.id),
                "from": move.from_tier,
                "to": move.to_tier,
                "size_bytes": row.found_bytes,
            },
        )


async def _clear(moving: Moving, apart: Apart, *, now: datetime) -> tuple[int, int]:
    """Destroy old bytes that nobody can be reading any more; return how many, how many could not.

    Of a recording that is held, bytes that the old store has locked stay beside the new ones.
    """
    async with transaction(moving.sessions) as session:
        found = await moves.to_clear(session, switched_before=now - _CLEARED_AFTER, limit=_AT_ONCE)
    cleared = failed = silent = 0
    for move_id, recording_id in found:
        if silent == _SILENT_MAX:
            break
        try:
            cleared += await _clear_one(moving, apart, move_id, recording_id, now=now)
        except DomainError as error:
            failed, silent = failed + 1, silent + isinstance(error, StoreSilent)
            log.warning("old bytes were not cleared", recording=str(recording_id), code=error.code)
    return cleared, failed


async def _clear_one(
    moving: Moving, apart: Apart, move_id: UUID, recording_id: UUID, *, now: datetime
) -> bool:
    async with transaction(moving.sessions) as session:
        move = await moves.move(session, move_id)
        row = await repository.recording(session, recording_id)
        if move is None or row is None or move.cleared_at is not None:
            return False
        held = await moves.is_held(session, recording_id=recording_id)
        key, size, name, begun = row.object_key, row.found_bytes, move.from_tier, row.tier
        gone = row.destruction_begun_at is not None
    old, new = tier_named(moving.store, name), tier_named(moving.store, begun)
    locks = await old.offers_locks()
    if held and locks:
        return False
    if not gone:
        # Once more, before the only other bytes go; silence or absence leaves them.
        if await new.size_of(key=key) != size:
            raise ObjectAbsent(f"the copy of {recording_id} has another size")
        await apart.prove(name, begun)
        if locks:
            await old.keep(key=key, held=False, until=None)
    await old.destroy(key=key)
    async with transaction(moving.sessions) as session:
        move = await moves.move(session, move_id)
        if move is not None:
            move.cleared_at = now
    return True


@dataclass(frozen=True)
class TierFigures:
    """What lies in one store."""

    name: str
    recordings: int
    size_bytes: int
    locks: bool | None  # ``None``: the store is silent
    checks_parts: bool | None  # ``None``: it is silent, or takes no parts by itself


async def figures_of(
    sessions: Sessions, *, store: ObjectStore
) -> tuple[list[TierFigures], int, datetime | None]:
    """Return what lies where, how many moves are not done, and when the oldest of them began."""
    async with transaction(sessions) as session:
        found = {name: (count, size) for name, count, size in await moves.figures(session)}
        waiting, oldest = await moves.waiting_moves(session)
    stores = tiers_of(store)
    figures = [
        TierFigures(
            name,
            *found.get(name, (0, 0)),
            await _locks(stores.get(name)),
            await _checks(stores.get(name)),
        )
        for name in [*stores, *(one for one in found if one not in stores)]
    ]
    return figures, waiting, oldest


async def _locks(store: ObjectStore | None) -> bool | None:
    if store is None:
        return None
    try:
        return await store.offers_locks()
    except StoreSilent:
        return None


async def _checks(store: ObjectStore | None) -> bool | None:
    return await store.checks_parts() if store is not None else None
