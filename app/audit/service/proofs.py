"""Reading the log: its size, its newest checkpoint, the proof of a leaf, an export."""

from collections.abc import AsyncIterator
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit import repository
from app.audit.errors import LeafNotFound, LogEmpty
from app.audit.rules.merkle import path_coordinates, path_from
from app.audit.rules.note import Proof, VerifierKey, proof_text

_EXPORT_LEAVES: Final = 5000  # read at a time: about 5 MB


async def leaf_count(session: AsyncSession) -> int:
    """Return how many leaves the newest checkpoint covers."""
    newest = await repository.newest_checkpoint(session)
    return 0 if newest is None else newest.size


async def checkpoint_note(session: AsyncSession) -> str:
    """Return the newest signed checkpoint.

    Raises:
        LogEmpty: there is none yet.
    """
    newest = await repository.newest_checkpoint(session)
    if newest is None:
        raise LogEmpty("the log has no leaf yet")
    return newest.note


async def verifier_key(session: AsyncSession, *, public_key: bytes) -> str:
    """Return the line that checks this log's checkpoints: its name with the public key.

    Raises:
        LogEmpty: there is no checkpoint yet that names the log.
    """
    name = (await checkpoint_note(session)).partition("\n")[0]
    return f"{VerifierKey(name=name, public_key=public_key)}\n"


async def proof_of_leaf(session: AsyncSession, *, index: int) -> str:
    """Return the C2SP tlog-proof that leaf ``index`` is in the tree of the newest checkpoint.

    Raises:
        LogEmpty, LeafNotFound: the newest checkpoint covers no such leaf.
    """
    newest = await repository.newest_checkpoint(session)
    if newest is None:
        raise LogEmpty("the log has no leaf yet")
    if not 0 <= index < newest.size:
        raise LeafNotFound(f"the log has {newest.size} leaves")
    steps = path_coordinates(index=index, size=newest.size)
    nodes = await repository.nodes_at(session, [at for step in steps for at in step])
    path = tuple(path_from(steps, nodes))
    return proof_text(Proof(index=index, path=path, checkpoint=newest.note))


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
