"""Refusals of coverage, retention and hold."""

from app.errors import DomainError, Kind


class LedgerNotFound(DomainError):
    """No ledger of such an assignment, or it is another unit's."""

    kind = Kind.NOT_FOUND
    code = "bodycam.ledger_not_found"


class CaseNotFound(DomainError):
    """No such case of a gap, or it is another unit's."""

    kind = Kind.NOT_FOUND
    code = "bodycam.case_not_found"


class PauseNotFound(DomainError):
    """No such pause, or it is another unit's."""

    kind = Kind.NOT_FOUND
    code = "bodycam.pause_not_found"


class PauseNotValid(DomainError):
    """The pause ends before it begins, is too long, or lies in another one."""

    kind = Kind.INVALID
    code = "bodycam.pause_not_valid"
    cure = "Name an end after now, within the longest pause, and no pause in a pause."


class PauseOver(DomainError):
    """The pause has ended."""

    kind = Kind.CONFLICT
    code = "bodycam.pause_over"


class AnotherPersonNeeded(DomainError):
    """The same person may not do both of two acts that check each other."""

    kind = Kind.CONFLICT
    code = "bodycam.another_person_needed"
    cure = "Ask another person of the unit who may do this."


class HoldNotFound(DomainError):
    """No such hold, or it is another unit's."""

    kind = Kind.NOT_FOUND
    code = "bodycam.hold_not_found"


class HoldReleased(DomainError):
    """The hold was released before."""

    kind = Kind.CONFLICT
    code = "bodycam.hold_released"


class ChangeNotFound(DomainError):
    """No such change of category, or it is another unit's."""

    kind = Kind.NOT_FOUND
    code = "bodycam.change_not_found"


class ChangeApplied(DomainError):
    """The change of category is done, or the category is another by now."""

    kind = Kind.CONFLICT
    code = "bodycam.change_applied"
    cure = "Look at the recording again, and propose anew what is still wanted."


class ChangeNotNeeded(DomainError):
    """The recording has that category already."""

    kind = Kind.CONFLICT
    code = "bodycam.change_not_needed"


class TwoSignaturesNeeded(DomainError):
    """The change makes the term shorter: two people must sign it."""

    kind = Kind.CONFLICT
    code = "bodycam.two_signatures_needed"
    cure = "Propose the change, sign it, and have another person sign it too."


class DestructionBegun(DomainError):
    """The recording's bytes are being destroyed: there is no way back."""

    kind = Kind.CONFLICT
    code = "bodycam.destruction_begun"


class KeepNotValid(DomainError):
    """The day until which the recording shall be kept is past or too far away."""

    kind = Kind.INVALID
    code = "bodycam.keep_not_valid"
    cure = "Name a day after today, at most a year away; for longer, change the category."
