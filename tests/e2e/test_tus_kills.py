"""Resumable uploads over a real line that is cut, to a server that is killed at any instant.

A few times with every run; as often as was promised in a night:

    python -m pytest tests/e2e/test_tus_kills.py --server-kills 200
"""

import asyncio
import hashlib
import random
import socket
import threading
import time
from datetime import UTC, datetime

import httpx
import pytest
import sqlalchemy as sa

from app.db import transaction
from bodycam.models import RecordingRow
from bodycam.service import Docking
from bodycam.service.tus_finishing import finish_uploads
from bodycam.wire.digests import BLOCK_SIZE_BYTES
from tests import factories_bodycam as bodycam
from tests.factories_dock import Server
from tests.factories_store import stored_bytes
from tests.factories_tus import MEDIA, UNSIGNED

PIECE = 64 << 10


@pytest.fixture
async def yard(sessions, tmp_path):
    return await bodycam.yard(sessions, tmp_path)


@pytest.fixture
def server(settings, database_url):
    server = Server(settings, database_url).start()
    yield server
    server.kill()


@pytest.fixture
def line(server, yard):
    return Line(server, yard.dock)


class Line:
    """A sender that waits and goes on as the protocol says, over a line that may be cut."""

    def __init__(self, server, dock):
        self.server = server
        self.headers = {"Tus-Resumable": "1.0.0", **dock}

    def ask(self, method, path, headers=None, **more):
        return httpx.request(
            method, self.server.url + path, headers=self.headers | (headers or {}),
            trust_env=False, timeout=30, **more,
        )  # fmt: skip

    def begin(self, length):
        head = {"Upload-Length": str(length), "Upload-Metadata": UNSIGNED}
        return self.ask("POST", "/tus", head).headers["Location"]

    def offset(self, path):
        answer = self.ask("HEAD", path)
        assert answer.status_code == 200, answer.status_code
        return int(answer.headers["Upload-Offset"])

    def send_rest(self, path, content):
        """Go on from what is acknowledged, as often as it takes: a cut request may still end."""
        while True:
            at = self.offset(path)
            head = {"Content-Type": MEDIA, "Upload-Offset": str(at)}
            answer = self.ask("PATCH", path, head, content=content[at:])
            if answer.status_code not in {409, 423, 503}:
                return answer
            time.sleep(0.5)

    def cut(self, path, offset, content, sent_bytes):
        """Send the head and so many bytes of the body, and then cut the line."""
        lines = [
            f"PATCH {path} HTTP/1.1", "Host: s", f"Content-Length: {len(content)}",
            f"Content-Type: {MEDIA}", f"Upload-Offset: {offset}",
            *(f"{name}: {value}" for name, value in self.headers.items()),
        ]  # fmt: skip
        with socket.create_connection(("127.0.0.1", self.server.port)) as wire:
            wire.sendall("\r\n".join([*lines, "", ""]).encode() + content[:sent_bytes])
            wire.shutdown(socket.SHUT_WR)
            wire.settimeout(10)
            while wire.recv(4096):
                pass

    def said(self, lines, body=b""):
        """Return what the server answers to a raw request."""
        with socket.create_connection(("127.0.0.1", self.server.port)) as wire:
            wire.sendall("\r\n".join([*lines, "", ""]).encode() + body)
            wire.settimeout(10)
            return wire.recv(4096)


async def recording(sessions, settings, parts, keys):
    docking = Docking(
        sessions=sessions, store=parts.store, trail=parts.trail, recording_bytes_max=1 << 30
    )
    await finish_uploads(docking, receipt_key=keys.receipt, now=datetime.now(UTC))
    async with transaction(sessions) as session:
        (row,) = (await session.scalars(sa.select(RecordingRow))).all()
    return stored_bytes(settings, row.object_key)


async def test_a_line_cut_at_every_length_keeps_what_came_and_no_more(
    line, sessions, settings, parts, keys
):
    content = bodycam.long_footage(3).read_bytes()
    path = line.begin(len(content))
    dice = random.Random(5)
    steps = [0, 1, 65_535, 65_536, BLOCK_SIZE_BYTES - 70_000, BLOCK_SIZE_BYTES + 1]
    steps += [dice.randrange(1 << 20) for _ in range(6)]

    at = 0
    for step in steps:
        line.cut(path, at, content[at:], step)
        seen = line.offset(path)
        assert at <= seen <= at + step
        at = seen
    answer = line.send_rest(path, content)

    assert answer.status_code == 204
    assert await recording(sessions, settings, parts, keys) == content


@pytest.mark.nightly
async def test_nothing_acknowledged_is_lost_where_the_server_is_killed(
    server, line, sessions, settings, parts, keys, request
):
    content = bodycam.long_footage(6).read_bytes()
    dice = random.Random(11)
    path, at = line.begin(len(content)), 0
    seen = []

    for _ in range(request.config.getoption("--server-kills")):
        told = Told()
        sending = threading.Thread(target=send_slowly, args=(line, path, at, content, told, dice))
        sending.start()
        await asyncio.sleep(dice.uniform(0.05, 1.2))
        server.kill()
        sending.join()
        server.start()
        now_at = line.offset(path)
        assert now_at >= max(at, told.offset)
        at = now_at
        seen.append(at)
        if at == len(content):
            break
    assert line.send_rest(path, content).status_code == 204
    whole = await recording(sessions, settings, parts, keys)
    assert hashlib.sha256(whole).digest() == hashlib.sha256(content).digest()
    assert seen == sorted(seen)


class Told:
    """The offset that the server acknowledged last."""

    offset = 0


def send_slowly(line, path, at, content, told, dice):
    """Send in requests of any length until the server is gone; note what it acknowledged."""
    try:
        while at < len(content):
            step = dice.choice([1, 4_000, 300_000, 1 << 20, BLOCK_SIZE_BYTES])
            head = {"Content-Type": MEDIA, "Upload-Offset": str(at)}
            answer = line.ask("PATCH", path, head, content=content[at : at + step])
            if answer.status_code == 204:
                at = told.offset = int(answer.headers["Upload-Offset"])
            else:
                time.sleep(0.2)
    except httpx.TransportError:
        pass


def test_a_refusal_comes_before_the_body_is_asked_for(line):
    path = line.begin(1000)
    credential = line.headers["Device-Credential"]
    lines = [
        f"PATCH {path} HTTP/1.1", "Host: s", "Content-Length: 500", "Expect: 100-continue",
        f"Content-Type: {MEDIA}", "Tus-Resumable: 1.0.0", f"Device-Credential: {credential}",
    ]  # fmt: skip

    refused = line.said([*lines, "Upload-Offset: 7"])
    asked = line.said([*lines, "Upload-Offset: 0"])

    assert refused.startswith(b"HTTP/1.1 409")
    assert asked.startswith(b"HTTP/1.1 100")
