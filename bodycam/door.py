"""The door for parts: the one route through which footage comes, and all that it needs.

The server has it among its routes. It is also served alone, by a process that holds nothing else
(decision 0040); so nothing is imported here that a part does not need.
"""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request
from starlette.requests import ClientDisconnect

from app.access import Access, Caller, DeviceKind
from app.clock import utc_now
from bodycam.errors import PartSizeWrong
from bodycam.service.receiving import Receiving, receive_part
from bodycam.wire import protocol
from bodycam.wire.digests import BLOCK_SIZE_BYTES

_DOCK: Final = Access(devices=[DeviceKind.DOCK])
_PART_NUMBER_MAX: Final = 9_999

router = APIRouter(tags=["bodycam"])


async def _receiving(request: Request) -> Receiving:
    state = request.app.state
    return Receiving(direct=state.direct, store=state.store)


ReceivingOfApp = Annotated[Receiving, Depends(_receiving)]
PartNumber = Annotated[int, Path(ge=0, le=_PART_NUMBER_MAX)]


@router.put(protocol.PATH_PART, dependencies=[Depends(_DOCK)], max_body_size=BLOCK_SIZE_BYTES)
async def put_part(
    recording_id: UUID,
    part_number: PartNumber,
    request: Request,
    receiving: ReceivingOfApp,
    caller: Caller,
) -> protocol.PartStored:
    """Store one part; the answer means that it is synced to the disk."""
    try:
        return await receive_part(
            receiving,
            recording_id=recording_id,
            number=part_number,
            digest_header=request.headers.get(protocol.DIGEST_HEADER, ""),
            size_bytes=content_length(request),
            body=request.stream(),
            caller=caller,
            now=utc_now(),
        )
    except ClientDisconnect as gone:
        # Nobody reads this answer; what arrived is not acknowledged.
        raise PartSizeWrong("the sender went away") from gone


def content_length(request: Request) -> int | None:
    """Return the length of the body as the request declares it."""
    text = request.headers.get("Content-Length", "")
    return int(text) if text.isascii() and text.isdigit() else None
