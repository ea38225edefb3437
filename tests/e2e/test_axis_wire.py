"""A body-worn system at a real server: what it is told before it sends its footage."""

import socket
from contextlib import closing

import pytest

from tests import factories_bodycam as bodycam
from tests.factories_axis import CLIP, CONTAINER
from tests.factories_dock import Server

SECONDS = 60


@pytest.fixture
async def yard(sessions, tmp_path):
    return await bodycam.yard(sessions, tmp_path)


@pytest.fixture
def server(settings, database_url):
    server = Server(settings, database_url).start()
    yield server
    server.kill()


class Line:
    """One connection, read and written by hand."""

    def __init__(self, server):
        self._socket = socket.create_connection(("127.0.0.1", server.port), timeout=SECONDS)
        self._read = self._socket.makefile("rb")

    def close(self):
        self._read.close()
        self._socket.close()

    def send(self, method, path, **headers):
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self._socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())

    def send_body(self, body):
        self._socket.sendall(body)

    def answer(self):
        """Return the next status, 100 among them, and the headers that came with it."""
        status = int(self._read.readline().split()[1])
        headers = {}
        while line := self._read.readline().strip():
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        return status, headers


@pytest.fixture
def line(server):
    with closing(Line(server)) as line:
        yield line


@pytest.fixture
def token(line, yard):
    user, _, key = yard.dock["Device-Credential"].partition(".")
    line.send("GET", "/axis/auth/v1.0", X_Auth_User=user, X_Auth_Key=key)
    status, headers = line.answer()
    assert (status, headers["content-length"]) == (200, "0")
    return headers["x-auth-token"], "/axis" + headers["x-storage-url"].partition("/axis")[2]


def test_a_body_is_asked_for_only_where_it_will_be_taken(line, token):
    shown, account = token
    line.send("PUT", f"{account}/{CONTAINER}", X_Auth_Token=shown, Content_Length=0)
    assert line.answer()[0] == 201

    line.send(
        "PUT", f"{account}/{CONTAINER}/{CLIP}",
        X_Auth_Token=shown, Content_Length=3, Expect="100-continue",
    )  # fmt: skip
    asked, _ = line.answer()
    line.send_body(b"abc")
    taken, headers = line.answer()

    assert (asked, taken) == (100, 201)
    assert headers["etag"] == "900150983cd24fb0d6963f7d28e17f72"  # MD5 of abc, RFC 1321


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"X_Auth_Token": "x"}, 401),
        ({"container": "absent"}, 404),
        ({"name": "x.bin", "Content_Length": 1 << 30}, 400),
    ],
    ids=["no token", "no container", "too large"],
)
def test_a_refused_body_does_not_cross_the_wire(line, token, wrong, status):
    shown, account = token
    line.send("PUT", f"{account}/{CONTAINER}", X_Auth_Token=shown, Content_Length=0)
    assert line.answer()[0] == 201
    said = {"X_Auth_Token": shown, "Content_Length": 1 << 20, **wrong}
    path = f"{account}/{said.pop('container', CONTAINER)}/{said.pop('name', CLIP)}"

    line.send("PUT", path, Expect="100-continue", **said)

    assert line.answer()[0] == status
