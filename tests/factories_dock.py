"""The server and the dock agent as processes of their own, to be killed and started again."""

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx

from bodycam.field import agent as field
from bodycam.field.board import Board
from bodycam.field.journal import Journal
from bodycam.field.pace import Pace
from bodycam.field.server import Server as FieldServer
from bodycam.field.server import Throttle
from bodycam.wire import protocol
from bodycam.wire.manifest import Receipt
from sim.stage import unused_port
from tests import factories_bodycam as bodycam

SECONDS = 180  # of a busy machine; normally two


PROBLEM = {"Content-Type": "application/problem+json"}  # how the server's own refusals begin
QUICK = Pace(server_seconds=(0.05,), left_seconds=(0.05,))


class FieldAgent:
    """The dock agent in a thread of this process; its lines are kept."""

    def __init__(self, url, yard, folder, pace=QUICK, **more):
        self.lines = []
        self.journal = folder / "journal"
        self._stop = threading.Event()
        self._server = FieldServer(
            url=url, credential=yard.dock[protocol.CREDENTIAL_HEADER], throttle=Throttle(0)
        )
        self._agent = field.Agent(
            server=self._server,
            bays=yard.bays,
            journal=Journal(self.journal),
            board=Board(self.lines.append),
            stop=self._stop,
            pace=pace,
            **more,
        )

    def run(self):
        with closing(self._server):
            return self._agent.run(once=True)

    @contextmanager
    def going_on(self):
        thread = threading.Thread(target=self._agent.run, kwargs={"once": False})
        thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            thread.join(SECONDS)
            self._server.close()

    @property
    def waiting(self):
        found = self._agent._waiting.copy().values()
        return [one.bay for one in sorted(found, key=lambda one: one.urgency)]

    @property
    def left(self):
        return list(self._agent._left._until)

    @property
    def noted(self):
        return [json.loads(line) for line in self.journal.read_text().splitlines()]


class Server:
    """The server, to be killed and started again on the same port."""

    command = ("app", "serve")

    def __init__(self, settings, database_url, *, keys_dir=None):
        self.port = unused_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            "PATH": os.environ["PATH"],
            "DATABASE_URL": database_url,
            "SAQSHY_VAR_DIR": str(settings.var_dir),
            "SAQSHY_KEYS_DIR": str(keys_dir or settings.keys_dir),
            "SAQSHY_TRUST_ROOTS_DIR": str(settings.trust_roots_dir),
            "SAQSHY_OCSP_URL": str(settings.ocsp_url),
            "SAQSHY_TRUST_ENVIRONMENT": settings.trust_environment.value,
            "SAQSHY_PORT": str(self.port),
            "SAQSHY_METRICS_PORT": "0",
        }
        self.process = None

    def start(self):
        self._begin()
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            if self.answers():
                return self
            if self.process.poll() is not None:
                self._begin()  # as a supervisor would: its port may have been lent meanwhile
            time.sleep(0.05)
        raise TimeoutError(f"it does not answer; its output ends with {self.output[-2000:]}")

    def _begin(self):
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *self.command], env=self.environment, stdout=log, stderr=log
            )

    @property
    def _log(self):
        return Path(self.environment["SAQSHY_VAR_DIR"]).with_name(
            f"{self.command[0]}-{self.port}.log"
        )

    @property
    def output(self):
        return self._log.read_text(errors="replace")

    def answers(self):
        try:
            return httpx.get(f"{self.url}/health", trust_env=False).is_success
        except httpx.TransportError:
            return False

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def acknowledged(self, recorded, headers):
        path = protocol.PATH_STATUS.format(recording_id=recorded.recording_id)
        answer = httpx.get(self.url + path, headers=headers, timeout=60, trust_env=False)
        return answer.json()["acknowledged"] if answer.is_success else []


class Door(Server):
    """The door for parts of a server, which tells docks of it."""

    command = ("app.door",)

    def __init__(self, server):
        self.port = unused_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = server.environment | {"SAQSHY_PARTS_PORT": str(self.port)}
        self.process = None
        server.environment |= {"SAQSHY_PARTS_URL": self.url}

    def answers(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class Agent:
    """The dock agent; its lines are kept."""

    def __init__(self, url, yard, folder):
        folder.mkdir(exist_ok=True)
        credential = folder / "credential"
        credential.write_text(yard.dock[protocol.CREDENTIAL_HEADER] + "\n")
        self.log = folder / "log"
        self.journal = folder / "journal"
        self.command = [
            sys.executable, "-m", "bodycam.field", "--server", url,
            "--credential-file", str(credential), "--bays", str(yard.bays),
            "--journal", str(self.journal), "--once",
        ]  # fmt: skip
        self.process = None

    def start(self, *more):
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([*self.command, *more], stdout=log, stderr=log)
        return self

    def wait(self):
        return self.process.wait(SECONDS)

    def run(self, *more):
        return self.start(*more).wait()

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    @property
    def lines(self):
        return self.log.read_text()


def until(condition):
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise TimeoutError("it did not come so far")


def wiped(recorded):
    """Return the receipt on a camera that holds nothing else."""
    assert [path.name for path in recorded.folder.iterdir()] == ["wiped.json"]
    return json.loads((recorded.folder / "wiped.json").read_bytes())["receipt"]


@contextmanager
def stub_server(answers):
    """Answer each path by ``answers``: a function of the path and how often it was asked."""
    asked = {}

    class Handler(BaseHTTPRequestHandler):
        def _answer(self):
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            asked[self.path] = asked.get(self.path, 0) + 1
            status, headers, body = answers(self.path, asked[self.path])
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = _answer  # noqa: N815 - the library's names

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def stub_answers(recorded, key, receipt, *, signed_by=None, busy=0):
    signature = base64.b64encode((signed_by or key).sign(receipt.signed_bytes())).decode()
    hello = {
        "version": 1,
        "server_time": "2026-11-20T05:00:00.000Z",
        "receipt_key": base64.b64encode(key.public_key().public_bytes_raw()).decode(),
        "parallel_parts_max": 3,
    }
    plan = {
        "recording_id": str(recorded.recording_id),
        "state": "stored",
        "found_bytes": recorded.manifest.size_bytes,
        "acknowledged": [0],
        "parts": [],
    }
    signed = {"receipt": receipt.model_dump(mode="json"), "signature": signature}

    def answers(path, times):
        if path == protocol.PATH_HELLO:
            return 200, {}, hello
        if path == protocol.PATH_ANNOUNCE:
            if times <= busy:
                headers = PROBLEM | {"Retry-After": "1"}
                return 503, headers, {"code": "app.busy", "title": "busy"}
            return 200, {}, plan
        return 200, {}, signed

    return answers


def good_receipt(recorded, **changed):
    values = {
        "recording_id": recorded.recording_id,
        "merkle_root": recorded.manifest.merkle_root,
        "size_bytes": recorded.manifest.size_bytes,
        "stored_at": bodycam.STARTED_AT,
        "whole": True,
    }
    return Receipt(**(values | changed))


def receiving_answers(recorded, key, *, of_part):
    """Answers of a server that takes parts; ``of_part`` tells the answer to the n-th of them."""
    stored = stub_answers(recorded, key, good_receipt(recorded))
    plan = stored(protocol.PATH_ANNOUNCE, 1)[2]
    size = recorded.manifest.size_bytes
    url = f"/device/dock/v1/recordings/{recorded.recording_id}/parts/0"
    part = {"number": 0, "size_bytes": size, "url": url, "headers": {}}
    came = []

    def answers(path, times):
        if path == url:
            answer = of_part(times)
            came.extend([0] if answer[0] == 200 else [])
            return answer
        if path == protocol.PATH_ANNOUNCE and not came:
            return 200, {}, plan | {"state": "receiving", "acknowledged": [], "parts": [part]}
        return stored(path, times)

    return answers
