"""What an append and a proof cost in a small log and in a large one.

    python -m benchmarks.audit_log 100000 2000000

The log is filled synthetically, through the same tree and the same COPY as the sequencer's; then
events are recorded and drained as usual, and leaves are proven at random places. The promise is
that ten million leaves cost at most 1.3 times what a hundred thousand do.
"""

import random
import statistics
import sys
import time
from datetime import UTC, datetime
from typing import Final

import psycopg
import uvloop
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.audit import repository
from app.audit.rules import merkle
from app.audit.rules.note import Checkpoint, VerifierKey, checkpoint_text, signed_note
from app.audit.service import AuditTrail, Sequencer, proof_of_leaf
from app.audit.service.trail import _ordered_id
from app.db import Sessions, make_engine, make_sessions, transaction
from app.parts import LOG_ORIGIN
from app.runtime import migrate
from app.runtime.postgres import EmbeddedPostgres
from benchmarks.figures import Figure, table
from benchmarks.places import FOLDER, emptied

_SMALL: Final = 100_000
_LARGE: Final = 2_000_000  # ten million by hand: about six minutes and 8 GB
_CHUNK: Final = 50_000
_ROUNDS: Final = 30
_EVENTS: Final = 200  # of one transaction; a round is recorded and drained
_PROOFS: Final = 40  # of a round
_EVENT: Final = "bench.happened"
_BODY: Final = b'{"event":"bench.happened","fields":{"padding":"' + b"x" * 500 + b'"}}'
_SETTLE_SECONDS: Final = 1_800.0
_KEY: Final = Ed25519PrivateKey.from_private_bytes(b"b" * 32)


def measure(small: int = _SMALL, large: int = _LARGE) -> list[Figure]:
    """Fill one log to ``small`` and one to ``large`` leaves and measure them in turns."""
    postgres = EmbeddedPostgres(emptied(FOLDER / "audit-log") / "db")
    postgres.start()
    try:
        with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
            for name in ("small", "large"):
                connection.execute(f"CREATE DATABASE {name}")
        for name in ("small", "large"):
            migrate.upgrade(database_url=postgres.url(name))
        return uvloop.run(_measured(postgres.url("small"), postgres.url("large"), small, large))
    finally:
        postgres.stop()


async def _measured(small_url: str, large_url: str, small: int, large: int) -> list[Figure]:
    engines = [make_engine(url, pool_size=2) for url in (small_url, large_url)]
    logs = [make_sessions(engine) for engine in engines]
    for sessions, size in zip(logs, (small, large), strict=True):
        await _fill(sessions, size)
    appends: tuple[list[float], list[float]] = ([], [])
    proofs: tuple[list[float], list[float]] = ([], [])
    for turn in range(_ROUNDS + 1):  # in turns: whatever else the machine does hits both alike
        for place, sessions in enumerate(logs):
            appended, proven = await _append_ms(sessions), await _proof_ms(sessions, turn)
            if turn:  # the first warms connections, plans and pages
                appends[place].append(appended)
                proofs[place].append(proven)
    for engine in engines:
        await engine.dispose()
    few, many = (
        (statistics.median(appends[place]), statistics.median(proofs[place])) for place in (0, 1)
    )
    peer = f"the same with {small:,} leaves"
    return [
        Figure(
            name=f"audit_log.{name}",
            value=after,
            unit="ms",
            peer=peer,
            peer_value=before,
            target="<= 1.3 times",
            note=note,
        )
        for name, before, after, note in (
            (
                "append",
                few[0],
                many[0],
                f"{_EVENTS} events recorded and sequenced, median of {_ROUNDS}",
            ),
            ("proof", few[1], many[1], f"one leaf at a random place of {large:,}, median"),
        )
    ]


async def _fill(sessions: Sessions, size: int) -> None:
    async with repository.connected(sessions) as connection:
        while (there := await repository.tree_size(connection)) < size:
            frontier = await repository.hashes_of(connection, merkle.frontier_of(there))
            count = min(_CHUNK, size - there)
            bodies = [b"%s%d" % (_BODY, there + at) for at in range(count)]
            hashes = [merkle.leaf_hash(body) for body in bodies]
            growth = merkle.grow(size=there, frontier=frontier, leaf_hashes=hashes)
            now = datetime.now(UTC)
            async with connection.transaction():
                await repository.write_batch(
                    connection,
                    leaves=[
                        (there + at, _ordered_id(), _EVENT, now, bodies[at], hashes[at])
                        for at in range(count)
                    ],
                    nodes=[(level, index, hash_) for (level, index), hash_ in growth.nodes],
                    checkpoint=(growth.size, growth.root, _note(growth), now),
                )
        for settle in ("CHECKPOINT", "VACUUM ANALYZE"):  # minutes in a log of ten million leaves
            await connection.execute(settle, timeout=_SETTLE_SECONDS)


def _note(growth: merkle.Growth) -> str:
    key = VerifierKey(name=LOG_ORIGIN, public_key=_KEY.public_key().public_bytes_raw())
    checkpoint = Checkpoint(origin=LOG_ORIGIN, size=growth.size, root=growth.root)
    return signed_note(text=checkpoint_text(checkpoint), key=key, sign=_KEY.sign)


async def _append_ms(sessions: Sessions) -> float:
    trail = AuditTrail(subject_key=b"s" * 32)
    sequencer = Sequencer(sessions=sessions, checkpoint_key=_KEY, origin=LOG_ORIGIN)
    began = time.perf_counter()
    async with transaction(sessions) as session:
        for _ in range(_EVENTS):
            await trail.record(
                session, event=_EVENT, at=datetime.now(UTC), who=None, fields={"n": 1}
            )
    await sequencer.drain_once()
    return (time.perf_counter() - began) * 1000


async def _proof_ms(sessions: Sessions, seed: int) -> float:
    chance = random.Random(seed)  # noqa: S311 - the same places each time
    async with transaction(sessions) as session:
        newest = await repository.newest_checkpoint(session)
    size = 0 if newest is None else newest.size
    began = time.perf_counter()
    for _ in range(_PROOFS):
        async with transaction(sessions) as session:
            await proof_of_leaf(session, index=chance.randrange(size))
    return (time.perf_counter() - began) * 1000 / _PROOFS


if __name__ == "__main__":
    print(table(measure(*(int(one) for one in sys.argv[1:]))))
