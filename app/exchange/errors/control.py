"""Refusals of departmental control."""

from app.errors import DomainError, Kind


class ReportNotFound(DomainError):
    """No such report, or not the caller's to know of: the two answer alike."""

    kind = Kind.NOT_FOUND
    code = "exchange.report_not_found"


class RequestNotInReport(DomainError):
    """The report holds no such request."""

    kind = Kind.NOT_FOUND
    code = "exchange.request_not_in_report"


class ReportReadOnly(DomainError):
    """The caller may read the report and not review it."""

    kind = Kind.FORBIDDEN
    code = "exchange.report_read_only"
    cure = "The review is for the responsible official, or for those it was passed up to."


class OwnRequests(DomainError):
    """Nobody reviews his own requests."""

    kind = Kind.FORBIDDEN
    code = "exchange.own_requests"
    cure = "Your own requests are reviewed by your superior."


class MarkNotValid(DomainError):
    """A doubt without words, or too many words."""

    kind = Kind.INVALID
    code = "exchange.mark_not_valid"
    cure = "Write what is to be clarified or what was violated, in at most 1000 characters."


class MarksMissing(DomainError):
    """Requests that must be spoken of one by one have no mark yet; ``count`` says how many."""

    kind = Kind.CONFLICT
    code = "exchange.marks_missing"
    cure = "Mark every flagged request, every international order and every abandoned draw."


class ReviewStale(DomainError):
    """The report was marked again after the document was shown."""

    kind = Kind.CONFLICT
    code = "exchange.review_stale"
    cure = "Open the document again and sign what it says now."


class ReviewUnchanged(DomainError):
    """The report is signed, and nothing in it has changed since."""

    kind = Kind.CONFLICT
    code = "exchange.review_unchanged"
    cure = "A correction is signed after a mark was changed."


class SubjectDestroyed(DomainError):
    """What was searched is not there to be shown: destroyed, or never readable."""

    kind = Kind.NOT_FOUND
    code = "exchange.subject_destroyed"


class VolumeNotFound(DomainError):
    """The report has fewer volumes."""

    kind = Kind.NOT_FOUND
    code = "exchange.volume_not_found"


class HoldNotFound(DomainError):
    """No such hold of this request."""

    kind = Kind.NOT_FOUND
    code = "exchange.hold_not_found"


class AlreadyReleased(DomainError):
    """The hold was released before."""

    kind = Kind.CONFLICT
    code = "exchange.hold_released"
    cure = "Look at the request again."


class TooManyHolds(DomainError):
    """The request was held more often than a page shows."""

    kind = Kind.CONFLICT
    code = "exchange.too_many_holds"
    cure = "Tell the administrator; the holds that last keep the request all the same."
