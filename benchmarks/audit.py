"""Appending to the audit log: written in a transaction of its own, sequenced, under a checkpoint.

The peer is what the same rows cost without a log: two inserts and a commit through the raw driver.

    python -m benchmarks.audit --seconds 600

runs this part alone for ten minutes: what is held, and not only reached.
"""

import argparse
import asyncio
import multiprocessing
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import psycopg
import uvloop
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.access import Principal, Role
from app.audit.service import AuditTrail, Sequencer
from app.db import make_engine, make_sessions, open_direct
from app.parts import LOG_ORIGIN
from app.runtime import migrate
from app.runtime.postgres import EmbeddedPostgres
from benchmarks.figures import Figure, percentile, table
from benchmarks.places import FOLDER, emptied
from sim.district import DRIVER

_PROCESSES: Final = 2  # of clients: one would be busier with itself than the database with it
_CLIENTS: Final = 16  # of each process
_SECONDS: Final = 60.0
_PEER_SECONDS: Final = 8.0
_POLL_SECONDS: Final = 0.005
_SETTLE_SECONDS: Final = 10.0
_BACKLOG: Final = 30_000
_SUBJECT_KEY: Final = bytes(range(32))
_BARE: Final = "bare"
_OUTBOX: Final = "INSERT INTO audit_outbox (event_id, event, at, leaf) VALUES ($1, $2, $3, $4)"
_SUBJECT: Final = "INSERT INTO audit_subjects (event_id, subject_index, salt) VALUES ($1, $2, $3)"
_EVENT: Final = "exchange.request_decided"
_FIELDS: Final = {
    "check_id": "0f8fad5b-d9cb-469f-a165-70867728950e",
    "basis": "PRIMARY_CHECK",
    "stop_ground": "traffic_violation",
    "services": ["person_documents", "driver_licence", "wanted_persons", "unpaid_fines"],
    "rule_set": "151-2021-02-15",
    "snapshot_sha256": "a" * 64,
    "subject_from": "mrz",
    "plate_commitment": "b" * 64,
}


def measure(*, seconds: float = _SECONDS) -> list[Figure]:
    """Append with 32 clients for so long, then insert the same rows without a log."""
    postgres = EmbeddedPostgres(emptied(FOLDER / "audit") / "db")
    postgres.start()
    try:
        postgres.ensure_database()
        with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {_BARE}")
        for database in ("saqshy", _BARE):
            migrate.upgrade(database_url=postgres.url(database))
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(_PROCESSES, mp_context=context) as pool:
            return uvloop.run(_measured(pool, postgres.url(), postgres.url(_BARE), seconds))
    finally:
        postgres.stop()


@dataclass(frozen=True)
class _Appended:
    """What the clients recorded, and how the log grew meanwhile."""

    committed: dict[UUID, float]
    seconds: float
    grown: list[tuple[float, int]]


async def _measured(
    pool: ProcessPoolExecutor, url: str, bare_url: str, seconds: float
) -> list[Figure]:
    await _in_all(pool, _append, url, 1.0)  # imports, connections, statements
    async with _sequencing(url), _watching(url) as grown:
        before = len(grown)
        appended = await _in_all(pool, _append, url, seconds)
        committed = {event: at for part, _ in appended for event, at in part}
        await _until_sequenced(url, len(committed))
        taken = _Appended(committed, max(spent for _, spent in appended), grown[before:])
    bare = await _in_all(pool, _insert_bare, bare_url, _PEER_SECONDS)
    peer = sum(count for count, _ in bare) / max(spent for _, spent in bare)
    return await _figures(url, taken, peer) + await _backlog(url)


async def _in_all(
    pool: ProcessPoolExecutor, act: Callable[[str, float], Any], url: str, seconds: float
) -> list[Any]:
    loop = asyncio.get_running_loop()
    return await asyncio.gather(
        *(loop.run_in_executor(pool, act, url, seconds) for _ in range(_PROCESSES))
    )


def _append(url: str, seconds: float) -> tuple[list[tuple[UUID, float]], float]:
    """Record events one after the other with every client of this process."""
    return uvloop.run(_appending(url, seconds))


async def _appending(url: str, seconds: float) -> tuple[list[tuple[UUID, float]], float]:
    trail = AuditTrail(subject_key=_SUBJECT_KEY)
    who = Principal(
        department_id=uuid4(),
        person_id=uuid4(),
        post_id=uuid4(),
        role=Role.PATROL_OFFICER,
        device_id=uuid4(),
    )
    committed: list[tuple[UUID, float]] = []

    async with open_direct(url, pool_size=_CLIENTS) as direct:

        async def once() -> None:
            async with direct.connection() as connection, connection.transaction():
                event_id = await trail.record_direct(
                    connection,
                    event=_EVENT,
                    at=datetime.now(UTC),
                    who=who,
                    subject_iin=DRIVER.iin,
                    fields=_FIELDS,
                )
            committed.append((event_id, time.monotonic()))

        spent = await _repeated([once] * _CLIENTS, seconds)
    return committed, spent


def _insert_bare(url: str, seconds: float) -> tuple[int, float]:
    """Insert the same rows through the raw driver; returns how many, and in what time."""
    return uvloop.run(_inserting(url, seconds))


async def _inserting(url: str, seconds: float) -> tuple[int, float]:
    count = 0
    leaf = b"x" * 900  # the bytes of such an event's leaf
    connections = [await asyncpg.connect(url) for _ in range(_CLIENTS)]

    def on(connection: Any) -> Callable[[], Awaitable[None]]:
        async def once() -> None:
            nonlocal count
            event_id = uuid4()
            async with connection.transaction():
                await connection.execute(_SUBJECT, event_id, leaf[:32], leaf[:16])
                await connection.execute(_OUTBOX, event_id, _EVENT, datetime.now(UTC), leaf)
            count += 1

        return once

    spent = await _repeated([on(one) for one in connections], seconds)
    for one in connections:
        await one.close()
    return count, spent


async def _repeated(acts: list[Callable[[], Awaitable[None]]], seconds: float) -> float:
    """Run every act over and over at the same time; return how long it took."""
    began = time.monotonic()

    async def client(act: Callable[[], Awaitable[None]]) -> None:
        while time.monotonic() - began < seconds:
            await act()

    await asyncio.gather(*(client(act) for act in acts))
    return time.monotonic() - began


@asynccontextmanager
async def _sequencing(url: str) -> AsyncIterator[None]:
    engine = make_engine(url, pool_size=1)
    stop = asyncio.Event()
    task = asyncio.create_task(_sequencer(engine).run(stop))
    try:
        yield
    finally:
        stop.set()
        await task
        await engine.dispose()


def _sequencer(engine: Any) -> Sequencer:
    return Sequencer(
        sessions=make_sessions(engine),
        checkpoint_key=Ed25519PrivateKey.generate(),
        origin=LOG_ORIGIN,
    )


@asynccontextmanager
async def _watching(url: str) -> AsyncIterator[list[tuple[float, int]]]:
    """Note when a checkpoint of which size could first be read."""
    connection = await asyncpg.connect(url)
    grown: list[tuple[float, int]] = []

    async def look() -> None:
        while True:
            size = await connection.fetchval("SELECT max(size) FROM audit_checkpoints") or 0
            if not grown or size != grown[-1][1]:
                grown.append((time.monotonic(), size))
            await asyncio.sleep(_POLL_SECONDS)

    task = asyncio.create_task(look())
    try:
        yield grown
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await connection.close()


async def _until_sequenced(url: str, count: int) -> None:
    connection = await asyncpg.connect(url)
    deadline = time.monotonic() + _SETTLE_SECONDS
    while time.monotonic() < deadline:
        if await connection.fetchval("SELECT count(*) FROM audit_outbox") == 0:
            break
        await asyncio.sleep(0.05)
    leaves = await connection.fetchval("SELECT count(*) FROM audit_leaves")
    await connection.close()
    if leaves < count:
        raise RuntimeError(f"{count - leaves} of {count} events were lost")


async def _figures(url: str, taken: _Appended, peer: float) -> list[Figure]:
    connection = await asyncpg.connect(url)
    rows = await connection.fetch("SELECT event_id, index FROM audit_leaves")
    await connection.close()
    index_of = {row["event_id"]: row["index"] for row in rows}
    waits = [at_size - at for at, at_size in _readable(taken, index_of)]
    rate = len(taken.committed) / taken.seconds
    ended = max(taken.committed.values())
    covered = max(size for at, size in taken.grown if at <= ended)
    behind = max(index_of.values()) + 1 - covered
    lost = len(taken.committed.keys() - index_of.keys())
    return [
        Figure(
            name="audit.appends",
            value=rate,
            unit="leaves/s",
            peer="the same two inserts and commit, raw asyncpg, no log",
            peer_value=peer,
            target=">= 1500/s",
            note=f"{_PROCESSES * _CLIENTS} clients, one event a transaction, {taken.seconds:.0f} s"
            f"; {behind} were not yet under a checkpoint when the last client stopped",
        ),
        Figure(
            name="audit.integration_p50",
            value=percentile(waits, 50) * 1000,
            unit="ms",
            note="from the commit until a checkpoint that covers it can be read",
        ),
        Figure(
            name="audit.integration_p99",
            value=percentile(waits, 99) * 1000,
            unit="ms",
            target="<= 1000 ms",
        ),
        Figure(name="audit.lost", value=lost, unit="events", target="0"),
    ]


def _readable(taken: _Appended, index_of: dict[UUID, int]) -> list[tuple[float, float]]:
    """Pair each event's commit with the first look that found it under a checkpoint."""
    events = sorted((index_of[event], at) for event, at in taken.committed.items())
    pairs, look = [], iter(taken.grown)
    seen_at, size = next(look)
    for index, at in events:
        while size <= index:
            seen_at, size = next(look)
        pairs.append((at, max(seen_at, at)))
    return pairs


async def _backlog(url: str) -> list[Figure]:
    """Sequence a backlog with nobody else about: what the sequencer alone can do."""
    connection = await asyncpg.connect(url)
    rows = [(uuid4(), _EVENT, datetime.now(UTC), b"x" * 900) for _ in range(_BACKLOG)]
    await connection.copy_records_to_table(
        "audit_outbox", records=rows, columns=("event_id", "event", "at", "leaf")
    )
    await connection.close()
    engine = make_engine(url, pool_size=1)
    sequencer = _sequencer(engine)
    began = time.monotonic()
    while await sequencer.drain_once():
        pass
    rate = _BACKLOG / (time.monotonic() - began)
    await engine.dispose()
    note = f"a backlog of {_BACKLOG} events, nobody writing"
    return [Figure(name="audit.sequencer_alone", value=rate, unit="leaves/s", note=note)]


def main() -> None:
    """Measure for as long as is asked, and show it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.audit", description=__doc__)
    parser.add_argument("--seconds", type=float, default=_SECONDS)
    print(table(measure(seconds=parser.parse_args().seconds)))


if __name__ == "__main__":
    main()
