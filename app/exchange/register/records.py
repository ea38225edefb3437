"""The registers of other bodies. Nothing else in the server may ask them.

The adapter decides nothing: it asks, and says what became of the question. Limits of time and
size and the form of the answer are the channel's affair; see ``channel``. It never repeats a
question that may have been sent.
"""

import functools
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, Protocol

import structlog

from app.exchange.register.addresses import channels_of
from app.exchange.register.channel import Channel, Question, Unusable
from app.exchange.register.smartbridge import bus_of
from app.exchange.rules.requests import Part, PartStatus
from app.exchange.wire.registers import (
    ANSWER_BYTES_MAX,
    PATH,
    RECORD_OF,
    AnswerStatus,
    Record,
    RegisterName,
    RegisterRequest,
    read_answer,
)
from app.settings import Settings

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


@dataclass(frozen=True, kw_only=True)
class Registers:
    """``RegisterPort`` over the channels of the settings; one per application.

    A register without a channel is not configured, and its part is unavailable.
    """

    channels: Mapping[RegisterName, Channel] = field(repr=False)

    async def ask(self, *, register: RegisterName, request: RegisterRequest) -> Part:
        """Ask ``register``; see ``RegisterPort``."""
        channel = self.channels.get(register)
        if channel is None:
            return Part(register=register, status=PartStatus.UNAVAILABLE, fault="not_configured")
        began = time.monotonic()
        status, fault, record = await self._outcome(channel, register, request)
        asked_ms = round((time.monotonic() - began) * 1000, 1)
        if fault:
            log.warning(
                "register_failed", register=register.value, fault=fault, asked_ms=asked_ms,
                message_id=str(request.message_id),
            )  # fmt: skip
        return Part(register=register, status=status, asked_ms=asked_ms, fault=fault, record=record)

    async def _outcome(
        self, channel: Channel, register: RegisterName, request: RegisterRequest
    ) -> tuple[PartStatus, str, dict[str, object] | None]:
        try:
            status, record = await channel.ask(_question(register, request))
        except Unusable as error:
            fault = str(error)
            silent = fault == "timed_out"
            return PartStatus.TIMED_OUT if silent else PartStatus.UNAVAILABLE, fault, None
        plain = None if record is None else record.model_dump(mode="json")
        return _STATUS[status], "", plain


def _question(
    register: RegisterName, request: RegisterRequest
) -> Question[tuple[AnswerStatus, Record | None]]:
    return Question(
        register=register.value,
        path=PATH.format(register=register.value),
        message_id=request.message_id,
        request=request,
        record_key="record",
        record_form=RECORD_OF[register],
        bytes_max=ANSWER_BYTES_MAX,
        read=functools.partial(read_answer, register=register, request=request),
    )


@asynccontextmanager
async def open_registers(settings: Settings) -> AsyncIterator[RegisterPort]:
    """Yield the adapter of one process; its connections are given back at the end.

    Raises:
        RegisterNotKnown, BusNotReady: the settings cannot be followed.
    """
    channels = channels_of(
        RegisterName,
        settings=settings,
        common=settings.registers_url,
        repeats_max=0,
        bus=bus_of(settings),
    )
    async with AsyncExitStack() as stack:
        for channel in channels.values():
            stack.push_async_callback(channel.aclose)
        yield Registers(channels=channels)
