"""How a question reaches a register and its answer comes back: limits, breaker, retry.

A channel carries bytes and decides nothing. ``JsonChannel`` speaks the house protocols;
``smartbridge.SmartBridgeChannel`` puts the same questions into the state bus's envelope.
"""

import asyncio
import functools
import secrets
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Generic, Protocol, TypeVar
from uuid import UUID

import httpx
from pydantic import BaseModel

from app.exchange.register.connections import Broken, Connections, NotConnected
from app.exchange.rules.breaker import (
    CLOSED,
    Breaker,
    BreakerTerms,
    Permit,
    answered,
    asking,
)
from app.exchange.wire.registers import AnswerNotValid

T = TypeVar("T")

_CONNECTIONS_MAX: Final = 16  # to one register from one process
_PAUSE_SECONDS: Final = 0.05  # before the first repetition; twice as long before each further one
_random = secrets.SystemRandom()


class Unusable(Exception):
    """The far end gave nothing that can be believed; the text says why and names nobody."""


@dataclass(frozen=True, kw_only=True)
class Question(Generic[T]):
    """One question on its way.

    Attributes:
        register: the register's name on the wire; ``path`` where it is asked in JSON.
        message_id: of the question; the answer must repeat it.
        request: the question in the house protocol.
        record_key, record_form: where the record stands in the answer, and its form.
        bytes_max: of the answer in JSON.
        read: makes of an answer in JSON what it says; raises ``AnswerNotValid``.
    """

    register: str
    path: str
    message_id: UUID
    request: BaseModel = field(repr=False)
    record_key: str
    record_form: type[BaseModel]
    bytes_max: int
    read: Callable[[bytes], T] = field(repr=False)


class Channel(Protocol):
    """Carries questions to one register."""

    async def ask(self, question: Question[T]) -> T:
        """Return what the register says.

        Raises:
            Unusable: silence, a broken line, an open breaker, or no answer that is one.
        """
        ...

    async def aclose(self) -> None:
        """Give the connections back."""
        ...


@functools.cache
def _authorities(file: Path | None) -> ssl.SSLContext:
    """Return the certificates TLS believes; reading them takes 20 ms, so once for all lines."""
    if file is None:
        return httpx.create_ssl_context(trust_env=False)
    return ssl.create_default_context(cafile=file)


@dataclass(frozen=True, kw_only=True)
class LineTerms:
    """The limits of the line to one register.

    Attributes:
        timeout_seconds: for one question with its repetitions, to the last byte.
        repeats_max: how often a question that was never sent is tried again.
        breaker: when the register is left alone.
        tls_roots: a PEM file of the authorities TLS believes; ``None`` for the public ones.
    """

    timeout_seconds: float
    repeats_max: int
    breaker: BreakerTerms
    tls_roots: Path | None = None


@dataclass(kw_only=True)
class Line:
    """The line to one register: its own pool of connections, its breaker, its limits."""

    address: str
    terms: LineTerms
    _connections: Connections = field(init=False, repr=False)
    _breaker: Breaker = field(init=False, default=CLOSED)

    def __post_init__(self) -> None:
        self._connections = Connections(
            address=self.address,
            connections_max=_CONNECTIONS_MAX,
            # Half for connecting leaves a repetition its chance within the whole.
            connect_seconds=self.terms.timeout_seconds / 2,
            tls=_authorities(self.terms.tls_roots),
        )

    async def post(
        self,
        *,
        path: str,
        content: bytes,
        headers: dict[str, str],
        bytes_max: int,
        read: Callable[[bytes], T],
    ) -> T:
        """Send ``content`` and return what ``read`` makes of the answer.

        Raises:
            Unusable: see ``Channel.ask``. An answer that ``read`` refuses counts as a failure of
                the register like silence does; a question that its caller gave up says nothing
                of the register, but ends a probe.
        """
        terms = self.terms.breaker
        self._breaker, permit = asking(self._breaker, terms=terms, now=time.monotonic())
        if permit is Permit.REFUSED:
            raise Unusable("breaker_open")
        good = given_up = False
        try:
            async with asyncio.timeout(self.terms.timeout_seconds):
                reply = await self._sent(path, content, headers, bytes_max)
            answer = read(reply)
            good = True
        except TimeoutError as error:
            raise Unusable("timed_out") from error
        except (Broken, NotConnected) as error:
            raise Unusable(str(error)) from error
        except AnswerNotValid:
            raise Unusable("answer_not_valid") from None  # its cause might repeat the input
        except asyncio.CancelledError:
            given_up = True
            raise
        finally:
            if permit is Permit.PROBE or not given_up:
                self._breaker = answered(
                    self._breaker, good=good, permit=permit, terms=terms, now=time.monotonic()
                )
        return answer

    async def _sent(
        self, path: str, content: bytes, headers: dict[str, str], bytes_max: int
    ) -> bytes:
        """Repeat only what never left: a question that may have arrived is not asked again."""
        pause, post = _PAUSE_SECONDS, self._connections.post
        for _ in range(self.terms.repeats_max):
            try:
                return await post(path, content, headers=headers, bytes_max=bytes_max)
            except NotConnected:
                await asyncio.sleep(_random.uniform(0, pause))
                pause *= 2
        return await post(path, content, headers=headers, bytes_max=bytes_max)

    async def aclose(self) -> None:
        """Give the connections back."""
        await self._connections.aclose()


@dataclass(frozen=True, kw_only=True)
class JsonChannel:
    """``Channel`` over the house protocol: one POST of JSON, an answer of JSON."""

    line: Line

    async def ask(self, question: Question[T]) -> T:
        """Ask; see ``Channel``."""
        return await self.line.post(
            path=question.path,
            content=question.request.model_dump_json(exclude_none=True).encode(),
            headers={"Content-Type": "application/json"},
            bytes_max=question.bytes_max,
            read=question.read,
        )

    async def aclose(self) -> None:
        """Give the connections back."""
        await self.line.aclose()
