"""Reading the log: its size, its checkpoints and tiles, proofs, an export."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit import repository
from app.audit.errors import EarlierNotCovered, LeafNotFound, LogEmpty, TileNotFound
from app.audit.models import CheckpointRow
from app.audit.rules.cosignature import Growth, growth_text
from app.audit.rules.merkle import (
    Coordinate,
    consistency_coordinates,
    path_coordinates,
    path_from,
)
from app.audit.rules.note import Proof, VerifierKey, proof_text
from app.audit.rules.tiles import Tile

_EXPORT_LEAVES: Final = 5000  # read at a time: about 5 MB
_COSIGNED_AGE_MAX: Final = timedelta(seconds=10)  # behind the newest: a witness answers in one


async def leaf_count(session: AsyncSession) -> int:
    """Return how many leaves the newest checkpoint covers."""
    newest = await repository.newest_checkpoint(session)
    return 0 if newest is None else newest.size


async def checkpoint_note(session: AsyncSession) -> str:
    """Return the newest signed checkpoint, with the cosignatures that it has by now.

    Raises:
        LogEmpty: there is none yet.
    """
    return await _with_cosignatures(session, await _newest(session))


async def published_note(session: AsyncSession) -> str:
    """Return the checkpoint that outsiders are given.

    The newest one that a witness has cosigned, so that it can be compared with what others saw;
    the newest of all where no witness has spoken of the log's last ten seconds.

    Raises:
        LogEmpty: there is none yet.
    """
    return await _with_cosignatures(session, await _published(session))


async def _newest(session: AsyncSession) -> CheckpointRow:
    newest = await repository.newest_checkpoint(session)
    if newest is None:
        raise LogEmpty("the log has no leaf yet")
    return newest


async def _published(session: AsyncSession) -> CheckpointRow:
    newest = await _newest(session)
    cosigned = await repository.newest_cosigned(session)
    if cosigned is None or newest.signed_at - cosigned.signed_at > _COSIGNED_AGE_MAX:
        return newest
    return cosigned


async def _with_cosignatures(session: AsyncSession, checkpoint: CheckpointRow) -> str:
    lines = await repository.cosignatures_of(session, size=checkpoint.size)
    return checkpoint.note + "".join(lines)


async def verifier_key(session: AsyncSession, *, public_key: bytes) -> str:
    """Return the line that checks this log's checkpoints: its name with the public key.

    Raises:
        LogEmpty: there is no checkpoint yet that names the log.
    """
    name = (await _newest(session)).note.partition("\n")[0]
    return f"{VerifierKey(name=name, public_key=public_key)}\n"


async def proof_of_leaf(session: AsyncSession, *, index: int) -> str:
    """Return the C2SP tlog-proof that leaf ``index`` is in the tree of the newest checkpoint.

    Of the newest cosigned one where that covers the leaf.

    Raises:
        LogEmpty, LeafNotFound: the newest checkpoint covers no such leaf.
    """
    checkpoint = await _published(session)
    if index >= checkpoint.size:
        checkpoint = await _newest(session)
    if not 0 <= index < checkpoint.size:
        raise LeafNotFound(f"the log has {checkpoint.size} leaves")
    path = await _path(session, path_coordinates(index=index, size=checkpoint.size))
    note = await _with_cosignatures(session, checkpoint)
    return proof_text(Proof(index=index, path=path, checkpoint=note))


async def proof_of_growth(session: AsyncSession, *, earlier: int) -> str:
    """Return the proof that the published tree continues its own first ``earlier`` leaves.

    In the form of a witness's ``add-checkpoint``: earlier size, path, checkpoint.

    Raises:
        LogEmpty, EarlierNotCovered: there is no tree that large.
    """
    checkpoint = await _published(session)
    if earlier > checkpoint.size:
        checkpoint = await _newest(session)
    return await growth_to(session, earlier=earlier, checkpoint=checkpoint)


async def growth_to(session: AsyncSession, *, earlier: int, checkpoint: CheckpointRow) -> str:
    """Return the proof of growth from ``earlier`` leaves to a checkpoint of ours.

    Raises:
        EarlierNotCovered: the checkpoint is of a smaller tree.
    """
    if not 0 <= earlier <= checkpoint.size:
        raise EarlierNotCovered(f"the log has {checkpoint.size} leaves")
    steps = consistency_coordinates(earlier=earlier, size=checkpoint.size)
    note = await _with_cosignatures(session, checkpoint)
    path = await _path(session, steps)
    return growth_text(Growth(earlier=earlier, path=path, checkpoint=note))


async def tile_content(session: AsyncSession, *, tile: Tile) -> bytes:
    """Return the hashes of a tile.

    Raises:
        LogEmpty, TileNotFound: the newest checkpoint's tree does not have all of them.
    """
    newest = await _newest(session)
    if not tile.within(newest.size):
        raise TileNotFound(f"the log has {newest.size} leaves")
    level, first = tile.first
    row = await repository.row_of_hashes(session, level=level, first=first, count=tile.width)
    return b"".join(row)


async def anchored(session: AsyncSession) -> tuple[str, bytes] | None:
    """Return the newest time-stamped checkpoint, exactly as stamped, and the TimeStampResp."""
    anchor = await repository.newest_anchor(session)
    if anchor is None:
        return None
    checkpoint = await repository.checkpoint_of(session, size=anchor.size)
    assert checkpoint is not None  # noqa: S101 - for the type checker: checkpoints are never deleted
    return checkpoint.note, anchor.response


async def _path(session: AsyncSession, steps: list[list[Coordinate]]) -> tuple[bytes, ...]:
    nodes = await repository.nodes_at(session, [at for step in steps for at in step])
    return tuple(path_from(steps, nodes))


async def leaf_of(session: AsyncSession, *, index: int) -> bytes:
    """Return the bytes of a leaf; not for the public: it names persons and devices by id.

    Raises:
        LeafNotFound: there is none.
    """
    leaf = await repository.leaf_at(session, index=index)
    if leaf is None:
        raise LeafNotFound(f"no leaf {index}")
    return leaf.leaf


async def export_leaves(session: AsyncSession, *, size: int) -> AsyncIterator[bytes]:
    """Yield the first ``size`` leaves, a line of JSON each, as ``app.audit.verify`` reads them."""
    start = 0
    while start < size:
        leaves = await repository.leaves_after(
            session, index=start, size=size, limit=_EXPORT_LEAVES
        )
        if not leaves:
            raise LeafNotFound(f"no leaf {start}")
        yield b"".join(leaf + b"\n" for leaf in leaves)
        start += len(leaves)
