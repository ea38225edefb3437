"""A copy of the log in a folder, as somebody checks it who has nothing else of ours."""

import os
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit import repository
from app.audit.rules.tiles import Tile, tile_path, tiles_of
from app.audit.service.proofs import (
    anchored,
    checkpoint_note,
    export_leaves,
    leaf_count,
    verifier_key,
)


async def copy_log(
    session: AsyncSession, *, public_key: bytes, folder: Path, leaves: bool = True
) -> int:
    """Write key, checkpoint, tiles, newest anchor and, if asked, the leaves; return the size.

    The session is one snapshot (REPEATABLE READ), so that all of it belongs together. A folder
    that holds an older copy is brought up to date: full tiles are written once, and what an
    earlier tree's partial tiles said stays beside them. Leaves are not for the public.

    Raises:
        LogEmpty: there is no checkpoint yet.
    """
    size = await leaf_count(session)
    key = await verifier_key(session, public_key=public_key)
    note = await checkpoint_note(session)
    _write(folder / "key", key.encode())
    for tile in tiles_of(size):
        path = folder / "tile" / tile_path(tile)
        if not path.exists():
            _write(path, await _content(session, tile))
    if leaves:
        half = folder / ".leaves"
        with half.open("wb") as file:
            async for part in export_leaves(session, size=size):
                file.write(part)
        half.replace(folder / "leaves")
    stamped = await anchored(session)
    if stamped is not None:
        _write(folder / "anchored-checkpoint", stamped[0].encode())
        _write(folder / "anchored-checkpoint.tsr", stamped[1])
    _write(folder / "checkpoint", note.encode())  # the last: what it covers lies there already
    return size


async def _content(session: AsyncSession, tile: Tile) -> bytes:
    level, first = tile.first
    row = await repository.row_of_hashes(session, level=level, first=first, count=tile.width)
    return b"".join(row)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.{os.getpid()}")
    half.write_bytes(content)
    half.replace(path)
