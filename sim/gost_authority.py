"""The national authority's other half: the same certificates under GOST-2015.

    authority = GostAuthority.create(Path("var/sim/authority-gost"))
    cms = authority.sign(OFFICER, b"the sheet")            # detached CMS, DER
    # the server's setting trust_roots_dir points to authority.roots_dir

Since 2022 NUC issues one certificate for signing in and for documents, and this is what is issued
here. Certificates are laid out by the same code as RSA ones; then key and signature are replaced.
"""

import functools
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from asn1crypto import algos, cms
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from sim.authority import stored
from sim.district import Staff
from sim.gost import DIGEST_OID, SIGNATURE_OID, GostKey, algorithm, resigned
from sim.layouts import (
    OCSP_URL,
    Use,
    addresses,
    authority_builder,
    named,
    person_builder,
    responder_builder,
    subject_of,
)
from sim.streebog import streebog512

LIST_URLS = ("http://crl.simulation.invalid/gost.crl", "http://crl.simulation.invalid/d_gost.crl")
_TO_SIGN_ALGORITHM, _TO_SIGN_KEY = 2, 6  # places in a certificate, RFC 5280 section 4.1


@dataclass(frozen=True, kw_only=True)
class GostHolder:
    """A private key with its certificate and the authority's own."""

    certificate: x509.Certificate
    private_key: GostKey
    issuer: x509.Certificate


class GostAuthority:
    """The authority in a folder: ``roots/`` to trust, ``private/``, ``people/<IIN>/``."""

    list_urls = LIST_URLS

    def __init__(self, folder: Path, root: GostHolder, issuing: GostHolder) -> None:
        self.folder = folder
        self.root = root.certificate
        self.root_key = root.private_key
        self.issuing = issuing
        self.issued: set[int] = set()

    @classmethod
    def create(cls, folder: Path) -> Self:
        """Return the authority of ``folder``, making what is not there yet."""
        root_key = _key_in(folder / "private" / "root.key")
        issuing_key = _key_in(folder / "private" / "issuing.key")
        names = named("НКО (GOST) SIMULATION"), named("ҰКО (GOST SIMULATION) 2022")
        made = []
        for name, key, file in (
            (names[0], root_key, "root"),
            (names[1], issuing_key, "issuing"),
        ):
            builder = authority_builder(
                name=name, issuer=names[0], public_key=_stand_in().public_key(), root=file == "root"
            )
            made.append(
                stored(
                    folder / "roots" / f"gost-{file}.pem",
                    functools.partial(_signed, builder, key=key, by=root_key, issuer=root_key),
                )
            )
        root, issuing = made
        return cls(
            folder,
            GostHolder(certificate=root, private_key=root_key, issuer=root),
            GostHolder(certificate=issuing, private_key=issuing_key, issuer=root),
        )

    @property
    def roots_dir(self) -> Path:
        """The folder of PEM files to trust."""
        return self.folder / "roots"

    def key_for(self, staff: Staff) -> GostHolder:
        """Return the person's key and certificate, issued the first time."""
        folder = self.folder / "people" / staff.iin
        key = _key_in(folder / "combined.key")
        certificate = stored(
            folder / "combined.cer.pem",
            lambda: self.issue(subject=subject_of(staff), key=key),
        )
        self.issued.add(certificate.serial_number)
        return GostHolder(certificate=certificate, private_key=key, issuer=self.issuing.certificate)

    def issue(
        self,
        *,
        subject: x509.Name,
        key: GostKey,
        use: Use = Use.COMBINED,
        valid_from: datetime | None = None,
    ) -> x509.Certificate:
        """Issue a certificate of a person's layout."""
        builder = person_builder(
            subject=subject,
            issuer=self.issuing.certificate.subject,
            public_key=_stand_in().public_key(),
            use=use,
            valid_from=valid_from,
        )
        for extension in addresses(ocsp=OCSP_URL, lists=self.list_urls):
            builder = builder.add_extension(extension, critical=False)
        own = self.issuing.private_key
        certificate = _signed(builder, key=key, by=own, issuer=own)
        self.issued.add(certificate.serial_number)
        return certificate

    def knows(self, serial: int) -> bool:
        """Tell whether a certificate with this serial number was issued here."""
        if serial not in self.issued:
            files = self.folder.glob("people/*/*.cer.pem")
            self.issued |= {
                x509.load_pem_x509_certificate(file.read_bytes()).serial_number for file in files
            }
        return serial in self.issued

    def responder(self) -> GostHolder:
        """Return the key that answers OCSP questions."""
        key = _key_in(self.folder / "private" / "ocsp.key")
        own = self.issuing
        certificate = stored(
            self.folder / "private" / "ocsp.cer.pem",
            lambda: _signed(
                responder_builder(
                    subject=named("OCSP RESPONDER SIMULATION"),
                    issuer=own.certificate.subject,
                    public_key=_stand_in().public_key(),
                ),
                key=key,
                by=own.private_key,
                issuer=own.private_key,
            ),
        )
        return GostHolder(certificate=certificate, private_key=key, issuer=own.certificate)

    def sign(self, staff: Staff, content: bytes) -> bytes:
        """Return the person's detached CMS signature of ``content``, DER."""
        return self.sign_cms_detached(self.key_for(staff), content)

    @staticmethod
    def sign_cms_detached(key: GostHolder, content: bytes, *, at: datetime | None = None) -> bytes:
        """Return the detached CMS signature, DER, that NCALayer would make with this key."""
        own = asn1_x509.Certificate.load(key.certificate.public_bytes(Encoding.DER))
        issuer = asn1_x509.Certificate.load(key.issuer.public_bytes(Encoding.DER))
        moment = at or datetime.now(UTC).replace(microsecond=0)
        attributes = cms.CMSAttributes(
            [
                {"type": "content_type", "values": ["data"]},
                {"type": "signing_time", "values": [cms.Time({"utc_time": moment})]},
                {"type": "message_digest", "values": [streebog512(content)]},
            ]
        )
        signer = {
            "version": "v1",
            "sid": cms.SignerIdentifier(
                "issuer_and_serial_number",
                {"issuer": own.issuer, "serial_number": own.serial_number},
            ),
            "digest_algorithm": algos.DigestAlgorithm({"algorithm": DIGEST_OID}),
            "signed_attrs": attributes,
            "signature_algorithm": algos.SignedDigestAlgorithm({"algorithm": SIGNATURE_OID}),
            "signature": key.private_key.sign(attributes.dump()),
        }
        signed = cms.SignedData(
            {
                "version": "v1",
                "digest_algorithms": [algos.DigestAlgorithm({"algorithm": DIGEST_OID})],
                "encap_content_info": {"content_type": "data"},
                "certificates": [own, issuer],
                "signer_infos": [signer],
            }
        )
        return bytes(cms.ContentInfo({"content_type": "signed_data", "content": signed}).dump())


def _signed(
    builder: x509.CertificateBuilder, *, key: GostKey, by: GostKey, issuer: GostKey
) -> x509.Certificate:
    whole = (
        builder.add_extension(x509.SubjectKeyIdentifier(key.identifier), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier(issuer.identifier, None, None), critical=False)
        .sign(_stand_in(), hashes.SHA256())
        .public_bytes(Encoding.DER)
    )
    replaced = {_TO_SIGN_ALGORITHM: algorithm(SIGNATURE_OID), _TO_SIGN_KEY: key.spki}
    return x509.load_der_x509_certificate(resigned(whole, by, replaced=replaced))


@functools.cache
def _stand_in() -> rsa.RSAPrivateKey:
    # Holds the place of a key that the library cannot write.
    return rsa.generate_private_key(65537, 2048)


def _key_in(path: Path) -> GostKey:
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        half = path.with_suffix(".half")
        half.write_text(f"{GostKey.make().secret:x}")
        half.chmod(0o600)
        half.replace(path)
    return GostKey(int(path.read_text(), 16))
