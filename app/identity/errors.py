"""Refusals of identity. Each step of checking a signature has a code of its own."""

from app.errors import DomainError, Kind


class SignatureRefused(DomainError):
    """The signature proves nothing; the subclass says at which step it failed."""

    kind = Kind.INVALID
    code = "identity.signature_refused"
    cure = "Sign again with your own valid certificate of NUC RK."


class SignatureTooLarge(SignatureRefused):
    """The message is over 64 KiB."""

    kind = Kind.TOO_LARGE
    code = "identity.signature_too_large"
    cure = "Sign detached: the document itself must not be in the message."


class SignatureNotDer(SignatureRefused):
    """Not one CMS message in strict DER: cut off, trailing bytes, or another encoding."""

    code = "identity.signature_not_der"


class SignatureNotSignedData(SignatureRefused):
    """A CMS message, but no signedData version 1 over plain data."""

    code = "identity.signature_not_signed_data"


class SignatureAttached(SignatureRefused):
    """The message brings its own content, which could differ from what we asked to sign."""

    code = "identity.signature_attached"
    cure = "Sign detached: the document itself must not be in the message."


class SignatureNotOneSigner(SignatureRefused):
    """No signer, or more than one."""

    code = "identity.signature_not_one_signer"


class SignatureCertificateMissing(SignatureRefused):
    """The signer's certificate is not exactly once in the message."""

    code = "identity.signature_certificate_missing"


class SignatureAttributesMissing(SignatureRefused):
    """No signed attributes: such a signature can be moved to other content."""

    code = "identity.signature_attributes_missing"


class SignatureAttributesNotValid(SignatureRefused):
    """A signed attribute is absent, doubled, out of order, or of another content type."""

    code = "identity.signature_attributes_not_valid"


class SignatureContentAmbiguous(SignatureRefused):
    """The content itself reads as signed attributes: the attribute swap."""

    code = "identity.signature_content_ambiguous"


class SignatureAlgorithmNotAllowed(SignatureRefused):
    """A digest or signature algorithm off the list, or a key that is too weak."""

    code = "identity.signature_algorithm_not_allowed"


class SignatureContentChanged(SignatureRefused):
    """The digest is of another content."""

    code = "identity.signature_content_changed"


class SignatureWrong(SignatureRefused):
    """The signature was not made by the certificate's key."""

    code = "identity.signature_wrong"


class CertificateNotReadable(SignatureRefused):
    """The certificate is malformed or its name lacks the parts NUC RK puts there."""

    code = "identity.certificate_not_readable"


class CertificateNotYetValid(SignatureRefused):
    """The certificate's term has not begun."""

    code = "identity.certificate_not_yet_valid"


class CertificateExpired(SignatureRefused):
    """The certificate's term is over."""

    code = "identity.certificate_expired"
    cure = "Get a new certificate from NUC RK and sign with it."


class CertificateNotTrusted(SignatureRefused):
    """No chain of certificates leads to a root of the certification authority we trust."""

    code = "identity.certificate_not_trusted"


class CertificateNotForThis(SignatureRefused):
    """Key usage, extended key usage and policy do not allow this act."""

    code = "identity.certificate_not_for_this"
    cure = "Use the other certificate of your pair: one signs in, the other signs documents."


class CertificateHolderNotAdmitted(SignatureRefused):
    """The certificate is of a kind of holder that signs nothing here."""

    code = "identity.certificate_holder_not_admitted"
    cure = "Use the certificate you have as an employee of your body."


class CertificateOfAnotherPerson(SignatureRefused):
    """The IIN in the certificate is not the account's."""

    code = "identity.certificate_of_another_person"


class CertificateOfAnotherBody(SignatureRefused):
    """The BIN in the certificate is not that of the body the account serves in."""

    code = "identity.certificate_of_another_body"


class CertificateRevoked(SignatureRefused):
    """The authority has revoked the certificate, for good or for a time."""

    code = "identity.certificate_revoked"
    cure = "Get a new certificate from NUC RK and sign with it."


class CertificateUnknownToAuthority(SignatureRefused):
    """The authority says that it never issued this certificate."""

    code = "identity.certificate_unknown"


class RevocationUnknown(DomainError):
    """Nobody who may say whether the certificate was revoked gave an answer we can believe."""

    kind = Kind.UNAVAILABLE
    code = "identity.revocation_unknown"
    cure = "Try again; if it lasts, tell the administrator that NUC RK does not answer."


class TrustMixed(DomainError):
    """The folder of trusted certificates holds some of another environment."""

    kind = Kind.UNAVAILABLE
    code = "identity.trust_mixed"
    cure = "Tell the administrator that test and production roots are mixed up."


class TrustMissing(DomainError):
    """No root of a certification authority is configured: nobody can be believed."""

    kind = Kind.UNAVAILABLE
    code = "identity.trust_missing"
    cure = "Tell the administrator that the folder of trusted roots is empty or unreadable."


class ChallengeNotFound(DomainError):
    """There is no such challenge."""

    kind = Kind.NOT_FOUND
    code = "identity.challenge_not_found"
    cure = "Begin signing in again."


class ChallengeUsed(DomainError):
    """The challenge was answered before; one answer, good or bad, is all it is for."""

    kind = Kind.CONFLICT
    code = "identity.challenge_used"
    cure = "Begin signing in again."


class ChallengeExpired(DomainError):
    """The challenge was not answered in time."""

    kind = Kind.CONFLICT
    code = "identity.challenge_expired"
    cure = "Begin signing in again."


class ChallengeOfAnotherDevice(DomainError):
    """The challenge was given to another device."""

    kind = Kind.FORBIDDEN
    code = "identity.challenge_of_another_device"
    cure = "Begin signing in again on the device you hold."


class NotOnStaff(DomainError):
    """The signature is good, but its holder is not on the staff list."""

    kind = Kind.FORBIDDEN
    code = "identity.not_on_staff"
    cure = "Ask the personnel service to enter you on the staff list."


class NoPostInForce(DomainError):
    """The person is on the staff list, but holds no post today."""

    kind = Kind.FORBIDDEN
    code = "identity.no_post_in_force"
    cure = "Ask the personnel service about the dates of your post."


class SignsInNowhere(DomainError):
    """A person of a court: courts call by their own system (Order 151, item 24)."""

    kind = Kind.FORBIDDEN
    code = "identity.signs_in_nowhere"
    cure = "Ask through the courts' system."


class DeviceOfAnotherBody(DomainError):
    """The device belongs to another department than the person."""

    kind = Kind.FORBIDDEN
    code = "identity.device_of_another_body"
    cure = "Use a device of your own department."


class PersonBlocked(DomainError):
    """The signature is good, but its holder is blocked: no session is opened for him."""

    kind = Kind.FORBIDDEN
    code = "identity.person_blocked"
    cure = "Ask the exchange operator why, and whether the block can be lifted."


class AlreadyBlocked(DomainError):
    """A block of the person stands already."""

    kind = Kind.CONFLICT
    code = "identity.already_blocked"


class NotBlocked(DomainError):
    """No block of the person stands."""

    kind = Kind.CONFLICT
    code = "identity.not_blocked"


class PersonNotFound(DomainError):
    """There is no such person on the staff list of your department."""

    kind = Kind.NOT_FOUND
    code = "identity.person_not_found"


class SessionOver(DomainError):
    """The session has ended: by its term, by idleness, or because somebody ended it."""

    kind = Kind.UNAUTHENTICATED
    code = "identity.session_over"
    cure = "Sign in with your electronic signature."


class CrossSite(DomainError):
    """A page of another site tried to act with this browser's session."""

    kind = Kind.FORBIDDEN
    code = "identity.cross_site"
    cure = "Open this service's own page and act there."


class StaffFileNotValid(DomainError):
    """The staff file contradicts itself or what is recorded; nothing was taken from it."""

    kind = Kind.INVALID
    code = "identity.staff_file_not_valid"
    cure = "Correct the entry named and import the file again."
