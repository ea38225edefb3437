"""Small pictures of a recording whose bulk is still on the way: made of its head alone."""

import asyncio
from typing import Final
from uuid import UUID

from app.clock import utc_now
from app.db import transaction
from bodycam import repository
from bodycam.errors import MediaToolFailed, MediaToolRefused
from bodycam.media import picture_sheet
from bodycam.repository import findings
from bodycam.repository import heads as statements
from bodycam.rules.boxes import NotMp4
from bodycam.rules.heads import index_of_head, showable
from bodycam.rules.key_frames import Chosen, choose_pictures
from bodycam.rules.life_cycle import OPEN
from bodycam.rules.moof import BoxesBroken
from bodycam.rules.storyboard import Sheet, planned
from bodycam.service.examining import Examining
from bodycam.wire.head import read_head

_FIRST: Final = 0  # the sheet over the whole recording


async def preview_recording(examining: Examining, *, recording_id: UUID) -> None:
    """Make the first sheet of a recording that is still arriving; repeatable.

    What cannot be made is left to the examination after the bulk: nothing is noted of it.
    """
    async with transaction(examining.sessions) as session:
        row = await repository.recording(session, recording_id)
        head = await statements.head_of(session, recording_id, with_content=True)
        made = await findings.sheets_of(session, recording_id)
    if row is None or row.status not in OPEN or made or head is None or head.content is None:
        return
    try:
        sheet, chosen = await asyncio.to_thread(_choose, head.content)
        picture = await picture_sheet(
            sandbox=examining.sandbox,
            codec=chosen.codec,
            set_up=chosen.set_up,
            frames=chosen.frames,
        )
    except (BoxesBroken, NotMp4, MediaToolFailed, MediaToolRefused):
        return
    async with transaction(examining.sessions) as session:
        # Under the lock of the row: the bulk may be here by now, and then its bytes count.
        row = await repository.recording(session, recording_id, for_update=True)
        if row is not None and row.status in OPEN:
            await findings.put_sheet(
                session, recording_id=recording_id, sheet=sheet, picture=picture, at=utc_now()
            )


def _choose(content: bytes) -> tuple[Sheet, Chosen]:
    head = read_head(content)
    index = showable(index_of_head(head), head)
    sheet = planned(index.duration_ms)[_FIRST]
    chosen = choose_pictures(
        read_at=head.read_at,
        size_bytes=head.table.size_bytes,
        index=index,
        plain=False,
        instants_ms=sheet.instants_ms,
    )
    return sheet, chosen
