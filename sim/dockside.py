"""The camera's half of the road: docked, cut off, resumed, verified, wiped; then a complaint."""

import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx

from bodycam.wire import protocol
from sim.client import ApiClient, Refused
from sim.district import DRIVER, LATITUDE, LONGITUDE, PLACE, REVIEWER
from sim.patrol import Device
from sim.stage import Stage

_DOCK_SECONDS: Final = 150.0
_POLL_SECONDS: Final = 0.02
_READ_SECONDS: Final = 60.0  # of a busy machine; normally less than one
_NOT_YET: Final = "bodycam.not_playable"


class DockAgent:
    """The field program at the charging dock, as a process of its own."""

    def __init__(self, stage: Stage, device: Device, *, bays: Path, folder: Path) -> None:
        self._folder = folder
        self.journal = folder / "journal"
        self.log = folder / "dock.log"
        credential = device.write_credential(folder / "credential")
        self._command = [
            sys.executable, "-m", "bodycam.field",
            "--server", stage.base_url,
            "--credential-file", str(credential),
            "--bays", str(bays),
            "--journal", str(self.journal),
            "--once",
        ]  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *, bandwidth_mb_s: int = 0) -> None:
        """Start it; with a bandwidth in MB/s it goes no faster than that."""
        limit = ["--bandwidth-mb-s", str(bandwidth_mb_s)] if bandwidth_mb_s else []
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [*self._command, *limit], stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )

    def kill(self) -> None:
        """Pull its plug."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def wait(self) -> int:
        """Wait until it has emptied its bays; return its exit code."""
        if self._process is None:
            return 0
        return self._process.wait(_DOCK_SECONDS)


def parts_acknowledged(device: Device, base_url: str, recording_id: str) -> int:
    """Ask the server, as the dock would, how many parts it holds."""
    headers = {protocol.CREDENTIAL_HEADER: device.credential}
    path = protocol.PATH_STATUS.format(recording_id=recording_id)
    answer = httpx.get(f"{base_url}{path}", headers=headers, timeout=10)
    return len(answer.json()["acknowledged"]) if answer.is_success else 0


def wait_for_parts(device: Device, base_url: str, recording_id: str, *, at_least: int) -> int:
    """Wait until the server holds some parts, so that the line is cut in the middle."""
    deadline = time.monotonic() + _DOCK_SECONDS
    while time.monotonic() < deadline:
        held = parts_acknowledged(device, base_url, recording_id)
        if held >= at_least:
            return held
        time.sleep(_POLL_SECONDS)
    raise TimeoutError("the dock sends nothing")


class Reviewer:
    """The reviewer of complaints at his desk."""

    def __init__(self, stage: Stage) -> None:
        self.api: ApiClient = stage.staff_client(REVIEWER)

    def open_playlist(self, recording_id: str) -> bytes:
        """Return the playlist over the stored file, as soon as the worker has read a long one.

        Until then it is played by its head, which the page does by itself.

        Raises:
            Refused: it is not to be played.
        """
        deadline = time.monotonic() + _READ_SECONDS
        while True:
            try:
                return self.api.fetch(f"/api/recordings/{recording_id}/playlist.m3u8")
            except Refused as refused:
                if refused.code != _NOT_YET or time.monotonic() > deadline:
                    raise
            time.sleep(_POLL_SECONDS)

    def register_complaint(self, at: datetime) -> dict[str, Any]:
        """Register a complaint that names a place and a time, and nothing else."""
        body = {
            "place": PLACE,
            "latitude": LATITUDE,
            "longitude": LONGITUDE,
            "radius_m": 150,
            "from": (at - timedelta(minutes=10)).astimezone(UTC).isoformat(),
            "to": (at + timedelta(minutes=10)).astimezone(UTC).isoformat(),
            "text": "Инспектор разговаривал грубо и не объяснил причину остановки.",
            "complainant": {
                "name": f"{DRIVER.surname} {DRIVER.given_name}",
                "contact": DRIVER.phone,
            },
        }
        return self.api.post("/api/complaints", body)
