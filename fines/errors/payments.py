"""Refusals about payments, terminals, slips and papers."""

from uuid import UUID

from app.errors import DomainError, Kind


class PaymentNotFound(DomainError):
    """No such payment, or one of another officer or department."""

    kind = Kind.NOT_FOUND
    code = "fines.payment_not_found"
    cure = "Open the payment from its offence record."


class OrderNotFound(DomainError):
    """No such order, or one for another terminal."""

    kind = Kind.NOT_FOUND
    code = "fines.order_not_found"
    cure = "Ask for the next order."


class SlipNotFound(DomainError):
    """No such slip of this payment."""

    kind = Kind.NOT_FOUND
    code = "fines.slip_not_found"
    cure = "Open the slip from its payment."


class DiscountEnded(DomainError):
    """The seven days are over: half the fine is no longer owed, but the case (article 811(3))."""

    kind = Kind.CONFLICT
    code = "fines.discount_ended"
    cure = "The case goes by ordinary proceedings; nothing is paid at the roadside."


class AlreadyPaid(DomainError):
    """A payment for this record is done (article 741(1)6 bars any other)."""

    kind = Kind.CONFLICT
    code = "fines.already_paid"
    cure = "Show the slips of the payment that was made."


class PaymentInFlight(DomainError):
    """A payment for this record is under way or not settled yet."""

    kind = Kind.CONFLICT
    code = "fines.payment_in_flight"
    cure = "Wait until the payment under way has ended."


class TerminalNotAssigned(DomainError):
    """The officer has no terminal of his own today."""

    kind = Kind.CONFLICT
    code = "fines.terminal_not_assigned"
    cure = "Have a terminal issued to you by the device keeper."


class TerminalBusy(DomainError):
    """The officer's terminal has a sale under way, or one that is not settled."""

    kind = Kind.CONFLICT
    code = "fines.terminal_busy"
    cure = "Finish or settle the sale on this terminal first."


class TerminalTakesNoTiyn(DomainError):
    """The sum has tiyn, and the caller's terminal takes whole tenge only."""

    kind = Kind.CONFLICT
    code = "fines.terminal_takes_no_tiyn"
    cure = "Use another terminal: this one takes whole tenge only. Nothing was begun."


class IdempotencyKeyReused(DomainError):
    """The key was used by another officer or for another request."""

    kind = Kind.CONFLICT
    code = "fines.idempotency_key_reused"
    cure = "Use a new key for a new request."


class ReportDiffers(DomainError):
    """A report for this order was taken already, and this one says something else."""

    kind = Kind.CONFLICT
    code = "fines.report_differs"
    cure = "Repeat a report only as it was first sent."


class OutcomeContradicts(DomainError):
    """The outcome does not fit what is already proven of this payment."""

    kind = Kind.CONFLICT
    code = "fines.outcome_contradicts"
    cure = "Report the last result the terminal has stored; reconciliation settles the rest."


class CardNumberRefused(DomainError):
    """A field holds what looks like a whole card number: nothing of the message was kept."""

    kind = Kind.INVALID
    code = "fines.card_number_refused"
    cure = "Send masked card numbers only."


class ImageNotValid(DomainError):
    """The photograph of the signed slip is no whole JPEG or PNG picture."""

    kind = Kind.INVALID
    code = "fines.image_not_valid"
    cure = "Photograph the signed slip again."


class FilingNotByYou(DomainError):
    """The officer who took the payment cannot confirm that its signed slip is filed."""

    kind = Kind.FORBIDDEN
    code = "fines.filing_not_by_you"
    cure = "Photograph the signed slip, or let another person of the unit confirm the filing."


class PaperAltered(DomainError):
    """A stored paper no longer has the hash it was filed with."""

    kind = Kind.CONFLICT
    code = "fines.paper_altered"
    cure = "Call the administrator: evidence has changed."


class OutcomeUnknown(DomainError):
    """The terminal fell silent after the sale was sent: the card may have been charged."""

    kind = Kind.CONFLICT
    code = "fines.outcome_unknown"
    cure = "Wait until the terminal has told its last result; do not sell again."

    def __init__(self, payment_id: UUID) -> None:
        super().__init__(f"payment {payment_id} must be settled before a new attempt")
        self.payment_id = payment_id
