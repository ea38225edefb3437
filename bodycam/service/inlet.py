"""Taking objects whose bytes come through us: in one go, of a length that nobody may know."""

import asyncio
import hashlib
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass

from bodycam.errors.axis import AxisObjectCut
from bodycam.storage import ObjectStore
from bodycam.wire.digests import BLOCK_SIZE_BYTES


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What arrived: sealed in the store, synced."""

    size_bytes: int
    md5: bytes
    block_digests: bytes  # SHA-256 of each block, in order


class SenderGone(Exception):
    """The sender went away, or fell silent, before the body ended."""


class TooMuch(Exception):
    """More bytes came than may."""


async def take_object(
    store: ObjectStore,
    *,
    key: str,
    body: AsyncIterable[bytes],
    declared_bytes: int | None,
    bytes_max: int,
) -> Taken:
    """Store ``body`` under ``key``; nothing of it stays where it fails.

    At most one block is held in memory. The digests are made while the bytes arrive.

    Raises:
        AxisObjectCut: it ended before the declared length.
        TooMuch: it is over ``bytes_max``.
        StoreFull, StoreSilent: the store's word.
    """
    upload = await store.begin(key=key, size_bytes=declared_bytes or 1)
    try:
        taken = await _receive(store, key=key, upload=upload, body=body, bytes_max=bytes_max)
        _refuse_cut(taken, declared_bytes)
        if taken.size_bytes == 0:
            await store.discard(key=key, upload=upload)
            upload = await store.begin(key=key, size_bytes=0)
        await store.seal(key=key, upload=upload, size_bytes=taken.size_bytes)
    except BaseException:
        # Also where the sender went away: its next attempt begins anew.
        await asyncio.shield(store.discard(key=key, upload=upload))
        raise
    return taken


def _refuse_cut(taken: Taken, declared_bytes: int | None) -> None:
    if declared_bytes is not None and taken.size_bytes != declared_bytes:
        raise AxisObjectCut(f"{taken.size_bytes} of {declared_bytes} bytes came")


async def _receive(
    store: ObjectStore, *, key: str, upload: str, body: AsyncIterable[bytes], bytes_max: int
) -> Taken:
    md5 = hashlib.md5(usedforsecurity=False)
    digests: list[bytes] = []
    size = 0
    held = bytearray()

    async def put(block: bytes) -> None:
        await asyncio.to_thread(md5.update, block)
        digests.append(await asyncio.to_thread(lambda: hashlib.sha256(block).digest()))
        await store.put_part(key=key, upload=upload, number=len(digests) - 1, block=block)

    async for block in blocks_of(body, held=held):
        size += len(block)
        if size > bytes_max:
            raise TooMuch(f"over {bytes_max} bytes")
        await put(block)
        del block  # or it would stay until the next is whole
    size += len(held)
    if size > bytes_max:
        raise TooMuch(f"over {bytes_max} bytes")
    if held:
        await put(bytes(held))
    return Taken(size_bytes=size, md5=md5.digest(), block_digests=b"".join(digests))


async def blocks_of(body: AsyncIterable[bytes], *, held: bytearray) -> AsyncIterator[bytes]:
    """Yield each block as soon as it is whole; what begins one stays in ``held``.

    ``held`` may hold the beginning of the first. One block is in memory for each body, and for an
    instant, while nobody else runs, a second time.
    """
    async for chunk in body:
        rest = memoryview(chunk)
        while len(held) + len(rest) >= BLOCK_SIZE_BYTES:
            missing = BLOCK_SIZE_BYTES - len(held)
            held += rest[:missing]
            rest = rest[missing:]
            block = bytes(held)
            held.clear()  # its memory is free while the block is stored
            yield block
            del block
        held += rest
