"""Registers behind the state bus (SmartBridge, SHEP): the same questions in its envelope.

The bus signs with the key of the register's system; whose that is stands in the settings, and a
reply signed by anybody else is no reply. See ``docs/protocols/smartbridge.md`` and decision 0020.
"""

import functools
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from app.clock import utc_now
from app.errors import DomainError
from app.exchange.register.channel import Channel, Line, Question, Unusable
from app.exchange.register.envelope import EnvelopeRefused, SystemKey, seal, unseal
from app.exchange.wire.registers import AnswerNotValid
from app.exchange.wire.smartbridge import BYTES_MAX, Head, answer_json, question_body
from app.identity.rules.certificates import Environment, Trust, trust_from_pem
from app.settings import RegisterAddress, Settings

T = TypeVar("T")


class BusNotReady(ValueError):
    """The settings name a register on the bus, and our key or the roots cannot be read."""


@dataclass(frozen=True, kw_only=True)
class BusAccount:
    """Our system on the bus: how it names itself, signs, and whom it believes."""

    sender_id: str
    password: str = field(repr=False)
    key: SystemKey = field(repr=False)
    trust: Trust = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class SmartBridgeChannel:
    """``Channel`` over the bus.

    Attributes:
        service_id: the bus's name of the register's service.
        signer_bin: the BIN of the body whose system signs the replies.
    """

    line: Line
    account: BusAccount
    service_id: str
    signer_bin: str
    clock: Callable[[], datetime] = utc_now

    async def ask(self, question: Question[T]) -> T:
        """Ask; see ``Channel``."""
        now = self.clock()
        head = Head(
            message_id=question.message_id,
            service_id=self.service_id,
            sent_at=now,
            sender_id=self.account.sender_id,
            password=self.account.password,
        )
        body = question_body(head, question.request, body_id=f"id-{secrets.token_hex(16)}")
        try:
            content = seal(body, key=self.account.key, now=now)
        except EnvelopeRefused as error:  # a text that no XML may hold
            raise Unusable("question_not_valid") from error
        return await self.line.post(
            path="",
            content=content,
            headers={"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'},
            bytes_max=BYTES_MAX,
            read=functools.partial(self._read, question),
        )

    def _read(self, question: Question[T], content: bytes) -> T:
        try:
            body = unseal(
                content,
                signer_bin=self.signer_bin,
                trust=self.account.trust,
                bytes_max=BYTES_MAX,
                now=self.clock(),
            )
        except EnvelopeRefused as error:
            raise AnswerNotValid(f"envelope: {error}") from None
        answer = answer_json(
            body, asked=question.message_id, key=question.record_key, form=question.record_form
        )
        if len(answer) > question.bytes_max:
            raise AnswerNotValid("too large")
        return question.read(answer)

    async def aclose(self) -> None:
        """Give the connections back."""
        await self.line.aclose()


def bus_of(settings: Settings) -> Callable[[Line, RegisterAddress], Channel]:
    """Return what makes a channel over the bus; key and roots are read when the first is made.

    Raises:
        BusNotReady: by the returned function, if the key or the roots cannot be read.
    """

    @functools.cache
    def account() -> BusAccount:
        return _account(settings)

    def channel(line: Line, own: RegisterAddress) -> Channel:
        return SmartBridgeChannel(
            line=line, account=account(), service_id=own.service_id, signer_bin=own.signer_bin
        )

    return channel


def _account(settings: Settings) -> BusAccount:
    password, roots_dir = settings.smartbridge_password, settings.smartbridge_roots_dir
    sender_id, key_file = settings.smartbridge_sender_id, settings.smartbridge_key_file
    if password is None or roots_dir is None or sender_id is None or key_file is None:
        raise BusNotReady("the four smartbridge settings go together")
    try:
        trust = trust_from_pem(
            [path.read_bytes() for path in sorted(roots_dir.glob("*.pem"))],
            environment=Environment(settings.trust_environment.value),
        )
        key = _system_key(key_file)
    except (OSError, ValueError, TypeError, DomainError) as error:
        raise BusNotReady(f"smartbridge: {type(error).__name__}") from error
    return BusAccount(
        sender_id=sender_id, password=password.get_secret_value(), key=key, trust=trust
    )


def _system_key(file: Path) -> SystemKey:
    content = file.read_bytes()
    private_key = load_pem_private_key(content, None)
    certificate = x509.load_pem_x509_certificate(content)
    if not isinstance(private_key, rsa.RSAPrivateKey):
        raise TypeError("the bus's algorithm is rsa-sha256: an RSA key is needed")
    if private_key.public_key() != certificate.public_key():
        raise ValueError("the certificate is of another key")
    return SystemKey(private_key=private_key, certificate=certificate)
