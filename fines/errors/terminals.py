"""Refusals about card terminals."""

from app.errors import DomainError, Kind


class TerminalNotFound(DomainError):
    """The unit has no such card terminal."""

    kind = Kind.NOT_FOUND
    code = "fines.terminal_not_found"
    cure = "Choose a card terminal of your own unit."
