"""Clips and tracks that an AXIS body-worn system has encrypted: key objects, and reading by range.

Specification: AXIS body-worn content destination API 1.6.13, *Object encryption*, and its
``decrypt_file.sh``: AES-256-CBC with PKCS#7 over the whole object; the content key wrapped by
RSA-OAEP (SHA-1, MGF1 with SHA-1) under the public key of the connection file.
"""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from bodycam.errors.axis import AxisMetadataNotValid

ReadAt = Callable[[int, int], bytes]
KEY_OBJECT_BYTES_MAX: Final = 64 << 10
KEY_BITS: Final = 3072  # until 2030 and beyond by NIST SP 800-57; its PEM is under 2,048 characters
AWAITED: Final = "the key of the encrypted recording has not come yet"
WRONG: Final = "the key does not open the encrypted recording"
_BLOCK: Final = 16
_KEY_BYTES: Final = 32


class KeyWrong(ValueError):
    """The key object does not open what it came with."""


@dataclass(frozen=True, kw_only=True)
class KeyObject:
    """What a key object says; nothing in it is secret without the private key."""

    public_key_id: str
    encrypted_key: bytes
    iv: bytes


def read_key_object(body: bytes) -> KeyObject:
    """Return what a key object says.

    Raises:
        AxisMetadataNotValid: it is not of the form.
    """
    try:
        content = json.loads(body)
        found = KeyObject(
            public_key_id=str(content.get("PublicKeyId", "")),
            encrypted_key=base64.b64decode(content["EncryptedKey"], validate=True),
            iv=base64.b64decode(content["ContentEncryptionIV"], validate=True),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise AxisMetadataNotValid("the key object is not of the form") from error
    if len(found.iv) != _BLOCK or not 0 < len(found.encrypted_key) <= KEY_OBJECT_BYTES_MAX:
        raise AxisMetadataNotValid("the key object holds no key")
    return found


def key_name_of(name: str) -> str:
    """Return the name of the key object of a clip or of a track."""
    if name.lower().endswith("_gpstrail.json"):  # <date>_<time>_<id>_<bwcid>_gpstrail.json
        return name.rsplit("_", 2)[0] + ".key"
    return name.rsplit(".", 1)[0] + ".key"


def make_private_key() -> rsa.RSAPrivateKey:
    """Return a new private key; takes some tenths of a second: call in a thread."""
    return rsa.generate_private_key(public_exponent=65_537, key_size=KEY_BITS)


def public_key_text(key: rsa.RSAPrivateKey) -> str:
    """Return what stands in the connection file: base64 of the PEM text."""
    pem = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return base64.b64encode(pem).decode()


def unwrap(key: rsa.RSAPrivateKey, found: KeyObject) -> "ContentCipher":
    """Return the cipher that a key object names.

    Raises:
        KeyWrong: it was not wrapped under this key, or holds no key of AES-256.
    """
    # SHA-1 is what such systems wrap with; here it is no signature and nothing hangs on collisions.
    scheme = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)  # noqa: S303 - as said
    try:
        content_key = key.decrypt(found.encrypted_key, scheme)
    except ValueError as error:
        raise KeyWrong("wrapped under another key") from error
    if len(content_key) != _KEY_BYTES:
        raise KeyWrong("no key of AES-256")
    return ContentCipher(content_key, found.iv)


@dataclass(frozen=True)
class ContentCipher:
    """Reads an encrypted object at any place: in CBC the block before is the next one's IV."""

    key: bytes = field(repr=False)
    iv: bytes = field(repr=False)

    def clear_bytes(self, read_at: ReadAt, *, size_bytes: int) -> int:
        """Return the size of what is encrypted.

        Raises:
            KeyWrong: the object is no whole blocks, or its padding is none: cut, or another key.
        """
        if size_bytes < _BLOCK or size_bytes % _BLOCK:
            raise KeyWrong("no whole blocks")
        last = self._blocks(read_at, size_bytes - _BLOCK, size_bytes)
        count = last[-1]
        if not 1 <= count <= _BLOCK or last[-count:] != bytes([count]) * count:
            raise KeyWrong("no padding at its end")
        return size_bytes - count

    def read(self, read_at: ReadAt, start: int, length: int, *, clear_bytes: int) -> bytes:
        """Return up to ``length`` bytes of the clear view from ``start``."""
        end = min(start + max(length, 0), clear_bytes)
        if start < 0 or start >= end:
            return b""
        first = start - start % _BLOCK
        clear = self._blocks(read_at, first, whole_blocks(end))
        return clear[start - first : end - first]

    def _blocks(self, read_at: ReadAt, first: int, end: int) -> bytes:
        if first == 0:
            return self.decrypt(self.iv, read_at(0, end))
        sealed = read_at(first - _BLOCK, end - first + _BLOCK)
        return self.decrypt(sealed[:_BLOCK], sealed[_BLOCK:])

    def decrypt(self, before: bytes, sealed: bytes) -> bytes:
        """Return the whole blocks of ``sealed`` in clear; ``before`` is the block before them."""
        whole = len(sealed) - len(sealed) % _BLOCK
        if len(before) != _BLOCK or not whole:
            return b""
        worker = Cipher(algorithms.AES(self.key), modes.CBC(before)).decryptor()
        return worker.update(sealed[:whole]) + worker.finalize()


def whole_blocks(size: int) -> int:
    """Return ``size`` up to the end of its block."""
    return -(-size // _BLOCK) * _BLOCK


def decrypted(cipher: ContentCipher, sealed: bytes) -> bytes:
    """Return a small object in clear.

    Raises:
        KeyWrong: the key does not open it.
    """

    def read_at(start: int, length: int) -> bytes:
        return sealed[start : start + length]

    size = cipher.clear_bytes(read_at, size_bytes=len(sealed))
    return cipher.read(read_at, 0, size, clear_bytes=size)
