"""What the hot queries over recordings cost with N of them and with ten times as many.

    python -m benchmarks.recordings 20000 200000

The rows are made by PostgreSQL itself: recordings of forty departments, one after the other into
the past, each with parts, a trail and a packed index. The promise is a ratio of 1.2 at most.
"""

import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from hashlib import md5
from typing import Final
from uuid import UUID

import psycopg
import uvloop

from app.db import Direct, Sessions, make_engine, make_sessions, open_direct, transaction
from app.runtime import migrate
from app.runtime.postgres import EmbeddedPostgres
from benchmarks.figures import Figure, table
from benchmarks.places import FOLDER, emptied
from bodycam import repository
from bodycam.repository import findings
from bodycam.rules.places import CELL_E7, Area, cell_of

_SMALL: Final = 20_000
_LARGE: Final = 200_000
_ROUNDS: Final = 300
_DEPARTMENTS: Final = 40
_POINTS: Final = 8  # of each trail
_PARTS: Final = 4
_BASE: Final = datetime(2026, 11, 1, tzinfo=UTC)
_APART: Final = timedelta(minutes=4)  # between the starts of two recordings
_LATITUDE_E7, _LONGITUDE_E7 = 511_284_000, 714_305_000
_CHUNK: Final = 20_000

_RECORDINGS: Final = """
INSERT INTO recordings (id, camera_id, dock_id, department_id, status, started_at, ended_at,
  clock_drift_ms, battery_percent, declared_bytes, found_bytes, block_digests, merkle_root,
  differing, manifest, manifest_sha256, manifest_signature, predecessor_known, object_key,
  upload_ref, damage, announced_at, door, category)
SELECT md5('r' || i)::uuid, md5('c' || i %% 400)::uuid, md5('d' || i %% 60)::uuid,
  md5('u' || i %% %(departments)s)::uuid, 'reviewable',
  %(base)s - i * %(apart)s, %(base)s - i * %(apart)s + interval '8 hours', 0, 50, 33554432,
  33554432, decode(repeat(md5('b' || i), 8), 'hex'), decode(md5('m' || i), 'hex'), '{}',
  decode(repeat(md5('f' || i), 40), 'hex'), decode(md5('s' || i) || md5('t' || i), 'hex'), '',
  true, 'recordings/' || i, '', '[]', %(base)s - i * %(apart)s, 'dock', 'other'
FROM generate_series(%(first)s::int, %(last)s::int) AS i
"""
_REST: Final = (
    """
INSERT INTO recording_parts (recording_id, number, sha256, size_bytes, stored_at)
SELECT md5('r' || i)::uuid, n, decode(md5('p' || i || n), 'hex'), 8388608, now()
FROM generate_series(%(first)s::int, %(last)s::int) AS i, generate_series(0, %(parts)s - 1) AS n
""",
    """
INSERT INTO track_points (recording_id, at, latitude_e7, longitude_e7, cell)
SELECT md5('r' || i)::uuid, %(base)s - i * %(apart)s + n * interval '1 hour', place,
  %(longitude)s, %(cell)s + (place / %(cell_e7)s - %(latitude)s / %(cell_e7)s) * %(row)s
FROM generate_series(%(first)s::int, %(last)s::int) AS i, generate_series(0, %(points)s - 1) AS n,
  LATERAL (SELECT %(latitude)s + (i * 7919 + n * 104729) %% 2000000) AS at (place)
""",
    """
INSERT INTO recording_indexes (recording_id, packed)
SELECT md5('r' || i)::uuid, decode(repeat(md5('x' || i), 60), 'hex')
FROM generate_series(%(first)s::int, %(last)s::int) AS i
""",
)


def _id(kind: str, number: int) -> UUID:
    return UUID(md5(f"{kind}{number}".encode(), usedforsecurity=False).hexdigest())


def measure(small: int = _SMALL, large: int = _LARGE) -> list[Figure]:
    """Fill one database with ``small`` and one with ``large`` recordings; ask both by turns."""
    postgres = EmbeddedPostgres(emptied(FOLDER / "recordings") / "db")
    postgres.start()
    try:
        for name, count in (("small", small), ("large", large)):
            with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}")
            migrate.upgrade(database_url=postgres.url(name))
            _fill(postgres.url(name), count)
        return uvloop.run(_measured(postgres.url("small"), postgres.url("large"), small, large))
    finally:
        postgres.stop()


def _cell(latitude_e7: int) -> int:
    return cell_of(latitude_e7=latitude_e7, longitude_e7=_LONGITUDE_E7)


def _fill(url: str, count: int) -> None:
    given = {
        "departments": _DEPARTMENTS, "base": _BASE, "apart": _APART, "parts": _PARTS,
        "points": _POINTS, "latitude": _LATITUDE_E7, "longitude": _LONGITUDE_E7,
        "cell_e7": CELL_E7, "cell": _cell(_LATITUDE_E7),
        "row": _cell(_LATITUDE_E7 + CELL_E7) - _cell(_LATITUDE_E7),
    }  # fmt: skip
    with psycopg.connect(url, autocommit=True) as connection:
        # Whose they are is not asked here: the rows of cameras and units need not be.
        connection.execute("SET session_replication_role = replica")
        for first in range(0, count, _CHUNK):
            span = {"first": first, "last": min(first + _CHUNK, count) - 1}
            for statement in (_RECORDINGS, *_REST):
                connection.execute(statement.encode(), given | span)
        connection.execute("SET session_replication_role = DEFAULT")
        connection.execute("VACUUM ANALYZE")


class _Asking:
    """One database and the questions that are asked of it."""

    def __init__(self, sessions: Sessions, direct: Direct, count: int) -> None:
        self._sessions, self._direct, self._count = sessions, direct, count

    async def part_facts(self, turn: int) -> None:
        number = turn * 7919 % self._count
        await repository.part_facts(self._direct, recording_id=_id("r", number), number=1)

    async def newest_of_unit(self, turn: int) -> None:
        async with transaction(self._sessions) as session:
            found = await repository.recordings_of(
                session, department_id=_id("u", turn % _DEPARTMENTS), before=None, limit=50
            )
            assert len(found) == 50  # noqa: S101, PLR2004 - or the figure is of nothing

    async def place_and_time(self, turn: int) -> None:
        number = turn * 7919 % (self._count // 2)
        at = _BASE - number * _APART
        area = Area(
            latitude_e7=_LATITUDE_E7 + 900_000, longitude_e7=_LONGITUDE_E7, radius_meters=300
        )
        async with transaction(self._sessions) as session:
            await repository.passages(
                session,
                department_id=_id("u", number % _DEPARTMENTS),
                area=area,
                seen_from=at,
                seen_to=at + timedelta(hours=4),
                limit=100,
            )

    async def playlist(self, turn: int) -> None:
        number = turn * 7919 % self._count
        async with transaction(self._sessions) as session:
            await repository.recording(session, _id("r", number))
            await repository.index_of(session, _id("r", number))
            await findings.form_of(session, _id("r", number))


async def _measured(small_url: str, large_url: str, small: int, large: int) -> list[Figure]:
    engines = [make_engine(url, pool_size=1) for url in (small_url, large_url)]
    async with (
        open_direct(small_url, pool_size=1) as first,
        open_direct(large_url, pool_size=1) as second,
    ):
        askings = (
            _Asking(make_sessions(engines[0]), first, small),
            _Asking(make_sessions(engines[1]), second, large),
        )
        figures = []
        for name in ("part_facts", "newest_of_unit", "place_and_time", "playlist"):
            few, many = await _by_turns([getattr(one, name) for one in askings])
            figures.append(
                Figure(
                    name=f"recordings.{name}",
                    value=many * 1000,
                    unit="ms",
                    peer=f"the same with {small:,} recordings",
                    peer_value=few * 1000,
                    target="<= 1.2 of it",
                    note=f"median of {_ROUNDS} by turns, with {large:,} recordings",
                )
            )
    for engine in engines:
        await engine.dispose()
    return figures


async def _by_turns(asks: list[Callable[[int], Awaitable[None]]]) -> list[float]:
    times: list[list[float]] = [[] for _ in asks]
    for turn in range(-20, _ROUNDS):  # the first to warm up
        for place, ask in enumerate(asks):
            began = time.perf_counter()
            await ask(abs(turn))
            if turn >= 0:
                times[place].append(time.perf_counter() - began)
    return [statistics.median(one) for one in times]


if __name__ == "__main__":
    numbers = [int(one) for one in sys.argv[1:]]
    print(table(measure(*numbers)))
