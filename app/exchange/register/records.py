"""The registers of other bodies, over HTTP. Nothing else in the server may ask them.

The adapter decides nothing: it asks, holds the limits of time and size, checks the form of the
answer, and says what became of the question. It never repeats one.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, Protocol

import httpx
import structlog

from app.exchange.rules.requests import Part, PartStatus
from app.exchange.wire.registers import (
    ANSWER_BYTES_MAX,
    PATH,
    AnswerNotValid,
    AnswerStatus,
    RegisterName,
    RegisterRequest,
    read_answer,
)
from app.settings import Settings

_CONNECTIONS_MAX: Final = 16  # to one register from one process
_STATUS: Final = {
    AnswerStatus.FOUND: PartStatus.FOUND,
    AnswerStatus.NOT_FOUND: PartStatus.NOT_FOUND,
    AnswerStatus.REFUSED: PartStatus.REFUSED,
}

log = structlog.get_logger(__name__)


class RegisterPort(Protocol):
    """Asks one register one question."""

    async def ask(self, *, register: RegisterName, request: RegisterRequest) -> Part:
        """Return what became of the question, within the register's limit of seconds.

        Never raises for anything the far end does: silence is ``TIMED_OUT``, a refused
        connection or an answer that cannot be believed is ``UNAVAILABLE``.
        """
        ...


class _Unusable(Exception):
    """The far end answered with something that is no answer."""


@dataclass(kw_only=True)
class HttpRegisters:
    """``RegisterPort`` over HTTP; one per application.

    Attributes:
        base_url: where the registers are; ``None`` where none is configured, and every part
            is then unavailable.
        timeout_seconds: for one question, from connecting to the last byte.
    """

    base_url: str | None
    timeout_seconds: float
    _clients: dict[RegisterName, httpx.AsyncClient] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # One pool a register: a slow one cannot take the connections of the others, and a small
        # pool is searched in half the time of one for all.
        self._clients = {
            register: httpx.AsyncClient(
                timeout=self.timeout_seconds,
                follow_redirects=False,  # a register never sends us elsewhere
                trust_env=False,  # no proxy by accident: questions name persons
                limits=httpx.Limits(max_connections=_CONNECTIONS_MAX),
            )
            for register in RegisterName
        }

    async def ask(self, *, register: RegisterName, request: RegisterRequest) -> Part:
        """Ask ``register``; see ``RegisterPort``."""
        if self.base_url is None:
            return Part(register=register, status=PartStatus.UNAVAILABLE, fault="not_configured")
        began = time.monotonic()
        status, fault, record = await self._outcome(register, request)
        asked_ms = round((time.monotonic() - began) * 1000, 1)
        if fault:
            log.warning(
                "register_failed", register=register.value, fault=fault, asked_ms=asked_ms,
                message_id=str(request.message_id),
            )  # fmt: skip
        return Part(register=register, status=status, asked_ms=asked_ms, fault=fault, record=record)

    async def _outcome(
        self, register: RegisterName, request: RegisterRequest
    ) -> tuple[PartStatus, str, dict[str, object] | None]:
        try:
            async with asyncio.timeout(self.timeout_seconds):
                content = await self._fetch(register, request)
            status, record = read_answer(content, register=register, request=request)
        except (TimeoutError, httpx.TimeoutException):
            return PartStatus.TIMED_OUT, "timed_out", None
        except httpx.HTTPError as error:
            return PartStatus.UNAVAILABLE, f"transport.{type(error).__name__}", None
        except _Unusable as error:
            return PartStatus.UNAVAILABLE, str(error), None
        except AnswerNotValid:
            return PartStatus.UNAVAILABLE, "answer_not_valid", None
        plain = None if record is None else record.model_dump(mode="json")
        return _STATUS[status], "", plain

    async def _fetch(self, register: RegisterName, request: RegisterRequest) -> bytes:
        url = f"{str(self.base_url).rstrip('/')}{PATH.format(register=register.value)}"
        body = request.model_dump_json(exclude_none=True)
        headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        client = self._clients[register]
        async with client.stream("POST", url, content=body, headers=headers) as answer:
            if answer.status_code != httpx.codes.OK:
                raise _Unusable(f"http_{answer.status_code}")
            content = bytearray()
            async for piece in answer.aiter_raw():  # raw: nothing is unpacked beyond the limit
                content += piece
                if len(content) > ANSWER_BYTES_MAX:
                    raise _Unusable("answer_too_large")
            return bytes(content)

    async def aclose(self) -> None:
        """Close the clients' connections."""
        for client in self._clients.values():
            await client.aclose()


@asynccontextmanager
async def open_registers(settings: Settings) -> AsyncIterator[RegisterPort]:
    """Yield the adapter of one process; its connections are given back at the end."""
    registers = HttpRegisters(
        base_url=None if settings.registers_url is None else str(settings.registers_url),
        timeout_seconds=settings.register_timeout_seconds,
    )
    try:
        yield registers
    finally:
        await registers.aclose()
