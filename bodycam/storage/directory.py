"""Objects in a folder: one file each, parts written in place, sealed by a rename.

``incoming/`` holds what is being received, reserved at full size; ``sealed/`` what is whole; each
in an envelope (``storage.envelope``). Several processes may share the folder: a part is locked by
the kernel while it is written (open file description locks), and a lock ends with its process.
"""

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from app.keys import ObjectKeys
from bodycam.errors import (
    AlreadyStored,
    LocksNotOffered,
    ObjectAbsent,
    ObjectDamaged,
    PartGoesToStore,
    PartsMissing,
    StoreFull,
    StoreSilent,
)
from bodycam.storage.files import ObjectFile, PartBytes, PartOfFile
from bodycam.storage.places import Places, lock_or_refuse, upload_of
from bodycam.storage.port import READ_CHUNK_BYTES, Chunk, PartAsked, PartTarget, ReadAt
from bodycam.storage.upkeep import Rewrapped, envelop_all, rewrap

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_WRITES_AT_ONCE: Final = 4
_T = TypeVar("_T")


async def _in_thread(act: Callable[[], _T]) -> _T:
    try:
        return await asyncio.to_thread(act)
    except OSError as error:
        if error.errno in _FULL:
            raise StoreFull("the object store has no room") from error
        raise StoreSilent(f"the object store failed: {os.strerror(error.errno or 0)}") from error


class _FilePart:
    """Writes one part at its place in the file, in threads and in turns."""

    def __init__(self, content: PartBytes, turns: asyncio.Semaphore) -> None:
        self._content = content
        self._turns = turns

    async def write(self, chunks: Sequence[Chunk]) -> None:
        """Hash, seal and write the next bytes."""
        async with self._turns:
            await _in_thread(lambda: self._content.write(chunks))

    async def sync(self) -> bytes:
        """Put the bytes on the disk; return their SHA-256."""
        async with self._turns:
            return await _in_thread(self._content.sync)


class DirectoryStore:
    """The embedded default; see ``ObjectStore`` for what the methods promise."""

    takes_parts_itself = False

    def __init__(self, *, root: Path, keys: ObjectKeys) -> None:
        self._places = Places(root=root, keys=keys)
        self.key_id = keys.current_id.hex()
        # As many parts as keep one disk and two cores busy: 64 at once only wait for each other,
        # and a sender that is slow holds no turn while its bytes are on the way.
        self._turns = asyncio.Semaphore(_WRITES_AT_ONCE)

    async def begin(self, *, key: str, size_bytes: int) -> str:
        """Reserve the whole file, so that a full disk is told before the first byte."""
        return await _in_thread(lambda: self._begin(key, size_bytes))

    def _begin(self, key: str, size_bytes: int) -> str:
        if self._places.is_sealed(key):  # an empty file beside it could only do harm
            return self._places.sealed_upload(key)
        return self._places.begin(key, size_bytes=size_bytes)

    async def part_targets(
        self,
        *,
        key: str,
        upload: str,  # noqa: ARG002 - the port
        parts: Sequence[PartAsked],  # noqa: ARG002 - the port's names
    ) -> list[PartTarget]:
        """Refuse: parts of a directory go through the server."""
        raise PartGoesToStore(f"parts of {key} go through the server")

    async def checks_parts(self) -> bool | None:
        """Take no parts by itself: the service hashes each before it is acknowledged."""
        return None

    async def vouches_for(self, *, key: str, upload: str, size_bytes: int) -> bool:  # noqa: ARG002 - the port's names
        """Vouch for nothing: the service has the digest of each part that it wrote."""
        return False

    def unvouched(self, *, upload: str) -> str:
        """Return it as it is: nothing is vouched for."""
        return upload

    @asynccontextmanager
    async def open_part(
        self, *, key: str, number: int, size_bytes: int, upload: str = ""
    ) -> AsyncIterator[_FilePart]:
        """Open the part under a lock of the kernel that ends with this process."""
        place = await _in_thread(lambda: self._open_locked(key, upload, number, size_bytes))
        try:
            yield _FilePart(PartBytes(place), self._turns)
        finally:
            os.close(place.handle)  # lets go of the lock

    def _open_locked(self, key: str, upload: str, number: int, size_bytes: int) -> PartOfFile:
        opened = self._places.open_incoming(key)
        if opened is None:
            if self._places.is_sealed(key):
                raise AlreadyStored(f"{key} is sealed")
            raise PartsMissing(f"what was sent of {key} is gone")
        place = PartOfFile(opened[0], number, size_bytes, opened[1])
        try:
            self._lock(key, upload, place)
        except BaseException:
            os.close(place.handle)
            raise
        return place

    def _lock(self, key: str, upload: str, place: PartOfFile) -> None:
        if upload not in {"", upload_of(place.envelope)}:
            raise PartsMissing(f"what was sent of {key} is gone")
        lock_or_refuse(place.handle, key, offset=place.offset, length=place.room)
        if not self._places.is_incoming(key, place.handle):
            raise AlreadyStored(f"{key} was sealed meanwhile")

    async def put_part(
        self,
        *,
        key: str,
        upload: str,
        number: int,
        block: bytes,
    ) -> None:
        """Write the part at its place and sync it."""
        async with self.open_part(
            key=key, number=number, size_bytes=len(block), upload=upload
        ) as part:
            await part.write([block])
            await part.sync()

    async def stored_parts(self, *, key: str, upload: str) -> dict[int, int]:  # noqa: ARG002 - the port's names
        """Refuse: our rows know what was acknowledged, the file does not."""
        raise PartGoesToStore(f"the rows know the parts of {key}")

    async def seal(self, *, key: str, upload: str, size_bytes: int) -> None:
        """Sync, rename into the sealed tree, sync the folders; the file becomes read-only."""
        await _in_thread(lambda: self._seal(key, upload, size_bytes))

    def _seal(self, key: str, upload: str, size_bytes: int) -> None:
        if not self._places.is_sealed(key):
            self._places.seal(key, size_bytes=size_bytes, upload=upload)
            return
        handle, envelope = self._places.open_sealed(key)
        with ObjectFile(handle, envelope) as file:  # sealed before a crash, or by another process
            if file.size_bytes != size_bytes:
                raise PartsMissing(f"{key} was sealed with another size")
            if upload not in {"", upload_of(envelope)}:
                raise PartsMissing(f"what was sent of {key} is gone")
        self._places.discard(key)
        self._places.sync_names(key)

    async def lost_parts(
        self, *, key: str, numbers: Sequence[int], size_bytes: int
    ) -> list[int] | None:
        """Open the last chunk of each part: a hole, a cut and another file's bytes do not open."""
        return await _in_thread(lambda: self._lost_parts(key, numbers, size_bytes))

    def _lost_parts(self, key: str, numbers: Sequence[int], size_bytes: int) -> list[int] | None:
        try:
            file = self._arriving(key)
        except (ObjectAbsent, ObjectDamaged):
            return list(numbers)
        with file:
            return file.lost_parts(numbers, size_bytes=size_bytes)

    async def discard(self, *, key: str, upload: str) -> None:
        """Remove the file that is being received; a sealed one stays."""
        await _in_thread(lambda: self._places.discard(key, upload=upload))

    async def destroy(self, *, key: str, upload: str = "") -> None:
        """Destroy the object's key, then its file."""
        await _in_thread(lambda: self._destroy(key, upload))

    def _destroy(self, key: str, upload: str) -> None:
        if upload and self._places.is_sealed(key):
            found = self._places.sealed_upload(key)
            # What cannot be opened is nobody's: no object that is good is taken for it.
            if found not in {"", upload}:
                return
        self._places.destroy(key)

    async def size_of(self, *, key: str) -> int:
        """Return the size of the sealed object."""

        def run() -> int:
            with self._opened(key) as file:
                return file.size_bytes

        return await _in_thread(run)

    def _opened(self, key: str) -> ObjectFile:
        return ObjectFile(*self._places.open_sealed(key))

    async def read(self, *, key: str, start: int, length: int) -> bytes:
        """Read from the sealed file in a thread."""

        def run() -> bytes:
            with self._opened(key) as file:
                return file.read_at(start, length)

        return await _in_thread(run)

    async def open_range(self, *, key: str, start: int, length: int) -> AsyncIterator[bytes]:
        """Yield the range, each chunk read in a thread."""
        async for chunk in self._range(self._opened, key=key, start=start, length=length):
            yield chunk

    async def open_arriving(self, *, key: str, start: int, length: int) -> AsyncIterator[bytes]:
        """Yield the range from the file that is being received, or has been sealed meanwhile."""
        async for chunk in self._range(self._arriving, key=key, start=start, length=length):
            yield chunk

    def _arriving(self, key: str) -> ObjectFile:
        found = self._places.open_incoming(key)
        # Not there: it was sealed between the caller's question and ours.
        return ObjectFile(*found) if found is not None else self._opened(key)

    async def _range(
        self, opened: Callable[[str], ObjectFile], *, key: str, start: int, length: int
    ) -> AsyncIterator[bytes]:
        file = await _in_thread(lambda: opened(key))
        try:
            end = start + length
            while start < end:
                # Up to a round number: no sealed chunk is opened twice.
                wanted = min(READ_CHUNK_BYTES - start % READ_CHUNK_BYTES, end - start)
                chunk = await _in_thread(partial(file.read_at, start, wanted))
                if not chunk:
                    raise ObjectDamaged(f"{key} is shorter than its row says")
                start += len(chunk)
                yield chunk
        finally:
            file.close()

    async def reading(self, *, key: str, act: Callable[[ReadAt], _T]) -> _T:
        """Run ``act`` over the open file in a thread."""

        def run() -> _T:
            with self._opened(key) as file:
                return act(file.read_at)

        return await _in_thread(run)

    async def offers_locks(self) -> bool:
        """A directory does not: whoever has its user's rights may delete."""
        return False

    async def keep(self, *, key: str, held: bool, until: datetime | None) -> None:  # noqa: ARG002 - the port's names
        """Refuse: see ``offers_locks``."""
        raise LocksNotOffered(f"a directory cannot lock {key}")

    async def rewrap(self) -> Rewrapped:
        """Wrap the key of every object under the current key."""
        return await _in_thread(lambda: rewrap(self._places))

    async def envelop(self, *, say: Callable[[str], None]) -> int:
        """Give every object an envelope that an earlier release stored without; return how many."""
        return await _in_thread(lambda: envelop_all(self._places, say=say))
