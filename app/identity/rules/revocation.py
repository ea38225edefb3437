"""Whether an answer about revocation may be believed, and what it says (RFC 6960, RFC 5280).

Two sources: OCSP, and lists with their deltas (``lists``). An answer that cannot be believed is
``AnswerUnusable`` and the next source is asked; one that can be believed and says no is final.

The national authority's answers carry no nextUpdate, so their age decides. For a certificate it
never issued it answers "revoked on 1 January 1970, on hold" (RFC 6960, section 2.2).
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from app.identity import errors
from app.identity.rules.der import DerNotValid, check_der, children
from app.identity.rules.encoding import CertificateParts, object_identifier, parts_of
from app.identity.rules.issuing import NotSignedBy, check_signed_by

FRESH: Final = timedelta(minutes=10)  # the oldest answer that a signature is taken on
SKEW: Final = timedelta(minutes=1)  # the authority's clock may be ahead of ours by this
OCSP_BYTES_MAX: Final = 64 * 1024  # a genuine answer with its responder's certificate is 2 KB
NONCE_BYTES: Final = 16
_RESPONDERS_MAX: Final = 4
_NEVER_ISSUED: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EXTENDED_KEY_USAGE: Final = ExtensionOID.EXTENDED_KEY_USAGE.dotted_string
_NO_CHECK: Final = ExtensionOID.OCSP_NO_CHECK.dotted_string
_OCSP_SIGNING: Final = ExtendedKeyUsageOID.OCSP_SIGNING.dotted_string


class AnswerUnusable(ValueError):
    """The answer proves nothing; the message is a stable word for the log, free of its bytes."""


@dataclass(frozen=True, kw_only=True)
class OcspProof:
    """What a believed answer says: good, at this instant."""

    this_update: datetime
    produced_at: datetime


def issuer_key_sha256(issuer: x509.Certificate) -> bytes:
    """Return what names an issuing authority here: the hash of its key.

    Raises:
        AnswerUnusable: the certificate has another form.
    """
    return hashlib.sha256(_parts(issuer).key_bits).digest()


def ocsp_request(certificate: x509.Certificate, *, issuer: x509.Certificate, nonce: bytes) -> bytes:
    """Return the question about one certificate, DER.

    Raises:
        AnswerUnusable: the issuer's certificate has another form.
    """
    parts = _parts(issuer)
    return (
        ocsp.OCSPRequestBuilder()
        .add_certificate_by_hash(
            hashlib.sha256(parts.subject).digest(),
            hashlib.sha256(parts.key_bits).digest(),
            certificate.serial_number,
            hashes.SHA256(),
        )
        .add_extension(x509.OCSPNonce(nonce), critical=False)
        .build()
        .public_bytes(Encoding.DER)
    )


def check_ocsp(
    answer: bytes,
    *,
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    nonce: bytes | None,
    now: datetime,
) -> OcspProof:
    """Return the proof that ``certificate`` was good when ``answer`` was given.

    ``nonce`` is what was sent with the question, or nothing for an answer kept from before.

    Raises:
        AnswerUnusable: it is no answer to this question, or not by who may give it, or too old.
        CertificateRevoked, CertificateUnknownToAuthority: it can be believed, and says no.
    """
    try:
        return _checked(answer, certificate=certificate, issuer=issuer, nonce=nonce, now=now)
    except (AnswerUnusable, errors.SignatureRefused):
        raise
    except Exception as error:  # whatever a parser trips over proves nothing
        raise AnswerUnusable("not_readable") from error


def _checked(
    answer: bytes,
    *,
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    nonce: bytes | None,
    now: datetime,
) -> OcspProof:
    if len(answer) > OCSP_BYTES_MAX:
        raise AnswerUnusable("too_large")
    check_der(answer)
    read = ocsp.load_der_ocsp_response(answer)
    if read.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        raise AnswerUnusable(f"status_{read.response_status.name.lower()}")
    if len(list(read.responses)) != 1:
        raise AnswerUnusable("not_one_certificate")
    _check_subject(read, certificate=certificate, issuer=issuer)
    _check_signature(read, issuer=issuer, now=now)
    _check_age(read, now=now)
    if nonce is not None:
        _check_nonce(read, nonce=nonce)
    if read.certificate_status is ocsp.OCSPCertStatus.UNKNOWN:
        raise errors.CertificateUnknownToAuthority("the authority does not know the certificate")
    if read.certificate_status is not ocsp.OCSPCertStatus.GOOD:
        if read.revocation_time_utc == _NEVER_ISSUED:
            raise errors.CertificateUnknownToAuthority("the authority never issued the certificate")
        raise errors.CertificateRevoked("the certificate is revoked")
    return OcspProof(this_update=read.this_update_utc, produced_at=read.produced_at_utc)


def _check_subject(
    read: ocsp.OCSPResponse, *, certificate: x509.Certificate, issuer: x509.Certificate
) -> None:
    parts = _parts(issuer)
    if not isinstance(read.hash_algorithm, hashes.SHA1 | hashes.SHA256):
        raise AnswerUnusable("hash_not_allowed")
    digest = read.hash_algorithm.name  # a name of the issuer, not a proof: SHA-1 harms nothing here
    same = (
        read.issuer_name_hash == hashlib.new(digest, parts.subject).digest()
        and read.issuer_key_hash == hashlib.new(digest, parts.key_bits).digest()
        and read.serial_number == certificate.serial_number
    )
    if not same:
        raise AnswerUnusable("about_another_certificate")


def _check_signature(read: ocsp.OCSPResponse, *, issuer: x509.Certificate, now: datetime) -> None:
    for signer in (issuer, *read.certificates[:_RESPONDERS_MAX]):
        if not _is_named(read, signer):
            continue
        if signer != issuer:
            _check_delegated(signer, issuer=issuer, now=now)
        try:
            check_signed_by(
                signer,
                algorithm=read.signature_algorithm_oid.dotted_string,
                signature=read.signature,
                content=read.tbs_response_bytes,
            )
        except NotSignedBy as error:
            raise AnswerUnusable("signature_wrong") from error
        return
    raise AnswerUnusable("responder_not_known")


def _is_named(read: ocsp.OCSPResponse, signer: x509.Certificate) -> bool:
    if read.responder_key_hash is not None:
        # RFC 6960, section 4.2.1: the name of the key, always by SHA-1.
        own = hashlib.sha1(_parts(signer).key_bits).digest()  # noqa: S324 - the same
        return own == read.responder_key_hash
    return read.responder_name == signer.subject


def _check_delegated(
    responder: x509.Certificate, *, issuer: x509.Certificate, now: datetime
) -> None:
    # RFC 6960, section 4.2.2.2: issued by the authority itself, for this, and never to be asked
    # about: who could say that the one who says so is revoked?
    parts = _parts(responder)
    if parts.issuer != _parts(issuer).subject:
        raise AnswerUnusable("responder_of_another_authority")
    if not responder.not_valid_before_utc <= now <= responder.not_valid_after_utc:
        raise AnswerUnusable("responder_expired")
    if _OCSP_SIGNING not in _usages(parts) or _NO_CHECK not in parts.extensions:
        raise AnswerUnusable("responder_not_authorised")
    try:
        check_signed_by(
            issuer,
            algorithm=responder.signature_algorithm_oid.dotted_string,
            signature=responder.signature,
            content=responder.tbs_certificate_bytes,
        )
    except NotSignedBy as error:
        raise AnswerUnusable("responder_not_authorised") from error


def _check_age(read: ocsp.OCSPResponse, *, now: datetime) -> None:
    this, produced, following = read.this_update_utc, read.produced_at_utc, read.next_update_utc
    if this > now + SKEW or produced > now + SKEW:
        raise AnswerUnusable("from_the_future")
    if now - this > FRESH or now - produced > FRESH or (following and following < now):
        raise AnswerUnusable("stale")


def _check_nonce(read: ocsp.OCSPResponse, *, nonce: bytes) -> None:
    try:
        answered = read.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce
    except x509.ExtensionNotFound as error:
        raise AnswerUnusable("nonce_missing") from error
    if answered != nonce:
        raise AnswerUnusable("nonce_of_another_question")


def _usages(parts: CertificateParts) -> set[str]:
    _, value = parts.extensions.get(_EXTENDED_KEY_USAGE, (False, b"\x30\x00"))
    return {object_identifier(one) for one in children(value)}


def _parts(certificate: x509.Certificate) -> CertificateParts:
    try:
        return parts_of(certificate)
    except DerNotValid as error:
        raise AnswerUnusable("certificate_not_readable") from error
