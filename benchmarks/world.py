"""The stage of the measurements over HTTP: the real server, the registers in another process.

The registers are apart so that what they cost does not slow the client that measures.
"""

import contextlib
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import httpx
from rich.console import Console

from app.iin import check_digit
from app.runtime.postgres import EmbeddedPostgres
from benchmarks.machine import process_of
from benchmarks.places import FOLDER, emptied
from sim.district import DEPARTMENT_BIN, Staff
from sim.morning import Issued, Morning
from sim.narrator import Narrator
from sim.patrol import Keeper, Officer
from sim.rights import obtain_access
from sim.stage import Ports, Stage

OFFICERS: Final = 40
_KEPT: Final = ("authority", "footage")  # slow to make, the same each time
_ADDRESS: Final = "registers: "
_START_SECONDS: Final = 180.0  # of a busy machine; normally five


@dataclass(frozen=True)
class Caller:
    """The headers of an officer on his tablet."""

    token: str
    credential: str

    @property
    def headers(self) -> dict[str, str]:
        """What each of his requests carries."""
        return {"Authorization": f"Bearer {self.token}", "Device-Credential": self.credential}


class World(Stage):
    """A stage whose registers run in a process of their own, with devices issued."""

    def __init__(self) -> None:
        folder = emptied(FOLDER / "stage", keep=_KEPT)
        super().__init__(folder, ports=Ports.free())
        self._registers_url = ""
        self._issued: Issued | None = None
        self._officers: list[Caller] = []

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as undo:
            self._registers_url = undo.enter_context(_registers())
            super().__enter__()
            self._stack.push(undo.pop_all())
        return self

    def environment(self) -> dict[str, str]:
        """See ``Stage``; with the registers of the other process."""
        return super().environment() | {"SAQSHY_REGISTERS_URL": self._registers_url}

    @property
    def server_pid(self) -> int:
        """The process that answers HTTP."""
        if self._server is None:
            raise LookupError("the server is not up")
        return process_of("serve", below=self._server.pid)

    @property
    def door_pid(self) -> int:
        """The process that receives parts."""
        return process_of("app.door", below=self.supervisor_pid)

    @property
    def supervisor_pid(self) -> int:
        """The process below which the server, its worker and its PostgreSQL run."""
        if self._server is None:
            raise LookupError("the server is not up")
        return self._server.pid

    @contextlib.contextmanager
    def serving(
        self, *, registers_url: str, processes: int, settings: Mapping[str, str] | None = None
    ) -> Iterator[tuple[str, int]]:
        """Yield the address of a further server on the same database, and its process."""
        port = Ports.free().server
        own = {
            "DATABASE_URL": self.database_url,
            "SAQSHY_REGISTERS_URL": registers_url,
            "SAQSHY_REGISTER_ADDRESSES": "{}",
            "SAQSHY_PORT": str(port),
            "SAQSHY_METRICS_PORT": "0",
            "SAQSHY_SERVE_PROCESSES": str(processes),
            "SAQSHY_AUDIT_WAIT_SECONDS": "20",  # a busy machine makes a figure bad, not absent
        } | dict(settings or {})
        with (self.folder / "serving.log").open("wb") as log:
            command = [sys.executable, "-m", "app", "serve"]
            with subprocess.Popen(  # noqa: S603 - our own program
                command, env=self.environment() | own, stdout=log, stderr=log
            ) as process:
                try:
                    url = f"http://127.0.0.1:{port}"
                    _wait_for(url, process)
                    yield url, process.pid
                finally:
                    process.terminate()

    @property
    def database_url(self) -> str:
        """The server's database."""
        return EmbeddedPostgres(self.folder / "server" / "db").url()

    @property
    def issued(self) -> Issued:
        """What the district's officer carries; issued when first asked for."""
        if self._issued is None:
            narrator = Narrator()
            narrator._console = Console(file=io.StringIO())  # noqa: SLF001 - it tells on stdout
            self._issued = Morning(self, narrator).run({})
        return self._issued

    @property
    def officers(self) -> list[Caller]:
        """Officers signed in on tablets of the unit: one alone may ask 120 times an hour."""
        if not self._officers:
            people = [_officer(number) for number in range(OFFICERS)]
            self._import(people)
            keeper = Keeper(self)
            tablets = [keeper.enrol("tablet", one.badge) for one in people]
            with ThreadPoolExecutor(os.cpu_count()) as pool:  # makes the keys that are missing
                list(pool.map(self.authority.certificate_for, people))
            for person, tablet in zip(people, tablets, strict=True):
                obtain_access(self, person)
                client = self.staff_client(person, credential=tablet.credential)
                self._officers.append(Caller(client.token, tablet.credential))
        return self._officers

    def own_officer(self) -> Officer:
        """Return the district's officer with the tablet issued to him."""
        return Officer(self, self.issued.tablet)

    def _import(self, people: list[Staff]) -> None:
        path = self.folder / "officers.json"
        names = ("iin", "surname", "given_name", "patronymic", "department_bin", "role", "title")
        staff = [
            {name: getattr(one, name) for name in names}
            | {"badge": one.badge, "valid_from": "2026-01-01"}
            for one in people
        ]
        path.write_text(json.dumps({"departments": [], "staff": staff}), encoding="utf-8")
        self.run_app("import-staff", str(path))


def _officer(number: int) -> Staff:
    badge = f"BEN-{number:04d}"
    return Staff(
        badge, iin_of(500 + number), "ТАЛДАУОВ", "Бенч", "", "patrol_officer", "Инспектор",
        badge, DEPARTMENT_BIN,
    )  # fmt: skip


def iin_of(serial: int) -> str:
    """Return an IIN of valid form; another serial is another person."""
    serial *= 2
    while (digit := check_digit(f"9005053{serial % 10_000:04d}")) is None:
        serial += 1
    return f"9005053{serial % 10_000:04d}{digit}"


def _wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"{url}/health", timeout=2).is_success:
                return
        time.sleep(0.1)
    raise RuntimeError("the further server did not start; see serving.log")


@contextlib.contextmanager
def _registers() -> Iterator[str]:
    command = [
        sys.executable,
        "-c",
        "import sim.registers; sim.registers.run(port=0)",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - ours
        try:
            line = process.stdout.readline() if process.stdout is not None else ""
            if not line.startswith(_ADDRESS):
                raise RuntimeError("the simulated registers did not start")
            yield line.removeprefix(_ADDRESS).strip()
        finally:
            process.terminate()


def objects_dir(world: World) -> Path:
    """Where the server's directory store lies."""
    return world.folder / "server" / "objects"
