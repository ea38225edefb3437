"""The credential of a device or a system: ``<id>.<secret>``, given once, stored as its SHA-256.

The secret has 256 bits, so a plain hash is enough: there is nothing to guess. Certificates of an
authority of our own (mutual TLS) take its place later; the header stays for the programs that run
behind a proxy that ends TLS. See decisions 0017 and 0021.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from uuid import UUID

SECRET_BYTES = 32
_FORM = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.([A-Za-z0-9_-]{43})")
_NOBODY = hashlib.sha256(b"nobody").digest()


@dataclass(frozen=True)
class Credential:
    """A presented credential; the secret does not show in ``repr``."""

    holder_id: UUID
    secret: str = field(repr=False)

    def __str__(self) -> str:
        return f"{self.holder_id}.***"


def read_credential(text: str) -> Credential | None:
    """Return the credential in ``text``, or ``None`` where it has not the form."""
    match = _FORM.fullmatch(text)
    return None if match is None else Credential(UUID(match[1]), match[2])


def credential_text(*, holder_id: UUID, secret: str) -> str:
    """Return what the device or the system is to present in its header."""
    return f"{holder_id}.{secret}"


def secret_sha256(secret: str) -> bytes:
    """Return what is stored of a secret."""
    return hashlib.sha256(secret.encode()).digest()


def is_secret(secret: str, *, stored_sha256: bytes | None) -> bool:
    """Return whether ``secret`` is the stored one; takes as long where nothing is stored."""
    same = hmac.compare_digest(secret_sha256(secret), stored_sha256 or _NOBODY)
    return same and stored_sha256 is not None
