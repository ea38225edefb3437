"""The sequencer killed at any instant under load, over and over.

Twenty times with every run; two hundred by hand, in about two minutes:

    python -m pytest tests/e2e/test_sequencer_kills.py --kills 200
"""

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.audit import service, verify
from app.audit.errors import AuditSilent
from app.audit.models import Leaf
from app.audit.rules.note import VerifierKey
from app.audit.service import AuditTrail, Sequencer
from app.db import transaction

NOW = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)
ORIGIN = "test.example/log"
KEY = Ed25519PrivateKey.from_private_bytes(b"c" * 32)
VKEY = str(VerifierKey(name=ORIGIN, public_key=KEY.public_key().public_bytes_raw()))

# Imports once, then starts a sequencer for each line it reads and says its process id.
NURSERY = """
import asyncio, os, sys
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from app.audit.service import Sequencer
from app.db import make_engine, make_sessions
for _ in sys.stdin:
    child = os.fork()
    if child == 0:
        key = Ed25519PrivateKey.from_private_bytes(b"c" * 32)
        sessions = make_sessions(make_engine(sys.argv[1], pool_size=1))
        sequencer = Sequencer(sessions=sessions, checkpoint_key=key, origin=sys.argv[2])
        asyncio.run(sequencer.run(asyncio.Event()))
    print(child, flush=True)
    os.waitpid(child, 0)
"""


@pytest.fixture
async def nursery(database_url):
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", NURSERY, database_url, ORIGIN),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    yield process
    process.stdin.close()
    await process.wait()


@pytest.fixture
def kills(request):
    return request.config.getoption("--kills")


class Load:
    """Officers who write events and wait for their leaves until they are told to stop."""

    def __init__(self, sessions):
        self.sessions = sessions
        self.trail = AuditTrail(subject_key=b"s" * 32)
        self.stop, self.told = asyncio.Event(), asyncio.Event()
        self.written = []
        self.acknowledged = {}

    async def officer(self):
        while not self.stop.is_set():
            async with transaction(self.sessions) as session:
                event_id = await self.trail.record(session, event="test.happened", at=NOW, who=None)
            self.written.append(event_id)
            try:
                self.acknowledged[event_id] = await self.trail.sequenced(
                    self.sessions, event_id=event_id, timeout_seconds=2
                )
                self.told.set()
            except AuditSilent:
                continue  # nothing is released; the event waits in the outbox


async def grown(sessions, earlier):
    """Return the newest checkpoint after proving that it continues the one from before."""
    async with transaction(sessions) as session:
        size = 0 if earlier is None else int(earlier.splitlines()[1])
        growth = await service.proof_of_growth(session, earlier=size)
    if earlier is not None:
        verify.verify_growth(earlier=earlier, growth=growth, verifier_key=VKEY)
    return growth.partition("\n\n")[2]


@pytest.mark.nightly
async def test_whoever_was_told_of_a_leaf_finds_it_once_after_every_kill(sessions, nursery, kills):
    load, chance, checkpoint = Load(sessions), random.Random(7), None
    officers = [asyncio.create_task(load.officer()) for _ in range(6)]
    for _ in range(kills):
        nursery.stdin.write(b"\n")
        pid = int(await nursery.stdout.readline())
        load.told.clear()
        await load.told.wait()  # it leads: the lock of the one before is gone
        await asyncio.sleep(chance.uniform(0, 0.15))
        os.kill(pid, signal.SIGKILL)
        checkpoint = await grown(sessions, checkpoint)
    load.stop.set()
    await asyncio.gather(*officers)

    after = Sequencer(sessions=sessions, checkpoint_key=KEY, origin=ORIGIN)
    while await after.drain_once():
        pass
    await grown(sessions, checkpoint)
    async with transaction(sessions) as session:
        rows = (await session.execute(sa.select(Leaf.event_id, Leaf.index))).all()
        note = await service.checkpoint_note(session)
        export = b"".join([p async for p in service.export_leaves(session, size=len(rows))])
    assert Counter(event_id for event_id, _ in rows) == Counter(load.written)
    places = dict(map(tuple, rows))
    assert all(places[event_id] == index for event_id, index in load.acknowledged.items())
    verify.verify_log(leaves=export.splitlines(), checkpoint=note, verifier_key=VKEY)
