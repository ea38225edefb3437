"""Refusals of the exchange. None of them says whether a person or a vehicle exists."""

from uuid import UUID

from app.errors import DomainError, Kind


class MrzNotValid(DomainError):
    """The machine-readable zone cannot be trusted; the message never repeats it.

    The fields name the ``line`` (1 to 3, or 0 for the whole), the ``field`` in it and the
    ``fault``: ``line_count``, ``line_length``, ``character``, ``document_code``, ``issuer``,
    ``check_digit``, ``date``, ``sex``, ``names``, ``no_iin`` or ``birth_dates_differ``.
    """

    kind = Kind.INVALID
    code = "exchange.mrz_not_valid"
    cure = "Read the back of the identity card again, or type the IIN."

    def __init__(self, *, fault: str, line: int, field: str) -> None:
        super().__init__(
            f"machine-readable zone, line {line}: {field}: {fault}",
            fault=fault,
            line=line,
            field=field,
        )
        self.fault = fault
        self.line = line
        self.field = field


class PlateNotValid(DomainError):
    """The text is not a number plate of Kazakhstan; ``fault``: length, character or pattern."""

    kind = Kind.INVALID
    code = "exchange.plate_not_valid"
    cure = "Type the plate as it stands on the vehicle; leave it out for a foreign vehicle."

    def __init__(self, *, fault: str) -> None:
        super().__init__("this is not a number plate of Kazakhstan", fault=fault)
        self.fault = fault


class GateRefused(DomainError):
    """A gate refused the request; one subclass per gate, the base is never raised.

    The fields carry ``refusal`` (stable), ``item`` of the Rules, ``rule_set``, ``check_id`` and
    the reason in Kazakh, Russian and English.
    """

    kind = Kind.FORBIDDEN
    code = "exchange.refused"


class SessionRefused(GateRefused):
    """Gate AUTH: no session by electronic signature, or one that is no longer good."""

    kind = Kind.UNAUTHENTICATED
    code = "exchange.session_refused"
    cure = "Sign in again with your electronic signature."


class DeviceRefused(GateRefused):
    """Gate DEVICE: the device may not ask for this officer."""

    code = "exchange.device_refused"
    cure = "Use the tablet that the device keeper has issued to you."


class UserRefused(GateRefused):
    """Gate USER: the officer holds no post in force."""

    code = "exchange.user_refused"
    cure = "Ask the exchange operator to renew your access."


class AgreementRefused(GateRefused):
    """Gate AGREEMENT: the agreement in force is not signed."""

    code = "exchange.agreement_refused"
    cure = "Sign the user agreement and ask again."


class RoleRefused(GateRefused):
    """Gate ROLE: the role has no right to one of the services."""

    code = "exchange.role_refused"
    cure = "Ask the exchange operator for the right to the service."


class BasisRefused(GateRefused):
    """Gate LIST: the basis does not open one of the services."""

    code = "exchange.basis_refused"
    cure = "Ask under a basis that opens the service."


class ArticleRefused(GateRefused):
    """Gate ARTICLE: the service asks for an article of the list, and the case has another."""

    code = "exchange.article_refused"
    cure = "Name the article of the case, or leave the service out."


class FieldsRefused(GateRefused):
    """Gate FIELDS: a mandatory field is absent or malformed, or a forbidden one is present."""

    kind = Kind.INVALID
    code = "exchange.fields_refused"
    cure = "Fill in the field named and send the request again."


class SanctionRefused(GateRefused):
    """Gate SANCTION: no court sanction in force covers the request."""

    code = "exchange.sanction_refused"
    cure = "Ask under a sanction of the court that is in force for this person and case."


class ReconRefused(GateRefused):
    """Gate RECON: the register of cases, or a second person, does not confirm the basis."""

    code = "exchange.recon_refused"
    cure = "Check the number of the case and that it is in your work."


class LimitRefused(GateRefused):
    """Gate LIMIT: more requests than the officer may make."""

    kind = Kind.CONFLICT
    code = "exchange.limit_refused"
    cure = "Wait, or ask the responsible official."


class SampleRefused(GateRefused):
    """Gate SAMPLE: the draw fell on this request and its justification is not there."""

    kind = Kind.CONFLICT
    code = "exchange.sample_refused"
    cure = "Write the extended justification."


class CheckNotFound(DomainError):
    """No such check, or not the caller's: the two answer alike."""

    kind = Kind.NOT_FOUND
    code = "exchange.check_not_found"

    def __init__(self, check_id: UUID) -> None:
        super().__init__(f"no check {check_id}")


class CheckNotReleased(DomainError):
    """The answer was withheld or is not recorded yet: nothing of it may be shown."""

    kind = Kind.CONFLICT
    code = "exchange.check_not_released"
    cure = "Make the check again."

    def __init__(self, check_id: UUID) -> None:
        super().__init__(f"the answer of check {check_id} was not released")


class RequestNotFound(DomainError):
    """No such request, or not the caller's to see: the two answer alike."""

    kind = Kind.NOT_FOUND
    code = "exchange.request_not_found"

    def __init__(self, request_id: UUID) -> None:
        super().__init__(f"no request {request_id}")


class RequestNotReleased(DomainError):
    """Nothing of the answer may be shown: refused, withheld, waiting, expired or destroyed."""

    kind = Kind.CONFLICT
    code = "exchange.request_not_released"
    cure = "Look at the status of the request."

    def __init__(self, request_id: UUID, *, status: str) -> None:
        super().__init__(f"the answer of request {request_id} is not there to show", status=status)


class RequestNotWaiting(DomainError):
    """The request does not wait for that, or no longer."""

    kind = Kind.CONFLICT
    code = "exchange.request_not_waiting"
    cure = "Look at the status of the request."

    def __init__(self, request_id: UUID, *, status: str) -> None:
        super().__init__(f"request {request_id} does not wait for this", status=status)


class AnswerWithheld(DomainError):
    """The right to the answer was lost while the registers were asked; nobody ever sees it."""

    kind = Kind.FORBIDDEN
    code = "exchange.answer_withheld"
    cure = "Sign in again; if you are blocked, ask the responsible official."

    def __init__(self, request_id: UUID, *, reason: str) -> None:
        super().__init__(f"the answer of request {request_id} is withheld", reason=reason)


class NotTheSecondPerson(DomainError):
    """Who confirms an order is another person, in the role, and no subordinate of who asks."""

    kind = Kind.FORBIDDEN
    code = "exchange.not_the_second_person"
    cure = "Another investigator who does not report to the one who asks must confirm."


class OrderDocumentMissing(DomainError):
    """No document is attached to the order, or its term is over; nobody confirms one without."""

    kind = Kind.CONFLICT
    code = "exchange.order_document_missing"
    cure = "Whoever asks must attach the document of the order as a PDF."


class OrderDocumentNotValid(DomainError):
    """What was to be attached is no whole PDF; ``fault`` says why. Nothing was kept of it."""

    kind = Kind.INVALID
    code = "exchange.order_document_not_valid"
    cure = "Scan the document as a PDF again and attach it once more."


class OrderDocumentLimit(DomainError):
    """The document of one order was replaced too often; the last one stays."""

    kind = Kind.CONFLICT
    code = "exchange.order_document_limit"
    cure = "Make a new request with the right document."


class ExportLimitReached(DomainError):
    """More answers were taken out in a day than one person may."""

    kind = Kind.CONFLICT
    code = "exchange.export_limit"
    cure = "Wait, or ask the responsible official."


class SanctionNotFound(DomainError):
    """No such sanction, or not the caller's: the two answer alike."""

    kind = Kind.NOT_FOUND
    code = "exchange.sanction_not_found"

    def __init__(self, sanction_id: UUID) -> None:
        super().__init__(f"no sanction {sanction_id}")


class SanctionNotValid(DomainError):
    """A sanction cannot be drawn up, or a court's answer grants nothing; ``fault`` says why."""

    kind = Kind.INVALID
    code = "exchange.sanction_not_valid"
    cure = "Correct the field named and send it again."

    def __init__(self, fault: str) -> None:
        super().__init__("the sanction is not valid", fault=fault)
        self.fault = fault


class StepRefused(DomainError):
    """The life cycle of a register request lists no such step."""

    kind = Kind.CONFLICT
    code = "exchange.step_refused"


class AnswerDamaged(DomainError):
    """A stored answer cannot be opened: altered, or sealed under another key."""

    kind = Kind.UNAVAILABLE
    code = "exchange.answer_damaged"
    cure = "Make the check again and tell the administrator."
