"""The layout of NUC RK's certificates: names, uses, policies, addresses; to be signed by others."""

import enum
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import (
    AuthorityInformationAccessOID,
    ExtendedKeyUsageOID,
    ExtensionOID,
    NameOID,
)

from sim.district import Staff

EMPLOYEE = x509.ObjectIdentifier("1.2.398.3.3.4.1.2.5")
LEGAL_ENTITY = x509.ObjectIdentifier("1.2.398.3.3.4.1.2")
_AUTHORITY_POLICY = x509.ObjectIdentifier("1.2.398.3.3.1.1")
_ROOT_DAYS, _ISSUING_DAYS, PERSON_DAYS = 7300, 3650, 365
_BODIES = {"210940000013": "ПОЛИЦИЯ ДЕПАРТАМЕНТІ (SIMULATION)"}
_OTHER_BODY = "БАСҚА ДЕПАРТАМЕНТ (SIMULATION)"


# What certificates name, as genuine ones do; nobody answers there, a server is told where to ask.
OCSP_URL = "http://ocsp.simulation.invalid/"
LIST_URLS = ("http://crl.simulation.invalid/rsa.crl", "http://crl.simulation.invalid/d_rsa.crl")


class Use(enum.Enum):
    """What a person's certificate is for; NUC names the files of the pair AUTH_RSA and RSA."""

    COMBINED = "combined"
    AUTH = "auth"
    SIGN = "sign"


_LAYOUTS = {
    Use.COMBINED: (
        {"digital_signature", "content_commitment", "key_encipherment"},
        ExtendedKeyUsageOID.EMAIL_PROTECTION,
        x509.ObjectIdentifier("1.2.398.3.3.2"),
    ),
    Use.SIGN: (
        {"digital_signature", "content_commitment"},
        ExtendedKeyUsageOID.EMAIL_PROTECTION,
        x509.ObjectIdentifier("1.2.398.3.3.2.1"),
    ),
    Use.AUTH: (
        {"digital_signature", "key_encipherment"},
        ExtendedKeyUsageOID.CLIENT_AUTH,
        x509.ObjectIdentifier("1.2.398.3.3.2.2"),
    ),
}


def subject_of(staff: Staff) -> x509.Name:
    """Return the name of an employee's certificate; the patronymic stands in GN, as at NUC."""
    parts = [
        (NameOID.COMMON_NAME, f"{staff.surname} {staff.given_name}".upper()),
        (NameOID.SURNAME, staff.surname),
        (NameOID.SERIAL_NUMBER, f"IIN{staff.iin}"),
        (NameOID.COUNTRY_NAME, "KZ"),
        (NameOID.GIVEN_NAME, staff.patronymic.upper()),
        (NameOID.ORGANIZATION_NAME, _BODIES.get(staff.department_bin, _OTHER_BODY)),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, f"BIN{staff.department_bin}"),
    ]
    return x509.Name([x509.NameAttribute(oid, text) for oid, text in parts if text])


def addresses(*, ocsp: str, lists: tuple[str, str]) -> list[x509.ExtensionType]:
    """Return the extensions that say where revocation is asked about: OCSP, list, delta."""

    def point(url: str) -> x509.DistributionPoint:
        return x509.DistributionPoint([x509.UniformResourceIdentifier(url)], None, None, None)

    method = AuthorityInformationAccessOID.OCSP
    access = x509.AccessDescription(method, x509.UniformResourceIdentifier(ocsp))
    return [
        x509.AuthorityInformationAccess([access]),
        x509.CRLDistributionPoints([point(lists[0])]),
        x509.FreshestCRL([point(lists[1])]),
    ]


def person_builder(
    *,
    subject: x509.Name,
    issuer: x509.Name,
    public_key: rsa.RSAPublicKey,
    use: Use,
    user_types: tuple[x509.ObjectIdentifier, ...] = (LEGAL_ENTITY, EMPLOYEE),
    valid_from: datetime | None = None,
    days: int = PERSON_DAYS,
) -> x509.CertificateBuilder:
    """Return a person's certificate, to be signed."""
    bits, usage, policy = _LAYOUTS[use]
    begins = valid_from or _three_days_ago()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=days))
        .add_extension(_key_usage(bits), critical=True)
        .add_extension(x509.ExtendedKeyUsage([usage, *user_types]), critical=False)
        .add_extension(_policies(policy), critical=False)
    )


def responder_builder(
    *, subject: x509.Name, issuer: x509.Name, public_key: rsa.RSAPublicKey
) -> x509.CertificateBuilder:
    """Return an OCSP responder's certificate, to be signed."""
    begins = _three_days_ago()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=PERSON_DAYS))
        .add_extension(_key_usage({"digital_signature"}), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), critical=False)
        .add_extension(x509.UnrecognizedExtension(ExtensionOID.OCSP_NO_CHECK, b""), critical=False)
    )


def authority_builder(
    *, name: x509.Name, issuer: x509.Name, public_key: rsa.RSAPublicKey, root: bool
) -> x509.CertificateBuilder:
    """Return the certificate of a root or of an issuing authority, to be signed."""
    days, below = (_ROOT_DAYS, 1) if root else (_ISSUING_DAYS, 0)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_three_days_ago())
        .not_valid_after(_three_days_ago() + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=True, path_length=below), critical=True)
        .add_extension(_key_usage({"key_cert_sign", "crl_sign"}), critical=True)
        .add_extension(_policies(_AUTHORITY_POLICY), critical=False)
    )


def named(common_name: str) -> x509.Name:
    """Return the name of an authority or of its service."""
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "KZ"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _key_usage(bits: set[str]) -> x509.KeyUsage:
    names = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
        "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{name: name in bits for name in names})


def _policies(policy: x509.ObjectIdentifier) -> x509.CertificatePolicies:
    return x509.CertificatePolicies([x509.PolicyInformation(policy, None)])


def _three_days_ago() -> datetime:
    return datetime.now(UTC).replace(microsecond=0) - timedelta(days=3)
