"""Reading for the first time what was receipted unread.

A job, right after the receipt. Where the store vouched for the bytes one pass compares every block
and makes the index; where each part was compared as it came, only the boxes are read. A job that
was lost, or whose store was silent, is made up for by the hourly pass, before anything is read
again.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

import structlog

from app.db import transaction
from bodycam import repository
from bodycam.errors import ObjectAbsent, ObjectDamaged, ObjectKeyUnknown, StoreSilent
from bodycam.repository import custody
from bodycam.rules.life_cycle import UNREAD
from bodycam.service.completion import conclude_reading, written_digests
from bodycam.service.docking import Docking
from bodycam.service.examined import Examined, examine_stream, examine_written
from bodycam.service.scrubbing import Stored, note_read, stored_of

log = structlog.get_logger(__name__)

_AT_ONCE: Final = 200


async def read_back_waiting(docking: Docking, *, now: datetime) -> int:
    """Read every recording that is stored and not read yet; return how many are read."""
    async with transaction(docking.sessions) as session:
        waiting = await custody.unread(session, limit=_AT_ONCE)
    count = 0
    for recording_id in waiting:
        try:
            count += await read_back(docking, recording_id=recording_id, now=now)
        except (StoreSilent, ObjectKeyUnknown) as error:
            log.warning(
                "a recording could not be read back", recording=str(recording_id), code=error.code
            )
    return count


async def read_back(docking: Docking, *, recording_id: UUID, now: datetime) -> bool:
    """Index a stored recording, compared with its digests; return whether it is done now.

    Safe to repeat. A difference is a fault for a person, as at any reading; what plays is shown.

    Raises:
        StoreSilent: it stays unread.
    """
    async with transaction(docking.sessions) as session:
        row = await repository.recording(session, recording_id)
    stored = await stored_of(docking.sessions, recording_id)
    if row is None or row.status not in UNREAD or stored is None:
        return False
    reread = docking.store.takes_parts_itself
    try:
        examined = await (_compared if reread else _indexed)(docking, stored)
    except (ObjectAbsent, ObjectDamaged):
        examined = None
    if reread or examined is None:
        wrong = None if examined is None else _wrong(stored, examined)
        await note_read(docking.sessions, docking.trail, stored, wrong, now)
    if examined is None:
        return False
    async with transaction(docking.sessions) as session:
        row = await repository.recording(session, recording_id, with_evidence=True, for_update=True)
        if row is None or row.status not in UNREAD or row.destruction_begun_at is not None:
            return False
        await conclude_reading(session, docking, row, examined, reread=reread, now=now)
    return True


async def _compared(docking: Docking, stored: Stored) -> Examined | None:
    """Read every byte; ``None`` where they are not as many as were stored."""
    if await docking.store.size_of(key=stored.key) != stored.size_bytes:
        return None
    return await examine_stream(docking, object_key=stored.key, size_bytes=stored.size_bytes)


async def _indexed(docking: Docking, stored: Stored) -> Examined:
    """Read the boxes of what was compared part by part as it came."""
    async with transaction(docking.sessions) as session:
        digests = await written_digests(session, stored.recording_id, stored.size_bytes)
    return await examine_written(
        docking, object_key=stored.key, size_bytes=stored.size_bytes, digests=digests
    )


def _wrong(stored: Stored, examined: Examined) -> list[int]:
    """Return the blocks whose bytes are others than were receipted."""
    return [
        number
        for number, sha256 in enumerate(examined.digests)
        if sha256 != stored.expected(number)
    ]
