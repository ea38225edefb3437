"""The tus resumable upload protocol 1.0.0: core and six extensions; docs/protocols/tus.md.

For docks and cameras of other makes, and for a file recovered by hand: whoever sends shows the
credential of a dock of the unit. ``X-HTTP-Method-Override`` is not heard.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.utils import format_datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Header, HTTPException, Request, Response
from starlette.requests import ClientDisconnect

from app.access import Access, Caller, DeviceKind
from app.clock import utc_now
from app.errors import DomainError, Kind
from app.ports import SettingsOfApp
from bodycam.api import DockingOfApp
from bodycam.door import content_length
from bodycam.errors import BlockDiffers
from bodycam.errors.tus import ChecksumWrong, UploadExpired, UploadLocked
from bodycam.rules import tus as rules
from bodycam.service import Docking, tus
from bodycam.service.inlet import SenderGone
from bodycam.service.tus_receiving import Asked, Progress, append

_DOCK: Final = Access(devices=[DeviceKind.DOCK])
_ANYBODY: Final = Access(public_because="a client asks which version and extensions are spoken")
_BYTES_MAX: Final = 1 << 40  # the service asks for less, by the settings
_ALWAYS: Final = {"Tus-Resumable": rules.VERSION, "Cache-Control": "no-store"}
_PRECONDITION, _GONE, _LOCKED, _MEDIA, _CHECKSUM = 412, 410, 423, 415, 460
_OF_KIND: Final = {
    Kind.INVALID: 400,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.TOO_LARGE: 413,
    Kind.UNAVAILABLE: 503,
    Kind.FULL: 507,
}
_OF_CLASS: Final[dict[type[DomainError], int]] = {
    UploadExpired: _GONE,
    UploadLocked: _LOCKED,
    ChecksumWrong: _CHECKSUM,
    BlockDiffers: _CHECKSUM,
}
_AGAIN: Final = frozenset({_LOCKED, 503, 507})
_AGAIN_SECONDS: Final = "3"


async def _version(request: Request) -> None:
    """Refuse another version of the protocol before anything is looked at."""
    if request.headers.get("Tus-Resumable") != rules.VERSION:
        headers = {**_ALWAYS, "Tus-Version": rules.VERSION}
        raise HTTPException(_PRECONDITION, "Tus-Resumable: 1.0.0 is needed", headers)


router = APIRouter(prefix="/tus", tags=["tus"], max_body_size=0)
_SPOKEN: Final = [Depends(_DOCK), Depends(_version)]


@asynccontextmanager
async def _as_tus() -> AsyncIterator[None]:
    """Answer a refusal by the status that the protocol gives it."""
    try:
        yield
    except DomainError as refusal:
        status = _OF_CLASS.get(type(refusal), _OF_KIND[refusal.kind])
        again = {"Retry-After": _AGAIN_SECONDS} if status in _AGAIN else {}
        raise HTTPException(status, refusal.code, {**_ALWAYS, **again}) from refusal


@router.options("", dependencies=[Depends(_ANYBODY)])
async def options(settings: SettingsOfApp) -> Response:
    """Say what is spoken here."""
    headers = {
        **_ALWAYS,
        "Tus-Version": rules.VERSION,
        "Tus-Max-Size": str(settings.recording_bytes_max),
        "Tus-Extension": ",".join(rules.EXTENSIONS),
        "Tus-Checksum-Algorithm": ",".join(rules.ALGORITHMS),
    }
    return Response(None, 204, headers)


@router.post("", dependencies=_SPOKEN, max_body_size=_BYTES_MAX)
async def create(
    request: Request,
    docking: DockingOfApp,
    caller: Caller,
    length: Annotated[str | None, Header(alias="Upload-Length")] = None,
    defer: Annotated[str | None, Header(alias="Upload-Defer-Length")] = None,
    metadata: Annotated[str, Header(alias="Upload-Metadata")] = "",
) -> Response:
    """Begin an upload; its first bytes may come along."""
    now = utc_now()
    async with _as_tus():
        checksum = rules.read_checksum(request.headers.get("Upload-Checksum"))
        upload = await tus.create_upload(
            docking,
            metadata=metadata,
            length_bytes=rules.read_length(length, defer),
            caller=caller,
            now=now,
        )
        headers = {
            **_ALWAYS,
            "Location": f"/tus/{upload.upload_id}",
            "Upload-Expires": format_datetime(upload.expires_at, usegmt=True),
        }
        if request.headers.get("Content-Type") == rules.MEDIA_TYPE:
            asked = Asked(
                offset_bytes=0,
                body=_body(request),
                body_bytes=content_length(request),
                checksum=checksum,
            )
            progress = await _first_bytes(docking, upload.upload_id, asked, caller)
            headers["Upload-Offset"] = str(progress.offset_bytes)
    return Response(None, 201, headers)


async def _first_bytes(docking: Docking, upload_id: UUID, asked: Asked, caller: Caller) -> Progress:
    """Take the bytes that came along; where they are refused nobody learns of the upload."""
    now = utc_now()
    try:
        return await append(docking, upload_id=upload_id, asked=asked, caller=caller, now=now)
    except DomainError as refusal:
        await tus.give_up(docking, upload_id=upload_id, because=refusal, caller=caller, now=now)
        raise


@router.head("/{upload_id}", dependencies=_SPOKEN)
async def offset(upload_id: UUID, docking: DockingOfApp, caller: Caller) -> Response:
    """Say how far an upload is: every byte before the offset is on the disk."""
    async with _as_tus():
        upload = await tus.read_upload(docking, upload_id=upload_id, caller=caller, now=utc_now())
    headers = {
        **_ALWAYS,
        "Upload-Offset": str(upload.offset_bytes),
        "Upload-Expires": format_datetime(upload.expires_at, usegmt=True),
    }
    if upload.metadata:
        headers["Upload-Metadata"] = upload.metadata
    if upload.length_bytes is None:
        headers["Upload-Defer-Length"] = "1"
    else:
        headers["Upload-Length"] = str(upload.length_bytes)
    return Response(None, 200, headers)


@router.patch("/{upload_id}", dependencies=_SPOKEN, max_body_size=_BYTES_MAX)
async def patch(
    upload_id: UUID, request: Request, docking: DockingOfApp, caller: Caller
) -> Response:
    """Take bytes from the offset on; 204 means that they are on the disk, synced."""
    if request.headers.get("Content-Type") != rules.MEDIA_TYPE:
        raise HTTPException(_MEDIA, f"{rules.MEDIA_TYPE} is needed", _ALWAYS)
    async with _as_tus():
        told = request.headers.get("Upload-Length")
        asked = Asked(
            offset_bytes=rules.read_number(
                request.headers.get("Upload-Offset", ""), header="Upload-Offset"
            ),
            body=_body(request),
            body_bytes=content_length(request),
            length_bytes=(
                None if told is None else rules.read_number(told, header="Upload-Length")
            ),
            checksum=rules.read_checksum(request.headers.get("Upload-Checksum")),
        )
        progress = await append(
            docking, upload_id=upload_id, asked=asked, caller=caller, now=utc_now()
        )
    headers = {
        **_ALWAYS,
        "Upload-Offset": str(progress.offset_bytes),
        "Upload-Expires": format_datetime(progress.expires_at, usegmt=True),
    }
    return Response(None, 204, headers)


@router.delete("/{upload_id}", dependencies=_SPOKEN)
async def terminate(upload_id: UUID, docking: DockingOfApp, caller: Caller) -> Response:
    """End an upload that is not whole."""
    async with _as_tus():
        await tus.terminate_upload(docking, upload_id=upload_id, caller=caller, now=utc_now())
    return Response(None, 204, _ALWAYS)


async def _body(request: Request) -> AsyncIterator[bytes]:
    try:
        async for piece in request.stream():
            if piece:
                yield piece
    except ClientDisconnect as gone:
        raise SenderGone("the sender went away") from gone
