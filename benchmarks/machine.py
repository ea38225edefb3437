"""The machine while it is measured: what it is, who else uses it, what a process costs."""

import contextlib
import os
import platform
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PROC: Final = Path("/proc")
_PPID, _UTIME, _CPU_FIELDS = 1, 11, 4  # fields of /proc/PID/stat behind the program's name
_IDLE: Final = slice(3, 5)  # idle and iowait of the line "cpu"
_GUEST: Final = 8  # guest time is counted in user time already
_RESET_PEAK: Final = "5"  # proc(5), clear_refs
_CALM_SECONDS: Final = 20.0
_CALM_LOOKS: Final = 5  # a second in which the disk did nothing


def described() -> dict[str, object]:
    """Return what the machine is and how loaded it is now."""
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(_memory_kib() / (1 << 20), 1),
        "processor": _first("/proc/cpuinfo", "model name"),
        "system": _first("/etc/os-release", "PRETTY_NAME", "=").strip('"'),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_average": [round(one, 2) for one in os.getloadavg()],
    }


def _first(path: str, name: str, separator: str = ":") -> str:
    with contextlib.suppress(OSError):
        for line in Path(path).read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition(separator)
            if key.strip() == name:
                return value.strip()
    return ""


def _memory_kib() -> int:
    return int(_first("/proc/meminfo", "MemTotal").split()[0])


@dataclass
class Others:
    """How many cores others used between two looks; filled in at the second."""

    cores: float = field(default=0.0)


@contextlib.contextmanager
def others() -> Iterator[Others]:
    """Measure what processes other than ours and our children use meanwhile."""
    found = Others()
    began, busy, own = time.monotonic(), _busy_seconds(), _family_seconds()
    yield found
    spent = (_busy_seconds() - busy) - (_family_seconds() - own)
    found.cores = max(0.0, spent / (time.monotonic() - began))


def _busy_seconds() -> float:
    with (_PROC / "stat").open() as file:
        ticks = [int(one) for one in file.readline().split()[1:]]
    return (sum(ticks[:_GUEST]) - sum(ticks[_IDLE])) / _TICKS


def _family_seconds() -> float:
    """CPU of this process and all below it, with those of theirs that have ended."""
    rows = _all_rows()
    return sum(_cpu_ticks(rows[pid]) for pid in _family(rows, os.getpid())) / _TICKS


def _all_rows() -> dict[int, list[str]]:
    rows = {}
    for entry in _PROC.iterdir():
        if entry.name.isdecimal():
            fields = _stat(int(entry.name))
            if fields is not None:
                rows[int(entry.name)] = fields
    return rows


def _family(rows: dict[int, list[str]], pid: int) -> set[int]:
    family = {pid}
    while grown := {one for one, row in rows.items() if int(row[_PPID]) in family} - family:
        family |= grown
    return family & rows.keys()


def _stat(pid: int) -> list[str] | None:
    try:
        text = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    return text.rpartition(")")[2].split()


def _cpu_ticks(fields: list[str], count: int = _CPU_FIELDS) -> int:
    return sum(int(one) for one in fields[_UTIME : _UTIME + count])


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that the process itself has used."""
    fields = _stat(pid)
    return _cpu_ticks(fields, 2) / _TICKS if fields is not None else 0.0


def cpu_seconds_below(pid: int, *, word: str = "") -> float:
    """Return the CPU time of all processes below ``pid``, and of itself where no word is given.

    With ``word`` of those alone whose command line holds it; PostgreSQL's backends call
    themselves by it.
    """
    rows = _all_rows()
    family = _family(rows, pid)
    if word:
        family = {one for one in family if word.encode() in _command(one)}
    return sum(_cpu_ticks(rows[one], 2) for one in family) / _TICKS


def _command(pid: int) -> bytes:
    try:
        return (_PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return b""


def pace_ms() -> float:
    """Return what a fixed piece of Python takes, the median of nine, in milliseconds.

    A virtual machine may be slower in one hour than in another though nobody works on it: what
    shares its processor and caches is not seen from within. Figures of runs with the same pace
    can be compared.
    """
    took = []
    for _ in range(9):
        began = time.perf_counter()
        kept: dict[int, str] = {}
        for number in range(500_000):
            kept[number % 5000] = str(number)
        took.append(1000 * (time.perf_counter() - began))
    return round(statistics.median(took), 1)


def peak_mib(pid: int) -> float:
    """Return the most memory the process has had resident since ``forget_peak``."""
    return float(_first(f"/proc/{pid}/status", "VmHWM").split()[0]) / 1024


def forget_peak(pid: int) -> None:
    """Let the process's peak of resident memory begin anew."""
    (_PROC / str(pid) / "clear_refs").write_text(_RESET_PEAK)


def process_of(command: str, *, below: int) -> int:
    """Return the process under ``below`` whose command line ends with the word ``command``.

    Raises:
        LookupError: there is none.
    """
    for entry in _PROC.iterdir():
        if not entry.name.isdecimal():
            continue
        fields = _stat(int(entry.name))
        with contextlib.suppress(OSError):
            words = (entry / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
            if fields and int(fields[_PPID]) == below and words[-1] == command.encode():
                return int(entry.name)
    raise LookupError(command)


def calm_disk() -> None:
    """Wait until the disk has done what was asked of it before, at most twenty seconds.

    What was deleted is given back to the disk with the journal's next commit, and a sync of what
    is measured would wait for that.
    """
    os.sync()
    deadline, before, quiet = time.monotonic() + _CALM_SECONDS, "", 0
    while quiet < _CALM_LOOKS and time.monotonic() < deadline:
        now = (_PROC / "diskstats").read_text()
        quiet, before = (quiet + 1 if now == before else 0), now
        time.sleep(_CALM_SECONDS / 100)


def drop_from_cache(path: Path) -> None:
    """Make the next read of the file come from the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(handle)
