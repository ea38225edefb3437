"""Completing a recording: seal, verify, index, sign the receipt that lets the camera be wiped."""

import asyncio
from datetime import datetime
from typing import Final
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.db import transaction
from app.jobs import FIRST, Queue, defer
from bodycam import repository
from bodycam.errors import (
    ObjectAbsent,
    ObjectDamaged,
    PartsMissing,
    RecordingNotFound,
    StoredBytesWrong,
)
from bodycam.models import RecordingIndexRow, RecordingRow
from bodycam.repository import findings, heads, tiers
from bodycam.rules.box_index import BoxIndex, Damage, DamageKind
from bodycam.rules.derived import EXAMINE_TASK, READ_BACK_TASK, RESTORE_TASK
from bodycam.rules.life_cycle import OPEN, RecordingStatus, next_recording_status
from bodycam.rules.likeness import MODELS_MAX
from bodycam.rules.magic import NO_MOOV, RESTORABLE
from bodycam.rules.signing import sign_receipt
from bodycam.rules.stretches import kept_losses
from bodycam.service.cameras import note_uploaded
from bodycam.service.coverage import least_ms_of, note_recording
from bodycam.service.docking import Docking, Known, acknowledged, begun_anew, known_of
from bodycam.service.examined import Examined, examine_stream, examine_written
from bodycam.service.heads import forget_head
from bodycam.wire.digests import (
    BLOCK_SIZE_BYTES,
    DIGEST_SIZE_BYTES,
    block_count,
    block_size,
    merkle_root,
)
from bodycam.wire.manifest import Receipt, SignedReceipt

_NAMED_MAX: Final = 100
# A dock waits for the receipt, and a reviewer for the dock: a longer recording whose head is here
# is played by that until the worker has read its boxes (a second for a day).
_INDEXED_AT_ONCE_MS: Final = 3600 * 1000


async def complete_recording(
    docking: Docking,
    *,
    recording_id: UUID,
    receipt_key: Ed25519PrivateKey,
    caller: Principal,
    now: datetime,
) -> SignedReceipt:
    """Return the receipt of a recording whose parts are all stored; repeatable.

    Raises:
        RecordingNotFound: there is none, or it is another dock's.
        PartsMissing: naming the first parts that lack.
        StoredBytesWrong: the store gave back other bytes; the upload begins anew.
    """
    async with transaction(docking.sessions) as session:
        row = await repository.recording(session, recording_id, with_evidence=True)
        known = known_of(row, caller=caller, with_digests=True)
        if row is not None and not known.open:
            return sign_receipt(receipt=_receipt(row), key=receipt_key)
    try:
        await _seal(docking, known)
        examined = await _examine(docking, known)
        wrong = [
            number
            for number, sha256 in enumerate(examined.digests)
            if sha256 != known.expected(number)
        ]
    except ObjectDamaged as damaged:  # the store itself knows that they are not what it was given
        wrong = list(damaged.blocks) or list(range(block_count(known.found_bytes)))
        examined = Examined([], None, None)
    if wrong:
        await _begin_anew(docking, known, wrong=wrong, caller=caller, now=now)
    async with transaction(docking.sessions) as session:
        row = await repository.recording(session, recording_id, with_evidence=True, for_update=True)
        if row is None:
            raise RecordingNotFound(f"no recording {recording_id}")
        if row.status in OPEN:
            if not known.same_bytes(row):
                raise PartsMissing(f"recording {recording_id} was announced anew meanwhile")
            await conclude(session, docking, row, examined, caller=caller, now=now)
            row.receipt_signature = sign_receipt(receipt=_receipt(row), key=receipt_key).signature
        receipt = _receipt(row)
    return sign_receipt(receipt=receipt, key=receipt_key)


async def _seal(docking: Docking, known: Known) -> None:
    """Make one object of the parts.

    A store that takes parts itself looks for them all as it seals: its long list is asked for
    once more only to name what lacks.
    """
    if not docking.store.takes_parts_itself:
        await _refuse_missing(docking, known)
    try:
        await docking.store.seal(
            key=known.object_key, upload=known.upload_ref, size_bytes=known.found_bytes
        )
    except (PartsMissing, ObjectAbsent):
        await _refuse_missing(docking, known)
        raise


async def _refuse_missing(docking: Docking, known: Known) -> None:
    stored = await acknowledged(docking, known)
    missing = [one for one in range(block_count(known.found_bytes)) if one not in stored]
    if missing:
        raise PartsMissing(
            f"recording {known.recording_id} lacks {len(missing)} parts",
            missing=missing[:_NAMED_MAX],
        )


async def _examine(docking: Docking, known: Known) -> Examined:
    if docking.store.takes_parts_itself:
        if await docking.store.vouches_for(
            key=known.object_key, upload=known.upload_ref, size_bytes=known.found_bytes
        ):
            count = block_count(known.found_bytes)
            return Examined([known.expected(number) for number in range(count)], None, None)
        # Not every store checks what it was told to: what it gives back is what counts.
        return await examine_stream(
            docking, object_key=known.object_key, size_bytes=known.found_bytes
        )
    numbers = range(block_count(known.found_bytes))
    lost = await docking.store.lost_parts(
        key=known.object_key, numbers=numbers, size_bytes=known.found_bytes
    )
    if lost is None:  # of an earlier release: nothing but the bytes tells that they are there
        return await examine_stream(
            docking, object_key=known.object_key, size_bytes=known.found_bytes
        )
    if lost:
        raise ObjectDamaged(f"{known.object_key} has lost parts", blocks=lost)
    async with transaction(docking.sessions) as session:
        digests = await written_digests(session, known.recording_id, known.found_bytes)
        head = await heads.head_of(session, known.recording_id)
    if head is not None and head.duration_ms > _INDEXED_AT_ONCE_MS:
        return Examined(digests, None, None)
    return await examine_written(
        docking, object_key=known.object_key, size_bytes=known.found_bytes, digests=digests
    )


async def written_digests(
    session: AsyncSession, recording_id: UUID, size_bytes: int
) -> list[bytes]:
    """Return the digest of each part, as it was compared when the part came."""
    rows = await repository.part_digests(session, recording_id=recording_id)
    return [rows[number][0] for number in range(block_count(size_bytes))]


async def _begin_anew(
    docking: Docking, known: Known, *, wrong: list[int], caller: Principal, now: datetime
) -> None:
    """Forget an upload whose bytes proved wrong; no receipt was given, the camera has them.

    Returns where there is a receipt by now: what is receipted is never taken away here.

    Raises:
        StoredBytesWrong: it is forgotten.
    """
    async with transaction(docking.sessions) as session:
        row = await repository.recording(session, known.recording_id, for_update=True)
        if row is None or row.status not in OPEN:
            return
        if row.upload_ref != known.upload_ref:  # what was sent since is not judged by this
            raise PartsMissing(f"recording {known.recording_id} was begun anew meanwhile")
        # The acknowledgements go first: none of them may name a byte that is not there.
        row.upload_ref = begun_anew(row.upload_ref)
        await repository.drop_parts(session, recording_id=known.recording_id)
        await docking.trail.record(
            session,
            event="bodycam.stored_bytes_wrong",
            at=now,
            who=caller,
            fields={"recording_id": str(known.recording_id), "blocks": wrong[:_NAMED_MAX]},
        )
    if known.upload_ref:  # else the next announcement does it: before it nothing new is there
        await docking.store.discard(key=known.object_key, upload=known.upload_ref)
        await docking.store.destroy(key=known.object_key, upload=known.upload_ref)
    raise StoredBytesWrong(
        f"recording {known.recording_id} came back from the store with other bytes",
        blocks=wrong[:_NAMED_MAX],
    )


async def conclude(
    session: AsyncSession,
    docking: Docking,
    row: RecordingRow,
    examined: Examined,
    *,
    caller: Principal,
    now: datetime,
) -> None:
    """Write down what a stored recording is: whole or damaged, playable or quarantined.

    One that nobody has read yet gets its index from the worker (``reading_back``); until then
    it is played by the index of its head (``arriving``).
    """
    row.stored_root = merkle_root(examined.digests)
    row.stored_at = now
    damage = _signed_damage(row, examined.digests)
    whole = not damage
    damage += examined.index.damage if examined.index is not None else []
    row.damage = [one.as_json() for one in damage]
    steps = [RecordingStatus.DAMAGED if damage else RecordingStatus.VERIFIED]
    if row.status is RecordingStatus.ANNOUNCED:
        steps.insert(0, RecordingStatus.RECEIVING)
    if examined.unread:
        await defer(
            session,
            queue=Queue.MEDIA,
            task=READ_BACK_TASK,
            arguments={"recording_id": str(row.id)},
            priority=FIRST,  # until then the camera's word is all that it is played by
        )
    else:
        steps += await _shown(session, docking, row, examined, now=now)
    for step in steps:
        row.status = next_recording_status(row.status, step)
    await note_uploaded(session, trail=docking.trail, row=row, dock=caller, at=now)
    await note_recording(session, trail=docking.trail, row=row, now=now)
    await docking.trail.record(
        session,
        event="bodycam.recording_stored",
        at=now,
        who=caller,
        fields={
            "recording_id": str(row.id),
            "camera_id": str(row.camera_id),
            "post_id": str(row.post_id) if row.post_id else None,
            "stored_root": row.stored_root.hex(),
            "size_bytes": row.found_bytes,
            "whole": whole,
            "read": not examined.unread,
            "status": row.status.value,
            "damage": row.damage[:_NAMED_MAX],
        },
    )


async def _shown(
    session: AsyncSession, docking: Docking, row: RecordingRow, examined: Examined, *, now: datetime
) -> list[RecordingStatus]:
    """Keep the index of a recording or why it has none; return its next steps."""
    # A hold may have been placed before anybody could watch it.
    held = [RecordingStatus.HELD] if await tiers.is_held(session, recording_id=row.id) else []
    if examined.index is None:
        row.quarantine_reason = examined.why_not
        await forget_head(session, docking.trail, row, at=now)
        if examined.why_not == NO_MOOV:
            await _ask_to_restore(session, row.id)
        return [RecordingStatus.QUARANTINED, *held]
    await _add_index(session, row, examined, examined.index)
    return [RecordingStatus.INDEXED, RecordingStatus.REVIEWABLE, *held]


async def conclude_reading(
    session: AsyncSession,
    docking: Docking,
    row: RecordingRow,
    examined: Examined,
    *,
    reread: bool,
    now: datetime,
) -> None:
    """Let a recording be played that was stored unread and is read now.

    ``reread`` says that the digests are of bytes read back, and not of parts as they came.
    """
    steps = []
    if examined.index is not None and examined.index.damage:
        row.damage = [*row.damage, *(one.as_json() for one in examined.index.damage)]
        if row.status is RecordingStatus.VERIFIED:
            steps = [RecordingStatus.DAMAGED]
    for step in steps + await _shown(session, docking, row, examined, now=now):
        row.status = next_recording_status(row.status, step)
    await session.flush()
    await note_recording(session, trail=docking.trail, row=row, now=now)
    await docking.trail.record(
        session,
        event="bodycam.recording_read_back" if reread else "bodycam.recording_indexed",
        at=now,
        who=None,
        fields={
            "recording_id": str(row.id),
            **({"as_stored": merkle_root(examined.digests) == row.stored_root} if reread else {}),
            "status": row.status.value,
            "damage": row.damage[:_NAMED_MAX],
        },
    )


async def _ask_to_restore(session: AsyncSession, recording_id: UUID) -> None:
    await defer(
        session,
        queue=Queue.MEDIA,
        task=RESTORE_TASK,
        arguments={"recording_id": str(recording_id)},
    )


async def _add_index(
    session: AsyncSession, row: RecordingRow, examined: Examined, index: BoxIndex
) -> None:
    """Let the recording be played, and have it examined.

    What waits for a recording of its camera to learn from is tried again.
    """
    row.duration_ms = index.duration_ms
    row.lost = kept_losses(index, at_least_ms=least_ms_of)
    packed = await asyncio.to_thread(index.to_bytes)
    session.add(
        RecordingIndexRow(
            recording_id=row.id, packed=packed, form=examined.form, front=examined.front
        )
    )
    await defer(
        session, queue=Queue.MEDIA, task=EXAMINE_TASK, arguments={"recording_id": str(row.id)}
    )
    await session.flush()
    for recording_id in await findings.without_tables(
        session, reasons=RESTORABLE, camera_id=row.camera_id, limit=_NAMED_MAX
    ):
        waiting = await repository.recording(session, recording_id)
        if waiting is None:
            continue
        models = await findings.models_for(session, waiting, limit=MODELS_MAX)
        if any(model.id == row.id for model, _, _ in models):  # else nothing new is to be learnt
            waiting.quarantine_reason = NO_MOOV  # so that the hourly pass makes up for a lost job
            await _ask_to_restore(session, recording_id)


async def index_quarantined(
    session: AsyncSession, docking: Docking, row: RecordingRow, examined: Examined, *, now: datetime
) -> None:
    """Let a recording be played whose key came later; one that is held or expiring stays so."""
    if examined.index is None:
        return
    row.quarantine_reason = None
    row.damage = [*row.damage, *(one.as_json() for one in examined.index.damage)]
    await _add_index(session, row, examined, examined.index)
    if row.status is RecordingStatus.QUARANTINED:
        for step in (RecordingStatus.INDEXED, RecordingStatus.REVIEWABLE):
            row.status = next_recording_status(row.status, step)
    await session.flush()
    await note_recording(session, trail=docking.trail, row=row, now=now)


def _signed_damage(row: RecordingRow, digests: list[bytes]) -> list[Damage]:
    """Name what is not as the camera signed it; nothing for a whole recording."""
    found: list[Damage] = []
    if row.found_bytes < row.declared_bytes:
        found.append(Damage(DamageKind.SHORT, row.found_bytes, row.declared_bytes))
    elif row.found_bytes > row.declared_bytes:
        found.append(Damage(DamageKind.LONG, row.declared_bytes, row.found_bytes))
    signed, size = row.block_digests, row.declared_bytes
    for number in range(min(len(digests), block_count(size))):
        at = number * DIGEST_SIZE_BYTES
        cut = block_size(number=number, size_bytes=size) != block_size(
            number=number, size_bytes=row.found_bytes
        )
        if digests[number] != signed[at : at + DIGEST_SIZE_BYTES] and not cut:
            first = number * BLOCK_SIZE_BYTES
            end = first + block_size(number=number, size_bytes=size)
            found.append(Damage(DamageKind.BLOCK_DIFFERS, first, end))
    return found


def _receipt(row: RecordingRow) -> Receipt:
    if row.stored_root is None or row.stored_at is None:
        raise PartsMissing(f"recording {row.id} is not stored")
    return Receipt(
        recording_id=row.id,
        merkle_root=row.stored_root.hex(),
        size_bytes=row.found_bytes,
        stored_at=row.stored_at,
        whole=row.stored_root == row.merkle_root and row.found_bytes == row.declared_bytes,
    )
