"""Lists of revoked certificates and their deltas (RFC 5280, section 5 and 6.3)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from app.identity import errors
from app.identity.rules.der import check_der
from app.identity.rules.issuing import NotSignedBy, check_signed_by
from app.identity.rules.revocation import SKEW, AnswerUnusable


@dataclass(frozen=True, kw_only=True)
class RevocationList:
    """A list whose signature and term hold.

    Attributes:
        issuer: the authority whose certificates it is about.
        number: grows with every list of this authority.
        base_number: of a delta, the least number of the list it completes; of a list, nothing.
        this_update: when it was made.
        next_update: when it is over.
        entries: the list as parsed.
    """

    issuer: x509.Certificate
    number: int
    base_number: int | None
    this_update: datetime
    next_update: datetime
    entries: x509.CertificateRevocationList


def read_list(
    content: bytes, *, issuers: Iterable[x509.Certificate], now: datetime
) -> RevocationList:
    """Return the list of one of ``issuers``, checked; DER only.

    Raises:
        AnswerUnusable: it is not one, not theirs, not in force, or of a form that is not used.
    """
    try:
        check_der(content)
        return _read(x509.load_der_x509_crl(content), issuers=issuers, now=now)
    except AnswerUnusable:
        raise
    except Exception as error:  # whatever a parser trips over proves nothing
        raise AnswerUnusable("not_readable") from error


def check_lists(
    certificate: x509.Certificate, *, base: RevocationList, delta: RevocationList | None
) -> None:
    """Check that neither list names the certificate; the delta has the last word.

    Raises:
        AnswerUnusable: the delta completes another list.
        CertificateRevoked: it is named.
    """
    serial = certificate.serial_number
    if delta is not None:
        if delta.base_number is None or delta.base_number > base.number:
            raise AnswerUnusable("delta_of_another_list")
        entry = delta.entries.get_revoked_certificate_by_serial_number(serial)
        if entry is not None and delta.number >= base.number:
            if _reason(entry) is x509.ReasonFlags.remove_from_crl:
                return
            raise errors.CertificateRevoked("the certificate is revoked")
    if base.entries.get_revoked_certificate_by_serial_number(serial) is not None:
        raise errors.CertificateRevoked("the certificate is revoked")


def _read(
    read: x509.CertificateRevocationList,
    *,
    issuers: Iterable[x509.Certificate],
    now: datetime,
) -> RevocationList:
    issuer = _issuer(read, issuers)
    if read.next_update_utc is None or read.next_update_utc < now:
        raise AnswerUnusable("stale")
    if read.last_update_utc > now + SKEW:
        raise AnswerUnusable("from_the_future")
    number, base_number = None, None
    for extension in read.extensions:
        if isinstance(extension.value, x509.CRLNumber):
            number = extension.value.crl_number
        elif isinstance(extension.value, x509.DeltaCRLIndicator):
            base_number = extension.value.crl_number
        elif extension.critical:  # a scope narrower than all of the authority's certificates
            raise AnswerUnusable("scope_not_known")
    if number is None:
        raise AnswerUnusable("number_missing")
    return RevocationList(
        issuer=issuer,
        number=number,
        base_number=base_number,
        this_update=read.last_update_utc,
        next_update=read.next_update_utc,
        entries=read,
    )


def _issuer(
    read: x509.CertificateRevocationList, issuers: Iterable[x509.Certificate]
) -> x509.Certificate:
    for issuer in issuers:
        if issuer.subject != read.issuer:
            continue
        usage = issuer.extensions.get_extension_for_class(x509.KeyUsage).value
        if not usage.crl_sign:
            raise AnswerUnusable("issuer_signs_no_lists")
        try:
            check_signed_by(
                issuer,
                algorithm=read.signature_algorithm_oid.dotted_string,
                signature=read.signature,
                content=read.tbs_certlist_bytes,
            )
        except NotSignedBy as error:
            raise AnswerUnusable("signature_wrong") from error
        return issuer
    raise AnswerUnusable("of_another_authority")


def _reason(entry: x509.RevokedCertificate) -> x509.ReasonFlags | None:
    try:
        return entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
    except x509.ExtensionNotFound:
        return None
