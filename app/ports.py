"""What ``app.main`` has built and routes may ask for: settings and keys."""

from typing import Annotated

from fastapi import Depends, Request

from app.keys import Keys
from app.settings import Settings


async def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


async def _keys(request: Request) -> Keys:
    keys: Keys = request.app.state.keys
    return keys


SettingsOfApp = Annotated[Settings, Depends(_settings)]
KeysOfApp = Annotated[Keys, Depends(_keys)]
