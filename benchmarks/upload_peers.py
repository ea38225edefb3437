"""Other programs that take uploads, each installed by its own packager into a scratch folder.

None of them checks a digest or syncs before it answers. So that the guarantee is the same, what
arrived is read again, hashed with SHA-256 and synced, and that time counts as theirs. What cannot
be installed here is named as absent.
"""

import base64
import contextlib
import hashlib
import http.client
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from benchmarks.docking import Footage
from benchmarks.machine import calm_disk, cpu_seconds
from benchmarks.places import FOLDER, emptied
from bodycam.wire.digests import BLOCK_SIZE_BYTES
from sim.stage import Ports

_SCRATCH: Final = FOLDER / "peers"
_READ_BYTES: Final = 1 << 20
_START_SECONDS: Final = 30.0
_INSTALL_SECONDS: Final = 300
_ROUNDS: Final = 4  # the best one counts, as of ours
_TUS: Final = {"Tus-Resumable": "1.0.0"}


@dataclass(frozen=True)
class PeerRun:
    """How long a peer took for an upload with our guarantee, and its processor time."""

    seconds: float
    cpu_seconds: float


@dataclass(frozen=True)
class _Peer:
    name: str
    install: Callable[[], list[str]]  # returns the command; it is given port and folder of files
    send: Callable[[int, int], None]


def measured(blocks: int) -> dict[str, PeerRun | str]:
    """Return for each peer what one upload of ``blocks`` cost, or why it is absent."""
    found: dict[str, PeerRun | str] = {}
    for peer in _PEERS:
        try:
            command = peer.install()
        except (OSError, subprocess.SubprocessError, LookupError) as error:
            found[peer.name] = f"absent: {type(error).__name__}"
            continue
        runs = [_run(peer, command, blocks) for _ in range(_ROUNDS)]
        found[peer.name] = min(runs, key=lambda run: run.seconds)
    return found


def _run(peer: _Peer, command: list[str], blocks: int) -> PeerRun:
    files, port = emptied(_SCRATCH / "files"), Ports.free().server
    given = [one.format(port=port, files=files) for one in command]
    with _running(given, port) as pid:
        calm_disk()
        began, before = time.perf_counter(), _cpu_below(pid)
        peer.send(port, blocks)
        own = time.process_time()
        _make_good(files)
        run = PeerRun(
            time.perf_counter() - began,
            _cpu_below(pid) - before + time.process_time() - own,
        )
    shutil.rmtree(files)
    return run


def _make_good(files: Path) -> None:
    stored = max(
        (one for one in files.rglob("*") if one.is_file()), key=lambda one: one.stat().st_size
    )
    digest, buffer = hashlib.sha256(), bytearray(_READ_BYTES)
    with stored.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            digest.update(memoryview(buffer)[:count])
        os.fsync(file.fileno())


@contextlib.contextmanager
def _running(command: list[str], port: int) -> Iterator[int]:
    environment = os.environ | {"PYTHONPATH": str(_SCRATCH / "python")}
    with (
        (_SCRATCH / "log").open("ab") as log,
        subprocess.Popen(command, env=environment, stdout=log, stderr=log) as process,  # noqa: S603 - the peers' own
    ):
        try:
            _wait_for(port, process)
            yield process.pid
        finally:
            process.terminate()


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
        with contextlib.suppress(OSError):
            line.connect()
            return
        time.sleep(0.05)
    raise RuntimeError(f"a peer did not start; see {_SCRATCH / 'log'}")


def _cpu_below(pid: int) -> float:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return cpu_seconds(pid) + sum(cpu_seconds(int(one)) for one in children)


# --- what they are sent --------------------------------------------------------------------------


def _blocks(count: int) -> Iterator[bytearray]:
    footage = Footage(os.urandom(BLOCK_SIZE_BYTES))
    return (footage.block(0, number) for number in range(count))


def _asked(
    line: http.client.HTTPConnection, method: str, path: str, headers: dict[str, str], blocks: int
) -> http.client.HTTPResponse:
    given = headers | {"Content-Length": str(blocks * BLOCK_SIZE_BYTES)}
    line.request(method, path, body=_blocks(blocks) if blocks else None, headers=given)
    answer = line.getresponse()
    answer.read()
    if answer.status >= http.client.BAD_REQUEST:
        raise RuntimeError(f"a peer answered {answer.status}")
    return answer


def _by_tus(port: int, blocks: int) -> None:
    """Create an upload and send it in one PATCH, the quickest way there is (tus 1.0)."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    name = base64.b64encode(b"video/mp4").decode()
    made = _asked(
        line,
        "POST",
        "/files",
        _TUS
        | {
            "Upload-Length": str(blocks * BLOCK_SIZE_BYTES),
            "Upload-Metadata": f"filename {name},filetype {name}",
        },
        0,
    )
    path = urlsplit(made.headers["Location"]).path
    patch = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}
    _asked(line, "PATCH", path, _TUS | patch, blocks)
    line.close()


def _by_put(port: int, blocks: int) -> None:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    _asked(line, "PUT", "/recording", {}, blocks)
    line.close()


# --- how they come here --------------------------------------------------------------------------


def _install(command: list[str], *, into: Path) -> None:
    into.mkdir(parents=True, exist_ok=True)
    subprocess.run(command, cwd=into, check=True, capture_output=True, timeout=_INSTALL_SECONDS)  # noqa: S603 - fixed words


def _tuspyserver() -> list[str]:
    folder = _SCRATCH / "python"
    if not (folder / "tuspyserver").is_dir():
        uv = [sys.executable, "-m", "uv", "pip", "install", "--python", sys.executable]
        _install([*uv, "--target", str(folder), "tuspyserver==4.4.3"], into=folder)
    code = (
        "import uvicorn, fastapi, tuspyserver; app = fastapi.FastAPI();"
        " app.include_router(tuspyserver.create_tus_router(prefix='files', files_dir='{files}'));"
        " uvicorn.run(app, port={port}, loop='uvloop', http='httptools', log_level='critical')"
    )
    return [sys.executable, "-c", code]


def _tus_server() -> list[str]:
    folder = _SCRATCH / "node"
    if not (folder / "node_modules" / "@tus" / "server").is_dir():
        npm = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder)]
        _install([*npm, "@tus/server@2.4.5", "@tus/file-store@2"], into=folder)
    code = (
        "import {Server} from '@tus/server'; import {FileStore} from '@tus/file-store';"
        " const [port, directory] = process.argv.slice(2);"
        " new Server({path: '/files', datastore: new FileStore({directory})})"
        ".listen({host: '127.0.0.1', port: Number(port)});"
    )
    script = folder / "serve.mjs"
    script.write_text(code, encoding="utf-8")
    return ["node", str(script), "{port}", "{files}"]


def _nginx() -> list[str]:
    folder = _SCRATCH / "nginx"
    program = shutil.which("nginx") or str(folder / "usr" / "sbin" / "nginx")
    if not Path(program).exists():
        _install(["apt-get", "download", "nginx"], into=folder)
        package = next(iter(folder.glob("nginx_*.deb")), None)
        if package is None:
            raise LookupError("nginx")
        _install(["dpkg", "-x", str(package), str(folder)], into=folder)
    settings = (
        "daemon off; worker_processes 1; error_log stderr; pid {files}/pid; user root;"
        " events {{ }} http {{ access_log off; client_max_body_size 0;"
        " client_body_temp_path {files}/spool; proxy_temp_path {files}/p;"
        " fastcgi_temp_path {files}/f;"
        " uwsgi_temp_path {files}/u; scgi_temp_path {files}/s;"
        " server {{ listen 127.0.0.1:{port}; location / {{ root {files}; dav_methods PUT; }} }} }}"
    )
    script = (
        f'printf "%s" "{settings}" > {{files}}/conf; exec {program} -e stderr -p {{files}} -c conf'
    )
    return ["sh", "-c", script]


_PEERS: Final = (
    _Peer("tuspyserver", _tuspyserver, _by_tus),
    _Peer("@tus/server", _tus_server, _by_tus),
    _Peer("nginx PUT", _nginx, _by_put),
)
