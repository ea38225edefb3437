"""Our own CSS, ES modules and pictures, as they are, cached by the hash of their content."""

import functools
import hashlib
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from starlette.datastructures import QueryParams
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC_PATH: Final = "/static"
_FOLDER: Final = Path(__file__).parent / "static"
_HASH_LETTERS: Final = 16
# Named by its hash it can never change; a module imported by another has no hash in its address
# and is asked for again by ETag.
_FOREVER: Final = "public, max-age=31536000, immutable"
_ASK_AGAIN: Final = "no-cache"


@functools.cache
def _hash_of(name: str) -> str:
    return hashlib.sha256((_FOLDER / name).read_bytes()).hexdigest()[:_HASH_LETTERS]


def static_url(name: str) -> str:
    """Return the address of a file of ``static/`` with the hash of its content.

    Raises:
        FileNotFoundError: a template names a file that is not there.
    """
    return f"{STATIC_PATH}/{name}?v={_hash_of(name)}"


class _Hashed(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        asked = QueryParams(scope["query_string"]).get("v")
        good = response.status_code in (200, 304)
        fresh = good and asked is not None and asked == _hash_of(path)
        response.headers["Cache-Control"] = _FOREVER if fresh else _ASK_AGAIN
        return response


def mount_static(app: FastAPI) -> None:
    """Serve ``static/`` under ``STATIC_PATH``, to anybody: it holds nothing of anybody."""
    app.mount(STATIC_PATH, _Hashed(directory=_FOLDER), name="static")
