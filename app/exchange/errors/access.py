"""Refusals of access: its requests, decisions, agreement and blocks."""

from app.errors import DomainError, Kind


class AccessStepRefused(DomainError):
    """The life of a user knows no such step from where it stands."""

    kind = Kind.CONFLICT
    code = "exchange.access_step_refused"
    cure = "Look again at how it stands: somebody may have decided meanwhile."

    def __init__(self, *, current: str, target: str) -> None:
        super().__init__(f"{current} -> {target}", current=current, target=target)


class AccessRequestNotFound(DomainError):
    """There is no such request for access, or it is not one for the caller."""

    kind = Kind.NOT_FOUND
    code = "exchange.access_request_not_found"


class AccessPersonNotFound(DomainError):
    """There is no such person, or none that the caller has to do with."""

    kind = Kind.NOT_FOUND
    code = "exchange.access_person_not_found"


class AccessFormIncomplete(DomainError):
    """Fields of the form of appendix 5 are empty or do not fit: returned, the clock not begun."""

    kind = Kind.INVALID
    code = "exchange.access_form_incomplete"
    cure = "Fill the fields named and send the request anew."


class AccessFormNotYours(DomainError):
    """What was signed is not the caller's own form as the server wrote it."""

    kind = Kind.INVALID
    code = "exchange.access_form_changed"
    cure = "Ask for the form again and sign it unchanged."


class AccessAlreadyRequested(DomainError):
    """The person's former request is still undecided."""

    kind = Kind.CONFLICT
    code = "exchange.access_already_requested"
    cure = "Wait for the decision: it is due within 24 hours of receipt."


class DecidesOnHimself(DomainError):
    """Separation of duties: an operator does not decide on his own access."""

    kind = Kind.FORBIDDEN
    code = "exchange.sod_self"
    cure = "Let another operator decide."


class DecidesOnHisOwn(DomainError):
    """Separation of duties: an operator decides on no superior and no subordinate of his."""

    kind = Kind.FORBIDDEN
    code = "exchange.sod_relation"
    cure = "Let another operator decide."


class SameOperatorTwice(DomainError):
    """Separation of duties: access in this role takes two operators."""

    kind = Kind.FORBIDDEN
    code = "exchange.sod_second_operator"
    cure = "Let another operator decide."


class RefusalNotMotivated(DomainError):
    """A refusal without a reason code, a text or a signature is none."""

    kind = Kind.INVALID
    code = "exchange.access_refusal_not_motivated"
    cure = "Give the reason, its text, and sign."


class DecisionNotYours(DomainError):
    """What was signed is not this decision as the server wrote it."""

    kind = Kind.INVALID
    code = "exchange.access_decision_changed"
    cure = "Ask for the decision again and sign it unchanged."


class RightsTooWide(DomainError):
    """The rights are more than were asked for, or than the role may have."""

    kind = Kind.INVALID
    code = "exchange.access_rights_too_wide"
    cure = "Grant services and bases that were asked for and that the role allows."


class BlocksNotHisOwn(DomainError):
    """The person is none that the caller may block; told as if there were no such person."""

    kind = Kind.NOT_FOUND
    code = "exchange.access_person_not_found"


class UnblocksNotHis(DomainError):
    """A block is lifted by an operator who neither set it nor is its subject."""

    kind = Kind.FORBIDDEN
    code = "exchange.sod_unblock"
    cure = "Let another operator lift the block."


class NoAgreement(DomainError):
    """No version of the user agreement is in force."""

    kind = Kind.UNAVAILABLE
    code = "exchange.no_agreement"
    cure = "Tell the administrator that no user agreement is in force."


class AgreementNotCurrent(DomainError):
    """What was signed is not the version in force."""

    kind = Kind.CONFLICT
    code = "exchange.agreement_not_current"
    cure = "Read the version in force and sign that."


class NothingToTransfer(DomainError):
    """The person holds no rights of another post than the one in force."""

    kind = Kind.CONFLICT
    code = "exchange.nothing_to_transfer"
