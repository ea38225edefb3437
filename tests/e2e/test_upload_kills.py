"""Server, byte door and dock agent killed at any instant of an upload, over and over.

A few times with every run; two hundred of each in a night:

    python -m pytest tests/e2e/test_upload_kills.py --upload-kills 200

The store's own daemons are killed in ``tests/api/test_object_store_ceph.py``.
"""

import asyncio
import json
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from bodycam.wire import protocol
from bodycam.wire.protocol import UploadPlan
from tests import factories_bodycam as bodycam
from tests.factories_dock import Agent, Door, Server
from tests.factories_store import stored_bytes

BLOCKS = 10
STREAMS = 3


@pytest.fixture
async def yard(sessions, tmp_path):
    return await bodycam.yard(sessions, tmp_path)


@pytest.fixture
def server(settings, database_url):
    server = Server(settings, database_url)
    door = server.door = Door(server)
    server.start()
    door.start()
    yield server
    server.kill()
    door.kill()


@pytest.fixture
def kills(request):
    return request.config.getoption("--upload-kills")


class Sender:
    """A dock that keeps nothing: what it was told of is what it remembers."""

    def __init__(self, server, yard, recorded):
        self._server, self._headers, self._recorded = server, yard.dock, recorded
        self.told, self.receipt = set(), None

    def plan(self):
        body = bodycam.announcement(self._recorded).model_dump_json()
        answer = self._post(protocol.PATH_ANNOUNCE, body)
        return UploadPlan.model_validate_json(answer.raise_for_status().content)

    def _post(self, path, body=""):
        url = self._server.url + path
        return httpx.post(url, content=body, headers=self._headers, timeout=60, trust_env=False)

    def go_on(self):
        """Send what is missing until all is stored or the line breaks."""
        try:
            missing = self.plan().parts
            with ThreadPoolExecutor(STREAMS) as pool:
                list(pool.map(self._send, missing))
            path = protocol.PATH_COMPLETE.format(recording_id=self._recorded.recording_id)
            answer = self._post(path)
            if answer.is_success:
                self.receipt = answer.json()["receipt"]
        except httpx.TransportError:
            return

    def _send(self, part):
        block = bodycam.block(self._recorded, part.number)
        url = self._server.door.url + part.url
        headers = self._headers | part.headers
        answer = httpx.put(url, content=block, headers=headers, timeout=60, trust_env=False)
        if answer.is_success:
            self.told.add(part.number)


def same_bytes(settings, recorded):
    """Whether the store holds what lies on the camera."""
    content = (recorded.folder / "recording.mp4").read_bytes()
    return stored_bytes(settings, f"recordings/{recorded.recording_id}") == content


@pytest.mark.nightly
async def test_nothing_acknowledged_is_lost_when_server_or_door_is_killed(
    server, yard, settings, kills
):
    chance = random.Random(23)
    sender, recorded = None, None
    struck = lost = 0
    while struck < kills or sender is not None:
        if sender is None:
            recorded = yard.record(footage_file=bodycam.long_footage(BLOCKS))
            sender = Sender(server, yard, recorded)
        sending = threading.Thread(target=sender.go_on)
        sending.start()
        if struck < kills:
            await asyncio.sleep(chance.uniform(0, 0.5))
            dying = chance.choice([server, server.door, server.door, server.door])
            dying.kill()
            struck += 1
            sending.join()
            dying.start()
            lost += len(sender.told - set(server.acknowledged(recorded, yard.dock)))
        else:
            sending.join()
        if sender.receipt is not None:
            assert sender.receipt["whole"] is True
            assert same_bytes(settings, recorded)
            sender = None

    assert lost == 0


def intact(recorded, content):
    file = recorded.folder / "recording.mp4"
    return file.exists() and file.read_bytes() == content


def stored_by(server, recorded, headers):
    path = protocol.PATH_STATUS.format(recording_id=recorded.recording_id)
    answer = httpx.get(server.url + path, headers=headers, timeout=60, trust_env=False)
    return answer.is_success and answer.json()["state"] == "stored"


@pytest.mark.nightly
async def test_a_camera_is_never_emptied_of_what_is_not_stored_however_often_its_dock_is_killed(
    server, yard, settings, tmp_path, kills
):
    chance = random.Random(29)
    agent = Agent(server.url, yard, tmp_path / "dock")
    footage = bodycam.long_footage(BLOCKS)
    recorded = yard.record(footage_file=footage)
    content = footage.read_bytes()
    for _ in range(kills):
        agent.start("--bandwidth-mb-s", "60")
        await asyncio.sleep(chance.uniform(0.4, 3.0))
        agent.kill()
        if not intact(recorded, content):
            assert stored_by(server, recorded, yard.dock)
        if [one.name for one in recorded.folder.iterdir()] == ["wiped.json"]:
            check_stored(settings, recorded, content)
            recorded = yard.record(footage_file=footage)
    code = agent.run()

    assert code == 0, agent.lines
    check_stored(settings, recorded, content)


def check_stored(settings, recorded, content):
    receipt = json.loads((recorded.folder / "wiped.json").read_bytes())["receipt"]
    assert receipt["whole"] is True
    assert stored_bytes(settings, f"recordings/{recorded.recording_id}") == content


def received(process):
    """Return how many bytes a process has read from anywhere."""
    lines = Path(f"/proc/{process.pid}/io").read_text().splitlines()
    return int(lines[0].removeprefix("rchar: "))


def test_a_dock_sends_its_parts_through_the_door_that_the_server_names(server, yard, tmp_path):
    recorded = yard.record(footage_file=bodycam.long_footage())
    before = received(server.door.process)

    code = Agent(server.url, yard, tmp_path / "dock").run()

    assert code == 0
    assert received(server.door.process) - before > recorded.manifest.size_bytes


def test_a_dock_that_does_not_reach_the_door_sends_to_the_server(server, yard, tmp_path):
    yard.record(footage_file=bodycam.long_footage())
    server.door.kill()
    agent = Agent(server.url, yard, tmp_path / "dock")

    code = agent.run()

    assert code == 0, agent.lines
    assert "camera wiped" in agent.lines
