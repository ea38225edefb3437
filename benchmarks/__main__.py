"""Runs the measurements: ``python -m benchmarks [--only NAME]``; see ``docs/benchmarks.md``."""

import argparse
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from benchmarks import (
    audit,
    blocking,
    checks,
    control,
    fines,
    footage,
    machine,
    money,
    playing,
    recordings,
    sealing,
    signatures,
    upload,
    upload_lengths,
    upload_store,
    upload_tus,
)
from benchmarks.figures import Figure, markdown, table
from benchmarks.places import FOLDER
from benchmarks.world import World

_ON_STAGE: Final[dict[str, Callable[[World], list[Figure]]]] = {
    "checks": checks.measure,
    "signatures": signatures.measure,
    "upload": upload.measure,
    "upload_lengths": upload_lengths.measure,
    "upload_tus": upload_tus.measure,
    "upload_store": upload_store.measure,
    "footage": footage.measure,
    "playing": playing.measure,
    "fines": fines.measure,
    "blocking": blocking.measure,
}
_NAMES: Final = ("audit", "control", "money", "recordings", "sealing", *_ON_STAGE)
_LOADED: Final = 0.3  # of a core: from here on a run is not worth keeping


def _commit() -> str:
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        command = ["git", "describe", "--always", "--dirty"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603 - fixed words
    return ""


@dataclass
class _Run:
    """What has been measured so far, how many cores others used, and the machine's own pace."""

    described: dict[str, object]
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    commit: str = field(default_factory=_commit)
    figures: list[Figure] = field(default_factory=list)
    others: dict[str, float] = field(default_factory=dict)
    pace: dict[str, float] = field(default_factory=dict)

    def take(self, name: str, measure: Callable[[], list[Figure]]) -> None:
        """Measure one part; what was measured before is written whatever comes of it."""
        print(f"\n{name} ...", flush=True)
        self.pace[name] = machine.pace_ms()
        began = time.monotonic()
        with machine.others() as others:
            figures = measure()
        self.figures += figures
        self.others[name] = round(others.cores, 2)
        print(table(figures))
        print(
            f"({time.monotonic() - began:.0f} s, others used {others.cores:.2f} cores, "
            f"pace {self.pace[name]} ms)"
        )
        self.write()

    def write(self) -> None:
        """Write ``var/bench/latest.json`` and ``.md``: what there is by now."""
        document = {
            "at": self.at.isoformat(timespec="seconds"),
            "command": " ".join(["python -m benchmarks", *sys.argv[1:]]),
            "commit": self.commit,
            "machine": self.described,
            "others_cores": self.others,
            "pace_ms": self.pace,
            "seconds": round((datetime.now(UTC) - self.at).total_seconds()),
            "figures": [one.as_json() for one in self.figures],
        }
        FOLDER.mkdir(parents=True, exist_ok=True)
        file = FOLDER / "latest.json"
        text = json.dumps(document, indent=1, ensure_ascii=False)
        file.write_text(text + "\n", encoding="utf-8")
        file.with_suffix(".md").write_text(markdown(self.figures) + "\n", encoding="utf-8")


def main() -> None:
    """Measure what was asked for, show it, and write ``var/bench/latest.json`` and ``.md``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", action="append", choices=_NAMES, help="may be given repeatedly")
    wanted = parser.parse_args().only or list(_NAMES)
    described = machine.described()
    print(f"{described['cores']} cores, {described['processor']}, {described['memory_gib']} GiB,")
    print(f"{described['system']}, kernel {described['kernel']}, Python {described['python']};")
    print(f"load average at the start {described['load_average']}", flush=True)
    run = _Run(described=described)
    if "audit" in wanted:
        run.take("audit", audit.measure)
    if "control" in wanted:
        run.take("control", control.measure)
    if "money" in wanted:
        run.take("money", money.measure)
    if "recordings" in wanted:
        run.take("recordings", recordings.measure)
    if "sealing" in wanted:
        run.take("sealing", sealing.measure)
    on_stage = [name for name in wanted if name in _ON_STAGE]
    if on_stage:
        print("\nthe server is started ...", flush=True)
        with World() as world:
            for name in on_stage:
                run.take(name, lambda name=name: _ON_STAGE[name](world))  # type: ignore[misc]
    seconds = (datetime.now(UTC) - run.at).total_seconds()
    print(f"\nwhole run {seconds:.0f} s; every figure with its note is in {FOLDER}/latest.json")
    _judge(run)


def _judge(run: _Run) -> None:
    loaded = [name for name, cores in run.others.items() if cores > _LOADED]
    if loaded:
        print(f"the machine was not quiet during {', '.join(loaded)}: do not keep those figures")


if __name__ == "__main__":
    main()
