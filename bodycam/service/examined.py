"""Looking at stored bytes: their digests by reading them back, and the index to play them by."""

import asyncio
import hashlib
from collections.abc import AsyncIterable, Awaitable, Callable
from dataclasses import dataclass

from bodycam.rules.box_index import BoxIndex
from bodycam.rules.boxes import NotMp4, StreamIndexer, index_by_reading
from bodycam.rules.derived import PlayForm
from bodycam.rules.moof import BoxesBroken
from bodycam.rules.plain import ReadAt, moov_of
from bodycam.rules.virtual import box_index, read_plain
from bodycam.service.docking import Docking
from bodycam.wire.digests import BLOCK_SIZE_BYTES


@dataclass(frozen=True)
class Examined:
    """What the stored bytes turned out to be."""

    digests: list[bytes]
    index: BoxIndex | None
    why_not: str | None
    form: PlayForm = PlayForm.FRAGMENTED
    front: bytes | None = None  # of a restored one: what stands before its bytes

    @property
    def unread(self) -> bool:
        """Whether there is no index yet, nor a reason why there is none: the worker makes it."""
        return self.index is None and self.why_not is None


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
    return await _examined(
        docking,
        asyncio.to_thread(indexer.finish),
        object_key=object_key,
        size_bytes=size_bytes,
        digests=digests,
        view=view,
    )


async def examine_written(
    docking: Docking, *, object_key: str, size_bytes: int, digests: list[bytes]
) -> Examined:
    """Index a sealed object of which each part was compared with its digest as it came."""
    indexing = docking.store.reading(
        key=object_key,
        act=lambda read_at: index_by_reading(read_at=read_at, size_bytes=size_bytes),
    )
    return await _examined(
        docking, indexing, object_key=object_key, size_bytes=size_bytes, digests=digests
    )


async def _examined(
    docking: Docking,
    indexing: Awaitable[BoxIndex],
    *,
    object_key: str,
    size_bytes: int,
    digests: list[bytes],
    view: Callable[[ReadAt], ReadAt] = lambda read_at: read_at,
) -> Examined:
    """Return the index of the fragments, or of the tables where there are none."""
    try:
        return Examined(digests, await indexing, None)
    except NotMp4 as reason:
        why_not = str(reason)

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
    return await _examined(
        docking,
        asyncio.to_thread(indexer.finish),
        object_key=object_key,
        size_bytes=size_bytes,
        digests=hashing.finish(),
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
