"""What anybody may read of the log, to check it without trusting us: no leaf's content."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.responses import PlainTextResponse

from app.access import Access
from app.audit import service
from app.audit.errors import TileNotFound
from app.audit.rules.tiles import TileNotValid, parse_tile_path
from app.audit.service import AuditTrail
from app.db import SessionsOfApp, transaction
from app.ports import KeysOfApp

_ANYBODY = Access(public_because="a log proves something only if anybody can check it")
_LEAF_INDEX_MAX = 2**62
_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}  # what a tile says stays so
_FOR_NOW = {"Cache-Control": "public, max-age=1"}

router = APIRouter(prefix="/log", tags=["log"], max_body_size=0)


async def _trail(request: Request) -> AuditTrail:
    trail: AuditTrail = request.app.state.trail
    return trail


TrailOfApp = Annotated[AuditTrail, Depends(_trail)]


@router.get("/checkpoint", dependencies=[Depends(_ANYBODY)])
async def checkpoint(sessions: SessionsOfApp) -> PlainTextResponse:
    """Return the newest checkpoint, cosigned where there is a witness (C2SP tlog-checkpoint)."""
    async with transaction(sessions) as session:
        return PlainTextResponse(await service.published_note(session), headers=_FOR_NOW)


@router.get("/tile/{tile_path:path}", dependencies=[Depends(_ANYBODY)])
async def tile(sessions: SessionsOfApp, tile_path: str) -> Response:
    """Return hashes of the tree (C2SP tlog-tiles); bundles of entries are not for the public."""
    try:
        asked = parse_tile_path(tile_path)
    except TileNotValid as error:
        raise TileNotFound(str(error)) from error
    async with transaction(sessions) as session:
        content = await service.tile_content(session, tile=asked)
    return Response(content, media_type="application/octet-stream", headers=_FOR_EVER)


@router.get("/growth/{earlier_size}", dependencies=[Depends(_ANYBODY)])
async def growth(
    sessions: SessionsOfApp, earlier_size: Annotated[int, Path(ge=0, le=_LEAF_INDEX_MAX)]
) -> PlainTextResponse:
    """Return the proof that the log continues its first leaves, as a witness is shown it."""
    async with transaction(sessions) as session:
        return PlainTextResponse(await service.proof_of_growth(session, earlier=earlier_size))


@router.get("/proof/{leaf_index}", dependencies=[Depends(_ANYBODY)])
async def proof(
    sessions: SessionsOfApp, leaf_index: Annotated[int, Path(ge=0, le=_LEAF_INDEX_MAX)]
) -> PlainTextResponse:
    """Return the proof that a leaf is in the newest checkpoint's tree (C2SP tlog-proof)."""
    async with transaction(sessions) as session:
        return PlainTextResponse(await service.proof_of_leaf(session, index=leaf_index))


@router.get("/key", dependencies=[Depends(_ANYBODY)])
async def key(sessions: SessionsOfApp, keys: KeysOfApp) -> PlainTextResponse:
    """Return the log's verifier key (C2SP signed-note); compare it with the printed one."""
    public_key = keys.checkpoint.public_key().public_bytes_raw()
    async with transaction(sessions) as session:
        return PlainTextResponse(await service.verifier_key(session, public_key=public_key))
