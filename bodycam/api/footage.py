"""Routes of what is made of a recording: shift playlists, pieces, small pictures, salvage."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse

from app.access import Access, Caller, Role
from app.audit.api import TrailOfApp
from app.clock import utc_now
from app.db import SessionsOfApp, transaction
from bodycam import service
from bodycam.api.ports import FootageOfApp, StoreOfApp, begun
from bodycam.errors import RangeNotSatisfiable
from bodycam.service import arriving, derived
from bodycam.wire.digests import content_digest

_REVIEWER: Final = Access(roles=[Role.COMPLAINTS_REVIEWER])
_PLAYLIST: Final = "application/vnd.apple.mpegurl"
_PRIVATE: Final = "private, no-store"
_HOUR_MAX: Final = 48
_GZIP_LEVEL: Final = 5
_PIECES_MAX: Final = 1_000_000
_PARTIAL, _MEANWHILE_INDEXED, _NOT_SATISFIABLE = 206, 303, 416

router = APIRouter(tags=["bodycam"], prefix="/api/recordings/{recording_id}", max_body_size=0)
Hour = Annotated[int | None, Query(ge=0, le=_HOUR_MAX)]


async def zipped(request: Request, text: str, media_type: str) -> Response:
    """Answer a text that may be long, zipped where the caller takes it so."""
    headers = {"Vary": "Accept-Encoding", "Cache-Control": _PRIVATE}
    body = text.encode()
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        body = await asyncio.to_thread(gzip.compress, body, _GZIP_LEVEL)
        headers["Content-Encoding"] = "gzip"
    return Response(body, media_type=media_type, headers=headers)


@router.get("/shift.m3u8", dependencies=[Depends(_REVIEWER)])
async def shift_playlist(
    recording_id: UUID,
    request: Request,
    sessions: SessionsOfApp,
    store: StoreOfApp,
    trail: TrailOfApp,
    caller: Caller,
    complaint_id: Annotated[UUID | None, Query()] = None,
    hour: Hour = None,
) -> Response:
    """Open all that the camera recorded while the same officer held it. Each opening is logged."""
    text = await service.open_shift(
        sessions,
        store,
        trail=trail,
        recording_id=recording_id,
        complaint_id=complaint_id,
        caller=caller,
        now=utc_now(),
        hour=hour,
    )
    return await zipped(request, text, _PLAYLIST)


@router.get("/arriving.m3u8", dependencies=[Depends(_REVIEWER)])
async def arriving_playlist(
    recording_id: UUID,
    request: Request,
    sessions: SessionsOfApp,
    store: StoreOfApp,
    trail: TrailOfApp,
    caller: Caller,
    complaint_id: Annotated[UUID | None, Query()] = None,
) -> Response:
    """Open what is there of a recording that is not indexed yet. Each opening is logged.

    Where it was indexed since the page was asked for, its own playlist is named.
    """
    text = await arriving.open_arriving(
        sessions,
        store,
        trail=trail,
        recording_id=recording_id,
        complaint_id=complaint_id,
        caller=caller,
        now=utc_now(),
    )
    if text is None:
        asked = f"?complaint_id={complaint_id}" if complaint_id is not None else ""
        headers = {"Cache-Control": _PRIVATE}
        return RedirectResponse(f"playlist.m3u8{asked}", _MEANWHILE_INDEXED, headers)
    return await zipped(request, text, _PLAYLIST)


@router.get("/arriving", dependencies=[Depends(_REVIEWER)])
async def arriving_bytes(
    recording_id: UUID,
    request: Request,
    sessions: SessionsOfApp,
    store: StoreOfApp,
    caller: Caller,
) -> Response:
    """Return one range of the bytes that are there, as far as they go without a hole."""
    headers = {"Accept-Ranges": "bytes", "Cache-Control": _PRIVATE}
    try:
        found = await arriving.bytes_of_arriving(
            sessions,
            store,
            recording_id=recording_id,
            asked=request.headers.get("Range", ""),
            caller=caller,
        )
    except RangeNotSatisfiable:
        return Response(None, _NOT_SATISFIABLE, headers)
    last = found.start + found.length - 1  # RFC 9110 15.3.7: less than was asked for may be given
    headers["Content-Length"] = str(found.length)
    headers["Content-Range"] = f"bytes {found.start}-{last}/{found.size_bytes}"
    stream = await begun(found.chunks)
    return StreamingResponse(stream, _PARTIAL, headers, media_type="video/mp4")


@router.get("/pieces/head.mp4", dependencies=[Depends(_REVIEWER)])
async def plain_head(
    recording_id: UUID, sessions: SessionsOfApp, store: FootageOfApp, caller: Caller
) -> Response:
    """Return the description of the tracks of a recording that is played by pieces."""
    head = await derived.head_of_plain(sessions, store, recording_id=recording_id, caller=caller)
    return Response(head, media_type="video/mp4", headers={"Cache-Control": _PRIVATE})


@router.get("/pieces/{piece_number}.m4s", dependencies=[Depends(_REVIEWER)])
async def plain_piece(
    recording_id: UUID,
    piece_number: Annotated[int, Path(ge=0, le=_PIECES_MAX)],
    sessions: SessionsOfApp,
    store: FootageOfApp,
    caller: Caller,
) -> Response:
    """Return one piece: a made head, and ranges of the stored file."""
    content, piece = await derived.piece_of_plain(
        sessions, store, recording_id=recording_id, number=piece_number, caller=caller
    )

    async def body() -> AsyncIterator[bytes]:
        yield piece.head
        async for chunk in derived.bytes_of_ranges(
            store, key=content.object_key, ranges=piece.ranges
        ):
            yield chunk

    headers = {"Cache-Control": _PRIVATE, "Content-Length": str(piece.size)}
    return StreamingResponse(body(), media_type="video/iso.segment", headers=headers)


@router.get("/storyboard.vtt", dependencies=[Depends(_REVIEWER)])
async def storyboard(
    recording_id: UUID, request: Request, sessions: SessionsOfApp, caller: Caller
) -> Response:
    """Return where on which sheet the small picture of each stretch is (WebVTT)."""
    async with transaction(sessions) as session:
        text = await derived.storyboard_of(session, recording_id=recording_id, caller=caller)
    return await zipped(request, text, "text/vtt")


@router.get("/sheets/{sheet_number}.jpg", dependencies=[Depends(_REVIEWER)])
async def sheet(
    recording_id: UUID,
    sheet_number: Annotated[int, Path(ge=0, le=1000)],
    sessions: SessionsOfApp,
    caller: Caller,
) -> Response:
    """Return a sheet of small pictures."""
    async with transaction(sessions) as session:
        picture = await derived.sheet_of(
            session, recording_id=recording_id, number=sheet_number, caller=caller
        )
    headers = {"Cache-Control": _PRIVATE, "X-Content-Type-Options": "nosniff"}
    return Response(picture, media_type="image/jpeg", headers=headers)


@router.get("/salvaged", dependencies=[Depends(_REVIEWER)])
async def salvaged(
    recording_id: UUID,
    sessions: SessionsOfApp,
    store: FootageOfApp,
    trail: TrailOfApp,
    caller: Caller,
) -> Response:
    """Take out the copy that plays of a damaged recording; it names its original. Logged."""
    found = await derived.take_salvaged(
        sessions, trail=trail, recording_id=recording_id, caller=caller, now=utc_now()
    )
    headers = {
        "Cache-Control": _PRIVATE,
        "Content-Length": str(found.salvaged.size_bytes),
        "Content-Disposition": f'attachment; filename="{recording_id}-salvaged.mp4"',
        "Repr-Digest": content_digest(bytes.fromhex(found.salvaged.sha256)),
        "Original-Root": found.salvaged.parent_root,
    }
    return StreamingResponse(found.stream(store), media_type="video/mp4", headers=headers)
