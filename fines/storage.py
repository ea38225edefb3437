"""People at rest in fines: sealed with a data key of each record, which the vault key wraps.

AES-256-GCM twice (NIST SP 800-38D), nonces random, the record's id as associated data: what is
moved to another row does not open. A record is found by a keyed hash of the personal number.
"""

import enum
import hashlib
import hmac
import json
import os
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from fines.errors.proceedings import RecordDamaged

_NONCE_BYTES: Final = 12
_KEY_LABEL: Final = b"saqshy fines record key v1 "
_INDEX_LABEL: Final = b"saqshy fines offender index v1 "


class Content(enum.Enum):
    """What a record's key seals; one kind does not open as another."""

    RECORD = b"saqshy fines record v1 "
    ENTRY = b"saqshy fines record entry v1 "
    REGISTER_FINE = b"saqshy fines register fine v1 "
    PAPER = b"saqshy fines paper v1 "
    SLIP = b"saqshy fines slip v1 "


@dataclass(frozen=True)
class RecordKey:
    """The data key of one record, in clear and as it is stored."""

    owner: UUID
    clear: bytes = field(repr=False)
    wrapped: bytes = field(repr=False)

    def seal(self, content: Content, values: dict[str, object], *, of: UUID | None = None) -> bytes:
        """Return ``values`` sealed; ``of`` is the row they stand in, by default the owner."""
        plaintext = json.dumps(values, ensure_ascii=False, sort_keys=True).encode()
        return self.seal_bytes(content, plaintext, of=of or self.owner)

    def seal_bytes(self, content: Content, plaintext: bytes, *, of: UUID) -> bytes:
        """Return ``plaintext`` sealed into the row ``of``."""
        return _encrypt(self.clear, plaintext, content.value + of.bytes)

    def unseal_bytes(self, content: Content, ciphertext: bytes, *, of: UUID) -> bytes:
        """Return what was sealed into the row ``of``.

        Raises:
            RecordDamaged: altered, of another row, or sealed as something else.
        """
        return _decrypt(self.clear, ciphertext, content.value + of.bytes)

    def unseal(
        self, content: Content, ciphertext: bytes, *, of: UUID | None = None
    ) -> dict[str, object]:
        """Return the values.

        Raises:
            RecordDamaged: altered, of another row, or sealed as something else.
        """
        plaintext = self.unseal_bytes(content, ciphertext, of=of or self.owner)
        values: dict[str, object] = json.loads(plaintext)
        return values


def new_key(*, vault: bytes, owner: UUID) -> RecordKey:
    """Return a fresh data key for the record ``owner``."""
    clear = AESGCM.generate_key(256)
    return RecordKey(owner, clear, _encrypt(vault, clear, _KEY_LABEL + owner.bytes))


def open_key(*, vault: bytes, owner: UUID, wrapped: bytes) -> RecordKey:
    """Return the stored data key of the record ``owner``.

    Raises:
        RecordDamaged: altered, of another record, or wrapped under another vault key.
    """
    return RecordKey(owner, _decrypt(vault, wrapped, _KEY_LABEL + owner.bytes), wrapped)


def offender_index(*, subject_key: bytes, iin: str) -> bytes:
    """Return the keyed hash under which a person's records are found again."""
    return hmac.new(subject_key, _INDEX_LABEL + iin.encode(), hashlib.sha256).digest()


def _encrypt(key: bytes, plaintext: bytes, associated: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, associated)


def _decrypt(key: bytes, content: bytes, associated: bytes) -> bytes:
    try:
        nonce, ciphertext = content[:_NONCE_BYTES], content[_NONCE_BYTES:]
        return AESGCM(key).decrypt(nonce, ciphertext, associated)
    except (InvalidTag, ValueError) as error:
        raise RecordDamaged("a sealed record cannot be opened") from error
