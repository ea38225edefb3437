"""Receiving bytes by tus: what an offset acknowledges is in the store, synced, and stays.

Whole blocks go to the object under way, the rest into a tail, a small object of its own: so both
kinds of store are given what they take, and any process goes on where another was killed. One
request at a time holds an upload; who waits asks the holder to let go.
"""

import asyncio
import contextlib
import hashlib
import time
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from app.clock import utc_now
from app.db import driver_of, transaction
from app.jobs import Queue, defer
from bodycam import repository
from bodycam.errors import PartsMissing, RecordingTooLarge
from bodycam.errors.tus import (
    ChecksumWrong,
    OffsetWrong,
    UploadCut,
    UploadExpired,
    UploadLocked,
    UploadNotValid,
    UploadsTooMany,
)
from bodycam.models import UploadRow
from bodycam.repository import uploads
from bodycam.rules.tus import EXPIRES_AFTER, Checksum
from bodycam.service.docking import Docking, Known, acknowledged, known_of
from bodycam.service.inlet import SenderGone, blocks_of
from bodycam.service.tus import HOLD_SECONDS, free_slot, free_spare, own, tail_key, take_hold
from bodycam.wire.digests import BLOCK_SIZE_BYTES

FINISH_TASK: Final = "bodycam.finish_upload"
SILENCE_SECONDS: Final = 30.0  # of a sender; then its place is another's
_RENEW_SECONDS: Final = 2.0
_AT_ONCE: Final = 8  # bodies in one process: each holds up to a block of 8 MiB
_PLACE_SECONDS: Final = 10.0
_PLACES: Final = asyncio.Semaphore(_AT_ONCE)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What one request wants: these bytes from this offset on."""

    offset_bytes: int
    body: AsyncIterable[bytes]
    body_bytes: int | None  # as declared
    length_bytes: int | None = None  # of the whole upload, told only now
    checksum: Checksum | None = None


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far the upload is now."""

    offset_bytes: int
    expires_at: datetime


@dataclass(kw_only=True)
class _Hold:
    """That this request alone writes to the upload, renewed every two seconds."""

    docking: Docking
    upload_id: UUID
    token: UUID
    until: float  # by this process's clock; nothing is written after it
    over: bool = False
    limit: asyncio.Timeout | None = None

    def check(self) -> None:
        if self.over or time.monotonic() > self.until:
            raise UploadLocked(f"upload {self.upload_id} goes on in another request")

    async def keep(self) -> None:
        while True:
            await asyncio.sleep(_RENEW_SECONDS)
            began = time.monotonic()
            async with transaction(self.docking.sessions) as session:
                wanted = await uploads.keep_hold(
                    session, upload_id=self.upload_id, token=self.token, seconds=HOLD_SECONDS
                )
            self.until = 0 if wanted is None else began + HOLD_SECONDS - 1
            if wanted is None or wanted:
                self.over = True
                if self.limit is not None:  # it waits for its sender: no longer
                    with contextlib.suppress(RuntimeError):  # it has just run out by itself
                        self.limit.reschedule(0)
                return

    async def watched(self, body: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
        """Yield the body as long as it comes and the hold lasts."""
        pieces = aiter(body)
        while True:
            if self.over:
                return
            try:
                async with asyncio.timeout(SILENCE_SECONDS) as self.limit:
                    piece = await anext(pieces)
            except (StopAsyncIteration, TimeoutError) as end:
                if isinstance(end, TimeoutError) and not self.over:
                    raise SenderGone("silent") from end
                return
            finally:
                self.limit = None
            yield piece


@dataclass(kw_only=True)
class _Under:
    """The upload as this request found it, and how far it has come since."""

    known: Known | None  # of the camera's manifest, where there is one
    object_key: str
    upload_ref: str
    length_bytes: int | None
    bytes_max: int
    offset_bytes: int  # acknowledged
    tail_slot: int | None
    held: bytearray = field(default_factory=bytearray)
    digests: list[tuple[int, bytes]] = field(default_factory=list)  # stored, not acknowledged yet
    stored_bytes: int = 0  # in whole blocks


async def append(
    docking: Docking, *, upload_id: UUID, asked: Asked, caller: Principal, now: datetime
) -> Progress:
    """Store the bytes of a request and return the new offset.

    Without a checksum what came whole before a cut is kept; with one, all of it or nothing.

    Raises:
        UploadNotFound, UploadExpired: begin a new upload.
        UploadLocked, UploadsTooMany, UploadCut, StoreFull, StoreSilent: ask for the offset and go
            on from there.
        OffsetWrong, RecordingTooLarge, UploadNotValid: nothing was stored.
        ChecksumWrong: nothing of the wrong bytes was kept.
    """
    token = uuid4()
    async with _place():
        began = time.monotonic()
        whole = await _take(docking, upload_id, asked, token=token, caller=caller, now=now)
        if whole is not None:
            return whole
        hold = _Hold(
            docking=docking, upload_id=upload_id, token=token, until=began + HOLD_SECONDS - 1
        )
        keeping = asyncio.create_task(hold.keep())
        try:
            return await _receive(docking, hold, asked, caller=caller)
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
            async with transaction(docking.sessions) as session:
                await uploads.let_go(session, upload_id=upload_id, token=token)


@contextlib.asynccontextmanager
async def _place() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(_PLACE_SECONDS):
            await _PLACES.acquire()
    except TimeoutError as error:
        raise UploadsTooMany(f"{_AT_ONCE} uploads are being received") from error
    try:
        yield
    finally:
        _PLACES.release()


async def _take(
    docking: Docking,
    upload_id: UUID,
    asked: Asked,
    *,
    token: UUID,
    caller: Principal,
    now: datetime,
) -> Progress | None:
    """Hold the upload for this request, or refuse before a byte is read.

    Returns how far it is where it is whole already and nothing more was sent.
    """
    async with transaction(docking.sessions) as session:
        row = own(await uploads.upload(session, upload_id, for_update=True), caller=caller, now=now)
        free = await take_hold(session, row, token=token)
        if free:
            _refuse(row, asked, bytes_max=docking.recording_bytes_max)  # rolls the hold back too
            if row.finished_at is not None:
                row.held_by = None
                return Progress(offset_bytes=row.offset_bytes, expires_at=row.expires_at)
            if asked.length_bytes is not None:
                row.length_bytes = asked.length_bytes
    if not free:
        raise UploadLocked(f"upload {upload_id} is being written to")
    return None


def _refuse(row: UploadRow, asked: Asked, *, bytes_max: int) -> None:
    if asked.offset_bytes != row.offset_bytes:
        raise OffsetWrong(f"upload {row.id} stands elsewhere", offset_bytes=row.offset_bytes)
    told, end = asked.length_bytes, row.length_bytes
    if told is not None and (end not in {None, told} or told < row.offset_bytes):
        raise UploadNotValid("Upload-Length was told otherwise before")
    end = told if end is None else end
    most = bytes_max if end is None else end
    if most > bytes_max or row.offset_bytes + (asked.body_bytes or 0) > most:
        raise RecordingTooLarge(f"more bytes than upload {row.id} takes", bytes_max=most)


async def _receive(docking: Docking, hold: _Hold, asked: Asked, *, caller: Principal) -> Progress:
    under = await _found(docking, hold.upload_id, caller=caller)
    hashing = asked.checksum.begin() if asked.checksum is not None else None
    cut = False
    try:
        async for block in blocks_of(
            _counted(hold.watched(asked.body), under, hashing), held=under.held
        ):
            await _store(docking, hold, under, block)
            if hashing is None:
                await _acknowledge(docking, hold, under, tail_slot=None)
            del block  # or it would stay until the next is whole
    except SenderGone:
        cut = True
    cut = cut or hold.over
    if asked.checksum is not None and hashing is not None:
        if cut:
            raise UploadCut("the body ended before its checksum could be made")
        if hashing.digest() != asked.checksum.digest:
            raise ChecksumWrong("the bytes are not those of the checksum")
    hold.over = hold.over and time.monotonic() > hold.until  # asked to let go: keep what came
    progress = await _store_rest(docking, hold, under)
    if cut:
        raise UploadCut("the body ended early", offset_bytes=progress.offset_bytes)
    return progress


async def _counted(body: AsyncIterable[bytes], under: _Under, hashing: Any) -> AsyncIterator[bytes]:
    """Yield the body; refuse what is past the end, hash it where a checksum was given."""
    end = under.bytes_max if under.length_bytes is None else under.length_bytes
    at = under.offset_bytes
    async for piece in body:
        at += len(piece)
        if at > end:
            raise RecordingTooLarge("more bytes came than the upload has", bytes_max=end)
        if hashing is not None:
            await asyncio.to_thread(hashing.update, piece)
        yield piece


async def _found(docking: Docking, upload_id: UUID, *, caller: Principal) -> _Under:
    """Return the upload with its tail read back into memory."""
    async with transaction(docking.sessions) as session:
        row = await uploads.upload(session, upload_id)
        if row is None:
            raise UploadExpired(f"upload {upload_id} is gone")
        known = None
        if row.recording_id is not None and row.finished_at is None:
            recording = await repository.recording(session, row.recording_id, with_evidence=True)
            known = known_of(recording, caller=caller, with_digests=True)
    under = _Under(
        known=known,
        object_key=row.object_key,
        upload_ref=known.upload_ref if known is not None else row.upload_ref,
        length_bytes=row.length_bytes,
        bytes_max=docking.recording_bytes_max,
        offset_bytes=row.offset_bytes,
        tail_slot=row.tail_slot,
        stored_bytes=row.offset_bytes - row.offset_bytes % BLOCK_SIZE_BYTES,
    )
    if known is not None:
        await _refuse_lost(docking, under, known)
    if under.tail_slot is not None and under.offset_bytes > under.stored_bytes:
        under.held += await docking.store.read(
            key=tail_key(upload_id, under.tail_slot),
            start=0,
            length=under.offset_bytes - under.stored_bytes,
        )
        if under.stored_bytes + len(under.held) != under.offset_bytes:
            raise UploadExpired(f"the store has lost bytes of upload {upload_id}")
    return under


async def _refuse_lost(docking: Docking, under: _Under, known: Known) -> None:
    """Refuse to go on where the recording was announced anew and what had come is forgotten."""
    blocks = under.stored_bytes // BLOCK_SIZE_BYTES
    if not known.open or under.length_bytes != known.found_bytes:
        raise UploadExpired(f"recording {known.recording_id} is not as it was")
    if blocks and not set(range(blocks)) <= await acknowledged(docking, known):
        raise UploadExpired(f"recording {known.recording_id} was begun anew")


async def _store(docking: Docking, hold: _Hold, under: _Under, block: bytes) -> None:
    """Put one block; it is not acknowledged yet."""
    number = under.stored_bytes // BLOCK_SIZE_BYTES
    digest = await asyncio.to_thread(lambda: hashlib.sha256(block).digest())
    if under.known is not None and digest != under.known.expected(number):
        raise ChecksumWrong(f"block {number} is not the one that was signed", blocks=[number])
    hold.check()
    try:
        await docking.store.put_part(
            key=under.object_key, upload=under.upload_ref, number=number, block=block
        )
    except PartsMissing as error:
        raise UploadExpired("the store has lost bytes of the upload") from error
    under.digests.append((number, digest))
    under.stored_bytes += len(block)


async def _store_rest(docking: Docking, hold: _Hold, under: _Under) -> Progress:
    """Store what is no whole block: as the last part where the upload is whole, else as a tail."""
    end = under.stored_bytes + len(under.held)
    if end == under.length_bytes:
        if under.held:
            await _store(docking, hold, under, bytes(under.held))
            under.held.clear()
        progress = await _acknowledge(docking, hold, under, tail_slot=None, finished=True)
        await free_spare(docking.store, hold.upload_id, 0, 1)
        return progress
    slot = under.tail_slot
    if under.held and end > under.offset_bytes:
        slot = 0 if under.tail_slot else 1
        hold.check()
        await _write_tail(docking, hold.upload_id, slot, bytes(under.held))
    return await _acknowledge(docking, hold, under, tail_slot=slot)


async def _write_tail(docking: Docking, upload_id: UUID, slot: int, content: bytes) -> None:
    await free_slot(docking.store, upload_id, slot)  # left by a killed process
    key = tail_key(upload_id, slot)
    upload = await docking.store.begin(key=key, size_bytes=len(content))
    await docking.store.put_part(key=key, upload=upload, number=0, block=content)
    await docking.store.seal(key=key, upload=upload, size_bytes=len(content))


async def _acknowledge(
    docking: Docking,
    hold: _Hold,
    under: _Under,
    *,
    tail_slot: int | None,
    finished: bool = False,
) -> Progress:
    """Move the offset over everything that is stored; from now on it is not asked for again."""
    now = utc_now()
    offset = under.stored_bytes + (len(under.held) if tail_slot is not None else 0)
    values: dict[str, Any] = {
        "offset_bytes": offset,
        "tail_slot": tail_slot,
        "expires_at": now + EXPIRES_AFTER,
    }
    if finished:
        values["finished_at"] = now
    async with transaction(docking.sessions) as session:
        moved = await uploads.move(
            session, upload_id=hold.upload_id, token=hold.token, values=values
        )
        if not moved:
            raise UploadLocked(f"upload {hold.upload_id} goes on in another request")
        await _note_parts(session, hold.upload_id, under, end=under.stored_bytes, now=now)
        if finished:
            arguments = {"upload_id": str(hold.upload_id)}
            await defer(session, queue=Queue.MEDIA, task=FINISH_TASK, arguments=arguments)
    under.digests.clear()
    left, under.tail_slot, under.offset_bytes = under.tail_slot, tail_slot, offset
    if left is not None and left != tail_slot:
        await free_spare(docking.store, hold.upload_id, left)
    return Progress(offset_bytes=offset, expires_at=now + EXPIRES_AFTER)


async def _note_parts(
    session: AsyncSession, upload_id: UUID, under: _Under, *, end: int, now: datetime
) -> None:
    if under.known is None:
        await uploads.put_digests(session, upload_id=upload_id, digests=under.digests)
        return
    connection = await driver_of(session)
    for number, digest in under.digests:
        added = await repository.add_part(
            connection,
            recording_id=under.known.recording_id,
            upload=under.upload_ref,
            number=number,
            sha256=digest,
            size_bytes=min(BLOCK_SIZE_BYTES, end - number * BLOCK_SIZE_BYTES),
            at=now,
        )
        if not added:
            raise UploadExpired(f"recording {under.known.recording_id} was begun anew")
