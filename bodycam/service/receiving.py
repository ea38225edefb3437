"""Receiving one part: what is acknowledged is on the disk, synced, and as signed or declared."""

from collections.abc import AsyncIterable, AsyncIterator
from datetime import datetime
from typing import Final
from uuid import UUID

from app.access import Principal
from app.db import transaction
from bodycam import repository
from bodycam.errors import (
    AlreadyStored,
    BlockDiffers,
    DigestMissing,
    DigestWrong,
    PartGoesToStore,
    PartOutOfRange,
    PartSizeWrong,
    RecordingNotFound,
)
from bodycam.repository import PartFacts
from bodycam.rules.life_cycle import OPEN
from bodycam.service.docking import Docking
from bodycam.storage import PartWriter
from bodycam.wire.digests import block_count, block_size, read_content_digest
from bodycam.wire.protocol import PartStored

# Held by each stream while it waits for the disk: 64 streams hold 16 MiB. Handing over less to a
# thread costs more than the hashing.
_BATCH_BYTES: Final = 256 << 10


async def receive_part(
    docking: Docking,
    *,
    recording_id: UUID,
    number: int,
    digest_header: str,
    size_bytes: int | None,
    body: AsyncIterable[bytes],
    caller: Principal,
    now: datetime,
) -> PartStored:
    """Store one part and acknowledge it; a part that is there is answered as the first time.

    Raises:
        RecordingNotFound, PartOutOfRange, PartSizeWrong, DigestMissing: the request is wrong.
        BlockDiffers: neither the signed nor a declared digest; not one byte was written.
        DigestWrong: other bytes arrived than the header names; nothing is acknowledged.
        PartBusy: another request is sending the same part.
    """
    facts = await _facts(docking, recording_id, number, caller)
    digest = _checked_head(facts, number=number, digest_header=digest_header, size_bytes=size_bytes)
    if facts.acknowledged:
        return await _drained(body, number=number, digest=digest)
    if facts.status not in OPEN:
        raise AlreadyStored(f"recording {recording_id} is stored")
    part_size = block_size(number=number, size_bytes=facts.found_bytes)
    async with docking.store.open_part(
        key=facts.object_key, number=number, size_bytes=part_size
    ) as part:
        # Asked again under the lock: whoever held it before us may have acknowledged the part,
        # and acknowledged bytes are never written over.
        facts = await _facts(docking, recording_id, number, caller)
        if facts.acknowledged:
            return await _drained(body, number=number, digest=digest)
        await _write(part, body, size_bytes=part_size)
        if await part.sync() != digest:
            raise DigestWrong(f"part {number} of {recording_id} arrived with other bytes")
        async with transaction(docking.sessions) as session:
            await repository.add_part(
                session,
                recording_id=recording_id,
                number=number,
                sha256=digest,
                size_bytes=part_size,
                at=now,
            )
    return PartStored(number=number, sha256=digest.hex())


async def _facts(docking: Docking, recording_id: UUID, number: int, caller: Principal) -> PartFacts:
    if docking.store.takes_parts_itself:
        raise PartGoesToStore("this server's parts go to its object store")
    async with transaction(docking.sessions) as session:
        facts = await repository.part_facts(session, recording_id=recording_id, number=number)
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


async def _write(part: PartWriter, body: AsyncIterable[bytes], *, size_bytes: int) -> None:
    left = size_bytes
    async for batch in _batches(body):
        left -= sum(map(len, batch))
        if left < 0:
            raise PartSizeWrong(f"the body is longer than {size_bytes} bytes")
        await part.write(batch)
    if left:
        raise PartSizeWrong(f"the body ended {left} bytes early")


async def _batches(body: AsyncIterable[bytes]) -> AsyncIterator[list[bytes]]:
    """Gather the network's small chunks, uncopied; while a batch is written, the sender waits."""
    held: list[bytes] = []
    size = 0
    async for chunk in body:
        held.append(chunk)
        size += len(chunk)
        if size >= _BATCH_BYTES:
            yield held
            held, size = [], 0
    if held:
        yield held


async def _drained(body: AsyncIterable[bytes], *, number: int, digest: bytes) -> PartStored:
    # The sender is let finish, or it would take our answer for a broken line.
    async for _ in body:
        pass
    return PartStored(number=number, sha256=digest.hex())
