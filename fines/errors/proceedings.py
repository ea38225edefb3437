"""Refusals about old fines, ordinary proceedings and what is written after a record."""

from app.errors import DomainError, Kind


class FineNotPayable(DomainError):
    """A decided fine that may not be paid at a terminal now; ``reason`` says why."""

    kind = Kind.CONFLICT
    code = "fines.not_payable"
    cure = "Tell the person where the fine is paid; `reason` says why not here."


class FineNotKnown(DomainError):
    """The check names no such unpaid fine of this person."""

    kind = Kind.NOT_FOUND
    code = "fines.fine_not_known"
    cure = "Choose a fine from the list of the check."


class CheckTooOld(DomainError):
    """The check is too old to tell what is still owed."""

    kind = Kind.CONFLICT
    code = "fines.check_too_old"
    cure = "Check the person anew, then pay."


class RecordDamaged(DomainError):
    """What is sealed in a record cannot be opened: it was altered, moved, or the key is another."""

    kind = Kind.CONFLICT
    code = "fines.record_damaged"
    cure = "Call the administrator: evidence has changed, or the vault key is not this server's."


class RightsNotExplained(DomainError):
    """A record is not drawn up before rights are explained (article 803(3))."""

    kind = Kind.INVALID
    code = "fines.rights_not_explained"
    cure = "Explain the rights and duties, then mark it."


class DeviceNotVerified(DomainError):
    """A measuring device was outside its term of verification on the day of the offence."""

    kind = Kind.INVALID
    code = "fines.device_not_verified"
    cure = "Enter the term of verification; a reading outside it is no evidence."


class RepeatFound(DomainError):
    """The same act again within the year: the qualified ``part`` applies."""

    kind = Kind.CONFLICT
    code = "fines.repeat_found"
    cure = "Draw the record up by the part named in `part`."


class RepeatNotFound(DomainError):
    """A qualified part of repeat, and neither we nor the register know of an earlier penalty."""

    kind = Kind.CONFLICT
    code = "fines.repeat_not_found"
    cure = "Name the earlier decision in `earlier_decision`, or choose the plain part."


class SelfCorrection(DomainError):
    """Nobody corrects what he entered himself."""

    kind = Kind.FORBIDDEN
    code = "fines.self_correction"
    cure = "Ask a superior to enter the correction."


class StepOfCaseRefused(DomainError):
    """The case cannot take this step of ordinary proceedings now; ``reason`` says why."""

    kind = Kind.CONFLICT
    code = "fines.proceedings_refused"
    cure = "Read the case again and act on its present state."
