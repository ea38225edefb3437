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

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID

from sim.district import Staff
from sim.layouts import (
    EMPLOYEE,
    LEGAL_ENTITY,
    LIST_URLS,
    OCSP_URL,
    PERSON_DAYS,
    Use,
    addresses,
    authority_builder,
    named,
    person_builder,
    responder_builder,
    subject_of,
)

__all__ = ["Authority", "Key", "Pair", "Use", "stored", "subject_of"]


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


class Authority:
    """The authority in a folder: ``roots/`` to trust, ``private/``, ``people/<IIN>/``."""

    def __init__(self, folder: Path, root: Key, issuing: Key) -> None:
        self.folder = folder
        self.root = root.certificate
        self.root_key = root.private_key
        self.issuing = issuing
        self.issued: set[int] = set()

    list_urls = LIST_URLS

    @classmethod
    def create(cls, folder: Path, *, authority_key_bits: int = 4096) -> Self:
        """Return the authority of ``folder``, making what is not there yet."""
        root_key = _key_in(folder / "private" / "root.key.pem", bits=authority_key_bits)
        issuing_key = _key_in(folder / "private" / "issuing.key.pem", bits=authority_key_bits)
        root_name = named("НКО (RSA) SIMULATION")
        issuing_name = named("ҰКО 3.0 (RSA SIMULATION)")
        root = stored(
            folder / "roots" / "root.pem",
            lambda: _authority(root_name, root_key, root_name, root_key, root=True),
        )
        issuing = stored(
            folder / "roots" / "issuing.pem",
            lambda: _authority(issuing_name, issuing_key, root_name, root_key, root=False),
        )
        return cls(
            folder,
            Key(certificate=root, private_key=root_key, issuer=root),
            Key(certificate=issuing, private_key=issuing_key, issuer=root),
        )

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
        certificate = stored(
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
        user_types: tuple[x509.ObjectIdentifier, ...] = (LEGAL_ENTITY, EMPLOYEE),
        valid_from: datetime | None = None,
        days: int = PERSON_DAYS,
        ocsp_url: str = OCSP_URL,
    ) -> x509.Certificate:
        """Issue a certificate of a person's layout."""
        builder = person_builder(
            subject=subject,
            issuer=self.issuing.certificate.subject,
            public_key=public_key,
            use=use,
            user_types=user_types,
            valid_from=valid_from,
            days=days,
        ).add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(
                self.issuing.private_key.public_key()
            ),
            critical=False,
        )
        for extension in addresses(ocsp=ocsp_url, lists=self.list_urls):
            builder = builder.add_extension(extension, critical=False)
        certificate = builder.sign(self.issuing.private_key, hashes.SHA256())
        self.issued.add(certificate.serial_number)
        return certificate

    def knows(self, serial: int) -> bool:
        """Tell whether a certificate with this serial number was issued here."""
        if serial not in self.issued:
            files = self.folder.glob("people/*/*.cer.pem")
            self.issued |= {_load(file).serial_number for file in files}
        return serial in self.issued

    def responder(self) -> Key:
        """Return the key that answers OCSP questions, with a certificate as NUC issues them.

        The extension that says "do not ask about me" is empty where the standard wants a NULL:
        genuine ones are so, and parsers differ over it.
        """
        key = _key_in(self.folder / "private" / "ocsp.key.pem")
        certificate = stored(
            self.folder / "private" / "ocsp.cer.pem",
            lambda: responder_builder(
                subject=named("OCSP RESPONDER SIMULATION"),
                issuer=self.issuing.certificate.subject,
                public_key=key.public_key(),
            ).sign(self.issuing.private_key, hashes.SHA256()),
        )
        return Key(certificate=certificate, private_key=key, issuer=self.issuing.certificate)

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


def _authority(
    name: x509.Name,
    key: rsa.RSAPrivateKey,
    issuer_name: x509.Name,
    issuer_key: rsa.RSAPrivateKey,
    *,
    root: bool,
) -> x509.Certificate:
    return (
        authority_builder(name=name, issuer=issuer_name, public_key=key.public_key(), root=root)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
        .sign(issuer_key, hashes.SHA256())
    )


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


def stored(path: Path, make: Callable[[], x509.Certificate]) -> x509.Certificate:
    """Return the certificate of a file, made the first time."""
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
