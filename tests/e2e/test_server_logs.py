"""The log of the server, whole: what each of several processes writes has passed the net."""

import json

import httpx
import pytest

from tests.factories_dock import Server

QUESTIONS = 24  # each on a connection of its own, so that either process answers some


@pytest.fixture
def server(settings, database_url):
    server = Server(settings, database_url)
    server.environment |= {"SAQSHY_SERVE_PROCESSES": "2"}
    server.start()
    yield server
    server.process.terminate()
    server.process.wait()


def test_every_process_of_several_writes_lines_that_passed_the_net(server):
    for _ in range(QUESTIONS):
        httpx.get(f"{server.url}/health", trust_env=False, timeout=60)

    server.process.terminate()  # it says what it still has to say
    server.process.wait()
    lines = [json.loads(line) for line in server.output.splitlines()]

    assert sum(line["event"] == "answered" for line in lines) >= QUESTIONS
