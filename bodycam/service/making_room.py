"""Room in the store for a recording, and whether what was acknowledged of it is there still."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncSession

from app.db import transaction
from bodycam import repository
from bodycam.errors import RecordingNotFound
from bodycam.models import RecordingRow
from bodycam.rules.life_cycle import OPEN, RecordingStatus, next_recording_status
from bodycam.service.docking import Docking, Known, acknowledged, begun_anew, forgotten
from bodycam.storage import of_file


async def make_room(docking: Docking, known: Known) -> Known:
    """Reserve the object's bytes and open the upload; repeatable."""
    spent = forgotten(known.upload_ref)
    if spent is not None:
        if spent:
            await docking.store.discard(key=known.object_key, upload=spent)
        await docking.store.destroy(key=known.object_key, upload=spent)
    elif docking.store.takes_parts_itself and known.upload_ref and not of_file(known.upload_ref):
        return known
    if known.stale_upload:
        await docking.store.discard(key=known.object_key, upload=known.stale_upload)
    upload = await docking.store.begin(key=known.object_key, size_bytes=known.found_bytes)
    lost = await _lost_before(docking, known)
    async with transaction(docking.sessions) as session:
        row = await repository.recording(session, known.recording_id, for_update=True)
        if row is None:
            raise RecordingNotFound(f"no recording {known.recording_id}")
        if row.status is RecordingStatus.ANNOUNCED:
            row.status = next_recording_status(row.status, RecordingStatus.RECEIVING)
        # Two announcements at once: the first upload counts.
        if row.status in OPEN and row.upload_ref == known.upload_ref:
            await _take_upload(session, row, upload=upload, lost=lost)
        # What was found is the row's too: no address into an upload is signed for other bytes.
        now = replace(
            known,
            status=row.status,
            upload_ref=row.upload_ref,
            found_bytes=row.found_bytes,
            differing=dict(row.differing),
            stale_upload="",
        )
    if spent is None and forgotten(now.upload_ref) is not None:
        return await make_room(docking, now)
    if upload and upload != now.upload_ref:
        await _forget_spare(docking, now, upload)
    return now


async def _forget_spare(docking: Docking, now: Known, upload: str) -> None:
    """Forget the upload of who came second; a file is the same for both, and stays.

    Where the recording is whole or empty by now nothing is touched: an object without a mark
    would be taken for this upload's.
    """
    if docking.store.takes_parts_itself and now.open and now.found_bytes:
        await docking.store.discard(key=now.object_key, upload=upload)


async def _lost_before(docking: Docking, known: Known) -> list[int]:
    """Return the parts that are not there, where an earlier release kept no reference."""
    if known.upload_ref or docking.store.takes_parts_itself:
        return []
    numbers = sorted(await acknowledged(docking, known))
    lost = await docking.store.lost_parts(
        key=known.object_key, numbers=numbers, size_bytes=known.found_bytes
    )
    return lost or []  # where only reading tells, all is read before the receipt


async def _take_upload(
    session: AsyncSession, row: RecordingRow, *, upload: str, lost: Sequence[int]
) -> None:
    """Let the row be of the upload; where what came is gone, all of it is asked for again.

    What lies in its place, whole or not, is nobody's: it is forgotten too.
    """
    if of_file(row.upload_ref) and upload != row.upload_ref:
        if upload:  # else it is whole and does not open: its completion begins it anew
            await repository.drop_parts(session, recording_id=row.id)
            row.upload_ref = begun_anew(upload)
        return
    if lost:
        await repository.drop_parts(session, recording_id=row.id, numbers=lost)
    row.upload_ref = upload
