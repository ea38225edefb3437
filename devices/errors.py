"""Refusals of the devices slice."""

from uuid import UUID

from app.errors import DomainError, Kind


class DeviceNotFound(DomainError):
    """No such device, or one of another unit: the two answer alike."""

    kind = Kind.NOT_FOUND
    code = "devices.device_not_found"

    def __init__(self, device_id: UUID) -> None:
        super().__init__(f"no device {device_id}")


class ShiftNotFound(DomainError):
    """No such shift, or not the caller's: the two answer alike."""

    kind = Kind.NOT_FOUND
    code = "devices.shift_not_found"

    def __init__(self, shift_id: UUID) -> None:
        super().__init__(f"no shift {shift_id}")


class AssignmentNotFound(DomainError):
    """No such assignment, or not the caller's: the two answer alike."""

    kind = Kind.NOT_FOUND
    code = "devices.assignment_not_found"

    def __init__(self, assignment_id: UUID) -> None:
        super().__init__(f"no assignment {assignment_id}")


class EntryNotFound(DomainError):
    """The assignment's journal holds no such entry."""

    kind = Kind.NOT_FOUND
    code = "devices.journal_entry_not_found"


class OfficerNotFound(DomainError):
    """The unit has no patrol officer of this IIN or post."""

    kind = Kind.NOT_FOUND
    code = "devices.officer_not_found"
    cure = "Check the IIN, or ask for the officer's post to be recorded."


class InventoryNumberTaken(DomainError):
    """Another device has this inventory number or terminal number."""

    kind = Kind.CONFLICT
    code = "devices.number_taken"
    cure = "Check the number on the device; each is given once."


class PublicKeyNotValid(DomainError):
    """A camera needs an Ed25519 public key in PEM (RFC 8410); other kinds need none."""

    kind = Kind.INVALID
    code = "devices.public_key_not_valid"
    cure = "Read the public key from the camera again."


class TerminalNumberNotValid(DomainError):
    """A terminal needs its number of eight digits (ZVT TID); other kinds have none."""

    kind = Kind.INVALID
    code = "devices.terminal_number_not_valid"
    cure = "Type the eight digits that the terminal shows."


class StepRefused(DomainError):
    """The life cycle of a device lists no such step."""

    kind = Kind.CONFLICT
    code = "devices.step_refused"
    cure = "Look at the device's status; take it back or put it in store first."


class NotIssuable(DomainError):
    """Devices of this kind stand in their place and are issued to nobody."""

    kind = Kind.INVALID
    code = "devices.not_issuable"


class DeviceAlreadyOut(DomainError):
    """The device has an open issue sheet or is with an officer."""

    kind = Kind.CONFLICT
    code = "devices.already_out"
    cure = "Take the device back, or withdraw the sheet that was not signed."

    def __init__(self, device_id: UUID) -> None:
        super().__init__(f"device {device_id} has an open assignment", device_id=str(device_id))


class ShiftOpen(DomainError):
    """The officer already has an open shift."""

    kind = Kind.CONFLICT
    code = "devices.shift_open"
    cure = "Close the open shift first."

    def __init__(self, shift_id: UUID) -> None:
        super().__init__(f"shift {shift_id} is open", shift_id=str(shift_id))


class ShiftClosed(DomainError):
    """The shift has ended; nothing can be issued in it."""

    kind = Kind.CONFLICT
    code = "devices.shift_closed"
    cure = "Open a new shift."


class DevicesOut(DomainError):
    """The shift cannot end while devices are with the officer."""

    kind = Kind.CONFLICT
    code = "devices.devices_out"
    cure = "Take back the devices named, or record them as lost and take the entry to the journal."


class AlreadySigned(DomainError):
    """The sheet is signed: it can be neither signed again nor withdrawn."""

    kind = Kind.CONFLICT
    code = "devices.already_signed"


class NotIssued(DomainError):
    """The sheet is not signed, or the device was taken back before."""

    kind = Kind.CONFLICT
    code = "devices.not_issued"
