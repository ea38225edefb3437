"""The roadside check: decided, audited, asked of every register, audited again, released.

Peers: a handler of the same server library that runs the very same statements, taken down from a
real check, through the raw driver; and one that only answers.
"""

import itertools
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import httpx
import sqlalchemy as sa
import structlog
import uvloop
from sqlalchemy.ext.asyncio import AsyncEngine

from app.main import create_app
from app.parts import open_parts
from app.settings import Settings
from benchmarks import peer
from benchmarks.figures import Figure
from benchmarks.load import Load, loaded, request
from benchmarks.machine import cpu_seconds
from benchmarks.peer import Script
from benchmarks.world import OFFICERS, Caller, World, iin_of
from sim.district import DRIVER

_PATH: Final = "/api/checks"
_SUBJECTS: Final = 60  # drivers by turns: an officer may ask ten times a day about one
_JUSTIFICATION: Final = "Остановлен за превышение скорости, личность устанавливается на месте."
_EACH_MAX: Final = 115  # checks of one officer: the gate refuses the 121st within an hour
_CLIENTS: Final = (1, 4, 16)
_SECONDS: Final = 6.0
_WARM_SECONDS: Final = 1.5
_PEER_SECONDS: Final = 4.0
_BUSIEST: Final = 16

Transaction = tuple[tuple[str, tuple[Any, ...]], ...]


def measure(world: World) -> list[Figure]:
    """Check drivers with 1, 4 and 16 clients, then measure the peers."""
    return uvloop.run(_measured(world))


async def _measured(world: World) -> list[Figure]:
    callers = world.officers
    bodies = _bodies()
    requests = itertools.chain.from_iterable(
        (request("POST", _PATH, headers=one.headers, body=next(bodies)) for one in callers)
        for _ in range(_EACH_MAX)
    )

    def following() -> bytes | None:
        return next(requests, None)

    script = await _script(world, callers[-1])
    await loaded(world.base_url, clients=4, seconds=_WARM_SECONDS, next_request=following)
    figures = []
    cost_ms: list[float] = []
    for clients in _CLIENTS:
        before = cpu_seconds(world.server_pid)
        load = await loaded(
            world.base_url, clients=clients, seconds=_SECONDS, next_request=following
        )
        cost_ms.append((cpu_seconds(world.server_pid) - before) * 1000 / len(load.spent_ms))
        figures.append(load)
    with peer.running(world.folder, script=script) as url:
        sql = await _of_peer(url, "/sql")
        bare = await _of_peer(url, "/bare")
    return list(_figures(figures, sql, bare, cost_ms, len(script.transactions)))


def _bodies() -> Iterator[dict[str, Any]]:
    """Yield checks of the district's driver and of others, whom no register of persons knows.

    Each brings the justification that one in ten is asked for.
    """
    for number in itertools.count():
        turn = number % _SUBJECTS
        yield {
            "identity": {"iin": iin_of(4000 + turn) if turn else DRIVER.iin},
            "plate": DRIVER.plate,
            "stop_ground": "traffic_violation",
            "justification": _JUSTIFICATION,
        }


async def _of_peer(url: str, path: str) -> dict[int, Load]:
    content = request("POST", path, headers={}, body=next(_bodies()))
    found = {}
    for clients in (1, _BUSIEST):
        await loaded(url, clients=clients, seconds=0.5, next_request=lambda: content)
        found[clients] = await loaded(
            url, clients=clients, seconds=_PEER_SECONDS, next_request=lambda: content
        )
    return found


def _figures(
    loads: list[Load],
    sql: dict[int, Load],
    bare: dict[int, Load],
    cost_ms: list[float],
    transactions: int,
) -> Iterator[Figure]:
    for load in loads:
        beside = sql.get(load.clients)
        yield Figure(
            name=f"checks.rate_{load.clients}",
            value=load.rate,
            unit="checks/s",
            peer="" if beside is None else "the same SQL through raw asyncpg, bare handler",
            peer_value=None if beside is None else beside.rate,
            target=">= 300/s, >= 0.5 of the peer" if load.clients == _BUSIEST else "",
            note=f"{load.clients} clients, IIN and plate: 8 registers asked,"
            f" {transactions} transactions, {len(load.spent_ms)} checks of {OFFICERS} officers",
        )
        for percent, target in ((50, ""), (95, "<= 200 ms")):
            yield Figure(
                name=f"checks.p{percent}_{load.clients}",
                value=load.percentile_ms(percent),
                unit="ms",
                peer="" if beside is None else "the same SQL",
                peer_value=None if beside is None else beside.percentile_ms(percent),
                target=target,
            )
    busiest = loads[-1]
    yield Figure(
        name="checks.of_bare_http",
        value=busiest.rate,
        unit="checks/s",
        peer="a bare handler that only answers",
        peer_value=bare[_BUSIEST].rate,
        note="at 16 clients",
    )
    note = "of the server's process, without PostgreSQL and the registers"
    yield Figure(name="checks.server_cpu", value=cost_ms[-1], unit="ms/check", note=note)


async def _script(world: World, caller: Caller) -> Script:
    """Take down the statements of one check, made by the application in this process."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    settings = Settings(
        database_url=world.database_url,
        var_dir=world.folder / "server",
        registers_url=world.environment()["SAQSHY_REGISTERS_URL"],
        metrics_port=0,
    )
    async with open_parts(settings) as parts:
        transport = httpx.ASGITransport(app=create_app(parts))
        engine = parts.sessions.kw["bind"]
        async with httpx.AsyncClient(transport=transport, base_url=world.base_url) as client:
            for _ in range(2):  # the second is taken: the first fills caches
                with _taken_down(engine) as transactions:
                    body = next(_bodies())
                    answer = await client.post(_PATH, json=body, headers=caller.headers)
                answer.raise_for_status()
        async with parts.sessions() as session:
            made = await session.execute(
                sa.text("SELECT event_id FROM audit_leaves UNION SELECT id FROM register_requests")
            )
            fresh = frozenset(made.scalars())
            number = await session.scalar(
                sa.text("SELECT number FROM register_requests WHERE id = :id"),
                {"id": answer.json()["check_id"]},
            )
    steps = tuple(_once_each(transactions))
    return Script(world.database_url, steps, fresh, answer.content, number or 0)


@contextmanager
def _taken_down(engine: AsyncEngine) -> Iterator[list[Transaction]]:
    done: list[Transaction] = []
    open_ones: dict[int, list[tuple[str, tuple[Any, ...]]]] = {}

    def begin(connection: sa.Connection) -> None:
        open_ones[id(connection)] = []

    def executed(*given: Any) -> None:
        connection, _, statement, values = given[:4]
        open_ones[id(connection)].append((statement, tuple(values)))

    def commit(connection: sa.Connection) -> None:
        done.append(tuple(open_ones.pop(id(connection))))

    heard: dict[str, Callable[..., None]] = {
        "begin": begin,
        "before_cursor_execute": executed,
        "commit": commit,
    }
    for name, listener in heard.items():
        sa.event.listen(engine.sync_engine, name, listener)
    yield done
    for name, listener in heard.items():
        sa.event.remove(engine.sync_engine, name, listener)


def _once_each(transactions: list[Transaction]) -> Iterator[Transaction]:
    """Leave out the repeats of a look that waits: how many there are is chance."""
    before: Transaction = ()
    for one in transactions:
        if one != before:
            yield one
        before = one
