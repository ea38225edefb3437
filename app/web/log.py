"""The page of the log: an entry by its index, its proof, the checkpoint, and how to check it."""

import json
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse

from app.access import Access, Caller, Role
from app.audit import service as audit
from app.audit.api import TrailOfApp
from app.audit.errors import LeafNotFound, LogEmpty
from app.clock import utc_now
from app.db import SessionsOfApp, transaction
from app.ports import KeysOfApp, SettingsOfApp
from app.web.rendering import page
from app.web.viewer import viewer_of

_STAFF = Access(roles=Role)
_INDEX_MAX: Final = 2**62

router = APIRouter(prefix="/console/log", max_body_size=0)

Entry = Annotated[int | None, Query(ge=0, le=_INDEX_MAX)]


@router.get("", dependencies=[Depends(_STAFF)])
async def log_page(
    request: Request,
    caller: Caller,
    sessions: SessionsOfApp,
    trail: TrailOfApp,
    keys: KeysOfApp,
    settings: SettingsOfApp,
    entry: Entry = None,
) -> HTMLResponse:
    """Show the newest checkpoint and, where one is asked for, an entry that the caller may read."""
    leaf, hidden, checkpoint, key = None, False, None, ""
    async with transaction(sessions) as session:
        viewer = await viewer_of(session, caller=caller)
        try:
            checkpoint = await audit.published_checkpoint(session)
            public_key = keys.checkpoint.public_key().public_bytes_raw()
            key = await audit.verifier_key(session, public_key=public_key)
            if entry is not None:
                leaf = await audit.read_leaf(
                    session, trail=trail, caller=caller, index=entry, now=utc_now()
                )
        except LogEmpty:
            hidden = entry is not None
        except LeafNotFound:
            hidden = True
    context = {
        "viewer": viewer,
        "entry": entry,
        "leaf": leaf,
        "fields": _shown(leaf) if leaf is not None else [],
        "hidden": hidden,
        "checkpoint": checkpoint,
        "key": key.strip(),
        "witness": settings.witness_url is not None,
    }
    return page(request, "log.html", context)


@router.get("/leaf", dependencies=[Depends(_STAFF)])
async def leaf_bytes(
    caller: Caller,
    sessions: SessionsOfApp,
    trail: TrailOfApp,
    entry: Annotated[int, Query(ge=0, le=_INDEX_MAX)] = 0,
) -> Response:
    """Hand out the exact bytes of an entry that the caller may read: what its proof is about."""
    async with transaction(sessions) as session:
        leaf = await audit.read_leaf(
            session, trail=trail, caller=caller, index=entry, now=utc_now()
        )
    headers = {
        "Content-Disposition": f'attachment; filename="leaf-{entry}.json"',
        "Cache-Control": "no-store",
    }
    return Response(leaf.leaf, media_type="application/json", headers=headers)


def _shown(leaf: audit.ShownLeaf) -> list[tuple[str, str]]:
    """Return the entry's values as a reader sees them, the event's own fields last."""
    outer = [(name, value) for name, value in leaf.content.items() if name != "fields"]
    fields = leaf.content.get("fields")
    inner = fields.items() if isinstance(fields, dict) else ()
    return [(name, _text(value)) for name, value in (*outer, *inner)]


def _text(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    return str(value)
