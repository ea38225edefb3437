"""Refusals of the audit log."""

from app.errors import DomainError, Kind


class AuditSilent(DomainError):
    """The event has no leaf in time: nothing may be released on its account."""

    kind = Kind.UNAVAILABLE
    code = "audit.silent"
    cure = "Repeat the request; if it happens again, tell the administrator that the log stands."


class EventNotWritable(DomainError):
    """A program of ours wants to log what a leaf cannot or must not hold: a fault of ours."""

    kind = Kind.INVALID
    code = "audit.event_not_writable"
    cure = "Report this to the administrator."


class LogEmpty(DomainError):
    """The log has no leaf yet, hence no checkpoint."""

    kind = Kind.NOT_FOUND
    code = "audit.log_empty"
    cure = "Ask again when the first event has been written."


class LeafNotFound(DomainError):
    """The newest checkpoint covers no leaf of this index."""

    kind = Kind.NOT_FOUND
    code = "audit.leaf_not_found"
    cure = "Name an index below the size of the newest checkpoint."
