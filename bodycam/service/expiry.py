"""The end of a recording: expiring by its term, then destroyed by a person's permission.

Two phases, the first of which can be undone by anybody who may hold or keep a recording. The
bytes go after ``destruction_begun_at`` is committed, so that neither a crash nor a hold placed
meanwhile can leave a recording that is said to be there and is not.
"""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.service import AuditTrail
from app.clock import law_date
from app.db import Sessions, transaction
from bodycam.errors import StoreFull, StoreSilent
from bodycam.models import RecordingRow, TombstoneRow
from bodycam.repository import axis
from bodycam.repository import custody as repository
from bodycam.repository import recording as recording_row
from bodycam.rules.life_cycle import RecordingStatus, next_recording_status
from bodycam.rules.retention import may_destroy, rule_on, standing_of
from bodycam.service.custody import kept_of, take_back
from bodycam.storage import ObjectStore

log = structlog.get_logger(__name__)

_AT_ONCE: Final = 200
_SHORTEST_TERM: Final = timedelta(days=28)  # no edition keeps less: spares a scan


async def expire_recordings(sessions: Sessions, *, trail: AuditTrail, now: datetime) -> int:
    """Mark the recordings whose term is over and that nothing holds; return how many.

    What is expiring and has a complaint or a longer term by now is taken back.
    """
    expired, after = 0, None
    while True:
        async with transaction(sessions) as session:
            rows = await repository.may_expire(
                session,
                begun_before=now - _SHORTEST_TERM,
                today=law_date(now),
                after=after,
                limit=_AT_ONCE,
            )
            for row in rows:
                expired += await _expire(session, trail, row, now)
        if len(rows) < _AT_ONCE:
            return expired
        after = rows[-1].id


async def _expire(
    session: AsyncSession, trail: AuditTrail, row: RecordingRow, now: datetime
) -> bool:
    holds = await repository.holds_of(session, recording_id=row.id, standing=True)
    complained = await repository.complained_of(session, row=row)
    standing = standing_of(kept_of(row, holds=holds, complained=complained), now=now)
    if standing.because is not None:
        return False
    row.status = next_recording_status(row.status, RecordingStatus.EXPIRING)
    row.expiring_since = now
    await trail.record(
        session,
        event="bodycam.recording_expiring",
        at=now,
        who=None,
        fields={
            "recording_id": str(row.id),
            "category": row.category.value,
            "rule": standing.rule,
            "kept_until": None if standing.kept_until is None else standing.kept_until.isoformat(),
        },
    )
    return True


async def destroy_expired(
    sessions: Sessions, *, store: ObjectStore, trail: AuditTrail, now: datetime
) -> int:
    """Destroy what has expired, was permitted to go and is past the grace; return how many.

    Safe to repeat and to stop at any instant. A store that is silent is asked again next time.
    """
    rule = rule_on(law_date(now))
    if rule is None:
        return 0
    destroyed, after = 0, None
    while True:
        async with transaction(sessions) as session:
            found = await repository.permitted_to_go(
                session,
                expired_before=now - timedelta(days=rule.grace_days),
                after=after,
                limit=_AT_ONCE,
            )
        for recording_id in found:
            try:
                destroyed += await _destroy(sessions, store, trail, recording_id, now)
            except (StoreSilent, StoreFull) as error:
                log.warning(
                    "the store kept a recording that is to go",
                    recording=str(recording_id),
                    code=error.code,
                )
        if len(found) < _AT_ONCE:
            return destroyed
        after = found[-1]


async def _destroy(
    sessions: Sessions, store: ObjectStore, trail: AuditTrail, recording_id: UUID, now: datetime
) -> bool:
    async with transaction(sessions) as session:
        row = await recording_row(session, recording_id, for_update=True)
        if row is None or not await _may_go(session, row, now):
            return False
        row.destruction_begun_at = row.destruction_begun_at or now
        key, upload = row.object_key, row.upload_ref
    await store.discard(key=key, upload=upload)
    await store.destroy(key=key)
    async with transaction(sessions) as session:
        row = await recording_row(session, recording_id, for_update=True, with_evidence=True)
        if row is None or row.status is RecordingStatus.DESTROYED:
            return False
        await _bury(session, trail, row, now)
    await _clear_beside(sessions, store, recording_id)
    return True


async def _clear_beside(sessions: Sessions, store: ObjectStore, recording_id: UUID) -> None:
    """Destroy what another make's system has put beside a recording: its track, its bookmarks.

    Only once nothing of the container is kept. A stop before the end leaves it for the next
    recording of that container; the tombstone stands already.
    """
    async with transaction(sessions) as session:
        containers = await axis.containers_of(session, recording_id=recording_id)
    for of in containers:
        async with transaction(sessions) as session:
            rows = await axis.beside_destroyed(session, dock_id=of[0], container=of[1])
            keys = [row.object_key for row in rows or ()]
        for key in keys:
            await store.destroy(key=key)
        async with transaction(sessions) as session:
            await axis.forget(
                session, recording_id=recording_id, of=of, container_too=rows is not None
            )


async def _may_go(session: AsyncSession, row: RecordingRow, now: datetime) -> bool:
    if row.status is not RecordingStatus.EXPIRING:
        return False
    if row.destruction_begun_at is not None:  # a crash came between: there is no way back
        return True
    holds = await repository.holds_of(session, recording_id=row.id, standing=True)
    complained = await repository.complained_of(session, row=row)
    kept = kept_of(row, holds=holds, complained=complained)
    if standing_of(kept, now=now).because is not None:
        take_back(row)  # somebody complained since, or the term became longer
        return False
    return may_destroy(
        kept,
        expiring_since=row.expiring_since,
        permitted=row.deletion_permitted_at is not None,
        now=now,
    )


async def _bury(session: AsyncSession, trail: AuditTrail, row: RecordingRow, now: datetime) -> None:
    """Write the tombstone. What the receipt was signed over stays in the row: it stays verifiable.

    The manifest tells where the camera was; its digest and the digests of the blocks remain.
    """
    rule = rule_on(law_date(now))
    row.status = next_recording_status(row.status, RecordingStatus.DESTROYED)
    row.manifest = b""
    fields: dict[str, object] = {
        "recording_id": str(row.id),
        "manifest_sha256": row.manifest_sha256.hex(),
        "merkle_root": row.merkle_root.hex(),
        "stored_root": (row.stored_root or b"").hex(),
        "size_bytes": row.found_bytes,
        "category": row.category.value,
        "rule": rule.id if rule else "",
        "permitted_by": str(row.deletion_permitted_by),
    }
    event_id = await trail.record(
        session, event="bodycam.recording_destroyed", at=now, who=None, fields=fields
    )
    await repository.erase_content(session, recording_id=row.id)
    session.add(
        TombstoneRow(
            recording_id=row.id,
            manifest_sha256=row.manifest_sha256,
            merkle_root=row.merkle_root,
            stored_root=row.stored_root or b"",
            size_bytes=row.found_bytes,
            category=row.category,
            rule=rule.id if rule else "",
            expired_at=row.expiring_since or now,
            permitted_by=row.deletion_permitted_by,
            permitted_at=row.deletion_permitted_at,
            destroyed_at=now,
            event_id=event_id,
        )
    )
    await session.flush()
