"""A token of a device: what a system shows in place of its secret, for a quarter of an hour or so.

``<device id>.<seconds since 1970>.<tag>``. The tag is an HMAC over the instant of its end and what
is stored of the device's secret, so that it ends with the secret too. Nothing is stored of it.
"""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

_LABEL: Final = b"saqshy tokens of devices"
_FORM: Final = re.compile(
    r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.([0-9]{10})\.([A-Za-z0-9_-]{43})"
)


@dataclass(frozen=True)
class Token:
    """A presented token; the tag does not show in ``repr``."""

    holder_id: UUID
    until: int
    tag: str = field(repr=False)


def key_of_tokens(secret: bytes) -> bytes:
    """Return the key of the tags, made from a key of the server's."""
    return hmac.digest(secret, _LABEL, hashlib.sha256)


def token_text(key: bytes, *, holder_id: UUID, secret_sha256: bytes, until: datetime) -> str:
    """Return a token of the device that is good until then, to the second."""
    seconds = int(until.timestamp())
    return f"{holder_id}.{seconds}.{_tag(key, holder_id, secret_sha256, seconds)}"


def read_token(text: str) -> Token | None:
    """Return the token in ``text``, or ``None`` where it has not the form."""
    match = _FORM.fullmatch(text)
    return None if match is None else Token(UUID(match[1]), int(match[2]), match[3])


def is_good(token: Token, key: bytes, *, secret_sha256: bytes | None, now: datetime) -> bool:
    """Return whether the server gave this token, to the device with this secret, and it lasts."""
    expected = _tag(key, token.holder_id, secret_sha256 or b"", token.until)
    same = hmac.compare_digest(token.tag, expected)
    return same and secret_sha256 is not None and now.timestamp() < token.until


def _tag(key: bytes, holder_id: UUID, secret_sha256: bytes, until: int) -> str:
    said = holder_id.bytes + until.to_bytes(8, "big") + secret_sha256
    return base64.urlsafe_b64encode(hmac.digest(key, said, hashlib.sha256)).decode().rstrip("=")
