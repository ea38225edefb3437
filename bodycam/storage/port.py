"""What the service may ask of a store. Both adapters pass the same contract test.

An object is written once, in parts of ``BLOCK_SIZE_BYTES``, then sealed, and never changed. A key
is made by us from ids alone: ``[a-z0-9-]`` in segments joined by ``/``.
"""

import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol, TypeVar

Chunk = bytes | memoryview  # a view is good until its writing has returned
ReadAt = Callable[[int, int], bytes]  # offset and length; less at the end of the object
_T = TypeVar("_T")

READ_CHUNK_BYTES: Final = 1 << 20
_OF_FILE: Final = "file:"
_KEY: Final = re.compile(r"[a-z0-9][a-z0-9-]*(/[a-z0-9][a-z0-9-]*){0,7}")


def file_reference(name: str) -> str:
    """Return the reference of an upload whose parts lie in a file of ours."""
    return _OF_FILE + name


def of_file(upload: str) -> bool:
    """Return whether the parts of the upload lie, or lay, in a file of ours."""
    return upload.startswith(_OF_FILE)


def checked_key(key: str) -> str:
    """Return ``key`` if it is of our form, so that no key can leave the store's root.

    Raises:
        ValueError: it is not; a fault of ours, never the caller's.
    """
    if len(key) > 200 or _KEY.fullmatch(key) is None:  # noqa: PLR2004 - far over any id
        raise ValueError("not a key of ours")
    return key


@dataclass(frozen=True)
class PartAsked:
    """A part that shall be sent: its number from 0, and what its bytes must be."""

    number: int
    size_bytes: int
    sha256: bytes


@dataclass(frozen=True)
class PartTarget:
    """An address that takes one part by ``PUT`` with these headers."""

    url: str
    headers: dict[str, str]


class PartWriter(Protocol):
    """Takes the bytes of one part. Nothing counts before ``sync`` has returned."""

    async def write(self, chunks: Sequence[Chunk]) -> None:
        """Take the next bytes, in as many pieces as they came.

        Raises:
            StoreFull: no room; the part must be sent again.
        """

    async def sync(self) -> bytes:
        """Put what was written on the disk and return its SHA-256."""


class ObjectStore(Protocol):
    """A store of recordings.

    Every method may be repeated after a crash of either side. ``upload`` is what ``begin``
    returned; it is kept in the recording's row. Whoever names one acts on that one alone: bytes
    that came since, of another upload of the same key, are not his. An empty one, of a row that
    an earlier release wrote, names whatever is there.

    Raises:
        StoreFull: no room (``FULL``).
        StoreSilent: the store does not answer or refuses us (``UNAVAILABLE``).
    """

    @property
    def takes_parts_itself(self) -> bool:
        """True where parts go straight to the store by ``part_targets``, not by ``open_part``."""

    async def begin(self, *, key: str, size_bytes: int) -> str:
        """Make room for an object and return the upload's reference.

        Where parts go through us it is the same again as long as what came is still there: another
        one says that every part which was acknowledged is gone.
        """

    async def part_targets(
        self, *, key: str, upload: str, parts: Sequence[PartAsked]
    ) -> list[PartTarget]:
        """Return where each of the parts is to be ``PUT``, in their order."""

    async def checks_parts(self) -> bool | None:
        """Whether the store was seen to refuse a part of other bytes than were signed for.

        ``None``: it could not be tried, or takes no parts by itself.
        """

    async def vouches_for(self, *, key: str, upload: str, size_bytes: int) -> bool:
        """Whether a sealed object can only be what its upload's addresses were signed for.

        So it is where the store checks parts, the object was made of this very upload, and each
        of its parts came by such an address or by ``put_part``. Else only reading tells.
        """

    def unvouched(self, *, upload: str) -> str:
        """Return a reference of the same upload that ``vouches_for`` says nothing for.

        For one whose addresses were signed for other bytes than are asked for by now.
        """

    def open_part(
        self, *, key: str, number: int, size_bytes: int, upload: str = ""
    ) -> AbstractAsyncContextManager[PartWriter]:
        """Open part ``number`` for writing; nobody else can have it open at the same time.

        Raises:
            PartsMissing: the upload is not there any more.
            PartBusy: somebody has.
            AlreadyStored: the object is sealed.
        """

    async def put_part(self, *, key: str, upload: str, number: int, block: bytes) -> None:
        """Store a whole part that came through us: in any store, synced when this returns.

        A part that was acknowledged is never put again: a stop in between would leave neither.

        For doors whose protocol leaves no other way; a dock sends its parts itself. The size
        given to ``begin`` need not be true, the size given to ``seal`` must be.
        """

    async def stored_parts(self, *, key: str, upload: str) -> dict[int, int]:
        """Return number and size of the parts that the store holds (``takes_parts_itself``)."""

    async def lost_parts(
        self, *, key: str, numbers: Sequence[int], size_bytes: int
    ) -> list[int] | None:
        """Return which of the parts that were written are not there; ``None``: only reading tells.

        A look at each, not a reading: it finds bytes that are gone or were never written, and not
        each one that was changed.
        """

    async def seal(self, *, key: str, upload: str, size_bytes: int) -> None:
        """Make the parts one object that is never changed again, synced to the disk.

        Raises:
            PartsMissing: the store lacks bytes, or has those of another upload.
        """

    async def discard(self, *, key: str, upload: str) -> None:
        """Forget an upload whose bytes proved wrong before any receipt was given."""

    async def destroy(self, *, key: str, upload: str = "") -> None:
        """Delete a sealed object for good; one that is absent is as good as deleted.

        Where ``upload`` is named, only what was made of it.

        Raises:
            StoreSilent: the store keeps it, by an object lock for instance.
        """

    async def size_of(self, *, key: str) -> int:
        """Return the size of a sealed object.

        Raises:
            ObjectAbsent: there is none.
        """

    async def read(self, *, key: str, start: int, length: int) -> bytes:
        """Return up to ``length`` bytes from ``start`` of a sealed object."""

    def open_range(self, *, key: str, start: int, length: int) -> AsyncIterator[bytes]:
        """Yield exactly ``length`` bytes from ``start``, in chunks of up to 1 MiB."""

    def open_arriving(self, *, key: str, start: int, length: int) -> AsyncIterator[bytes]:
        """Yield a range of an object that is being received, or was sealed meanwhile.

        Whoever asks sees to it that every byte lies in a part that was acknowledged.

        Raises:
            PartGoesToStore: the store shows no part before it has all of them.
            ObjectAbsent: there is none.
        """

    async def reading(self, *, key: str, act: Callable[[ReadAt], _T]) -> _T:
        """Run ``act`` in a worker thread with a function that reads a sealed object at an offset.

        Meant for few or local reads: over S3 each read is a request.
        """

    async def offers_locks(self) -> bool:
        """Whether an object can be locked so that nobody deletes it, whatever his keys."""

    async def keep(self, *, key: str, held: bool, until: datetime | None) -> None:
        """Lock a sealed object while it is ``held``, and where so configured ``until`` then.

        Safe to repeat. A lock until an instant is only ever lengthened by the store itself.

        Raises:
            ObjectAbsent: there is none.
            LocksNotOffered: the store cannot.
        """
