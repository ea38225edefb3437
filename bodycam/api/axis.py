"""The AXIS Body Worn content destination: OpenStack Swift as far as such a system uses it.

The system signs in with the credential of a dock of the unit. Answers are bare statuses, as a
Swift client expects them; 400 means never again, 5xx means try again.
"""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import ClientDisconnect

from app.access import Access, Caller, DeviceKind, Principal, Role
from app.audit.api import TrailOfApp
from app.clock import utc_now
from app.credentials import read_credential
from app.db import SessionsOfApp, transaction
from app.errors import DomainError, Kind
from app.ports import KeysOfApp, SettingsOfApp
from bodycam.api import DockingOfApp
from bodycam.door import content_length
from bodycam.errors.axis import (
    AxisBusy,
    AxisObjectCut,
    AxisObjectsNotGiven,
    AxisRequestNotKnown,
)
from bodycam.rules import axis as rules
from bodycam.rules.axis_connection import ITEMS_MAX, certificate_text
from bodycam.rules.axis_connection import connection_file as connection_file_of
from bodycam.service import axis as service
from bodycam.service import axis_keys
from devices import service as devices

_DOCK: Final = Access(devices=[DeviceKind.DOCK])
_KEEPER: Final = Access(roles=[Role.DEVICE_KEEPER])
_STRANGERS: Final = Access(public_because="a body-worn system shows its key here to get its token")
_ACCOUNT: Final = "/v1.0/{account}"
_AT_ONCE: Final = 8  # objects; each holds a block of 8 MiB
_AGAIN_SECONDS: Final = "5"
_OBJECT_BYTES_MAX: Final = 1 << 40  # the service asks for less, by the settings and by the kind
_STATUS: Final = {
    Kind.INVALID: 400,
    Kind.TOO_LARGE: 400,
    Kind.CONFLICT: 503,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.UNAVAILABLE: 503,
    Kind.FULL: 507,
}

router = APIRouter(prefix="/axis", tags=["axis"], max_body_size=0)
keepers = APIRouter(prefix="/api/axis", tags=["axis"], max_body_size=64 << 10)


class _Places:
    """How many objects are being received in this process."""

    taken = 0


@asynccontextmanager
async def _as_swift() -> AsyncIterator[None]:
    """Answer a refusal by the status that such a system acts on."""
    try:
        yield
    except DomainError as refusal:
        status = _STATUS[refusal.kind]
        again = {"Retry-After": _AGAIN_SECONDS} if status in {503, 507} else {}
        raise HTTPException(status, refusal.code, again) from refusal


@router.api_route(
    "/auth/v1.0",
    methods=["HEAD", "POST", "PUT", "DELETE", "PATCH"],
    dependencies=[Depends(_STRANGERS)],
)
async def sign_in_otherwise() -> Response:
    """Refuse any other method: a token is only ever asked for by GET."""
    async with _as_swift():
        raise AxisRequestNotKnown("a token is asked for by GET")


@router.get("/auth/v1.0", dependencies=[Depends(_STRANGERS)])
async def sign_in(request: Request, settings: SettingsOfApp) -> Response:
    """Give a token for the name and the key of the connection file."""
    shown = _Shown(headers={"device-credential": _credential_of(request)}, app=request.app)
    dock: Principal | None = await devices.authenticate_device(shown)
    if dock is None or dock.device_kind is not DeviceKind.DOCK:
        raise HTTPException(401, "access.device_not_known")
    until = utc_now() + timedelta(minutes=settings.device_token_minutes)
    _, _, secret = shown.headers["device-credential"].partition(".")
    headers = {
        "X-Auth-Token": devices.device_token(
            shown, secret=secret, device_id=dock.device, until=until
        ),
        "X-Storage-Url": f"{settings.public_url.rstrip('/')}/axis/v1.0/{dock.device}",
        "Cache-Control": "no-store",
    }
    return Response(None, 200, headers)


@dataclass(frozen=True)
class _Shown:
    headers: dict[str, str]
    app: Any


def _credential_of(request: Request) -> str:
    """Return the credential that the request shows, in whichever of the three ways."""
    headers = request.headers
    user = headers.get("X-Auth-User", "")
    key = headers.get("X-Auth-Key") or headers.get("Auth-Key", "")
    kind, _, encoded = headers.get("Authorization", "").partition(" ")
    if kind.lower() == "basic" and not key:
        try:
            user, _, key = base64.b64decode(encoded, validate=True).decode().partition(":")
        except ValueError:
            return ""
    text = f"{user}.{key}"
    return text if read_credential(text) is not None else ""


def _own(account: UUID, caller: Principal) -> None:
    """Refuse another system's account as if there were none."""
    if account != caller.device:
        raise HTTPException(404, "bodycam.axis_container_not_found")


@router.get(_ACCOUNT + "/System/{object_name:path}", dependencies=[Depends(_DOCK)])
async def read_system_object(
    account: UUID, object_name: str, docking: DockingOfApp, caller: Caller
) -> Response:
    """Return what we can do, our categories, or what the system itself has put there."""
    _own(account, caller)
    async with _as_swift():
        body, etag = await service.read_system_object(docking, name=object_name, caller=caller)
    return Response(body, 200, {"ETag": etag}, "application/json")


@router.head(_ACCOUNT + "/{container}", dependencies=[Depends(_DOCK)])
async def head_container(
    account: UUID, container: str, docking: DockingOfApp, caller: Caller
) -> Response:
    """Return a container's metadata."""
    _own(account, caller)
    async with _as_swift():
        metadata = await service.read_container(docking, name=container, caller=caller)
    return Response(None, 200, rules.headers_of(metadata, of_object=False))


@router.put(_ACCOUNT + "/{container}", dependencies=[Depends(_DOCK)])
async def put_container(
    account: UUID, container: str, request: Request, docking: DockingOfApp, caller: Caller
) -> Response:
    """Make a container, or add to its metadata; an empty value deletes its key."""
    _own(account, caller)
    async with _as_swift():
        new = await service.put_container(
            docking,
            name=container,
            metadata=rules.metadata_in(container, request.headers.items()),
            caller=caller,
            now=utc_now(),
        )
    return Response(None, 201 if new else 202)


@router.post(_ACCOUNT + "/{container}", dependencies=[Depends(_DOCK)])
async def post_container(
    account: UUID, container: str, request: Request, docking: DockingOfApp, caller: Caller
) -> Response:
    """Add to a container's metadata: with ``Status: Complete`` nothing more will come."""
    _own(account, caller)
    async with _as_swift():
        await service.post_container(
            docking,
            name=container,
            metadata=rules.metadata_in(container, request.headers.items()),
            caller=caller,
            now=utc_now(),
        )
    return Response(None, 204)


@router.head(_ACCOUNT + "/{container}/{object_name:path}", dependencies=[Depends(_DOCK)])
async def head_object(
    account: UUID, container: str, object_name: str, docking: DockingOfApp, caller: Caller
) -> Response:
    """Return an object's metadata, size and ETag."""
    _own(account, caller)
    async with _as_swift():
        metadata, size, etag = await service.read_object(
            docking, container=container, name=object_name, caller=caller
        )
    headers = rules.headers_of(metadata, of_object=True)
    return Response(None, 200, {**headers, "ETag": etag, "Content-Length": str(size)})


@router.put(
    _ACCOUNT + "/{container}/{object_name:path}",
    dependencies=[Depends(_DOCK)],
    max_body_size=_OBJECT_BYTES_MAX,
)
async def put_object(
    account: UUID,
    container: str,
    object_name: str,
    request: Request,
    docking: DockingOfApp,
    caller: Caller,
) -> Response:
    """Store an object; 201 means that it is on the disk, synced."""
    _own(account, caller)
    async with _as_swift(), _place():
        try:
            etag = await service.put_object(
                docking,
                container=container,
                name=object_name,
                metadata=rules.metadata_in(container, request.headers.items()),
                body=request.stream(),
                declared_bytes=content_length(request),
                etag=request.headers.get("ETag", "").strip('"').lower(),
                caller=caller,
                now=utc_now(),
            )
        except ClientDisconnect as gone:
            raise AxisObjectCut("the sender went away") from gone
    return Response(None, 201, {"ETag": etag})


@router.post(_ACCOUNT + "/{container}/{object_name:path}", dependencies=[Depends(_DOCK)])
async def post_object(
    account: UUID,
    container: str,
    object_name: str,
    request: Request,
    docking: DockingOfApp,
    caller: Caller,
) -> Response:
    """Replace an object's metadata."""
    _own(account, caller)
    async with _as_swift():
        await service.post_object(
            docking,
            container=container,
            name=object_name,
            metadata=rules.metadata_in(container, request.headers.items()),
            caller=caller,
        )
    return Response(None, 202)


@router.api_route(
    _ACCOUNT + "/{anything:path}",
    methods=["GET", "DELETE", "PATCH", "COPY", "OPTIONS"],
    dependencies=[Depends(_DOCK)],
)
async def anything_else(account: UUID, anything: str, request: Request, caller: Caller) -> Response:
    """Refuse what the protocol has no use for: footage is not read, and nothing is deleted."""
    _own(account, caller)
    async with _as_swift():
        if request.method == "GET" and anything:
            raise AxisObjectsNotGiven("only objects of System are given back")
        raise AxisRequestNotKnown(f"{request.method} is not of the protocol")


@asynccontextmanager
async def _place() -> AsyncIterator[None]:
    """Hold one of the places for objects; refuse before the first byte where all are taken."""
    if _Places.taken >= _AT_ONCE:
        raise AxisBusy(f"{_AT_ONCE} objects are being received")
    _Places.taken += 1
    try:
        yield
    finally:
        _Places.taken -= 1


class ConnectionFileBody(BaseModel):
    """For which dock the file is, and how the body-worn system reaches us."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    device_id: UUID
    site_name: str = Field(min_length=1, max_length=64)
    certificates_pem: list[Annotated[str, Field(max_length=12_000)]] = Field(
        default=[], max_length=ITEMS_MAX
    )
    encrypt: bool = False  # once true for a dock, it stays so


@keepers.post("/keys", status_code=201, dependencies=[Depends(_KEEPER)], max_body_size=0)
async def new_key(
    sessions: SessionsOfApp, keys: KeysOfApp, trail: TrailOfApp, caller: Caller
) -> dict[str, str]:
    """Make a new pair of keys for the unit; connection files carry it from now on."""
    async with transaction(sessions) as session:
        key_id = await axis_keys.make_key(
            session, trail=trail, caller=caller, vault=keys.vault, now=utc_now()
        )
    return {"key_id": str(key_id)}


@keepers.post("/connection-file", dependencies=[Depends(_KEEPER)])
async def connection_file(
    body: ConnectionFileBody,
    request: Request,
    sessions: SessionsOfApp,
    settings: SettingsOfApp,
    keys: KeysOfApp,
    trail: TrailOfApp,
    caller: Caller,
) -> Response:
    """Enroll the dock anew and return the file to import: its key is told this once."""
    certificates = [certificate_text(one, now=utc_now()) for one in body.certificates_pem]
    async with transaction(sessions) as session:
        credential = await devices.enroll_device(
            session, trail=trail, caller=caller, device_id=body.device_id, now=utc_now()
        )
        encryption = await axis_keys.encryption_for(
            session,
            trail=trail,
            caller=caller,
            dock_id=body.device_id,
            wanted=body.encrypt,
            vault=keys.vault,
            now=utc_now(),
        )
        user, _, key = credential.partition(".")
        # In the transaction: where no file can be made, the system keeps the key that it has.
        content = connection_file_of(
            site_name=body.site_name,
            version=request.app.version,
            addresses=[settings.public_url],
            certificates=certificates,
            user_name=user,
            key=key,
            public_key=(encryption.public_key, encryption.key_id) if encryption else None,
        )
    headers = {
        "Content-Disposition": 'attachment; filename="saqshy-connection.json"',
        "Cache-Control": "no-store",
    }
    return Response(content, 200, headers, "application/json")
