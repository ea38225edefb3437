"""The line is cut at each message of an upload: before it, in its middle, and behind the act.

Real TCP through a relay before the real server. What must hold wherever it was cut: the recording
is stored whole and once, and the camera is wiped against its receipt and nothing else.
"""

import asyncio

import httpx
import pytest
import sqlalchemy as sa

from app.db import transaction
from app.runtime.bodies import Limits
from app.runtime.bodies.server import listening
from bodycam.models import RecordingRow
from bodycam.models.axis import AxisObjectRow
from sim.faults import Fault, FaultyLine
from tests import factories_bodycam as bodycam
from tests.factories_axis import CLIP, CLIP_META, CONTAINER, META, System
from tests.factories_dock import Agent, until, wiped
from tests.factories_store import stored_bytes

CUTS = {
    "request cut before": Fault.RESET,
    "in the middle": Fault.CUT,
    "answer lost": Fault.LOST,
}
# By the last piece of its path, which is how the line knows it.
MESSAGES = {
    "hello": "hello",
    "announce": "recordings",
    "head": "head",
    "part": "0",
    "complete": "complete",
}
TRIES_MAX = 5


@pytest.fixture
async def yard(sessions, tmp_path):
    return await bodycam.yard(sessions, tmp_path)


@pytest.fixture
async def line(app):
    """A line to the server, listening."""
    async with listening(app, host="127.0.0.1", port=0, limits=Limits()) as server:
        host, port = server.sockets[0].getsockname()
        with FaultyLine(f"http://{host}:{port}") as line:
            yield line


@pytest.fixture
def agent(line, yard, tmp_path):
    agent = Agent(line.url, yard, tmp_path / "dock")
    yield agent
    if agent.process is not None and agent.process.poll() is None:
        agent.kill()


@pytest.fixture
def cut(request):
    return CUTS[request.param]


async def rows(sessions, model):
    async with transaction(sessions) as session:
        return (await session.scalars(sa.select(model))).all()


async def stored_once(sessions, settings, content):
    """Return the one recording, after a look at all that is stored."""
    (row,) = await rows(sessions, RecordingRow)
    sealed = [one for one in (settings.objects_dir / "sealed").rglob("*") if one.is_file()]
    assert stored_bytes(settings, row.object_key) == content
    assert len(await bodycam.events(sessions, "bodycam.recording_stored")) == 1
    assert len(sealed) == 1
    return row


@pytest.mark.parametrize("cut", CUTS, indirect=True)
@pytest.mark.parametrize("message", MESSAGES)
async def test_a_line_cut_at_any_message_of_the_dock_stores_the_recording_once(
    client, sessions, settings, yard, line, agent, message, cut
):
    recorded = yard.record()
    content = (recorded.folder / "recording.mp4").read_bytes()
    line.behave(MESSAGES[message], cut, times=1)

    code = await asyncio.to_thread(agent.run)

    assert code == 0, agent.lines
    assert line.spoiled == 1
    row = await stored_once(sessions, settings, content)
    receipt = (await bodycam.complete(client, recorded, yard.dock)).json()["receipt"]
    assert row.id == recorded.recording_id
    assert wiped(recorded) == receipt
    assert receipt["whole"] is True


@pytest.mark.parametrize("cut", CUTS, indirect=True)
async def test_no_camera_is_wiped_before_its_receipt_has_come(
    sessions, settings, yard, line, agent, cut
):
    recorded = yard.record()
    content = (recorded.folder / "recording.mp4").read_bytes()
    line.behave("complete", cut)
    agent.start()
    await asyncio.to_thread(until, lambda: line.spoiled >= 2)
    agent.kill()
    kept = (recorded.folder / "recording.mp4").read_bytes()
    line.behave(None, Fault.NONE)

    code = await asyncio.to_thread(agent.run)

    assert kept == content
    assert code == 0, agent.lines
    await stored_once(sessions, settings, content)
    assert wiped(recorded)["merkle_root"] == recorded.manifest.merkle_root


@pytest.mark.parametrize("cut", CUTS, indirect=True)
async def test_a_line_cut_at_the_status_changes_nothing(
    client, sessions, settings, yard, line, cut
):
    recorded = yard.record()
    content = (recorded.folder / "recording.mp4").read_bytes()
    (await bodycam.dock_whole(client, recorded, yard.dock)).raise_for_status()
    direct = await bodycam.status(client, recorded, yard.dock)
    line.behave("status", cut, times=1)

    async with httpx.AsyncClient(base_url=line.url, trust_env=False, timeout=60) as far:
        with pytest.raises(httpx.TransportError):
            await bodycam.status(far, recorded, yard.dock)
        again = await bodycam.status(far, recorded, yard.dock)

    assert again.json() == direct.json()
    await stored_once(sessions, settings, content)


class Repeating:
    """A client that asks again when the line breaks, as a body-worn system's library does."""

    def __init__(self, client):
        self.client = client

    async def get(self, path, **more):
        return await self.request("GET", path, **more)

    async def request(self, method, path, **more):
        for _ in range(TRIES_MAX):
            try:
                return await self.client.request(method, path, **more)
            except httpx.TransportError:
                continue
        raise TimeoutError(f"{method} {path} does not get through")


async def put_container(system):
    return await system.ask("PUT", CONTAINER, headers=META)


async def put_clip(system):
    content = bodycam.footage().read_bytes()
    return await system.ask("PUT", f"{CONTAINER}/{CLIP}", headers=CLIP_META, content=content)


async def put_note(system):
    return await system.ask("PUT", f"{CONTAINER}/bookmark_1_1", content=b"note")


async def end_container(system):
    headers = {"X-Container-Meta-Status": "Complete"}
    return await system.ask("POST", CONTAINER, headers=headers)


STEPS = [put_container, put_clip, put_note, end_container]
NAMES = {put_container: CONTAINER, put_clip: CLIP, put_note: "bookmark_1_1"}


@pytest.mark.parametrize("cut", CUTS, indirect=True)
@pytest.mark.parametrize("message", STEPS, ids=lambda step: step.__name__)
async def test_a_line_cut_at_any_message_of_a_body_worn_system_stores_the_clip_once(
    sessions, settings, yard, line, message, cut
):
    async with httpx.AsyncClient(base_url=line.url, trust_env=False, timeout=60) as client:
        system = await System.signed_in(Repeating(client), yard.dock)
        for step in STEPS:
            if step is message:
                line.behave(NAMES.get(step, CONTAINER), cut, times=1)
            assert (await step(system)).is_success

        head = await system.ask("HEAD", CONTAINER)

    assert line.spoiled == 1
    (row,) = await rows(sessions, RecordingRow)
    assert stored_bytes(settings, row.object_key) == bodycam.footage().read_bytes()
    assert sorted(one.name for one in await rows(sessions, AxisObjectRow)) == [CLIP, "bookmark_1_1"]
    assert len([one for one in settings.objects_dir.rglob("*") if one.is_file()]) == 2
    assert len(await bodycam.events(sessions, "bodycam.recording_stored")) == 1
    assert head.headers["X-Container-Meta-Status"] == "Complete"
