"""The real server on a stage, and the street round it: an officer, a terminal, a dock, a door.

The door stands between the terminal's agent and the server, and strikes at a named request.
"""

import http.client
import json
import os
import signal
import sys
import threading
import time
import uuid
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import psycopg
import pytest

from app.audit.verify import verify_log
from app.runtime.postgres import EmbeddedPostgres
from sim.camera import Camera
from sim.client import Refused
from sim.district import DRIVER, OFFICER
from sim.dockside import DockAgent, Reviewer
from sim.patrol import TERMINAL_NUMBER, Keeper, Officer, TerminalAgent, mrz_of_driver, sign_sheets
from sim.printer import SimPrinter
from sim.stage import Stage
from sim.terminal import Patience, SimTerminal
from tests.factories_terminal import HURRIED

SECONDS = 90  # the machine may be busy: a deadline, never a wait


def until(condition, *, seconds=SECONDS):
    """Return what ``condition`` returns once it is true."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError("it did not come so far")
        time.sleep(0.02)
    return found


def refusal_of(act):
    """Return the server's refusal of ``act``."""
    with pytest.raises(Refused) as caught:
        act()
    return caught.value


def descendants(pid):
    """Return the ids of the processes below ``pid``."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += [int(child), *descendants(int(child))]
    return found


def alive(pid):
    """Return whether the process still runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def pull_plug(stage):
    """Kill the supervisor, the server, the worker and PostgreSQL at once: nobody says goodbye."""
    supervisor = stage._server.pid
    for pid in [supervisor, *descendants(supervisor)]:
        os.kill(pid, signal.SIGKILL)
    stage.kill_server()


class Log:
    """The audit log as it stands in the database."""

    def __init__(self, stage):
        self._folder = stage.folder / "server" / "db"

    def connect(self):
        return psycopg.connect(EmbeddedPostgres(self._folder).url(), autocommit=True)

    def events(self, name, **fields):
        """Return the leaves of this name whose fields hold ``fields``; none waits unsequenced."""
        query = 'SELECT leaf FROM audit_leaves WHERE event = %s ORDER BY "index"'
        waiting = "SELECT count(*) FROM audit_outbox"
        with self.connect() as connection:
            until(lambda: connection.execute(waiting).fetchone() == (0,))
            leaves = [json.loads(bytes(row[0])) for row in connection.execute(query, (name,))]
        return [one for one in leaves if fields.items() <= one["fields"].items()]

    def wait(self, name, **fields):
        """Return the newest such leaf, once there is one."""
        return until(lambda: self.events(name, **fields))[-1]

    def count(self, name):
        return len(self.events(name))


class Export:
    """The log as ``export-log`` gives it to an outsider."""

    def __init__(self, stage, folder):
        stage.run_app("export-log", str(folder))
        self.key = (folder / "key").read_text()
        self.checkpoint = (folder / "checkpoint").read_text()
        self.leaves = (folder / "leaves").read_bytes().splitlines()

    def verify(self, *, checkpoint=None, size=None):
        """Compute the root anew, over the first ``size`` leaves."""
        return verify_log(
            leaves=self.leaves[:size],
            checkpoint=checkpoint or self.checkpoint,
            verifier_key=self.key,
        )


class Door:
    """A proxy that loses a request or its answer. ``strikes`` are asked by "before approval".

    A strike before a request that returns true lets the request through.
    """

    def __init__(self, port):
        self.port = port
        self.strikes = {}
        self._http = _Http(("127.0.0.1", 0), _Handler)
        self._http.door = self
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, name="door"
        )

    @property
    def url(self):
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


class _Http(ThreadingHTTPServer):
    daemon_threads = False

    def handle_error(self, request, client_address):
        """A killed agent hangs up in mid-answer; that is what the tests are about."""


class _Handler(BaseHTTPRequestHandler):
    def _pass(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        step = self.path.partition("?")[0].rpartition("/")[2]
        before = self.server.door.strikes.pop(f"before {step}", None)
        if before is not None and not before():
            return
        connection = http.client.HTTPConnection("127.0.0.1", self.server.door.port, timeout=60)
        try:
            connection.request(self.command, self.path, body, dict(self.headers))
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException):
            return  # nobody answers: neither do we
        finally:
            connection.close()
        after = self.server.door.strikes.pop(f"after {step}", None)
        if after is not None:
            after()
            return
        self.send_response(answer.status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = _pass  # noqa: N815 - the library's names

    def log_message(self, *_):
        pass


class HurriedAgent(TerminalAgent):
    """The terminal's agent behind the door, with short waits where silence is what is tested."""

    def __init__(self, stage, device, *, door, folder):
        super().__init__(
            stage,
            device,
            terminal=folder / "terminal",
            printer=folder / "printer",
            folder=folder / "agent",
        )
        self._command[self._command.index("--server") + 1] = door.url
        self._command += [
            "--t1-seconds", "0.2", "--t2-seconds", "1.0", "--t3-seconds", "1.5",
            "--t4-seconds", "4", "--card-timeout-seconds", "10", "--poll-seconds", "1",
            "--retry-seconds", "0.2", "--approval-wait-seconds", "0.8",
            "--approval-waits-max", "5", "--settle-patience-seconds", "0.5",
        ]  # fmt: skip

    @property
    def process(self):
        return self._process


class Street:
    """One officer with his tablet, terminal and camera at a real server."""

    def __init__(self, stage, folder):
        self.stage, self.folder = stage, folder
        self.log = Log(stage)
        self.steps, self.strikes = [], {}
        self._check_id = None
        self._stack = ExitStack()
        keeper = Keeper(stage)
        key = Camera(camera_id=uuid.uuid4())
        self.tablet = keeper.enrol("tablet", "TAB-1")
        self.terminal_device = keeper.enrol("terminal", "POS-1", terminal_number=TERMINAL_NUMBER)
        camera = keeper.enrol("camera", "BWC-1", public_key_pem=key.public_key_pem)
        self.dock = keeper.enrol("dock", "DOCK-1")
        sheets = keeper.make_sheets(
            keeper.open_shift(OFFICER), [self.tablet, self.terminal_device, camera]
        )
        sign_sheets(stage, OFFICER, sheets)
        self.camera = Camera(camera_id=uuid.UUID(camera.device_id), key=key.key)
        self.officer = Officer(stage, self.tablet)
        enter = self._stack.enter_context
        try:
            self.door = enter(Door(stage.ports.server))
            self.printer = enter(SimPrinter(link=folder / "printer", folder=folder / "paper"))
            self.terminal = enter(self._terminal())
        except BaseException:
            self._stack.close()
            raise
        self.agent = HurriedAgent(stage, self.terminal_device, door=self.door, folder=folder)

    def _terminal(self):
        return SimTerminal(
            link=self.folder / "terminal",
            acquirer=self.stage.acquirer.address,
            state=self.folder / "terminal.json",
            patience=Patience(
                line=HURRIED, host_seconds=2.0, card_seconds=10.0, ask_again_seconds=0.2
            ),
            on_step=self._step,
        )

    def __enter__(self):
        self.agent.start()
        return self

    def __exit__(self, *_):
        self.agent.stop()
        self._stack.close()

    def _step(self, name):
        self.steps.append(name)
        strike = self.strikes.pop(name, None)
        if strike is not None:
            strike()

    @property
    def book(self):
        return self.stage.acquirer.book

    def offence(self):
        """Draw up an offence whose half-price receipt is numbered, from a check of the driver.

        All from one check: those of one person in a day have a limit. The part is one whose repeat
        is no part of its own, so that he may offend and pay all day.
        """
        if self._check_id is None:
            check = self.officer.check({"mrz": mrz_of_driver()}, DRIVER.plate)
            self._check_id = check["check_id"]
        record = self.officer.draw_up(
            self._check_id, article="593", part="1-2", essence="Кабинадан тыс жүрді."
        )
        self.officer.agree(record["offence_record_id"])
        return record["offence_record_id"]

    def begin(self, offence_record_id, *, card=None):
        """Order the sale and return at once."""
        if card is not None:
            self.terminal.insert_card(card)
        return self.officer._api.post(
            "/api/payments",
            {"offence_record_id": offence_record_id},
            headers={"Idempotency-Key": str(uuid.uuid4())},
        )["payment_id"]

    def settled(self, payment_id, *statuses):
        """Return the payment once it has one of the statuses."""

        def look():
            payment = self.officer.payment(payment_id)
            return payment if payment["status"] in statuses else None

        return until(look)

    def printed(self, payment_id):
        """Return the payment once every slip of it, or what stands in for it, is on paper."""

        def look():
            payment = self.officer.payment(payment_id)
            whole = payment["slips"] and all(
                slip["printed_at"] or slip["doubted_at"] for slip in payment["slips"]
            )
            return payment if whole else None

        return until(look)

    def killed(self):
        """Wait for the agent's death."""
        self.agent.process.wait(SECONDS)

    def record(self, footage, *, seconds, started_at=None):
        """Put a recording that has just ended into a bay of its own; return it and its dock."""
        folder = self.folder / f"dock-{uuid.uuid4().hex[:8]}"
        recorded = self.camera.record(
            bay=folder / "bays" / "bay-01",
            footage=footage,
            started_at=started_at or datetime.now(UTC) - timedelta(seconds=seconds + 60),
            seconds=seconds,
        )
        dock = DockAgent(self.stage, self.dock, bays=folder / "bays", folder=folder)
        return recorded, dock

    def recording(self, recorded):
        """Read what the server knows of a recording, as the reviewer."""
        return Reviewer(self.stage).api.get(f"/api/recordings/{recorded.recording_id}")


def dock_said(dock):
    return dock.log.read_text(encoding="utf-8")


def checkpoint_of(stage):
    """Fetch the newest checkpoint, as anybody may."""
    return httpx.get(f"{stage.base_url}/log/checkpoint", timeout=30).raise_for_status().text


class StageOnDatabase(Stage):
    """A stage whose server uses a PostgreSQL that somebody else runs."""

    def __init__(self, folder, *, ports, database_url):
        super().__init__(folder, ports=ports)
        self.database_url = database_url

    def environment(self):
        keys = self.folder / "keys"
        return super().environment() | {
            "DATABASE_URL": self.database_url,
            "SAQSHY_KEYS_DIR": str(keys),
        }

    def start_server(self):
        self.run_app("make-keys")
        self.run_app("migrate")
        super().start_server()


def demonstration(folder, *, hours):
    """Return the command that drives the demonstration."""
    return [sys.executable, "-m", "sim", "demo", "--folder", str(folder), "--hours", str(hours)]
