"""Fixtures: one real PostgreSQL for the run, one fresh database for each test that wants one."""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import httpx
import hypothesis
import psycopg
import pytest
import pytest_socket
from fastapi import FastAPI
from psycopg import sql

from app import keys as app_keys
from app.db import Sessions, make_engine, make_sessions
from app.keys import Keys
from app.runtime import migrate
from app.runtime.postgres import EmbeddedPostgres
from app.settings import Settings, TrustEnvironment

if TYPE_CHECKING:
    from app.parts import Parts
    from sim.revocation import SimRevocation

# A run tells the code from the code before, not a quick machine from a slow one.
hypothesis.settings.register_profile(
    "house",
    deadline=None,
    derandomize=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("house")

# How long the database may be silent about a session: here, as long as a busy machine is. What the
# promised 0.4 s does is the matter of ``api/test_cutting.py``, which sets it where nobody can look.
_LOOK_SECONDS = 20.0
_TEMPLATE = "saqshy_template"
# Nothing here outlives the run: durability is tested where it is promised, on a cluster of its own.
_QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
_MEMORY = Path("/dev/shm")  # a copy of the template takes 20 ms there and 300 on a disk
_MEMORY_BYTES_MIN = 2 << 30  # containers often have 64 MB of it


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kills", type=int, default=20, help="how often the sequencer is killed")
    parser.addoption(
        "--store-kills", type=int, default=4, help="how often a store or its writer is killed"
    )
    parser.addoption(
        "--agent-kills", type=int, default=2, help="how many sales are struck at the terminal"
    )
    parser.addoption("--mutants", type=int, default=60, help="how many files are mutated")
    parser.addoption(
        "--server-kills", type=int, default=3, help="how often the server is killed under load"
    )
    parser.addoption(
        "--upload-kills", type=int, default=8, help="how often each end of an upload is killed"
    )
    parser.addoption(
        "--import-kills", type=int, default=2, help="how often the import of a file is killed"
    )
    parser.addoption(
        "--towns", type=int, default=6, help="how many simulated days PostgreSQL keeps the books of"
    )
    parser.addoption("--blocks", type=int, default=100, help="how often a block races a request")
    parser.addoption(
        "--rounds", type=int, default=1, help="how many times the default count of simulated runs"
    )
    parser.addoption(
        "--soak-payments", type=int, default=40, help="payments of the soak in real time"
    )
    parser.addoption("--town-payments", type=int, default=12, help="payments of a simulated day")


class Cluster:
    """The run's PostgreSQL: gives out databases cloned from the migrated template."""

    def __init__(self, server: EmbeddedPostgres, *, in_memory: bool) -> None:
        self._server = server
        # Copying files wins in memory; on a disk, writing the log of PostgreSQL does.
        self._strategy = sql.SQL("file_copy" if in_memory else "wal_log")

    def url(self, database: str) -> str:
        return self._server.url(database)

    def create(self, *, template: str = _TEMPLATE) -> str:
        name = f"t_{uuid4().hex}"
        self._run(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY {}").format(
                sql.Identifier(name), sql.Identifier(template), self._strategy
            )
        )
        return name

    def create_template(self) -> None:
        self._run(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(_TEMPLATE)))
        migrate.upgrade(database_url=self.url(_TEMPLATE))

    def drop(self, name: str) -> None:
        self._run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _run(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    # A short path of our own: the kernel limits the path of a Unix socket.
    in_memory = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _MEMORY_BYTES_MIN
    folder = Path(tempfile.mkdtemp(prefix="saqshy-test-", dir=_MEMORY if in_memory else None))
    server = EmbeddedPostgres(folder / "pg", options=_QUICK)
    server.start()
    try:
        cluster = Cluster(server, in_memory=in_memory)
        cluster.create_template()
        yield cluster
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database_url(cluster: Cluster) -> Iterator[str]:
    name = cluster.create()
    yield cluster.url(name)
    cluster.drop(name)


@pytest.fixture
async def sessions(database_url: str) -> AsyncIterator[Sessions]:
    engine = make_engine(database_url)
    yield make_sessions(engine)
    await engine.dispose()


@pytest.fixture(scope="session")
def keys_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    app_keys.make_missing(folder)
    return folder


@pytest.fixture(scope="session")
def keys(keys_dir: Path) -> Keys:
    return app_keys.load(keys_dir)


@pytest.fixture(scope="session")
def responding() -> Iterator["SimRevocation"]:
    from sim.revocation import SimRevocation
    from tests.factories_identity import RESPONDING

    with SimRevocation(port=0) as running:
        RESPONDING.append(running)
        yield running


@pytest.fixture
def revocation(responding: "SimRevocation") -> Iterator["SimRevocation"]:
    """The authority's OCSP and lists on loopback, all certificates good until a test says no."""
    yield responding
    responding.reset()


@pytest.fixture
def settings(
    tmp_path: Path, database_url: str, keys_dir: Path, revocation: "SimRevocation"
) -> Settings:
    roots = tmp_path / "roots"
    roots.mkdir()
    return Settings(
        database_url=database_url,
        var_dir=tmp_path / "var",
        keys_dir=keys_dir,
        trust_roots_dir=roots,
        trust_environment=TrustEnvironment.TEST,
        ocsp_url=revocation.ocsp_url,
        crl_urls=f"{revocation.url}/crl/0/full.crl,{revocation.url}/crl/0/d.crl",
        revocation_timeout_seconds=20,
        audit_wait_seconds=20,
        metrics_port=0,
    )


@pytest.fixture
async def parts(settings: Settings) -> AsyncIterator["Parts"]:
    """The parts of a server on this test's database, its sequencer and its watch running."""
    from app.main import sequencing, watching
    from app.parts import open_parts

    async with open_parts(settings) as parts:
        parts.answers.look_seconds = _LOOK_SECONDS
        async with sequencing(parts), watching(parts):
            yield parts


@pytest.fixture(scope="session")
def assembled() -> dict[tuple[object, ...], tuple[FastAPI, dict[str, object]]]:
    """The applications assembled so far: some two hundred routes are built once, not per test."""
    return {}


@pytest.fixture
async def app(
    parts: "Parts", assembled: dict[tuple[object, ...], tuple[FastAPI, dict[str, object]]]
) -> AsyncIterator[FastAPI]:
    """The whole application, as served, with this test's parts and nothing of the one before."""
    from app.main import create_app, give_parts

    settings = parts.settings
    key = (settings.body_bytes_max, settings.concurrency_max, settings.ncalayer_url)
    if key not in assembled:
        application = create_app(parts)
        assembled[key] = (application, dict(application.state._state))
    application, state = assembled[key]
    application.state._state.clear()
    application.state._state.update(state)
    give_parts(application, parts)
    routes = len(application.router.routes)
    yield application
    if len(application.router.routes) != routes:
        del assembled[key]  # a test has put routes of its own into it


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A caller at the application's own door, without a session."""
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        yield client


@pytest.fixture(autouse=True)
def _sockets(request: pytest.FixtureRequest) -> Iterator[None]:
    """Unit tests reach no network; the others reach this machine alone."""
    if "/tests/unit/" in request.node.path.as_posix() and "sockets" not in request.keywords:
        pytest_socket.disable_socket(allow_unix_socket=True)
        yield
        pytest_socket.enable_socket()
        return
    pytest_socket.socket_allow_hosts(["127.0.0.1", "localhost", "::1"], allow_unix_socket=True)
    yield
    pytest_socket._remove_restrictions()


@pytest.fixture
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("SAQSHY_") or name == "DATABASE_URL":
            monkeypatch.delenv(name)
