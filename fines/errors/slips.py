"""Refusals about reprinting slips."""

from app.errors import DomainError, Kind


class SlipNotPrinted(DomainError):
    """The original is still wanted on paper: there is nothing to duplicate yet."""

    kind = Kind.CONFLICT
    code = "fines.slip_not_printed"
    cure = "Put paper into the printer: the slip comes out by itself."


class DuplicatesExhausted(DomainError):
    """As many duplicates of this slip were ordered as may be."""

    kind = Kind.CONFLICT
    code = "fines.duplicates_exhausted"
    cure = "Show the slip as PDF from its payment."
