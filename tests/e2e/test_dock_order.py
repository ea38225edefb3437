"""Who goes first of the cameras that wait, when a complaint comes after they were docked."""

import os
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bodycam.field.bay import RECORDING
from bodycam.wire import protocol
from tests import factories_bodycam as bodycam
from tests.factories_dock import (
    QUICK,
    SECONDS,
    FieldAgent,
    Server,
    good_receipt,
    stub_answers,
    stub_server,
    until,
)


@pytest.fixture
async def yard(sessions, tmp_path):
    return await bodycam.yard(sessions, tmp_path)


@pytest.fixture
def server(settings, database_url):
    server = Server(settings, database_url).start()
    yield server
    server.kill()


def held_back(monkeypatch):
    """Let no recording be read before what is returned is set; manifests and heads are."""
    plain, go_on = os.pread, threading.Event()

    def pread(handle, size, at):
        if Path(f"/proc/self/fd/{handle}").readlink().name == RECORDING:
            go_on.wait(SECONDS)
        return plain(handle, size, at)

    monkeypatch.setattr(os, "pread", pread)
    return go_on


async def test_a_complaint_that_comes_while_cameras_wait_moves_the_one_that_saw_it(
    server, yard, tmp_path, monkeypatch
):
    first, second = (yard.record(track=[]) for _ in range(2))
    wanted = yard.record(track=[bodycam.passed()])
    agent = FieldAgent(
        server.url, yard, tmp_path, pace=replace(QUICK, ask_again_seconds=0.1), cameras_at_once=1
    )
    complained = held_back(monkeypatch)  # the first camera is being read, the others wait

    with agent.going_on():
        until(lambda: agent.waiting == ["bay-02", "bay-03"])
        await bodycam.complain(yard)
        until(lambda: agent.waiting == ["bay-03", "bay-02"])
        complained.set()
        until(lambda: all((one.folder / "wiped.json").exists() for one in (first, second, wanted)))

    order = [line.split(":")[0] for line in agent.lines if "camera wiped" in line]
    assert order == ["bay-01", "bay-03", "bay-02"]


def test_one_that_waits_is_not_announced_again_before_its_time(yard, tmp_path, monkeypatch):
    recorded = yard.record()
    yard.record()
    key = Ed25519PrivateKey.generate()
    go_on = held_back(monkeypatch)

    with stub_server(stub_answers(recorded, key, good_receipt(recorded))) as (url, asked):
        agent = FieldAgent(url, yard, tmp_path, cameras_at_once=1)
        with agent.going_on():
            until(lambda: agent.waiting == ["bay-02"])
            time.sleep(5)
            told = asked[protocol.PATH_ANNOUNCE]
            go_on.set()

    assert told == 2
