"""Objects in a folder: one file each, parts written in place, sealed by a rename.

``incoming/`` holds what is being received, reserved at full size; ``sealed/`` what is whole.
Several processes may share the folder: a part is locked by the kernel while it is written
(open file description locks), and a lock ends with its process.
"""

import asyncio
import errno
import fcntl
import hashlib
import os
import struct
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from bodycam.errors import (
    AlreadyStored,
    ObjectAbsent,
    PartBusy,
    PartGoesToStore,
    PartsMissing,
    StoreFull,
    StoreSilent,
)
from bodycam.storage.port import READ_CHUNK_BYTES, Chunk, PartTarget, ReadAt, checked_key
from bodycam.wire.digests import BLOCK_SIZE_BYTES

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FLOCK: Final = "hhqqi4x"  # struct flock of 64-bit Linux
_PIECES_MAX: Final = 256  # IOV_MAX is 1024 everywhere
_WRITES_AT_ONCE: Final = 4
_T = TypeVar("_T")


async def _in_thread(act: Callable[[], _T]) -> _T:
    try:
        return await asyncio.to_thread(act)
    except OSError as error:
        if error.errno in _FULL:
            raise StoreFull("the object store has no room") from error
        raise StoreSilent(f"the object store failed: {os.strerror(error.errno or 0)}") from error


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class _FilePart:
    """Writes one part at its place in the file."""

    def __init__(self, handle: int, offset: int, room: int, turns: asyncio.Semaphore) -> None:
        self._handle = handle
        self._turns = turns
        self._at = offset
        self._end = offset + room
        self._sha256 = hashlib.sha256()

    async def write(self, chunks: Sequence[Chunk]) -> None:
        """Hash and write the next bytes, in a thread."""
        if self._at + sum(map(len, chunks)) > self._end:
            raise ValueError("more bytes than the part has")  # the caller counts; a fault of ours
        async with self._turns:
            await _in_thread(lambda: self._write(chunks))

    def _write(self, chunks: Sequence[Chunk]) -> None:
        for chunk in chunks:
            self._sha256.update(chunk)
        at = 0
        while at < len(chunks):  # the kernel takes so many pieces at a time, and no more
            some = chunks[at : at + _PIECES_MAX]
            self._write_all(some)
            at += len(some)

    def _write_all(self, chunks: Sequence[Chunk]) -> None:
        written = os.pwritev(self._handle, chunks, self._at)
        self._at += written
        if written < sum(map(len, chunks)):  # cut short: the rest the slow way, which is rare
            rest = memoryview(b"".join(chunks))[written:]
            while rest:
                written = os.pwrite(self._handle, rest, self._at)
                self._at += written
                rest = rest[written:]

    async def sync(self) -> bytes:
        """Put the bytes on the disk; return their SHA-256."""
        async with self._turns:
            await _in_thread(lambda: os.fdatasync(self._handle))
        return self._sha256.digest()


class DirectoryStore:
    """The embedded default; see ``ObjectStore`` for what the methods promise."""

    takes_parts_itself = False

    def __init__(self, *, root: Path) -> None:
        self._incoming = root / "incoming"
        self._sealed = root / "sealed"
        # As many parts as keep one disk and two cores busy: 64 at once only wait for each other,
        # and a sender that is slow holds no turn while its bytes are on the way.
        self._turns = asyncio.Semaphore(_WRITES_AT_ONCE)

    def _incoming_path(self, key: str) -> Path:
        return self._incoming / checked_key(key).replace("/", ".")

    def _sealed_path(self, key: str) -> Path:
        return self._sealed / checked_key(key)

    async def begin(self, *, key: str, size_bytes: int) -> str:
        """Reserve the whole file, so that a full disk is told before the first byte."""
        await _in_thread(lambda: self._begin(key, size_bytes))
        return ""

    def _begin(self, key: str, size_bytes: int) -> None:
        if self._sealed_path(key).exists():
            return  # sealed before a crash: an empty file beside it could only do harm
        path = self._incoming_path(key)
        self._incoming.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if os.fstat(handle).st_size > size_bytes:
                os.ftruncate(handle, size_bytes)
            if size_bytes:
                # Reserved now: a full disk is told before the first byte, not after hours.
                os.posix_fallocate(handle, 0, size_bytes)
        except OSError:
            if os.fstat(handle).st_size == 0:
                path.unlink(missing_ok=True)
            raise
        finally:
            os.close(handle)
        _sync_folder(self._incoming)

    async def part_target(
        self,
        *,
        key: str,
        upload: str,  # noqa: ARG002 - the port
        number: int,
        size_bytes: int,  # noqa: ARG002 - the port
        sha256: bytes | None,  # noqa: ARG002 - the port's names
    ) -> PartTarget:
        """Refuse: parts of a directory go through the server."""
        raise PartGoesToStore(f"part {number} of {key} goes through the server")

    @asynccontextmanager
    async def open_part(
        self, *, key: str, number: int, size_bytes: int
    ) -> AsyncIterator[_FilePart]:
        """Open the part under a lock of the kernel that ends with this process."""
        offset = number * BLOCK_SIZE_BYTES
        handle = await _in_thread(lambda: self._open_locked(key, offset, size_bytes))
        try:
            yield _FilePart(handle, offset, size_bytes, self._turns)
        finally:
            os.close(handle)  # lets go of the lock

    def _open_locked(self, key: str, offset: int, size_bytes: int) -> int:
        try:
            handle = os.open(self._incoming_path(key), os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError as error:
            if self._sealed_path(key).exists():
                raise AlreadyStored(f"{key} is sealed") from error
            raise ObjectAbsent(f"no upload of {key}") from error
        lock = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, offset, size_bytes, 0)
        try:
            fcntl.fcntl(handle, fcntl.F_OFD_SETLK, lock)
        except OSError as error:
            os.close(handle)
            if error.errno in {errno.EAGAIN, errno.EACCES}:
                raise PartBusy(f"a part of {key} is being received") from error
            raise
        return handle

    async def put_part(
        self,
        *,
        key: str,
        upload: str,  # noqa: ARG002 - the port's names
        number: int,
        block: bytes,
    ) -> None:
        """Write the part at its place and sync it."""
        async with self.open_part(key=key, number=number, size_bytes=len(block)) as part:
            await part.write([block])
            await part.sync()

    async def stored_parts(self, *, key: str, upload: str) -> dict[int, int]:  # noqa: ARG002 - the port's names
        """Refuse: our rows know what was acknowledged, the file does not."""
        raise PartGoesToStore(f"the rows know the parts of {key}")

    async def seal(self, *, key: str, upload: str, size_bytes: int) -> None:  # noqa: ARG002 - the port's names
        """Sync, rename into the sealed tree, sync the folders; the file becomes read-only."""
        await _in_thread(lambda: self._seal(key, size_bytes))

    def _seal(self, key: str, size_bytes: int) -> None:
        source, target = self._incoming_path(key), self._sealed_path(key)
        if target.exists():  # sealed before a crash, or by another process: never written again
            if target.stat().st_size != size_bytes:
                raise PartsMissing(f"{key} was sealed with another size")
            source.unlink(missing_ok=True)
            return
        try:
            handle = os.open(source, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise PartsMissing(f"no bytes of {key}") from error
        try:
            if os.fstat(handle).st_size != size_bytes:
                raise PartsMissing(f"{key} has not its size")
            os.fchmod(handle, 0o444)
            os.fsync(handle)
        finally:
            os.close(handle)
        self._make_folders(target.parent)
        source.rename(target)
        _sync_folder(target.parent)
        _sync_folder(self._incoming)

    def _make_folders(self, folder: Path) -> None:
        if folder.exists():
            return
        if folder != self._sealed:
            self._make_folders(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        _sync_folder(folder.parent)

    async def discard(self, *, key: str, upload: str) -> None:  # noqa: ARG002 - the port's names
        """Remove the file that is being received; a sealed one stays."""
        await _in_thread(lambda: self._incoming_path(key).unlink(missing_ok=True))

    async def destroy(self, *, key: str) -> None:
        """Unlink the sealed file and sync its folder."""
        await _in_thread(lambda: self._destroy(key))

    def _destroy(self, key: str) -> None:
        path = self._sealed_path(key)
        try:
            path.unlink()
        except FileNotFoundError:
            return
        _sync_folder(path.parent)

    async def size_of(self, *, key: str) -> int:
        """Return the size of the sealed file."""
        handle = await _in_thread(lambda: self._open_sealed(key))
        try:
            return os.fstat(handle).st_size
        finally:
            os.close(handle)

    def _open_sealed(self, key: str) -> int:
        try:
            return os.open(self._sealed_path(key), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise ObjectAbsent(f"no object {key}") from error

    async def read(self, *, key: str, start: int, length: int) -> bytes:
        """Read from the sealed file in a thread."""
        return await _in_thread(lambda: self._read(key, start, length))

    def _read(self, key: str, start: int, length: int) -> bytes:
        handle = self._open_sealed(key)
        try:
            return os.pread(handle, length, start)
        finally:
            os.close(handle)

    async def open_range(self, *, key: str, start: int, length: int) -> AsyncIterator[bytes]:
        """Yield the range, each chunk read in a thread."""
        handle = await _in_thread(lambda: self._open_sealed(key))
        try:
            end = start + length
            while start < end:
                wanted = min(READ_CHUNK_BYTES, end - start)
                chunk = await _in_thread(partial(os.pread, handle, wanted, start))
                if not chunk:
                    raise StoreSilent(f"{key} is shorter than its row says")
                start += len(chunk)
                yield chunk
        finally:
            os.close(handle)

    async def reading(self, *, key: str, act: Callable[[ReadAt], _T]) -> _T:
        """Run ``act`` over the open file in a thread."""

        def run() -> _T:
            handle = self._open_sealed(key)
            try:
                return act(lambda start, length: os.pread(handle, length, start))
            finally:
                os.close(handle)

        return await _in_thread(run)
