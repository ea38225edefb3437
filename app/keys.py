"""The server's own keys, read once at start.

In the embedded mode they are made on the first start. Elsewhere they must be there: a server
that makes itself a new signing key would silently begin another log.
"""

import hashlib
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_SIGNING = ("checkpoint", "receipt")
_SECRET = ("subject", "vault")
_OBJECTS = "objects"
_SECRET_BYTES = 32
OBJECT_KEY_ID_BYTES: Final = 8
_ID_LABEL: Final = b"saqshy object key id v1\n"


class KeysMissing(Exception):
    """A key file is absent or weak; the message names the file and never its content."""


class ObjectKeys:
    """The keys that wrap the data keys of stored objects: one current, older ones by their id.

    A key's id is made from the key, so that no list has to be kept. A key that another process
    has made since the start is looked for in the folder when its id is met.
    """

    def __init__(self, *, folder: Path, current: bytes) -> None:
        self._folder = folder
        self._current = current
        self._known = {object_key_id(current): current}

    @property
    def current_id(self) -> bytes:
        """The id of the key that wraps what is stored from now on."""
        return object_key_id(self._current)

    @property
    def current(self) -> bytes:
        """The key itself; goes to no log."""
        return self._current

    def find(self, key_id: bytes) -> bytes | None:
        """Return the key of that id, or ``None`` where the folder has none."""
        if key_id not in self._known:
            for name in (_object_key_name(key_id), f"{_OBJECTS}.key"):
                try:
                    content = _secret_key(self._folder / name)
                except KeysMissing:
                    continue
                self._known[object_key_id(content)] = content
        return self._known.get(key_id)


def object_key_id(key: bytes) -> bytes:
    """Return the id by which a stored object names the key that wraps its data key."""
    return hashlib.sha256(_ID_LABEL + key).digest()[:OBJECT_KEY_ID_BYTES]


@dataclass(frozen=True, kw_only=True)
class Keys:
    """The keys, none of which shows in ``repr``.

    Attributes:
        checkpoint: signs the audit log's checkpoints.
        receipt: signs what a device may act on, such as the receipt that lets a camera be wiped.
        subject: 32 bytes; HMAC key that turns a personal number into a commitment.
        vault: 32 bytes; master key that wraps the keys of stored answers.
        objects: wrap the keys of stored objects; a purpose and a rotation of their own.
    """

    checkpoint: Ed25519PrivateKey = field(repr=False)
    receipt: Ed25519PrivateKey = field(repr=False)
    subject: bytes = field(repr=False)
    vault: bytes = field(repr=False)
    objects: ObjectKeys = field(repr=False)


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
    for name in (*_SECRET, _OBJECTS):
        _write_once(folder / f"{name}.key", secrets.token_bytes(_SECRET_BYTES))


def load(folder: Path) -> Keys:
    """Return the keys of ``folder``.

    Raises:
        KeysMissing: a file is absent, of another kind, or too short.
    """
    signing = {name: _signing_key(folder / f"{name}.pem") for name in _SIGNING}
    secret = {name: _secret_key(folder / f"{name}.key") for name in _SECRET}
    objects = ObjectKeys(folder=folder, current=_secret_key(folder / f"{_OBJECTS}.key"))
    return Keys(
        checkpoint=signing["checkpoint"],
        receipt=signing["receipt"],
        subject=secret["subject"],
        vault=secret["vault"],
        objects=objects,
    )


def rotate_object_key(folder: Path) -> ObjectKeys:
    """Make a new key for objects the current one; the old one stays, by its id.

    Safe to stop at any instant: the new key counts from the last step on. A process that runs
    goes on wrapping under the old key until it is started again, and reads under both.

    Raises:
        KeysMissing: there is no current key.
    """
    old, new = _secret_key(folder / f"{_OBJECTS}.key"), secrets.token_bytes(_SECRET_BYTES)
    for key in (old, new):
        _write_once(folder / _object_key_name(object_key_id(key)), key)
    coming = folder / f"{_OBJECTS}.key.new"
    coming.unlink(missing_ok=True)  # of a rotation that was stopped
    _write_once(coming, new)
    coming.replace(folder / f"{_OBJECTS}.key")
    _sync(folder)
    return ObjectKeys(folder=folder, current=new)


def _object_key_name(key_id: bytes) -> str:
    return f"{_OBJECTS}-{key_id.hex()}.key"


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write_once(path: Path, content: bytes) -> None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    _sync(path.parent)  # what is wrapped under a key must not outlive it


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
