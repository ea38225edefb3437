"""Ports that routes of the slice ask for."""

from typing import Annotated

from fastapi import Depends, Request

from bodycam.storage import ObjectStore


async def _store(request: Request) -> ObjectStore:
    store: ObjectStore = request.app.state.store
    return store


StoreOfApp = Annotated[ObjectStore, Depends(_store)]
