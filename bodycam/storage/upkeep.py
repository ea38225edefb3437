"""Upkeep of a directory store: keys wrapped anew, and envelopes for what has none.

Blocking, safe to stop at any instant and to repeat, and beside running servers.
"""

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bodycam.errors import ObjectDamaged, ObjectKeyUnknown
from bodycam.storage.envelope import HEAD_BYTES, rewrapped
from bodycam.storage.files import ObjectFile, PartBytes, PartOfFile, read_head
from bodycam.storage.places import Places, lock
from bodycam.wire.digests import BLOCK_SIZE_BYTES, block_count, block_size


@dataclass(frozen=True)
class Rewrapped:
    """What came of wrapping every key anew; an old key may go when ``failed`` is empty."""

    done: int
    current: int
    failed: tuple[str, ...]  # keys of objects whose envelope does not open


def rewrap(places: Places) -> Rewrapped:
    """Wrap the key of every object under the current key; no footage is read or written."""
    done = current = 0
    failed: list[str] = []
    for key, path in _enveloped(places):
        try:
            changed = _rewrap(places, key, path)
        except FileNotFoundError:
            continue  # sealed or destroyed meanwhile: the next run sees it
        except (ObjectDamaged, ObjectKeyUnknown):
            failed.append(key)
            continue
        done, current = done + changed, current + (not changed)
    return Rewrapped(done, current, tuple(failed))


def _enveloped(places: Places) -> Iterator[tuple[str, Path]]:
    # What is being received first: it may be sealed before the second list is read.
    yield from list(places.incoming_files())
    for key in places.sealed_keys(plain=False):
        yield key, places.sealed(key)


def _rewrap(places: Places, key: str, path: Path) -> bool:
    mode = path.stat().st_mode & 0o777
    path.chmod(0o600)
    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    finally:
        path.chmod(mode)
    try:
        lock(handle, offset=0, length=HEAD_BYTES, wait=True)
        changed = False
        for at, slot in rewrapped(read_head(handle), key=key, keys=places.keys):
            os.pwrite(handle, slot, at)
            os.fdatasync(handle)
            changed = True
        return changed
    finally:
        os.close(handle)


def envelop_all(places: Places, *, say: Callable[[str], None]) -> int:
    """Give every whole object an envelope that has none; return how many.

    Raises:
        OSError: no room, or the disk fails; what is done is done.
        ObjectDamaged: a copy did not read back as it was written; the plain file stays.
        PartBusy: another process is at it: two would write over each other's copies.
    """
    count = 0
    handle = places.open_upkeep()
    try:
        for key in list(places.sealed_keys(plain=True)):
            _envelop(places, key)
            say(key)
            count += 1
    finally:
        os.close(handle)
    return count


def _envelop(places: Places, key: str) -> None:
    """Copy into an envelope, read back, and only then let the plain file go."""
    if not places.sealed(key).exists():  # else it was stopped before the plain one went
        with ObjectFile(os.open(places.sealed(key, plain=True), os.O_RDONLY), None) as plain:
            places.discard(key)
            try:
                places.begin(key, size_bytes=plain.size_bytes)
                _copy(places, key, plain)
                places.seal(key, size_bytes=plain.size_bytes)
            except BaseException:
                places.discard(key)
                raise
    places.destroy(key, only_plain=True)


def _copy(places: Places, key: str, plain: ObjectFile) -> None:
    opened = places.open_incoming(key)
    if opened is None:
        raise FileNotFoundError(key)
    with ObjectFile(*opened) as copy:
        for number in range(block_count(plain.size_bytes)):
            start = number * BLOCK_SIZE_BYTES
            size = block_size(number=number, size_bytes=plain.size_bytes)
            block = plain.read_at(start, size)
            part = PartBytes(PartOfFile(opened[0], number, size, opened[1]))
            part.write([block])
            written = part.sync()
            if hashlib.sha256(copy.read_at(start, size)).digest() != written:
                raise ObjectDamaged(f"{key} was not written as it was read", blocks=[number])
