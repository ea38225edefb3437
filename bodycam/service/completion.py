"""Completing a recording: seal, verify, index, sign the receipt that lets the camera be wiped."""

import asyncio
import hashlib
from collections.abc import AsyncIterable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.db import transaction
from app.jobs import Queue, defer
from bodycam import repository
from bodycam.errors import PartsMissing, RecordingNotFound, StoredBytesWrong
from bodycam.models import RecordingIndexRow, RecordingRow
from bodycam.rules.box_index import BoxIndex, Damage, DamageKind
from bodycam.rules.boxes import NotMp4, StreamIndexer, index_by_reading
from bodycam.rules.derived import EXAMINE_TASK, PlayForm
from bodycam.rules.life_cycle import OPEN, RecordingStatus, next_recording_status
from bodycam.rules.moof import BoxesBroken
from bodycam.rules.plain import ReadAt, moov_of
from bodycam.rules.signing import sign_receipt
from bodycam.rules.virtual import box_index, read_plain
from bodycam.service.cameras import note_uploaded
from bodycam.service.coverage import note_recording
from bodycam.service.docking import Docking, Known, acknowledged, known_of
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


@dataclass(frozen=True)
class Examined:
    """What the stored bytes turned out to be."""

    digests: list[bytes]
    index: BoxIndex | None
    why_not: str | None
    form: PlayForm = PlayForm.FRAGMENTED


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
    stored = await acknowledged(docking, known)
    missing = [one for one in range(block_count(known.found_bytes)) if one not in stored]
    if missing:
        raise PartsMissing(
            f"recording {recording_id} lacks {len(missing)} parts", missing=missing[:_NAMED_MAX]
        )
    await docking.store.seal(
        key=known.object_key, upload=known.upload_ref, size_bytes=known.found_bytes
    )
    examined = await _examine(docking, known)
    wrong = [
        number for number, sha256 in enumerate(examined.digests) if sha256 != known.expected(number)
    ]
    if wrong:
        await _begin_anew(docking, known, wrong=wrong, caller=caller, now=now)
    async with transaction(docking.sessions) as session:
        row = await repository.recording(session, recording_id, with_evidence=True, for_update=True)
        if row is None:
            raise RecordingNotFound(f"no recording {recording_id}")
        if row.status in OPEN:
            await conclude(session, docking, row, examined, caller=caller, now=now)
            row.receipt_signature = sign_receipt(receipt=_receipt(row), key=receipt_key).signature
        receipt = _receipt(row)
    return sign_receipt(receipt=receipt, key=receipt_key)


async def _examine(docking: Docking, known: Known) -> Examined:
    if docking.store.takes_parts_itself:
        # Not every store checks what it was told to: what it gives back is what counts.
        return await examine_stream(
            docking, object_key=known.object_key, size_bytes=known.found_bytes
        )
    async with transaction(docking.sessions) as session:
        rows = await repository.part_digests(session, recording_id=known.recording_id)
    digests = [rows[number][0] for number in range(block_count(known.found_bytes))]
    try:
        index = await docking.store.reading(
            key=known.object_key,
            act=lambda read_at: index_by_reading(read_at=read_at, size_bytes=known.found_bytes),
        )
    except NotMp4 as reason:
        return await _examine_plain(
            docking,
            object_key=known.object_key,
            size_bytes=known.found_bytes,
            digests=digests,
            why_not=str(reason),
        )
    return Examined(digests, index, None)


async def examine_shown(
    docking: Docking,
    *,
    object_key: str,
    size_bytes: int,
    digests: list[bytes],
    pieces: AsyncIterable[bytes],
    view: Callable[[ReadAt], ReadAt],
) -> Examined:
    """Return the index of an object that is shown otherwise than it is stored: in clear.

    ``pieces`` are the ``size_bytes`` shown, ``view`` reads among them; ``digests`` are of the
    bytes as they came.
    """
    indexer = StreamIndexer(size_bytes=size_bytes)
    async for piece in pieces:
        await asyncio.to_thread(indexer.feed, piece)
    try:
        return Examined(digests, indexer.finish(), None)
    except NotMp4 as reason:
        return await _examine_plain(
            docking,
            object_key=object_key,
            size_bytes=size_bytes,
            digests=digests,
            why_not=str(reason),
            view=view,
        )


async def _examine_plain(
    docking: Docking,
    *,
    object_key: str,
    size_bytes: int,
    digests: list[bytes],
    why_not: str,
    view: Callable[[ReadAt], ReadAt] = lambda read_at: read_at,
) -> Examined:
    """Index a file that has no fragments by the tables in its ``moov``, if it has any."""

    def index_it(read_at: ReadAt) -> BoxIndex | None:
        moov = moov_of(read_at=view(read_at), size_bytes=size_bytes)
        plain = read_plain(moov, size_bytes=size_bytes)
        return box_index(plain) if plain is not None else None

    try:
        index = await docking.store.reading(key=object_key, act=index_it)
    except (NotMp4, BoxesBroken):
        index = None
    if index is None:
        return Examined(digests, None, why_not)
    return Examined(digests, index, None, PlayForm.PLAIN)


async def examine_stream(docking: Docking, *, object_key: str, size_bytes: int) -> Examined:
    """Read a whole sealed object back; return the digests of its blocks and its index."""
    indexer = StreamIndexer(size_bytes=size_bytes)
    hashing = _BlockHashes()

    def take(chunk: bytes) -> None:
        hashing.feed(chunk)
        indexer.feed(chunk)

    async for chunk in docking.store.open_range(key=object_key, start=0, length=size_bytes):
        await asyncio.to_thread(take, chunk)
    digests = hashing.finish()
    try:
        return Examined(digests, indexer.finish(), None)
    except NotMp4 as reason:
        return await _examine_plain(
            docking,
            object_key=object_key,
            size_bytes=size_bytes,
            digests=digests,
            why_not=str(reason),
        )


class _BlockHashes:
    """SHA-256 of each block of a stream."""

    def __init__(self) -> None:
        self._done: list[bytes] = []
        self._current = hashlib.sha256()
        self._left = BLOCK_SIZE_BYTES

    def feed(self, chunk: bytes) -> None:
        rest = memoryview(chunk)
        while rest:
            taken = rest[: self._left]
            self._current.update(taken)
            self._left -= len(taken)
            rest = rest[len(taken) :]
            if not self._left:
                self._close()

    def finish(self) -> list[bytes]:
        if self._left < BLOCK_SIZE_BYTES:
            self._close()
        return self._done

    def _close(self) -> None:
        self._done.append(self._current.digest())
        self._current, self._left = hashlib.sha256(), BLOCK_SIZE_BYTES


async def _begin_anew(
    docking: Docking, known: Known, *, wrong: list[int], caller: Principal, now: datetime
) -> None:
    """Forget an upload whose bytes proved wrong; no receipt was given, the camera has them."""
    await docking.store.discard(key=known.object_key, upload=known.upload_ref)
    async with transaction(docking.sessions) as session:
        row = await repository.recording(session, known.recording_id, for_update=True)
        if row is not None and row.status in OPEN:
            row.upload_ref = ""
            await repository.drop_parts(session, recording_id=known.recording_id)
        await docking.trail.record(
            session,
            event="bodycam.stored_bytes_wrong",
            at=now,
            who=caller,
            fields={"recording_id": str(known.recording_id), "blocks": wrong[:_NAMED_MAX]},
        )
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
    """Write down what a stored recording is: whole or damaged, playable or quarantined."""
    row.stored_root = merkle_root(examined.digests)
    row.stored_at = now
    damage = _signed_damage(row, examined.digests)
    whole = not damage
    damage += examined.index.damage if examined.index is not None else []
    row.damage = [one.as_json() for one in damage]
    steps = [RecordingStatus.DAMAGED if damage else RecordingStatus.VERIFIED]
    if row.status is RecordingStatus.ANNOUNCED:
        steps.insert(0, RecordingStatus.RECEIVING)
    if examined.index is None:
        row.quarantine_reason = examined.why_not
        await forget_head(session, docking.trail, row, at=now)
        steps.append(RecordingStatus.QUARANTINED)
    else:
        steps += [RecordingStatus.INDEXED, RecordingStatus.REVIEWABLE]
        await _add_index(session, row, examined.index, examined.form)
    for step in steps:
        row.status = next_recording_status(row.status, step)
    await note_uploaded(session, trail=docking.trail, camera_id=row.camera_id, dock=caller, at=now)
    await session.flush()
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
            "status": row.status.value,
            "damage": row.damage[:_NAMED_MAX],
        },
    )


async def _add_index(
    session: AsyncSession, row: RecordingRow, index: BoxIndex, form: PlayForm
) -> None:
    """Let the recording be played, and have it examined."""
    row.duration_ms = index.duration_ms
    packed = await asyncio.to_thread(index.to_bytes)
    session.add(RecordingIndexRow(recording_id=row.id, packed=packed, form=form))
    await defer(
        session, queue=Queue.MEDIA, task=EXAMINE_TASK, arguments={"recording_id": str(row.id)}
    )


async def index_quarantined(
    session: AsyncSession, docking: Docking, row: RecordingRow, examined: Examined, *, now: datetime
) -> None:
    """Let a recording be played whose key came later; one that is held or expiring stays so."""
    if examined.index is None:
        return
    row.quarantine_reason = None
    row.damage = [*row.damage, *(one.as_json() for one in examined.index.damage)]
    await _add_index(session, row, examined.index, examined.form)
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
