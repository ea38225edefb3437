"""What anybody may read of the log, to check it without trusting us: no leaf's content."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import PlainTextResponse

from app.access import Access
from app.audit import service
from app.audit.service import AuditTrail
from app.db import SessionsOfApp, transaction
from app.ports import KeysOfApp

_ANYBODY = Access(public_because="a log proves something only if anybody can check it")
_LEAF_INDEX_MAX = 2**62

router = APIRouter(prefix="/log", tags=["log"], max_body_size=0)


async def _trail(request: Request) -> AuditTrail:
    trail: AuditTrail = request.app.state.trail
    return trail


TrailOfApp = Annotated[AuditTrail, Depends(_trail)]


@router.get("/checkpoint", dependencies=[Depends(_ANYBODY)])
async def checkpoint(sessions: SessionsOfApp) -> PlainTextResponse:
    """Return the newest signed checkpoint (C2SP tlog-checkpoint)."""
    async with transaction(sessions) as session:
        return PlainTextResponse(await service.checkpoint_note(session))


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
