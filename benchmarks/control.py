"""Departmental control over a large month: 200 officers with 30 requests a day, 186,000 in all.

The page is asked of the whole application in process: caller, queries, names, unsealing of the
subjects it masks, the event in the log, the template. The peer is what the same requests cost as
bare rows: a page of them and their count.
"""

import asyncio
import json
import random
import resource
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import httpx
from fastapi import Request

from app import keys as app_keys
from app.access import Principal, Role
from app.clock import LAW_ZONE, utc_now
from app.exchange.rules.control import interval_of
from app.exchange.service import control
from app.exchange.storage import Content, new_key
from app.keys import Keys
from app.main import create_app, sequencing
from app.parts import open_parts
from app.runtime import migrate
from app.runtime.postgres import EmbeddedPostgres
from app.settings import Settings
from benchmarks.figures import Figure, percentile
from benchmarks.places import FOLDER, emptied
from sim.district import DEPARTMENT_BIN

_OFFICERS: Final = 200
_A_DAY: Final = 30
_DAYS: Final = 31
_MONTH: Final = "2026-10"
_ROUNDS: Final = 12
_SUBJECT: Final = json.dumps({"iin": "950817301017", "plate": "777ABC02"}).encode()
_COLUMNS: Final = (
    "id", "status", "basis", "stop_ground", "services", "rule_set", "snapshot_sha256",
    "person_id", "post_id", "department_id", "month", "number", "subject_kind", "subject_sealed",
    "extended_asked", "flags", "attempts", "hit", "wrapped_key", "event_ids", "received_at",
    "decided_at",
)  # fmt: skip
_PEER: Final = """
    SELECT r.* FROM register_requests AS r JOIN control_officers AS o USING (person_id)
    WHERE o.report_id = $1 AND r.month = $2 ORDER BY o.place, r.number LIMIT 100
"""
_PEER_COUNT: Final = "SELECT count(*) FROM register_requests WHERE month = $1"


@dataclass(frozen=True)
class _Planted:
    """Whom the month belongs to."""

    report_id: UUID
    official_id: UUID
    post_id: UUID
    department_id: UUID


def measure() -> list[Figure]:
    """Generate the month, then open its pages and write its table."""
    folder = emptied(FOLDER / "control")
    postgres = EmbeddedPostgres(folder / "db")
    postgres.start()
    try:
        url = postgres.url("postgres")
        migrate.upgrade(database_url=url)
        app_keys.make_missing(folder / "keys")
        return asyncio.run(_measured(url, folder))
    finally:
        postgres.stop()


async def _measured(url: str, folder: Path) -> list[Figure]:
    settings = Settings(
        database_url=url,
        var_dir=folder / "var",
        keys_dir=folder / "keys",
        metrics_port=0,
    )
    async with open_parts(settings) as parts, sequencing(parts):
        planted = await _plant(url, parts.keys)
        application = create_app(parts)
        caller = Principal(
            department_id=planted.department_id,
            person_id=planted.official_id,
            post_id=planted.post_id,
            role=Role.RESPONSIBLE_OFFICIAL,
        )

        async def authenticate(request: Request) -> Principal:
            del request
            return caller

        application.state.authenticate_person = authenticate
        transport = httpx.ASGITransport(app=application)
        async with httpx.AsyncClient(transport=transport, base_url="http://bench") as client:
            figures = await _figures(client, url, planted)
        desk = control.ControlDesk(
            sessions=parts.sessions,
            trail=parts.trail,
            keys=parts.keys,
            device_names=None,
            audit_wait_seconds=5,
            clock=utc_now,
        )
        return [*figures, *await _table(desk, caller, planted.report_id)]


async def _figures(client: httpx.AsyncClient, url: str, planted: _Planted) -> list[Figure]:
    page = f"/console/control/{planted.report_id}"
    first = await _times(lambda: _got(client, page))
    middle = await _times(lambda: _got(client, f"{page}?after=100:500"))
    flagged = await _times(lambda: _got(client, f"{page}?show=flagged"))
    peer = await _times_of_peer(url, planted.report_id)
    against = "a page and the count of the same rows, raw asyncpg"
    peer_p50 = percentile(peer, 50)
    return [
        Figure(
            name="control.page_p95",
            value=percentile(first, 95),
            unit="ms",
            peer=against,
            peer_value=peer_p50,
            target="< 1000 ms",
        ),
        Figure(name="control.page_middle_p95", value=percentile(middle, 95), unit="ms"),
        Figure(name="control.page_flagged_p95", value=percentile(flagged, 95), unit="ms"),
    ]


async def _got(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path, headers={"Accept": "text/html"}, timeout=60)
    answer.raise_for_status()


async def _times(act: Callable[[], Awaitable[object]]) -> list[float]:
    await act()  # the first of all compiles templates and statements
    times = []
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        await act()
        times.append((time.perf_counter() - began) * 1000)
    return times


async def _times_of_peer(url: str, report_id: UUID) -> list[float]:
    connection = await asyncpg.connect(url)
    try:

        async def bare() -> None:
            await connection.fetch(_PEER, report_id, _MONTH)
            await connection.fetchval(_PEER_COUNT, _MONTH)

        return await _times(bare)
    finally:
        await connection.close()


async def _table(desk: control.ControlDesk, caller: Principal, report_id: UUID) -> list[Figure]:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began, lines = time.perf_counter(), -1  # the head
    async for piece in await control.export_table(desk, caller=caller, report_id=report_id):
        lines += piece.count(b"\r\n")
    seconds = time.perf_counter() - began
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return [
        Figure(name="control.table", value=lines / seconds, unit="lines/s"),
        Figure(name="control.table_memory", value=grown, unit="MiB", note="added to the peak"),
    ]


async def _plant(url: str, keys: Keys) -> _Planted:
    connection = await asyncpg.connect(url)
    try:
        planted, officers = await _people(connection)
        chance = random.Random(200)  # noqa: S311 - the same month each time
        for place, (person_id, post_id) in enumerate(officers):
            records = list(_requests(chance, keys, person_id, post_id, planted.department_id))
            await connection.copy_records_to_table(
                "register_requests", records=records, columns=_COLUMNS
            )
            await _put_officer(connection, planted.report_id, person_id, place)
        await connection.execute("ANALYZE")
    finally:
        await connection.close()
    return planted


async def _people(connection: Any) -> tuple[_Planted, list[tuple[UUID, UUID]]]:
    department_id, report_id = uuid4(), uuid4()
    await connection.execute(
        "INSERT INTO departments (id, bin, name_kk, name_ru) VALUES ($1, $2, 'Б', 'Б')",
        department_id,
        DEPARTMENT_BIN,
    )
    people = []
    for number in range(_OFFICERS + 1):
        person_id, post_id = uuid4(), uuid4()
        await connection.execute(
            "INSERT INTO people (id, iin, surname, given_name, patronymic, sort_key)"
            " VALUES ($1, $2, $3, 'А', '', $4)",
            person_id,
            f"{number:012d}",
            f"ҚЫЗМЕТКЕР-{number:03d}",
            f"{number:03d}",
        )
        await connection.execute(
            "INSERT INTO posts (id, person_id, department_id, role, title, badge, valid_from)"
            " VALUES ($1, $2, $3, $4, '-', $5, $6)",
            post_id,
            person_id,
            department_id,
            "patrol_officer" if number else "responsible_official",
            f"B-{number:04d}",
            date(2026, 1, 1),
        )
        people.append((person_id, post_id))
    (official_id, post_id), *officers = people
    await connection.execute(
        "INSERT INTO control_reports (id, month, official_id, due_on, opened_at, event_id)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        report_id,
        _MONTH,
        official_id,
        date(2026, 11, 10),
        datetime(2026, 11, 1, tzinfo=UTC),
        uuid4(),
    )
    return _Planted(report_id, official_id, post_id, department_id), officers


async def _put_officer(connection: Any, report_id: UUID, person_id: UUID, place: int) -> None:
    within = interval_of(_MONTH)
    await connection.execute(
        "INSERT INTO control_officers (report_id, person_id, place, last_number)"
        " VALUES ($1, $2, $3, $4)",
        report_id,
        person_id,
        place,
        _A_DAY * _DAYS,
    )
    await connection.execute(
        "INSERT INTO control_spans (id, report_id, person_id, begin_at, end_at)"
        " VALUES ($1, $2, $3, $4, $5)",
        uuid4(),
        report_id,
        person_id,
        within.begin,
        within.end,
    )


def _requests(
    chance: random.Random, keys: Keys, person_id: UUID, post_id: UUID, department_id: UUID
) -> Any:
    began = datetime(2026, 10, 1, 8, tzinfo=LAW_ZONE)
    for number in range(1, _A_DAY * _DAYS + 1):
        request_id = uuid4()
        key = new_key(vault=keys.vault, owner=request_id)
        day, place = divmod(number - 1, _A_DAY)
        at = began + timedelta(days=day, minutes=20 * place)
        flags = ["night"] if chance.random() < 0.02 else []  # noqa: PLR2004 - two of a hundred
        yield (
            request_id, "released", "PRIMARY_CHECK", "traffic_violation", ["person_documents"],
            "151-2021-02-15", "0" * 64, person_id, post_id, department_id, _MONTH, number,
            "person_and_vehicle", key.seal(Content.SUBJECT, _SUBJECT), False, flags, 1, True,
            key.wrapped, [], at, at,
        )  # fmt: skip
