"""Where a media tool runs that reads bytes from outside (decision 0012).

It gets its bytes by a pipe and gives its answer by a pipe: no file of ours, no network, no
privilege, no process of others to be seen; memory, processes, processor seconds, seconds by the
clock and bytes of the answer each have a limit. What it says on its error line is read up to a
limit and thrown away, for it may repeat the bytes it was given.
"""

import asyncio
import contextlib
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import imageio_ffmpeg

from app.settings import SandboxKind
from bodycam.errors import MediaToolFailed, MediaToolRefused

_CHUNK_BYTES: Final = 256 << 10
_NOBODY: Final = "65534"
_FILES_MAX: Final = 64
_PROCESSES_MAX: Final = 48  # of one run, threads with them; ffmpeg takes up to 16 to decode
_END_SECONDS: Final = 10.0
# What a program linked dynamically needs of the system; Debian's own ffmpeg needs alternatives.
_SYSTEM: Final = ("/usr", "/etc/ld.so.cache", "/etc/alternatives")
_LINKS: Final = (("usr/lib", "/lib"), ("usr/lib64", "/lib64"), ("usr/bin", "/bin"))
_TOOL: Final = "/media-tool"
_TRIED: dict[str, bool] = {}


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one run of a tool may take."""

    seconds: float = 20.0
    cpu_seconds: int = 30
    memory_bytes: int = 2 << 30  # of addresses; the tool's own code takes a good part
    input_bytes: int = 64 << 20
    output_bytes: int = 32 << 20


@dataclass(frozen=True)
class Sandbox:
    """Runs ffmpeg shut in. ``before`` are the programs that shut it in, without the limits."""

    kind: SandboxKind
    before: tuple[str, ...]
    tool: str

    async def run(self, stream: Any, content: bytes, *, limits: Limits) -> bytes:
        """Return what the stream of ``ffmpeg-python`` makes of ``content``.

        Raises:
            MediaToolRefused: there is no sandbox of the configured kind.
            MediaToolFailed: it failed, or took more than it may.
        """
        if not self.before:
            raise MediaToolRefused(f"no sandbox of the kind {self.kind.value} on this machine")
        if len(content) > limits.input_bytes:
            raise MediaToolFailed("more bytes than the media program may be given")
        # One thread each: the limit of memory is of addresses, and each thread takes its own.
        stream = stream.global_args(
            "-nostdin", "-hide_banner", "-loglevel", "error", "-threads", "1",
            "-filter_threads", "1",
        )  # fmt: skip
        command = self.command(stream.compile(cmd=self.tool), limits=limits)
        return await _run(command, content, limits=limits)

    def command(self, words: Sequence[str], *, limits: Limits) -> list[str]:
        """Return the command that runs ``words`` shut in, under every limit but the clock's."""
        return [*_limits(limits), *self.before, *words]


def make_sandbox(kind: SandboxKind) -> Sandbox:
    """Return the sandbox of the configured kind; without it every run is refused.

    The weaker kind is never taken by itself: an administrator must have said so.
    """
    tool = imageio_ffmpeg.get_ffmpeg_exe()
    for before, inside in forms(kind, tool):
        if shutil.which("prlimit") is not None and _works(before, inside):
            return Sandbox(kind, before, inside)
    return Sandbox(kind, (), tool)


def forms(kind: SandboxKind, tool: str) -> list[tuple[tuple[str, ...], str]]:
    """Return the ways to shut the tool in, and where it stands inside: the first that works.

    The kernel lets root have as many processes as it likes, also behind a user namespace, which
    maps its user to root. So root becomes nobody first.
    """
    if kind is SandboxKind.BUBBLEWRAP:
        return [(_bubblewrap(tool=tool, as_root=as_root), _TOOL) for as_root in (False, True)]
    return [(_namespaces(as_root=as_root), tool) for as_root in (False, True)]


def _limits(limits: Limits) -> list[str]:
    return [
        "prlimit",
        f"--as={limits.memory_bytes}",
        f"--cpu={limits.cpu_seconds}",
        "--fsize=0",
        "--core=0",
        f"--nofile={_FILES_MAX}",
        "--",
    ]


# Of what is inside a user namespace alone: counted there, so that runs do not share a limit.
_COUNTED: Final = ("prlimit", f"--nproc={_PROCESSES_MAX}", "--")
_NOBODY_FIRST: Final = (
    "setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups", "--inh-caps=-all",
    "--bounding-set=-all", "--no-new-privs", "--",
)  # fmt: skip


def _bubblewrap(*, tool: str, as_root: bool) -> tuple[str, ...]:
    found = ["bwrap", "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--clearenv"]
    if as_root:
        found += ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"]
        found += ["--unshare-cgroup-try", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        found += ["--unshare-all", "--uid", _NOBODY, "--gid", _NOBODY]
    found += ["--hostname", "media"]
    for path in _SYSTEM:
        found += ["--ro-bind-try", path, path]
    for target, link in _LINKS:
        # Older systems have real folders there.
        both = ["--ro-bind", link, link] if not Path(link).is_symlink() else None
        found += both or ["--symlink", target, link]
    found += ["--ro-bind", tool, _TOOL, "--proc", "/proc", "--dev", "/dev", "--chdir", "/", "--"]
    inner = [*_NOBODY_FIRST, "unshare", "--user", "--"] if as_root else []
    return (*found, *inner, *_COUNTED)


def _namespaces(*, as_root: bool) -> tuple[str, ...]:
    """Weaker: no network and no other processes, but the files of the system can be read."""
    first = _NOBODY_FIRST if as_root else ()
    return (*first, "unshare", "--user", "--net", "--pid", "--ipc", "--fork", "--kill-child", "--",
            "env", "-i", *_COUNTED)  # fmt: skip


def _works(before: Sequence[str], tool: str) -> bool:
    """Return whether the tool starts in there, and the limit of processes binds.

    Tried once a process, it costs 0.1 s.
    """
    key = "\0".join((*before, tool))
    if key not in _TRIED:
        another = ["sh", "-c", "true & wait"]
        _TRIED[key] = (
            shutil.which(before[0]) is not None
            and _tried([*before, tool, "-version"])
            and _tried([*before, *another])
            and not _tried([*before, "prlimit", "--nproc=1", "--", *another])
        )
    return _TRIED[key]


def _tried(command: list[str]) -> bool:
    try:
        done = subprocess.run(  # noqa: S603 - our own command
            command, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


async def _run(command: list[str], content: bytes, *, limits: Limits) -> bytes:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LANG": "C.UTF-8"},
        limit=_CHUNK_BYTES,
    )
    feeding = asyncio.create_task(_feed(process, content))
    try:
        async with asyncio.timeout(limits.seconds):
            made = await _read(process, limits.output_bytes)
            await feeding
            code = await process.wait()
    except TimeoutError as error:
        raise MediaToolFailed("the media program took too long") from error
    finally:
        feeding.cancel()
        await _end(process)
    if code != 0 or not made:
        raise MediaToolFailed(f"the media program ended with {code}")
    return made


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill the program if it still runs, and take in what its pipes hold.

    A pipe that nobody reads any more is paused, and asyncio waits for its end for ever.
    """
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    assert process.stdout is not None  # noqa: S101 - asked for above
    assert process.stdin is not None  # noqa: S101 - the same
    if not process.stdin.transport.is_closing():
        process.stdin.transport.abort()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_END_SECONDS):
            while await process.stdout.read(_CHUNK_BYTES):
                pass
            await process.wait()


async def _feed(process: asyncio.subprocess.Process, content: bytes) -> None:
    pipe = process.stdin
    assert pipe is not None  # noqa: S101 - asked for above
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        pipe.write(content)
        await pipe.drain()
    pipe.close()
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        await pipe.wait_closed()


async def _read(process: asyncio.subprocess.Process, bytes_max: int) -> bytes:
    pipe = process.stdout
    assert pipe is not None  # noqa: S101 - asked for above
    made = bytearray()
    while chunk := await pipe.read(_CHUNK_BYTES):
        made += chunk
        if len(made) > bytes_max:
            raise MediaToolFailed("the media program made more than it may")
    return bytes(made)
