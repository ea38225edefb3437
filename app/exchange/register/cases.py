"""The registers that confirm a case. Nothing else in the server may ask them.

The adapter asks and carries the answer to ``rules.cases``, which decides. It repeats a question
only where it never left this machine.
"""

import functools
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID, uuid4

import structlog
from pydantic import ValidationError

from app.clock import utc_now
from app.exchange.register.addresses import channels_of
from app.exchange.register.channel import Channel, Question, Unusable
from app.exchange.register.smartbridge import bus_of
from app.exchange.rules.cases import CaseQuestion, CaseReply, CaseVerdict, judge_case
from app.exchange.wire.cases import (
    ANSWER_BYTES_MAX,
    PATH,
    CaseQuery,
    CaseRecord,
    CaseRegister,
    CaseRequest,
    CaseRequester,
    CaseStatus,
    read_case,
)
from app.settings import Settings

__all__ = ["CaseQuestion", "CaseRegisterPort", "CaseRegisters", "CaseReply", "open_case_registers"]

log = structlog.get_logger(__name__)


class CaseRegisterPort(Protocol):
    """Asks one register of cases whether a case is in an officer's work."""

    async def confirm(self, question: CaseQuestion) -> CaseReply:
        """Return the verdict on ``question`` within the register's limit of seconds.

        Never raises for anything the far end does: silence, a refused connection and an answer
        that cannot be believed are all ``UNAVAILABLE``, which confirms nothing.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class CaseRegisters:
    """``CaseRegisterPort`` over the channels of the settings; one per application."""

    channels: Mapping[CaseRegister, Channel] = field(repr=False)
    clock: Callable[[], datetime] = utc_now

    async def confirm(self, question: CaseQuestion) -> CaseReply:
        """Ask; see ``CaseRegisterPort``."""
        message_id = uuid4()
        channel = self.channels.get(question.register)
        if channel is None:
            return CaseReply(
                verdict=CaseVerdict.UNAVAILABLE, fault="not_configured", message_id=message_id
            )
        try:
            request = self._request(question, message_id)
        except ValidationError:  # a number that no register could have given
            return CaseReply(
                verdict=CaseVerdict.REFUSED, fault="question_not_valid", message_id=message_id
            )
        began = time.monotonic()
        try:
            status, case = await channel.ask(_asked(question.register, request))
        except Unusable as error:
            reply = CaseReply(
                verdict=CaseVerdict.UNAVAILABLE,
                asked_ms=_since(began),
                fault=str(error),
                message_id=message_id,
            )
            log.warning(
                "case_register_failed", register=question.register.value, fault=reply.fault,
                asked_ms=reply.asked_ms, message_id=str(message_id),
            )  # fmt: skip
            return reply
        verdict = judge_case(question, status=status, case=case)
        confirmed = verdict is CaseVerdict.CONFIRMED and case is not None
        return CaseReply(
            verdict=verdict,
            articles=case.articles if confirmed and case is not None else (),
            asked_ms=_since(began),
            message_id=message_id,
        )

    def _request(self, question: CaseQuestion, message_id: UUID) -> CaseRequest:
        return CaseRequest(
            message_id=message_id,
            message_at=self.clock(),
            requester=CaseRequester(
                department_bin=question.department_bin, officer_iin=question.officer_iin
            ),
            query=CaseQuery(
                number=question.number,
                kind=question.kind,
                year=question.year,
                court=question.court,
                order_number=question.order_number,
            ),
        )


def _asked(
    register: CaseRegister, request: CaseRequest
) -> Question[tuple[CaseStatus, CaseRecord | None]]:
    return Question(
        register=register.value,
        path=PATH.format(register=register.value),
        message_id=request.message_id,
        request=request,
        record_key="case",
        record_form=CaseRecord,
        bytes_max=ANSWER_BYTES_MAX,
        read=functools.partial(read_case, register=register, request=request),
    )


def _since(began: float) -> float:
    return round((time.monotonic() - began) * 1000, 1)


@asynccontextmanager
async def open_case_registers(settings: Settings) -> AsyncIterator[CaseRegisterPort]:
    """Yield the adapter of one process; its connections are given back at the end.

    Raises:
        RegisterNotKnown, BusNotReady: the settings cannot be followed.
    """
    channels = channels_of(
        CaseRegister,
        settings=settings,
        common=settings.case_registers_url,
        repeats_max=settings.register_repeats_max,
        bus=bus_of(settings),
    )
    async with AsyncExitStack() as stack:
        for channel in channels.values():
            stack.push_async_callback(channel.aclose)
        yield CaseRegisters(channels=channels)
