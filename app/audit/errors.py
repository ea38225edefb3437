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


class TileNotFound(DomainError):
    """No tile has this path in the newest checkpoint's tree."""

    kind = Kind.NOT_FOUND
    code = "audit.tile_not_found"
    cure = "Ask for a tile of a checkpoint that you hold."


class EarlierNotCovered(DomainError):
    """The newest checkpoint covers fewer leaves than the earlier one is said to."""

    kind = Kind.NOT_FOUND
    code = "audit.earlier_not_covered"
    cure = "Name the size of a checkpoint of this log; one that is larger proves a fork."


class AnchorOverdue(AuditSilent):
    """No time-stamp for longer than an outage may last: nothing is released until there is one."""

    code = "audit.anchor_overdue"
    cure = "Tell the administrator that the time-stamping authority has been silent for hours."


class MonthClosed(DomainError):
    """The month has its closing record: no further number belongs to it."""

    kind = Kind.CONFLICT
    code = "audit.month_closed"
    cure = "Repeat the request: it belongs to the month that has begun."


class StampNotValid(DomainError):
    """A time-stamp is not one that proves anything; the code says which check it failed."""

    kind = Kind.UNAVAILABLE
    code = "audit.stamp_not_valid"
    cure = "Report this to the administrator."
