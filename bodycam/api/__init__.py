"""Routes of the body-camera slice: the dock protocol, recordings, complaints."""

import asyncio
from datetime import UTC
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime

from app.access import Access, Caller, DeviceKind, Role
from app.audit.api import TrailOfApp
from app.clock import utc_now
from app.db import SessionsOfApp, transaction
from app.ports import KeysOfApp, SettingsOfApp
from bodycam import schemas, service
from bodycam.api.footage import Hour, zipped
from bodycam.api.ports import CiphersOfApp, FootageOfApp, StoreOfApp, begun
from bodycam.errors import RangeNotSatisfiable
from bodycam.rules.ranges import ByteRange, read_range
from bodycam.rules.signing import public_key_text
from bodycam.wire import protocol
from bodycam.wire.manifest import SignedReceipt

DOCK: Final = Access(devices=[DeviceKind.DOCK])
_REVIEWER: Final = Access(roles=[Role.COMPLAINTS_REVIEWER])
_COMPLAINT_BYTES_MAX: Final = 64 << 10
_PARALLEL_PARTS_MAX: Final = 3  # more only makes the parts wait for each other on one disk
_PLAYLIST: Final = "application/vnd.apple.mpegurl"
_PARTIAL, _WHOLE, _NOT_SATISFIABLE = 206, 200, 416

router = APIRouter(tags=["bodycam"])


async def _docking(
    sessions: SessionsOfApp,
    store: StoreOfApp,
    trail: TrailOfApp,
    settings: SettingsOfApp,
    ciphers: CiphersOfApp,
) -> service.Docking:
    return service.Docking(
        sessions=sessions,
        store=store,
        trail=trail,
        recording_bytes_max=settings.recording_bytes_max,
        ciphers=ciphers,
    )


DockingOfApp = Annotated[service.Docking, Depends(_docking)]


@router.get(protocol.PATH_HELLO, dependencies=[Depends(DOCK)])
async def hello(keys: KeysOfApp, settings: SettingsOfApp, response: Response) -> protocol.Hello:
    """Tell the dock who we are, by the key that our receipts are signed with."""
    if settings.parts_url is not None:  # a header: docks of before know no further field
        response.headers[protocol.PARTS_URL_HEADER] = str(settings.parts_url).rstrip("/")
    return protocol.Hello(
        server_time=utc_now(),
        receipt_key=public_key_text(keys.receipt),
        parallel_parts_max=_PARALLEL_PARTS_MAX,
    )


@router.post(
    protocol.PATH_ANNOUNCE,
    dependencies=[Depends(DOCK)],
    max_body_size=protocol.ANNOUNCE_BYTES_MAX,
)
async def announce(request: Request, docking: DockingOfApp, caller: Caller) -> protocol.UploadPlan:
    """Take note of a recording in the dock; answers which parts to send, and where."""
    # A long track takes a third of a second to parse: not on the event loop.
    body = await request.body()
    announced = await asyncio.to_thread(service.read_announce, body)
    return await service.announce_recording(
        docking, announce=announced, caller=caller, now=utc_now()
    )


@router.get(protocol.PATH_STATUS, dependencies=[Depends(DOCK)])
async def status(recording_id: UUID, docking: DockingOfApp, caller: Caller) -> protocol.Status:
    """Tell which parts are acknowledged."""
    return await service.status_of(docking, recording_id=recording_id, caller=caller)


@router.post(protocol.PATH_COMPLETE, dependencies=[Depends(DOCK)], max_body_size=0)
async def complete(
    recording_id: UUID, docking: DockingOfApp, keys: KeysOfApp, caller: Caller
) -> SignedReceipt:
    """Seal, verify and index the recording; answers the receipt, the same each time."""
    return await service.complete_recording(
        docking,
        recording_id=recording_id,
        receipt_key=keys.receipt,
        caller=caller,
        now=utc_now(),
    )


@router.get("/api/recordings/{recording_id}", dependencies=[Depends(_REVIEWER)])
async def read_recording(
    recording_id: UUID, sessions: SessionsOfApp, caller: Caller
) -> schemas.RecordingAnswer:
    """Return what is known of a recording, without its footage."""
    async with transaction(sessions) as session:
        facts = await service.read_recording(session, recording_id=recording_id, caller=caller)
    return schemas.RecordingAnswer.model_validate(facts)


@router.get("/api/recordings/{recording_id}/playlist.m3u8", dependencies=[Depends(_REVIEWER)])
async def playlist(
    recording_id: UUID,
    request: Request,
    sessions: SessionsOfApp,
    trail: TrailOfApp,
    caller: Caller,
    complaint_id: Annotated[UUID | None, Query()] = None,
    hour: Hour = None,
) -> Response:
    """Open the recording for playing: an HLS playlist over ``content``. Each opening is logged.

    ``hour``, counted from 0, asks for one hour of it.
    """
    text = await service.open_playlist(
        sessions,
        trail=trail,
        recording_id=recording_id,
        complaint_id=complaint_id,
        caller=caller,
        now=utc_now(),
        hour=hour,
    )
    return await zipped(request, text, _PLAYLIST)


@router.api_route(
    "/api/recordings/{recording_id}/content",
    methods=["GET", "HEAD"],
    dependencies=[Depends(_REVIEWER)],
)
async def content(
    recording_id: UUID,
    request: Request,
    sessions: SessionsOfApp,
    store: StoreOfApp,
    footage: FootageOfApp,
    caller: Caller,
    form: Annotated[Literal["shown", "original"], Query()] = "shown",
) -> Response:
    """Return the stored bytes, or one range of them (RFC 9110 section 14).

    An encrypted recording is shown in clear; ``form=original`` asks for the bytes as they came,
    which are those that its hashes are over.
    """
    original = form == "original"
    found = await service.open_content(
        sessions, recording_id=recording_id, caller=caller, original=original
    )
    etag = f'"{found.etag}"'
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-store",
        "Content-Type": "video/mp4",
        "ETag": etag,
    }
    try:
        part = _asked_range(request, size_bytes=found.size_bytes, etag=etag)
    except RangeNotSatisfiable:
        headers["Content-Range"] = f"bytes */{found.size_bytes}"
        return Response(None, _NOT_SATISFIABLE, headers)
    span = part or ByteRange(0, found.size_bytes)
    headers["Content-Length"] = str(span.length)
    if part is not None:
        headers["Content-Range"] = f"bytes {span.start}-{span.last}/{found.size_bytes}"
    code = _WHOLE if part is None else _PARTIAL
    if request.method == "HEAD":
        return Response(None, code, headers)
    reader = store if original else footage
    stream = service.bytes_of(reader, found, start=span.start, length=span.length)
    return StreamingResponse(await begun(stream), code, headers)


def _asked_range(request: Request, *, size_bytes: int, etag: str) -> ByteRange | None:
    if request.method == "HEAD":
        return None  # RFC 9110 section 14.2: Range is for GET alone
    # Section 13.1.5: a range of another representation would be spliced into ours.
    if request.headers.get("If-Range", etag) != etag:
        return None
    return read_range(request.headers.get("Range", ""), size_bytes=size_bytes)


@router.post(
    "/api/complaints",
    status_code=201,
    dependencies=[Depends(_REVIEWER)],
    max_body_size=_COMPLAINT_BYTES_MAX,
)
async def register_complaint(
    body: schemas.ComplaintBody, sessions: SessionsOfApp, trail: TrailOfApp, caller: Caller
) -> schemas.ComplaintAnswer:
    """Register a complaint and find every recording that passed its place in its time."""
    new = service.NewComplaint(
        kind=body.kind,
        place=body.place,
        latitude=body.latitude,
        longitude=body.longitude,
        radius_meters=body.radius_m,
        seen_from=body.seen_from.astimezone(UTC),
        seen_to=body.seen_to.astimezone(UTC),
        text=body.text,
        complainant_name=body.complainant.name,
        complainant_contact=body.complainant.contact,
    )
    async with transaction(sessions) as session:
        complaint = await service.register_complaint(
            session, trail=trail, new=new, caller=caller, now=utc_now()
        )
    return schemas.ComplaintAnswer.model_validate(complaint)


@router.get("/api/complaints", dependencies=[Depends(_REVIEWER)])
async def list_complaints(
    sessions: SessionsOfApp,
    caller: Caller,
    before: Annotated[AwareDatetime | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> list[schemas.ComplaintLine]:
    """Return the department's complaints, newest first; ``before`` turns the page."""
    async with transaction(sessions) as session:
        lines = await service.list_complaints(session, caller=caller, before=before, limit=limit)
    return [schemas.ComplaintLine.model_validate(line) for line in lines]


@router.get("/api/complaints/{complaint_id}", dependencies=[Depends(_REVIEWER)])
async def read_complaint(
    complaint_id: UUID, sessions: SessionsOfApp, trail: TrailOfApp, caller: Caller
) -> schemas.ComplaintAnswer:
    """Return the complaint with the recordings found now."""
    async with transaction(sessions) as session:
        complaint = await service.read_complaint(
            session, trail=trail, complaint_id=complaint_id, caller=caller, now=utc_now()
        )
    return schemas.ComplaintAnswer.model_validate(complaint)
