"""A certification authority that issues what NUC RK issues, for demonstration and tests.

    authority = Authority.create(Path("var/sim/authority"))
    cms = authority.sign(OFFICER, b"the sheet")            # detached CMS, DER
    # the server's setting trust_roots_dir points to authority.roots_dir

Root → issuing authority → persons, RSA with SHA-256, in the layout of the genuine national
authority: subject ``CN=SURNAME NAME, SN, serialNumber=IIN…, C=KZ, GN=PATRONYMIC, O, OU=BIN…``, the
user type in the extended key usage, NUC's policies. Of each person there is the one certificate
for everything that NUC issues since 2022, and the older pair: one to sign in, one to sign
documents. Names say SIMULATION, so that nobody takes them for real. Keys are made once, when
first asked for, and kept in the folder without a password: they open nothing outside this machine.
"""

import enum
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sim.district import Staff

EMPLOYEE = x509.ObjectIdentifier("1.2.398.3.3.4.1.2.5")
_LEGAL_ENTITY = x509.ObjectIdentifier("1.2.398.3.3.4.1.2")
_AUTHORITY_POLICY = x509.ObjectIdentifier("1.2.398.3.3.1.1")
_ROOT_DAYS, _ISSUING_DAYS, _PERSON_DAYS = 7300, 3650, 365
_BODIES = {"210940000013": "ПОЛИЦИЯ ДЕПАРТАМЕНТІ (SIMULATION)"}
_OTHER_BODY = "БАСҚА ДЕПАРТАМЕНТ (SIMULATION)"


class Use(enum.Enum):
    """What a person's certificate is for; NUC names the files of the pair AUTH_RSA and RSA."""

    COMBINED = "combined"
    AUTH = "auth"
    SIGN = "sign"


@dataclass(frozen=True, kw_only=True)
class Key:
    """A private key with its certificate and the authority's own."""

    certificate: x509.Certificate
    private_key: rsa.RSAPrivateKey = field(repr=False)
    issuer: x509.Certificate

    @property
    def usages(self) -> frozenset[str]:
        """The extended key usages, as a signing client filters by them."""
        extension = self.certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
        return frozenset(usage.dotted_string for usage in extension.value)

    @property
    def iin(self) -> str:
        """The holder's IIN."""
        return _subject_text(self.certificate, NameOID.SERIAL_NUMBER).removeprefix("IIN")

    @property
    def bin(self) -> str:
        """The BIN of the holder's body."""
        return _subject_text(self.certificate, NameOID.ORGANIZATIONAL_UNIT_NAME).removeprefix("BIN")


@dataclass(frozen=True, kw_only=True)
class Pair:
    """The older pair: a key to sign in with and a key to sign documents with."""

    auth: Key
    sign: Key


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


class Authority:
    """The authority in a folder: ``roots/`` to trust, ``private/``, ``people/<IIN>/``."""

    def __init__(self, folder: Path, root: x509.Certificate, issuing: Key) -> None:
        self.folder = folder
        self.root = root
        self.issuing = issuing

    @classmethod
    def create(cls, folder: Path, *, authority_key_bits: int = 4096) -> Self:
        """Return the authority of ``folder``, making what is not there yet."""
        root_key = _key_in(folder / "private" / "root.key.pem", bits=authority_key_bits)
        issuing_key = _key_in(folder / "private" / "issuing.key.pem", bits=authority_key_bits)
        root_name = _name("НКО (RSA) SIMULATION")
        issuing_name = _name("ҰКО 3.0 (RSA SIMULATION)")
        root = _certificate_in(
            folder / "roots" / "root.pem",
            lambda: _authority(root_name, root_key, root_name, root_key, days=_ROOT_DAYS, below=1),
        )
        issuing = _certificate_in(
            folder / "roots" / "issuing.pem",
            lambda: _authority(
                issuing_name, issuing_key, root_name, root_key, days=_ISSUING_DAYS, below=0
            ),
        )
        return cls(folder, root, Key(certificate=issuing, private_key=issuing_key, issuer=root))

    @property
    def roots_dir(self) -> Path:
        """The folder of PEM files for the server's setting ``trust_roots_dir``."""
        return self.folder / "roots"

    def certificate_for(self, staff: Staff) -> Pair:
        """Return the person's pair of keys with their certificates."""
        return Pair(auth=self.key_for(staff, Use.AUTH), sign=self.key_for(staff, Use.SIGN))

    def key_for(self, staff: Staff, use: Use = Use.COMBINED) -> Key:
        """Return the person's key and certificate, issued the first time and when it expired."""
        folder = self.folder / "people" / staff.iin
        private_key = _key_in(folder / f"{use.value}.key.pem")
        path = folder / f"{use.value}.cer.pem"
        if path.exists() and _load(path).not_valid_after_utc < datetime.now(UTC):
            path.unlink()
        certificate = _certificate_in(
            path,
            lambda: self.issue(
                subject=subject_of(staff), public_key=private_key.public_key(), use=use
            ),
        )
        return Key(
            certificate=certificate, private_key=private_key, issuer=self.issuing.certificate
        )

    def sign(self, staff: Staff, content: bytes, use: Use = Use.COMBINED) -> bytes:
        """Return the person's detached CMS signature of ``content``, DER."""
        return self.sign_cms_detached(self.key_for(staff, use), content)

    def issue(
        self,
        *,
        subject: x509.Name,
        public_key: rsa.RSAPublicKey,
        use: Use,
        user_types: tuple[x509.ObjectIdentifier, ...] = (_LEGAL_ENTITY, EMPLOYEE),
        valid_from: datetime | None = None,
        days: int = _PERSON_DAYS,
    ) -> x509.Certificate:
        """Issue a certificate of a person's layout."""
        bits, usage, policy = _LAYOUTS[use]
        begins = valid_from or _three_days_ago()
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.issuing.certificate.subject)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(begins + timedelta(days=days))
            .add_extension(_key_usage(bits), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage, *user_types]), critical=False)
            .add_extension(_policies(policy), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(
                    self.issuing.private_key.public_key()
                ),
                critical=False,
            )
            .sign(self.issuing.private_key, hashes.SHA256())
        )

    @staticmethod
    def sign_cms_detached(key: Key, content: bytes) -> bytes:
        """Return the detached CMS signature, DER, that NCALayer would make with this key."""
        return (
            pkcs7.PKCS7SignatureBuilder()
            .set_data(content)
            .add_signer(key.certificate, key.private_key, hashes.SHA256())
            .add_certificate(key.issuer)
            .sign(
                serialization.Encoding.DER,
                [
                    pkcs7.PKCS7Options.DetachedSignature,
                    pkcs7.PKCS7Options.Binary,
                    pkcs7.PKCS7Options.NoCapabilities,
                ],
            )
        )


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


def _authority(
    name: x509.Name,
    key: rsa.RSAPrivateKey,
    issuer_name: x509.Name,
    issuer_key: rsa.RSAPrivateKey,
    *,
    days: int,
    below: int,
) -> x509.Certificate:
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer_name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_three_days_ago())
        .not_valid_after(_three_days_ago() + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=True, path_length=below), critical=True)
        .add_extension(_key_usage({"key_cert_sign", "crl_sign"}), critical=True)
        .add_extension(_policies(_AUTHORITY_POLICY), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
        .sign(issuer_key, hashes.SHA256())
    )


def _name(common_name: str) -> x509.Name:
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


def _subject_text(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> str:
    return str(certificate.subject.get_attributes_for_oid(oid)[0].value)


def _key_in(path: Path, *, bits: int = 2048) -> rsa.RSAPrivateKey:
    if not path.exists():
        made = rsa.generate_private_key(65537, bits)
        _write(
            path,
            made.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ),
        )
        return made
    loaded = serialization.load_pem_private_key(path.read_bytes(), None)
    if not isinstance(loaded, rsa.RSAPrivateKey):
        raise TypeError(f"{path.name} is not an RSA key")
    return loaded


def _certificate_in(path: Path, make: Callable[[], x509.Certificate]) -> x509.Certificate:
    if not path.exists():
        _write(path, make().public_bytes(serialization.Encoding.PEM))
    return _load(path)


def _load(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def _write(path: Path, content: bytes) -> None:
    # By rename: two programs that start at once never read half a file.
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.{os.getpid()}")
    half.write_bytes(content)
    half.chmod(0o600)
    half.replace(path)
