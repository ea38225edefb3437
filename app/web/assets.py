"""Our own CSS, ES modules and pictures, as they are, cached by the hash of their content.

And one module of others: the player for browsers without HLS of their own, where npm has installed
it (decision 0008).
"""

import functools
import hashlib
import os
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from starlette.datastructures import QueryParams
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC_PATH: Final = "/static"
_FOLDER: Final = Path(__file__).parent / "static"
_PLAYER: Final = "hls.light.min.mjs"
_PLAYER_FOLDER: Final = (
    Path(__file__).parents[2] / "deploy" / "player" / "node_modules" / "hls.js" / "dist"
)
_HASH_LETTERS: Final = 16
# Named by its hash it can never change; a module imported by another has no hash in its address
# and is asked for again by ETag.
_FOREVER: Final = "public, max-age=31536000, immutable"
_ASK_AGAIN: Final = "no-cache"


@functools.cache
def _hash_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:_HASH_LETTERS]


def static_url(name: str) -> str:
    """Return the address of a file of ``static/`` with the hash of its content.

    Raises:
        FileNotFoundError: a template names a file that is not there.
    """
    return f"{STATIC_PATH}/{name}?v={_hash_of(_file_of(name))}"


def player_url() -> str | None:
    """Return the address of the player for browsers without HLS; ``None``: it is not installed."""
    return static_url(_PLAYER) if _file_of(_PLAYER).exists() else None


class _Hashed(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        asked = QueryParams(scope["query_string"]).get("v")
        good = response.status_code in (200, 304)
        fresh = good and asked is not None and asked == _hash_of(_file_of(path))
        response.headers["Cache-Control"] = _FOREVER if fresh else _ASK_AGAIN
        return response

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        """Find the file; of the player's package the one file that is named, and no other."""
        if path == _PLAYER and _file_of(path).exists():
            return str(_file_of(path)), _file_of(path).stat()
        return super().lookup_path(path)


def _file_of(name: str) -> Path:
    return (_PLAYER_FOLDER if name == _PLAYER else _FOLDER) / name


def mount_static(app: FastAPI) -> None:
    """Serve ``static/`` under ``STATIC_PATH``, to anybody: it holds nothing of anybody."""
    app.mount(STATIC_PATH, _Hashed(directory=_FOLDER), name="static")
