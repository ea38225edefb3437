"""The beginning of the shift: devices enrolled by the keeper, issued against signature."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sim.camera import Camera
from sim.district import KEEPER, OFFICER, OPERATOR
from sim.narrator import Narrator
from sim.patrol import TERMINAL_NUMBER, Device, Keeper, sign_sheets
from sim.rights import file_request, grant, sign_agreement
from sim.stage import Stage


@dataclass(frozen=True, kw_only=True)
class Issued:
    """What the officer carries and what stays at the dock."""

    tablet: Device
    terminal: Device
    camera: Camera
    dock: Device
    issued_at: datetime


class Morning:
    """Enrols and issues; see ``run``."""

    def __init__(self, stage: Stage, narrator: Narrator) -> None:
        self._stage = stage
        self._narrator = narrator

    def _rights(self) -> None:
        """Let the officer become a user of the exchange, as items 13-17 of the Rules say."""
        step_of, authority = self._narrator.step, self._stage.authority
        officer = self._stage.staff_client(OFFICER)
        with step_of("The officer asks for access: the form of appendix 5, signed"):
            request_id = file_request(officer, authority, OFFICER)
        with step_of("The operator grants it by signature, within the 24 hours") as step:
            done = grant(self._stage.staff_client(OPERATOR), authority, request_id)
            step.note(f"{OPERATOR.full_name}: {done['stage']}")
        with step_of("At first entry the officer signs the agreement") as step:
            step.note(f"version {sign_agreement(officer, authority, OFFICER)}")

    def run(self, summary: dict[str, Any]) -> Issued:
        """Enrol the unit's devices and issue them to the officer."""
        step_of = self._narrator.step
        with step_of("The device keeper signs in with his electronic signature") as step:
            keeper = Keeper(self._stage)
            step.note(f"{KEEPER.full_name}: CMS over the server's challenge, chain and purpose")
            summary["sign_in_ms"] = None
        summary["sign_in_ms"] = round(step.ms, 1)
        with step_of("Tablet, terminal, camera and dock are enrolled"):
            key = Ed25519PrivateKey.generate()
            pem = Camera(camera_id=uuid.uuid4(), key=key).public_key_pem
            tablet = keeper.enrol("tablet", "TAB-0042")
            terminal = keeper.enrol("terminal", "POS-0042", terminal_number=TERMINAL_NUMBER)
            camera = keeper.enrol("camera", "BWC-0042", public_key_pem=pem)
            dock = keeper.enrol("dock", "DOCK-0007")
        self._rights()
        with step_of("Issued to the officer: he signs a sheet for each") as step:
            shift_id = keeper.open_shift(OFFICER)
            sheets = keeper.make_sheets(shift_id, [tablet, terminal, camera])
            issued_at = sign_sheets(self._stage, OFFICER, sheets)
            step.note(sheets[2]["sheet"].splitlines()[0])
        return Issued(
            tablet=tablet,
            terminal=terminal,
            camera=Camera(camera_id=uuid.UUID(camera.device_id), key=key),
            dock=dock,
            issued_at=issued_at,
        )
