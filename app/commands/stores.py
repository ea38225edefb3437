"""Commands on the stores of recordings."""

import asyncio
from collections.abc import Callable
from typing import Final

from app import keys as app_keys
from app.settings import Settings
from bodycam.storage import DirectoryStore

_NAMED_MAX: Final = 20


class EnvelopesDoNotOpen(ValueError):
    """Stored objects whose key no key of the folder opens."""


def rotate_object_key() -> str:
    """Make a new key for stored objects; return what is to be done next."""
    key_id = app_keys.rotate_object_key(Settings().keys).current_id.hex()
    return (
        f"from the next start on objects are wrapped under {key_id}: start every process again,"
        " then 'objects rewrap'"
    )


def rewrap_objects() -> str:
    """Wrap the key of every stored object under the current key; return what was done."""
    found = asyncio.run(_directory().rewrap())
    if found.failed:
        raise EnvelopesDoNotOpen(
            f"{len(found.failed)} objects do not open, keep every old key: "
            + ", ".join(found.failed[:_NAMED_MAX])
        )
    key_id = _directory().key_id
    return f"{found.done} rewrapped, {found.current} were: all are under {key_id}"


def seal_objects(*, say: Callable[[str], None]) -> str:
    """Give every stored object an envelope that has none; return how many."""
    return f"{asyncio.run(_directory().envelop(say=say))} objects were given an envelope"


def _directory() -> DirectoryStore:
    settings = Settings()
    return DirectoryStore(root=settings.objects_dir, keys=app_keys.load(settings.keys).objects)
