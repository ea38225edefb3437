"""The officer's half of the road: devices issued, a driver checked, fined, and paid by card.

Each method is one act at the real server, by the person or device that does it in life.
"""

import base64
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sim.client import ApiClient, Refused
from sim.district import DRIVER, KEEPER, LATITUDE, LONGITUDE, OFFICER, PLACE, Staff
from sim.register_records import card_mrz
from sim.rights import obtain_access
from sim.stage import Stage

JUSTIFICATION: Final = (
    "Көлік жүргізушісі тұтас жол сызығын кесіп өтті; жеке басы оқиға орнында анықталуда."
)

TERMINAL_NUMBER: Final = "00001042"
_SETTLED: Final = {"slips_printed", "declined", "reversed", "unknown", "aborted"}
_SALE_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.1


@dataclass(frozen=True)
class Device:
    """A device of the unit after its enrolment."""

    device_id: str
    kind: str
    inventory_number: str
    credential: str

    def write_credential(self, file: Path) -> Path:
        """Write the credential where a field program reads it, for this user alone."""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(self.credential)
        return file


class Keeper:
    """The device keeper at his desk."""

    def __init__(self, stage: Stage) -> None:
        self._api = stage.staff_client(KEEPER)

    def enrol(self, kind: str, inventory_number: str, **facts: str) -> Device:
        """Register a device and take its credential, which is shown once."""
        body = {
            "kind": kind,
            "inventory_number": inventory_number,
            "serial_number": f"SN-{inventory_number}",
        }
        device_id = self._api.post("/api/devices", body | facts)["device_id"]
        answer = self._api.post(f"/api/devices/{device_id}/enrollment", {})
        return Device(device_id, kind, inventory_number, answer["credential"])

    def open_shift(self, officer: Staff) -> str:
        """Open the officer's shift."""
        return str(self._api.post("/api/shifts", {"officer_iin": officer.iin})["shift_id"])

    def make_sheets(self, shift_id: str, devices: list[Device]) -> list[dict[str, Any]]:
        """Make the sheets of issue that the officer signs."""
        body = {"device_ids": [device.device_id for device in devices]}
        answer = self._api.post(f"/api/shifts/{shift_id}/assignments", body)
        return list(answer["sheets"])


def sign_sheets(stage: Stage, officer: Staff, sheets: list[dict[str, Any]]) -> datetime:
    """Let the officer sign each sheet with his own key: only then is the device his.

    Returns when the last of them became his.
    """
    issued_at = ""
    key = stage.authority.certificate_for(officer).sign
    with ApiClient(stage.base_url) as api:
        api.sign_in(stage.authority, officer)
        for sheet in sheets:
            cms = stage.authority.sign_cms_detached(key, sheet["sheet"].encode())
            body = {"cms": base64.b64encode(cms).decode()}
            path = f"/api/assignments/{sheet['assignment_id']}/signature"
            issued_at = api.post(path, body)["issued_at"]
    return datetime.fromisoformat(issued_at)


class Officer:
    """The officer with his tablet; a user of the exchange, if need be from now on."""

    def __init__(self, stage: Stage, tablet: Device, staff: Staff = OFFICER) -> None:
        obtain_access(stage, staff)
        self._api = stage.staff_client(staff, credential=tablet.credential)

    def check(self, identity: dict[str, Any], plate: str | None) -> dict[str, Any]:
        """Check a driver by his card; see ``POST /api/checks``.

        Where the draw falls on the check, its officer justifies it at length, and it goes on.
        """
        body: dict[str, Any] = {"identity": identity, "stop_ground": "traffic_violation"}
        body |= {"latitude": LATITUDE, "longitude": LONGITUDE}
        if plate is not None:
            body["plate"] = plate
        try:
            return self._api.post("/api/checks", body)
        except Refused as refused:
            if refused.problem.get("refusal") != "SAMPLE_JUSTIFICATION":
                raise
            check_id = refused.problem["check_id"]
        self._api.post(f"/api/requests/{check_id}/justification", {"text": JUSTIFICATION})
        return self._api.get(f"/api/checks/{check_id}")

    def draw_up(self, check_id: str, *, article: str, part: str, essence: str) -> dict[str, Any]:
        """Draw up the offence record from a check."""
        body = {
            "check_id": check_id,
            "article": article,
            "part": part,
            "occurred_at": (datetime.now(UTC) - timedelta(minutes=4)).isoformat(),
            "place": PLACE,
            "latitude": LATITUDE,
            "longitude": LONGITUDE,
            "language": "kk",
            "rights_explained": True,
            "essence": essence,
        }
        return self._api.post("/api/offence-records", body)

    def agree(self, offence_record_id: str) -> dict[str, Any]:
        """Enter that the driver admits, agrees and does not contest; the receipt is numbered."""
        path = f"/api/offence-records/{offence_record_id}"
        for act in ("announced", "explained"):
            self._api.post(f"{path}/acts", {"act": act})
        return self._api.post(
            f"{path}/reduced", {"admits": True, "agrees": True, "contests": False}
        )

    def sign(self, offence_record_id: str) -> bytes:
        """Show the driver the record as PDF, and enter that he signed it."""
        path = f"/api/offence-records/{offence_record_id}"
        content = self._api.fetch(f"{path}/record.pdf")
        self._api.post(f"{path}/signatures", {"signature": "signed"})
        return content

    def receipt(self, offence_record_id: str) -> bytes:
        """Fetch the receipt as PDF, hand it over and say so."""
        path = f"/api/offence-records/{offence_record_id}"
        content = self._api.fetch(f"{path}/receipt.pdf")
        self._api.post(f"{path}/acts", {"act": "receipt_handed"})
        return content

    def pay(self, offence_record_id: str) -> dict[str, Any]:
        """Start a payment and wait until the terminal's agent has settled it."""
        key = {"Idempotency-Key": str(uuid.uuid4())}
        body = {"offence_record_id": offence_record_id}
        payment_id = self._api.post("/api/payments", body, headers=key)["payment_id"]
        deadline = time.monotonic() + _SALE_SECONDS
        while True:
            payment = self.payment(payment_id)
            if payment["status"] in _SETTLED or time.monotonic() > deadline:
                return payment
            time.sleep(_POLL_SECONDS)

    def payment(self, payment_id: str) -> dict[str, Any]:
        """Read a payment."""
        return self._api.get(f"/api/payments/{payment_id}")

    def slip_pdf(self, payment_id: str, slip_id: str) -> bytes:
        """Fetch one slip as PDF."""
        return self._api.fetch(f"/api/payments/{payment_id}/slips/{slip_id}.pdf")

    def file_signed_slip(self, payment_id: str, photograph: bytes) -> dict[str, Any]:
        """Photograph the signed second slip, which files it to the record."""
        path = f"/api/payments/{payment_id}/signed-slip"
        return self._api.post_bytes(path, photograph, content_type="image/png")


class TerminalAgent:
    """The field program beside the tablet, as a process of its own."""

    def __init__(
        self, stage: Stage, device: Device, *, terminal: Path, printer: Path, folder: Path
    ) -> None:
        self._folder = folder
        credential = device.write_credential(folder / "credential")
        self._command = [
            sys.executable, "-m", "fines.field",
            "--server", stage.base_url,
            "--credential-file", str(credential),
            "--terminal", str(terminal),
            "--printer", str(printer),
            "--journal", str(folder / "journal"),
            "--printer-answer-seconds", "10",  # a busy machine draws its paper slowly
        ]  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, or start it again after a kill."""
        with (self._folder / "agent.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                self._command, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )

    def kill(self) -> None:
        """Kill it without warning, as a flat battery does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """Stop it politely."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(10)


def mrz_of_driver() -> list[str]:
    """Return the machine-readable zone on the back of the driver's identity card."""
    return list(card_mrz(DRIVER))
