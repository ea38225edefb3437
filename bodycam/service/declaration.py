"""A recording that is announced again, its bytes declared otherwise than the time before."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import Principal
from bodycam import repository
from bodycam.errors import ObjectAbsent
from bodycam.models import RecordingRow
from bodycam.rules.declared import beside
from bodycam.rules.life_cycle import OPEN
from bodycam.service.docking import Docking, Known, acknowledged, forgotten, known_of
from bodycam.wire.digests import block_count, block_size
from bodycam.wire.protocol import Announce


async def take_declaration(
    session: AsyncSession,
    docking: Docking,
    row: RecordingRow,
    *,
    announce: Announce,
    caller: Principal,
) -> str:
    """Take what the dock found this time; what is stored otherwise than it is asked for now goes.

    What is stored as the camera signed it is never asked for otherwise, so it stays.

    Returns the reference of an upload that must be forgotten, or an empty text.
    """
    if row.status not in OPEN:
        return ""
    before = known_of(row, caller=caller, with_digests=True)
    stored = await _stored(session, docking, before)
    counts = beside(announce, stored)
    if row.found_bytes == counts.found_bytes and row.differing == counts.differing:
        return ""
    row.found_bytes, row.differing = counts.found_bytes, dict(counts.differing)
    after = known_of(row, caller=caller, with_digests=True)
    count = block_count(row.found_bytes)
    if docking.store.takes_parts_itself:
        spoilt = [
            number
            for number, (sha256, size) in stored.items()
            if number < count
            and size == block_size(number=number, size_bytes=row.found_bytes)
            and sha256 != after.expected(number)
        ]
        row.upload_ref, stale_upload = await _upload_after(
            docking, before, spoilt=bool(spoilt) or row.found_bytes == 0
        )
        return stale_upload
    await session.flush()
    stale = [
        number
        for number, (sha256, _) in stored.items()
        if number >= count or sha256 != after.expected(number)
    ]
    if stale:
        await repository.drop_parts(session, recording_id=row.id, numbers=stale)
    return ""


async def _stored(
    session: AsyncSession, docking: Docking, known: Known
) -> dict[int, tuple[bytes, int]]:
    """Return digest and size of each part that is stored.

    A store that takes parts itself was given addresses for the bytes that were asked for.
    """
    if not docking.store.takes_parts_itself:
        return await repository.part_digests(session, recording_id=known.recording_id)
    if forgotten(known.upload_ref) is not None:
        return {}
    return {
        number: (known.expected(number), block_size(number=number, size_bytes=known.found_bytes))
        for number in await acknowledged(docking, known)
    }


async def _upload_after(docking: Docking, before: Known, *, spoilt: bool) -> tuple[str, str]:
    """Return the upload that goes on, or none, and the one that must be forgotten, or none.

    One that goes on may still be given bytes that were asked for before: its object is read
    before it counts.
    """
    upload = before.upload_ref
    if not upload or forgotten(upload) is not None:
        return upload, ""
    try:
        await docking.store.stored_parts(key=before.object_key, upload=upload)
    except ObjectAbsent:  # it is one object by now, which takes no part
        return "", upload
    return ("", upload) if spoilt else (docking.store.unvouched(upload=upload), "")
