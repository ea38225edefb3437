"""The server's own keys, read once at start.

In the embedded mode they are made on the first start. Elsewhere they must be there: a server
that makes itself a new signing key would silently begin another log.
"""

import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_SIGNING = ("checkpoint", "receipt")
_SECRET = ("subject", "vault")
_SECRET_BYTES = 32


class KeysMissing(Exception):
    """A key file is absent or weak; the message names the file and never its content."""


@dataclass(frozen=True, kw_only=True)
class Keys:
    """The keys, none of which shows in ``repr``.

    Attributes:
        checkpoint: signs the audit log's checkpoints.
        receipt: signs what a device may act on, such as the receipt that lets a camera be wiped.
        subject: 32 bytes; HMAC key that turns a personal number into a commitment.
        vault: 32 bytes; master key that wraps the keys of stored answers.
    """

    checkpoint: Ed25519PrivateKey = field(repr=False)
    receipt: Ed25519PrivateKey = field(repr=False)
    subject: bytes = field(repr=False)
    vault: bytes = field(repr=False)


def make_missing(folder: Path) -> None:
    """Make the keys that are not there yet, readable by this user alone."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in _SIGNING:
        pem = Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        _write_once(folder / f"{name}.pem", pem)
    for name in _SECRET:
        _write_once(folder / f"{name}.key", secrets.token_bytes(_SECRET_BYTES))


def load(folder: Path) -> Keys:
    """Return the keys of ``folder``.

    Raises:
        KeysMissing: a file is absent, of another kind, or too short.
    """
    signing = {name: _signing_key(folder / f"{name}.pem") for name in _SIGNING}
    secret = {name: _secret_key(folder / f"{name}.key") for name in _SECRET}
    return Keys(**signing, **secret)  # type: ignore[arg-type]  # two kinds of value, names fit


def _write_once(path: Path, content: bytes) -> None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise KeysMissing(f"cannot read {path.name} in the keys folder") from error


def _signing_key(path: Path) -> Ed25519PrivateKey:
    try:
        key = serialization.load_pem_private_key(_read(path), None)
    except ValueError as error:
        raise KeysMissing(f"{path.name} is not a private key in PEM") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeysMissing(f"{path.name} is not an Ed25519 key")
    return key


def _secret_key(path: Path) -> bytes:
    content = _read(path)
    if len(content) != _SECRET_BYTES:
        raise KeysMissing(f"{path.name} must hold exactly {_SECRET_BYTES} bytes")
    return content
