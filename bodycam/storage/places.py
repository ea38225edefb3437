"""Which file of a directory store is which object's, and the steps that make or remove one.

Blocking; whoever calls takes a thread. Each step may be stopped at any instant and done again.
"""

import errno
import fcntl
import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from app.keys import ObjectKeys
from bodycam.errors import ObjectAbsent, ObjectDamaged, PartBusy, PartsMissing
from bodycam.storage.envelope import HEAD_BYTES, Envelope, file_size, new_head, open_head
from bodycam.storage.files import read_head
from bodycam.storage.port import checked_key, file_reference

_FLOCK: Final = "hhqqi4x"  # struct flock of 64-bit Linux
_ENVELOPED: Final = "~1"  # no key of ours has such a sign: nobody can pass a file off as another
_GOING: Final = "~going"
_PLAIN: Final = file_reference(
    "plain"
)  # the upload of a file without an envelope: no new one is ever begun


def sync_folder(folder: Path) -> None:
    """Put the names in ``folder`` on the disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def lock(handle: int, *, offset: int, length: int, wait: bool) -> None:
    """Lock bytes of the open file until its handle is closed, or the process is gone.

    Raises:
        OSError: ``EAGAIN`` or ``EACCES`` where somebody has them and ``wait`` is not set.
    """
    wanted = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, offset, length, 0)
    fcntl.fcntl(handle, fcntl.F_OFD_SETLKW if wait else fcntl.F_OFD_SETLK, wanted)


def lock_or_refuse(handle: int, key: str, *, offset: int, length: int) -> None:
    """Lock bytes of an object that is being received, at once or not at all.

    Raises:
        PartBusy: somebody has some of them.
    """
    try:
        lock(handle, offset=offset, length=length, wait=False)
    except OSError as error:
        if error.errno in {errno.EAGAIN, errno.EACCES}:
            raise PartBusy(f"a part of {key} is being received") from error
        raise


class Places:
    """``incoming/`` is flat, ``sealed/`` a tree; an enveloped file has a sign behind its name."""

    def __init__(self, *, root: Path, keys: ObjectKeys) -> None:
        self.keys = keys
        self._root = root
        self._incoming = root / "incoming"
        self._sealed = root / "sealed"
        self._synced: set[Path] = set()  # folders whose names this process has put on the disk

    def incoming(self, key: str, *, plain: bool = False) -> Path:
        """Return the file of an object that is being received."""
        return self._incoming / (checked_key(key).replace("/", ".") + ("" if plain else _ENVELOPED))

    def sealed(self, key: str, *, plain: bool = False) -> Path:
        """Return the file of an object that is whole."""
        return self._sealed / (checked_key(key) + ("" if plain else _ENVELOPED))

    def is_sealed(self, key: str) -> bool:
        """Return whether the object is whole, in an envelope or without."""
        return self.sealed(key).exists() or self.sealed(key, plain=True).exists()

    def sealed_keys(self, *, plain: bool) -> Iterator[str]:
        """Yield the keys of the whole objects that have an envelope, or of those without."""
        yield from _keys_under(self._sealed, plain=plain)

    def incoming_files(self) -> Iterator[tuple[str, Path]]:
        """Yield the enveloped files being received, each with its key."""
        for path in sorted(self._incoming.glob(f"*{_ENVELOPED}")):
            yield path.name.removesuffix(_ENVELOPED).replace(".", "/"), path

    def open_sealed(self, key: str) -> tuple[int, Envelope | None]:
        """Open a whole object for reading, and its envelope where it has one.

        Raises:
            ObjectAbsent: there is none.
            ObjectDamaged, ObjectKeyUnknown: its envelope does not open.
        """
        found = self._open(self.sealed(key), self.sealed(key, plain=True), key, os.O_RDONLY)
        if found is None:
            raise ObjectAbsent(f"no object {key}")
        return found

    def open_incoming(self, key: str) -> tuple[int, Envelope | None] | None:
        """Open an object that is being received for writing, or return ``None``."""
        return self._open(self.incoming(key), self.incoming(key, plain=True), key, os.O_RDWR)

    def _open(
        self, enveloped: Path, plain: Path, key: str, flags: int
    ) -> tuple[int, Envelope | None] | None:
        with suppress(FileNotFoundError):
            handle = os.open(enveloped, flags | os.O_CLOEXEC)
            try:
                return handle, open_head(read_head(handle), key=key, keys=self.keys)
            except BaseException:
                os.close(handle)
                raise
        with suppress(FileNotFoundError):
            return os.open(plain, flags | os.O_CLOEXEC), None
        return None

    def begin(self, key: str, *, size_bytes: int) -> str:
        """Reserve the file of an object, its envelope on the disk; repeatable, by two at once.

        What an earlier release began without an envelope goes on without. An envelope that does
        not open is made anew: no byte behind it could ever be read. Returns the file's upload.
        """
        self._have(self._incoming)
        plain = self.incoming(key, plain=True)
        if plain.exists():
            _reserve(plain, size_bytes)
            sync_folder(self._incoming)
            return _PLAIN
        upload = _reserve(self.incoming(key), file_size(size_bytes), key=key, keys=self.keys)
        sync_folder(self._incoming)
        return upload

    def sealed_upload(self, key: str) -> str:
        """Return the upload that a whole object was made of; of one that cannot be told, nothing.

        Raises:
            ObjectAbsent: there is no such object.
        """
        try:
            handle, envelope = self.open_sealed(key)
        except ObjectDamaged:
            return ""
        os.close(handle)
        return upload_of(envelope)

    def incoming_upload(self, key: str) -> str | None:
        """Return the upload of what is being received, as ``sealed_upload``; ``None``: nothing."""
        try:
            opened = self.open_incoming(key)
        except ObjectDamaged:
            return ""
        if opened is None:
            return None
        os.close(opened[0])
        return upload_of(opened[1])

    def seal(self, key: str, *, size_bytes: int, upload: str = "") -> None:
        """Make what was received whole: synced, read-only, renamed.

        Raises:
            PartsMissing: there is no such file, or it has another size, or is of another upload.
            PartBusy: a part of it is being written.
        """
        plain = self.incoming(key, plain=True).exists()
        source, target = self.incoming(key, plain=plain), self.sealed(key, plain=plain)
        try:
            handle = os.open(source, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise PartsMissing(f"no bytes of {key}") from error
        try:
            lock_or_refuse(handle, key, offset=0, length=0)  # all of it: nobody writes meanwhile
            if os.fstat(handle).st_size != (size_bytes if plain else file_size(size_bytes)):
                raise PartsMissing(f"{key} has not its size")
            envelope = None if plain else open_head(read_head(handle), key=key, keys=self.keys)
            if upload not in {"", upload_of(envelope)}:
                raise PartsMissing(f"what was sent of {key} is gone")
            os.fchmod(handle, 0o444)
            os.fsync(handle)
            self._have(target.parent)
            source.rename(target)
        finally:
            os.close(handle)
        self.sync_names(key)

    def sync_names(self, key: str) -> None:
        """Put on the disk where a whole object lies; also what a seal that failed left undone."""
        for folder in (self.sealed(key).parent, self._incoming):
            self._have(folder)
            sync_folder(folder)

    def is_incoming(self, key: str, handle: int) -> bool:
        """Whether the open file still is what is being received, and was not sealed meanwhile."""
        for plain in (False, True):
            with suppress(FileNotFoundError):
                found = self.incoming(key, plain=plain).stat()
                return found.st_ino == os.fstat(handle).st_ino
        return False

    def open_upkeep(self) -> int:
        """Return a handle that one process alone can have; closing it lets the next one.

        Raises:
            PartBusy: another process has it.
        """
        self._have(self._incoming)
        handle = os.open(self._incoming, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(handle)
            raise PartBusy("another process gives envelopes to this store") from error
        return handle

    def _have(self, folder: Path) -> None:
        """Make a folder of ours and put its name on the disk.

        One that is there is synced too, once: whoever made it may have failed, or been stopped,
        before he did.
        """
        if folder in self._synced and folder.exists():
            return
        if folder == self._root:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return
        self._have(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        sync_folder(folder.parent)
        self._synced.add(folder)

    def discard(self, key: str, *, upload: str = "") -> None:
        """Remove what is being received; where an upload is named, nothing of another.

        What cannot be opened is nobody's: it goes whoever asks.
        """
        if upload and self.incoming_upload(key) not in {"", upload}:
            return
        for plain in (False, True):
            self.incoming(key, plain=plain).unlink(missing_ok=True)

    def destroy(self, key: str, *, only_plain: bool = False) -> None:
        """Destroy a whole object: out of sight, then its key, then the file.

        Out of sight first, so that no reader finds a file whose key is half gone.
        """
        for plain in (True,) if only_plain else (False, True):
            path = self.sealed(key, plain=plain)
            going = self._incoming / (self.incoming(key, plain=plain).name + _GOING)
            self._have(self._incoming)
            with suppress(FileNotFoundError):
                path.rename(going)
            if going.exists():  # also that of a destruction which was stopped
                sync_folder(path.parent)
                _wipe_head(going)
                going.unlink()
                sync_folder(self._incoming)


def _keys_under(folder: Path, *, plain: bool) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name.endswith(_ENVELOPED) is not plain:
            yield path.relative_to(folder).as_posix().removesuffix(_ENVELOPED)


def upload_of(envelope: Envelope | None) -> str:
    """Return the upload that a file is of."""
    return _PLAIN if envelope is None else file_reference(envelope.made)


def _reserve(path: Path, size_bytes: int, *, key: str = "", keys: ObjectKeys | None = None) -> str:
    """Make the file as large as it will be; with ``keys`` in an envelope, unless it has one.

    Returns the upload of the envelope.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    head_bytes = 0 if keys is None else HEAD_BYTES
    before, upload = head_bytes + 1, ""
    try:
        if keys is not None:
            lock(handle, offset=0, length=HEAD_BYTES, wait=True)  # two may begin at once
        before = os.fstat(handle).st_size
        if keys is not None:
            upload = _with_head(handle, key=key, keys=keys)
        if before > size_bytes:
            os.ftruncate(handle, size_bytes)
        if size_bytes:
            # Reserved now: a full disk is told before the first byte, not after hours.
            os.posix_fallocate(handle, 0, size_bytes)
        os.fsync(handle)  # no part may be acknowledged under a key that is not on the disk
    except OSError:
        if before <= head_bytes:
            path.unlink(missing_ok=True)
        raise
    finally:
        os.close(handle)
    return upload


def _with_head(handle: int, *, key: str, keys: ObjectKeys) -> str:
    """Put an envelope in front unless there is one that opens; the caller has it locked."""
    try:
        return upload_of(open_head(read_head(handle), key=key, keys=keys))
    except ObjectDamaged:
        head = new_head(key=key, keys=keys)
        os.pwrite(handle, head, 0)
        return upload_of(open_head(head, key=key, keys=keys))


def _wipe_head(path: Path) -> None:
    path.chmod(0o600)
    handle = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.pwrite(handle, bytes(HEAD_BYTES), 0)
        os.fdatasync(handle)
    finally:
        os.close(handle)
