"""Reading a detached CMS signature (RFC 5652) and checking it against its content.

Only the form that NCALayer makes is accepted; everything else is refused with its own code, and
never guessed at. Whether the certificate may be believed is the neighbor's affair
(``certificates``).
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from asn1crypto import cms as asn1_cms
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from app.identity import errors
from app.identity.rules import gost
from app.identity.rules.der import DerNotValid, check_der, children
from app.identity.rules.encoding import parts_of
from app.identity.rules.issuing import RSA_BITS
from app.identity.rules.streebog import streebog512

CMS_BYTES_MAX: Final = 64 * 1024  # a signature with its chain is about 6 KB
_CERTIFICATES_MAX: Final = 8
_SET_TAG: Final = b"\x31"
_REQUIRED: Final = ("content_type", "message_digest", "signing_time")

# Digest and signature algorithm, by OID, that may stand together in a signer's entry. SHA-1,
# GOST 34.310-2004 and keys of 256 bits stay out.
_SHA256: Final = "2.16.840.1.101.3.4.2.1"
_ALLOWED: Final = frozenset(
    {
        (_SHA256, "1.2.840.113549.1.1.1"),  # rsaEncryption
        (_SHA256, "1.2.840.113549.1.1.11"),  # sha256WithRSAEncryption
        (gost.DIGEST, gost.SIGNATURE),
    }
)


@dataclass(frozen=True, kw_only=True)
class SignedMessage:
    """The parts of a well-formed message; nothing in it is proven yet.

    Attributes:
        certificate: the signer's.
        others: the other certificates the message brought, to build a chain from.
        attributes: the signed attributes as the signature covers them: a DER SET.
        digest_algorithm: the object identifier of the digest, one of the list.
        message_digest: the digest of the content, as the attributes state it.
        signing_time: the instant the signer's machine stated: a claim.
        signature: the signature's bytes.
    """

    certificate: x509.Certificate
    others: tuple[x509.Certificate, ...]
    attributes: bytes
    digest_algorithm: str
    message_digest: bytes
    signing_time: datetime
    signature: bytes


def read_message(cms: bytes) -> SignedMessage:
    """Return the parts of a detached signature.

    Raises:
        SignatureRefused: by its subclass, the step at which the form fails.
    """
    if len(cms) > CMS_BYTES_MAX:
        raise errors.SignatureTooLarge(f"a signature has at most {CMS_BYTES_MAX} bytes")
    try:
        check_der(cms)
        return _read(cms)
    except errors.SignatureRefused:
        raise
    except Exception as error:  # asn1crypto raises whatever happens to it inside
        raise errors.SignatureNotDer("the signature is not a CMS message in DER") from error


def check_content(message: SignedMessage, *, content: bytes) -> None:
    """Check that the message's certificate signed exactly ``content``.

    Raises:
        SignatureContentAmbiguous, SignatureContentChanged, SignatureWrong,
        SignatureAlgorithmNotAllowed: it did not, or it cannot be told.
    """
    if _reads_as_attributes(content):
        raise errors.SignatureContentAmbiguous("the content reads as signed attributes")
    if message.digest_algorithm == gost.DIGEST:
        _check_gost(message, content=content)
    else:
        _check_rsa(message, content=content)


def _check_rsa(message: SignedMessage, *, content: bytes) -> None:
    try:
        key = message.certificate.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise errors.SignatureAlgorithmNotAllowed("the key is of no kind we check") from error
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size not in RSA_BITS:
        raise errors.SignatureAlgorithmNotAllowed("the key is not RSA of 2048 bits or more")
    if not hmac.compare_digest(hashlib.sha256(content).digest(), message.message_digest):
        raise errors.SignatureContentChanged("the signature is over another content")
    try:
        key.verify(message.signature, message.attributes, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature as error:
        raise errors.SignatureWrong("the certificate's key did not sign this") from error


def _check_gost(message: SignedMessage, *, content: bytes) -> None:
    try:
        key = gost.key_from_spki(parts_of(message.certificate).spki)
    except (DerNotValid, gost.KeyNotValid) as error:
        raise errors.SignatureAlgorithmNotAllowed("the key is not of GOST-2015") from error
    if not hmac.compare_digest(streebog512(content), message.message_digest):
        raise errors.SignatureContentChanged("the signature is over another content")
    if not gost.verify(key, signature=message.signature, content=message.attributes):
        raise errors.SignatureWrong("the certificate's key did not sign this")


def _read(cms: bytes) -> SignedMessage:
    outer = asn1_cms.ContentInfo.load(cms, strict=True)
    if outer["content_type"].native != "signed_data":
        raise errors.SignatureNotSignedData("not a signedData message")
    signed_data = outer["content"]
    inner = signed_data["encap_content_info"]
    if signed_data["version"].native != "v1" or inner["content_type"].native != "data":
        raise errors.SignatureNotSignedData("not version 1 over plain data")
    if inner["content"].native is not None:
        raise errors.SignatureAttached("the message brings its own content")
    if len(signed_data["signer_infos"]) != 1:
        raise errors.SignatureNotOneSigner("the message has not exactly one signer")
    signer = signed_data["signer_infos"][0]
    if signer["version"].native != "v1":  # RFC 5652: the version of one named by his issuer
        raise errors.SignatureNotSignedData("the signer's entry is not of version 1")
    _check_algorithms(signer)
    certificate, others = _certificates(signed_data["certificates"], signer["sid"])
    attributes = _attributes(signer)
    values = _values(attributes, signer["signed_attrs"])
    return SignedMessage(
        certificate=certificate,
        others=others,
        attributes=attributes,
        digest_algorithm=signer["digest_algorithm"]["algorithm"].dotted,
        message_digest=values["message_digest"],
        signing_time=values["signing_time"],
        signature=signer["signature"].native,
    )


def _check_algorithms(signer: Any) -> None:
    pair = (
        signer["digest_algorithm"]["algorithm"].dotted,
        signer["signature_algorithm"]["algorithm"].dotted,
    )
    if pair not in _ALLOWED:
        raise errors.SignatureAlgorithmNotAllowed(
            "only RSA with SHA-256 and GOST-2015 are accepted", digest=pair[0], signature=pair[1]
        )


def _certificates(
    choices: Any, signer_id: Any
) -> tuple[x509.Certificate, tuple[x509.Certificate, ...]]:
    if signer_id.name != "issuer_and_serial_number" or not 1 <= len(choices) <= _CERTIFICATES_MAX:
        raise errors.SignatureCertificateMissing("the signer's certificate is not in the message")
    wanted = signer_id.chosen
    issuer, serial = wanted["issuer"].dump(), wanted["serial_number"].native
    ours: list[bytes] = []
    others: list[bytes] = []
    for choice in choices:
        if choice.name != "certificate":
            raise errors.SignatureCertificateMissing("a certificate of an old form")
        found = choice.chosen
        is_ours = found.issuer.dump() == issuer and found.serial_number == serial
        (ours if is_ours else others).append(found.dump())
    if len(ours) != 1:
        raise errors.SignatureCertificateMissing("the signer's certificate is not there once")
    try:
        loaded = [x509.load_der_x509_certificate(der) for der in ours + others]
    except (ValueError, x509.InvalidVersion) as error:
        raise errors.CertificateNotReadable("a certificate is malformed") from error
    return loaded[0], tuple(loaded[1:])


def _attributes(signer: Any) -> bytes:
    if signer["signed_attrs"].native is None or not len(signer["signed_attrs"]):
        raise errors.SignatureAttributesMissing("the signature has no signed attributes")
    # The signature covers a SET OF; in the message the same bytes carry the tag [0].
    return _SET_TAG + bytes(signer["signed_attrs"].dump()[1:])


def _values(attributes: bytes, parsed: Any) -> dict[str, Any]:
    encodings = children(attributes)
    if encodings != sorted(encodings):
        raise errors.SignatureAttributesNotValid("the signed attributes are not in DER's order")
    values: dict[str, Any] = {}
    for attribute in parsed:
        name = attribute["type"].native
        if name in values or len(attribute["values"]) != 1:
            raise errors.SignatureAttributesNotValid("a signed attribute stands twice")
        values[name] = attribute["values"][0].native if name in _REQUIRED else None
    if not all(values.get(name) for name in _REQUIRED) or values["content_type"] != "data":
        raise errors.SignatureAttributesNotValid("a signed attribute is absent or of another type")
    return values


def _reads_as_attributes(content: bytes) -> bool:
    # The swap: a signature over attributes, shown as one over content that is those attributes.
    if not content.startswith(_SET_TAG):
        return False
    try:
        check_der(content)
        parsed = asn1_cms.CMSAttributes.load(content, strict=True)
        return all(attribute["type"].native is not None for attribute in parsed)
    except (DerNotValid, ValueError, TypeError, KeyError):
        return False
