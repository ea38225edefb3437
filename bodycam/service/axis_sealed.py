"""Encrypted clips and tracks: opened by the key object that came with them, before or later.

The original stays as it came, and so do its hashes. What does not open is a finding: the
recording waits in quarantine with the reason, and is tried again when another key comes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.db import transaction
from bodycam import repository
from bodycam.errors.axis import AxisMetadataNotValid
from bodycam.models import RecordingRow
from bodycam.models.axis import AxisKeyRow, AxisObjectRow, ClipKeyRow
from bodycam.repository import axis
from bodycam.rules.axis_cipher import (
    AWAITED,
    KEY_OBJECT_BYTES_MAX,
    WRONG,
    ContentCipher,
    KeyObject,
    KeyWrong,
    decrypted,
    key_name_of,
    read_key_object,
)
from bodycam.rules.magic import NO_MOOV, NO_MOOV_IN_CLEAR, OTHER
from bodycam.service.axis_keys import ReadAt, Window, cipher_of
from bodycam.service.completion import index_quarantined
from bodycam.service.docking import Docking
from bodycam.service.examined import Examined, examine_shown

log = structlog.get_logger(__name__)

_KEYS_MAX: Final = 64  # pairs of a unit that a key object without a name is tried under


@dataclass(frozen=True, kw_only=True)
class Opened:
    """An encrypted clip whose key fits."""

    key_id: UUID
    said: KeyObject
    clear_bytes: int
    examined: Examined


async def open_clip(
    session: AsyncSession, docking: Docking, row: AxisObjectRow, *, dock: Principal, raw: Examined
) -> Opened | Examined:
    """Return a clip as its key shows it; ``raw`` itself where nothing says that it is encrypted.

    ``raw`` is what the bytes are as they came: bytes that are a video are not encrypted.
    """
    if raw.index is not None:
        return raw
    keys = await axis.key_objects(session, dock_id=row.dock_id, name=key_name_of(row.name))
    if not keys:
        told = await axis.encryption_of(session, dock_id=row.dock_id)
        return raw if told is None else Examined(raw.digests, None, AWAITED)
    why_not = WRONG
    for said, key, cipher in await _ciphers(session, docking, keys, dock=dock):
        try:
            size = await docking.store.reading(
                key=row.object_key, act=_clear_bytes(cipher, row.size_bytes)
            )
        except KeyWrong:
            continue
        window = Window(cipher, size)
        examined = await examine_shown(
            docking,
            object_key=row.object_key,
            size_bytes=size,
            digests=raw.digests,
            pieces=window.open_range(docking.store, key=row.object_key, start=0, length=size),
            view=window.over,
        )
        if examined.index is not None:
            return Opened(key_id=key.id, said=said, clear_bytes=size, examined=examined)
        if examined.why_not != OTHER:  # its first block is wrong: another IV
            why_not = examined.why_not or WRONG
            if why_not == NO_MOOV:  # no pictures are looked for in what is encrypted
                why_not = NO_MOOV_IN_CLEAR
    return Examined(raw.digests, None, why_not)


def _clear_bytes(cipher: ContentCipher, size_bytes: int) -> Callable[[ReadAt], int]:
    def act(read_at: ReadAt) -> int:
        return cipher.clear_bytes(read_at, size_bytes=size_bytes)

    return act


async def _ciphers(
    session: AsyncSession, docking: Docking, keys: Sequence[AxisObjectRow], *, dock: Principal
) -> list[tuple[KeyObject, AxisKeyRow, ContentCipher]]:
    """Return every way in which a key of the unit opens one of the key objects."""
    ours = list(await axis.keys_of(session, department_id=dock.department_id))[:_KEYS_MAX]
    found = []
    for one in keys:
        if docking.ciphers is None or one.size_bytes > KEY_OBJECT_BYTES_MAX:
            continue
        body = await docking.store.read(key=one.object_key, start=0, length=one.size_bytes)
        try:
            said = read_key_object(body)
        except AxisMetadataNotValid:
            log.warning("axis_key_not_valid", object=str(one.id))
            continue
        named = [key for key in ours if str(key.id) == said.public_key_id]
        for key in named or ours:
            try:
                found.append((said, key, cipher_of(docking.ciphers.vault, key, said)))
            except KeyWrong:
                continue
    return found


async def note_opened(
    session: AsyncSession,
    docking: Docking,
    row: RecordingRow,
    opened: Opened,
    *,
    now: datetime,
) -> None:
    """Keep what opens a recording."""
    row.clear_bytes = opened.clear_bytes
    session.add(
        ClipKeyRow(
            recording_id=row.id,
            object_key=row.object_key,
            key_id=opened.key_id,
            encrypted_key=opened.said.encrypted_key,
            iv=opened.said.iv,
            clear_bytes=opened.clear_bytes,
            opened_at=now,
        )
    )
    await session.flush()
    await docking.trail.record(
        session,
        event="bodycam.clip_opened",
        at=now,
        who=None,
        fields={"recording_id": str(row.id), "key_id": str(opened.key_id)},
    )


async def open_track(
    session: AsyncSession, docking: Docking, row: AxisObjectRow, *, body: bytes, dock: Principal
) -> bytes | None:
    """Return a track in clear; ``None`` without its key, ``body`` where no key opens it."""
    keys = await axis.key_objects(session, dock_id=row.dock_id, name=key_name_of(row.name))
    if not keys:
        told = await axis.encryption_of(session, dock_id=row.dock_id)
        return None if told is not None else body
    for _, _, cipher in await _ciphers(session, docking, keys, dock=dock):
        try:
            clear = decrypted(cipher, body)
        except KeyWrong:
            continue
        if clear.lstrip()[:1] == b"{":
            return clear
    return body


async def open_waiting(
    docking: Docking,
    *,
    dock: Principal | None,
    of: tuple[UUID, str] | None,
    now: datetime,
    bytes_max: int | None = None,
) -> int:
    """Try what waits for a key again; return how many opened.

    ``of`` one container, or all; nothing that is over ``bytes_max``.
    """
    reasons = [AWAITED] if of is None else [AWAITED, WRONG]
    async with transaction(docking.sessions) as session:
        waiting = await axis.sealed_clips(session, reasons=reasons, of=of, bytes_max=bytes_max)
    count = 0
    for recording_id, clip_id in waiting:
        async with transaction(docking.sessions) as session:
            row = await repository.recording(session, recording_id, for_update=True)
            clip = await session.get(AxisObjectRow, clip_id)
            if row is None or clip is None or row.quarantine_reason not in reasons:
                continue
            by = dock or Principal(department_id=row.department_id, device_id=row.dock_id)
            raw = Examined([], None, row.quarantine_reason)
            opened = await open_clip(session, docking, clip, dock=by, raw=raw)
            if isinstance(opened, Examined):
                row.quarantine_reason = opened.why_not
                continue
            await note_opened(session, docking, row, opened, now=now)
            await index_quarantined(session, docking, row, opened.examined, now=now)
            count += 1
    return count
