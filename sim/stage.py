"""The stage: the server as its users run it, with everything we do not own around it.

    with Stage(Path("var/stage"), ports=Ports.free()) as stage:
        keeper = stage.staff_client(KEEPER)

The server is the real program in processes of its own, started by its own command line.
"""

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import httpx

from sim.acquirer import SimAcquirer
from sim.authority import Authority
from sim.cases import SimCases
from sim.client import ApiClient
from sim.district import (
    CITY,
    COMMITTEE_BIN,
    COURT,
    COURT_BIN,
    COURT_STAFF,
    DEPARTMENT_BIN,
    OTHER_DEPARTMENT_BIN,
    STAFF,
    SUPERIORS,
    Staff,
)
from sim.ncalayer import SimNcaLayer
from sim.registers import SimRegisters
from sim.revocation import SimRevocation
from sim.smartbridge import PASSWORD, SENDER_ID, SimSmartBridge, write_system_key
from sim.timestamping import SimTimestamping
from sim.witness import SimWitness

_START_SECONDS: Final = 180.0
_STOP_SECONDS: Final = 25.0
_HOST: Final = "127.0.0.1"
_GIVEN: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
_PORTS_FROM: Final = 10_240
_TRIES_MAX: Final = 1000


class DidNotStart(Exception):
    """A program of the stage ended or stayed silent; the message holds the end of its output."""


@dataclass(frozen=True, kw_only=True)
class Ports:
    """Where everything listens on loopback. Zero means any free port."""

    server: int = 8700
    metrics: int = 8701
    parts: int = 8702
    registers: int = 8710
    revocation: int = 8711
    acquirer: int = 8712
    witness: int = 8714
    timestamping: int = 8715
    cases: int = 8713
    bus: int = 8716
    ncalayer: int = 13579

    @classmethod
    def free(cls) -> Self:
        """Return ports that nobody uses now, so that two stages stand side by side."""
        numbers = [unused_port() for _ in range(3)]
        return cls(
            server=numbers[0],
            metrics=0,
            parts=numbers[2],
            registers=0,
            revocation=0,
            acquirer=0,
            witness=0,
            timestamping=0,
            cases=0,
            bus=0,
            ncalayer=numbers[1],
        )


def unused_port() -> int:
    """Return a port that nobody uses and that the system gives to nobody who asks for any."""
    given_from = int(_GIVEN.read_text().split()[0]) if _GIVEN.exists() else 0
    end = given_from if given_from > 2 * _PORTS_FROM else 3 * _PORTS_FROM
    for _ in range(_TRIES_MAX):
        number = secrets.randbelow(end - _PORTS_FROM) + _PORTS_FROM
        with contextlib.suppress(OSError), socket.create_server((_HOST, number)):
            return number
    raise DidNotStart(f"no port from {_PORTS_FROM} to {end} is free")


class Stage:
    """Server, registers, authorities, witness, signer and acquirer, up and down together.

    Args:
        folder: everything the stage writes; the simulated authority's keys are kept and reused.
        ports: where to listen.
        clock_offset: how far the server's clock is from the true one when it starts.
    """

    def __init__(
        self, folder: Path, *, ports: Ports, clock_offset: timedelta = timedelta(0)
    ) -> None:
        self.clock_offset = clock_offset
        self.folder = folder.resolve()
        self.ports = ports
        self.base_url = f"http://{_HOST}:{ports.server}"
        self.parts_url = f"http://{_HOST}:{ports.parts}"
        self._stack = ExitStack()
        self._server: subprocess.Popen[bytes] | None = None
        self.authority: Authority
        self.revocation: SimRevocation
        self.registers: SimRegisters
        self.cases: SimCases
        self.bus: SimSmartBridge
        self.acquirer: SimAcquirer
        self.witness: SimWitness
        self.timestamping: SimTimestamping
        self.signer_url = ""

    def __enter__(self) -> Self:
        try:
            self._open()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def _open(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.authority = Authority.create(self.folder / "authority")
        enter = self._stack.enter_context
        self.revocation = enter(
            SimRevocation([self.authority], port=self.ports.revocation, clock=self._clock)
        )
        self.witness = enter(
            SimWitness(log_key="", folder=self.folder / "witness", port=self.ports.witness)
        )
        self.timestamping = enter(
            SimTimestamping.create(
                self.folder / "tsa", clock=self._clock, port=self.ports.timestamping
            )
        )
        self.registers = enter(SimRegisters(port=self.ports.registers))
        self.cases = enter(SimCases(port=self.ports.cases))
        self.bus = enter(
            SimSmartBridge(
                self.authority,
                cases=self.cases,
                registers=self.registers.world,
                port=self.ports.bus,
                clock=self._clock,
            )
        )
        self.acquirer = enter(SimAcquirer(port=self.ports.acquirer))
        self.signer_url = enter(SimNcaLayer(self.authority, port=self.ports.ncalayer)).url
        self._stack.callback(self.stop_server)
        self.start_server()
        self._import_staff()
        self.witness.log_key = self._log_key()

    def _clock(self) -> datetime:
        # Authorities' clocks are the server's: an answer that is hours off is no answer.
        return datetime.now(UTC) + self.clock_offset

    def environment(self) -> dict[str, str]:
        """Return the settings under which the server runs on this stage."""
        own = {
            "SAQSHY_VAR_DIR": str(self.folder / "server"),
            "SAQSHY_PORT": str(self.ports.server),
            "SAQSHY_METRICS_PORT": str(self.ports.metrics),
            "SAQSHY_PUBLIC_URL": self.base_url,
            "SAQSHY_PARTS_PORT": str(self.ports.parts),
            "SAQSHY_PARTS_URL": self.parts_url,
            "SAQSHY_REGISTERS_URL": self.registers.url,
            "SAQSHY_CASE_REGISTERS_URL": self.cases.url,
            # One register stands on the state bus, so that both protocols are at work.
            "SAQSHY_REGISTER_ADDRESSES": json.dumps({"legal_entity": self._on_bus("legal_entity")}),
            "SAQSHY_SMARTBRIDGE_SENDER_ID": SENDER_ID,
            "SAQSHY_SMARTBRIDGE_PASSWORD": PASSWORD,
            "SAQSHY_SMARTBRIDGE_KEY_FILE": str(self._system_key()),
            "SAQSHY_SMARTBRIDGE_ROOTS_DIR": str(self.authority.roots_dir),
            "SAQSHY_TRUST_ROOTS_DIR": str(self.authority.roots_dir),
            "SAQSHY_TRUST_ENVIRONMENT": "test",
            "SAQSHY_OCSP_URL": self.revocation.ocsp_url,
            "SAQSHY_CRL_URLS": self.revocation.list_urls,
            "SAQSHY_NCALAYER_URL": self.signer_url,
            "SAQSHY_WITNESS_URL": self.witness.url,
            "SAQSHY_WITNESS_KEY": self.witness.key,
            "SAQSHY_TSA_URL": self.timestamping.url,
            "SAQSHY_TSA_ROOTS_DIR": str(self.timestamping.roots_dir),
        }
        kept = {n: v for n, v in os.environ.items() if not n.startswith("SAQSHY_")}
        kept.pop("DATABASE_URL", None)  # the stage shows the embedded database
        if self.clock_offset:
            own["PYTHONPATH"] = str(Path(__file__).parent / "shifted_clock")
            own["SIM_CLOCK_OFFSET_SECONDS"] = str(self.clock_offset.total_seconds())
        return kept | own

    def _on_bus(self, register: str) -> dict[str, str]:
        return {
            "kind": "smartbridge",
            "address": self.bus.address(register),
            "service_id": f"Sim_{register}_Sync",
            "signer_bin": self.bus.signer_bin,
        }

    def _system_key(self) -> Path:
        file = self.authority.folder / "systems" / f"{DEPARTMENT_BIN}.pem"
        return write_system_key(self.authority, DEPARTMENT_BIN, file)

    def start_server(self) -> None:
        """Start ``python -m app up`` and return when it answers.

        Raises:
            DidNotStart: it ended or stayed silent; see the message.
        """
        log = self.folder / "up.log"
        with log.open("ab") as output:
            self._server = subprocess.Popen(
                [sys.executable, "-m", "app", "up"],
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
                env=self.environment(),
                process_group=0,
            )
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            if self._server.poll() is not None or time.monotonic() > deadline:
                raise DidNotStart(log.read_text(errors="replace")[-2000:])
            time.sleep(0.05)

    def stop_server(self) -> None:
        """Stop it the way an administrator does."""
        server, self._server = self._server, None
        if server is None or server.poll() is not None:
            return
        server.terminate()
        try:
            server.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()

    def kill_server(self) -> None:
        """Pull the plug: the supervisor is killed, and its children die with it."""
        server, self._server = self._server, None
        if server is not None:
            server.kill()
            server.wait()

    def client(self, *, credential: str | None = None) -> ApiClient:
        """Return a caller without a session; the stage closes it."""
        return self._stack.enter_context(ApiClient(self.base_url, credential=credential))

    def staff_client(self, staff: Staff, *, credential: str | None = None) -> ApiClient:
        """Return a caller signed in as ``staff``, on the device of ``credential`` if given."""
        client = self.client(credential=credential)
        client.sign_in(self.authority, staff)
        return client

    def run_app(self, *arguments: str) -> str:
        """Run one command of the server's program to its end; return what it said."""
        done = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-m", "app", *arguments],
            capture_output=True,
            text=True,
            check=False,
            env=self.environment(),
        )
        if done.returncode != 0:
            raise DidNotStart(f"{arguments}: {done.stdout}{done.stderr}"[-2000:])
        return done.stdout

    def _log_key(self) -> str:
        """Return the log's verifier key; it is there with the first checkpoint."""
        deadline = time.monotonic() + _START_SECONDS
        while True:
            answer = httpx.get(f"{self.base_url}/log/key", timeout=60)
            if answer.is_success:
                return answer.text
            if time.monotonic() > deadline:
                raise DidNotStart("the log has no checkpoint")
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.base_url}/health", timeout=2).is_success
        except httpx.HTTPError:
            return False

    def _import_staff(self) -> None:
        file = self.folder / "staff.json"
        file.write_text(json.dumps(staff_file(), ensure_ascii=False, indent=1), encoding="utf-8")
        self.run_app("import-staff", str(file))


def staff_file() -> dict[str, object]:
    """Return the district's personnel file, as ``python -m app import-staff`` reads it."""
    return {
        "departments": [
            {
                "bin": DEPARTMENT_BIN,
                "name_kk": "Алматы қаласы Полиция департаментінің патрульдік полиция батальоны",
                "name_ru": "Батальон патрульной полиции Департамента полиции города Алматы",
                "boundary": {
                    "ring": CITY,
                    "valid_from": "2026-01-01",
                    "source": "invented for the demonstration",
                },
            },
            {
                "bin": OTHER_DEPARTMENT_BIN,
                "name_kk": "Астана қаласы Полиция департаментінің патрульдік полиция батальоны",
                "name_ru": "Батальон патрульной полиции Департамента полиции города Астаны",
            },
            {
                "bin": COMMITTEE_BIN,
                "name_kk": "Құқықтық статистика және арнайы есепке алу жөніндегі комитет",
                "name_ru": "Комитет по правовой статистике и специальным учётам",
            },
            {
                "bin": COURT_BIN,
                "name_kk": "Алматы қаласының Алмалы аудандық соты",
                "name_ru": COURT,
            },
        ],
        "staff": [
            {
                "iin": one.iin,
                "surname": one.surname,
                "given_name": one.given_name,
                "patronymic": one.patronymic,
                "department_bin": one.department_bin,
                "role": one.role,
                "title": one.title,
                "badge": one.badge,
                "superior_iin": SUPERIORS.get(one.iin),
                "valid_from": "2026-01-01",
            }
            for one in (*STAFF, *COURT_STAFF)
        ],
    }


def wipe(folder: Path, *, keep: tuple[str, ...] = ()) -> None:
    """Empty ``folder`` but for the named entries: keys and footage that are slow to make."""
    if not folder.exists():
        return
    for entry in folder.iterdir():
        if entry.name in keep:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
