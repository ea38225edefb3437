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


class NotTheSuperior(DomainError):
    """Only a superior of the author corrects a record, and never the author himself."""

    kind = Kind.NOT_FOUND
    code = "fines.not_the_superior"
    cure = "Ask a superior of the author to enter the correction."


class HandOnRefused(DomainError):
    """The case cannot take this step of ordinary proceedings now; ``reason`` says why."""

    kind = Kind.CONFLICT
    code = "fines.proceedings_refused"
    cure = "Read the case again and act on its present state."
