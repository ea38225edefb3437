"""The composition root: builds the application, and is the only module that knows every slice."""

import asyncio
import contextlib
import functools
import gc
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

import prometheus_client
import sqlalchemy as sa
from fastapi import APIRouter, Depends, FastAPI

import app.audit.api
import app.exchange.api
import app.identity.api
import app.web.pages
import bodycam.api
import bodycam.api.axis
import bodycam.api.coverage
import bodycam.api.custody
import bodycam.api.footage
import bodycam.api.heads
import bodycam.api.tus
import bodycam.door
import devices.api
import fines.api
from app import logs, problems
from app.access import Access, refuse_open_routes
from app.db import SessionsOfApp, transaction
from app.middleware import Cutting, Requests
from app.parts import Parts, open_parts
from app.runtime.memory import give_back_large
from app.settings import Settings
from app.web.errors import page_of_problem
from bodycam.service.axis_keys import ClipCiphers
from bodycam.service.store_figures import measure_stores

_ROUTERS: Final = (
    *app.exchange.api.routers,  # first, for they are looked through in this order
    app.audit.api.router,
    app.identity.api.router,
    devices.api.router,
    *fines.api.routers,
    bodycam.api.router,
    bodycam.door.router,
    bodycam.api.axis.router,
    bodycam.api.axis.keepers,
    bodycam.api.coverage.router,
    bodycam.api.custody.router,
    bodycam.api.footage.router,
    bodycam.api.tus.router,
    bodycam.api.heads.router,
    app.web.pages.router,
)
_STATIC: Final = frozenset({"/static"})
_COLLECT: Final = (20_000, 10, 10)  # objects; lookings at the young, and at the middle-aged

router = APIRouter()


@router.get(
    "/health",
    dependencies=[
        Depends(Access(public_because="supervisors and proxies ask it; it tells nothing else"))
    ],
)
async def health(sessions: SessionsOfApp) -> dict[str, str]:
    """Say that this process answers and reaches its database."""
    async with transaction(sessions) as session:
        await session.execute(sa.text("SELECT 1"))
    return {"status": "good"}


def create_app(parts: Parts) -> FastAPI:
    """Return the application over ``parts``.

    Raises:
        RouteNotClosed: a route does not declare who may call it.
    """
    application = FastAPI(
        title="Saqshy",
        version="0.1.0",
        max_body_size=parts.settings.body_bytes_max,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    give_parts(application, parts)
    _assemble(application, settings=parts.settings)
    return application


def from_environment() -> FastAPI:
    """Return the application that opens its parts at start and closes them at the end."""
    settings = Settings()
    application = FastAPI(
        title="Saqshy",
        version="0.1.0",
        max_body_size=settings.body_bytes_max,
        lifespan=_lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    application.state.settings = settings
    _assemble(application, settings=settings)
    return application


@asynccontextmanager
async def _lifespan(application: FastAPI) -> AsyncIterator[None]:
    # Each of several processes begins anew: what its parent has set up for the log, with the net
    # against personal numbers, is not inherited.
    logs.configure()
    settings: Settings = application.state.settings
    async with AsyncExitStack() as stack:
        parts = await stack.enter_async_context(open_parts(settings))
        give_parts(application, parts)
        if settings.metrics_port:
            _serve_metrics(stack, settings.metrics_port)
        await stack.enter_async_context(sequencing(parts))
        await stack.enter_async_context(watching(parts))
        await stack.enter_async_context(measuring(parts))
        _spare_collector()
        give_back_large()
        yield


def _spare_collector() -> None:
    """Let the collector of cycles pass over what a process keeps for good, and look less often.

    A request makes few cycles; reference counts free the rest. By default every 700 new objects
    are a reason to look, and now and then all that the modules hold is walked through: a pause
    for everybody whom this process answers.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT)


@asynccontextmanager
async def sequencing(parts: Parts) -> AsyncIterator[None]:
    """Run the log's sequencer and what vouches for it: who holds a lock works, others stand by."""
    stop = asyncio.Event()
    tasks = [asyncio.create_task(parts.sequencer.run(stop), name="sequencer")]
    if parts.witnessing is not None:
        tasks.append(asyncio.create_task(parts.witnessing.run(stop), name="witnessing"))
    if parts.anchoring is not None:
        tasks.append(asyncio.create_task(parts.anchoring.run(stop), name="anchoring"))
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*tasks)


@asynccontextmanager
async def watching(parts: Parts) -> AsyncIterator[None]:
    """Watch the sessions that this process answers, and the leaves that it waits for."""
    tasks = [
        asyncio.create_task(parts.session_watch.run(), name="session-watch"),
        asyncio.create_task(parts.leaf_watch.run(), name="leaf-watch"),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task


@asynccontextmanager
async def measuring(parts: Parts) -> AsyncIterator[None]:
    """Keep the figures of the stores in the metrics, and say once what a store cannot lock."""
    task = asyncio.create_task(
        measure_stores(parts.sessions, store=parts.store), name="store-figures"
    )
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _serve_metrics(stack: AsyncExitStack, port: int) -> None:
    with contextlib.suppress(OSError):  # another process of this machine already serves them
        server, thread = prometheus_client.start_http_server(port, addr="127.0.0.1")
        stack.callback(thread.join, 2)
        stack.callback(server.server_close)
        stack.callback(server.shutdown)


def give_parts(application: FastAPI, parts: Parts) -> None:
    """Let the routes of an assembled application work with ``parts``."""
    state = application.state
    state.settings, state.keys, state.sessions = parts.settings, parts.keys, parts.sessions
    state.direct = parts.direct
    state.trail, state.registers, state.store = parts.trail, parts.registers, parts.store
    state.clip_ciphers = ClipCiphers(sessions=parts.sessions, vault=parts.keys.vault)
    state.revocation, state.answers = parts.revocation, parts.answers
    state.case_registers, state.seeds = parts.case_registers, parts.seeds
    state.surroundings = parts.surroundings
    state.authenticate_person = app.identity.api.authenticate_person
    state.authenticate_device = devices.api.authenticate_device
    state.authenticate_both = devices.api.authenticate_both
    state.token_key = devices.api.key_of_tokens(parts.keys.vault)
    state.authenticate_system = app.exchange.api.authenticate_system
    state.device_names = devices.api.device_names  # the monthly report names devices
    # A terminal comes back when its money fits.
    state.hand_in = functools.partial(
        fines.api.hand_in_check,
        fines.api.make_desk(
            sessions=parts.sessions, trail=parts.trail, keys=parts.keys, settings=parts.settings
        ),
    )
    state.device_standing = devices.api.device_standing  # the exchange's gate DEVICE asks it


def _assemble(application: FastAPI, *, settings: Settings) -> None:
    problems.install(application, page=page_of_problem)
    application.include_router(router)
    for one in _ROUTERS:
        application.include_router(one)
    app.web.pages.mount_static(application)
    refuse_open_routes(application, static_mounts=_STATIC)
    application.add_middleware(Cutting)
    application.add_middleware(
        Requests, concurrency_max=settings.concurrency_max, signer_url=settings.ncalayer_url
    )
