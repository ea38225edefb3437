"""Answers at rest: sealed with a data key of their own, which the vault key wraps.

AES-256-GCM twice (NIST SP 800-38D), nonces random, the id of the request as associated data: an
answer moved to another row does not open. To destroy an answer it is enough to delete its
wrapped key.
"""

import os
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.exchange.errors import AnswerDamaged

_NONCE_BYTES: Final = 12
_KEY_LABEL: Final = b"saqshy exchange answer key v1 "
_BODY_LABEL: Final = b"saqshy exchange answer v1 "


@dataclass(frozen=True)
class SealedAnswer:
    """What is stored: the wrapped data key and the ciphertext, each with its nonce in front."""

    wrapped_key: bytes = field(repr=False)
    ciphertext: bytes = field(repr=False)


def seal(*, vault: bytes, request_id: UUID, plaintext: bytes) -> SealedAnswer:
    """Return ``plaintext`` sealed for the request; ``vault`` is the 32-byte master key."""
    data_key = AESGCM.generate_key(256)
    return SealedAnswer(
        _encrypt(vault, data_key, _KEY_LABEL + request_id.bytes),
        _encrypt(data_key, plaintext, _BODY_LABEL + request_id.bytes),
    )


def unseal(*, vault: bytes, request_id: UUID, sealed: SealedAnswer) -> bytes:
    """Return the plaintext.

    Raises:
        AnswerDamaged: altered, of another request, or sealed under another vault key.
    """
    data_key = _decrypt(vault, sealed.wrapped_key, _KEY_LABEL + request_id.bytes)
    return _decrypt(data_key, sealed.ciphertext, _BODY_LABEL + request_id.bytes)


def _encrypt(key: bytes, plaintext: bytes, associated: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, associated)


def _decrypt(key: bytes, content: bytes, associated: bytes) -> bytes:
    try:
        nonce, ciphertext = content[:_NONCE_BYTES], content[_NONCE_BYTES:]
        return AESGCM(key).decrypt(nonce, ciphertext, associated)
    except (InvalidTag, ValueError) as error:
        raise AnswerDamaged("a stored answer cannot be opened") from error
