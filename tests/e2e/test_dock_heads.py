"""Heads before bulk, with the dock agent and the server as processes that are killed."""

import asyncio

import pytest
import sqlalchemy as sa

from tests import factories_bodycam as bodycam
from tests.factories_dock import Agent, Server, wiped

SECONDS = 60


@pytest.fixture
async def yard(sessions, tmp_path):
    return await bodycam.yard(sessions, tmp_path)


@pytest.fixture
def server(settings, database_url):
    server = Server(settings, database_url).start()
    yield server
    server.kill()


@pytest.fixture
def agent(server, yard, tmp_path):
    return Agent(server.url, yard, tmp_path / "dock")


async def until_heads(sessions, count):
    async with asyncio.timeout(SECONDS):
        while True:
            async with sessions() as session:
                if await session.scalar(sa.text("SELECT count(*) FROM recording_heads")) >= count:
                    return
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("killed", ["agent", "server"])
async def test_a_kill_between_head_and_bulk_loses_neither(agent, server, yard, sessions, killed):
    recorded = yard.record(footage_file=bodycam.spread_footage())
    agent.start("--bandwidth-mb-s", "1")
    await until_heads(sessions, 1)
    if killed == "server":
        server.kill()
        server.start()
    agent.kill()
    assert server.acknowledged(recorded, yard.dock) == []

    code = agent.run()

    assert code == 0, agent.lines
    assert wiped(recorded)["whole"] is True
    assert len(await bodycam.events(sessions, "bodycam.head_received")) == 1


async def test_the_heads_of_all_cameras_go_before_the_bulk_of_any(agent, server, yard, sessions):
    recordings = [yard.record(footage_file=bodycam.spread_footage()) for _ in range(3)]
    agent.start("--bandwidth-mb-s", "1")

    await until_heads(sessions, 3)

    agent.kill()
    assert [server.acknowledged(one, yard.dock) for one in recordings] == [[], [], []]


def test_a_head_that_rotted_on_the_camera_holds_up_nothing(agent, yard):
    recorded = yard.record()
    head = recorded.folder / "head.bin"
    head.write_bytes(head.read_bytes()[:-1] + b"\x00")

    code = agent.run()

    assert code == 0, agent.lines
    assert "goes without" in agent.lines
    assert wiped(recorded)["whole"] is True
