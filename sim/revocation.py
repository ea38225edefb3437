"""OCSP and lists of revoked certificates over HTTP, as NUC RK gives them, for what is simulated.

    with SimRevocation([authority, gost_authority], port=8711) as revocation:
        revocation.revoke(authority.key_for(OFFICER).certificate)
        revocation.ocsp_fault = Fault.DOWN                 # lists answer still
        # the server's settings: ocsp_url, crl_urls

The profile is the genuine one's: answers carry the question's nonce and no nextUpdate, a responder
of its own signs them, and a certificate that was never issued is "revoked on 1 January 1970, on
hold" (RFC 6960, section 2.2). A list is published when the program starts; what is revoked later
stands in the delta. Each kind of source can be told to misbehave.
"""

import enum
import functools
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Final, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from sim.answers import another, key_bits, nonce_of, signed_answer, signed_list
from sim.authority import Authority
from sim.district import Staff
from sim.gost_authority import GostAuthority

PORT: Final = 8711
_HOST: Final = "127.0.0.1"
_JOIN_SECONDS: Final = 5.0
_SLOW_SECONDS: Final = 8.0  # longer than any server waits
_QUESTION_BYTES_MAX: Final = 4096
_LIST_TERM: Final = timedelta(days=1)
_DELTA_TERM: Final = timedelta(hours=1)
_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)

AnyAuthority = Authority | GostAuthority


class Fault(enum.Enum):
    """How a source misbehaves."""

    NONE = "none"
    DOWN = "down"  # closes the connection without an answer
    BUSY = "busy"  # HTTP 503
    SLOW = "slow"
    STALE = "stale"  # an answer of yesterday
    FUTURE = "future"
    FORGED = "forged"  # signed by another key
    GARBAGE = "garbage"
    TRAILING = "trailing"  # a good answer with a byte after it
    ENDLESS = "endless"  # more than anybody should read
    REDIRECT = "redirect"
    REPLAYED = "replayed"  # OCSP: the nonce of another question
    OTHER = "other"  # OCSP: about another certificate
    UNKNOWN = "unknown"  # OCSP: the plain status "unknown"
    TRY_LATER = "try_later"  # OCSP: no answer, said politely
    BACK = "back"  # lists: an older number


@dataclass
class _Book:
    """What one authority has revoked."""

    authority: AnyAuthority
    revoked: dict[int, tuple[datetime, x509.ReasonFlags]] = field(default_factory=dict)
    published: dict[int, tuple[datetime, x509.ReasonFlags]] = field(default_factory=dict)
    number: int = 10
    base_number: int = 10


class SimRevocation:
    """The national authority's two services, on loopback, in threads of their own.

    Args:
        authorities: whose certificates are asked about.
        port: where to listen; 0 asks for any free one.
        clock: what time it is for them.
    """

    def __init__(
        self,
        authorities: Sequence[AnyAuthority] = (),
        *,
        port: int = PORT,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        self._books = [_Book(one) for one in authorities]
        self._port = port
        self._clock = clock or (lambda: datetime.now(UTC))
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None
        self.ocsp_fault = Fault.NONE
        self.list_fault = Fault.NONE
        self.questions = 0  # OCSP questions that came, whatever became of them
        self.lists = 0

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer((_HOST, self._port), functools.partial(_Exchange, self))
        self._server.daemon_threads = True
        self._port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, name="sim-revocation")
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join(_JOIN_SECONDS)

    @property
    def url(self) -> str:
        """Where this program listens."""
        return f"http://{_HOST}:{self._port}"

    @property
    def ocsp_url(self) -> str:
        """For the server's setting ``ocsp_url``."""
        return f"{self.url}/ocsp/"

    @property
    def list_urls(self) -> str:
        """For the server's setting ``crl_urls``: list and delta of every authority."""
        places = range(len(self._books))
        return ",".join(f"{self.url}/crl/{p}/{name}.crl" for p in places for name in ("full", "d"))

    def root_list_url(self, place: int = 0) -> str:
        """Where the list of the root of an authority lies."""
        return f"{self.url}/crl/{place}/root.crl"

    def join(self, authority: AnyAuthority) -> None:
        """Answer about the certificates of another authority too."""
        if all(book.authority is not authority for book in self._books):
            self._books.append(_Book(authority))

    def reset(self) -> None:
        """Forget every revocation and every fault."""
        self.ocsp_fault = self.list_fault = Fault.NONE
        for book in self._books:
            book.revoked.clear()
            book.published.clear()
            book.number += 1
            book.base_number = book.number

    def revoke(
        self,
        certificate: x509.Certificate,
        *,
        reason: x509.ReasonFlags = x509.ReasonFlags.key_compromise,
    ) -> None:
        """Revoke a certificate now."""
        book = self._book_of(certificate)
        book.revoked[certificate.serial_number] = (self._clock(), reason)
        book.number += 1

    def revoke_person(self, staff: Staff) -> None:
        """Revoke every certificate of a person."""
        for book in self._books:
            for file in book.authority.folder.glob(f"people/{staff.iin}/*.cer.pem"):
                self.revoke(x509.load_pem_x509_certificate(file.read_bytes()))

    def release(self, certificate: x509.Certificate) -> None:
        """Take a certificate off hold; the delta says so until the next list."""
        book = self._book_of(certificate)
        book.revoked.pop(certificate.serial_number, None)
        book.number += 1

    def publish(self) -> None:
        """Publish a new list of every authority; its delta is empty then."""
        for book in self._books:
            book.number += 1
            book.base_number, book.published = book.number, dict(book.revoked)

    def answer(self, question: bytes) -> bytes:
        """Return the OCSP answer to a question, DER."""
        asked = ocsp.load_der_ocsp_request(question)
        if self.ocsp_fault is Fault.TRY_LATER:
            return ocsp.OCSPResponseBuilder.build_unsuccessful(
                ocsp.OCSPResponseStatus.TRY_LATER
            ).public_bytes(Encoding.DER)
        book = self._asked_book(asked)
        if book is None:
            return ocsp.OCSPResponseBuilder.build_unsuccessful(
                ocsp.OCSPResponseStatus.UNAUTHORIZED
            ).public_bytes(Encoding.DER)
        at = self._shifted(self.ocsp_fault)
        serial = asked.serial_number + (self.ocsp_fault is Fault.OTHER)
        status, revoked_at, reason = self._status(book, asked.serial_number)
        responder = book.authority.responder()
        builder = (
            ocsp.OCSPResponseBuilder()
            .add_response_by_hash(
                asked.issuer_name_hash,
                asked.issuer_key_hash,
                serial,
                asked.hash_algorithm,
                status,
                at,
                None,
                revoked_at,
                reason,
            )
            .add_extension(
                x509.UnrecognizedExtension(
                    x509.ObjectIdentifier("1.3.6.1.5.5.7.48.1.9"), b"\x05\x00"
                ),
                critical=False,
            )
        )
        nonce = nonce_of(asked)
        if nonce is not None:
            sent = nonce[::-1] if self.ocsp_fault is Fault.REPLAYED else nonce
            builder = builder.add_extension(x509.OCSPNonce(sent), critical=False)
        key = responder.private_key
        if self.ocsp_fault is Fault.FORGED:
            key = another(key)
        return signed_answer(builder, responder=responder.certificate, key=key, produced_at=at)

    def list_of(self, place: int, name: str) -> bytes:
        """Return a list, its delta (``d``) or the root's list, DER."""
        book, at = self._books[place], self._shifted(self.list_fault)
        is_delta = name == "d"
        number, entries = book.base_number, book.published
        if is_delta:
            number, entries = book.number, self._changes(book)
        issuer, key = book.authority.issuing.certificate, book.authority.issuing.private_key
        if name == "root":
            number, entries = (
                1,
                {s: r for s, r in book.revoked.items() if s == issuer.serial_number},
            )
            issuer, key = book.authority.root, book.authority.root_key
        if self.list_fault is Fault.BACK:
            number -= 1
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(issuer.subject)
            .last_update(at)
            .next_update(at + (_DELTA_TERM if is_delta else _LIST_TERM))
            .add_extension(x509.CRLNumber(number), critical=False)
        )
        if is_delta:
            builder = builder.add_extension(x509.DeltaCRLIndicator(book.base_number), critical=True)
        for serial, (revoked_at, reason) in entries.items():
            entry = (
                x509.RevokedCertificateBuilder()
                .serial_number(serial)
                .revocation_date(revoked_at.replace(microsecond=0))
                .add_extension(x509.CRLReason(reason), critical=False)
            )
            builder = builder.add_revoked_certificate(entry.build())
        if self.list_fault is Fault.FORGED:
            key = another(key)
        return signed_list(builder, key)

    def _changes(self, book: _Book) -> dict[int, tuple[datetime, x509.ReasonFlags]]:
        added = {s: why for s, why in book.revoked.items() if s not in book.published}
        released = set(book.published) - set(book.revoked)
        remove = x509.ReasonFlags.remove_from_crl
        return added | {serial: (self._clock(), remove) for serial in released}

    def _status(
        self, book: _Book, serial: int
    ) -> tuple[ocsp.OCSPCertStatus, datetime | None, x509.ReasonFlags | None]:
        if self.ocsp_fault is Fault.UNKNOWN:
            return ocsp.OCSPCertStatus.UNKNOWN, None, None
        if serial in book.revoked:
            at, reason = book.revoked[serial]
            return ocsp.OCSPCertStatus.REVOKED, at.replace(microsecond=0), reason
        if not book.authority.knows(serial):
            return ocsp.OCSPCertStatus.REVOKED, _NEVER, x509.ReasonFlags.certificate_hold
        return ocsp.OCSPCertStatus.GOOD, None, None

    def _shifted(self, fault: Fault) -> datetime:
        shift = {Fault.STALE: timedelta(days=-2), Fault.FUTURE: timedelta(days=2)}
        return (self._clock() + shift.get(fault, timedelta(0))).replace(microsecond=0)

    def _book_of(self, certificate: x509.Certificate) -> _Book:
        for book in self._books:
            known = book.authority.issuing.certificate
            if certificate == known or certificate.issuer == known.subject:
                return book
        raise LookupError("no authority here issued this certificate")

    def _asked_book(self, asked: ocsp.OCSPRequest) -> _Book | None:
        for book in self._books:
            issuer = book.authority.issuing.certificate
            digest = hashes.Hash(asked.hash_algorithm)
            digest.update(key_bits(issuer))
            if digest.finalize() == asked.issuer_key_hash:
                return book
        return None


class _Exchange(BaseHTTPRequestHandler):
    """One connection."""

    def __init__(self, owner: SimRevocation, *rest: object) -> None:
        self._owner = owner
        super().__init__(*rest)  # type: ignore[arg-type] # what the server's class passes on

    def do_POST(self) -> None:
        """Answer an OCSP question."""
        self._owner.questions += 1
        length = min(int(self.headers.get("Content-Length", "0")), _QUESTION_BYTES_MAX)
        question = self.rfile.read(length)
        self._answered(
            self._owner.ocsp_fault,
            lambda: self._owner.answer(question),
            "application/ocsp-response",
        )

    def do_GET(self) -> None:
        """Give a list."""
        self._owner.lists += 1
        _, kind, place, name = self.path.split("/")
        if kind != "crl":
            self.send_error(404)
            return
        self._answered(
            self._owner.list_fault,
            lambda: self._owner.list_of(int(place), name.removesuffix(".crl")),
            "application/pkix-crl",
        )

    def log_message(self, *_arguments: object) -> None:
        """Say nothing: tests and demonstrations have their own words."""

    def _answered(self, fault: Fault, make: Callable[[], bytes], kind: str) -> None:
        if fault is Fault.DOWN:
            self.close_connection = True
            return
        if fault is Fault.BUSY:
            self.send_error(503)
            return
        if fault is Fault.REDIRECT:
            self.send_response(302)
            self.send_header("Location", f"{self._owner.url}/elsewhere")
            self.end_headers()
            return
        if fault is Fault.SLOW:
            time.sleep(_SLOW_SECONDS)
        content = b"\x30\x03no!" if fault is Fault.GARBAGE else make()
        if fault is Fault.TRAILING:
            content += b"\0"
        if fault is Fault.ENDLESS:
            content += bytes(32 << 20)
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        try:
            self.wfile.write(content)
        except ConnectionError:
            self.close_connection = True  # the reader had enough
