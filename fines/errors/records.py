"""Refusals about the catalogue, offence records and reduced proceedings."""

from app.errors import DomainError, Kind


class OffenceRecordNotFound(DomainError):
    """No such offence record, or one of another officer or department."""

    kind = Kind.NOT_FOUND
    code = "fines.offence_record_not_found"
    cure = "Open the record from the list of your shift."


class ReceiptNotIssued(DomainError):
    """The record has no receipt: reduced proceedings were not agreed."""

    kind = Kind.NOT_FOUND
    code = "fines.receipt_not_issued"
    cure = "Explain the reduced proceedings and record the agreement first."


class CatalogueNotValid(DomainError):
    """A catalogue file is not well formed; the message names the file and the line."""

    kind = Kind.INVALID
    code = "fines.catalogue_not_valid"
    cure = "Correct the line named in fines/catalogue."


class ArticleNotInForce(DomainError):
    """The catalogue has no such article and part on the day of the offence."""

    kind = Kind.INVALID
    code = "fines.article_not_in_force"
    cure = "Choose the article from the catalogue of that day."


class MrpNotKnown(DomainError):
    """No monthly calculation index is entered for the moment the case is started."""

    kind = Kind.UNAVAILABLE
    code = "fines.mrp_not_known"
    cure = "Ask the administrator to enter the index in force."


class AmountNotSingle(DomainError):
    """The sanction holds no fine, so no sum follows from it."""

    kind = Kind.INVALID
    code = "fines.no_fine_in_sanction"
    cure = "Say in `acted_as` as what he acted, if `named` lists it; else send it to who decides."


class SubjectNotInSanction(DomainError):
    """The sanction has no fine of its own for what the person acted as; ``named`` lists whose."""

    kind = Kind.INVALID
    code = "fines.subject_not_in_sanction"
    cure = "Leave `acted_as` out if he answers as a natural person, or choose one of `named`."


class AdmissionNotStated(DomainError):
    """A warning is given without a record only to a person who admits (article 807)."""

    kind = Kind.INVALID
    code = "fines.admission_not_stated"
    cure = (
        "Ask whether he admits the offence, and say so in `admits`; if not, a record is drawn up."
    )


class WarningRequired(DomainError):
    """The article allows a warning and no aggravating circumstance is named (article 43(2))."""

    kind = Kind.CONFLICT
    code = "fines.warning_required"
    cure = "Give a warning, or name the aggravating circumstance of article 57."


class WarningNotAllowed(DomainError):
    """The sanction of this article holds no warning."""

    kind = Kind.CONFLICT
    code = "fines.warning_not_allowed"
    cure = "Draw the record up with a fine."


class OffenceInFuture(DomainError):
    """The offence is said to happen after the record, or longer ago than the law allows."""

    kind = Kind.INVALID
    code = "fines.occurred_at_not_possible"
    cure = "Correct the time of the offence; liability ends two months after it (article 62)."


class CheckLacksPerson(DomainError):
    """The roadside check found nobody, so the offender is not established (article 810(1))."""

    kind = Kind.CONFLICT
    code = "fines.offender_not_established"
    cure = "Repeat the check until the person register answers."


class NotEligibleForReduced(DomainError):
    """Reduced proceedings do not apply; ``reason`` says why (article 810(2))."""

    kind = Kind.CONFLICT
    code = "fines.reduced_not_eligible"
    cure = "Send the case by ordinary proceedings."


class ReducedNotAgreed(DomainError):
    """The person does not admit, does not agree to pay, or contests (article 810(1))."""

    kind = Kind.CONFLICT
    code = "fines.reduced_not_agreed"
    cure = "Send the case by ordinary proceedings."


class ActsNotReported(DomainError):
    """Acts that come before the agreement were not reported; ``missing`` names them."""

    kind = Kind.CONFLICT
    code = "fines.acts_not_reported"
    cure = "Announce the offence and explain the grounds and rights, then report each act."


class ReducedTermEnded(DomainError):
    """The term to agree is over; ``ended_at`` says since when."""

    kind = Kind.CONFLICT
    code = "fines.reduced_term_ended"
    cure = "The record goes by ordinary proceedings; tell the person, and hand the case on."


class RecordNotShown(DomainError):
    """The paper of the record was not drawn yet, so nobody can have signed it."""

    kind = Kind.CONFLICT
    code = "fines.record_not_shown"
    cure = "Fetch the record as PDF and show it; then enter the signature or its refusal."


class SignaturesExhausted(DomainError):
    """As many entries about the signature stand behind this record as may be."""

    kind = Kind.CONFLICT
    code = "fines.signatures_exhausted"
    cure = "Ask a superior to enter a correction."


class TransitionRefused(DomainError):
    """The life cycle lists no such step."""

    kind = Kind.CONFLICT
    code = "fines.transition_refused"
    cure = "Read the object again and act on its present state."
