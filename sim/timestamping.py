"""A time-stamping authority with the profile of NUC RK, for demonstration and tests (RFC 3161).

    with SimTimestamping.create(Path("var/sim/tsa")) as tsa:
        ...  # the server's setting tsa_url is tsa.url; it trusts tsa.roots_dir

Its certificate is for time-stamps alone, its policy 1.2.398.3.3.2.6.1, its key RSA-2048. It can
be told to be silent, or to answer with one thing wrong.
"""

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

POLICY: Final = "1.2.398.3.3.2.6.1"
_QUERY_BYTES_MAX: Final = 8192
_DAYS: Final = 365


@dataclass(frozen=True, kw_only=True)
class Stamp:
    """What one answer says and how it is signed; the defaults are right."""

    policy: str = POLICY
    shift: timedelta = timedelta(0)  # of the authority's clock
    wrong_imprint: bool = False
    wrong_nonce: bool = False
    status: str = "granted"
    wrong_signature: bool = False
    without_certificate_name: bool = False
    critical_extension: bool = False


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(kw_only=True)
class SimTimestamping:
    """The authority: signs stamps in process, and serves them over HTTP inside ``with``."""

    certificate: x509.Certificate
    private_key: rsa.RSAPrivateKey = field(repr=False)
    roots_dir: Path
    clock: Callable[[], datetime] = _now
    port: int = 0
    faults: Stamp = Stamp()
    silent: bool = False
    url: str = ""
    _serial: int = 0
    _server: ThreadingHTTPServer | None = field(default=None, repr=False)

    @classmethod
    def create(cls, folder: Path, *, clock: Callable[[], datetime] = _now, port: int = 0) -> Self:
        """Return the authority of ``folder``, made there if it is not; its root lies in ``roots``.

        Kept, so that the stamps of an earlier day still hold.
        """
        roots, kept = folder / "roots", folder / "tsa.pem"
        if not kept.exists():
            _make(kept, roots)
        content = kept.read_bytes()
        key = serialization.load_pem_private_key(content, password=None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise TypeError("an RSA key was kept")
        return cls(
            certificate=x509.load_pem_x509_certificate(content),
            private_key=key,
            roots_dir=roots,
            clock=clock,
            port=port,
        )

    def respond(self, query: bytes) -> bytes:
        """Return the TimeStampResp, DER, to a TimeStampReq."""
        asked = tsp.TimeStampReq.load(query)
        status = tsp.PKIStatusInfo({"status": self.faults.status})
        if self.faults.status == "rejection":  # without a token
            body: bytes = status.dump()
            return b"\x30" + bytes([len(body)]) + body
        info = self._info(asked)
        response = tsp.TimeStampResp({"status": status, "time_stamp_token": self._token(info)})
        encoded: bytes = response.dump()
        return encoded

    def _info(self, asked: Any) -> bytes:
        self._serial += 1
        imprint = asked["message_imprint"]
        if self.faults.wrong_imprint:
            imprint = {
                "hash_algorithm": algos.DigestAlgorithm({"algorithm": "sha256"}),
                "hashed_message": hashlib.sha256(b"another").digest(),
            }
        values: dict[str, Any] = {
            "version": "v1",
            "policy": self.faults.policy,
            "message_imprint": imprint,
            "serial_number": self._serial,
            "gen_time": (self.clock() + self.faults.shift).replace(microsecond=0),
        }
        if asked["nonce"].native is not None:
            values["nonce"] = asked["nonce"].native + self.faults.wrong_nonce
        if self.faults.critical_extension:
            values["extensions"] = [
                {"extn_id": "1.2.398.9.9", "critical": True, "extn_value": core.Null().dump()}
            ]
        encoded: bytes = tsp.TSTInfo(values).dump()
        return encoded

    def _token(self, info: bytes) -> Any:
        own = asn1_x509.Certificate.load(self.certificate.public_bytes(serialization.Encoding.DER))
        attributes = [
            {"type": "content_type", "values": ["tst_info"]},
            {"type": "message_digest", "values": [hashlib.sha256(info).digest()]},
        ]
        if not self.faults.without_certificate_name:
            named = tsp.SigningCertificateV2(
                {"certs": [{"cert_hash": hashlib.sha256(own.dump()).digest()}]}
            )
            attributes.append({"type": "signing_certificate_v2", "values": [named]})
        signed = cms.CMSAttributes(attributes)
        signature = self.private_key.sign(
            signed.dump() + b"!" * self.faults.wrong_signature, padding.PKCS1v15(), hashes.SHA256()
        )
        signer = {
            "version": "v1",
            "sid": cms.SignerIdentifier(
                name="issuer_and_serial_number",
                value={"issuer": own.issuer, "serial_number": own.serial_number},
            ),
            "digest_algorithm": {"algorithm": "sha256"},
            "signed_attrs": signed,
            "signature_algorithm": {"algorithm": "sha256_rsa"},
            "signature": signature,
        }
        return cms.ContentInfo(
            {
                "content_type": "signed_data",
                "content": {
                    "version": "v3",
                    "digest_algorithms": [{"algorithm": "sha256"}],
                    "encap_content_info": {
                        "content_type": "tst_info",
                        "content": core.ParsableOctetString(info),
                    },
                    "certificates": [own],
                    "signer_infos": [signer],
                },
            }
        )

    def with_faults(self, **faults: Any) -> None:
        """Answer from now on with these things wrong; without any, rightly."""
        self.faults = replace(Stamp(), **faults)

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), _handler_of(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()


def _make(kept: Path, roots: Path) -> None:
    root_key = rsa.generate_private_key(65537, 2048)
    key = rsa.generate_private_key(65537, 2048)
    root_name = _name("НКО (RSA) TSA SIMULATION")
    root = certificate_of(root_name, root_key, root_name, root_key, authority=True)
    own = certificate_of(_name("TSA SIMULATION"), key, root_name, root_key)
    roots.mkdir(parents=True, exist_ok=True)
    (roots / "tsa-root.pem").write_bytes(root.public_bytes(serialization.Encoding.PEM))
    kept.touch(mode=0o600)
    kept.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + own.public_bytes(serialization.Encoding.PEM)
    )


def _handler_of(tsa: SimTimestamping) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = min(int(self.headers.get("Content-Length", "0")), _QUERY_BYTES_MAX)
            query = self.rfile.read(length)
            if tsa.silent:
                self.send_error(503)
                return
            content = tsa.respond(query)
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Keep the terminal quiet."""

    return Handler


def certificate_of(
    name: x509.Name,
    key: rsa.RSAPrivateKey,
    issuer: x509.Name,
    issuer_key: rsa.RSAPrivateKey,
    *,
    authority: bool = False,
    usages: tuple[x509.ObjectIdentifier, ...] = (ExtendedKeyUsageOID.TIME_STAMPING,),
    critical: bool = True,
    begins: datetime | None = None,
) -> x509.Certificate:
    """Return a certificate of the authority's own little hierarchy."""
    start = begins or _now().replace(microsecond=0) - timedelta(days=3)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=_DAYS))
        .add_extension(_usage(authority=authority), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if authority:
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
    else:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical)
    return builder.sign(issuer_key, hashes.SHA256())


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=not authority,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "KZ"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )
