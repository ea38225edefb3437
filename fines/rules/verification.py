"""The short code on papers: whoever holds one can ask whether the server knows the paper.

A truncated HMAC: it says nothing about the person and cannot be guessed for another payment.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

_MAC_BYTES: Final = 10  # 80 bits: 16 characters on the paper, no guess within the service's life
_PURPOSE: Final = b"saqshy fines paper verification 1"


@dataclass(frozen=True)
class PaperKey:
    """The key of the codes, derived from a key of the server for this purpose alone."""

    secret: bytes = field(repr=False)


def paper_key(master: bytes) -> PaperKey:
    """Derive the key of the codes from ``master`` (32 bytes)."""
    return PaperKey(hmac.digest(master, _PURPOSE, hashlib.sha256))


def paper_code(*, key: PaperKey, paper: str, object_id: UUID, amount_tiyn: int) -> str:
    """Return the 16 letters and digits for a paper (``payment`` or ``receipt``)."""
    message = f"{paper}\n{object_id}\n{amount_tiyn}".encode()
    digest = hmac.digest(key.secret, message, hashlib.sha256)[:_MAC_BYTES]
    return base64.b32encode(digest).decode()


def paper_code_fits(
    *, key: PaperKey, paper: str, object_id: UUID, amount_tiyn: int, code: str
) -> bool:
    """Return whether ``code`` is the one of that paper; takes the same time either way."""
    expected = paper_code(key=key, paper=paper, object_id=object_id, amount_tiyn=amount_tiyn)
    return hmac.compare_digest(expected.encode(), code.encode())


def verification_url(*, public_url: str, paper: str, object_id: UUID, code: str) -> str:
    """Return the address in the QR code. It holds an id and a code, nothing of the person."""
    return f"{public_url.rstrip('/')}/v/{paper}/{object_id}?c={code}"
