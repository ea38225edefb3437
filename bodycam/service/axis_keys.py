"""The unit's keys under which systems encrypt, and encrypted originals read in clear by range.

Private keys are sealed under the server's vault key and leave this module only inside a cipher.
"""

import asyncio
import os
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol, TypeVar
from uuid import UUID, uuid4

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.audit.service import AuditTrail
from app.db import Sessions, transaction
from bodycam.errors import NotPlayable
from bodycam.models.axis import AxisEncryptionRow, AxisKeyRow
from bodycam.repository import axis
from bodycam.rules.axis_cipher import (
    ContentCipher,
    KeyObject,
    KeyWrong,
    make_private_key,
    public_key_text,
    unwrap,
    whole_blocks,
)
from bodycam.storage import ObjectStore

ReadAt = Callable[[int, int], bytes]
_T = TypeVar("_T")
_LABEL: Final = b"saqshy axis private key v1 "
_NONCE_BYTES: Final = 12
_OPENED_MAX: Final = 256  # ciphers held by one process


@dataclass(frozen=True, kw_only=True)
class Encryption:
    """What a connection file says of encryption."""

    public_key: str
    key_id: str


async def make_key(
    session: AsyncSession, *, trail: AuditTrail, caller: Principal, vault: bytes, now: datetime
) -> UUID:
    """Make a pair of keys for the caller's unit; connection files carry it from now on.

    Keys made before stay: what was encrypted under them is read as before.
    """
    private = await asyncio.to_thread(make_private_key)
    key_id = uuid4()
    session.add(
        AxisKeyRow(
            id=key_id,
            department_id=caller.department_id,
            public_key=public_key_text(private),
            sealed_private=_seal(vault, key_id, private),
            made_at=now,
        )
    )
    await session.flush()
    await trail.record(
        session,
        event="bodycam.axis_key_made",
        at=now,
        who=caller,
        fields={"key_id": str(key_id)},
    )
    return key_id


async def encryption_for(
    session: AsyncSession,
    *,
    trail: AuditTrail,
    caller: Principal,
    dock_id: UUID,
    wanted: bool,
    vault: bytes,
    now: datetime,
) -> Encryption | None:
    """Return what a system's next connection file says: its unit's newest key, or nothing.

    Once told to encrypt a system is always told so (``WantEncryption`` may only become true).
    """
    told = await axis.encryption_of(session, dock_id=dock_id)
    if told is None and not wanted:
        return None
    keys = await axis.keys_of(session, department_id=caller.department_id)
    if not keys:
        await make_key(session, trail=trail, caller=caller, vault=vault, now=now)
        keys = await axis.keys_of(session, department_id=caller.department_id)
    if told is None:
        session.add(AxisEncryptionRow(dock_id=dock_id, key_id=keys[0].id, since=now))
    else:
        told.key_id = keys[0].id
    return Encryption(public_key=keys[0].public_key, key_id=str(keys[0].id))


def _seal(vault: bytes, key_id: UUID, key: RSAPrivateKey) -> bytes:
    der = key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(vault).encrypt(nonce, der, _LABEL + key_id.bytes)


def _unseal(vault: bytes, row: AxisKeyRow) -> RSAPrivateKey:
    nonce, sealed = row.sealed_private[:_NONCE_BYTES], row.sealed_private[_NONCE_BYTES:]
    try:
        der = AESGCM(vault).decrypt(nonce, sealed, _LABEL + row.id.bytes)
        key = serialization.load_der_private_key(der, None)
    except (InvalidTag, ValueError) as error:
        raise KeyWrong("the private key is sealed under another vault key") from error
    if not isinstance(key, RSAPrivateKey):
        raise KeyWrong("no RSA key")
    return key


def cipher_of(vault: bytes, row: AxisKeyRow, found: KeyObject) -> ContentCipher:
    """Return what opens content under one of the unit's keys.

    Raises:
        KeyWrong: this key does not.
    """
    return unwrap(_unseal(vault, row), found)


@dataclass(frozen=True)
class Window:
    """The clear view of an encrypted object: what shows it, and how much there is to see."""

    cipher: ContentCipher
    clear_bytes: int

    def over(self, read_at: ReadAt) -> ReadAt:
        """Return a function that reads the clear view through one that reads the object."""

        def clear(start: int, length: int) -> bytes:
            return self.cipher.read(read_at, start, length, clear_bytes=self.clear_bytes)

        return clear

    async def open_range(
        self, store: ObjectStore, *, key: str, start: int, length: int
    ) -> AsyncIterator[bytes]:
        """Yield a range of the clear view; it needs the block before it and no more."""
        end = min(start + length, self.clear_bytes)
        if start >= end:
            return
        block = len(self.cipher.iv)
        first = start - start % block
        sealed_from = max(first - block, 0)
        before = self.cipher.iv if first == 0 else b""
        skip, left = start - first, end - start
        held = bytearray()
        async for piece in store.open_range(
            key=key, start=sealed_from, length=whole_blocks(end) - sealed_from
        ):
            held += piece
            if not before:
                if len(held) < block:
                    continue
                before = bytes(held[:block])
                del held[:block]
            whole = bytes(held[: len(held) - len(held) % block])
            if whole:
                del held[: len(whole)]
                clear = await asyncio.to_thread(self.cipher.decrypt, before, whole)
                before = whole[-block:]
                shown = clear[skip : skip + left]
                skip, left = 0, left - len(shown)
                yield shown


@dataclass(frozen=True, kw_only=True)
class ClipCiphers:
    """Ciphers of encrypted recordings by the key of their object; the last few are held."""

    sessions: Sessions
    vault: bytes = field(repr=False)
    _held: "OrderedDict[str, Window]" = field(default_factory=OrderedDict, repr=False)

    async def of(self, object_key: str) -> Window | None:
        """Return what opens the object, ``None`` where it is not encrypted.

        Raises:
            NotPlayable: its private key is sealed under another vault key.
        """
        if not object_key.startswith("axis/"):
            return None
        held = self._held.get(object_key)
        if held is None:
            async with transaction(self.sessions) as session:
                found = await axis.clip_key(session, object_key=object_key)
            if found is None:
                return None
            row, key = found
            said = KeyObject(public_key_id=str(key.id), encrypted_key=row.encrypted_key, iv=row.iv)
            try:
                cipher = await asyncio.to_thread(cipher_of, self.vault, key, said)
            except KeyWrong as error:
                raise NotPlayable(f"key {key.id} cannot be opened") from error
            held = self._held[object_key] = Window(cipher, row.clear_bytes)
            while len(self._held) > _OPENED_MAX:
                self._held.popitem(last=False)
        return held


class ObjectReader(Protocol):
    """What reads sealed objects: a store itself, or the clear view of one."""

    def open_range(self, *, key: str, start: int, length: int) -> AsyncIterator[bytes]:
        """Yield exactly ``length`` bytes from ``start``."""

    async def reading(self, *, key: str, act: Callable[[ReadAt], _T]) -> _T:
        """Run ``act`` in a worker thread with a function that reads the object at an offset."""


@dataclass(frozen=True)
class ClearObjects:
    """A store's objects as they are shown: encrypted originals in clear, others as they are."""

    store: ObjectStore
    ciphers: ClipCiphers

    async def open_range(self, *, key: str, start: int, length: int) -> AsyncIterator[bytes]:
        """Yield a range of what is shown."""
        window = await self.ciphers.of(key)
        pieces = (
            self.store.open_range(key=key, start=start, length=length)
            if window is None
            else window.open_range(self.store, key=key, start=start, length=length)
        )
        async for piece in pieces:
            yield piece

    async def reading(self, *, key: str, act: Callable[[ReadAt], _T]) -> _T:
        """Run ``act`` over what is shown."""
        window = await self.ciphers.of(key)
        if window is None:
            return await self.store.reading(key=key, act=act)
        over = window.over
        return await self.store.reading(key=key, act=lambda read_at: act(over(read_at)))
