"""How an object lies in a file of the directory store: its envelope, and where each byte is.

```text
two slots of 4 KiB     the object's data key, wrapped (AES-256-GCM) under the key whose id it names
for each block of 8 MiB
    table of 12 KiB    a random nonce, then a tag for each chunk of 16 KiB
    the block          ciphertext, byte for byte where the plaintext would be
```

Each chunk is sealed by AES-256-GCM (NIST SP 800-38D) under the object's own key, its nonce being
the block's plus its number in the block; key of the object and number of the chunk are associated
data. So no chunk opens in another place or another object, parts may come in any order, a block
and its table are put on the disk by one sync, and a range opens only its own chunks. A block that
is written again has a new random nonce: two of 96 bits meet once in 2^48 blocks under one key.

The two slots hold the same key. Rewrapping writes one, syncs, then the other: one is always good.
"""

import hashlib
import hmac
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.keys import OBJECT_KEY_ID_BYTES, ObjectKeys
from bodycam.errors import ObjectDamaged, ObjectKeyUnknown
from bodycam.wire.digests import BLOCK_SIZE_BYTES

# A smaller chunk would cost uploads a call each; a larger one the index of a day, which reads a
# few bytes at 43,000 places.
CHUNK_BYTES: Final = 16 << 10
SLOT_BYTES: Final = 4096  # a page: a torn write of one slot leaves the other
HEAD_BYTES: Final = 2 * SLOT_BYTES
TABLE_BYTES: Final = 12288
_NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
_TAGS_AT: Final = 16
_PLACE: Final = TABLE_BYTES + BLOCK_SIZE_BYTES
_CHUNKS: Final = BLOCK_SIZE_BYTES // CHUNK_BYTES
_MAGIC: Final = b"SAQSHYE1"
_SLOT: Final = struct.Struct(f">8sQ{OBJECT_KEY_ID_BYTES}s{_NONCE_BYTES}s48s")
_KEY_LABEL: Final = b"saqshy object data key v1\n"
_CHUNK_LABEL: Final = b"saqshy object chunk v1\n"
_UPLOAD_LABEL: Final = b"saqshy upload v1\n"
_REFERENCE_BYTES: Final = 16


def file_size(size_bytes: int) -> int:
    """Return how large the file of an object of ``size_bytes`` is."""
    blocks = -(-size_bytes // BLOCK_SIZE_BYTES)
    return HEAD_BYTES + blocks * TABLE_BYTES + size_bytes


def object_size(file_bytes: int) -> int:
    """Return the size of the object in a file of ``file_bytes``."""
    blocks, rest = divmod(max(0, file_bytes - HEAD_BYTES), _PLACE)
    return blocks * BLOCK_SIZE_BYTES + max(0, rest - TABLE_BYTES)


def table_offset(number: int) -> int:
    """Return where in the file the table of block ``number`` is; the block follows it."""
    return HEAD_BYTES + number * _PLACE


@dataclass(frozen=True)
class Envelope:
    """The opened envelope of one object.

    ``made`` tells this very file from any other of the same key, before and after: it is made
    of the data key, which every new file has afresh and rewrapping leaves as it is.
    """

    key: str
    made: str
    cipher: AESGCM = field(repr=False)

    def new_table(self, number: int) -> "Table":
        """Return an empty table of block ``number`` with a nonce that was never used."""
        return Table(self, number, os.urandom(_NONCE_BYTES), bytes(_CHUNKS * TAG_BYTES))

    def read_table(self, number: int, content: bytes) -> "Table":
        """Return the table of block ``number`` as it was stored.

        Raises:
            ObjectDamaged: it is cut.
        """
        if len(content) != TABLE_BYTES:
            raise self.damaged(number)
        tags = content[_TAGS_AT : _TAGS_AT + _CHUNKS * TAG_BYTES]
        return Table(self, number, content[:_NONCE_BYTES], tags)

    def damaged(self, number: int) -> ObjectDamaged:
        """Return the refusal that names block ``number``."""
        return ObjectDamaged(f"{self.key} is damaged in block {number}", blocks=[number])


class Table:
    """Nonce and tags of one block."""

    def __init__(self, envelope: Envelope, number: int, nonce: bytes, tags: bytes) -> None:
        self._envelope = envelope
        self._number = number
        self._label = _CHUNK_LABEL + envelope.key.encode() + b"\n"
        self._nonce = nonce
        self._first = int.from_bytes(nonce, "big")
        self._tags = bytearray(tags)

    def to_bytes(self) -> bytes:
        """Return the table as it is stored."""
        return (self._nonce.ljust(_TAGS_AT, b"\0") + self._tags).ljust(TABLE_BYTES, b"\0")

    def seal(self, first: int, plaintext: memoryview, room: memoryview) -> None:
        """Seal chunks from ``first`` on, one behind the other, into ``room``; keep their tags.

        ``room`` is longer than ``plaintext`` by ``TAG_BYTES``, which hold nothing afterwards: the
        tag of each chunk lies where the next one goes.
        """
        encrypt = self._envelope.cipher.encrypt_into
        for at in range(0, len(plaintext), CHUNK_BYTES):
            end = min(at + CHUNK_BYTES, len(plaintext))
            chunk = first + at // CHUNK_BYTES
            nonce, associated = self._bound(chunk)
            encrypt(nonce, plaintext[at:end], associated, room[at : end + TAG_BYTES])
            self._tags[chunk * TAG_BYTES : (chunk + 1) * TAG_BYTES] = room[end : end + TAG_BYTES]

    def open(self, first: int, sealed: memoryview, room: memoryview) -> None:
        """Open chunks from ``first`` on, one behind the other, into ``room``.

        ``sealed`` is longer than ``room`` by ``TAG_BYTES`` and is used up: the tag of each chunk is
        put behind it, the last chunk first.

        Raises:
            ObjectDamaged: a chunk is not what was sealed there.
        """
        decrypt = self._envelope.cipher.decrypt_into
        for at in reversed(range(0, len(room), CHUNK_BYTES)):
            end = min(at + CHUNK_BYTES, len(room))
            chunk = first + at // CHUNK_BYTES
            sealed[end : end + TAG_BYTES] = self._tags[chunk * TAG_BYTES : (chunk + 1) * TAG_BYTES]
            nonce, associated = self._bound(chunk)
            try:
                decrypt(nonce, sealed[at : end + TAG_BYTES], associated, room[at:end])
            except InvalidTag:
                raise self._envelope.damaged(self._number) from None

    def _bound(self, chunk: int) -> tuple[bytes, bytes]:
        """Return the nonce of a chunk, and what binds it to its place."""
        nonce = (self._first + chunk) % (1 << 8 * _NONCE_BYTES)
        place = (self._number * _CHUNKS + chunk).to_bytes(8, "big")
        return nonce.to_bytes(_NONCE_BYTES, "big"), self._label + place


def new_head(*, key: str, keys: ObjectKeys) -> bytes:
    """Return both slots of a new object under a fresh data key."""
    return _wrap(AESGCM.generate_key(256), key=key, keys=keys, generation=1) * 2


def open_head(head: bytes, *, key: str, keys: ObjectKeys) -> Envelope:
    """Return the envelope of the object ``key``.

    Raises:
        ObjectDamaged: changed, cut, or another object's.
        ObjectKeyUnknown: wrapped under a key that is not in the keys folder.
    """
    best = _best(head, _slots(head, key=key, keys=keys), key=key, keys=keys)
    made = hmac.digest(best.data_key, _UPLOAD_LABEL + key.encode(), hashlib.sha256)
    return Envelope(key, made[:_REFERENCE_BYTES].hex(), AESGCM(best.data_key))


def rewrapped(head: bytes, *, key: str, keys: ObjectKeys) -> Iterator[tuple[int, bytes]]:
    """Yield where to write what, each to be synced before the next, until both slots are current.

    Yields nothing for an object whose two slots name the current key already.

    Raises:
        ObjectDamaged, ObjectKeyUnknown: as ``open_head``.
    """
    slots = _slots(head, key=key, keys=keys)
    best = _best(head, slots, key=key, keys=keys)
    if all(one is not None and one.key_id == keys.current_id for one in slots):
        return
    fresh = _wrap(best.data_key, key=key, keys=keys, generation=best.generation + 1)
    # The one that does not open goes first: the other is all there is until it is on the disk.
    for at in sorted((0, 1), key=lambda at: slots[at] is not None):
        yield at * SLOT_BYTES, fresh


@dataclass(frozen=True)
class _Slot:
    generation: int
    key_id: bytes
    data_key: bytes = field(repr=False)


def _wrap(data_key: bytes, *, key: str, keys: ObjectKeys, generation: int) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    associated = _KEY_LABEL + generation.to_bytes(8, "big") + keys.current_id + key.encode()
    wrapped = AESGCM(keys.current).encrypt(nonce, data_key, associated)
    packed = _SLOT.pack(_MAGIC, generation, keys.current_id, nonce, wrapped)
    return packed.ljust(SLOT_BYTES, b"\0")


def _slots(head: bytes, *, key: str, keys: ObjectKeys) -> list[_Slot | None]:
    return [_unwrap(head[at * SLOT_BYTES :], key=key, keys=keys) for at in (0, 1)]


def _unwrap(slot: bytes, *, key: str, keys: ObjectKeys) -> _Slot | None:
    if len(slot) < _SLOT.size:
        return None
    magic, generation, key_id, nonce, wrapped = _SLOT.unpack_from(slot)
    wrapping = keys.find(key_id) if magic == _MAGIC else None
    if wrapping is None:
        return None
    associated = _KEY_LABEL + generation.to_bytes(8, "big") + key_id + key.encode()
    try:
        return _Slot(generation, key_id, AESGCM(wrapping).decrypt(nonce, wrapped, associated))
    except InvalidTag:
        return None


def _best(head: bytes, slots: list[_Slot | None], *, key: str, keys: ObjectKeys) -> _Slot:
    """Return the newest slot that opens."""
    good = [one for one in slots if one is not None]
    if good:
        return max(good, key=lambda one: one.generation)
    for at in (0, SLOT_BYTES):
        slot = head[at : at + _SLOT.size]
        if len(slot) == _SLOT.size and slot.startswith(_MAGIC):
            key_id: bytes = _SLOT.unpack(slot)[2]
            if keys.find(key_id) is None:
                raise ObjectKeyUnknown(f"{key} needs the key {key_id.hex()}, which is not here")
    raise ObjectDamaged(f"the envelope of {key} cannot be opened")
