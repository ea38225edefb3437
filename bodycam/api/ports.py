"""Ports that routes of the slice ask for."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Request

from bodycam.service.axis_keys import ClearObjects, ClipCiphers, ObjectReader
from bodycam.storage import ObjectStore


async def _store(request: Request) -> ObjectStore:
    store: ObjectStore = request.app.state.store
    return store


async def begun(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Read the first bytes before the answer's head goes: a store's refusal is then its status.

    One that comes later cuts the answer short of its declared length: wrong bytes never leave.
    """
    first = await anext(stream, b"")

    async def whole() -> AsyncIterator[bytes]:
        yield first
        async for chunk in stream:
            yield chunk

    return whole()


StoreOfApp = Annotated[ObjectStore, Depends(_store)]


async def _ciphers(request: Request) -> ClipCiphers:
    ciphers: ClipCiphers = request.app.state.clip_ciphers
    return ciphers


CiphersOfApp = Annotated[ClipCiphers, Depends(_ciphers)]


async def _footage(store: StoreOfApp, ciphers: CiphersOfApp) -> ObjectReader:
    return ClearObjects(store, ciphers)


FootageOfApp = Annotated[ObjectReader, Depends(_footage)]  # what is shown: encrypted clips in clear
