"""The server and its sequencer killed at any instant under the load of checks, over and over.

A few times with every run; two hundred in a night:

    python -m pytest tests/e2e/test_server_kills.py --server-kills 200
"""

import asyncio
import itertools
import json
import random
import shutil
import threading
import time
from collections import Counter

import httpx
import psycopg
import pytest

from app.audit import service, verify
from app.db import make_engine, make_sessions, transaction
from app.runtime.postgres import EmbeddedPostgres
from sim.client import Refused
from sim.district import DRIVER, OFFICER, SECOND_OFFICER
from sim.patrol import Keeper, Officer
from sim.stage import Ports, Stage
from tests.factories_access import iin
from tests.factories_stage import StageOnDatabase, alive, descendants, pull_plug, until

THREADS = 2  # of each officer


class Strong(StageOnDatabase):
    """A stage whose PostgreSQL outlives the server; only its first start makes the schema."""

    begun = False

    def start_server(self):
        start = Stage.start_server if self.begun else StageOnDatabase.start_server
        start(self)
        self.begun = True


@pytest.fixture
def database(tmp_path):
    """A PostgreSQL with syncing on, run by somebody else."""
    server = EmbeddedPostgres(tmp_path / "elsewhere")
    server.start()
    try:
        server.ensure_database()
        yield server
    finally:
        server.stop()


@pytest.fixture
def stage(database, authority_folder, tmp_path):
    folder = tmp_path / "stage"
    shutil.copytree(authority_folder, folder / "authority")
    with Strong(folder, ports=Ports.free(), database_url=database.url()) as stage:
        yield stage


class Load:
    """Officers who check one driver after the other while the gate is open."""

    def __init__(self, officers):
        self.released, self.refused = [], []
        self._stop, self._subjects = threading.Event(), itertools.count(5000)
        self.gate = threading.Event()  # shut from a kill to the end of the start after it
        self.gate.set()
        self._threads = [
            threading.Thread(target=self._go, args=(officer,))
            for officer in officers
            for _ in range(THREADS)
        ]
        for thread in self._threads:
            thread.start()

    def _go(self, officer):
        while self.gate.wait() and not self._stop.is_set():
            # Each of another person: the checks of one in a day have a limit.
            identity = {"iin": iin(next(self._subjects) % 10_000)}
            try:
                self.released.append(officer.check(identity, DRIVER.plate))
            except Refused as refused:
                if "check_id" in refused.problem:
                    self.refused.append(refused.problem["check_id"])
            except httpx.TransportError:
                time.sleep(0.02)  # killed: whatever was not answered was not acknowledged

    @property
    def told(self):
        return len(self.released) + len(self.refused)

    def stop(self):
        self._stop.set()
        self.gate.set()
        for thread in self._threads:
            thread.join()


async def grown(url, key, earlier):
    """Return the newest checkpoint after proving that it continues the one from before."""
    engine = make_engine(url, pool_size=1)
    async with transaction(make_sessions(engine)) as session:
        size = 0 if earlier is None else int(earlier.splitlines()[1])
        growth = await service.proof_of_growth(session, earlier=size)
    await engine.dispose()
    if earlier is not None:
        verify.verify_growth(earlier=earlier, growth=growth, verifier_key=key)
    return growth.partition("\n\n")[2]


@pytest.mark.nightly
def test_whoever_was_answered_finds_it_in_the_log_once_after_every_kill(
    stage, database, tmp_path, request
):
    keeper, chance, checkpoint = Keeper(stage), random.Random(11), None
    key = stage._log_key()
    officers = [
        Officer(stage, keeper.enrol("tablet", f"TAB-{place}"), one)
        for place, one in enumerate((OFFICER, SECOND_OFFICER))
    ]
    load = Load(officers)
    try:
        for _ in range(request.config.getoption("--server-kills")):
            before = load.told
            until(lambda at_least=before + 3: load.told >= at_least)
            time.sleep(chance.uniform(0, 0.3))
            children = descendants(stage._server.pid)
            pull_plug(stage)
            load.gate.clear()
            until(lambda these=children: not any(alive(pid) for pid in these))
            checkpoint = asyncio.run(grown(database.url(), key, checkpoint))
            stage.start_server()
            load.gate.set()
    finally:
        load.stop()

    waiting = "SELECT count(*) FROM audit_outbox"
    with psycopg.connect(database.url(), autocommit=True) as connection:
        until(lambda: connection.execute(waiting).fetchone() == (0,))
        (written,) = connection.execute("SELECT count(*) FROM register_requests").fetchone()
    asyncio.run(grown(database.url(), key, checkpoint))
    stage.run_app("export-log", str(tmp_path / "log"))
    folder = tmp_path / "log"
    lines = (folder / "leaves").read_bytes().splitlines()
    leaves = [json.loads(line) for line in lines]
    verified = verify.verify_log(
        leaves=lines,
        checkpoint=(folder / "checkpoint").read_text(),
        verifier_key=(folder / "key").read_text(),
    )

    assert verified.size == len(leaves)
    for check in load.released:
        for place in ("decision_leaf_index", "leaf_index"):
            assert leaves[check[place]]["fields"]["check_id"] == check["check_id"]
    numbered = [one["fields"] for one in leaves if "running" in one["fields"]]
    decided = Counter(one["check_id"] for one in numbered if "check_id" in one)
    assert set(decided.values()) == {1}  # none twice
    told = {check["check_id"] for check in load.released} | set(load.refused)
    assert told <= decided.keys()
    assert len(decided) == written  # nor is there a request without its leaf, or a leaf without it
