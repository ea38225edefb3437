"""What a certificate of NUC RK says of its holder, what it is for, and whether to believe it.

Layout read from genuine certificates of the national certification authority (НУЦ РК): the
subject carries ``serialNumber=IIN`` and twelve digits, an employee's also ``OU=BIN`` and twelve;
given name holds the patronymic. Purpose is a table over key usage, extended key usage and
policy, as no single bit tells it.

Whether it was revoked is the neighbor's affair (``revocation``): that needs the network's answers.
"""

import enum
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.x509 import verification
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from app.identity import errors
from app.identity.rules import gost
from app.identity.rules.der import DerNotValid
from app.identity.rules.encoding import parts_of
from app.identity.rules.gost_chain import NoChain, build_chain
from app.iin import IinNotValid, parse_iin

_DIGITS: Final = 12
_CHAIN_DEPTH_MAX: Final = 2  # holder, issuing authority, at most one between it and the root

# Kinds of holder, 1.2.398.3.3.4.1.2.*: head, right to sign, HR, employee of a legal entity. A
# natural person's certificate (…4.1.1) names no body; one with the right to sign financial papers
# (….3) and those of information systems (….6) have no business here.
_HOLDERS: Final = frozenset(f"1.2.398.3.3.4.1.2.{kind}" for kind in (1, 2, 4, 5))
# Certificates of the treasury's and the notaries' systems, which their rules keep to themselves.
_FOREIGN: Final = frozenset({"1.2.398.5.19.1.2.2.1", "1.2.398.6.1.1.1.1"})


# Extensions that may be critical in a holder's certificate: each is looked at, or cannot hurt.
_CRITICAL: Final = frozenset(
    {
        "2.5.29.14", "2.5.29.15", "2.5.29.19", "2.5.29.31", "2.5.29.32", "2.5.29.35", "2.5.29.37",
    }
)  # fmt: skip
_NOT_PRODUCTION: Final = re.compile(r"\b(TEST|SIMULATION)\b", re.IGNORECASE)


class Environment(enum.Enum):
    """Whose certificates a server believes; never those of both."""

    PRODUCTION = "production"
    TEST = "test"  # the national authority's test environment, or the simulated authority


class Purpose(enum.Enum):
    """What a signature is given for."""

    SIGN_IN = "sign_in"
    DOCUMENT = "document"


@dataclass(frozen=True, kw_only=True)
class _Layout:
    bits: frozenset[str]
    usage: str
    policies: frozenset[str]
    purposes: frozenset[Purpose]


_E_MAIL: Final = ExtendedKeyUsageOID.EMAIL_PROTECTION.dotted_string
_CLIENT: Final = ExtendedKeyUsageOID.CLIENT_AUTH.dotted_string
_LAYOUTS: Final = (
    _Layout(  # the signing half of a pair
        bits=frozenset({"digital_signature", "content_commitment"}),
        usage=_E_MAIL,
        policies=frozenset({"1.2.398.3.3.2.1", "1.2.398.3.3.2.3"}),
        purposes=frozenset({Purpose.DOCUMENT}),
    ),
    _Layout(  # the half that signs in
        bits=frozenset({"digital_signature", "key_encipherment"}),
        usage=_CLIENT,
        policies=frozenset({"1.2.398.3.3.2.2", "1.2.398.3.3.2.4"}),
        purposes=frozenset({Purpose.SIGN_IN}),
    ),
    _Layout(  # one certificate for both, issued since 2022
        bits=frozenset({"digital_signature", "content_commitment", "key_encipherment"}),
        usage=_E_MAIL,
        policies=frozenset({"1.2.398.3.3.2"}),
        purposes=frozenset({Purpose.SIGN_IN, Purpose.DOCUMENT}),
    ),
)
_BITS: Final = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
    "key_agreement", "key_cert_sign", "crl_sign",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Trust:
    """The pinned certificates of one environment; production and test roots never together."""

    roots: tuple[x509.Certificate, ...]
    intermediates: tuple[x509.Certificate, ...] = ()


@dataclass(frozen=True, kw_only=True, repr=False)
class Holder:
    """Whom a certificate names. Has no ``repr`` with content: it is personal data."""

    iin: str
    bin: str


def trust_from_pem(texts: Iterable[bytes], *, environment: Environment) -> Trust:
    """Return the trust in the certificates of these PEM texts; self-issued ones are the roots.

    Authorities of test environments say so in their names; a folder that holds one of them beside
    a real one, or is of the other environment, is believed in nothing.

    Raises:
        TrustMissing: a text is unreadable, or there is no root.
        TrustMixed: a certificate belongs to the other environment.
    """
    try:
        found = [one for text in texts for one in x509.load_pem_x509_certificates(text)]
    except ValueError as error:
        raise errors.TrustMissing("a trusted certificate is unreadable") from error
    roots = tuple(one for one in found if one.subject == one.issuer)
    if not roots:
        raise errors.TrustMissing("no trusted root is configured")
    for one in found:
        is_test = bool(_NOT_PRODUCTION.search(one.subject.rfc4514_string()))
        if is_test is not (environment is Environment.TEST):
            raise errors.TrustMixed(
                f"a trusted certificate is not of the {environment.value} environment",
                serial=f"{one.serial_number:x}",
            )
    return Trust(
        roots=roots, intermediates=tuple(one for one in found if one.subject != one.issuer)
    )


def check_chain(
    certificate: x509.Certificate,
    *,
    others: Iterable[x509.Certificate],
    trust: Trust,
    now: datetime,
) -> tuple[x509.Certificate, ...]:
    """Return the chain of ``certificate`` to a pinned root at ``now`` (RFC 5280), both included.

    Raises:
        CertificateNotYetValid, CertificateExpired, CertificateNotTrusted,
        CertificateNotReadable: it does not hold.
    """
    try:
        begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        extensions = parts_of(certificate).extensions
    except (ValueError, DerNotValid) as error:
        raise errors.CertificateNotReadable("the certificate is malformed") from error
    if now < begins:
        raise errors.CertificateNotYetValid("the certificate's term has not begun")
    if now > ends:
        raise errors.CertificateExpired("the certificate's term is over")
    if any(critical and name not in _CRITICAL for name, (critical, _) in extensions.items()):
        raise errors.CertificateNotTrusted("a critical extension that is unknown here")
    candidates = [*others, *trust.intermediates]
    try:
        if certificate.signature_algorithm_oid.dotted_string == gost.SIGNATURE:
            return build_chain(certificate, others=candidates, roots=trust.roots, now=now)
        return _rsa_chain(certificate, others=candidates, trust=trust, now=now)
    except (NoChain, verification.VerificationError, ValueError) as error:
        raise errors.CertificateNotTrusted("no chain leads to a trusted root") from error


def _rsa_chain(
    certificate: x509.Certificate,
    *,
    others: list[x509.Certificate],
    trust: Trust,
    now: datetime,
) -> tuple[x509.Certificate, ...]:
    verifier = (
        verification.PolicyBuilder()
        .store(verification.Store(list(trust.roots)))
        .time(now)
        .max_chain_depth(_CHAIN_DEPTH_MAX)
        .extension_policies(
            ca_policy=_AUTHORITY, ee_policy=verification.ExtensionPolicy.permit_all()
        )
        .build_client_verifier()
    )
    return tuple(verifier.verify(certificate, others).chain)


def check_purpose(certificate: x509.Certificate, *, purpose: Purpose) -> None:
    """Check by the table of layouts that the certificate may serve ``purpose``.

    Raises:
        CertificateHolderNotAdmitted: a kind of holder that signs nothing here.
        CertificateNotForThis: another layout, or one for another purpose.
        CertificateNotReadable: an extension is absent or malformed.
    """
    bits, usages, policies = _uses(certificate)
    if (usages | policies) & _FOREIGN or not usages & _HOLDERS:
        raise errors.CertificateHolderNotAdmitted("not a certificate of an employee of a body")
    for layout in _LAYOUTS:
        if bits == layout.bits and layout.usage in usages and policies & layout.policies:
            if purpose in layout.purposes:
                return
            break
    raise errors.CertificateNotForThis(f"the certificate is not for {purpose.value}")


def holder_of(certificate: x509.Certificate) -> Holder:
    """Return whom the certificate names.

    Raises:
        CertificateNotReadable: no IIN or BIN in its place, more than one, or an IIN that cannot
            be one.
    """
    iin = _numbered(certificate, NameOID.SERIAL_NUMBER, "IIN")
    bin_ = _numbered(certificate, NameOID.ORGANIZATIONAL_UNIT_NAME, "BIN")
    try:
        parse_iin(iin)
    except IinNotValid as error:
        raise errors.CertificateNotReadable("the certificate's IIN cannot be one") from error
    return Holder(iin=iin, bin=bin_)


def _numbered(certificate: x509.Certificate, name: x509.ObjectIdentifier, prefix: str) -> str:
    try:
        values = [one.value for one in certificate.subject.get_attributes_for_oid(name)]
    except ValueError as error:
        raise errors.CertificateNotReadable("the certificate's name is malformed") from error
    fitting = [one for one in values if isinstance(one, str) and one.startswith(prefix)]
    if len(fitting) != 1:
        raise errors.CertificateNotReadable(f"the certificate does not name one {prefix}")
    digits = fitting[0].removeprefix(prefix)
    if len(digits) != _DIGITS or not (digits.isascii() and digits.isdigit()):
        raise errors.CertificateNotReadable(f"the certificate's {prefix} is not twelve digits")
    return digits


def _uses(certificate: x509.Certificate) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    try:
        extensions = certificate.extensions
        key_usage = extensions.get_extension_for_class(x509.KeyUsage).value
        extended = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        policies = extensions.get_extension_for_class(x509.CertificatePolicies).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError) as error:
        raise errors.CertificateNotReadable(
            "the certificate does not say what it is for"
        ) from error
    return (
        frozenset(bit for bit in _BITS if getattr(key_usage, bit)),
        frozenset(usage.dotted_string for usage in extended),
        frozenset(policy.policy_identifier.dotted_string for policy in policies),
    )


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
