"""Refusals about refunds, settlement and reconciliation."""

from app.errors import DomainError, Kind


class RefundNotFound(DomainError):
    """No such refund, or one of a payment of another unit."""

    kind = Kind.NOT_FOUND
    code = "fines.refund_not_found"
    cure = "Open the refund from the list of the finance page."


class RefundNotByYou(DomainError):
    """The officer who took the payment, or who asked, cannot decide on the refund too."""

    kind = Kind.FORBIDDEN
    code = "fines.refund_not_by_you"
    cure = "Let another finance clerk do this step."


class RefundStepRefused(DomainError):
    """The life of a refund lists no such step."""

    kind = Kind.CONFLICT
    code = "fines.refund_step_refused"
    cure = "Look at the refund: it was decided already."


class RefundTooLarge(DomainError):
    """More than what is left of the payment."""

    kind = Kind.CONFLICT
    code = "fines.refund_too_large"
    cure = "Ask for at most what was paid and not given back yet."


class RefundLimitOfClerk(DomainError):
    """With what he has approved today, it is more than one clerk may approve in a day."""

    kind = Kind.CONFLICT
    code = "fines.refund_limit_of_clerk"
    cure = (
        "Let another clerk of the unit decide, or decide tomorrow; "
        "ask for a sum above a whole day's limit in parts."
    )


class RefundLimitOfUnit(DomainError):
    """With what the unit has approved today, it is more than a unit may approve in a day."""

    kind = Kind.CONFLICT
    code = "fines.refund_limit_of_unit"
    cure = "Decide tomorrow; ask for a sum above a whole day's limit in parts."


class NotRefundable(DomainError):
    """The payment was never completed: there is nothing to give back."""

    kind = Kind.CONFLICT
    code = "fines.not_refundable"
    cure = "Only a payment that the terminal has kept can be given back."


class SettlementFileNotValid(DomainError):
    """The file is not whole or a line is not as agreed: nothing of it was kept."""

    kind = Kind.INVALID
    code = "fines.settlement_file_not_valid"
    cure = "Fetch the file again; tell the sender the line that is named."


class CaseNotFound(DomainError):
    """No such case of reconciliation in the caller's unit."""

    kind = Kind.NOT_FOUND
    code = "fines.case_not_found"
    cure = "Open the case from the finance page."


class CaseStepRefused(DomainError):
    """A case is explained first and closed then, by somebody else."""

    kind = Kind.CONFLICT
    code = "fines.case_step_refused"
    cure = "Explain the case first; let another person close it."


class HandInNotAllowed(DomainError):
    """The terminal's totals do not match our rows yet: it cannot be handed in."""

    kind = Kind.CONFLICT
    code = "fines.terminal_not_matched"
    cure = "Close the terminal's day and settle what is open; or let the superior override."


class OwnHandIn(DomainError):
    """Who holds a terminal cannot let himself hand it in unmatched."""

    kind = Kind.FORBIDDEN
    code = "fines.own_hand_in"
    cure = "Let another superior decide."


class NoticeNotFound(DomainError):
    """No such notice to the register in the caller's unit."""

    kind = Kind.NOT_FOUND
    code = "fines.notice_not_found"
    cure = "Send it again from the finance page."


class NoticeStepRefused(DomainError):
    """The register was told already, or is still being told."""

    kind = Kind.CONFLICT
    code = "fines.notice_step_refused"
    cure = "Only a notice that was given up can be sent again."
