"""Commands on the stores of recordings."""

import asyncio
from collections.abc import Callable
from typing import Final

from pydantic import SecretStr

from app import keys as app_keys
from app.clock import utc_now
from app.parts import open_parts
from app.runtime.postgres import EmbeddedPostgres
from app.settings import Settings
from bodycam.service import tiers
from bodycam.storage import DirectoryStore, make_store, tiers_of

_NAMED_MAX: Final = 20
_LOCKS: Final = {True: "yes", False: "no", None: "the store is silent, or not set"}
_CHECKS: Final = {True: "yes", False: "NO, each upload is read back", None: "-"}


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
    """Wrap the key of every stored object under the current key; return what was done.

    Raises:
        EnvelopesDoNotOpen: of some the key is not there, or the envelope was changed.
    """
    stores = _directories()
    found = [asyncio.run(store.rewrap()) for store in stores]
    failed = [key for one in found for key in one.failed]
    if failed:
        named = ", ".join(failed[:_NAMED_MAX])
        raise EnvelopesDoNotOpen(f"{len(failed)} objects do not open, keep every old key: {named}")
    done, current = sum(one.done for one in found), sum(one.current for one in found)
    return f"{done} rewrapped, {current} were: all are under {stores[0].key_id if stores else '-'}"


def seal_objects(*, say: Callable[[str], None]) -> str:
    """Give every stored object an envelope that has none; return how many."""
    count = sum(asyncio.run(store.envelop(say=say)) for store in _directories())
    return f"{count} objects were given an envelope"


def _directories() -> list[DirectoryStore]:
    settings = Settings()
    store = make_store(settings, keys=app_keys.load(settings.keys).objects)
    return [one for one in tiers_of(store).values() if isinstance(one, DirectoryStore)]


def show_tiers() -> str:
    """Return what lies in which store, what waits to be moved, what each store can do."""
    return asyncio.run(_show())


async def _show() -> str:
    async with open_parts(_settings()) as parts:
        figures, waiting, oldest = await tiers.figures_of(parts.sessions, store=parts.store)
    lines = [
        f"{one.name:<12} {one.recordings:>10} recordings {one.size_bytes:>18} bytes"
        f"  locks: {_LOCKS[one.locks]}  checks parts: {_CHECKS[one.checks_parts]}"
        for one in figures
    ]
    since = f", the oldest since {oldest:%Y-%m-%d %H:%M}Z" if oldest is not None else ""
    return "\n".join([*lines, f"{waiting} moves wait{since}"])


def move_tiers() -> str:
    """Move what is due by the rules, once round; return what was done."""
    return asyncio.run(_move())


async def _move() -> str:
    async with open_parts(_settings()) as parts:
        moving = tiers.Moving(
            sessions=parts.sessions, store=parts.store, trail=parts.trail, rules=parts.tier_rules
        )
        done = await tiers.move_due(moving, now=utc_now())
    return f"{done.switched} moved, {done.cleared} old copies cleared, {done.failed} could not be"


def _settings() -> Settings:
    settings = Settings()
    if settings.database_url is None:  # of a running ``up``
        url = SecretStr(EmbeddedPostgres(settings.var_dir / "db").url())
        return settings.model_copy(update={"database_url": url})
    return settings
