"""Receiving one part: what is acknowledged is on the disk, synced, and as signed or declared."""

from collections.abc import AsyncIterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from app.access import Principal
from app.db import Direct
from bodycam import repository
from bodycam.errors import (
    AlreadyStored,
    BlockDiffers,
    DigestMissing,
    DigestWrong,
    PartGoesToStore,
    PartOutOfRange,
    PartSizeWrong,
    PartsMissing,
    RecordingNotFound,
)
from bodycam.repository import PartFacts
from bodycam.rules.life_cycle import OPEN
from bodycam.storage.port import Chunk, ObjectStore, PartWriter
from bodycam.wire.digests import block_count, block_size, read_content_digest
from bodycam.wire.protocol import PartStored

# What a general server hands over comes in small chunks, which are gathered: handing less to a
# thread costs more than the hashing. 64 streams hold 16 MiB.
_BATCH_BYTES: Final = 256 << 10


@dataclass(frozen=True, kw_only=True)
class Receiving:
    """What the receiving of a part needs, and nothing more: a process may hold this alone."""

    direct: Direct
    store: ObjectStore


async def receive_part(
    receiving: Receiving,
    *,
    recording_id: UUID,
    number: int,
    digest_header: str,
    size_bytes: int | None,
    body: AsyncIterable[Chunk],
    caller: Principal,
    now: datetime,
) -> PartStored:
    """Store one part and acknowledge it; a part that is there is answered as the first time.

    A chunk of ``body`` is written before the next is asked for, so its memory may be used again.

    Raises:
        RecordingNotFound, PartOutOfRange, PartSizeWrong, DigestMissing: the request is wrong.
        BlockDiffers: neither the signed nor a declared digest; not one byte was written.
        DigestWrong: other bytes arrived than the header names; nothing is acknowledged.
        PartBusy: another request is sending the same part.
        PartsMissing: what had come is gone, or forgotten meanwhile; announce the recording again.
    """
    facts = await _facts(receiving, recording_id, number, caller)
    digest = _checked_head(facts, number=number, digest_header=digest_header, size_bytes=size_bytes)
    if facts.acknowledged:
        return await _drained(body, number=number, digest=digest)
    if facts.status not in OPEN:
        raise AlreadyStored(f"recording {recording_id} is stored")
    upload = facts.upload_ref  # whose file it is written to, whatever the row names by then
    part_size = block_size(number=number, size_bytes=facts.found_bytes)
    async with receiving.store.open_part(
        key=facts.object_key, number=number, size_bytes=part_size, upload=upload
    ) as part:
        # Asked again under the lock: whoever held it before us may have acknowledged the part,
        # and acknowledged bytes are never written over.
        facts = await _facts(receiving, recording_id, number, caller)
        if facts.acknowledged:
            return await _drained(body, number=number, digest=digest)
        await _write(part, body, size_bytes=part_size)
        if await part.sync() != digest:
            raise DigestWrong(f"part {number} of {recording_id} arrived with other bytes")
        async with receiving.direct.connection() as connection:  # committed, and on the disk
            added = await repository.add_part(
                connection,
                recording_id=recording_id,
                upload=upload,
                number=number,
                sha256=digest,
                size_bytes=part_size,
                at=now,
            )
        if not added:
            raise PartsMissing(f"recording {recording_id} was begun anew meanwhile")
    return PartStored(number=number, sha256=digest.hex())


async def _facts(
    receiving: Receiving, recording_id: UUID, number: int, caller: Principal
) -> PartFacts:
    if receiving.store.takes_parts_itself:
        raise PartGoesToStore("this server's parts go to its object store")
    facts = await repository.part_facts(receiving.direct, recording_id=recording_id, number=number)
    if facts is None or facts.dock_id != caller.device:
        raise RecordingNotFound("no such recording at this dock")
    if number >= block_count(facts.found_bytes):
        raise PartOutOfRange(f"recording {recording_id} has no part {number}")
    return facts


def _checked_head(
    facts: PartFacts, *, number: int, digest_header: str, size_bytes: int | None
) -> bytes:
    expected_size = block_size(number=number, size_bytes=facts.found_bytes)
    if size_bytes != expected_size:
        raise PartSizeWrong(f"part {number} has {expected_size} bytes", size_bytes=expected_size)
    digest = read_content_digest(digest_header)
    if digest is None:
        raise DigestMissing("Content-Digest with sha-256 is missing")
    if digest != facts.expected_sha256:
        raise BlockDiffers(f"block {number} is not the one that was signed", blocks=[number])
    return digest


async def _write(part: PartWriter, body: AsyncIterable[Chunk], *, size_bytes: int) -> None:
    """Write what comes. While a batch is written the next one arrives, and no further."""
    left = size_bytes
    held: list[Chunk] = []
    held_bytes = 0
    async for chunk in body:
        left -= len(chunk)
        if left < 0:
            raise PartSizeWrong(f"the body is longer than {size_bytes} bytes")
        held.append(chunk)
        held_bytes += len(chunk)
        # Only what stays as it is may be held while the next comes.
        if held_bytes >= _BATCH_BYTES or not isinstance(chunk, bytes):
            await part.write(held)
            held, held_bytes = [], 0
    if held:
        await part.write(held)
    if left:
        raise PartSizeWrong(f"the body ended {left} bytes early")


async def _drained(body: AsyncIterable[Chunk], *, number: int, digest: bytes) -> PartStored:
    # The sender is let finish, or it would take our answer for a broken line.
    async for _ in body:
        pass
    return PartStored(number=number, sha256=digest.hex())
