"""Asking for a time-stamp, and checking strictly what comes back (RFC 3161, RFC 5816).

The profile is that of the national authority's time-stamping service (NUC RK, policies
1.2.398.3.3.2.6.*) with RSA; a token signed with GOST is refused by its algorithm. Anything that
is not exactly as expected is refused: a stamp is evidence or it is nothing.
"""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NoReturn

from asn1crypto import algos, cms, core, tsp
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509 import verification
from cryptography.x509.oid import ExtendedKeyUsageOID

from app.audit.errors import StampNotValid

POLICIES: Final = "1.2.398.3.3.2.6."  # NUC RK's time-stamp policies begin so
RESPONSE_BYTES_MAX: Final = 32 * 1024  # a token with its chain has about 5 KB
NONCE_BITS: Final = 63
_DRIFT_MAX: Final = timedelta(minutes=5)  # between the authority's clock and ours
_RSA_BITS: Final = range(2048, 8193)
_CHAIN_DEPTH_MAX: Final = 2
_REQUIRED: Final = frozenset({"content_type", "message_digest"})
_DIGESTS: Final[dict[str, hashes.HashAlgorithm]] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


@dataclass(frozen=True, kw_only=True)
class StampTrust:
    """The pinned certificates under which a time-stamping authority is believed."""

    roots: tuple[x509.Certificate, ...]
    intermediates: tuple[x509.Certificate, ...] = ()


def stamp_trust(pems: Iterable[bytes]) -> StampTrust:
    """Return the trust in the certificates of PEM texts; self-issued ones are the roots.

    Raises:
        ValueError: a text is unreadable, or there is no root.
    """
    found = [one for pem in pems for one in x509.load_pem_x509_certificates(pem)]
    roots = tuple(one for one in found if one.subject == one.issuer)
    if not roots:
        raise ValueError("no trusted root for time-stamps")
    return StampTrust(
        roots=roots, intermediates=tuple(one for one in found if one.subject != one.issuer)
    )


def stamp_query(content: bytes, *, nonce: int) -> bytes:
    """Return the TimeStampReq, DER, for the SHA-256 of ``content``; it asks for certificates."""
    imprint = {
        "hash_algorithm": algos.DigestAlgorithm({"algorithm": "sha256"}),
        "hashed_message": hashlib.sha256(content).digest(),
    }
    query = tsp.TimeStampReq(
        {"version": "v1", "message_imprint": imprint, "nonce": nonce, "cert_req": True}
    )
    encoded: bytes = query.dump()
    return encoded


def check_stamp(
    response: bytes, *, content: bytes, nonce: int | None, trust: StampTrust, now: datetime | None
) -> datetime:
    """Return the instant at which the authority saw ``content``.

    Args:
        response: the TimeStampResp, DER.
        content: what was stamped.
        nonce: what the query said; ``None`` when an old stamp is checked again.
        trust: the pinned certificates.
        now: our clock, for a fresh stamp; ``None`` when an old one is checked again.

    Raises:
        StampNotValid: by its message, the step that failed.
    """
    if len(response) > RESPONSE_BYTES_MAX:
        _refuse("too large")
    try:
        info, signer, certificates, signed = _read(response)
        stamped_at = _check_info(info, content=content, nonce=nonce)
        certificate = _check_signer(signer, certificates, signed)
        _check_certificate(certificate, certificates, trust=trust, at=stamped_at)
    except StampNotValid:
        raise
    except Exception as error:  # asn1crypto raises whatever happens to it inside
        raise StampNotValid("the response is not a time-stamp in DER") from error
    if now is not None and abs(stamped_at - now) > _DRIFT_MAX:
        _refuse("the authority's clock and ours differ")
    return stamped_at


def _refuse(reason: str) -> NoReturn:
    raise StampNotValid(f"time-stamp refused: {reason}")


def _read(response: bytes) -> tuple[Any, Any, list[x509.Certificate], bytes]:
    parsed = tsp.TimeStampResp.load(response, strict=True)
    if parsed["status"]["status"].native != "granted":
        _refuse("the authority did not grant it")
    token = parsed["time_stamp_token"]
    if token["content_type"].native != "signed_data":
        _refuse("not signed data")
    data = token["content"]
    if data["encap_content_info"]["content_type"].native != "tst_info":
        _refuse("not a time-stamp")
    if len(data["signer_infos"]) != 1:
        _refuse("not exactly one signer")
    # What no signature covers has one form only, so that nothing can be said there unnoticed.
    signer = data["signer_infos"][0]
    named = [one["algorithm"].native for one in data["digest_algorithms"]]
    if data["version"].native != "v3" or named != [signer["digest_algorithm"]["algorithm"].native]:
        _refuse("another version or digest")
    certificates = [
        x509.load_der_x509_certificate(one.chosen.dump()) for one in data["certificates"]
    ]
    content = data["encap_content_info"]["content"]
    info = tsp.TSTInfo.load(content.parsed.dump(), strict=True)
    if parsed.dump(force=True) != response:  # one form only: nothing hides in another encoding
        _refuse("not in DER")
    return info, signer, certificates, content.parsed.dump()


def _check_info(info: Any, *, content: bytes, nonce: int | None) -> datetime:
    imprint = info["message_imprint"]
    if info["version"].native != "v1" or imprint["hash_algorithm"]["algorithm"].native != "sha256":
        _refuse("another version or digest")
    expected = hashlib.sha256(content).digest()
    if not hmac.compare_digest(imprint["hashed_message"].native, expected):
        _refuse("it is about something else")
    if not str(info["policy"].dotted).startswith(POLICIES):
        _refuse("under another policy")
    if nonce is not None and info["nonce"].native != nonce:
        _refuse("it answers another query")
    if isinstance(info["extensions"], core.Void) is False and any(
        one["critical"].native for one in info["extensions"]
    ):
        _refuse("with an extension that must be understood")
    stamped_at: datetime = info["gen_time"].native
    return stamped_at


def _check_signer(
    signer: Any, certificates: list[x509.Certificate], signed: bytes
) -> x509.Certificate:
    digest = _DIGESTS.get(signer["digest_algorithm"]["algorithm"].native)
    algorithm = signer["signature_algorithm"]
    if digest is None or algorithm.signature_algo != "rsassa_pkcs1v15":
        _refuse("an algorithm that is not admitted")
    named = algorithm["algorithm"].native
    if named != "rsassa_pkcs1v15" and algorithm.hash_algo != digest.name:
        _refuse("two digests at once")
    attributes: dict[str, Any] = {}
    for one in signer["signed_attrs"]:
        name = one["type"].native
        if name in attributes or len(one["values"]) != 1:
            _refuse("a signed attribute stands twice")
        attributes[name] = one["values"][0]
    if not attributes.keys() >= _REQUIRED or attributes["content_type"].native != "tst_info":
        _refuse("a signed attribute is missing")
    if attributes["message_digest"].native != _digest(digest, signed):
        _refuse("the content was changed")
    certificate = _named(attributes, certificates)
    if not _issued_as(signer["sid"], certificate):
        _refuse("the signer is another one")
    key = certificate.public_key()
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size not in _RSA_BITS:
        _refuse("a key that is not admitted")
    covered = cms.CMSAttributes.load(b"\x31" + signer["signed_attrs"].dump()[1:]).dump()
    try:
        key.verify(signer["signature"].native, covered, padding.PKCS1v15(), digest)
    except InvalidSignature as error:
        raise StampNotValid("time-stamp refused: the signature does not fit") from error
    return certificate


def _digest(algorithm: hashes.HashAlgorithm, content: bytes) -> bytes:
    made = hashes.Hash(algorithm)
    made.update(content)
    return made.finalize()


def _named(attributes: dict[str, Any], certificates: list[x509.Certificate]) -> x509.Certificate:
    """Return the certificate that the signature itself names (RFC 5816), never another."""
    if "signing_certificate_v2" in attributes:
        first = attributes["signing_certificate_v2"]["certs"][0]
        name = first["hash_algorithm"]["algorithm"].native
    elif "signing_certificate" in attributes:
        first, name = attributes["signing_certificate"]["certs"][0], "sha1"
    else:
        _refuse("it does not name its certificate")
    algorithm = hashes.SHA1() if name == "sha1" else _DIGESTS.get(name)  # noqa: S303 - RFC 2634
    if algorithm is None:
        _refuse("an algorithm that is not admitted")
    for one in certificates:
        if hmac.compare_digest(one.fingerprint(algorithm), first["cert_hash"].native):
            return one
    _refuse("its certificate is not with it")


def _issued_as(sid: Any, certificate: x509.Certificate) -> bool:
    if sid.name == "issuer_and_serial_number":
        return bool(
            sid.chosen["serial_number"].native == certificate.serial_number
            and sid.chosen["issuer"].dump() == certificate.issuer.public_bytes()
        )
    extension = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    return bool(sid.chosen.native == extension.value.digest)


def _check_certificate(
    certificate: x509.Certificate,
    others: list[x509.Certificate],
    *,
    trust: StampTrust,
    at: datetime,
) -> None:
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    if not usage.critical or list(usage.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        _refuse("its certificate is not for time-stamps alone")
    verifier = (
        verification.PolicyBuilder()
        .store(verification.Store(list(trust.roots)))
        .time(at)
        .max_chain_depth(_CHAIN_DEPTH_MAX)
        .extension_policies(
            ca_policy=_AUTHORITY, ee_policy=verification.ExtensionPolicy.permit_all()
        )
        .build_client_verifier()
    )
    rest = [one for one in others if one != certificate]
    try:
        chain = verifier.verify(certificate, [*rest, *trust.intermediates]).chain
    except verification.VerificationError as error:
        raise StampNotValid("time-stamp refused: no chain to a trusted root") from error
    # No signature of the token covers the certificates that come with it: each must be of use.
    if any(one not in chain for one in rest):
        _refuse("a certificate comes with it that is none of its chain")


def _is_authority(
    _policy: verification.Policy, _certificate: x509.Certificate, value: x509.BasicConstraints
) -> None:
    if not value.ca:
        raise ValueError("not an authority")


def _signs_certificates(
    _policy: verification.Policy, _certificate: x509.Certificate, value: x509.KeyUsage
) -> None:
    if not value.key_cert_sign:
        raise ValueError("not a key that signs certificates")


_AUTHORITY: Final = (
    verification.ExtensionPolicy.permit_all()
    .require_present(x509.BasicConstraints, verification.Criticality.AGNOSTIC, _is_authority)
    .require_present(x509.KeyUsage, verification.Criticality.AGNOSTIC, _signs_certificates)
)
