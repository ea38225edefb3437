"""One bay of the dock: a camera as the folder that its USB storage appears as.

A recording is ``manifest.json``, ``manifest.sig`` (base64) and ``recording.mp4``, and ``head.bin``
where its manifest names a head. After it is wiped ``wiped.json`` with the receipt is left. They lie
in the camera's folder itself, or each recording in a folder of its own inside.
"""

import hashlib
import json
import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from bodycam.field.salvage import NOT_READABLE, Salvage, read_at
from bodycam.wire.digests import BLOCK_SIZE_BYTES, block_count, block_size, merkle_root
from bodycam.wire.manifest import Manifest
from bodycam.wire.protocol import DifferingBlock

MANIFEST: Final = "manifest.json"
SIGNATURE: Final = "manifest.sig"
RECORDING: Final = "recording.mp4"
HEAD: Final = "head.bin"
WIPED: Final = "wiped.json"
_MANIFEST_BYTES_MAX: Final = 12 << 20
_SIGNATURE_BYTES_MAX: Final = 256
_NAMED_MAX: Final = 20
RECORDINGS_MAX: Final = 1_000  # of one camera; a card that is never emptied holds fewer


class CameraNotReadable(Exception):
    """The camera's folder is not what a camera holds; a person must look at it."""


class CameraChanged(Exception):
    """The camera's file is no longer the one that was read before; it is read anew later."""


class BlocksNotReadable(CameraNotReadable):
    """The card does not give back some blocks; a later attempt may, and if not they are lost."""

    def __init__(self, found: "Found", numbers: Iterable[int]) -> None:
        self.found = found
        self.numbers = frozenset(numbers)
        super().__init__(f"the card does not give back blocks {some_of(self.numbers)}")


def some_of(numbers: Iterable[int]) -> str:
    """Return the first numbers, for a person."""
    return ", ".join(str(number) for number in sorted(numbers)[:_NAMED_MAX])


@dataclass(frozen=True)
class Place:
    """Where a recording may lie: a bay, or a folder of the camera in it.

    Attributes:
        name: for a person, as ``bay-01`` or ``bay-01/0003``.
    """

    folder: Path
    name: str


def places_in(bay: Path) -> list[Place]:
    """Return where recordings may lie on the camera in a bay: its folder, and each one inside.

    Raises:
        CameraNotReadable: there are more than ``RECORDINGS_MAX`` folders.
    """
    inside = sorted(path for path in bay.iterdir() if path.is_dir() and not path.is_symlink())
    if len(inside) > RECORDINGS_MAX:
        raise CameraNotReadable(f"{bay.name} holds over {RECORDINGS_MAX} folders")
    return [Place(bay, bay.name), *(Place(one, f"{bay.name}/{one.name}") for one in inside)]


@dataclass(frozen=True)
class Found:
    """A recording as it lies on the camera.

    Attributes:
        unreadable: blocks that were tried often enough: while they fail they are read in pieces,
            and zeros stand for those that the card does not give back.
        salvage: which these are.
    """

    place: Place
    manifest: Manifest
    signature: str
    size_bytes: int
    unreadable: frozenset[int] = frozenset()
    salvage: Salvage = field(default_factory=Salvage, compare=False)

    @property
    def bay(self) -> str:
        """The name of the place: the bay's, and the folder's where the camera has several."""
        return self.place.name

    @property
    def folder(self) -> Path:
        """The folder that it lies in."""
        return self.place.folder

    @property
    def truncated(self) -> bool:
        """Whether the camera lost the end of what it signed."""
        return self.size_bytes < self.manifest.size_bytes

    def read_head(self) -> bytes | None:
        """Return the head that the camera signed; ``None`` where it is gone or is another.

        So it is where the card does not give it back: the footage needs no head.
        """
        path, size = self.folder / HEAD, self.manifest.head_bytes
        if size is None or not path.exists() or path.stat().st_size != size:
            return None
        try:
            with path.open("rb") as file:
                head = read_at(file.fileno(), size, 0)
        except OSError as error:
            if error.errno not in NOT_READABLE:
                raise
            return None
        return head if hashlib.sha256(head).hexdigest() == self.manifest.head_sha256 else None

    def read_block(self, number: int) -> bytes:
        """Return block ``number`` of the file as it is, or what the card gives of a lost one.

        Raises:
            CameraChanged: the file has become shorter.
            BlocksNotReadable: the card does not give it back, and may yet.
        """
        size = block_size(number=number, size_bytes=self.size_bytes)
        with (self.folder / RECORDING).open("rb") as file:
            try:
                block = read_at(file.fileno(), size, number * BLOCK_SIZE_BYTES)
            except OSError as error:
                if error.errno not in NOT_READABLE:
                    raise
                rest = None
                if number in self.unreadable:
                    rest = self.salvage.block(
                        file.fileno(), number=number, size=size, still_there=self.answers
                    )
                if rest is None:
                    raise BlocksNotReadable(self, {number}) from error
                block = rest
        if len(block) != size:
            raise CameraChanged(f"{RECORDING} in {self.bay} ended early")
        return block

    def answers(self) -> bool:
        """Return whether the camera still gives back its manifest, not from the page cache."""
        try:
            with (self.folder / MANIFEST).open("rb") as file:
                # A camera that was pulled out fails alike, and its blocks are not lost at all.
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            return read_manifest(self.folder) == self.manifest
        except (OSError, CameraNotReadable):
            return False

    def cut_blocks(self) -> tuple[DifferingBlock, ...]:
        """Return the blocks that cannot be as signed, because the file has another size."""
        signed = self.manifest.size_bytes
        return tuple(
            DifferingBlock(
                number=number, sha256=hashlib.sha256(self.read_block(number)).hexdigest()
            )
            for number in range(block_count(self.size_bytes))
            if number >= block_count(signed)
            or block_size(number=number, size_bytes=signed)
            != block_size(number=number, size_bytes=self.size_bytes)
        )

    def lost_blocks(self) -> tuple[DifferingBlock, ...]:
        """Return those of the unreadable blocks that still are, as what is sent for them."""
        signed = dict(enumerate(self.manifest.blocks))
        digests = (
            (number, hashlib.sha256(self.read_block(number)).hexdigest())
            for number in sorted(self.unreadable)
            if number < block_count(self.size_bytes)
        )
        return tuple(
            DifferingBlock(number=number, sha256=digest)
            for number, digest in digests
            if signed.get(number) != digest
        )

    def zeros(self) -> str:
        """Return which bytes of the file the card does not give back, for a person."""
        sizes = [
            (number, block_size(number=number, size_bytes=self.size_bytes))
            for number in sorted(self.unreadable)
            if number < block_count(self.size_bytes)
        ]
        found = self.salvage.stretches(sizes)
        more = f" and {len(found) - _NAMED_MAX} more" if len(found) > _NAMED_MAX else ""
        return ", ".join(f"{first}-{last}" for first, last in found[:_NAMED_MAX]) + more

    def differing_blocks(
        self, stored: Mapping[int, str] | None = None
    ) -> tuple[DifferingBlock, ...]:
        """Read the whole file and return every block that is not as signed.

        Args:
            stored: digests of blocks that the server holds; they stand for those that the card
                does not give back any more.
        """
        signed = dict(enumerate(self.manifest.blocks))
        digests = enumerate(self.digests(stored))
        return tuple(
            DifferingBlock(number=number, sha256=digest.hex())
            for number, digest in digests
            if signed.get(number) != digest.hex()
        )

    def digests(self, stored: Mapping[int, str] | None = None) -> list[bytes]:
        """Return the digest of every block as it lies on the camera now.

        Raises:
            BlocksNotReadable: names all that the card does not give back and are not ``stored``.
        """
        digests, failed = [], set()
        for number in range(block_count(self.size_bytes)):
            try:
                digests.append(hashlib.sha256(self.read_block(number)).digest())
            except BlocksNotReadable:
                if stored is None or number not in stored:
                    failed.add(number)
                else:
                    digests.append(bytes.fromhex(stored[number]))
        if failed:
            raise BlocksNotReadable(self, failed)
        return digests

    def root(self, *, kept: Collection[int] = ()) -> str:
        """Return the Merkle root over what lies on the camera now; reads all of it.

        Args:
            kept: blocks that the server holds as signed; for them the signed digests stand.
        """
        signed = {number: one for number, one in enumerate(self.manifest.blocks) if number in kept}
        digests = dict(enumerate(self.digests(signed)))
        digests |= {number: bytes.fromhex(digest) for number, digest in signed.items()}
        if sorted(digests) != list(range(len(digests))):
            raise CameraChanged(f"the server holds other blocks than {self.bay} and before it")
        return merkle_root([digests[number] for number in range(len(digests))]).hex()


def look_into(place: Place) -> Found | None:
    """Return the recording there, or ``None``: no camera, or one that is still writing.

    Raises:
        CameraNotReadable: there is a camera whose manifest cannot be read.
    """
    folder = place.folder
    manifest = read_manifest(folder)
    if manifest is None or not (folder / SIGNATURE).exists():
        return None
    try:
        signature = _limited(folder / SIGNATURE, _SIGNATURE_BYTES_MAX).decode("ascii").strip()
    except UnicodeDecodeError as error:
        raise CameraNotReadable(f"the signature in {folder.name} is not text") from error
    recording = folder / RECORDING
    # A camera that lost the whole file still has something to declare.
    size = recording.stat().st_size if recording.exists() else 0
    return Found(place, manifest, signature, size)


def read_manifest(folder: Path) -> Manifest | None:
    """Return the manifest in the bay, or ``None`` where there is none.

    Raises:
        CameraNotReadable: it is not a manifest, or the folder holds links.
    """
    if any((folder / name).is_symlink() for name in (MANIFEST, SIGNATURE, RECORDING, HEAD)):
        raise CameraNotReadable(f"{folder.name} holds links instead of files")
    if not (folder / MANIFEST).exists():
        return None
    try:
        return Manifest.model_validate_json(_limited(folder / MANIFEST, _MANIFEST_BYTES_MAX))
    except ValidationError as error:
        raise CameraNotReadable(f"the manifest in {folder.name} is not well formed") from error


def trace_of(folder: Path) -> tuple[int, ...] | None:
    """Return what tells, without reading it, that another recording has come to lie here."""
    try:
        found = (folder / MANIFEST).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size


def half_wiped(folder: Path) -> bool:
    """Return whether a wipe has begun here: the manifest is the last to go."""
    return (folder / MANIFEST).exists() and not (folder / RECORDING).exists()


def _limited(path: Path, bytes_max: int) -> bytes:
    with path.open("rb") as file:
        content = file.read(bytes_max + 1)
    if len(content) > bytes_max:
        raise CameraNotReadable(f"{path.name} in {path.parent.name} is over {bytes_max} bytes")
    return content


def wipe(folder: Path, *, receipt: dict[str, Any]) -> None:
    """Delete the recording and leave ``wiped.json`` with the receipt; repeatable after a crash.

    The manifest goes last: until then it says whose half-wiped camera this is.
    """
    (folder / RECORDING).unlink(missing_ok=True)
    (folder / HEAD).unlink(missing_ok=True)
    (folder / SIGNATURE).unlink(missing_ok=True)
    _sync(folder)
    making = folder / (WIPED + ".new")
    with making.open("wb") as file:
        file.write(json.dumps(receipt, indent=1).encode())
        file.flush()
        os.fsync(file.fileno())
    making.replace(folder / WIPED)
    _sync(folder)
    (folder / MANIFEST).unlink(missing_ok=True)
    _sync(folder)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
