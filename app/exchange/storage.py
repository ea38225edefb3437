"""Answers at rest: sealed with a data key of their own, which the vault key wraps.

AES-256-GCM twice (NIST SP 800-38D), nonces random, the id of the request as associated data: an
answer moved to another row does not open. One data key seals everything of one request: to
destroy all of it, it is enough to delete the wrapped key.
"""

import enum
import os
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.exchange.errors import AnswerDamaged

_NONCE_BYTES: Final = 12
_KEY_LABEL: Final = b"saqshy exchange answer key v1 "


class Content(enum.Enum):
    """What a data key seals; one kind of content does not open as another."""

    ANSWER = b"saqshy exchange answer v1 "
    SUBJECT = b"saqshy exchange subject v1 "
    JUSTIFICATION = b"saqshy exchange justification v1 "
    OBJECTION = b"saqshy exchange objection v1 "
    ORDER_DOCUMENT = b"saqshy exchange order document v1 "
    SANCTION = b"saqshy exchange sanction v1 "
    SEED = b"saqshy exchange seed v1 "


@dataclass(frozen=True)
class DataKey:
    """The data key of one request, in clear and as it is stored."""

    owner: UUID
    clear: bytes = field(repr=False)
    wrapped: bytes = field(repr=False)

    def seal(self, content: Content, plaintext: bytes) -> bytes:
        """Return ``plaintext`` sealed as that kind of content of the key's request."""
        return _encrypt(self.clear, plaintext, content.value + self.owner.bytes)

    def unseal(self, content: Content, ciphertext: bytes) -> bytes:
        """Return the plaintext.

        Raises:
            AnswerDamaged: altered, of another request, or sealed as something else.
        """
        return _decrypt(self.clear, ciphertext, content.value + self.owner.bytes)


def new_key(*, vault: bytes, owner: UUID) -> DataKey:
    """Return a fresh data key for the request ``owner``."""
    clear = AESGCM.generate_key(256)
    return DataKey(owner, clear, _encrypt(vault, clear, _KEY_LABEL + owner.bytes))


def open_key(*, vault: bytes, owner: UUID, wrapped: bytes) -> DataKey:
    """Return the stored data key of the request ``owner``.

    Raises:
        AnswerDamaged: altered, of another request, or wrapped under another vault key.
    """
    return DataKey(owner, _decrypt(vault, wrapped, _KEY_LABEL + owner.bytes), wrapped)


@dataclass(frozen=True)
class SealedAnswer:
    """What is stored: the wrapped data key and the ciphertext, each with its nonce in front."""

    wrapped_key: bytes = field(repr=False)
    ciphertext: bytes = field(repr=False)


def seal(*, vault: bytes, request_id: UUID, plaintext: bytes) -> SealedAnswer:
    """Return ``plaintext`` sealed for the request; ``vault`` is the 32-byte master key."""
    key = new_key(vault=vault, owner=request_id)
    return SealedAnswer(key.wrapped, key.seal(Content.ANSWER, plaintext))


def unseal(*, vault: bytes, request_id: UUID, sealed: SealedAnswer) -> bytes:
    """Return the plaintext.

    Raises:
        AnswerDamaged: altered, of another request, or sealed under another vault key.
    """
    key = open_key(vault=vault, owner=request_id, wrapped=sealed.wrapped_key)
    return key.unseal(Content.ANSWER, sealed.ciphertext)


def _encrypt(key: bytes, plaintext: bytes, associated: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, associated)


def _decrypt(key: bytes, content: bytes, associated: bytes) -> bytes:
    try:
        nonce, ciphertext = content[:_NONCE_BYTES], content[_NONCE_BYTES:]
        return AESGCM(key).decrypt(nonce, ciphertext, associated)
    except (InvalidTag, ValueError) as error:
        raise AnswerDamaged("a stored answer cannot be opened") from error
