"""Taking the head of a recording: its index and some key frames, before the bulk."""

import asyncio
import hashlib
from collections.abc import AsyncIterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.audit.service import AuditTrail
from app.db import transaction
from app.jobs import Queue, defer
from bodycam import repository
from bodycam.errors import (
    DigestMissing,
    DigestWrong,
    HeadNotAsSigned,
    HeadNotWanted,
    PartSizeWrong,
    RecordingNotFound,
)
from bodycam.models import RecordingRow
from bodycam.repository import heads as statements
from bodycam.rules.derived import PREVIEW_TASK, HeadStanding
from bodycam.rules.heads import index_of_head, is_plausible
from bodycam.rules.life_cycle import OPEN
from bodycam.service.docking import Docking
from bodycam.wire.digests import read_content_digest
from bodycam.wire.head import HeadNotValid, read_head
from bodycam.wire.manifest import HEAD_BYTES_MAX
from bodycam.wire.protocol import HeadStored


async def receive_head(
    docking: Docking,
    *,
    recording_id: UUID,
    digest_header: str,
    size_bytes: int | None,
    body: AsyncIterable[bytes],
    caller: Principal,
    now: datetime,
) -> HeadStored:
    """Keep the head that the camera's manifest names; one that is there is answered alike.

    It is a promise of the camera: only the stored bytes confirm it (``examining``).

    Raises:
        RecordingNotFound: there is none, or it is another dock's.
        HeadNotWanted: the manifest names no head, or the recording is stored.
        PartSizeWrong, DigestMissing: the request is wrong.
        DigestWrong: other bytes arrived than the header names.
        HeadNotAsSigned: the camera signed another head, or what it signed is none.
    """
    row = await _wanted(docking, recording_id, caller)
    if size_bytes != row.head_bytes:
        raise PartSizeWrong(f"the head has {row.head_bytes} bytes", size_bytes=row.head_bytes)
    digest = read_content_digest(digest_header)
    if digest is None:
        raise DigestMissing("Content-Digest with sha-256 is missing")
    if digest != row.head_sha256:
        raise HeadNotAsSigned(f"the manifest of {recording_id} names another head")
    content = await _gathered(body, size_bytes=size_bytes or 0)
    found = await asyncio.to_thread(_read, content, digest, row)
    async with transaction(docking.sessions) as session:
        first = await statements.put_head(
            session,
            recording_id=recording_id,
            sha256=digest,
            packed=found[0],
            duration_ms=found[1],
            content=content,
            at=now,
        )
        if first:
            await defer(
                session,
                queue=Queue.MEDIA,
                task=PREVIEW_TASK,
                arguments={"recording_id": str(recording_id)},
            )
            await docking.trail.record(
                session,
                event="bodycam.head_received",
                at=now,
                who=caller,
                fields={"recording_id": str(recording_id), "sha256": digest.hex()},
            )
    return HeadStored(recording_id=recording_id, sha256=digest.hex())


async def _wanted(docking: Docking, recording_id: UUID, caller: Principal) -> RecordingRow:
    async with transaction(docking.sessions) as session:
        row = await repository.recording(session, recording_id)
    if row is None or row.dock_id != caller.device:
        raise RecordingNotFound("no such recording at this dock")
    if row.head_sha256 is None or row.status not in OPEN:
        raise HeadNotWanted(f"recording {recording_id} wants no head")
    return row


async def _gathered(body: AsyncIterable[bytes], *, size_bytes: int) -> bytes:
    held = bytearray()
    async for chunk in body:
        held += chunk
        if len(held) > min(size_bytes, HEAD_BYTES_MAX):
            raise PartSizeWrong(f"the body is longer than {size_bytes} bytes")
    if len(held) < size_bytes:
        raise PartSizeWrong(f"the body ended {size_bytes - len(held)} bytes early")
    return bytes(held)


def _read(content: bytes, digest: bytes, row: RecordingRow) -> tuple[bytes, int]:
    """Return the packed index of the head and how long it plays."""
    if hashlib.sha256(content).digest() != digest:
        raise DigestWrong(f"the head of {row.id} arrived with other bytes")
    try:
        head = read_head(content)
    except HeadNotValid as error:
        raise HeadNotAsSigned(f"what the camera signed for {row.id} is no head") from error
    index = index_of_head(head)
    of_it = (head.table.recording_id, head.table.size_bytes) == (row.id, row.declared_bytes)
    if not of_it or not is_plausible(index):
        raise HeadNotAsSigned(f"the head is not of recording {row.id}")
    return index.to_bytes(), index.duration_ms


async def forget_head(
    session: AsyncSession, trail: AuditTrail, row: RecordingRow, *, at: datetime
) -> None:
    """Say of the head of a recording that cannot be played that it told of another."""
    head = await statements.head_of(session, row.id, for_update=True)
    if head is None or head.standing is not HeadStanding.UNPROVEN:
        return
    await note_checked(session, trail, recording_id=row.id, lies=("no video was stored",), at=at)


async def note_checked(
    session: AsyncSession,
    trail: AuditTrail,
    *,
    recording_id: UUID,
    lies: Sequence[str],
    at: datetime,
) -> None:
    """Write down what the bulk has shown of a head. Pictures made of a lie go at once."""
    standing = HeadStanding.DIFFERS if lies else HeadStanding.CONFIRMED
    await statements.close_head(
        session, recording_id=recording_id, standing=standing, differs=lies, at=at
    )
    if lies:
        await statements.drop_sheets(session, recording_id=recording_id)
    await trail.record(
        session,
        event="bodycam.head_checked",
        at=at,
        who=None,
        fields={
            "recording_id": str(recording_id),
            "standing": standing.value,
            "differs": list(lies),
        },
    )
