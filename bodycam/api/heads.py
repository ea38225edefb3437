"""The route of heads: what a dock sends of a recording before its bulk."""

from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.requests import ClientDisconnect

from app.access import Caller
from app.clock import utc_now
from bodycam.api import DOCK, DockingOfApp
from bodycam.door import content_length
from bodycam.errors import PartSizeWrong
from bodycam.service.heads import receive_head
from bodycam.wire import protocol
from bodycam.wire.manifest import HEAD_BYTES_MAX

router = APIRouter(tags=["bodycam"], max_body_size=HEAD_BYTES_MAX)


@router.put(protocol.PATH_HEAD, dependencies=[Depends(DOCK)])
async def put_head(
    recording_id: UUID, request: Request, docking: DockingOfApp, caller: Caller
) -> protocol.HeadStored:
    """Keep the head of a recording; the answer means that it is in the database, synced."""
    try:
        return await receive_head(
            docking,
            recording_id=recording_id,
            digest_header=request.headers.get(protocol.DIGEST_HEADER, ""),
            size_bytes=content_length(request),
            body=request.stream(),
            caller=caller,
            now=utc_now(),
        )
    except ClientDisconnect as gone:
        # Nobody reads this answer; what arrived is not kept.
        raise PartSizeWrong("the sender went away") from gone
