"""The server and the dock agent as processes of their own, to be killed and started again."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx

from bodycam.wire import protocol
from sim.stage import unused_port

SECONDS = 180  # of a busy machine; normally two


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
