"""The composition root of the byte door: the route of parts alone, in a process of its own.

Whole, the server takes 160 MiB before its first byte; this holds what a part needs and no other
slice, service or page; so it runs as ``python -m app.door`` and not by the command line. What it
answers is what the server would have answered: it is the same route under the same ``Access``,
with the same refusals and the same middleware.
"""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from starlette.types import ASGIApp

import bodycam.door
from app import keys, logs, problems
from app.access import refuse_open_routes
from app.db import Direct, open_direct
from app.middleware import Requests
from app.runtime.bodies import Limits, run
from app.settings import Settings, StoreKind
from bodycam.storage import ObjectStore, make_store
from bodycam.wire.digests import BLOCK_SIZE_BYTES
from devices.service.credentials import authenticate_device


class NoDoor(ValueError):
    """There is nothing for this process to do; the message names the setting."""


def serve(settings: Settings) -> None:
    """Receive parts until told to stop.

    Raises:
        NoDoor: no port or no database is set, or the store takes its parts itself.
    """
    if not settings.parts_port:
        raise NoDoor("set SAQSHY_PARTS_PORT")
    if settings.database_url is None:
        raise NoDoor("set DATABASE_URL, or use 'up', which brings its own database")
    if settings.object_store is not StoreKind.DIRECTORY:
        raise NoDoor("parts go straight to the object store: nothing comes through here")
    run(
        lambda: _opened(settings),
        host=settings.host,
        port=settings.parts_port,
        limits=Limits(body_bytes=BLOCK_SIZE_BYTES, connections=settings.parts_connections_max),
    )


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[ASGIApp]:
    url = settings.database_url
    async with open_direct(
        url.get_secret_value() if url else "",
        pool_size=settings.database_pool_size,
        statement_timeout_seconds=settings.statement_timeout_seconds,
    ) as direct:
        store = make_store(settings, keys=keys.load(settings.keys).objects)
        yield create_door(settings, direct=direct, store=store)


def create_door(settings: Settings, *, direct: Direct, store: ObjectStore) -> FastAPI:
    """Return the application of the door.

    Raises:
        RouteNotClosed: a route does not declare who may call it.
    """
    door = FastAPI(
        title="Saqshy: parts",
        max_body_size=settings.body_bytes_max,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    door.state.direct, door.state.store = direct, store
    door.state.authenticate_device = authenticate_device
    door.state.token_key = None  # parts come from docks of ours, which show no tokens
    problems.install(door, page=_no_page)
    door.include_router(bodycam.door.router)
    refuse_open_routes(door)
    door.add_middleware(
        Requests, concurrency_max=settings.concurrency_max, signer_url=settings.ncalayer_url
    )
    return door


def _no_page(_request: Request, _status: int, _code: str) -> Response | None:
    return None


def main() -> None:
    """Run the door by the settings of the environment."""
    os.umask(0o077)  # what is written is for the server's user alone
    logs.configure()
    try:
        serve(Settings())
    except ValueError as error:
        sys.exit(f"cannot go on: {error}")


if __name__ == "__main__":
    main()
