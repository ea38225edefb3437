"""The state bus's end of the line: SOAP in, SOAP out, signed by the register's own system.

    bus = SimSmartBridge(authority, cases=SimCases(), registers=World())
    with bus:
        print(bus.address("erdr"), bus.signer_bin)     # for the setting register_addresses

It checks the question's signature as a register would (everything signed, a key of the
authority, the sender's password), and answers from the same worlds as the registers over HTTP.
``bus.spoil`` is a function over the sealed answer for whoever tries to forge one; ``bus.sealed``
seals any body, for answers that no honest register gives.
"""

import base64
import secrets
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Self
from uuid import uuid4

import uvicorn
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, SignatureConstructionMethod
from signxml.exceptions import SignXMLException
from signxml.signer import XMLSigner
from signxml.verifier import SignatureConfiguration, XMLVerifier
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.exchange.wire.cases import CaseRegister, CaseRequest
from app.exchange.wire.registers import AnswerNotValid, RegisterName, RegisterRequest
from app.exchange.wire.smartbridge import SOAP, WSU, answer_body, read_question
from sim.authority import Authority, Use
from sim.cases import SimCases
from sim.layouts import LEGAL_ENTITY
from sim.register_records import World

SYSTEM = x509.ObjectIdentifier("1.2.398.3.3.4.1.2.6")  # an information system of a body
REGISTER_BIN: Final = "980440000027"
SENDER_ID, PASSWORD = "saqshy", "simulated-bus-password"
_WSS: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
_WSSE: Final = f"{_WSS}wssecurity-secext-1.0.xsd"
_X509: Final = f"{_WSS}x509-token-profile-1.0#X509v3"
_BASE64: Final = f"{_WSS}soap-message-security-1.0#Base64Binary"
_DS: Final = "http://www.w3.org/2000/09/xmldsig#"
_START_SECONDS: Final = 10


@dataclass(frozen=True, kw_only=True)
class SystemPair:
    """The key and certificate of a body's system."""

    private_key: rsa.RSAPrivateKey = field(repr=False)
    certificate: x509.Certificate

    @property
    def pem(self) -> bytes:
        """Key and certificate in one text, as the server's ``smartbridge_key_file`` wants them."""
        key = self.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return key + self.certificate.public_bytes(Encoding.PEM)


def system_of(
    authority: Authority,
    bin_: str,
    *,
    user_types: tuple[x509.ObjectIdentifier, ...] = (LEGAL_ENTITY, SYSTEM),
    valid_from: datetime | None = None,
) -> SystemPair:
    """Return a new key of the system of the body with ``bin_``, certified by ``authority``."""
    key = rsa.generate_private_key(65537, 2048)
    parts = [
        (NameOID.COMMON_NAME, "АҚПАРАТТЫҚ ЖҮЙЕ (SIMULATION)"),
        (NameOID.COUNTRY_NAME, "KZ"),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, f"BIN{bin_}"),
    ]
    certificate = authority.issue(
        subject=x509.Name([x509.NameAttribute(oid, text) for oid, text in parts]),
        public_key=key.public_key(),
        use=Use.COMBINED,
        user_types=user_types,
        valid_from=valid_from,
    )
    return SystemPair(private_key=key, certificate=certificate)


class SimSmartBridge:
    """The bus on a thread of its own; every register at an address of its own."""

    def __init__(
        self,
        authority: Authority,
        *,
        cases: SimCases | None = None,
        registers: World | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._clock = clock
        self._issuing = authority.issuing.certificate
        self.cases, self.registers = cases or SimCases(), registers or World()
        self.signer_bin = REGISTER_BIN
        self.system = system_of(authority, REGISTER_BIN)
        self.spoil: Callable[[bytes], bytes] = lambda sealed: sealed
        self.refused: list[str] = []
        self._socket = socket.create_server((host, port))
        self.host, self.port = self._socket.getsockname()[:2]
        routes = [Route("/{register}", self._ask, methods=["POST"])]
        config = uvicorn.Config(
            Starlette(routes=routes), log_level="critical", lifespan="off", ws="none",
            access_log=False,
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, name="sim-bus", daemon=True)

    @property
    def url(self) -> str:
        """Where the bus listens."""
        return f"http://{self.host}:{self.port}"

    def address(self, register: str) -> str:
        """Return the address of one register on the bus."""
        return f"{self.url}/{register}"

    def __enter__(self) -> Self:
        self._thread.start()
        deadline = time.monotonic() + _START_SECONDS
        while not self._server.started:
            if time.monotonic() > deadline or not self._thread.is_alive():
                raise RuntimeError("the simulated bus did not start")
            time.sleep(0.005)
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join(_START_SECONDS)
        self._socket.close()

    def _serve(self) -> None:
        self._server.run(sockets=[self._socket])

    async def _ask(self, request: Request) -> Response:
        register = request.path_params["register"]
        try:
            head, plain = read_question(self._opened(await request.body()))
            answer = self._answer(register, plain)
        except (
            AnswerNotValid, InvalidSignature, SignXMLException, ValueError, TypeError,
            etree.LxmlError,
        ) as error:  # fmt: skip
            self.refused.append(f"{type(error).__name__}: {error}")
            return Response(_fault(), 500, media_type="text/xml")
        if (head.sender_id, head.password) != (SENDER_ID, PASSWORD):
            self.refused.append("not our sender")
            return Response(_fault(), 500, media_type="text/xml")
        body = answer_body(
            answer,
            asked=head.message_id,
            message_id=uuid4(),
            at=self._clock(),
            body_id=f"id-{secrets.token_hex(8)}",
        )
        return Response(self.spoil(self.sealed(body)), 200, media_type="text/xml")

    def _answer(self, register: str, plain: dict[str, object]) -> dict[str, object]:
        if register in {one.value for one in CaseRegister}:
            asked = CaseRequest.model_validate(plain)
            return self.cases.answer(CaseRegister(register), asked)
        name, question = RegisterName(register), RegisterRequest.model_validate(plain)
        now = self._clock()
        record = self.registers.record(name, question.query, now.date())
        answer: dict[str, object] = {
            "message_id": str(question.message_id),
            "register": name.value,
            "answered_at": now.isoformat(),
            "status": "not_found" if record is None else "found",
        }
        if record is not None:
            answer["record"] = record.model_dump(mode="json", exclude_none=True)
        return answer

    def _opened(self, content: bytes) -> bytes:
        envelope = etree.fromstring(content, etree.XMLParser(resolve_entities=False))
        token = envelope.findtext(f".//{{{_WSSE}}}BinarySecurityToken")
        certificate = x509.load_der_x509_certificate(base64.b64decode(str(token)))
        certificate.verify_directly_issued_by(self._issuing)
        results = XMLVerifier().verify(
            content,
            x509_cert=certificate,
            expect_config=SignatureConfiguration(
                location=f"./{{{SOAP}}}Header/{{{_WSSE}}}Security/", expect_references=2
            ),
        )
        signed = {
            str(one.signed_xml.tag): one.signed_data
            for one in (results if isinstance(results, list) else [results])
            if one.signed_xml is not None
        }
        return bytes(signed[f"{{{SOAP}}}Body"])

    def sealed(
        self,
        body: bytes,
        *,
        system: SystemPair | None = None,
        created: datetime | None = None,
        seconds: float = 60,
    ) -> bytes:
        """Return ``body`` in an envelope signed by the register's system, or by ``system``."""
        pair, at = system or self.system, created or self._clock()
        envelope = etree.Element(f"{{{SOAP}}}Envelope", nsmap={"SOAP-ENV": SOAP})
        header = etree.SubElement(envelope, f"{{{SOAP}}}Header")
        security = etree.SubElement(
            header, f"{{{_WSSE}}}Security", nsmap={"wsse": _WSSE, "wsu": WSU}
        )
        stamp = etree.SubElement(security, f"{{{WSU}}}Timestamp", {f"{{{WSU}}}Id": "ts-1"})
        for name, moment in (("Created", at), ("Expires", at + timedelta(seconds=seconds))):
            etree.SubElement(stamp, f"{{{WSU}}}{name}").text = f"{moment:%Y-%m-%dT%H:%M:%SZ}"
        token = etree.SubElement(
            security, f"{{{_WSSE}}}BinarySecurityToken",
            {f"{{{WSU}}}Id": "token-1", "EncodingType": _BASE64, "ValueType": _X509},
        )  # fmt: skip
        token.text = base64.b64encode(pair.certificate.public_bytes(Encoding.DER)).decode()
        envelope.append(etree.fromstring(body))
        info = etree.Element(f"{{{_DS}}}KeyInfo", nsmap={"ds": _DS})
        named = etree.SubElement(info, f"{{{_WSSE}}}SecurityTokenReference")
        etree.SubElement(named, f"{{{_WSSE}}}Reference", URI="#token-1", ValueType=_X509)
        signature = XMLSigner(
            method=SignatureConstructionMethod.detached,
            c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
        ).sign(
            envelope,
            key=pair.private_key,
            reference_uri=[f"#{envelope[-1].get(f'{{{WSU}}}Id')}", "#ts-1"],
            key_info=info,
        )
        security.append(signature)
        return bytes(etree.tostring(envelope))


def write_system_key(authority: Authority, bin_: str, file: Path) -> Path:
    """Write a key of our system for the server's ``smartbridge_key_file``; made once."""
    if not file.exists():
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_bytes(system_of(authority, bin_).pem)
    return file


def _fault() -> bytes:
    envelope = etree.Element(f"{{{SOAP}}}Envelope", nsmap={"SOAP-ENV": SOAP})
    fault = etree.SubElement(etree.SubElement(envelope, f"{{{SOAP}}}Body"), f"{{{SOAP}}}Fault")
    etree.SubElement(fault, "faultcode").text = "SOAP-ENV:Client"
    etree.SubElement(fault, "faultstring").text = "not a signed question of this bus"
    return bytes(etree.tostring(envelope))
