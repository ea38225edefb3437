"""The line is cut at the messages of tus, and at parts that go straight to an S3 store.

As in ``test_cut_lines``: before the message, in its middle, and behind the act, when the answer is
lost. Whoever sends says it again; the bytes lie there once, and nothing is left beside them.
"""

import asyncio
import secrets
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import sqlalchemy as sa
from moto.server import ThreadedMotoServer

from app.db import transaction
from app.runtime.bodies import Limits
from app.runtime.bodies.server import listening
from bodycam.models import RecordingRow, UploadRow
from bodycam.service import Docking
from bodycam.service.tus import expire_uploads
from bodycam.service.tus_finishing import finish_uploads
from sim.faults import Fault, FaultyLine
from tests import factories_bodycam as bodycam
from tests.factories_dock import Agent, wiped
from tests.factories_store import joined, s3_at, s3_store, stored_bytes
from tests.factories_tus import MEDIA, Sender

CUTS = {
    "request cut before": Fault.RESET,
    "in the middle": Fault.CUT,
    "answer lost": Fault.LOST,
}
TRIES_MAX = 5


@pytest.fixture(params=CUTS)
def cut(request):
    return CUTS[request.param]


@pytest.fixture
async def yard(sessions, tmp_path):
    return await bodycam.yard(sessions, tmp_path)


@pytest.fixture
async def served(app):
    """The address at which the server listens."""
    async with listening(app, host="127.0.0.1", port=0, limits=Limits()) as server:
        host, port = server.sockets[0].getsockname()
        yield f"http://{host}:{port}"


@pytest.fixture
def docking(parts):
    return Docking(
        sessions=parts.sessions,
        store=parts.store,
        trail=parts.trail,
        recording_bytes_max=parts.settings.recording_bytes_max,
    )


@pytest.fixture
def finish(docking, keys):
    async def act():
        """Do what the worker does of uploads, in the hours and days after."""
        await finish_uploads(docking, receipt_key=keys.receipt, now=datetime.now(UTC))
        await expire_uploads(docking, now=datetime.now(UTC) + timedelta(days=8))

    return act


async def rows(sessions, model):
    async with transaction(sessions) as session:
        return (await session.scalars(sa.select(model))).all()


def files(settings):
    return [one for one in settings.objects_dir.rglob("*") if one.is_file()]


@pytest.fixture
def content():
    return bodycam.footage().read_bytes()


@pytest.fixture
def line(served):
    with FaultyLine(served) as line:
        yield line


@pytest.fixture
async def sender(line, yard):
    async with httpx.AsyncClient(base_url=line.url, trust_env=False, timeout=60) as client:
        yield Sender(client, yard.dock)


def spoil(line, path, cut):
    line.behave(path.rsplit("/", 1)[-1], cut, times=1)


async def repeated(line, ask):
    """Ask until an answer comes; return it, and after how many that were lost."""
    for times in range(TRIES_MAX):
        try:
            return await ask(), times
        except httpx.TransportError:
            continue
    raise TimeoutError(f"{line.spoiled} exchanges were spoiled, and it does not get through")


@pytest.mark.parametrize("first", [0, 1000, None], ids=["bare", "first bytes", "whole"])
async def test_a_line_cut_at_the_beginning_of_an_upload_stores_the_bytes_once(
    sessions, settings, line, sender, finish, content, cut, first
):
    body = content if first is None else content[:first]
    headers = {"Content-Type": MEDIA} if body else {}
    spoil(line, "/tus", cut)

    answer, times = await repeated(
        line, lambda: sender.create(len(content), headers=headers, content=body or None)
    )
    path = answer.headers["Location"]
    if len(body) < len(content):
        assert (await sender.patch(path, len(body), content[len(body) :])).status_code == 204
    await finish()

    assert (answer.status_code, times, line.spoiled) == (201, 1, 1)
    (row,) = await rows(sessions, RecordingRow)
    assert stored_bytes(settings, row.object_key) == content
    assert len(files(settings)) == 1
    assert await rows(sessions, UploadRow) == []


async def test_a_line_cut_at_the_question_how_far_an_upload_is_moves_nothing(
    sessions, settings, line, sender, finish, content, cut
):
    path = await sender.begun(len(content))
    await sender.patch(path, 0, content[:1000])
    spoil(line, path, cut)

    at, times = await repeated(line, lambda: sender.offset(path))
    await sender.patch(path, at, content[at:])
    await finish()

    assert (at, times, line.spoiled) == (1000, 1, 1)
    (row,) = await rows(sessions, RecordingRow)
    assert stored_bytes(settings, row.object_key) == content
    assert len(files(settings)) == 1


async def test_a_line_cut_at_the_bytes_of_an_upload_stores_them_once(
    sessions, settings, line, sender, finish, content, cut
):
    path = await sender.begun(len(content))
    spoil(line, path, cut)

    with pytest.raises(httpx.TransportError):
        await sender.patch(path, 0, content)
    at = await sender.offset(path)
    answer = await sender.patch(path, at, content[at:])
    await finish()

    assert answer.status_code == 204
    assert (at == len(content)) is (cut is Fault.LOST)
    (row,) = await rows(sessions, RecordingRow)
    assert stored_bytes(settings, row.object_key) == content
    assert len(files(settings)) == 1


async def test_a_line_cut_at_the_end_of_an_upload_leaves_nothing_of_it(
    sessions, settings, line, sender, content, cut
):
    path = await sender.begun(len(content))
    await sender.patch(path, 0, content[:1000])
    spoil(line, path, cut)

    answer, times = await repeated(line, lambda: sender.ask("DELETE", path))

    assert answer.status_code == (404 if cut is Fault.LOST else 204)
    assert (times, line.spoiled) == (1, 1)
    assert await rows(sessions, UploadRow) == []
    assert files(settings) == []


# ---------------------------------------------------------------- parts straight to an S3 store


@pytest.fixture(scope="module")
def s3_server():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


class OverLine:
    """A store whose parts go over another line than the server's own questions."""

    def __init__(self, store, far):
        self._store, self._far = store, far

    def __getattr__(self, name):
        return getattr(self._store, name)

    async def part_targets(self, **asked):
        return await self._far.part_targets(**asked)


@pytest.fixture(params=["moto", "ceph"])
def stored(app, request):
    """A store, and the line that parts take to it."""
    bucket = f"b{secrets.token_hex(8)}"
    if request.param == "ceph":
        ceph = request.getfixturevalue("ceph")
        keys = {"access_key": ceph.access_key, "secret_key": ceph.secret_key}
        endpoint = ceph.endpoint
    else:
        keys, endpoint = {}, request.getfixturevalue("s3_server")
    store = s3_store(endpoint, bucket, **keys)
    with FaultyLine(endpoint) as line:
        app.state.store = OverLine(store, s3_at(line.url, bucket, **keys))
        yield store, line


@pytest.fixture
def agent(served, yard, tmp_path):
    agent = Agent(served, yard, tmp_path / "dock")
    yield agent
    if agent.process is not None and agent.process.poll() is None:
        agent.kill()


@pytest.mark.parametrize("times", [1, 2])
async def test_a_line_cut_at_a_part_to_an_s3_store_stores_the_recording_once(
    sessions, yard, stored, agent, cut, times
):
    store, line = stored
    recorded = yard.record(footage_file=bodycam.long_footage(2))
    content = (recorded.folder / "recording.mp4").read_bytes()
    line.behave(str(recorded.recording_id), cut, times=times)

    code = await asyncio.to_thread(agent.run)

    assert code == 0, agent.lines
    assert line.spoiled == times
    assert wiped(recorded)["merkle_root"] == recorded.manifest.merkle_root
    assert len(await bodycam.events(sessions, "bodycam.recording_stored")) == 1
    (row,) = await rows(sessions, RecordingRow)
    whole = store.open_range(key=row.object_key, start=0, length=len(content))
    assert await joined(whole) == content
    assert objects_in(store) == [row.object_key]
    assert uploads_in(store) == []


def objects_in(store):
    listed = store._client.list_objects_v2(Bucket=store._bucket)
    return [one["Key"] for one in listed.get("Contents", [])]


def uploads_in(store):
    listed = store._client.list_multipart_uploads(Bucket=store._bucket)
    return [one["Key"] for one in listed.get("Uploads", [])]


class Overtaken:
    """A store in which another announcement of the same recording comes between, once."""

    def __init__(self, store, meanwhile):
        self._store, self._meanwhile = store, meanwhile

    def __getattr__(self, name):
        return getattr(self._store, name)

    async def begin(self, **given):
        meanwhile, self._meanwhile = self._meanwhile, None
        if meanwhile is not None:
            await meanwhile()
        return await self._store.begin(**given)


async def test_two_announcements_at_once_leave_one_upload_in_the_store(app, client, yard, stored):
    store, _ = stored
    recorded = yard.record(footage_file=bodycam.long_footage(2))

    async def repeated_announcement():
        (await bodycam.announce(client, recorded, yard.dock)).raise_for_status()

    app.state.store = Overtaken(app.state.store, repeated_announcement)
    plan = (await bodycam.announce(client, recorded, yard.dock)).raise_for_status().json()
    async with httpx.AsyncClient(trust_env=False, timeout=60) as straight:
        for part in plan["parts"]:
            block = bodycam.block(recorded, part["number"])
            answer = await straight.put(part["url"], content=block, headers=part["headers"])
            answer.raise_for_status()
    before = len(uploads_in(store))
    answer = await bodycam.complete(client, recorded, yard.dock)

    assert before == 1
    assert answer.json()["receipt"]["whole"] is True
    assert uploads_in(store) == []
