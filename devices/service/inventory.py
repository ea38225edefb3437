"""The inventory: take a device on, give it its credential, change where it stands."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid4

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from sqlalchemy.ext.asyncio import AsyncSession

from app.access import DeviceKind, Principal, Role
from app.audit.service import AuditTrail
from app.credentials import SECRET_BYTES, credential_text, secret_sha256
from devices import repository
from devices.errors import (
    DeviceAlreadyOut,
    DeviceNotFound,
    InventoryNumberTaken,
    PublicKeyNotValid,
    StepRefused,
    TerminalNumberNotValid,
)
from devices.models import Assignment, Device, JournalEntry
from devices.rules.lifecycle import (
    BLOCKED_BY_DUTY,
    SET_BY_KEEPER,
    ChangeReason,
    DeviceStatus,
    next_status,
)
from devices.rules.sheets import JournalEntryKind

DEVICES_SHOWN_MAX = 1000  # a unit has hundreds; paging comes with a unit that has more
_TERMINAL_NUMBER_LENGTH = 8
_TAKEN_BACK = frozenset({DeviceStatus.IN_STORE, DeviceStatus.RETURNED})
_WRITTEN_OFF = frozenset({DeviceStatus.LOST, DeviceStatus.RETIRED})


async def register_device(
    session: AsyncSession,
    *,
    trail: AuditTrail,
    caller: Principal,
    kind: DeviceKind,
    inventory_number: str,
    serial_number: str,
    public_key_pem: str | None,
    terminal_number: str | None,
    now: datetime,
) -> UUID:
    """Take a device on into the inventory of the caller's unit and return its id.

    Raises:
        PublicKeyNotValid: a camera without an Ed25519 public key, or another kind with a key.
        TerminalNumberNotValid: a terminal without its eight digits, or another kind with them.
        InventoryNumberTaken: one of the numbers is another device's.
    """
    _require_key(kind, public_key_pem)
    _require_terminal_number(kind, terminal_number)
    device_id = uuid4()
    row = Device(
        id=device_id,
        kind=kind,
        inventory_number=inventory_number,
        serial_number=serial_number,
        department_id=caller.department_id,
        status=DeviceStatus.REGISTERED,
        public_key_pem=public_key_pem,
        terminal_number=terminal_number,
        registered_at=now,
    )
    if not await repository.add(session, row):
        raise InventoryNumberTaken("another device has this number")
    await trail.record(
        session,
        event="devices.registered",
        at=now,
        who=caller,
        fields={
            "device_id": str(device_id),
            "kind": kind.value,
            "inventory_number": inventory_number,
            "serial_number": serial_number,
        },
    )
    return device_id


def _require_key(kind: DeviceKind, pem: str | None) -> None:
    if kind is not DeviceKind.CAMERA:
        if pem is not None:
            raise PublicKeyNotValid("only a camera has a public key")
        return
    try:
        key = load_pem_public_key((pem or "").encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise PublicKeyNotValid("not a public key in PEM") from error
    if not isinstance(key, Ed25519PublicKey):
        raise PublicKeyNotValid("not an Ed25519 public key")


def _require_terminal_number(kind: DeviceKind, number: str | None) -> None:
    if kind is DeviceKind.TERMINAL:
        digits = number or ""
        if len(digits) == _TERMINAL_NUMBER_LENGTH and digits.isascii() and digits.isdigit():
            return
        raise TerminalNumberNotValid("a terminal has a number of eight digits")
    if number is not None:
        raise TerminalNumberNotValid("only a terminal has a terminal number")


async def enroll_device(
    session: AsyncSession, *, trail: AuditTrail, caller: Principal, device_id: UUID, now: datetime
) -> str:
    """Give the device a new credential, put it in store, and return the credential.

    It is shown this once; only its hash is kept. An earlier credential opens nothing any more.

    Raises:
        DeviceNotFound: absent, or another unit's.
        StepRefused: the device is with an officer or out of service.
    """
    device = await _own(session, caller, device_id)
    secret = secrets.token_urlsafe(SECRET_BYTES)
    again = device.enrolled_at is not None
    device.status = next_status(device.status, DeviceStatus.ENROLLED)
    device.credential_sha256 = secret_sha256(secret)
    device.enrolled_at = now
    device.status = next_status(device.status, DeviceStatus.IN_STORE)
    await trail.record(
        session,
        event="devices.enrolled",
        at=now,
        who=caller,
        fields={"device_id": str(device_id), "again": again},
    )
    return credential_text(holder_id=device_id, secret=secret)


async def change_status(
    session: AsyncSession,
    *,
    trail: AuditTrail,
    caller: Principal,
    device_id: UUID,
    target: DeviceStatus,
    reason: ChangeReason,
    note: str,
    now: datetime,
) -> DeviceStatus:
    """Put a device in store, suspend it, or record it as lost or retired; return its status.

    A suspended, lost or retired device is refused from its next request on. What is lost or
    retired while an officer has it is written off in the journal, with ``note``.

    Raises:
        DeviceNotFound: absent, or another unit's.
        DeviceAlreadyOut: it cannot go to the store before it was taken back in the journal.
        StepRefused: the life cycle lists no such step, or the caller may not set it by hand.
    """
    allowed = SET_BY_KEEPER if caller.role is Role.DEVICE_KEEPER else BLOCKED_BY_DUTY
    if target not in allowed:
        raise StepRefused(f"{target.value} is not set by hand, or not by you")
    device = await _own(session, caller, device_id)
    before = device.status
    device.status = next_status(before, target)
    held = await repository.open_assignment(session, device_id=device_id, lock=True)
    if held is not None and target in _TAKEN_BACK:
        raise DeviceAlreadyOut(device_id)
    if held is not None and target in _WRITTEN_OFF:
        await _write_off(session, held, caller=caller, note=note, now=now)
    await trail.record(
        session,
        event="devices.status_changed",
        at=now,
        who=caller,
        fields={
            "device_id": str(device_id),
            "from": before.value,
            "to": target.value,
            "reason": reason.value,
        },
    )
    return device.status


async def _write_off(
    session: AsyncSession, held: Assignment, *, caller: Principal, note: str, now: datetime
) -> None:
    if held.issued_at is None:
        held.withdrawn_at = now
        kind = JournalEntryKind.SHEET_WITHDRAWN
    else:
        held.written_off_at = now
        kind = JournalEntryKind.LOST
    await repository.add(
        session,
        JournalEntry(
            id=uuid4(),
            assignment_id=held.id,
            kind=kind,
            at=now,
            by_post_id=caller.post_id,
            note=note,
        ),
    )


async def list_devices(
    session: AsyncSession, *, caller: Principal
) -> Sequence[tuple[Device, Assignment | None]]:
    """Return the devices of the caller's unit, each with its open assignment."""
    return await repository.devices_of(
        session, department_id=caller.department_id, limit=DEVICES_SHOWN_MAX
    )


async def _own(session: AsyncSession, caller: Principal, device_id: UUID) -> Device:
    device = await repository.device(
        session, device_id=device_id, department_id=caller.department_id, lock=True
    )
    if device is None:
        raise DeviceNotFound(device_id)
    return device
