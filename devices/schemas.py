"""Shapes of the staff API of devices."""

import base64
import binascii
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from app.access import DeviceKind
from devices.rules.lifecycle import ChangeReason, DeviceStatus
from devices.rules.sheets import JournalEntryKind

DEVICES_ON_SHEETS_MAX = 16  # an officer carries a handful
_CMS_BASE64_MAX = 96 * 1024  # somewhat over the verifier's own limit, which says "too large"
_PEM_MAX = 512
_NOTE_MAX = 500


def _is_base64(text: str) -> str:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("not base64") from error
    return text


Number = Annotated[str, Field(pattern=r"^[A-Za-z0-9А-Яа-яӘәҒғҚқҢңӨөҰұҮүҺһІі./_-]{1,32}$")]
Note = Annotated[str, Field(max_length=_NOTE_MAX)]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class RegisterBody(_Shape):
    """A device to take on. A camera needs its public key, a terminal its number."""

    kind: DeviceKind
    inventory_number: Number
    serial_number: Annotated[str, Field(pattern=r"^[A-Za-z0-9./_-]{1,64}$")]
    public_key_pem: Annotated[str | None, Field(max_length=_PEM_MAX)] = None
    terminal_number: Annotated[str | None, Field(max_length=8)] = None


class RegisteredAnswer(_Shape):
    """The new device."""

    device_id: UUID


class EnrolledAnswer(_Shape):
    """The credential, shown this once."""

    device_id: UUID
    credential: Annotated[str, Field(repr=False)]


class StatusBody(_Shape):
    """Where the device is to stand from now on: in store, suspended, lost or retired."""

    status: DeviceStatus
    reason: ChangeReason
    note: Note = ""


class StatusAnswer(_Shape):
    """Where the device stands."""

    status: DeviceStatus


class DeviceAnswer(_Shape):
    """A device of the unit, and who has it or is to sign for it."""

    device_id: UUID
    kind: DeviceKind
    inventory_number: str
    serial_number: str
    terminal_number: str | None
    status: DeviceStatus
    assignment_id: UUID | None
    post_id: UUID | None
    issued_at: datetime | None


class DevicesAnswer(_Shape):
    """The devices of the unit by inventory number."""

    devices: tuple[DeviceAnswer, ...]


class OpenShiftBody(_Shape):
    """Whose shift begins: by IIN or by post, one of the two."""

    officer_iin: Annotated[str | None, Field(pattern=r"^[0-9]{12}$", repr=False)] = None
    post_id: UUID | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> "OpenShiftBody":
        if (self.officer_iin is None) == (self.post_id is None):
            raise ValueError("name the officer by IIN or by post")
        return self


class ShiftOpenedAnswer(_Shape):
    """The new shift."""

    shift_id: UUID


class SheetsBody(_Shape):
    """The devices to make out sheets for; all of them or none."""

    device_ids: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=DEVICES_ON_SHEETS_MAX)]


class SheetAnswer(_Shape):
    """A sheet; the officer signs the UTF-8 bytes of ``sheet``, exactly as they are."""

    assignment_id: UUID
    device_id: UUID
    sheet: str
    sheet_sha256: str


class SheetsAnswer(_Shape):
    """The sheets in the order of the devices asked for."""

    sheets: tuple[SheetAnswer, ...]


class SignatureBody(_Shape):
    """The officer's detached CMS signature over the sheet, DER in base64."""

    cms: Annotated[
        str, Field(min_length=1, max_length=_CMS_BASE64_MAX, repr=False), AfterValidator(_is_base64)
    ]

    @property
    def der(self) -> bytes:
        """The signature's bytes."""
        return base64.b64decode(self.cms)


class IssuedAnswer(_Shape):
    """The device is with the officer from this instant."""

    assignment_id: UUID
    issued_at: datetime


class ReturnBody(_Shape):
    """The device comes back; ``good`` puts it in store at once."""

    good: bool = True
    note: Note = ""


class CorrectionBody(_Shape):
    """What is wrong with a line of the journal, and how it should read."""

    entry_id: UUID
    note: Annotated[str, Field(min_length=1, max_length=_NOTE_MAX)]


class CorrectedAnswer(_Shape):
    """The line that corrects."""

    entry_id: UUID


class AssignmentAnswer(_Shape):
    """A device made out to an officer, and what became of it."""

    assignment_id: UUID
    shift_id: UUID
    device_id: UUID
    kind: DeviceKind
    inventory_number: str
    serial_number: str
    sheet: str
    sheet_at: datetime
    issued_at: datetime | None
    docked_at: datetime | None
    uploaded_at: datetime | None
    returned_at: datetime | None
    withdrawn_at: datetime | None
    written_off_at: datetime | None


class LineAnswer(_Shape):
    """A line of the journal; one that others correct is struck out, never gone."""

    entry_id: UUID
    number: int
    kind: JournalEntryKind
    at: datetime
    by_post_id: UUID | None
    by_device_id: UUID | None
    signature_id: UUID | None
    corrects_entry_id: UUID | None
    note: str


class AssignmentJournalAnswer(_Shape):
    """An assignment with its lines of the journal, oldest first."""

    assignment: AssignmentAnswer
    journal: tuple[LineAnswer, ...]


class ShiftAnswer(_Shape):
    """A shift and everything made out to it."""

    shift_id: UUID
    post_id: UUID
    officer_name: str
    officer_badge: str
    opened_at: datetime
    closed_at: datetime | None
    assignments: tuple[AssignmentAnswer, ...] = ()


class ShiftsAnswer(_Shape):
    """The unit's shifts, newest first, without their assignments."""

    shifts: tuple[ShiftAnswer, ...]
